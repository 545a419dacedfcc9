"""Norms beside the Euclidean one: the sum of the sizes of entries, and the largest size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handgrad.arrays import Array, Mask, Namespace
from handgrad.expression import Call, Shape
from handgrad.notation import Fence
from handgrad.operations.functions import absolute, sign
from handgrad.operations.operation import Kink, Misfit, Operation, Options, normal_axes
from handgrad.operations.reductions import (
    AXES,
    attained,
    reduced_entries,
    reduced_shape,
    reduction_kernel,
    spread,
    total,
)
from handgrad.operations.words import Words


def _along_one_axis(shapes: Sequence[Shape], options: Options, entries: str) -> Shape:
    """Of a matrix such a norm is another number than that of its entries."""
    if len(normal_axes(options["axis"], len(shapes[0]))) > 1:
        raise Misfit(
            "of a matrix this norm is not that of its entries",
            f"write {entries} for the entries, or name one axis: axis=0",
        )
    return reduced_shape(shapes, options)


norm1 = Operation(
    name="norm1",
    family="reduction",
    arity=(1, 1),
    shape=lambda shapes, options: _along_one_axis(shapes, options, "sum(abs({0}))"),
    kernel=lambda s: (
        reduction_kernel(lambda xp, a, axes, keep: xp.sum(xp.abs(a), axis=axes, keepdims=keep))(s)
        if s.shapes[0]
        else lambda xp, a: xp.abs(a)
    ),
    pullback=lambda i, g, p: spread(g, p) * sign(p.arguments[0]),
    element=lambda index, p: total([absolute(e) for e in reduced_entries(index, p)]),
    words=Words(
        "the 1-norm",
        "Add up the sizes of the entries.",
        "Each entry receives the gradient with its own sign: the slope of |a| is 1 or −1.",
    ),
    notation=Fence("‖", "‖", r"\left\lVert", r"\right\rVert", below="1"),
    options=AXES,
    spellings=("l1_norm",),
    positional=("axis",),
    kinks=(
        Kink(
            lambda xp, a, **_: a == 0,
            "‖a‖₁ has a kink where an entry is 0; its slope there is taken as 0",
        ),
    ),
)
"""Σ |a|."""


def _tied(xp: Namespace, a: Array, axis: Any = None, **_: Any) -> Mask:
    axes = normal_axes(axis, a.ndim)
    sizes: Array = np.abs(a)
    zero: Mask = a == 0
    if not axes:
        return zero
    largest: Mask = sizes == np.max(sizes, axis=axes, keepdims=True)
    tied: Mask = np.sum(largest, axis=axes, keepdims=True) > 1
    return largest & (tied | zero)


norm_inf = Operation(
    name="norm_inf",
    family="reduction",
    arity=(1, 1),
    shape=lambda shapes, options: _along_one_axis(shapes, options, "max(abs({0}))"),
    kernel=lambda s: (
        reduction_kernel(lambda xp, a, axes, keep: xp.max(xp.abs(a), axis=axes, keepdims=keep))(s)
        if s.shapes[0]
        else lambda xp, a: xp.abs(a)
    ),
    pullback=lambda i, g, p: (
        spread(g, p)
        * (sign(p.arguments[0]) * attained(absolute(p.arguments[0]), p.out, axis=p.options["axis"]))
    ),
    words=Words(
        "the ∞-norm",
        "Take the size of the entry that is largest in size.",
        "Only the entry that is largest in size receives the gradient, with its own sign; entries that tie share it equally.",
    ),
    notation=Fence("‖", "‖", r"\left\lVert", r"\right\rVert", below="∞"),
    options=AXES,
    spellings=("max_norm",),
    positional=("axis",),
    leaking=lambda call: Call("norm", call.arguments, call.options),
    kinks=(
        Kink(
            _tied,
            "the entries that are largest in size share the gradient equally; where all are 0 the slope is taken as 0",
        ),
    ),
)
"""max |a|."""

OPERATIONS: tuple[Operation, ...] = (norm1, norm_inf)
