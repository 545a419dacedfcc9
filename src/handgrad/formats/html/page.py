"""A page as one HTML file: its blocks in sections, each step a section of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from handgrad.formats.html.document import Contents, deck, document
from handgrad.formats.html.figure import figure
from handgrad.formats.html.legend import legend
from handgrad.formats.html.packing import Stretch, joined
from handgrad.formats.html.relation import derivation, together, written
from handgrad.formats.html.room import room
from handgrad.formats.html.table import table, whole, written_table
from handgrad.formats.html.text import HtmlWriter, anchor
from handgrad.formats.live import Live
from handgrad.formats.markup import plain
from handgrad.formats.style import Style
from handgrad.page.blocks import (
    Block,
    Code,
    Columns,
    Derivation,
    Document,
    Figure,
    Heading,
    Legend,
    Note,
    NoteKind,
    Paragraph,
    Room,
)
from handgrad.page.blocks import Table as TableBlock

SIGNS: dict[NoteKind, str] = {
    "gate": "Gate shut",
    "warning": "Take care",
    "check": "Checked",
    "info": "Note",
}
"""What the sign of a note says to whoever cannot see it."""

END = "</section>"


def render_html(page: Document) -> str:
    """The page as one HTML file that asks nothing of any other.

    Everything is there without JavaScript; with it, the reader goes from step to step, guesses
    results before they are shown, sees a quantity light up wherever it stands, and opens a
    single entry of a result. A page of slides becomes a deck.
    """
    blocks = list(_flat(page.blocks))
    sections = _Sections(HtmlWriter.of(Style.of(page)), _steps(blocks))
    if page.layout == "slides":
        return deck(page.title, [sections.body(slide) for slide in _slides(page.blocks)])
    main = joined(sections.parts(_pictures_first(page.blocks)))
    return document(page.title, main, sections.contents)


def render_live(page: Document, live: Live, prefix: str = "") -> str:
    """What stands in the main part of a page that is edited.

    Its figures say what they are of (`handgrad.formats.live`); nothing of it waits packed. The ids of its sections
    begin with `prefix`, for several pages to stand in one document.
    """
    return _live_sections(page, live, prefix).body(_pictures_first(page.blocks))


def _live_sections(page: Document, live: Live, prefix: str = "") -> _Sections:
    style = replace(Style.of(page), live=live)
    steps = _steps(list(_flat(page.blocks)), prefix)
    return _Sections(HtmlWriter.of(style), steps, prefix=prefix)


def live_parts(page: Document, live: Live) -> list[tuple[str, str]]:
    """The same in parts, each with a key of what it says: a step, or a block that stands outside of the steps.

    The element of a part has its key too, as `data-part`, so that whoever has the page as it was knows which parts stand
    there already. What several parts lie in, the beginning and the end of a section, has no key.
    """
    parts: list[tuple[str, str]] = []
    step: list[str] = []
    open_sections = 0
    for part in _live_sections(page, live).parts(_pictures_first(page.blocks)):
        begins = isinstance(part.block, Heading) and part.block.level > (1 if step else 2)
        open_sections += begins
        if open_sections:
            step.append(part.html)
            open_sections -= part.html == END
            if not open_sections:
                parts.append(_keyed("".join(step)))
                step = []
        else:
            whole = part.block is not None and not isinstance(part.block, Heading | Room)
            parts.append(_keyed(part.html) if whole else ("", part.html))
    return parts


def _keyed(html: str) -> tuple[str, str]:
    key = hashlib.blake2b(html.encode(), digest_size=6).hexdigest()
    tag = _TAG.search(html)
    assert tag is not None
    return key, f'{html[: tag.end()]} data-part="{key}"{html[tag.end() :]}'


_TAG = re.compile(r"<\w+")


def _pictures_first(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with a picture at the end of steps put before them, to stand beside them."""
    placed: list[Block] = []
    begun, steps = 0, False
    for block in (*blocks, Heading((), 1)):
        if isinstance(block, Heading) and block.level < 3:
            if steps and isinstance(placed[-1], Figure):
                placed.insert(begun, placed.pop())
            begun, steps = len(placed) + 1, False
        elif isinstance(block, Heading):
            steps = steps or bool(block.id)
        placed.append(block)
    return placed[:-1]


def _flat(blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Columns):
            for column in block.columns:
                yield from _flat(column)


def _steps(blocks: Sequence[Block], prefix: str = "") -> list[dict[str, str]]:
    """The places of the steps by their numbers: those before the first heading of level 1, then under each.

    The same number again, on another sheet, has another place.
    """
    parts: list[dict[str, str]] = [{}]
    used: dict[str, int] = {}
    for block in blocks:
        if isinstance(block, Heading) and block.level == 1:
            parts.append({})
        elif isinstance(block, Heading) and block.id:
            wanted = prefix + anchor(block.id)
            used[wanted] = count = used.get(wanted, 0) + 1
            parts[-1].setdefault(block.id, wanted if count == 1 else f"{wanted}-{count}")
    return parts


def _slides(blocks: Sequence[Block]) -> list[list[Block]]:
    """The blocks of each slide: one begins at every heading of level 1 or 2."""
    slides: list[list[Block]] = []
    for block in blocks:
        if not slides or (isinstance(block, Heading) and block.level < 3):
            slides.append([])
        slides[-1].append(block)
    return slides


@dataclass(slots=True)
class _Sections:
    """Writes blocks as nested sections, and lists what a reader may go to."""

    writer: HtmlWriter
    steps: list[dict[str, str]]
    contents: list[Contents] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)
    titles: int = 0
    prefix: str = ""

    def __post_init__(self) -> None:
        self.writer = replace(self.writer, steps=self.steps[0])

    def body(self, blocks: Sequence[Block]) -> str:
        """Blocks one under the other; headings of level 2 and 3 begin sections."""
        return "".join(part.html for part in self.parts(blocks))

    def parts(self, blocks: Sequence[Block]) -> list[Stretch]:
        """The same in parts, each with the step that it lies in."""
        parts: list[Stretch] = []
        around: list[int] = []  # the levels of the sections that a block lies in
        count = step = 0  # the steps so far, and the one around
        for block in (*blocks, None):
            if isinstance(block, Derivation):
                relations = written(block, self.writer)
                parts.append(Stretch(together(block.relations, relations), step, block, relations))
                continue
            if isinstance(block, TableBlock):
                lines = written_table(block, self.writer)
                parts.append(Stretch(whole(lines), step, block, table=lines))
                continue
            if not isinstance(block, Heading | None):
                parts.append(Stretch(self.block(block), step, block))
                continue
            while around and (block is None or around[-1] >= block.level):
                around.pop()
                step = step if any(level > 2 for level in around) else 0
                parts.append(Stretch(END, step))
            if block is None:
                break
            if block.level > 1:
                around.append(block.level)
            parts.append(Stretch(self._heading(block, len(around) + 1), step, block))
            if block.level > 2 and block.id and not (step or block.answer):
                count = step = count + 1
        return parts

    def _heading(self, heading: Heading, depth: int) -> str:
        """A heading, and from level 2 on the section that it begins.

        Where it leaves out a level it tells a screen reader at what `depth` it stands.
        """
        text = self.writer.text(heading.text)
        if heading.level == 1:
            return self._title(heading, text)
        step = bool(heading.id)
        place = self._place(anchor(heading.id) if step else f"part-{len(self.contents) + 1}")
        self.contents.append(Contents(place, heading.level, heading.id, text, heading.text))
        number = f'<span class="number">{plain(heading.id)}</span> ' if step else ""
        aside = (
            f'<p class="uses">{self.writer.references(heading.aside)}</p>' if heading.aside else ""
        )
        kind = "step" if heading.level > 2 else "phase"
        kind += " answer" if heading.answer else ""
        tag = f"h{min(heading.level, 6)}"
        level = f' aria-level="{depth}"' if depth < heading.level else ""
        return (
            f'<section class="{kind}" id="{place}" aria-labelledby="{place}-title">'
            f'<{tag} id="{place}-title"{level}>{number}{text}</{tag}>{aside}'
        )

    def _title(self, heading: Heading, text: str) -> str:
        """A heading of level 1: where there are several, each begins contents of its own."""
        number = self.titles = self.titles + 1
        self.writer = replace(self.writer, steps=self.steps[number])
        if len(self.steps) <= 2:
            return f"<h1>{text}</h1>"
        place = self._place(f"sheet-{number}")
        self.contents.append(Contents(place, 1, "", text, heading.text))
        return f'<h1 id="{place}">{text}</h1>'

    def _place(self, wanted: str) -> str:
        """An id that no other section has."""
        wanted = "-".join(plain(self.prefix + wanted).split())
        count = self.used.get(wanted, 0)
        self.used[wanted] = count + 1
        return f"{wanted}-{count + 1}" if count else wanted

    def block(self, block: Block) -> str:
        """One block."""
        writer = self.writer
        match block:
            case Heading():
                raise AssertionError("a heading begins a section")
            case Paragraph():
                return f"<p>{writer.references(block.text)}</p>"
            case Derivation():
                return derivation(block, writer)
            case Legend():
                return legend(block)
            case TableBlock():
                return table(block, writer)
            case Note():
                return self._note(block)
            case Figure():
                return figure(block, writer)
            case Code():
                source = plain(block.source.rstrip("\n"))
                return f'<pre tabindex="0"><code class="{block.language}">{source}</code></pre>'
            case Room():
                return room(block)
            case Columns():
                shares = " ".join(f"minmax(0, {share:g}fr)" for share in block.shares)
                style = f' style="--shares: {shares}"' if shares else ""
                columns = "".join(
                    f'<div class="column">{self.body(c)}</div>' for c in block.columns
                )
                return f'<div class="columns"{style}>{columns}</div>'
            case _:
                assert_never(block)

    def _note(self, note: Note) -> str:
        derivations = "".join(derivation(d, self.writer) for d in note.derivations)
        return (
            f'<div class="note {note.kind}"><p><span class="sign" role="img" '
            f'aria-label="{SIGNS[note.kind]}"></span>{self.writer.references(note.text)}</p>'
            f"{derivations}</div>"
        )
