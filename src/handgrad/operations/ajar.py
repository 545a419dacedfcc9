"""Formulas that let some gradient through at all numbers, in place of those with gates and choices.

What has a gradient here may have one there, at some numbers; what has none here has none there at any.
"""

from __future__ import annotations

from handgrad.expression import Call, Expression, literal
from handgrad.operations import operation_of
from handgrad.operations.activations import leaky_relu, softplus
from handgrad.operations.choosing import where
from handgrad.operations.functions import maximum, minimum
from handgrad.operations.gates import activation_in
from handgrad.operations.losses import hinge
from handgrad.operations.reductions import logsumexp, maximum_of, mean, minimum_of


def ajar(expression: Expression) -> Expression:
    """The formula with a slope on both sides of each gate, smooth maxima, and both branches of a choice."""
    if not isinstance(expression, Call):
        return expression
    activation = activation_in(expression)
    if activation is not None and operation_of(activation).gate:
        return leaky_relu(ajar(activation.arguments[0]))
    arguments = [ajar(a) for a in expression.arguments]
    options = dict(expression.options)
    match expression.operation:
        case maximum.name:
            a, b = arguments
            return b + softplus(a - b)
        case minimum.name:
            a, b = arguments
            return a - softplus(a - b)
        case where.name:
            _, a, b = arguments
            return literal(2.0) * a + literal(3.0) * b
        case maximum_of.name:
            return logsumexp(arguments[0], **options)
        case minimum_of.name:
            return -logsumexp(-arguments[0], **options)
        case hinge.name:
            s, y = arguments
            return mean(softplus(literal(1.0) - y * s))
    return expression.of(arguments)
