"""How many axes the parts of a formula have as they are shown, and what is divided entry by entry."""

from __future__ import annotations

from handgrad import expression as tree
from handgrad.expression import Call, Expression
from handgrad.notation import Fraction
from handgrad.operations import operation_of


def is_batched(expression: Expression) -> bool:
    """Whether a number in it differs from case to case."""
    if isinstance(expression, Call):
        return any(map(is_batched, expression.arguments))
    return isinstance(expression, tree.Literal) and expression.batched


def rank_of(expression: Expression) -> int:
    """The number of axes of one case; for a tree without shapes, the most that its parts have."""
    shape = expression.shape
    if shape is not None:
        return len(shape)
    if isinstance(expression, Call) and operation_of(expression).elementwise:
        return max((rank_of(a) for a in expression.arguments), default=0)
    return 0


def display_rank(expression: Expression) -> int:
    """The number of axes shown: those of one case, and the cases."""
    return rank_of(expression) + is_batched(expression)


def divides_arrays(call: Call) -> bool:
    """Whether a quotient is one of arrays, entry by entry; a number on either side makes it a fraction."""
    if not isinstance(operation_of(call).notation, Fraction):
        return False
    a, b = call.arguments
    ranks, shown = (rank_of(a), rank_of(b)), (display_rank(a), display_rank(b))
    return min(ranks) > 0 or (max(ranks) == 0 and min(shown) > 0)


LETTERS = "ijk"
"""The letters of indices, in the order of the axes."""


def reduced_letter(call: Call) -> str:
    """The letter of the index that a reduction of a matrix runs along: i down a column, j along a row.

    Empty for what reduces all of its entries, as those of the vector of each case, and for what is no reduction.
    """
    if operation_of(call).family != "reduction":
        return ""
    axis, rank = call.option("axis"), len(call.arguments[0].shape or ())
    if not isinstance(axis, int) or not 1 < rank <= len(LETTERS):
        return ""
    return LETTERS[axis % rank]


def reduces_each_case(call: Call) -> bool:
    """Whether vectors of many cases, which stand as the columns of a matrix, are each reduced by itself."""
    rank = len(call.arguments[0].shape or ()) if operation_of(call).family == "reduction" else 0
    return rank == 1 and is_batched(call)
