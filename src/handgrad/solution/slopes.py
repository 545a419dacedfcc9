"""The slope of an activation at given numbers, by its own pull-back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import (
    Call,
    Expression,
    Leaf,
    Literal,
    Name,
    Option,
    Shape,
    literal_of,
    walk,
)
from handgrad.operations import operation_of
from handgrad.operations.annotate import application, tidied
from handgrad.operations.operation import Operation
from handgrad.operations.rewrites import replaced
from handgrad.running.evaluate import value_of

SATURATION = 0.05
"""A unit is called saturated where its slope is under this share of the activation's largest slope
(for the sigmoid: |z| > 4.37). The threshold stands in the note."""


def flattens_on_one_side(operation: Operation) -> bool:
    """Whether an activation has no largest slope to take a share of, such as softplus: a slope of 0 is what tells."""
    return operation.elementwise and not operation.gate and operation.saturation is None


@np.errstate(all="ignore")
def slopes_of(
    call: Call, z: Array, others: Sequence[tuple[Array, bool]] = (), *, batched: bool
) -> Array:
    """What a gradient of 1 at each entry of an annotated activation becomes at its argument `z`.

    `z` has the call's shape, and the cases on its last axis where it is `batched`. `others` are the
    activation's further arguments, such as a slope that is learned, each with whether it is batched.
    Zero where no gradient passes at all.
    """
    shapes = tuple(argument.shape or () for argument in call.arguments[1:])
    alone, slope = _slope(call.operation, call.options, call.shape or (), shapes)
    if slope is None:
        return np.zeros_like(z)
    at: dict[Leaf, Array] = {PRE: z, ONE: np.ones_like(z)}
    leaves: set[Leaf] = {OUT, ONE, PRE} if batched else set()
    for position, (value, with_cases) in enumerate(others):
        at[_other(position)] = value
        if with_cases:
            leaves |= {_other(position), OUT}
    at[OUT] = value_of(alone, at, leaves)
    slopes = value_of(slope, at, leaves)
    return slopes if slopes.shape == z.shape else np.broadcast_to(slopes, z.shape)


OUT, ONE, PRE = Name("out"), Name("one"), Name("z")


def _other(position: int) -> Name:
    return Name(f"other{position}")


@cache
def _slope(
    operation: str,
    options: tuple[tuple[str, Option], ...],
    shape: Shape,
    others: tuple[Shape, ...],
) -> tuple[Call, Expression | None]:
    """An activation of PRE, and what a gradient ONE of its result OUT becomes at PRE."""
    out, one, pre = (replace(leaf, shape=shape) for leaf in (OUT, ONE, PRE))
    further = [replace(_other(k), shape=other) for k, other in enumerate(others)]
    shapes = {leaf.name: leaf.shape or () for leaf in (out, one, pre, *further)}
    call = Call(operation, (pre, *further), options, shape=shape)
    slope = operation_of(call).pullback(0, one, application(call, call.arguments, out))
    return call, None if slope is None else tidied(slope, lambda leaf: shapes[leaf.name])


def with_slopes(numbers: Expression) -> Expression:
    """The numbers put in, with those of slopes that are functions of their own: LeakyReLU′(0.42) is 1."""
    for node in dict.fromkeys(walk(numbers)):
        if isinstance(node, Call) and operation_of(node).put_in:
            batched = any(isinstance(a, Literal) and a.batched for a in node.arguments)
            value = value_of(node, {}, frozenset())
            numbers = replaced(numbers, node, literal_of(value, batched))
    return numbers
