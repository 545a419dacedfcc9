"""Softmax and its logarithm, and the logarithm of a sum of exponentials: along axes, without overflow."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Call, Expression, Option, Shape
from handgrad.notation import Function
from handgrad.operations.functions import exp
from handgrad.operations.operation import Kernel, Operation, Options, Signature, normal_axes
from handgrad.operations.reductions import AXES, reduced_shape, reduction_kernel, spread, sum_
from handgrad.operations.words import Words


def _softmax_axis(s: Signature) -> tuple[int, ...]:
    return normal_axes(s.options["axis"], len(s.shapes[0]))


def _softmax_kernel(s: Signature) -> Kernel:
    axes = _softmax_axis(s)

    def softmax_of(xp: Namespace, z: AnyArray) -> AnyArray:
        shifted = xp.exp(z - xp.max(z, axis=axes, keepdims=True))
        return shifted / xp.sum(shifted, axis=axes, keepdims=True)

    return softmax_of


def _log_softmax_kernel(s: Signature) -> Kernel:
    axes = _softmax_axis(s)

    def log_softmax_of(xp: Namespace, z: AnyArray) -> AnyArray:
        shifted = z - xp.max(z, axis=axes, keepdims=True)
        return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axes, keepdims=True))

    return log_softmax_of


def _same_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    normal_axes(options["axis"], len(shapes[0]))
    return shapes[0]


softmax = Operation(
    name="softmax",
    family="activation",
    arity=(1, 1),
    shape=_same_shape,
    kernel=_softmax_kernel,
    pullback=lambda i, g, p: p.out * (g - sum_(g * p.out, axis=p.options["axis"], keepdims=True)),
    words=Words(
        "softmax",
        "Softmax turns scores into probabilities that add up to 1.",
        "Each score moves every probability: subtract the average gradient, weighted by the probabilities.",
    ),
    notation=Function("softmax", r"\operatorname{softmax}"),
    options={"axis": -1},
    bounds=(0.0, 1.0),
    distribution=True,
    positional=("axis",),
)
log_softmax = Operation(
    name="log_softmax",
    family="activation",
    arity=(1, 1),
    shape=_same_shape,
    kernel=_log_softmax_kernel,
    pullback=lambda i, g, p: g - exp(p.out) * sum_(g, axis=p.options["axis"], keepdims=True),
    words=Words(
        "log softmax",
        "The logarithm of softmax, computed without overflow.",
        "Subtract the probabilities times the summed gradient.",
    ),
    notation=Function("log softmax", r"\operatorname{log\,softmax}"),
    options={"axis": -1},
    spellings=("logsoftmax",),
    logarithm=True,
    positional=("axis",),
)


def log_sum_exp(xp: Namespace, z: AnyArray, axes: tuple[int, ...], keep: bool) -> AnyArray:
    """ln Σ exp(z) along axes."""
    # Shifted by the largest entry, so that nothing overflows and one term of the sum is 1.
    largest = xp.max(z, axis=axes, keepdims=True)
    total = largest + xp.log(xp.sum(xp.exp(z - largest), axis=axes, keepdims=True))
    return total if keep else xp.squeeze(total, axis=axes)


def softmax_along(z: Expression, rank: int, axis: Option) -> Call:
    """softmax(z) along an axis, as a reader writes it: the last one is not named."""
    last = axis in (-1, rank - 1) or (axis is None and rank == 1)
    return softmax(z) if last else softmax(z, axis=axis)


logsumexp = Operation(
    name="logsumexp",
    family="reduction",
    arity=(1, 1),
    shape=reduced_shape,
    kernel=reduction_kernel(log_sum_exp),
    pullback=lambda i, g, p: (
        spread(g, p) * softmax_along(p.arguments[0], len(p.shapes[0]), p.options["axis"])
    ),
    positional=("axis",),
    words=Words(
        "log-sum-exp",
        "The logarithm of the sum of the exponentials, computed without overflow.",
        "The derivative of ln Σ eᶻ is softmax(z).",
    ),
    notation=Function("log Σ exp", r"\operatorname{log\,sum\,exp}"),
    options=AXES,
    spellings=("log_sum_exp",),
)

OPERATIONS: tuple[Operation, ...] = (softmax, log_softmax, logsumexp)
