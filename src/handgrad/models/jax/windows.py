"""JAX's primitives whose windows slide: convolutions, transposed ones, and pools."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jax.extend.core import primitives as p

from handgrad.expression import Expression, Slice
from handgrad.models.formulas import (
    ALL,
    SpreadOut,
    padded,
    permuted,
)
from handgrad.models.jax.primitive import Primitive, Rule, Value
from handgrad.operations.convolution import convolutions
from handgrad.operations.pooling import max_pools, mean_pools


def _convolution(a: Primitive) -> Value:
    numbers = a.params["dimension_numbers"]
    rank = len(a.shape()) - 2
    if rank not in convolutions:
        a.refuse(f"slides along {rank} axes", "one, two or three are read")
    if a.params["batch_group_count"] != 1:
        a.refuse("groups its examples", "groups of channels are read")
    x, k = permuted(a(0), numbers.lhs_spec), permuted(a(1), numbers.rhs_spec)
    back = [
        int(np.argwhere(np.asarray(numbers.out_spec) == axis)[0, 0]) for axis in range(rank + 2)
    ]
    before = [int(b) for b, _ in a.params["padding"]]
    after = [int(e) for _, e in a.params["padding"]]
    if set(a.params["lhs_dilation"]) != {1}:
        return permuted(_transposed(a, x, k, before, after), back)
    options: dict[str, Any] = {
        "stride": tuple(int(n) for n in a.params["window_strides"]),
        "dilation": tuple(int(n) for n in a.params["rhs_dilation"]),
    }
    if before != after:
        x = padded(x, (0, 0, *before), (0, 0, *after))
        before = [0] * rank
    options["padding"] = tuple(before)
    plain = {"stride": 1, "dilation": 1, "padding": 0}
    options = {n: v[0] if len(set(v)) == 1 else v for n, v in options.items()}
    options = {n: v for n, v in options.items() if v != plain[n]}
    if a.params["feature_group_count"] != 1:
        options["groups"] = int(a.params["feature_group_count"])
    result = convolutions[rank](x, k, **options)
    return permuted(result, back)


def _transposed(
    a: Primitive, x: Expression, k: Expression, before: Sequence[int], after: Sequence[int]
) -> Expression:
    """A convolution of an array with gaps between its entries: a transposed one, of the kernel turned round."""
    numbers, rank = a.params["dimension_numbers"], len(before)
    if set(a.params["window_strides"]) != {1} or a.params["feature_group_count"] != 1:
        a.refuse("has gaps in the array, and a stride or groups", "one of both is read")
    lengths = tuple(a.shape()[axis] for axis in numbers.lhs_spec[2:])
    size = tuple(a.shape(1)[axis] for axis in numbers.rhs_spec[2:])
    dilation = tuple(int(n) for n in a.params["rhs_dilation"])
    reach = [d * (n - 1) for n, d in zip(size, dilation, strict=True)]
    turned = permuted(k, (1, 0, *range(2, rank + 2))).at(
        (ALL, ALL, *[Slice(None, None, -1)] * rank)
    )
    spread = SpreadOut(
        lengths,
        size,
        tuple(int(n) for n in a.params["lhs_dilation"]),
        dilation,
        tuple(r - b for r, b in zip(reach, before, strict=True)),
        tuple(r - e for r, e in zip(reach, after, strict=True)),
    )
    return spread.of(x, turned)


def _pool(
    a: Primitive, make: Mapping[int, Callable[..., Expression]], around: float, **ties: bool
) -> tuple[Expression, int]:
    """Windows over the axes where they are longer than 1: moved last, pooled, moved back."""
    size = [int(n) for n in a.params["window_dimensions"]]
    axes = [k for k, n in enumerate(size) if n > 1] or [len(size) - 1]
    if set(a.params["base_dilation"]) != {1}:
        a.refuse("puts gaps between the entries")
    strides, dilations = a.params["window_strides"], a.params["window_dilation"]
    if any(strides[k] != 1 for k in range(len(size)) if k not in axes) or len(axes) > 3:
        a.refuse("slides along more than three axes")
    pads = a.params["padding"]
    before, after = [int(b) for b, _ in pads], [int(e) for _, e in pads]
    x, same = a(0), before == after
    if not same:
        x = padded(x, before, after, around)
    order = [k for k in range(len(size)) if k not in axes] + axes
    options: dict[str, Any] = {
        "size": tuple(size[k] for k in axes),
        "stride": tuple(int(strides[k]) for k in axes),
        "dilation": tuple(int(dilations[k]) for k in axes),
        "padding": tuple(before[k] if same else 0 for k in axes),
    }
    options = {n: v[0] if len(set(v)) == 1 else v for n, v in options.items()}
    options = {
        n: v
        for n, v in options.items()
        if (n, v) not in (("dilation", 1), ("padding", 0))
        and not (n == "stride" and v == options["size"])
    }
    pooled = make[len(axes)](permuted(x, order), **options, **ties)
    back = [order.index(k) for k in range(len(size))]
    return permuted(pooled, back), math.prod(size)


def _window_max(a: Primitive) -> Value:
    # Of entries that tie in a window JAX gives all to the first.
    return _pool(a, max_pools, -1e300, first=True)[0]


def _window_sum(a: Primitive) -> Value:
    mean, count = _pool(a, mean_pools, 0.0)
    return float(count) * mean


WINDOWS: Mapping[str, Rule] = {
    p.conv_general_dilated_p.name: _convolution,
    p.reduce_window_max_p.name: _window_max,
    p.reduce_window_sum_p.name: _window_sum,
}
"""By primitive, the formula of its arguments."""
