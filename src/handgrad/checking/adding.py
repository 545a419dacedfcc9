"""What a formula adds up: a 0 in which terms cancel asks for work, one of zeros alone does not."""

from __future__ import annotations

from handgrad.expression import Call, Expression
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import add, divide, multiply, negate
from handgrad.operations.functions import absolute
from handgrad.operations.linear import matmul, outer
from handgrad.operations.reductions import mean, mean_over_cases, sum_, sum_over_cases, sum_to
from handgrad.operations.structure import transpose

ADDING = frozenset(
    o.name
    for o in (
        *(add, multiply, divide, negate, matmul, outer, transpose),
        *(sum_, mean, sum_to, sum_over_cases, mean_over_cases),
    )
)
"""What is the larger for larger sizes of its arguments, where none of them is negative."""


def in_sizes(formula: Expression) -> Expression:
    """A formula with the size of each term that it adds up in the term's place, so that none cancels another.

    A difference is a term: what is subtracted from itself leaves nothing.
    """
    if not isinstance(formula, Call) or operation_of(formula).name not in ADDING:
        return absolute(formula)
    if formula.operation == negate.name:
        return in_sizes(formula.arguments[0])
    sizes = tuple(in_sizes(argument) for argument in formula.arguments)
    return Call(formula.operation, sizes, formula.options)
