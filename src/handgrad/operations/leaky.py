"""Formulas that let some gradient through at all numbers, in place of those with gates and choices.

What has a gradient here may have one there, at some numbers; what has none here has none there at any.
"""

from __future__ import annotations

from handgrad.expression import Call, Expression
from handgrad.operations import operation_of
from handgrad.operations.gates import activation_in


def leaky(expression: Expression) -> Expression:
    """The formula with a slope on both sides of each gate, smooth maxima, and both branches of a choice."""
    if not isinstance(expression, Call):
        return expression
    activation = activation_in(expression)
    if activation is not None and (form := operation_of(activation).leaky_form):
        return Call(form, (leaky(activation.arguments[0]),))
    call = expression.of([leaky(a) for a in expression.arguments])
    leaking = operation_of(call).leaking
    return leaking(call) if leaking is not None else call
