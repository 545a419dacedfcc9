"""Normalisation: entries brought to mean 0 and deviation 1, along the last axis or over the examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Expression, Option, Shape
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
from handgrad.operations.reductions import mean
from handgrad.operations.words import OptionWords, Words

EPSILON = 1e-5
"""Added to the variance, as PyTorch has it, so that equal entries do not divide by zero."""


def _axes(s: Signature) -> tuple[int, ...]:
    return normal_axes(s.options["axis"], len(s.shapes[0]))


def centred(xp: Namespace, a: AnyArray, axes: tuple[int, ...], noise: float) -> AnyArray:
    """How far each entry is from the mean; equal entries are at it."""
    mean = xp.mean(a, axis=axes, keepdims=True)
    apart = a - mean
    if not noise:
        return apart
    # Equal entries are their mean, whatever rounding leaves; without ε to speak of that would be a ±1.
    return xp.where(xp.abs(apart) <= noise * (xp.abs(a) + xp.abs(mean)), 0.0, apart)


def _spread(xp: Namespace, apart: AnyArray, axes: tuple[int, ...], eps: float) -> AnyArray:
    return xp.sqrt(xp.mean(apart * apart, axis=axes, keepdims=True) + eps)


def _deviation_kernel(s: Signature, noise: float = 0.0) -> Kernel:
    axes, eps = _axes(s), _eps(s.options)
    return lambda xp, a: _spread(xp, centred(xp, a, axes, noise), axes, eps)


def _normal_kernel(s: Signature, noise: float = 0.0) -> Kernel:
    axes, eps = _axes(s), _eps(s.options)

    def normal(xp: Namespace, a: AnyArray) -> AnyArray:
        apart = centred(xp, a, axes, noise)
        return apart / _spread(xp, apart, axes, eps)

    return normal


def _eps(options: Options) -> float:
    eps = options["eps"]
    if isinstance(eps, bool) or not isinstance(eps, int | float) or eps < 0:
        raise Misfit("eps must be a number, zero or positive")
    return float(eps)


def _kept(shapes: Sequence[Shape], options: Options) -> Shape:
    axes = normal_axes(options["axis"], len(shapes[0]))
    return tuple(1 if k in axes else n for k, n in enumerate(shapes[0]))


def _deviation_pullback(i: int, g: Expression, p: Application) -> Expression:
    (a,), axis = p.arguments, p.options["axis"]
    count = math.prod(p.shapes[0][k] for k in normal_axes(axis, len(p.shapes[0])))
    return g * (a - mean(a, axis=axis, keepdims=True)) / (count * p.out)


def _normal_pullback(i: int, g: Expression, p: Application) -> Expression:
    axis, out = p.options["axis"], p.out
    centred = g - mean(g, axis=axis, keepdims=True)
    along = out * mean(g * out, axis=axis, keepdims=True)
    return (centred - along) / deviation(p.arguments[0], **p.options)


deviation = Operation(
    name="deviation",
    family="helper",
    arity=(1, 1),
    shape=_kept,
    kernel=_deviation_kernel,
    within=_deviation_kernel,
    pullback=_deviation_pullback,
    words=Words(
        "the standard deviation",
        "√(variance + ε) along an axis; the variance divides by the count.",
    ),
    notation=Function("sd", r"\operatorname{sd}"),
    options={"axis": -1, "eps": EPSILON},
)
"""√(variance + ε) along an axis, which stays with length 1; the variance divides by the count."""


def _normalisation(
    name: str, axis: Option, shape: Any, noun: str, forward: str, backward: str
) -> Operation:
    def checked(shapes: Sequence[Shape], options: Options) -> Shape:
        _eps(options)
        normal_axes(options["axis"], len(shapes[0]))
        result: Shape = shape(shapes)
        return result

    return Operation(
        name=name,
        family="normalisation",
        arity=(1, 1),
        shape=checked,
        kernel=_normal_kernel,
        within=_normal_kernel,
        pullback=_normal_pullback,
        notation=Function(name, rf"\operatorname{{{name}}}"),
        words=Words(noun, forward, backward, options={"eps": OptionWords("ε is")}),
        options={"axis": axis, "eps": EPSILON},
        spellings=(name.replace("norm", "_norm"),),
    )


def _any_rank(shapes: Sequence[Shape]) -> Shape:
    if not shapes[0]:
        raise Misfit("layernorm takes a vector or a matrix, and {0} is a scalar")
    return shapes[0]


def _rows_of_examples(shapes: Sequence[Shape]) -> Shape:
    if len(shapes[0]) < 2:
        raise Misfit(
            f"batchnorm takes a matrix with an example in each row, and {{0}} is {describe(shapes[0])}",
            "its mean runs over the examples, so they stand in one matrix X, not in cases",
        )
    return shapes[0]


layernorm = _normalisation(
    "layernorm",
    -1,
    _any_rank,
    "layer normalisation",
    "Subtract the mean and divide by the standard deviation, along the last axis.",
    "Mean and deviation depend on every entry: the gradient loses its own mean and its part along the normalised values, and is divided by the deviation.",
)
"""(a − mean) / √(variance + ε) along the last axis (Ba, Kiros and Hinton, 2016)."""

batchnorm = _normalisation(
    "batchnorm",
    0,
    _rows_of_examples,
    "batch normalisation",
    "Subtract each column's mean over the examples and divide by its standard deviation.",
    "The examples meet in the mean and the deviation: each column's gradient loses its own mean and its part along the normalised values, and is divided by the deviation.",
)
"""The same for each column over the rows, the examples of a batch (Ioffe and Szegedy, 2015)."""

OPERATIONS: tuple[Operation, ...] = (layernorm, batchnorm, deviation)
