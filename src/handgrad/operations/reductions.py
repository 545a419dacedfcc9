"""Sums, means, extremes and norms: operations along axes, and over the cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import inf
from typing import Any

import numpy as np

from handgrad.arrays import AnyArray, Array, Mask, Namespace
from handgrad.expression import Call, Expression, Shape
from handgrad.notation import Fence, Function
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
from handgrad.operations.structure import fill
from handgrad.operations.ties import FIRST, TOLD, kinks_of_ties, shares, without_ties
from handgrad.operations.words import Words


def reduced_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    """The shape that remains of one argument when it is reduced along `axis`."""
    (shape,) = shapes
    axes = normal_axes(options["axis"], len(shape))
    if options["keepdims"] not in (True, False):
        raise Misfit("keepdims must be true or false")
    if options["keepdims"]:
        return tuple(1 if k in axes else n for k, n in enumerate(shape))
    return tuple(n for k, n in enumerate(shape) if k not in axes)


def reduction_kernel(reduce: Callable[..., AnyArray]) -> Callable[[Signature], Kernel]:
    """The kernel of a reduction, of `reduce(xp, array, axes, keepdims)`."""

    def kernel(s: Signature) -> Kernel:
        axes = normal_axes(s.options["axis"], len(s.shapes[0]))
        keepdims = bool(s.options["keepdims"])
        return lambda xp, a: reduce(xp, a, axes, keepdims) if axes else a

    return kernel


def spread(e: Expression, p: Application) -> Expression:
    """`e`, of the reduced shape, repeated to the shape of the argument."""
    return fill(e, shape=p.shapes[0], axis=p.options["axis"])


def _count(p: Application) -> int:
    axes = normal_axes(p.options["axis"], len(p.shapes[0]))
    count = 1
    for axis in axes:
        count *= p.shapes[0][axis]
    return count


def reduced_entries(index: tuple[int, ...], p: Application) -> list[Expression]:
    """The entries of the argument that are reduced to entry `index` of the result."""
    shape = p.shapes[0]
    axes = normal_axes(p.options["axis"], len(shape))
    kept = index if p.options["keepdims"] else None
    rest = iter(index)
    choices = [
        range(n) if k in axes else (kept[k] if kept is not None else next(rest),)
        for k, n in enumerate(shape)
    ]
    return [p.arguments[0].entry(where) for where in product(*choices)]


def total(terms: Sequence[Expression]) -> Expression:
    """The sum of one term or more."""
    whole = terms[0]
    for term in terms[1:]:
        whole = whole + term
    return whole


def _sum_element(index: tuple[int, ...], p: Application) -> Expression:
    return total(reduced_entries(index, p))


AXES: Options = {"axis": None, "keepdims": False}

_SUM = reduction_kernel(lambda xp, a, axes, keep: xp.sum(a, axis=axes, keepdims=keep))
_MEAN = reduction_kernel(lambda xp, a, axes, keep: xp.mean(a, axis=axes, keepdims=keep))

sum_ = Operation(
    name="sum",
    family="reduction",
    arity=(1, 1),
    shape=reduced_shape,
    kernel=_SUM,
    pullback=lambda i, g, p: spread(g, p),
    element=_sum_element,
    spellings=("Σ", "reduce_sum"),
    words=Words(
        "the sum over entries",
        "Add up the entries.",
        "Every entry of a sum receives the whole gradient.",
    ),
    notation=Function("Σ", r"\sum"),
    options=AXES,
    sizes=_SUM,
    keeps_positive=True,
    positional=("axis",),
)
mean = Operation(
    name="mean",
    family="reduction",
    arity=(1, 1),
    shape=reduced_shape,
    kernel=_MEAN,
    pullback=lambda i, g, p: spread(g / _count(p), p),
    element=lambda index, p: _sum_element(index, p) / len(reduced_entries(index, p)),
    spellings=("average", "reduce_mean"),
    words=Words(
        "the mean",
        "Average the entries.",
        "Every entry of a mean receives the gradient divided by the number of entries.",
    ),
    notation=Function("mean", r"\operatorname{mean}"),
    options=AXES,
    sizes=_MEAN,
    keeps_positive=True,
    averages=True,
    positional=("axis",),
)


def _attained_kernel(s: Signature, noise: float = 0.0) -> Kernel:
    axes = normal_axes(s.options["axis"], len(s.shapes[0]))
    kept = len(s.shapes[1]) == len(s.shapes[0])

    def attained_at(xp: Namespace, a: AnyArray, m: AnyArray) -> AnyArray:
        if not s.batched[0] and s.batched[1]:
            a = a[..., None]
        if not kept:
            for axis in axes:
                m = xp.expand_dims(m, axis=axis)
        grain = noise * xp.abs(m) if noise else None
        first = bool(s.options["first"])
        return shares(xp, a, m, axes, grain, first=first) if axes else xp.ones_like(a)

    return attained_at


attained = Operation(
    name="attained",
    family="helper",
    arity=(2, 2),
    shape=lambda shapes, _: shapes[0],
    kernel=_attained_kernel,
    within=_attained_kernel,
    pullback=lambda i, g, p: None,
    decided_by=(0, 1),
    words=Words(
        "the share in the extreme",
        "1 at the entry that attains the extreme; k entries that tie have 1/k each.",
        defined="attained has a 1 at the entry that attains the extreme, by itself.",
        options=TOLD,
    ),
    notation=Function("attained", r"\operatorname{attained}"),
    options={"axis": None, **FIRST},
)


def _extreme(
    name: str,
    reduce: Callable[..., AnyArray],
    symbol: str,
    latex: str,
    **fields: Any,
) -> Operation:
    def tied(xp: Namespace, a: Array, axis: Any = None, keepdims: Any = False, **_: Any) -> Mask:
        # A tie along the reduced axes: some entry beside the first attains the extreme.
        axes = normal_axes(axis, a.ndim)
        hit: Mask = a == reduce(xp, a, axes, True) if axes else a != a
        return hit & (np.sum(hit, axis=axes, keepdims=True) > 1) if axes else hit

    return Operation(
        name=name,
        family="reduction",
        arity=(1, 1),
        shape=reduced_shape,
        kernel=reduction_kernel(reduce),
        pullback=lambda i, g, p: (
            spread(g, p)
            * attained(p.arguments[0], p.out, axis=p.options["axis"], first=p.options["first"])
        ),
        notation=Function(symbol, latex),
        options={**AXES, **FIRST},
        kinks=kinks_of_ties(tied, "the extreme", "PyTorch has it along an axis"),
        keeps_positive=True,
        **fields,
    )


maximum_of = _extreme(
    "max",
    lambda xp, a, axes, keep: xp.max(a, axis=axes, keepdims=keep),
    "max",
    r"\max",
    pair="maximum",
    spellings=("amax",),
    leaking=lambda call: Call("logsumexp", call.arguments, without_ties(call.options)),
    words=Words(
        "the maximum",
        "Take the largest entry.",
        "Only the largest entry receives the gradient; entries that tie share it equally.",
        backward_with={
            "first": "Only the largest entry receives the gradient; of entries that tie, the first."
        },
        options=TOLD,
    ),
)
minimum_of = _extreme(
    "min",
    lambda xp, a, axes, keep: xp.min(a, axis=axes, keepdims=keep),
    "min",
    r"\min",
    pair="minimum",
    spellings=("amin",),
    leaking=lambda call: -Call("logsumexp", (-call.arguments[0],), without_ties(call.options)),
    words=Words(
        "the minimum",
        "Take the smallest entry.",
        "Only the smallest entry receives the gradient; entries that tie share it equally.",
        backward_with={
            "first": "Only the smallest entry receives the gradient; of entries that tie, the first."
        },
        options=TOLD,
    ),
)


def _norm(xp: Namespace, a: AnyArray, axes: tuple[int, ...], keep: bool) -> AnyArray:
    # Scaled by the largest entry, so that squares neither overflow nor vanish.
    scale = xp.max(xp.abs(a), axis=axes, keepdims=True)
    scale = xp.where(scale > 0, scale, 1.0)
    length = scale * xp.sqrt(xp.sum((a / scale) ** 2, axis=axes, keepdims=True))
    return length if keep else xp.squeeze(length, axis=axes)


norm = Operation(
    name="norm",
    family="reduction",
    arity=(1, 1),
    shape=reduced_shape,
    kernel=lambda s: reduction_kernel(_norm)(s) if s.shapes[0] else (lambda xp, a: xp.abs(a)),
    pullback=lambda i, g, p: spread(g, p) * Call("ratio", (p.arguments[0], spread(p.out, p))),
    words=Words(
        "the norm",
        "Take the Euclidean norm.",
        "The derivative of ‖a‖ is a/‖a‖: a vector of norm 1 that points along a.",
    ),
    notation=Fence("‖", "‖", r"\left\lVert", r"\right\rVert"),
    options=AXES,
    by_option={"ord": {1: "norm1", 2: "norm", inf: "norm_inf"}},
    positional=("ord",),
    kinks=(
        Kink(
            lambda xp, a, axis=None, **_: (
                np.all(a == 0, axis=normal_axes(axis, a.ndim), keepdims=True) & (a == 0)
            ),
            "‖a‖ has a kink at 0; its slope there is taken as 0",
        ),
    ),
)
"""The Euclidean length √(Σ a²); of a matrix, the Frobenius norm."""


def _target_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    shape = options["shape"]
    assert isinstance(shape, tuple)
    return tuple(n for n in shape if isinstance(n, int))


def _sum_to_kernel(s: Signature) -> Kernel:
    rank, target = len(s.shapes[0]), s.out
    extra = rank - len(target)
    lead = tuple(range(extra))
    ones = tuple(k for k, n in enumerate(target) if n == 1 and s.shapes[0][extra + k] != 1)

    def summed(xp: Namespace, g: AnyArray) -> AnyArray:
        if lead:
            g = xp.sum(g, axis=lead)
        return xp.sum(g, axis=ones, keepdims=True) if ones else g

    return summed


def _sum_to_element(index: tuple[int, ...], p: Application) -> Expression:
    shape = p.shapes[0]
    extra = len(shape) - len(index)
    choices = [
        range(n)
        if k < extra or (p.signature.out[k - extra] == 1 and n != 1)
        else (index[k - extra],)
        for k, n in enumerate(shape)
    ]
    return total([p.arguments[0].entry(where) for where in product(*choices)])


sum_to = Operation(
    name="sum_to",
    family="helper",
    arity=(1, 1),
    shape=_target_shape,
    kernel=_sum_to_kernel,
    pullback=lambda i, g, p: fill(g, shape=p.shapes[0]),
    element=_sum_to_element,
    words=Words(
        "the sum over repetitions",
        "The sum over the axes along which a value was repeated: broadcasting, backwards.",
    ),
    notation=Function("Σ", r"\sum"),
    options={"shape": ()},
    simplify=lambda call: call.arguments[0] if call.arguments[0].shape == call.shape else None,
)


def _over_cases(
    name: str, symbol: str, latex: str, words: Words, finish: Callable[[AnyArray, int], AnyArray]
) -> Operation:
    return Operation(
        name=name,
        family="helper",
        arity=(1, 1),
        shape=lambda shapes, _: shapes[0],
        kernel=lambda _: lambda xp, a: finish(xp.sum(a, axis=-1), a.shape[-1]),
        pullback=lambda i, g, p: g,
        notation=Function(symbol, latex),
        words=words,
        element=lambda index, p: Call(name, (p.arguments[0].entry(index),)),
        reduces_cases=finish,
    )


mean_over_cases = _over_cases(
    "mean_over_cases",
    "mean over cases",
    r"\operatorname*{mean}_{\text{cases}}",
    Words("the mean over the cases", "Average what each case gives."),
    lambda total, count: total / count,
)
sum_over_cases = _over_cases(
    "sum_over_cases",
    "Σ over cases",
    r"\sum_{\text{cases}}",
    Words("the sum over the cases", "Add up what each case gives."),
    lambda total, count: total,
)

OPERATIONS: tuple[Operation, ...] = (
    sum_,
    mean,
    maximum_of,
    minimum_of,
    norm,
    attained,
    sum_to,
    mean_over_cases,
    sum_over_cases,
)
