"""Pooling: the largest or the mean entry of every window of the last axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from handgrad.arrays import AnyArray, Array, Mask, Namespace
from handgrad.expression import Call, Expression, Option, Shape
from handgrad.notation import Function
from handgrad.operations.layouts import describe_axes
from handgrad.operations.linear import sum_of
from handgrad.operations.operation import (
    Application,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
)
from handgrad.operations.structure import placed
from handgrad.operations.ties import FIRST, kinks_of_ties, shares, without_ties
from handgrad.operations.ties import TOLD as TOLD_OF_TIES
from handgrad.operations.windows import TOLD, Windows, each, windows
from handgrad.operations.words import OptionWords, Words

OPTIONS: Options = {"size": 2, "stride": None, "padding": 0, "dilation": 1}

TOLD_OF_POOLS = {
    **TOLD,
    "stride": OptionWords("the stride is"),
    "size": OptionWords("a window's size is"),
}


def _windows(rank: int, shape: Shape, options: Options) -> Windows:
    """The windows; the stride is their size unless it is given."""
    size = each(options, "size", 1, rank)
    return windows(shape[len(shape) - rank :], size, options, stride=size)


def _cut(xp: Namespace, over: Windows, lead: int, a: AnyArray, around: float) -> list[AnyArray]:
    """For each offset, its entry in every window; what is `around` the array in the padding."""
    rank = len(over.over)
    a = over.pad(xp, a, a.shape[:lead], a.shape[lead + rank :], around)
    return [a[(*[slice(None)] * lead, *over.cut(offset))] for offset in over.offsets()]


def _spread(xp: Namespace, shares: Sequence[AnyArray], over: Windows, lead: int) -> AnyArray:
    """Each offset's share back at its entries; where windows overlap, the shares add up."""
    total: AnyArray | None = None
    for offset, share in zip(over.offsets(), shares, strict=True):
        rank = len(over.over)
        shape = (*share.shape[:lead], *over.padded, *share.shape[lead + rank :])
        term = placed(xp, share, shape, (*[slice(None)] * lead, *over.cut(offset)))
        total = term if total is None else total + term
    assert total is not None
    return over.unpad(total, lead)


def _shape_rule(name: str, rank: int) -> Any:
    def shape(shapes: Sequence[Shape], options: Options) -> Shape:
        (a,) = shapes
        if len(a) < rank:
            wanted = describe_axes(rank)
            raise Misfit(f"{name} takes {wanted}, or channels of it, and {{0}} is {describe(a)}")
        over = _windows(rank, a, options)
        if not over.all_reach:
            raise Misfit(
                "a window lies in the padding alone", "take a larger window, or less padding"
            )
        return (*a[: len(a) - rank], *over.count)

    return shape


def _places_with(index: tuple[int, ...], over: Windows) -> list[tuple[int, ...]]:
    """The windows that hold an entry."""
    return [place for place, _ in over.meeting(index)]


def _max_pool(rank: int) -> tuple[Operation, Operation]:
    name = f"max_pool{rank}d"

    def kernel(s: Signature) -> Kernel:
        over, lead = _windows(rank, s.shapes[0], s.options), len(s.shapes[0]) - rank
        return lambda xp, a: xp.max(xp.stack(_cut(xp, over, lead, a, -math.inf), axis=0), axis=0)

    def winner_kernel(s: Signature, noise: float = 0.0) -> Kernel:
        over, lead = _windows(rank, s.shapes[1], s.options), len(s.shapes[1]) - rank

        def shared(xp: Namespace, g: AnyArray, a: AnyArray, largest: AnyArray) -> AnyArray:
            g, a, largest = (
                e if c or not any(s.batched) else e[..., None]
                for e, c in zip((g, a, largest), s.batched, strict=True)
            )
            entries = xp.stack(_cut(xp, over, lead, a, -math.inf), axis=0)
            grain = noise * xp.abs(largest) if noise else None
            first = bool(s.options["first"])
            parts = shares(xp, entries, largest, (0,), grain, first=first) * g
            return _spread(xp, [parts[k] for k in range(len(list(over.offsets())))], over, lead)

        return shared

    def tied(xp: Namespace, a: Array, **options: Option) -> Mask:
        over = _windows(rank, a.shape, options)
        cut: Any = xp.stack(_cut(xp, over, a.ndim - rank, a, -math.inf), axis=0)
        tied: Mask = (cut == cut.max(axis=0)).sum(axis=0) > 1
        return tied

    winner = Operation(
        name=f"{name}_to_array",
        family="helper",
        arity=(3, 3),
        shape=lambda shapes, _: shapes[1],
        kernel=winner_kernel,
        within=winner_kernel,
        pullback=lambda i, g, p: None,
        decided_by=(1, 2),
        notation=Function("to the largest", r"\operatorname{to\,the\,largest}"),
        words=Words(
            "the way to the largest",
            "Each window's gradient at its largest entry; entries that tie share it equally.",
            defined="to the largest(G, A, P) puts the gradients G of windows of A where A has their largest entries P.",
            options=TOLD_OF_TIES,
        ),
        options={**OPTIONS, **FIRST},
    )
    pool = Operation(
        name=name,
        family="reduction",
        arity=(1, 1),
        shape=_shape_rule(name, rank),
        kernel=kernel,
        pullback=lambda i, g, p: winner(g, p.arguments[0], p.out, **p.options),
        notation=Function(f"maxpool{rank}d", rf"\operatorname{{maxpool{rank}d}}"),
        words=Words(
            "max pooling",
            "Keep the largest entry of every window.",
            "Only the largest entry of a window receives its gradient; entries that tie share it equally.",
            backward_with={
                "first": "Only the largest entry of a window receives its gradient; of entries that tie, the first."
            },
            options={**TOLD_OF_POOLS, **TOLD_OF_TIES},
        ),
        options={**OPTIONS, **FIRST},
        positional=("size", "stride", "padding", "dilation"),
        leaking=lambda call: Call(f"avg_pool{rank}d", call.arguments, without_ties(call.options)),
        kinks=kinks_of_ties(
            tied, "the largest", "PyTorch, JAX and Keras have it in a window", of_result=True
        ),
    )
    return pool, winner


def _mean_pool(rank: int) -> tuple[Operation, Operation]:
    name = f"avg_pool{rank}d"

    def kernel(s: Signature) -> Kernel:
        over, lead = _windows(rank, s.shapes[0], s.options), len(s.shapes[0]) - rank
        return lambda xp, a: xp.mean(xp.stack(_cut(xp, over, lead, a, 0.0), axis=0), axis=0)

    def element(index: tuple[int, ...], p: Application) -> Expression:
        over, lead = _windows(rank, p.shapes[0], p.options), len(p.shapes[0]) - rank
        at = [over.entry(index[lead:], offset) for offset in over.offsets()]
        terms = [p.arguments[0].entry((*index[:lead], *a)) for a in at if a is not None]
        return sum_of(terms) / math.prod(over.size)

    def back_kernel(s: Signature) -> Kernel:
        over, lead = _windows(rank, s.out, s.options), len(s.out) - rank
        count = math.prod(over.size)
        return lambda xp, g: _spread(xp, [g / count] * count, over, lead)

    def back_element(index: tuple[int, ...], p: Application) -> Expression:
        over, lead = _windows(rank, p.signature.out, p.options), len(p.signature.out) - rank
        places = _places_with(index[lead:], over)
        terms = [p.arguments[0].entry((*index[:lead], *place)) for place in places]
        return sum_of(terms) / math.prod(over.size)

    def target(shapes: Sequence[Shape], options: Options) -> Shape:
        shape = options["shape"]
        assert isinstance(shape, tuple)
        return tuple(n for n in shape if isinstance(n, int))

    back = Operation(
        name=f"{name}_to_array",
        family="helper",
        arity=(1, 1),
        shape=target,
        kernel=back_kernel,
        pullback=lambda i, g, p: None,
        element=back_element,
        notation=Function("spread evenly", r"\operatorname{spread\,evenly}"),
        words=Words(
            "the even spread",
            "Each window's gradient spread evenly over the window's entries.",
            defined="spread evenly(G) shares each gradient of G equally among the entries of its window.",
        ),
        options={**OPTIONS, "shape": ()},
    )
    pool = Operation(
        name=name,
        family="reduction",
        arity=(1, 1),
        shape=_shape_rule(name, rank),
        kernel=kernel,
        pullback=lambda i, g, p: back(g, shape=p.shapes[0], **p.options),
        element=element,
        notation=Function(f"avgpool{rank}d", rf"\operatorname{{avgpool{rank}d}}"),
        words=Words(
            "average pooling",
            "Average the entries of every window.",
            "Every entry of a window receives the gradient divided by the number of entries in it.",
            options=TOLD_OF_POOLS,
        ),
        options=OPTIONS,
        positional=("size", "stride", "padding"),
    )
    return pool, back


RANKS = (1, 2, 3)

MAX_POOLS, MEAN_POOLS = ({rank: make(rank) for rank in RANKS} for make in (_max_pool, _mean_pool))
"""For each rank: the pooling, and what carries its gradient back to the array."""

OPERATIONS: tuple[Operation, ...] = tuple(
    operation for pools in (MAX_POOLS, MEAN_POOLS) for pair in pools.values() for operation in pair
)

max_pools, mean_pools = (
    {rank: pool for rank, (pool, _) in pools.items()} for pools in (MAX_POOLS, MEAN_POOLS)
)
"""By along how many axes the windows lie."""
