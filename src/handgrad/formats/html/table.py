"""Tables as HTML, the figures of a column aligned at the decimal point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from handgrad import expression as tree
from handgrad.expression import Expression, number
from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.markup import quantity
from handgrad.formats.mathematics.relation import in_cell
from handgrad.page.blocks import Quantity, Table, Text

_ALIGNED = {"l": "", "c": ' class="centre"', "r": ' class="right"'}


class WrittenTable(NamedTuple):
    """The markup of a table: what stands above its rows, and each of them."""

    head: str
    rows: Sequence[str]


def table(block: Table, writer: HtmlWriter) -> str:
    """The table in a box of its own, which scrolls where it is wider than the page."""
    return whole(written_table(block, writer))


def whole(written: WrittenTable) -> str:
    """A table that has been written."""
    return boxed(written.head, f"<tbody>{''.join(written.rows)}</tbody>")


def boxed(head: str, bodies: str) -> str:
    """What stands above the rows of a table, and its bodies with the rows."""
    return f'<div class="table"><table>{head}{bodies}</table></div>'


def written_table(block: Table, writer: HtmlWriter) -> WrittenTable:
    """The parts of a table."""
    caption = f"<caption>{writer.text(block.caption)}</caption>" if block.caption else ""
    kinds = [
        _ALIGNED[block.align[k] if k < len(block.align) else "l"] for k in range(len(block.header))
    ]
    head = "".join(
        f'<th scope="col"{kind}>{writer.text(text)}</th>'
        for kind, text in zip(kinds, block.header, strict=True)
    )
    columns = [_numbers(block, k, writer) for k in range(len(block.header))]
    rows = [
        "<tr>"
        + "".join(
            f"<td{kind}>{columns[k][i] or _cell(block, k, row, writer)}</td>"
            for k, (kind, cell) in enumerate(zip(kinds, row, strict=True))
        )
        + "</tr>"
        for i, row in enumerate(block.rows)
    ]
    head = f"<thead><tr>{head}</tr></thead>" if any(block.header) else ""
    return WrittenTable(caption + head, rows)


def _cell(block: Table, k: int, row: tuple[Text, ...], writer: HtmlWriter) -> str:
    cell = row[k]
    if len(cell) == 1 and isinstance(only := cell[0], Expression):
        if isinstance(only, tree.Literal):
            pen = replace(writer.pen, names={id(only): _named(row)})
            drawn = pen.text(in_cell(only, pen.formula(), block.marks(k, cell)))
            return _math(drawn, block.result(k, cell))
        return writer.formula(only)
    return writer.references(cell)


def _named(row: tuple[Text, ...]) -> str:
    """What the numbers of a row are called: what its first cell names."""
    first = row[0] if row else ()
    return quantity(first[0]) if len(first) == 1 and isinstance(first[0], Expression) else ""


def _numbers(block: Table, k: int, writer: HtmlWriter) -> list[str]:
    """The cells of a column of lone numbers, padded to its decimal point; else empty ones."""
    found = [row[k][0] if len(row[k]) == 1 else "" for row in block.rows]
    literals = [x for x in found if isinstance(x, tree.Literal) and number(x) is not None]
    if len(literals) < len(block.rows):
        return [""] * len(block.rows)
    names = [_named(row) if k else "" for row in block.rows]
    marks = [block.marks(k, row[k]).get((), "") for row in block.rows]
    drawn = writer.pen.column(literals, names, marks)
    return [_math(d, block.result(k, r[k])) for d, r in zip(drawn, block.rows, strict=True)]


def _math(drawn: str, kind: Quantity | None) -> str:
    """A formula, in the colour of what it is the result of."""
    return f'<math><mrow class="{kind}">{drawn}</mrow></math>' if kind else f"<math>{drawn}</math>"
