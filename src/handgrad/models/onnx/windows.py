"""ONNX operators whose windows slide: convolutions and pools. Their padding may differ at the two ends of an axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from handgrad.expression import Expression, Shape
from handgrad.models.formulas import SpreadOut, padded
from handgrad.models.onnx.entrywise import Rule
from handgrad.models.onnx.node import Constant, OnnxNode, Result
from handgrad.operations.convolution import convolutions
from handgrad.operations.pooling import max_pools, mean_pools
from handgrad.operations.reductions import maximum_of, mean

LOWEST = -1e300
"""What stands around an array of which the largest entries are taken, where the padding is not the same at both ends."""


def _rank(node: OnnxNode) -> int:
    rank = node.rank(0) - 2
    if rank not in convolutions:
        node.refuse(f"slides along {rank} axes", "windows along one, two or three axes are read")
    return rank


def _settings(node: OnnxNode, size: Shape) -> tuple[Shape, Shape, Shape, Shape]:
    """Strides, dilations, and the padding before and after each axis."""
    rank = len(size)
    strides = tuple(int(n) for n in node.attribute("strides", [1] * rank))
    dilations = tuple(int(n) for n in node.attribute("dilations", [1] * rank))
    kind = node.attribute("auto_pad", "NOTSET")
    if kind in ("SAME_UPPER", "SAME_LOWER"):
        before, after = [], []
        for n, k, s, d in zip(node.shape(0)[2:], size, strides, dilations, strict=True):
            total = max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
            less = total // 2
            before.append(less if kind == "SAME_UPPER" else total - less)
            after.append(total - before[-1])
        return strides, dilations, tuple(before), tuple(after)
    pads = [0] * (2 * rank) if kind == "VALID" else node.attribute("pads", [0] * (2 * rank))
    ends = tuple(int(n) for n in pads)
    return strides, dilations, ends[:rank], ends[rank:]


def _given(**options: Shape) -> dict[str, int | Shape]:
    """The options that are not what goes without saying; one number where it is the same for all axes."""
    plain = {"stride": 1, "dilation": 1, "padding": 0}
    told = {n: v[0] if len(set(v)) == 1 else v for n, v in options.items()}
    return {n: v for n, v in told.items() if v != plain.get(n)}


def _conv(node: OnnxNode) -> Result:
    rank = _rank(node)
    size = node.shape(1)[2:]
    stride, dilation, before, after = _settings(node, size)
    array = node.formula(0)
    if before != after:
        array = padded(array, (0, 0, *before), (0, 0, *after))
        before = (0,) * rank
    options = _given(stride=stride, padding=before, dilation=dilation)
    groups = int(node.attribute("group", 1))
    if groups != 1:
        options["groups"] = groups
    bias = [node.formula(2)] if node.has(2) else []
    return convolutions[rank](array, node.formula(1), *bias, **options)


def _conv_transpose(node: OnnxNode) -> Result:
    rank = _rank(node)
    size = node.shape(1)[2:]
    lengths = node.shape(0)[2:]
    stride, dilation, before, after = _settings(node, size)
    extra = tuple(int(n) for n in node.attribute("output_padding", [0] * rank))
    kind = node.attribute("auto_pad", "NOTSET")
    wanted = [int(n) for n in node.attribute("output_shape", [])]
    if not wanted and kind in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [n * s for n, s in zip(lengths, stride, strict=True)]
    if wanted:
        # What is left over of the whole is cut off at both ends; of an odd number, more at the start but for SAME_UPPER.
        axes = zip(lengths, size, stride, dilation, extra, wanted[-rank:], strict=True)
        total = [(n - 1) * s + d * (k - 1) + 1 + e - w for n, k, s, d, e, w in axes]
        less, more = tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
        before, after = (less, more) if kind == "SAME_UPPER" else (more, less)
    ends = tuple(a - e for a, e in zip(after, extra, strict=True))
    groups = int(node.attribute("group", 1))
    bias = [node.formula(2)] if node.has(2) else []
    spread = SpreadOut(lengths, size, stride, dilation, before, ends, groups)
    return spread.of(node.formula(0), node.formula(1), bias)


def _pool(
    node: OnnxNode, make: Mapping[int, Callable[..., Expression]], around: float
) -> tuple[Expression, Shape, Shape]:
    rank = _rank(node)
    size = tuple(int(n) for n in node.attribute("kernel_shape"))
    stride, dilation, before, after = _settings(node, size)
    if node.attribute("ceil_mode", 0):
        reach = [d * (k - 1) + 1 for d, k in zip(dilation, size, strict=True)]
        axes = zip(node.shape(0)[2:], before, after, reach, stride, strict=True)
        if any((n + b + a - r) % s for n, b, a, r, s in axes):
            node.refuse("has windows that reach beyond the padding (ceil_mode)")
    array = node.formula(0)
    options = _given(size=size, padding=before, dilation=dilation)
    if before != after:
        array = padded(array, (0, 0, *before), (0, 0, *after), around)
        options.pop("padding", None)
    if stride != size:
        options["stride"] = stride[0] if len(set(stride)) == 1 else stride
    return make[rank](array, **options), before, after


def _max_pool(node: OnnxNode) -> Result:
    if len(node.outputs) > 1 and node.outputs[1]:
        node.refuse("gives the places of the largest too", "only their values are read")
    return _pool(node, max_pools, LOWEST)[0]


def _average_pool(node: OnnxNode) -> Result:
    formula, before, after = _pool(node, mean_pools, 0.0)
    if node.attribute("count_include_pad", 0) or not any((*before, *after)):
        return formula
    # The zeros of the padding do not count: divided by the share of each window that lies in the array.
    lengths = node.shape(0)[2:]
    size = tuple(int(n) for n in node.attribute("kernel_shape"))
    stride, dilation, _, _ = _settings(node, size)
    share = np.ones(())
    for n, k, s, d, b, a in zip(lengths, size, stride, dilation, before, after, strict=True):
        windows = range(0, n + b + a - d * (k - 1), s)
        inside = [sum(0 <= w + o * d - b < n for o in range(k)) / k for w in windows]
        share = np.multiply.outer(share, np.array(inside))
    return formula / node.given(Constant(f"{node.outputs[0]}.share", share))


def _global(make: Callable[..., Expression]) -> Rule:
    def rule(node: OnnxNode) -> Result:
        axes = tuple(range(2, node.rank(0)))
        return make(node.formula(0), axis=axes[0] if len(axes) == 1 else axes, keepdims=True)

    return rule


WINDOWS: dict[str, Rule] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global(mean),
    "GlobalMaxPool": _global(maximum_of),
}
"""By operator, the formula of its inputs."""
