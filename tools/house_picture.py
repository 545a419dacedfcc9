"""The picture of the house: packages on the floors that `pyproject.toml` keeps, and the imports between them."""

from __future__ import annotations

import re
import tomllib
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGE = "handgrad"
WIDTH, HEIGHT, GAP, FLOOR, MARGIN = 104, 40, 14, 84, 16
"""Of a box, between boxes, from floor to floor, and around the picture."""


def floors() -> list[list[str]]:
    """The packages by floor, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = next(
        c for c in settings["tool"]["importlinter"]["contracts"] if c["type"] == "layers"
    )
    return [re.findall(r"\w+", floor) for floor in contract["layers"]]


def lines_of(name: str) -> int:
    """The lines of code of a package or module."""
    place = ROOT / "src" / PACKAGE / name
    files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    return sum(len(file.read_text("utf-8").splitlines()) for file in files)


def imports() -> set[tuple[str, str]]:
    """Who imports whom, by package."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found: set[tuple[str, str]] = set()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            one, two = (m.split(".")[1] if "." in m else "" for m in (module, other))
            if one and two and one != two:
                found.add((one, two))
    return found


def picture() -> str:
    """The picture as SVG."""
    rows = floors()
    widest = max(len(row) * (WIDTH + GAP) - GAP for row in rows)
    places = {
        name: (MARGIN + (widest - len(row) * (WIDTH + GAP) + GAP) / 2 + i * (WIDTH + GAP), MARGIN + k * FLOOR)
        for k, row in enumerate(rows)
        for i, name in enumerate(row)
    }  # fmt: skip
    drawn: list[str] = []
    for one, two in sorted(imports()):
        if one in places and two in places:
            (x1, y1), (x2, y2) = places[one], places[two]
            a, b = (x1 + WIDTH / 2, y1 + HEIGHT), (x2 + WIDTH / 2, y2)
            bend = max(20.0, (b[1] - a[1]) / 3)
            drawn.append(
                f'<path d="M{a[0]:g} {a[1]:g}C{a[0]:g} {a[1] + bend:g} {b[0]:g} {b[1] - bend:g} {b[0]:g} {b[1]:g}"/>'
            )
    boxes = [
        f'<g><rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{x + WIDTH / 2:g}" y="{y + 17:g}">{escape(name)}</text>'
        f'<text class="lines" x="{x + WIDTH / 2:g}" y="{y + 32:g}">{lines_of(name)} lines</text></g>'
        for name, (x, y) in places.items()
    ]
    width, height = widest + 2 * MARGIN, (len(rows) - 1) * FLOOR + HEIGHT + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">'
        "<title>The packages of handgrad and what they import</title><style>"
        "path{fill:none;stroke:#64748b;stroke-opacity:.35}"
        "rect{fill:#f8fafc;stroke:#475569}"
        "text{font:600 13px system-ui,sans-serif;text-anchor:middle;fill:#0f172a}"
        ".lines{font-weight:400;font-size:10px;fill:#475569}"
        f"</style>{''.join(drawn)}{''.join(boxes)}</svg>\n"
    )
