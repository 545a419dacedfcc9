"""Relations as Typst data: their sides in pieces, for the page to lay out by what it measures."""

from __future__ import annotations

from dataclasses import replace

from handgrad.expression import Expression
from handgrad.figures import Empty
from handgrad.formats.mathematics.arrays import elided, grid
from handgrad.formats.mathematics.nodes import Array, Evaluated, FigureText, Node, arrays
from handgrad.formats.mathematics.relation import are_given, sides
from handgrad.formats.typst.pen import COLUMNS, ROWS, Typ, TypstPen
from handgrad.formats.typst.source import array, string, words
from handgrad.formats.typst.text import content
from handgrad.page.blocks import Derivation, Relation

NARROWER = (6, 4)
"""Columns of an array shown where more would be too small to read."""


def derivation(block: Derivation, pen: TypstPen) -> str:
    """The relations one under the other; values alone beside each other."""
    relations = block.relations
    if are_given(relations):
        return f"#givens({array([_value(r, pen) for r in relations])})"
    return f"#derivation({array([_relation(r, pen) for r in relations])})"


def _value(relation: Relation, pen: TypstPen) -> str:
    formula = pen.formula()
    (only,) = sides(relation, formula)
    left = "" if relation.left is None else f"{_draw(relation.left, pen)} {_sign(relation)} "
    return f"${left}{pen.draw(only)}$"


def _draw(expression: Expression, pen: TypstPen) -> Typ:
    return pen.draw(pen.formula().node(expression))


def _sign(relation: Relation) -> str:
    return "arrow.l" if relation.sign == "←" else "eq"


def _relation(relation: Relation, pen: TypstPen) -> str:
    chain = sides(relation, pen.formula())
    last = chain[-1] if chain else None
    parts = [_forms(side, pen) for side in chain]
    left = "none" if relation.left is None else f"${_draw(relation.left, pen)}$"
    label = content(relation.label, pen) if relation.label else "none"
    aside = "none"
    if isinstance(last, Evaluated) and last.shape and pen.leaves_out(last):
        aside = f"text(fill: quiet, size: 0.86em, {string(last.shape)})"
    beside, apart = _remarks(relation, last, pen)
    return (
        f"(left: {left}, sign: ${_sign(relation)}$, label: {label}, parts: {array(parts)}, "
        f"beside: {beside}, apart: {apart}, aside: {aside})"
    )


def _forms(side: Node, pen: TypstPen) -> str:
    """One side in pieces; and again with less of its arrays, where they are wide."""
    # Places to fill in are all there, however small.
    blank = isinstance(side, Evaluated) and _is_blank(side.part)
    widest = 0 if blank else max([_columns(array) for array in arrays(side)], default=0)
    limits = [COLUMNS, *[n for n in NARROWER if widest > n]]
    return array([_pieces(side, replace(pen, columns_shown=limit)) for limit in limits])


def _columns(array: Array) -> int:
    rows = grid(array.literal, array.orientation)
    return len(rows[0]) if rows else 0


def _is_blank(part: FigureText | Array) -> bool:
    value = part.literal.value if isinstance(part, Array) else 0.0
    while isinstance(value, tuple) and value:
        value = value[0]
    return isinstance(value, Empty)


def _pieces(side: Node, pen: TypstPen) -> str:
    return array([f"({cost}, ${shown}$)" for cost, shown in pen.pieces(side)])


def _remarks(relation: Relation, result: Node | None, pen: TypstPen) -> tuple[str, str]:
    """The remarks as a column beside the result's rows, and as words for where that has no room."""
    remarks = relation.remarks
    if not remarks:
        return "none", "none"
    said = "; ".join(f"◁ {told}" for told in relation.told_remarks)
    apart = f"text(fill: shut, size: 0.86em, {words(said)})"
    part = result.part if isinstance(result, Evaluated) else None
    rows = grid(part.literal) if isinstance(part, Array) else ((),)
    shown = elided(len(rows or ()), pen.style.at_most(ROWS))
    if not rows or not all(row in shown for row in remarks):
        return "none", apart
    cells = [
        f"remark({string('◁ ' + remarks[i])})" if i is not None and i in remarks else '""'
        for i in shown
    ]
    return f"$thick mat(delim: #none, align: #left, {'; '.join(cells)})$", apart
