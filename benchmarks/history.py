"""The table in the documents that says, by commit, how long handgrad's own work takes beside an older checkout.

`python -m benchmarks --against PATH --history` measures, and puts in the row of the commit that is checked out.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import Figure

PAGE = Path(__file__).parents[1] / "docs" / "engine.md"
BEGIN, END = "<!-- history -->\n", "<!-- end of history -->\n"


def kept(figures: Sequence[Figure], path: Path) -> None:
    """Writes the row of the commit that is checked out here, against that of the checkout at `path`."""
    page = PAGE.read_text("utf-8")
    before, table, after = re.split(f"{BEGIN}|{END}", page)
    PAGE.write_text(before + BEGIN + with_row(table, figures, _commit(path), _commit(PAGE.parent)) + END + after, "utf-8")  # fmt: skip


def with_row(table: str, figures: Sequence[Figure], against: str, commit: str) -> str:
    """The table with a row for a commit, in the place of the one that it had.

    Rows of other commits stay under their columns; a table against another checkout begins anew.
    """
    first = f"commit, against {against}"
    names, *told = [_cells(line) for line in table.splitlines() if line] or [[]]
    others = [row for row in told[1:] if first in names and row[0] != commit]
    rows = [dict(zip(names, row, strict=True)) for row in others]
    rows.append({first: commit, **{figure.name: f"{figure.ratio:.2f}" for figure in figures}})
    heads = list(dict.fromkeys([first, *rows[-1], *(name for row in rows for name in row)]))
    lines = [heads, ["---"] * len(heads), *([row.get(head, "") for head in heads] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _commit(path: Path) -> str:
    told = subprocess.run(
        ["git", "-C", str(path), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()
