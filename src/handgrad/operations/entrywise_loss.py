"""What losses are made with: the mean of a term over the entries that are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Expression, Shape
from handgrad.notation import Function
from handgrad.operations.operation import (
    Application,
    Kernel,
    Operation,
    Options,
    Signature,
    broadcast,
    reduced_to,
    require_numbers,
)
from handgrad.operations.structure import fill


def entries(shape: Shape) -> int:
    """How many entries an array of the shape has."""
    count = 1
    for n in shape:
        count *= n
    return count


def aligned(s: Signature, xp: Namespace, arrays: Sequence[AnyArray]) -> list[AnyArray]:
    """The arguments with the axis of cases on all of them, where any has it."""
    if not any(s.batched):
        return list(arrays)
    # A number broadcasts by itself; a constant in a plan is no array.
    return [
        a if c or not shape else a[..., None]
        for a, c, shape in zip(arrays, s.batched, s.shapes, strict=True)
    ]


def entrywise_loss(
    name: str,
    term: Callable[..., AnyArray],
    slopes: Callable[..., tuple[Expression, Expression]],
    symbol: str,
    *,
    fitting: Callable[[Options], None] = require_numbers,
    **fields: Any,
) -> Operation:
    """A loss that is the mean of `term(xp, a, b, **options)` over the entries.

    `slopes(a, b, **options)` gives the local derivatives of one entry's term; `fitting` raises `Misfit` for
    options that it cannot take.
    """

    def shape(shapes: Sequence[Shape], given: Options) -> Shape:
        fitting(given)
        broadcast(shapes)
        return ()

    def kernel(s: Signature) -> Kernel:
        whole = broadcast(s.shapes)
        axes = tuple(range(len(whole)))
        options = dict(s.options)

        def loss(xp: Namespace, *arrays: AnyArray) -> AnyArray:
            terms = term(xp, *aligned(s, xp, arrays), **options)
            return xp.mean(terms, axis=axes) if axes else terms

        return loss

    def pullback(i: int, g: Expression, p: Application) -> Expression:
        whole = broadcast(p.shapes)
        slope = slopes(*p.arguments, **p.options)[i]
        count = entries(whole)
        share = g * slope / count if count > 1 else g * slope
        return reduced_to(fill(share, shape=whole), p.shapes[i], whole)

    return Operation(
        name=name,
        family="loss",
        compares=True,
        arity=(2, 2),
        shape=shape,
        kernel=kernel,
        pullback=pullback,
        notation=Function(symbol, rf"\operatorname{{{symbol}}}"),
        **fields,
    )
