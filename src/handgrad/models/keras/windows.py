"""Keras's layers whose windows slide: convolutions and pools; and what is put around an array or cut off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handgrad.expression import Expression, Shape
from handgrad.models.formulas import (
    SpreadOut,
    padded,
    permuted,
    repeated,
    reshaped,
    sliced,
)
from handgrad.models.keras.layer import KerasLayer, Rule
from handgrad.operations.convolution import convolutions
from handgrad.operations.pooling import max_pools, mean_pools
from handgrad.operations.reductions import maximum_of, mean


def _pads(
    padding: str, lengths: Shape, size: Shape, stride: Shape, dilation: Shape
) -> tuple[Shape, Shape]:
    """The padding before and after, as TensorFlow's "same" has it: the odd entry comes after."""
    if padding != "same":
        return (0,) * len(size), (0,) * len(size)
    total = [
        max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
        for n, k, s, d in zip(lengths, size, stride, dilation, strict=True)
    ]
    before = tuple(t // 2 for t in total)
    return before, tuple(t - b for t, b in zip(total, before, strict=True))


def _first(a: KerasLayer) -> tuple[Expression, Shape]:
    """The input with its channels on axis 1, and the lengths of its places."""
    rank = len(a.shape)
    if getattr(a.layer, "data_format", "channels_last") == "channels_first":
        return a.x, a.shape[2:]
    return permuted(a.x, (0, rank - 1, *range(1, rank - 1))), a.shape[1:-1]


def _last(a: KerasLayer, formula: Expression) -> Expression:
    """A result with its channels where the layer has them."""
    rank = len(a.shape)
    if getattr(a.layer, "data_format", "channels_last") == "channels_first":
        return formula
    return permuted(formula, (0, *range(2, rank), 1))


def _options(**options: Any) -> dict[str, Any]:
    told = {n: v[0] if isinstance(v, tuple) and len(set(v)) == 1 else v for n, v in options.items()}
    plain = {"stride": 1, "dilation": 1, "padding": 0, "groups": 1}
    return {n: v for n, v in told.items() if n not in plain or v != plain[n]}


def _slid(a: KerasLayer) -> tuple[Expression, dict[str, Any]]:
    """What a kernel slides over, padded where the padding differs before and after; and how it slides."""
    layer, rank = a.layer, len(a.shape) - 2
    if layer.padding == "causal":
        a.refuse("looks back alone (causal)")
    array, lengths = _first(a)
    size, stride, dilation = (
        tuple(map(int, n)) for n in (layer.kernel_size, layer.strides, layer.dilation_rate)
    )
    before, after = _pads(layer.padding, lengths, size, stride, dilation)
    if before != after:
        array, before = padded(array, (0, 0, *before), (0, 0, *after)), (0,) * rank
    return array, {"stride": stride, "padding": before, "dilation": dilation}


def _depthwise(a: KerasLayer, kernel: Expression) -> Expression:
    """A kernel (size…, channels, each) as one for each of the channels, one after the other."""
    *size, channels, each = a.builder.shape(kernel)
    rank = len(size)
    turned = permuted(kernel, (rank, rank + 1, *range(rank)))
    return reshaped(turned, (channels, each, *size), (channels * each, 1, *size))


def _conv(a: KerasLayer) -> Expression:
    layer, rank = a.layer, len(a.shape) - 2
    array, sliding = _slid(a)
    kernel = a.weight(layer.kernel)
    depthwise = hasattr(layer, "depth_multiplier")
    groups = a.shape[-1] if depthwise else layer.groups
    if depthwise:
        kernel = _depthwise(a, kernel)
    else:
        kernel = permuted(kernel, (rank + 1, rank, *range(rank)))
    bias = [a.weight(layer.bias)] if layer.use_bias else []
    z = convolutions[rank](array, kernel, *bias, **_options(**sliding, groups=int(groups)))
    return a.activated(_last(a, z))


def _conv_transpose(a: KerasLayer) -> Expression:
    layer, rank = a.layer, len(a.shape) - 2
    array, lengths = _first(a)
    size, stride, dilation = (
        tuple(map(int, n)) for n in (layer.kernel_size, layer.strides, layer.dilation_rate)
    )
    if layer.output_padding is not None:
        a.refuse(
            "has an output_padding",
            "leave it out: the output is then as long as the strides make it",
        )
    same = layer.padding == "same"
    over = [d * (k - 1) + 1 - s for k, s, d in zip(size, stride, dilation, strict=True)]
    # As the gradient of a convolution over the output has it: with "same" that is `stride` times as long.
    before = tuple(max(o, 0) // 2 if same else 0 for o in over)
    after = tuple(o - b if same else min(o, 0) for o, b in zip(over, before, strict=True))
    kernel = permuted(a.weight(layer.kernel), (rank + 1, rank, *range(rank)))
    bias = [a.weight(layer.bias)] if layer.use_bias else []
    z = SpreadOut(lengths, size, stride, dilation, before, after).of(array, kernel, bias)
    return a.activated(_last(a, z))


def _pool(make: Mapping[int, Callable[..., Expression]], average: bool) -> Rule:
    def rule(a: KerasLayer) -> Expression:
        layer = a.layer
        array, lengths = _first(a)
        size, stride = (tuple(map(int, n)) for n in (layer.pool_size, layer.strides))
        before, after = _pads(layer.padding, lengths, size, stride, (1,) * len(size))
        around = 0.0 if average else -1e300
        if before != after:
            array = padded(array, (0, 0, *before), (0, 0, *after), around)
        same = before == after
        options = _options(size=size, padding=before if same else (0,) * len(size))
        if stride != size:
            options.update(_options(stride=stride) or {"stride": 1})
        if not average:
            # Of entries that tie in a window PyTorch and JAX, below Keras, give all to the first.
            options["first"] = True
        pooled = make[len(size)](array, **options)
        if average and any((*before, *after)):
            # The padding does not count: divided by the share of each window that lies in the array.
            share = np.ones(())
            for n, k, s, b, e in zip(lengths, size, stride, before, after, strict=True):
                inside = [
                    sum(0 <= w + o - b < n for o in range(k)) / k
                    for w in range(0, n + b + e - k + 1, s)
                ]
                share = np.multiply.outer(share, np.array(inside))
            pooled = pooled / a.builder.data(f"{a.name}.share", share)
        return _last(a, pooled)

    return rule


def _global(make: Callable[..., Expression]) -> Rule:
    def rule(a: KerasLayer) -> Expression:
        rank = len(a.shape)
        first = a.layer.data_format == "channels_first"
        axes = tuple(range(2, rank)) if first else tuple(range(1, rank - 1))
        options: dict[str, Any] = {"keepdims": True} if a.layer.keepdims else {}
        return make(a.x, axis=axes[0] if len(axes) == 1 else axes, **options)

    return rule


def _zero_padding(a: KerasLayer) -> Expression:
    ends = a.layer.padding
    pairs = [ends] if isinstance(ends[0], int) else list(ends)
    first = getattr(a.layer, "data_format", "channels_last") == "channels_first"
    around = [(0, 0), (0, 0), *pairs] if first else [(0, 0), *pairs, (0, 0)]
    return padded(a.x, [int(b) for b, _ in around], [int(e) for _, e in around])


def _upsampled(a: KerasLayer) -> Expression:
    """Each entry so many times along each axis."""
    layer = a.layer
    if getattr(layer, "interpolation", "nearest") != "nearest":
        a.refuse(f"interpolates ({layer.interpolation})", "interpolation='nearest' is read")
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    times = layer.size if isinstance(layer.size, tuple | list) else (layer.size,)
    x, shape = a.x, list(a.shape)
    for k, count in enumerate(times):
        axis = k + (2 if first else 1)
        x = repeated(x, tuple(shape), axis, int(count))
        shape[axis] *= int(count)
    return x


def _cropped(a: KerasLayer) -> Expression:
    ends = a.layer.cropping
    pairs = [ends] if isinstance(ends[0], int) else list(ends)
    first = getattr(a.layer, "data_format", "channels_last") == "channels_first"
    x, shape = a.x, list(a.shape)
    for k, (before, after) in enumerate(pairs):
        axis = k + (2 if first else 1)
        x = sliced(x, tuple(shape), axis, int(before), shape[axis] - int(after))
        shape[axis] -= int(before) + int(after)
    return x


def _separable(a: KerasLayer) -> Expression:
    """A kernel for each channel, then one of a single place for all of them."""
    layer, rank = a.layer, len(a.shape) - 2
    array, sliding = _slid(a)
    depth, point = a.weight(layer.depthwise_kernel), a.weight(layer.pointwise_kernel)
    options = _options(**sliding, groups=a.builder.shape(depth)[rank])
    each = a.step("depthwise", convolutions[rank](array, _depthwise(a, depth), **options))
    bias = [a.weight(layer.bias)] if layer.use_bias else []
    kernel = permuted(point, (rank + 1, rank, *range(rank)))
    return a.activated(_last(a, convolutions[rank](each, kernel, *bias)))


WINDOWS: Mapping[str, Rule] = {
    **{f"Conv{rank}D": _conv for rank in convolutions},
    **{f"Conv{rank}DTranspose": _conv_transpose for rank in convolutions},
    "DepthwiseConv1D": _conv,
    "DepthwiseConv2D": _conv,
    **{f"SeparableConv{rank}D": _separable for rank in (1, 2)},
    **{f"MaxPooling{rank}D": _pool(max_pools, False) for rank in max_pools},
    **{f"AveragePooling{rank}D": _pool(mean_pools, True) for rank in mean_pools},
    **{f"GlobalAveragePooling{rank}D": _global(mean) for rank in mean_pools},
    **{f"GlobalMaxPooling{rank}D": _global(maximum_of) for rank in max_pools},
    **{f"ZeroPadding{rank}D": _zero_padding for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": _upsampled for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": _cropped for rank in (1, 2, 3)},
}
"""By the name of the layer's class."""
