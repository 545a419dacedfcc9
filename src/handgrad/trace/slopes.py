"""The slope of an activation at given numbers, by its own pull-back."""

from __future__ import annotations

import numpy as np

from handgrad.expression import Call, Leaf, Name, shape_of
from handgrad.operations import operation_of
from handgrad.operations.annotate import application, tidied
from handgrad.operations.operation import Array
from handgrad.run.evaluate import value_of

SATURATION = 0.05
"""A unit is called saturated where its slope is under this share of the activation's largest slope
(for the sigmoid: |z| > 4.37). The threshold stands in the note."""


def slopes_of(call: Call, z: Array, value: Array, *, cased: bool) -> Array | None:
    """The slope of every entry of an annotated activation at `z`, where its value is `value`.

    None where no gradient passes it at all; `cased` says that the last axis counts cases.
    """
    argument = shape_of(call.arguments[0])
    out = Name("out", shape=call.shape)
    seen = application(call, (Name("z", shape=argument),), out)
    slope = operation_of(call).pullback(0, Name("one", shape=call.shape), seen)
    if slope is None:
        return None
    at: dict[Leaf, Array] = {Name("z"): z, Name("one"): np.ones_like(z), out: value}
    formula = tidied(slope, lambda leaf: call.shape or ())
    return value_of(formula, at, set(at) if cased else set())
