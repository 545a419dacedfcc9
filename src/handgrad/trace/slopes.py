"""The slope of an activation at given numbers, by its own pull-back."""

from __future__ import annotations

import numpy as np

from handgrad.expression import Call, Leaf, Name
from handgrad.operations import operation_of
from handgrad.operations.annotate import application, tidied
from handgrad.operations.operation import Array
from handgrad.run.evaluate import value_of

SATURATION = 0.05
"""A unit is called saturated where its slope is under this share of the activation's largest slope
(for the sigmoid: |z| > 4.37). The threshold stands in the note."""


@np.errstate(all="ignore")
def slopes_of(call: Call, z: Array, *, cased: bool) -> Array:
    """What a gradient of 1 at each entry of an annotated activation becomes at its argument `z`.

    `z` has the call's shape, and the cases on its last axis where it is `cased`. Zero where no
    gradient passes at all.
    """
    shape = call.shape or ()
    out, one, pre = Name("out", shape=shape), Name("one", shape=shape), Name("z", shape=shape)
    slope = operation_of(call).pullback(0, one, application(call, (pre,), out))
    if slope is None:
        return np.zeros_like(z)
    at: dict[Leaf, Array] = {pre: z, one: np.ones_like(z)}
    leaves: set[Leaf] = {out, one, pre} if cased else set()
    at[out] = value_of(Call(call.operation, (pre,), call.options, shape=shape), at, leaves)
    return np.broadcast_to(value_of(tidied(slope, lambda leaf: shape), at, leaves), z.shape)
