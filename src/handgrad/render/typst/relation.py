"""Relations as Typst data: their sides in pieces, for the page to lay out by what it measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from handgrad import expression as tree
from handgrad.expression import Expression
from handgrad.figures import Empty
from handgrad.page.blocks import Derivation, Relation
from handgrad.render.arrays import elided, grid
from handgrad.render.typst.parts import Typ
from handgrad.render.typst.pen import COLUMNS, ROWS, TypstPen
from handgrad.render.typst.source import array, string, words
from handgrad.render.typst.text import content

NARROWER = (6, 4)
"""Columns of an array shown where more would be too small to read."""


def derivation(block: Derivation, pen: TypstPen) -> str:
    """The relations one under the other; values alone beside each other."""
    relations = block.relations
    if len(relations) > 1 and all(_is_given(r) for r in relations):
        return f"#givens({array([_value(r, pen) for r in relations])})"
    return f"#derivation({array([_relation(r, pen) for r in relations])})"


def _is_given(relation: Relation) -> bool:
    """Whether it only says what a value is, in numbers."""
    return (
        len(relation.chain) == 1
        and isinstance(relation.chain[0], tree.Literal)
        and not (relation.label or relation.remarks or relation.marks)
    )


def _value(relation: Relation, pen: TypstPen) -> str:
    (only,) = relation.chain
    assert isinstance(only, tree.Literal)
    left = "" if relation.left is None else f"{pen.draw(relation.left)} {_sign(relation)} "
    return f"${left}{pen.result(only, {})}$"


def _sign(relation: Relation) -> str:
    return "arrow.l" if relation.sign == "←" else "eq"


def _relation(relation: Relation, pen: TypstPen) -> str:
    last = relation.chain[-1] if relation.chain else None
    parts = [_forms(e, relation, e is last, pen) for e in relation.chain]
    left = "none" if relation.left is None else f"${pen.draw(relation.left)}$"
    label = content(relation.label, pen) if relation.label else "none"
    aside = "none"
    if isinstance(last, tree.Literal) and pen.leaves_out(last) and relation.shape:
        shape = f"{relation.shape} entries" if relation.shape.isdigit() else relation.shape
        aside = f"text(fill: quiet, size: 0.86em, {string(shape)})"
    beside, apart = _remarks(relation, last, pen)
    return (
        f"(left: {left}, sign: ${_sign(relation)}$, label: {label}, parts: {array(parts)}, "
        f"beside: {beside}, apart: {apart}, aside: {aside})"
    )


def _forms(expression: Expression, relation: Relation, is_result: bool, pen: TypstPen) -> str:
    """One side in pieces; and again with less of its arrays, where they are wide."""
    marks = {index: mark for index, mark in relation.marks.items() if mark != "on"}

    def draw(pen: TypstPen) -> Typ:
        if isinstance(expression, tree.Literal) and (is_result or expression.cased):
            return pen.result(expression, marks if is_result else {})
        return pen.draw(expression)

    columns = _columns(expression)
    # Places to fill in are all there, however small.
    narrower = (
        () if isinstance(expression, tree.Literal) and _is_blank(expression.value) else NARROWER
    )
    limits = [COLUMNS, *[n for n in narrower if columns > n]]
    return array([_pieces(draw, replace(pen, columns_shown=limit)) for limit in limits])


def _is_blank(value: tree.Nested) -> bool:
    return _is_blank(value[0]) if isinstance(value, tuple) and value else isinstance(value, Empty)


def _pieces(draw: Callable[[TypstPen], Typ], pen: TypstPen) -> str:
    return array([f"({cost}, ${shown}$)" for cost, shown in draw(pen).parts])


def _columns(expression: Expression) -> int:
    """Columns of the widest array in a formula."""
    return max((_width(e) for e in tree.walk(expression) if isinstance(e, tree.Literal)), default=0)


def _width(literal: tree.Literal) -> int:
    rows = grid(literal) if isinstance(literal.value, tuple) else None
    return len(rows[0]) if rows else 0


def _remarks(relation: Relation, result: Expression | None, pen: TypstPen) -> tuple[str, str]:
    """The remarks as a column beside the result's rows, and as words for where that has no room."""
    remarks: Mapping[int, str] = relation.remarks
    if not remarks:
        return "none", "none"
    said = "; ".join(f"◁ {told}" for told in relation.told_remarks)
    apart = f"text(fill: shut, size: 0.86em, {words(said)})"
    value = result.value if isinstance(result, tree.Literal) else ()
    rows = grid(result) if isinstance(result, tree.Literal) and isinstance(value, tuple) else ((),)
    shown = elided(len(rows or ()), pen.style.at_most(ROWS))
    if not rows or not all(row in shown for row in remarks):
        return "none", apart
    cells = [
        f"remark({string('◁ ' + remarks[i])})" if i is not None and i in remarks else '""'
        for i in shown
    ]
    return f"$thick mat(delim: #none, align: #left, {'; '.join(cells)})$", apart
