"""The product of entries along axes, and sums of the entries so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import ONE, Expression, Shape
from handgrad.notation import Function
from handgrad.operations.operation import (
    Application,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
    normal_axes,
)
from handgrad.operations.reductions import (
    AXES,
    reduced_entries,
    reduced_shape,
    reduction_kernel,
    spread,
    total,
)
from handgrad.operations.words import Words


def _multiplied(factors: Sequence[Expression]) -> Expression:
    product = factors[0] if factors else ONE
    for factor in factors[1:]:
        product = product * factor
    return product


def _product(xp: Namespace, a: AnyArray, axes: tuple[int, ...], keep: bool) -> AnyArray:
    # PyTorch multiplies along one axis at a time.
    for axis in reversed(axes):
        a = xp.prod(a, axis=axis, keepdims=keep)
    return a


def _others_kernel(s: Signature) -> Kernel:
    """Products of what stands before and what stands behind: no division, which a 0 would not survive."""
    shape, batched = s.shapes[0], s.batched[0]
    axes = normal_axes(s.options["axis"], len(shape))
    count = math.prod(shape[k] for k in axes)
    kept = [k for k in range(len(shape) + batched) if k not in axes]
    order = (*axes, *kept)
    back = tuple(order.index(k) for k in range(len(order)))

    def others(xp: Namespace, a: AnyArray) -> AnyArray:
        if count == 1:
            return xp.ones_like(a)
        moved = xp.permute_dims(a, order)
        flat = xp.reshape(moved, (count, *moved.shape[len(axes) :]))
        before, behind = [flat[0]], [flat[count - 1]]
        for k in range(1, count - 1):
            before.append(before[-1] * flat[k])
            behind.append(behind[-1] * flat[count - 1 - k])
        inner = [before[k - 1] * behind[count - 2 - k] for k in range(1, count - 1)]
        rows = xp.stack([behind[-1], *inner, before[-1]], axis=0)
        return xp.permute_dims(xp.reshape(rows, moved.shape), back)

    return others


def _others_element(index: tuple[int, ...], p: Application) -> Expression:
    axes = normal_axes(p.options["axis"], len(p.shapes[0]))
    rest = tuple(i for k, i in enumerate(index) if k not in axes)
    own = p.arguments[0].entry(index)
    return _multiplied([e for e in reduced_entries(rest, p) if e != own])


others = Operation(
    name="others",
    family="helper",
    arity=(1, 1),
    shape=lambda shapes, _: shapes[0],
    kernel=_others_kernel,
    pullback=lambda i, g, p: None,
    element=_others_element,
    words=Words(
        "the product of the others",
        "For each entry, the product of all the others: 1 where there are none.",
        defined="others has at each entry the product of all the others.",
    ),
    notation=Function("others", r"\operatorname{others}"),
    options={"axis": None, "keepdims": False},
)

prod = Operation(
    name="prod",
    family="reduction",
    arity=(1, 1),
    shape=reduced_shape,
    kernel=reduction_kernel(_product),
    pullback=lambda i, g, p: spread(g, p) * others(p.arguments[0], axis=p.options["axis"]),
    element=lambda index, p: _multiplied(reduced_entries(index, p)),
    words=Words(
        "the product of the entries",
        "Multiply the entries.",
        "Each entry receives the gradient times the product of all the other entries.",
    ),
    notation=Function("Π", r"\prod"),
    options=AXES,
    keeps_positive=True,
    spellings=("Π", "product", "reduce_prod"),
    positional=("axis",),
)


def _axis(shapes: Sequence[Shape], options: Options) -> int:
    (shape,) = shapes
    if not shape:
        raise Misfit("cumsum runs along an axis, and {0} is a scalar")
    axes = normal_axes(options["axis"], len(shape))
    if len(axes) > 1:
        raise Misfit(
            f"{{0}} is {describe(shape)}, and cumsum runs along one axis", "write axis=0 or axis=1"
        )
    return axes[0]


def _cumsum_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    _axis(shapes, options)
    return shapes[0]


def _cumsum_kernel(s: Signature) -> Kernel:
    axis = _axis(s.shapes, s.options)
    return lambda xp, a: xp.cumsum(a, axis=axis)


def _sums_back_kernel(s: Signature) -> Kernel:
    axis = _axis(s.shapes, s.options)

    def sums_back(xp: Namespace, a: AnyArray) -> AnyArray:
        return xp.flip(xp.cumsum(xp.flip(a, axis=(axis,)), axis=axis), axis=(axis,))

    return sums_back


def _entries_at(
    index: tuple[int, ...], p: Application, places: Callable[[int, int], range]
) -> Expression:
    """The sum of the entries along the axis at `places(own, length)`."""
    axis = _axis(p.shapes, p.options)
    own = places(index[axis], p.shapes[0][axis])
    return total([p.arguments[0].entry((*index[:axis], k, *index[axis + 1 :])) for k in own])


def _named_axis(p: Application) -> Options:
    """The axis, where it has to be named."""
    return {} if len(p.shapes[0]) == 1 else {"axis": p.options["axis"]}


sums_back: Operation = Operation(
    name="sums_back",
    family="helper",
    arity=(1, 1),
    shape=_cumsum_shape,
    kernel=_sums_back_kernel,
    pullback=lambda i, g, p: cumsum(g, **_named_axis(p)),
    element=lambda index, p: _entries_at(index, p, lambda own, length: range(own, length)),
    words=Words(
        "the sums from there on", "At each entry, the sum of it and of all that come after it."
    ),
    notation=Function("reverse cumsum", r"\operatorname{reverse\,cumsum}"),
    options={"axis": None},
    sizes=_sums_back_kernel,
)


cumsum: Operation = Operation(
    name="cumsum",
    family="structure",
    arity=(1, 1),
    shape=_cumsum_shape,
    kernel=_cumsum_kernel,
    pullback=lambda i, g, p: sums_back(g, **_named_axis(p)),
    element=lambda index, p: _entries_at(index, p, lambda own, length: range(own + 1)),
    words=Words(
        "the sums so far",
        "Add up the entries one after the other: each result is the sum up to there.",
        "An entry is in every sum from its own on: the gradients are added up from the end.",
    ),
    notation=Function("cumsum", r"\operatorname{cumsum}"),
    options={"axis": None},
    spellings=("cumulative_sum",),
    sizes=_cumsum_kernel,
    keeps_positive=True,
    positional=("axis",),
)
"""Sums of the entries so far along an axis, which has to be named for a matrix: NumPy flattens it otherwise."""

OPERATIONS: tuple[Operation, ...] = (prod, cumsum, others, sums_back)
