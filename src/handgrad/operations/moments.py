"""The variance and the standard deviation of entries along axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from handgrad.arrays import AnyArray, Array, Mask, Namespace
from handgrad.expression import Call, Expression, Shape
from handgrad.notation import Function
from handgrad.operations.arithmetic import ratio
from handgrad.operations.normalising import centred
from handgrad.operations.operation import (
    Application,
    Kernel,
    Kink,
    Misfit,
    Operation,
    Options,
    Signature,
    normal_axes,
)
from handgrad.operations.reductions import (
    AXES,
    mean,
    reduced_entries,
    reduced_shape,
    spread,
    total,
)
from handgrad.operations.words import OptionWords, Words


def _less(options: Options) -> float:
    """What the count is lessened by in the divisor. Raises `Misfit`."""
    ddof = options["ddof"]
    if isinstance(ddof, bool) or not isinstance(ddof, int | float) or not 0 <= ddof < np.inf:
        raise Misfit("ddof must be a number, zero or positive", "write ddof=1 to divide by n − 1")
    return float(ddof)


def _divisor(shape: Shape, options: Options) -> float:
    """The count of the entries less ddof. Raises `Misfit` where nothing is left of it."""
    count = int(np.prod([shape[k] for k in normal_axes(options["axis"], len(shape))], dtype=int))
    divisor = count - _less(options)
    if divisor <= 0:
        entries = "1 entry" if count == 1 else f"{count} entries"
        raise Misfit(
            f"the variance of {entries} divides by {count} − {_less(options):g} = {divisor:g}",
            "write ddof=0 to divide by the count",
        )
    return divisor


def _shape(shapes: Sequence[Shape], options: Options) -> Shape:
    result = reduced_shape(shapes, options)
    _divisor(shapes[0], options)
    return result


def _variance(s: Signature, noise: float = 0.0) -> Kernel:
    axes = normal_axes(s.options["axis"], len(s.shapes[0]))
    divisor, keepdims = _divisor(s.shapes[0], s.options), bool(s.options["keepdims"])

    def variance(xp: Namespace, a: AnyArray) -> AnyArray:
        if not axes:
            return a - a
        apart = centred(xp, a, axes, noise)
        return xp.sum(apart * apart, axis=axes, keepdims=keepdims) / divisor

    return variance


def _deviation(s: Signature, noise: float = 0.0) -> Kernel:
    variance = _variance(s, noise)
    return lambda xp, a: xp.sqrt(variance(xp, a))


def _apart(p: Application) -> Expression:
    """How far each entry is from the mean of those that it is reduced with."""
    (a,), axis = p.arguments, p.options["axis"]
    return a - (mean(a) if axis is None else mean(a, axis=axis, keepdims=True))


def _variance_pullback(i: int, g: Expression, p: Application) -> Expression:
    return spread(g, p) * (2 * _apart(p) / _divisor(p.shapes[0], p.options))


def _deviation_pullback(i: int, g: Expression, p: Application) -> Expression:
    return spread(g, p) * ratio(_apart(p), spread(_divisor(p.shapes[0], p.options) * p.out, p))


def _variance_element(index: tuple[int, ...], p: Application) -> Expression:
    entries = reduced_entries(index, p)
    middle = total(entries) / len(entries)
    return total([(e - middle) ** 2 for e in entries]) / _divisor(p.shapes[0], p.options)


def _all_equal(xp: Namespace, a: Array, axis: object = None, **_: object) -> Mask:
    axes = normal_axes(axis, a.ndim)  # type: ignore[arg-type]
    low, high = np.min(a, axis=axes, keepdims=True), np.max(a, axis=axes, keepdims=True)
    return np.broadcast_to(low == high, a.shape)


_OPTIONS: Options = {**AXES, "ddof": 0}
_DDOF = {"ddof": OptionWords("the divisor is the count less", plain=0)}

variance = Operation(
    name="var",
    family="reduction",
    arity=(1, 1),
    shape=_shape,
    kernel=_variance,
    within=_variance,
    pullback=_variance_pullback,
    element=_variance_element,
    words=Words(
        "the variance",
        "Average the squares of how far the entries are from their mean.",
        "Each entry moves the variance by twice its distance from the mean, divided by the count; that the mean moves too adds nothing, as the distances add up to 0.",
        options=_DDOF,
    ),
    notation=Function("var", r"\operatorname{var}"),
    options=_OPTIONS,
    spellings=("variance", "reduce_variance"),
    positional=("axis",),
    defaults_elsewhere={"torch": {"ddof": 1}},
)
"""Σ (a − mean)² / (n − ddof): the count n divides, as in NumPy; n − 1 with ddof=1."""

std = Operation(
    name="std",
    family="reduction",
    arity=(1, 1),
    shape=_shape,
    kernel=_deviation,
    within=_deviation,
    pullback=_deviation_pullback,
    element=lambda index, p: Call("sqrt", (_variance_element(index, p),)),
    words=Words(
        "the standard deviation",
        "Take the root of the variance: how far the entries are from their mean.",
        "Each entry moves the standard deviation s by its distance from the mean, divided by the count times s.",
        options=_DDOF,
    ),
    notation=Function("std", r"\operatorname{std}"),
    options=_OPTIONS,
    spellings=("reduce_std",),
    positional=("axis",),
    defaults_elsewhere={"torch": {"ddof": 1}},
    kinks=(
        Kink(
            _all_equal,
            "where all entries are equal the standard deviation has a kink; its slope there is taken as 0",
        ),
    ),
)

OPERATIONS: tuple[Operation, ...] = (variance, std)
