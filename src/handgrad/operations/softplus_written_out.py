"""Softplus written out: ln(1 + exp(u)), and in the stable way max(u, 0) + ln(1 + exp(−|u|))."""

from __future__ import annotations

from handgrad.expression import Call, Expression, number
from handgrad.operations.activations import relu, softplus
from handgrad.operations.arithmetic import add, negate
from handgrad.operations.functions import absolute, exp, log, maximum


def softplus_of(expression: Expression) -> Call | None:
    """The softplus(u) that ln(1 + exp(u)) is; None for another formula."""
    if not isinstance(expression, Call) or expression.operation != log.name:
        return None
    inside = expression.arguments[0]
    if not isinstance(inside, Call) or inside.operation != add.name:
        return None
    for one, power in (inside.arguments, inside.arguments[::-1]):
        if number(one) == 1 and isinstance(power, Call) and power.operation == exp.name:
            return Call(softplus.name, power.arguments, shape=expression.shape)
    return None


def softplus_of_two(one: Expression, other: Expression) -> Call | None:
    """The softplus(u) that max(u, 0) and ln(1 + exp(−|u|)) add up to; None for other terms."""
    for positive, rest in ((one, other), (other, one)):
        u = _positive_part_of(positive)
        if u is not None and _is_rest(rest, u):
            return Call(softplus.name, (u,), shape=one.shape)
    return None


def is_part_of_softplus(positive: Call, formula: Expression) -> bool:
    """Whether a max(u, 0) stands beside ln(1 + exp(−|u|)) in a formula."""
    u = _positive_part_of(positive)
    return u is not None and _has_rest(formula, u)


def _has_rest(formula: Expression, u: Expression) -> bool:
    if _is_rest(formula, u):
        return True
    return isinstance(formula, Call) and any(_has_rest(a, u) for a in formula.arguments)


def _is_rest(expression: Expression, u: Expression) -> bool:
    """Whether it is ln(1 + exp(−|u|)), written out or by its name."""
    known = softplus_of(expression)
    if known is None and isinstance(expression, Call) and expression.operation == softplus.name:
        known = expression
    inside = known.arguments[0] if known is not None else None
    if not isinstance(inside, Call) or inside.operation != negate.name:
        return False
    size = inside.arguments[0]
    return isinstance(size, Call) and size.operation == absolute.name and size.arguments == (u,)


def _positive_part_of(expression: Expression) -> Expression | None:
    """u, of max(u, 0)."""
    if not isinstance(expression, Call):
        return None
    if expression.operation == relu.name:
        return expression.arguments[0]
    if expression.operation == maximum.name:
        for u, zero in (expression.arguments, expression.arguments[::-1]):
            if number(zero) == 0 and number(u) is None:
                return u
    return None
