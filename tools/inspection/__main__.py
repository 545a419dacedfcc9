"""Makes every kind of page of eight problems, looks at each, and puts them on one contact sheet.

    python -m tools.inspection [PROBLEM…] [--out FOLDER] [--only KIND…] [--quick]

Needs handgrad with the extras `pdf` and `test`, and Chromium. Exits with 1 where something is found.
`--quick` makes no pictures.
"""

from __future__ import annotations

import argparse
import html
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import handgrad
from tools.browser import browser
from tools.gallery import Sheet, compressed, image, opened, ran, sheet
from tools.inspection.measures import Finding, on_paper, on_screen

PROBLEMS = ("lab9", "classes", "batch", "attention", "rnn", "conv", "xor", "softmax")

KINDS = {
    "solve": "solve {problem}",
    "gates": "gates {problem}",
    "questions": "questions {problem}",
    "compare": "compare {problem} --set rate=1",
    "verify": "verify {problem}",
    "why": "why {problem} {entry}",
    "check": "check {problem} {answers} --level worked",
    "practice": "practice {problem}",
    "train": "train {problem} --steps 10 --compare",
}
"""The commands whose pages are looked at; one that has nothing to say of a problem is left out."""

SCREENS = tuple((width, dark) for width in (390, 768, 1280) for dark in (False, True))
"""Widths in pixels, light and dark."""

DECKS = ("solve", "questions")


@dataclass(frozen=True, slots=True)
class Looked:
    """A page that was looked at: what it is called, what was found, and its picture where one is made."""

    name: str
    findings: list[Finding]
    picture: bytes = b""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.inspection", description=__doc__)
    parser.add_argument("problems", nargs="*", default=PROBLEMS)
    parser.add_argument("--out", type=Path, default=Path("inspection"))
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    looked: list[Looked] = []
    with TemporaryDirectory() as folder, browser() as chromium:
        for problem in options.problems:
            for kind in options.only:
                for page in pages(problem, kind, Path(folder), chromium, not options.quick):
                    looked.append(page)
                    print(f"{page.name}: {len(page.findings)} found")
                    for line in dict.fromkeys(map(str, page.findings)):
                        print(f"    {line}")
    if not options.quick:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "index.html").write_text(contact_sheet(looked, options.out), "utf-8")
    found = sum(len(page.findings) for page in looked)
    print(f"{len(looked)} pages, {found} found")
    return int(bool(found))


def pages(problem: str, kind: str, folder: Path, chromium: Any, pictured: bool) -> Iterator[Looked]:
    """One kind of page of a problem on each screen, on each paper, and as slides."""
    words = KINDS[kind].format(problem=problem, **work(problem, folder)).split()
    path = folder / f"{problem}-{kind}.html"
    made(words, path)
    if not path.exists():
        return  # it has nothing to say of this problem
    for width, dark in SCREENS:
        tab = opened(path, chromium, width, 900, dark)
        tab.evaluate("document.querySelectorAll('.step').forEach(e => e.style.contentVisibility = 'visible')")  # fmt: skip
        picture = compressed(image(tab.screenshot(full_page=True))) if pictured else b""
        name = f"{problem} {kind} {width}{' dark' if dark else ''}"
        yield Looked(name, on_screen(tab), picture)
        tab.close()
    for paper in ("a4", "letter"):
        printed = folder / f"{problem}-{kind}-{paper}.pdf"
        made([*words, "--paper", paper], printed)
        yield Looked(f"{problem} {kind} {paper}", on_paper(printed), _leaves(printed, pictured))
    if kind in DECKS:
        printed = folder / f"{problem}-{kind}-slides.pdf"
        made([*words, "--as", "slides"], printed)
        found = on_paper(printed, slides=True)
        yield Looked(f"{problem} {kind} slides", found, _leaves(printed, pictured))


def made(words: Sequence[str], path: Path) -> None:
    """Writes a page, if the command has one; `check` ends with 1 where it finds a mistake."""
    with suppress(SystemExit):
        ran(["handgrad", *words, "-o", path.name], path.parent)


def work(problem: str, folder: Path) -> dict[str, str]:
    """An entry of a gradient to ask about, and a file of answers with a right and a wrong one in it."""
    trace = handgrad.solve(handgrad.load(problem))
    (first, *_), (name, *_) = trace.graph.equations, trace.problem.parameters
    gradient = np.asarray(trace.gradients[name])
    answers = {
        first: np.asarray(trace.values[first]).tolist(),
        f"d{name}": (-gradient).tolist(),
    }
    (folder / f"{problem}.json").write_text(json.dumps(answers), "utf-8")
    at = ",".join("0" * gradient.ndim)
    return {"entry": f"d{name}[{at}]" if at else f"d{name}", "answers": f"{problem}.json"}


def _leaves(path: Path, pictured: bool) -> bytes:
    if not pictured:
        return b""
    import pymupdf

    reader: Any = pymupdf.open
    with reader(path) as pdf:
        count = len(pdf)
    return compressed(sheet(path, Sheet(tuple(range(count)), min(4, count))))


def contact_sheet(looked: Sequence[Looked], folder: Path) -> str:
    """A page with all the pictures, each with what was found on it; the pictures are written beside it."""
    parts = []
    for number, page in enumerate(looked):
        (folder / f"{number}.webp").write_bytes(page.picture)
        found = "".join(f"<li>{html.escape(str(each))}</li>" for each in page.findings[:12])
        parts.append(
            f'<figure><a href="{number}.webp"><img src="{number}.webp" alt="" loading="lazy"></a>'
            f"<figcaption>{html.escape(page.name)}<ul>{found}</ul></figcaption></figure>"
        )
    style = (
        "body{display:flex;flex-wrap:wrap;gap:1rem;font:12px sans-serif;background:#888}"
        "figure{margin:0;width:18rem;background:#fff;padding:.5rem}"
        "img{width:100%;max-height:30rem;object-fit:cover;object-position:top}"
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>All pages</title>'
        f"<style>{style}</style>{''.join(parts)}</html>"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
