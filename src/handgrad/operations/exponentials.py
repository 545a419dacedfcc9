"""Softmax and its logarithm, and the logarithm of a sum of exponentials: along axes, without overflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handgrad.arrays import AnyArray, Array, Mask, Namespace
from handgrad.expression import Call, Expression, Option, Shape
from handgrad.notation import Function
from handgrad.operations.functions import exp
from handgrad.operations.operation import (
    Domain,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    broadcast,
    describe,
    normal_axes,
)
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


def divided(arguments: tuple[Expression, ...], value: Expression) -> tuple[Expression, ...]:
    """The first argument divided: softmax(z, temperature=t) is softmax(z / t)."""
    first, *others = arguments
    return (first / value, *others)


def beside(arguments: tuple[Expression, ...], value: Expression) -> tuple[Expression, ...]:
    """One argument more: softmax(z, mask=m) is softmax(z, m)."""
    return (*arguments, value)


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
    pair="masked_softmax",
    named={"temperature": divided, "mask": beside},
)


def _masked_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    z, mask = shapes
    normal_axes(options["axis"], len(z))
    if broadcast((z, mask)) != z:
        raise Misfit(
            f"the mask {{1}} is {describe(mask)}, and {{0}} is {describe(z)}",
            "the mask has the shape of the scores, or one that is repeated to it",
        )
    return z


def _masked_kernel(s: Signature) -> Kernel:
    axes = _softmax_axis(s)
    many = any(s.batched)
    rank = len(s.shapes[0])

    def masked_softmax_of(xp: Namespace, z: AnyArray, mask: Any) -> AnyArray:
        mask = mask if hasattr(mask, "dtype") else xp.asarray(mask)
        if many and not s.batched[0]:
            z = z[..., None]
        if many and not s.batched[1]:
            mask = mask[..., None]
        # The mask's own axes are the last ones of the scores.
        missing = rank + many - mask.ndim
        if missing:
            mask = xp.reshape(mask, (*[1] * missing, *mask.shape))
        keeps = mask != 0
        # What is left out is no larger than what is kept, whatever it was.
        least = xp.min(z, axis=axes, keepdims=True)
        largest = xp.max(xp.where(keeps, z, least), axis=axes, keepdims=True)
        kept = xp.where(keeps, xp.exp(xp.where(keeps, z, largest) - largest), 0.0)
        return kept / xp.sum(kept, axis=axes, keepdims=True)

    return masked_softmax_of


def _keeps_some(xp: Namespace, mask: Array, shapes: Sequence[Shape], axis: Any = -1) -> Mask:
    """Whether each row of a mask keeps an entry."""
    z, own = shapes
    many = mask.ndim - len(own)
    whole = np.broadcast_to(
        mask.reshape(*[1] * (len(z) - len(own)), *mask.shape), (*z, *mask.shape[len(own) :])
    )
    axes = normal_axes(axis, len(z))
    some: Mask = np.broadcast_to(np.any(whole != 0, axis=axes, keepdims=True), whole.shape)
    # An entry of a mask that is repeated stands for several rows.
    ones = tuple(k - len(own) for k, n in enumerate(own) if n == 1)
    lead = len(z) - len(own)
    if ones:
        some = np.all(some, axis=tuple(k - many for k in ones), keepdims=True)
    return np.all(some, axis=tuple(range(lead))) if lead else some


masked_softmax = Operation(
    name="masked_softmax",
    family="activation",
    arity=(2, 2),
    shape=_masked_shape,
    kernel=_masked_kernel,
    pullback=lambda i, g, p: (
        p.out * (g - sum_(g * p.out, axis=p.options["axis"], keepdims=True)) if i == 0 else None
    ),
    words=Words(
        "masked softmax",
        "Softmax over the scores that the mask keeps, where it is not 0; what it leaves out has the probability 0.",
        "As for softmax: subtract the average gradient, weighted by the probabilities. What the mask leaves out gets 0.",
    ),
    notation=Function("softmax", r"\operatorname{softmax}"),
    options={"axis": -1},
    bounds=(0.0, 1.0),
    positional=("axis",),
    domain=(
        Domain(
            1,
            _keeps_some,
            "a mask that keeps an entry of every row, 1 where it keeps",
            of_options=("axis",),
        ),
    ),
)
"""softmax(z, mask): exp(z) of the entries whose mask is not 0, divided by their sum; 0 elsewhere."""

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
    named={"temperature": divided},
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
        "The derivative of ln Σ eᶻ is softmax(z), over the entries that are added up.",
    ),
    notation=Function("log Σ exp", r"\operatorname{log\,sum\,exp}"),
    options=AXES,
    spellings=("log_sum_exp",),
)

OPERATIONS: tuple[Operation, ...] = (softmax, masked_softmax, log_softmax, logsumexp)
