"""What is measured of a page on a screen and on paper, and what is too little or too much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

Fault: TypeAlias = Literal[
    "letter",  # a letter under 9 pixels or 7 points, an index under 7 or 5.5
    "overlap",  # two labels of a picture, or two texts on paper, on one another
    "clipped",  # a text that is cut off
    "cropped",  # a picture of which a part has to be scrolled into view
    "scrolls",  # mathematics or a table of which a part has to be scrolled into view
    "wide",  # a page wider than the screen
    "contrast",  # text that WCAG's level AA wants to be told better from its ground
    "order",  # headings that leave out a level, a page without one main part
    "empty",  # a page of paper that is not the last, or a slide, with too little on it
    "full",  # a slide with more on it than it holds
]

LETTER, INDEX = 7.0, 5.5
"""The smallest letters on paper, in points; those on a screen are in `measure.js`."""

ASCENT, DESCENT = 0.7, 0.2
"""How far letters reach above and below the baseline, beside the size of the type."""

MEETING = 0.3
"""The part of the narrower, and of the lower, of two letters on one another that they have in common."""

TUCKED = 0.45
"""The part of a slanted letter's width that its index may stand under."""

SLACK = 0.05
"""Sizes are compared to so much."""

LEAST_PAGE, LEAST_SLIDE = 0.6, 0.25
"""The part of a page's height that is used, at least."""

MARGINS = 0.08
"""The part of a page's height at its top, and at its bottom, where heads and numbers of pages stand."""

_SCRIPT = Path(__file__).with_name("measure.js")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: where it is, what stands there, and its size in pixels, points, a ratio or a part."""

    fault: Fault
    where: str
    says: str
    size: float

    def __str__(self) -> str:
        return f"{self.fault:9} {self.size:8.1f}  {self.where}: {self.says!r}"


def on_screen(tab: Tab) -> list[Finding]:
    """The faults of the page that a browser shows, in the width and the scheme that it has."""
    found = tab.evaluate(_SCRIPT.read_text("utf-8"))
    return [Finding(f["kind"], f["where"], f["says"], f["size"]) for f in found]


def on_paper(path: Path, *, slides: bool = False) -> list[Finding]:
    """The faults of a PDF: of sheets, or of slides."""
    import pymupdf

    reader: Any = pymupdf.open
    with reader(path) as pdf:
        last = len(pdf) - 1
        found: list[Finding] = []
        for number, page in enumerate(pdf):
            where = f"page {number + 1}"
            found += _small_letters(page, where)
            found += _overlaps(page, where)
            used = _used(page)
            if used < (LEAST_SLIDE if slides else LEAST_PAGE) and (slides or number != last):
                found.append(Finding("empty", where, "", used))
            if slides and used > 1:
                found.append(Finding("full", where, "", used))
    return found


def _spans(page: Any) -> list[Any]:
    blocks = page.get_text("dict")["blocks"]
    lines = [line for block in blocks for line in block.get("lines", ())]
    return [span for line in lines for span in line["spans"] if span["text"].strip()]


def _small_letters(page: Any, where: str) -> Iterator[Finding]:
    spans = _spans(page)
    for span in (s for s in spans if any(c.isalnum() for c in s["text"])):
        least = INDEX if any(_is_index(span, other) for other in spans) else LETTER
        if span["size"] < least - SLACK:
            yield Finding("letter", where, span["text"].strip(), round(span["size"], 1))


def _is_index(span: Any, beside: Any) -> bool:
    """Whether a piece of text stands as an index at another."""
    left, top, _, bottom = span["bbox"]
    _, other_top, right, other_bottom = beside["bbox"]
    near = -1 <= left - right < 3
    raised = abs((top + bottom) - (other_top + other_bottom)) / 2 < beside["size"]
    return bool(near and raised and beside["size"] > 1.2 * span["size"])


def _overlaps(page: Any, where: str) -> Iterator[Finding]:
    """Letters and digits that stand on one another, each as high as its line."""
    blocks = page.get_text("rawdict")["blocks"]
    spans = [s for block in blocks for line in block.get("lines", ()) for s in line["spans"]]
    letters = [
        (y - ASCENT * span["size"], y + DESCENT * span["size"], *each["bbox"][::2], each["c"], y)
        for span in spans
        for each in span["chars"]
        for _, y in [each["origin"]]
        if each["c"].isalnum()
    ]
    letters.sort()
    for n, (top, bottom, left, right, letter, y) in enumerate(letters):
        for other_top, other_bottom, other_left, other_right, other, other_y in letters[n + 1 :]:
            if other_top >= bottom:
                break
            wide = min(right, other_right) - max(left, other_left)
            high = min(bottom, other_bottom) - other_top
            least_wide = MEETING * min(right - left, other_right - other_left)
            least_high = MEETING * min(bottom - top, other_bottom - other_top)
            # An index may stand under the slanted side of its letter.
            tucked = other_y > y and other_bottom - other_top < 0.85 * (bottom - top)
            tucked = tucked and other_left > right - TUCKED * (right - left)
            if wide > least_wide and high > least_high and not tucked:
                yield Finding("overlap", where, f"{letter} / {other}", round(high, 1))


def _used(page: Any) -> float:
    """The part of a page's height, between its head and its foot, down to which something stands."""
    height = page.rect.height
    top, bottom = MARGINS * height, (1 - MARGINS) * height
    ends = [span["bbox"][3] for span in _spans(page) if top < span["bbox"][1] < bottom]
    # A rule down the whole page stands between two columns, whatever is in them.
    drawn = (each["rect"] for each in page.get_drawings())
    ends += [r.y1 for r in drawn if top < r.y0 and r.y1 < bottom and r.height < 0.6 * height]
    return float((max(ends, default=top) - top) / (bottom - top))
