"""Relations as Typst data: their sides in pieces, for the page to lay out by what it measures."""

from __future__ import annotations

from dataclasses import replace

from handgrad.expression import Expression
from handgrad.figures import Empty
from handgrad.formats.mathematics.arrays import elided, grid
from handgrad.formats.mathematics.nodes import Array, Evaluated, FigureText, Node, arrays
from handgrad.formats.mathematics.relation import are_given, sides
from handgrad.formats.typst.pen import COLUMNS, ROWS, Typ, TypstPen, small
from handgrad.formats.typst.source import array, string, words
from handgrad.formats.typst.text import content
from handgrad.page.blocks import Derivation, Relation
from handgrad.page.sizes import Sizes

SIZES = Sizes(ROWS)

HIGH = 6.0
"""Ems, about: a higher relation may go on at the top of the next page."""

SMALL = 0.9
"""How wide formulas with large arrays are beside what they would be in larger type."""

LINE = 36.0
"""Ems, about, of a line to the right of a sign."""

NARROWER = (6, 4)
"""Columns of an array shown where more would be too small to read."""


def derivation(block: Derivation, pen: TypstPen) -> str:
    """The relations one under the other; values alone beside each other."""
    relations = block.relations
    if are_given(relations):
        return f"#givens({array([_value(r, pen) for r in relations])})"
    return f"#derivation({array([_relation(r, pen) for r in relations])})"


def derived(block: Derivation, pen: TypstPen) -> list[tuple[str, bool]]:
    """The same, each relation by itself, and each row of a high one; aligned with all of them.

    With each comes whether it stays with the next: a formula does with its numbers.
    """
    if are_given(block.relations):
        return [(derivation(block, pen), False)]
    sides_of = array([f"({_left(r, pen)}, {_label(r, pen)})" for r in block.relations])
    rows = [
        (row, k == 0 and len(rows) > 1)
        for r in block.relations
        for rows in [_rows(r)]
        for k, row in enumerate(rows)
    ]
    return [(f"#derivation(({_relation(row, pen)},), {sides_of})", stays) for row, stays in rows]


def _rows(relation: Relation) -> list[Relation]:
    """A relation in parts that fit a line each, about, where it is high."""
    wide, high = SIZES.relation_size(relation)
    if high <= HIGH or SMALL * wide <= LINE:
        return [relation]
    sides: list[list[Expression]] = []
    used = 0.0
    for side in relation.chain:
        wide, high = SIZES.extent(side)
        used += SMALL * wide
        if not sides or len(sides) == 1 or used > LINE:
            sides.append([])
            used = SMALL * wide
        sides[-1].append(side)
    last = len(sides) - 1
    return [
        replace(
            relation,
            left=relation.left if k == 0 else None,
            label=relation.label if k == 0 else (),
            chain=tuple(row),
            marks=relation.marks if k == last else {},
            remarks=relation.remarks if k == last else {},
            sign=relation.sign if k == 0 else "=",
        )
        for k, row in enumerate(sides)
    ]


def _left(relation: Relation, pen: TypstPen) -> str:
    return "none" if relation.left is None else f"${_draw(relation.left, pen)}$"


def _label(relation: Relation, pen: TypstPen) -> str:
    return content(relation.label, pen) if relation.label else "none"


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
    aside = "none"
    if isinstance(last, Evaluated) and last.shape and pen.leaves_out(last):
        aside = f"text(fill: quiet, size: 0.86em, {string(last.shape)})"
    beside, apart = _remarks(relation, last, pen)
    return (
        f"(left: {_left(relation, pen)}, sign: ${_sign(relation)}$, label: {_label(relation, pen)}, parts: {array(parts)}, "
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
    column = small(f"mat(delim: #none, align: #left, {'; '.join(cells)})", len(shown))
    return f"$thick {column}$", apart
