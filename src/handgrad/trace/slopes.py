"""The local derivative of an activation at every unit, by the pull-back of the table."""

from __future__ import annotations

import numpy as np

from handgrad.expression import Call, Leaf, Name
from handgrad.operations import operation_of
from handgrad.operations.annotate import application, tidied
from handgrad.operations.operation import Array
from handgrad.run.evaluate import value_of


@np.errstate(all="ignore")
def slopes(call: Call, z: Array, cased: bool) -> Array:
    """What a gradient of 1 at each entry of an elementwise `call` becomes at its argument `z`.

    `z` has the call's shape, and the cases on its last axis where it is `cased`.
    """
    shape = call.shape or ()
    out, one, pre = Name("out", shape=shape), Name("one", shape=shape), Name("z", shape=shape)
    formula = operation_of(call).pullback(0, one, application(call, (pre,), out))
    if formula is None:
        return np.zeros_like(z)
    at: dict[Leaf, Array] = {pre: z, one: np.ones_like(z)}
    leaves: set[Leaf] = {out, one, pre} if cased else set()
    at[out] = value_of(Call(call.operation, (pre,), call.options, shape=shape), at, leaves)
    return np.broadcast_to(value_of(tidied(formula, lambda leaf: shape), at, leaves), z.shape)
