"""Losses written out by hand, recognised as the operation they are.

−(y ln p + (1 − y) ln(1 − p)) is `bce(p, y)`; −Σ y ln p is `cross_entropy(p, y)`. The
equation stays as it was written; the operation gives it a stable value and gradient.
"""

from __future__ import annotations

from handgrad.expression import Call, Expression, number
from handgrad.operations.arithmetic import add, multiply, negate, subtract
from handgrad.operations.functions import log
from handgrad.operations.linear import dot, matmul
from handgrad.operations.losses import bce, cross_entropy
from handgrad.operations.reductions import sum_
from handgrad.operations.structure import transpose

Term = tuple[int, tuple[Expression, ...]]
"""A signed product: the sign, and the factors without theirs."""


def recognised(expression: Expression) -> Call | None:
    """The loss operation that an annotated expression writes out, or None."""
    if not isinstance(expression, Call):
        return None
    terms = _terms(expression, 1)
    return _binary(terms) or _categorical(terms)


def _binary(terms: list[Term]) -> Call | None:
    if len(terms) != 2 or any(sign > 0 or len(factors) != 2 for sign, factors in terms):
        return None
    for (_, one), (_, other) in ((terms[0], terms[1]), (terms[1], terms[0])):
        for y, logarithm in (one, one[::-1]):
            p = _log_of(logarithm)
            if p is None or p.shape != () or y.shape != ():
                continue
            wanted = {1 - y, log(1 - p)}
            if set(other) == wanted:
                return bce(p, y)
    return None


def _categorical(terms: list[Term]) -> Call | None:
    if len(terms) != 1 or terms[0][0] > 0 or len(terms[0][1]) != 1:
        return None
    (total,) = terms[0][1]
    if not isinstance(total, Call):
        return None
    if total.operation == sum_.name and not any(
        value is not None and value for _, value in total.options
    ):
        factors = _terms(total.arguments[0], 1)
        pair = factors[0][1] if len(factors) == 1 and factors[0][0] > 0 else ()
    elif total.operation in (dot.name, matmul.name):
        pair = tuple(_untransposed(a) for a in total.arguments)
    else:
        return None
    if len(pair) != 2:
        return None
    for y, logarithm in (pair, pair[::-1]):
        p = _log_of(logarithm)
        if p is not None and p.shape == y.shape and len(p.shape or ()) == 1:
            return cross_entropy(p, y)
    return None


def _terms(expression: Expression, sign: int) -> list[Term]:
    """The expression as a sum of signed products."""
    if isinstance(expression, Call):
        arguments = expression.arguments
        if expression.operation == add.name:
            return _terms(arguments[0], sign) + _terms(arguments[1], sign)
        if expression.operation == subtract.name and number(arguments[0]) != 1:
            return _terms(arguments[0], sign) + _terms(arguments[1], -sign)
        if expression.operation == negate.name:
            return _terms(arguments[0], -sign)
        if expression.operation == multiply.name:
            left, right = _terms(arguments[0], 1), _terms(arguments[1], 1)
            if len(left) == len(right) == 1:
                return [(sign * left[0][0] * right[0][0], left[0][1] + right[0][1])]
        if expression.operation == sum_.name and sign:
            inner = _terms(arguments[0], 1)
            if len(inner) == 1 and inner[0][0] < 0 and len(inner[0][1]) == 2:
                a, b = inner[0][1]
                return [(-sign, (Call(sum_.name, (a * b,), expression.options),))]
        if expression.operation in (dot.name, matmul.name):
            left, right = _terms(arguments[0], 1), _terms(arguments[1], 1)
            if len(left) == len(right) == 1 and len(left[0][1]) == len(right[0][1]) == 1:
                inner_sign = sign * left[0][0] * right[0][0]
                return [(inner_sign, (Call(expression.operation, left[0][1] + right[0][1]),))]
    return [(sign, (expression,))]


def _untransposed(expression: Expression) -> Expression:
    is_transpose = isinstance(expression, Call) and expression.operation == transpose.name
    return expression.arguments[0] if isinstance(expression, Call) and is_transpose else expression


def _log_of(expression: Expression) -> Expression | None:
    if isinstance(expression, Call) and expression.operation == log.name:
        return expression.arguments[0]
    return None
