"""ReLU, by its own name and written out: max(0, z), where(z > 0, z, 0), z · (z > 0).

What is written stays what is computed and shown; here it is known for the gate that it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.expression import Call, Expression, Literal, number, walk
from handgrad.notation import Indicator
from handgrad.operations import operation_of
from handgrad.operations.activations import relu
from handgrad.operations.arithmetic import add, multiply, negate, subtract
from handgrad.operations.choosing import greater, less, where
from handgrad.operations.functions import larger, maximum
from handgrad.operations.softplus_written_out import is_part_of_softplus


def activation_in(expression: Expression | None) -> Call | None:
    """The activation that a formula applies at its root: as it stands, or ReLU for one written out.

    max(0, 1 − y·s) and the like, with a number added in, are terms of a hinge loss and no ReLU; nor is
    max(0, −y·s), the perceptron's. Where that is seen from other equations alone, the call is marked a `hinge`
    (`handgrad.problem.hinges`).
    """
    if not isinstance(expression, Call):
        return None
    if operation_of(expression).family == "activation":
        return expression
    z = _written_out(expression)
    if (
        z is None
        or expression.hinge
        or isinstance(z, Literal)
        or z.shape != expression.shape
        or _shifted(z)
        or _margin(z)
    ):
        return None
    return Call(relu.name, (z,), span=expression.span, shape=expression.shape)


def activations_in(formula: Expression | None) -> Iterator[tuple[Call, Call]]:
    """The activations of a formula as they are written and as they are known, the outermost first.

    max(z, 0) beside other terms in z is no gate: in max(z, 0) − z·y + ln(1 + exp(−|z|)) they are one loss.
    """
    if not isinstance(formula, Call):
        return
    for node in walk(formula):
        known = activation_in(node)
        if known is None or not isinstance(node, Call):
            continue
        z = known.arguments[0]
        if node is not known and _count(formula, z) > _count(node, z):
            continue
        if is_part_of_softplus(node, formula):
            continue
        yield node, known


def _count(formula: Expression, part: Expression) -> int:
    """How many times a part stands in a formula."""
    if formula == part:
        return 1
    return sum(_count(a, part) for a in formula.arguments) if isinstance(formula, Call) else 0


def splits_ties(written: Expression) -> bool:
    """Whether a gate as it is written lets half of the gradient through where its input is exactly 0."""
    return isinstance(written, Call) and written.operation == maximum.name


def opening(splits_ties: bool) -> np.ufunc:
    """How a gate's numbers stand to 0 where it lets gradient through: above it, or at it too, where half of it passes."""
    return np.greater_equal if splits_ties else np.greater


def is_open(z: Array, *, splits_ties: bool) -> Mask:
    """Where a gate lets gradient through."""
    found: Mask = opening(splits_ties)(z, 0.0)
    return found


def opened_by(slope: Expression) -> Expression | None:
    """What a gate looks at, where a formula is a gate's slope: z, of the 1[z > 0] of ReLU, and of that of max(z, 0)."""
    if not isinstance(slope, Call):
        return None
    if isinstance(operation_of(slope).notation, Indicator):
        return slope.arguments[0]
    if slope.operation == larger.name and number(slope.arguments[1]) == 0:
        return slope.arguments[0]
    return _positive(slope)


def _written_out(call: Call) -> Expression | None:
    """z, of ReLU of z written out."""
    match call.operation:
        case maximum.name:
            for zero, z in (call.arguments, call.arguments[::-1]):
                if number(zero) == 0:
                    return z
        case where.name:
            condition, z, zero = call.arguments
            if number(zero) == 0 and _positive(condition) == z:
                return z
        case multiply.name:
            for condition, z in (call.arguments, call.arguments[::-1]):
                if _positive(condition) == z:
                    return z
    return None


def _positive(condition: Expression) -> Expression | None:
    """z, of z > 0."""
    if isinstance(condition, Call) and condition.operation in (greater.name, less.name):
        a, b = condition.arguments
        z, zero = (a, b) if condition.operation == greater.name else (b, a)
        return z if number(zero) == 0 else None
    return None


def _margin(z: Expression) -> bool:
    """Whether it is a product with its sign turned: the −y·s of a perceptron's loss."""
    if not isinstance(z, Call):
        return False
    inside = z.arguments[0]
    if z.operation == negate.name:
        return isinstance(inside, Call) and inside.operation == multiply.name
    return z.operation == multiply.name and any(
        isinstance(a, Call) and a.operation == negate.name for a in z.arguments
    )


def _shifted(z: Expression) -> bool:
    """Whether a number is added in: the 1 of 1 − y·s, the margin of d₁ − d₂ + 0.2."""
    if isinstance(z, Call) and z.operation in (add.name, subtract.name, negate.name):
        return any(map(_shifted, z.arguments))
    return isinstance(z, Literal)
