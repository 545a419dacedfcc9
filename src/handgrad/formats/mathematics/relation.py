"""Relations laid out: left = symbols = numbers = result, the result with what is marked in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handgrad.expression import Expression, Literal
from handgrad.formats.mathematics.formula import Formula
from handgrad.formats.mathematics.nodes import Array, Evaluated, FigureText, Mark, Named, Node
from handgrad.page.blocks import Mark as BlockMark
from handgrad.page.blocks import Relation


def are_given(relations: Sequence[Relation]) -> bool:
    """Whether they only say what values are, in numbers: such stand beside each other."""
    return len(relations) > 1 and all(
        len(r.chain) == 1 and isinstance(r.chain[0], Literal) and not (r.label or r.remarks)
        for r in relations
    )


def sides(relation: Relation, formula: Formula) -> list[Node]:
    """The sides of a relation after the left one, the last as its result."""
    return [side(relation, position, formula) for position in range(len(relation.chain))]


def side(relation: Relation, position: int, formula: Formula) -> Node:
    """One of the sides of a relation after the left one."""
    expression = relation.chain[position]
    if position == len(relation.chain) - 1:
        return alone(expression, formula, relation)
    batched = isinstance(expression, Literal) and expression.batched
    return alone(expression, formula) if batched else formula.node(expression)


def alone(expression: Expression, formula: Formula, relation: Relation | None = None) -> Node:
    """A formula standing alone; numbers, with what a relation points out about them."""
    node = formula.node(expression)
    if not isinstance(expression, Literal):
        return node
    if isinstance(node, Named):
        return Named(_result(node.part, relation), node.name)
    return _result(node, relation)


def in_cell(
    expression: Expression, formula: Formula, marks: Mapping[tuple[int, ...], BlockMark]
) -> Node:
    """A formula in a cell of a table; numbers, with what is pointed out about them."""
    relation = Relation(None, (expression,), marks=marks) if marks else None
    return alone(expression, formula, relation)


def _result(part: Node, relation: Relation | None) -> Evaluated:
    assert isinstance(part, FigureText | Array)
    if relation is None:
        return Evaluated(part, {}, {})
    marks: dict[tuple[int, ...], Mark] = {
        at: mark for at, mark in relation.marks.items() if mark != "on"
    }
    if isinstance(part, Array) and part.literal.whole is not None:
        kept = {part.literal.kept(at): mark for at, mark in marks.items()}
        marks = {at: mark for at, mark in kept.items() if at is not None}
    each = isinstance(part, Array) and part.literal.batched
    shape = shape_in_words(relation.shape, each_case=each)
    return Evaluated(part, marks, relation.remarks, shape, relation.tone)


def shape_in_words(shape: str, *, each_case: bool = False) -> str:
    """A shape such as "2×2", said: a vector's is how many entries it has."""
    said = f"{shape} entries" if shape.isdigit() else shape
    return f"{said} in each case" if each_case and said else said
