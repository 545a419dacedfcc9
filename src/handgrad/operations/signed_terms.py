"""Formulas as sums of signed terms."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.expression import Call, Expression
from handgrad.operations.arithmetic import add, divide, multiply, negate, subtract
from handgrad.operations.reductions import mean, sum_


def terms(expression: Expression, sign: int = 1) -> list[tuple[int, Expression]]:
    """The expression as a sum of signed terms."""
    if isinstance(expression, Call):
        match expression.operation:
            case add.name:
                left, right = expression.arguments
                return terms(left, sign) + terms(right, sign)
            case subtract.name:
                left, right = expression.arguments
                return terms(left, sign) + terms(right, -sign)
            case negate.name:
                return terms(expression.arguments[0], -sign)
    return [(sign, expression)]


def added_up(terms: Sequence[tuple[int, Expression]]) -> Expression:
    """The sum of signed terms, as a formula."""
    (sign, total), *rest = terms
    if sign < 0:
        total = negate(total)
    for sign, term in rest:
        total = add(total, term) if sign > 0 else subtract(total, term)
    return total


def signs_out(call: Call, arguments: Sequence[Expression]) -> Expression:
    """The call with other arguments, whose minus signs are moved out in front of it."""
    new = call.of(arguments)
    if new is call:
        return call
    positive = [
        a.arguments[0] if isinstance(a, Call) and a.operation == negate.name else None
        for a in arguments
    ]
    match call.operation:
        case negate.name if positive[0] is not None:
            return positive[0]
        case multiply.name | divide.name if positive[0] is not None and positive[1] is not None:
            return new.of([p for p in positive if p is not None])
        case multiply.name | divide.name if any(p is not None for p in positive):
            bare = [a if p is None else p for a, p in zip(arguments, positive, strict=True)]
            return negate(new.of(bare))
        case sum_.name | mean.name if positive[0] is not None:
            return negate(new.of([positive[0]]))
        case subtract.name if positive[1] is not None:
            return add(arguments[0], positive[1])
        case add.name if positive[1] is not None:
            return subtract(arguments[0], positive[1])
        case _:
            return new
