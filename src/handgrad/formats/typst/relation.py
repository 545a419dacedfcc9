"""Relations as Typst data: their sides in pieces, for the page to lay out by what it measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handgrad.expression import Expression
from handgrad.formats.mathematics.arrays import grid
from handgrad.formats.mathematics.nodes import (
    Array,
    Evaluated,
    FigureText,
    Node,
    arrays,
    rows_shown,
)
from handgrad.formats.mathematics.relation import are_given, sides
from handgrad.formats.mathematics.widths import SIGN, Widths
from handgrad.formats.typst.pen import COLUMNS, ROWS, Typ, TypstPen, small
from handgrad.formats.typst.source import array, string, words
from handgrad.formats.typst.text import content
from handgrad.page.blocks import Derivation, Relation, is_blank
from handgrad.page.sizes import Sizes
from handgrad.record import record

SIZES = Sizes(ROWS)

HIGH = 6.0
"""Ems, about: a higher relation may go on at the top of the next page."""

TOGETHER = 26.0
"""Ems, about, up to which a relation stands on one page, with its result."""

SMALL = 0.9
"""How wide formulas with large arrays are beside what they would be in larger type."""

LINE = 36.0
"""Ems, about, of a line to the right of a sign."""

SURELY_NARROWER, WIDE_LEFT = 0.6, 6.0
"""A left side that is reckoned to be narrower than this share of the widest is so; and ems from which some are too wide."""

NARROWER = (6, 4)
"""Columns of an array shown where more would be too small to read."""


@record
class _Row:
    """A relation, or a part of one that fits a line, about.

    Arguments:
        first: whether the left side stands before it.
        last: whether it ends in the result.
    """

    relation: Relation
    sides: tuple[Expression, ...]
    first: bool = True
    last: bool = True


def derivation(block: Derivation, pen: TypstPen) -> str:
    """The relations one under the other; values alone beside each other."""
    relations = block.relations
    if are_given(relations):
        return f"#givens({array([_value(r, pen) for r in relations])})"
    return f"#derivation({array([_row(_Row(r, r.chain), pen) for r in relations])})"


def derived(block: Derivation, pen: TypstPen) -> list[tuple[str, bool]]:
    """The same, each relation by itself, and each row of a high one; aligned with all of them.

    With each comes whether it stays with the next: a formula does with its numbers and with its result, and one without
    numbers with the relation that it leads to.
    """
    if are_given(block.relations):
        return [(derivation(block, pen), False)]
    lefts = array(_aligning(block.relations, pen))
    found: list[tuple[str, bool]] = []
    for relation in block.relations:
        rows = _rows(relation)
        high = sum(max(SIZES.extent(side)[1] for side in row.sides) for row in rows)
        leads = len(relation.chain) == 1 and relation is not block.relations[-1]
        for row in rows:
            stays = leads if row.last else row.first or high <= TOGETHER
            found.append((f"#derivation(({_row(row, pen)},), {lefts})", stays))
    return found


def _aligning(relations: Sequence[Relation], pen: TypstPen) -> list[str]:
    """The left sides and labels among which the widest are: the page measures these alone."""
    wide = [_left_width(r, pen) for r in relations]
    # One that is too wide for the others to stand under its sign is not the one that counts.
    least = SURELY_NARROWER * max(wide) if max(wide) < WIDE_LEFT else 0.0
    chosen = [r for r, w in zip(relations, wide, strict=True) if w >= least or r.label]
    return list(dict.fromkeys(f"({_left(r, pen)}, {_label(r, pen)})" for r in chosen))


def _rows(relation: Relation) -> list[_Row]:
    """A relation in parts that fit a line each, about, where it is high."""
    wide, high = SIZES.relation_size(relation)
    if high <= HIGH or SMALL * wide <= LINE:
        return [_Row(relation, relation.chain)]
    lines: list[list[Expression]] = []
    used = 0.0
    for expression in relation.chain:
        wide = SMALL * SIZES.extent(expression)[0]
        used += wide
        # The formula has a line of its own.
        if len(lines) < 2 or used > LINE:
            lines.append([])
            used = wide
        lines[-1].append(expression)
    end = len(lines) - 1
    return [_Row(relation, tuple(line), k == 0, k == end) for k, line in enumerate(lines)]


def _left(relation: Relation, pen: TypstPen) -> str:
    return "none" if relation.left is None else f"${_draw(relation.left, pen)}$"


def _label(relation: Relation, pen: TypstPen) -> str:
    return content(relation.label, pen) if relation.label else "none"


def _value(relation: Relation, pen: TypstPen) -> str:
    formula = pen.formula()
    (only,) = sides(relation, formula)
    left = "" if relation.left is None else f"{_draw(relation.left, pen)} {_sign(relation)} "
    return f"({_about(relation, [only], pen)}, ${left}{pen.draw(only)}$)"


def _about(relation: Relation, chain: Sequence[Node], pen: TypstPen, *, first: bool = True) -> str:
    """How wide it is on one line, reckoned, for the page to measure only what may be too wide; or none.

    What the words above the columns of cases take is not reckoned.
    """
    if any(part.literal.batched for side in chain for part in arrays(side)):
        return "none"
    wide = sum([_width(side, pen) + SIGN for side in chain])
    wide += _left_width(relation, pen) if first else 0.0
    return f"{wide + max(map(len, relation.remarks.values()), default=0):.1f}em"


def _width(node: Node, pen: TypstPen) -> float:
    style = pen.style
    return Widths(style.at_most(ROWS), style.at_most(COLUMNS), style.decimals).of(node)


def _left_width(relation: Relation, pen: TypstPen) -> float:
    return 0.0 if relation.left is None else _width(pen.formula().node(relation.left), pen)


def _draw(expression: Expression, pen: TypstPen) -> Typ:
    return pen.draw(pen.formula().node(expression))


def _sign(relation: Relation) -> str:
    return "arrow.l" if relation.sign == "←" else "eq"


def _row(row: _Row, pen: TypstPen) -> str:
    relation = row.relation
    shown = relation if row.last else replace(relation, marks={}, remarks={})
    chain = sides(replace(shown, chain=row.sides), pen.formula())
    result = chain[-1] if chain and row.last else None
    parts = [_forms(side, pen) for side in chain]
    aside = colour = "none"
    if isinstance(result, Evaluated) and result.shape and pen.leaves_out(result):
        aside = f"text(fill: quiet, size: 0.86em, {string(result.shape)})"
    if result is not None and relation.quantity is not None:
        colour = string(relation.quantity)
    beside, apart = _remarks(shown, result, pen)
    left, label = (_left(relation, pen), _label(relation, pen)) if row.first else ("none", "none")
    sign = _sign(relation) if row.first else "eq"
    return (
        f"(about: {_about(shown, chain, pen, first=row.first)}, left: {left}, sign: ${sign}$, label: {label}, parts: {array(parts)}, colour: {colour}, "
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
    return isinstance(part, Array) and is_blank(part.literal)


def _pieces(side: Node, pen: TypstPen) -> str:
    return array([f"({cost}, ${shown}$)" for cost, shown in pen.pieces(side)])


def _remarks(relation: Relation, result: Node | None, pen: TypstPen) -> tuple[str, str]:
    """The remarks as a column beside the result's rows, and as words for where that has no room."""
    remarks = relation.remarks
    if not remarks:
        return "none", "none"
    said = "; ".join(f"◁ {told}" for told in relation.told_remarks)
    tone = "" if relation.tone == "off" else f", tone: {string(relation.tone)}"
    apart = f"remark({words(said)}{tone})"
    shown = rows_shown(result, pen.most) if isinstance(result, Evaluated) else (0,)
    if not all(row in shown for row in remarks):
        return "none", apart
    cells = [
        f"remark({string('◁ ' + remarks[i])}{tone})" if i is not None and i in remarks else '""'
        for i in shown
    ]
    column = small(f"mat(delim: #none, align: #left, {'; '.join(cells)})", len(shown))
    return f"$thick {column}$", apart
