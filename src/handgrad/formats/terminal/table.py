"""Tables with light rules, their columns narrowed until they fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from handgrad.expression import Expression, number
from handgrad.figures import figure
from handgrad.figures import padded as at_points
from handgrad.formats.mathematics.relation import in_cell
from handgrad.formats.terminal.box import (
    Box,
    beside,
    cut,
    line,
    padded,
    restyled,
    stacked,
    to_width,
)
from handgrad.formats.terminal.fit import fitted
from handgrad.formats.terminal.pen import TerminalPen
from handgrad.formats.terminal.text import single_line, words, wrapped
from handgrad.page.blocks import Mark, Table, Text

Marks: TypeAlias = Mapping[tuple[int, ...], Mark]

NO_MARKS: Marks = {}

Cell: TypeAlias = Text | Box
"""What a cell holds, or the number in it as it is drawn."""


def table_lines(table: Table, pen: TerminalPen, width: int) -> list[Box]:
    """The table in lines of at most `width` columns, its caption above it."""
    caption = wrapped(table.caption, pen, width, "bold")
    count = len(table.header)
    rows = [_aligned_numbers(table, row, pen) for row in table.rows]
    natural = [
        max([single_line(table.header[k], pen).width, *(_natural(r[k], pen) for r in rows)])
        for k in range(count)
    ]
    least = [
        max([_least(table.header[k], pen), *(_least(r[k], pen) for r in rows)])
        for k in range(count)
    ]
    widths = _narrowed(natural, least, width - 3 * (count - 1) - 2)
    if widths is None:
        return caption + _listed(table, pen, width)
    headers = [wrapped(h, pen, w, "bold") for h, w in zip(table.header, widths, strict=True)]
    head = _row(headers, widths, table.align, pen)
    drawn: list[Box] = []
    for row, texts in zip(rows, table.rows, strict=True):
        marks = [table.marks(k, text) for k, text in enumerate(texts)]
        cells = [_cell(c, pen, w, m) for c, w, m in zip(row, widths, marks, strict=True)]
        told = [table.result(k, text) or "" for k, text in enumerate(texts)]
        styled = [[restyled(b, t) for b in c] for c, t in zip(cells, told, strict=True)]
        drawn.append(_row(styled, widths, table.align, pen))
    rule = _rule(widths, pen)
    tall = any(r.height > 1 for r in drawn)
    lines = [head, rule]
    for position, box in enumerate(drawn):
        lines += [rule, box] if tall and position else [box]
    return caption + lines


def _aligned_numbers(table: Table, row: tuple[Text, ...], pen: TerminalPen) -> list[Cell]:
    """A row whose lone numbers are padded to their column's decimal point."""
    cells: list[Cell] = []
    for k, text in enumerate(row):
        column = [_lone_number(r[k]) for r in table.rows]
        if all(x is not None for x in column):
            figures = [figure(x, pen.style.decimals) for x in column if x is not None]
            texts = at_points([pen.figure(f) for f in figures])
            mark = table.marks(k, text).get((), "")
            cells.append(line(texts[[r is row for r in table.rows].index(True)], mark))
        else:
            cells.append(text)
    return cells


def _lone_number(text: Text) -> float | None:
    return number(text[0]) if len(text) == 1 and isinstance(text[0], Expression) else None


def _natural(cell: Cell, pen: TerminalPen) -> int:
    return max((b.width for b in _cell(cell, pen, 10_000)), default=0)


def _cell(cell: Cell, pen: TerminalPen, width: int, marks: Marks = NO_MARKS) -> list[Box]:
    if isinstance(cell, Box):
        return cut(cell, width) or []
    if len(cell) == 1 and isinstance(only := cell[0], Expression):
        return fitted(in_cell(only, pen.formula(), marks), pen, width)
    return wrapped(cell, pen, width)


def _least(cell: Cell, pen: TerminalPen) -> int:
    """How far a cell may be narrowed: words stay whole, and so do formulas."""
    if isinstance(cell, Box) or (len(cell) == 1 and isinstance(cell[0], Expression)):
        return _natural(cell, pen)
    return max((b.width for b in words(cell, pen)), default=1)


def _narrowed(natural: Sequence[int], least: Sequence[int], room: int) -> list[int] | None:
    """The columns' widths with the widest made narrower until all fit; None where they cannot."""
    widths = list(natural)
    while sum(widths) > room:
        loose = [k for k, w in enumerate(widths) if w > least[k]]
        if not loose:
            return None
        widths[max(loose, key=widths.__getitem__)] -= 1
    return widths


def _row(
    cells: Sequence[Sequence[Box]], widths: Sequence[int], align: str, pen: TerminalPen
) -> Box:
    drawn = [stacked(lines or [line("")]) for lines in cells]
    height = max(c.height for c in drawn)
    bars = Box((line(f" {pen.glyphs.vertical} ", "dim").rows[0],) * height)
    parts: list[Box] = []
    for k, (cell, width) in enumerate(zip(drawn, widths, strict=True)):
        placed = to_width(cell, width, align[k] if k < len(align) else "l")
        parts += [bars, padded(Box(placed.rows), below=height - cell.height)]
    return padded(beside(*parts[1:]), left=1)


def _rule(widths: Sequence[int], pen: TerminalPen) -> Box:
    bar, cross = pen.glyphs.rule, pen.glyphs.cross
    return line(cross.join(bar * (w + 2) for w in widths), "dim")


def _listed(table: Table, pen: TerminalPen, width: int) -> list[Box]:
    """A table too wide for the page: each row as a list of its cells beside their headers."""
    heads = [single_line(h, pen, "dim") for h in table.header]
    column = max(h.width for h in heads)
    lines: list[Box] = []
    for row in table.rows:
        if lines:
            lines.append(line(pen.glyphs.rule * width, "dim"))
        for k, (header, head, cell) in enumerate(zip(table.header, heads, row, strict=True)):
            marks = table.marks(k, cell)
            drawn = _cell(cell, pen, max(1, width - column - 2), marks)
            if column <= width // 2 and len(drawn) < 2:
                body = stacked(drawn or [line("")])
                lines.append(
                    beside(Box(padded(to_width(head, column), right=2).rows), Box(body.rows))
                )
            else:
                lines += wrapped(header, pen, width, "dim")
                lines += [padded(b, left=2) for b in _cell(cell, pen, max(1, width - 2), marks)]
    return lines
