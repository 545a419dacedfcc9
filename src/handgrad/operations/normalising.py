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
from handgrad.operations.structure import reshape
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


def _root_mean_square(s: Signature) -> Kernel:
    axes, eps = _axes(s), _eps(s.options)
    return lambda xp, a: xp.sqrt(xp.mean(a * a, axis=axes, keepdims=True) + eps)


def _rmsnorm_kernel(s: Signature) -> Kernel:
    root = _root_mean_square(s)
    return lambda xp, a: a / root(xp, a)


def _rms_pullback(i: int, g: Expression, p: Application) -> Expression:
    (a,), axis = p.arguments, p.options["axis"]
    count = math.prod(p.shapes[0][k] for k in normal_axes(axis, len(p.shapes[0])))
    return g * a / (count * p.out)


def _rmsnorm_pullback(i: int, g: Expression, p: Application) -> Expression:
    axis, out = p.options["axis"], p.out
    along = out * mean(g * out, axis=axis, keepdims=True)
    return (g - along) / rms(p.arguments[0], **p.options)


rms = Operation(
    name="rms",
    family="helper",
    arity=(1, 1),
    shape=_kept,
    kernel=_root_mean_square,
    pullback=_rms_pullback,
    words=Words("the root mean square", "√(mean of a² + ε) along an axis."),
    notation=Function("rms", r"\operatorname{rms}"),
    options={"axis": -1, "eps": EPSILON},
)
"""√(mean of a² + ε) along an axis, which stays with length 1."""


def _rmsnorm_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    _eps(options)
    if not shapes[0]:
        raise Misfit("rmsnorm takes a vector or a matrix, and {0} is a scalar")
    normal_axes(options["axis"], len(shapes[0]))
    return shapes[0]


rmsnorm = Operation(
    name="rmsnorm",
    family="normalisation",
    arity=(1, 1),
    shape=_rmsnorm_shape,
    kernel=_rmsnorm_kernel,
    pullback=_rmsnorm_pullback,
    notation=Function("rmsnorm", r"\operatorname{rmsnorm}"),
    words=Words(
        "root-mean-square normalisation",
        "Divide by the root of the mean square, along the last axis; no mean is subtracted.",
        "The root depends on every entry: the gradient loses its part along the normalised values, and is divided by the root.",
        options={"eps": OptionWords("ε is")},
    ),
    options={"axis": -1, "eps": EPSILON},
    spellings=("rms_norm",),
)
"""a / √(mean of a² + ε) along the last axis (Zhang and Sennrich, 2019)."""


def _groups(shape: Shape, options: Options) -> int:
    """How many groups the channels, the first axis, are put into. Raises `Misfit`."""
    groups = options["groups"]
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        raise Misfit("groupnorm takes a number of groups", "write groupnorm({0}, 2)")
    if not shape:
        raise Misfit("groupnorm takes channels on the first axis, and {0} is a scalar")
    if shape[0] % groups:
        raise Misfit(
            f"the {shape[0]} channels of {{0}} are not put into {groups} groups of one size",
            f"the channels lie on the first axis, and groups divides {shape[0]}",
        )
    return groups


def _groupnorm_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    _eps(options)
    _groups(shapes[0], options)
    return shapes[0]


def _groupnorm_kernel(s: Signature, noise: float = 0.0) -> Kernel:
    shape, eps, many = s.shapes[0], _eps(s.options), s.batched[0]
    groups = _groups(shape, s.options)
    rows = (groups, math.prod(shape) // groups)

    def normal(xp: Namespace, a: AnyArray) -> AnyArray:
        flat = xp.reshape(a, (*rows, a.shape[-1]) if many else rows)
        apart = centred(xp, flat, (1,), noise)
        return xp.reshape(apart / _spread(xp, apart, (1,), eps), a.shape)

    return normal


def _groupnorm_pullback(i: int, g: Expression, p: Application) -> Expression:
    """Each group is a row, whose pull-back is that of layer normalisation."""
    shape = p.shapes[0]
    rows = (_groups(shape, p.options), -1)
    flat, of_rows, out = (reshape(e, shape=rows) for e in (p.arguments[0], g, p.out))
    apart = of_rows - mean(of_rows, axis=1, keepdims=True)
    along = out * mean(of_rows * out, axis=1, keepdims=True)
    spread = deviation(flat, axis=1, eps=p.options["eps"])
    return reshape((apart - along) / spread, shape=shape)


groupnorm = Operation(
    name="groupnorm",
    family="normalisation",
    arity=(1, 1),
    shape=_groupnorm_shape,
    kernel=_groupnorm_kernel,
    within=_groupnorm_kernel,
    pullback=_groupnorm_pullback,
    notation=Function("groupnorm", r"\operatorname{groupnorm}"),
    words=Words(
        "group normalisation",
        "Put the channels, the first axis, into groups; subtract each group's mean and divide by its standard deviation.",
        "A group's mean and deviation depend on all of its entries: its gradient, as one row, loses its own mean and its part along the normalised values, and is divided by the deviation.",
        options={"groups": OptionWords("the number of groups is"), "eps": OptionWords("ε is")},
    ),
    options={"groups": None, "eps": EPSILON},
    spellings=("group_norm",),
    positional=("groups",),
)
"""(a − mean) / √(variance + ε) over each group of channels (Wu and He, 2018); channels come first."""

OPERATIONS: tuple[Operation, ...] = (layernorm, batchnorm, rmsnorm, groupnorm, deviation, rms)
