"""Convolution as networks have it: the kernel slides over the array and is not flipped.

The array is a vector (or a matrix, for conv2d), or has channels on an axis before; a kernel for
channels has the shape (out, in, size…). Derivatives: Goodfellow, Bengio and Courville, "Deep
Learning" (2016), section 9.5.
"""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import ZERO, Expression, Option, Shape
from handgrad.notation import Function
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
from handgrad.operations.windows import Windows, whole, windows
from handgrad.operations.words import OptionWords, Words

OPTIONS: Options = {"stride": 1, "padding": 0}


def _total(terms: Sequence[Expression]) -> Expression:
    total: Expression = terms[0] if terms else ZERO
    for term in terms[1:]:
        total = total + term
    return total


def _windows(rank: int, a: Shape, k: Shape, options: Options) -> Windows:
    over, size = a[len(a) - rank :], k[len(k) - rank :]
    return windows(over, size, whole(options, "stride", 1), whole(options, "padding", 0))


def _pairs(channels: bool, k: Shape) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Every pair of an output channel and an input channel; one empty pair without channels."""
    if not channels:
        return [((), ())]
    return [((o,), (c,)) for o in range(k[0]) for c in range(k[1])]


def _convolution(rank: int) -> tuple[Operation, ...]:
    name = f"conv{rank}d"
    axes = "a vector" if rank == 1 else "a matrix"

    def shape(shapes: Sequence[Shape], options: Options) -> Shape:
        a, k = shapes
        if (len(a), len(k)) not in ((rank, rank), (rank + 1, rank + 2)):
            raise Misfit(
                f"{{0}} is {describe(a)} and the kernel {{1}} is {describe(k)}",
                f"{name} takes {axes} and a kernel of as many axes, or an array (channels, …) and a kernel (out, channels, …)",
            )
        if len(k) > rank and k[1] != a[0]:
            raise Misfit(
                f"{{0}} has {a[0]} channels and the kernel {{1}} takes {k[1]}",
                "the kernel's second axis counts the channels of the array",
            )
        return (*k[: len(k) - rank][:1], *_windows(rank, a, k, options).count)

    def channelled(s: Signature, array: AnyArray, position: int) -> AnyArray:
        """The array with channels on its first axes, and cases on its last."""
        if len(s.shapes[0]) == rank:
            array = array[None] if position == 0 else array[None, None]
        return array if s.batched[position] or not any(s.batched) else array[..., None]

    def kernel(s: Signature) -> Kernel:
        over = _windows(rank, s.shapes[0], s.shapes[1], s.options)

        def convolved(xp: Namespace, a: AnyArray, k: AnyArray) -> AnyArray:
            a, k = channelled(s, a, 0), channelled(s, k, 1)
            a = over.pad(xp, a, (a.shape[0],), a.shape[rank + 1 :])
            total = None
            for offset in over.offsets():
                weights = k[(slice(None), slice(None), *offset, *[None] * rank)]
                term = xp.sum(weights * a[(None, slice(None), *over.cut(offset))], axis=1)
                total = term if total is None else total + term
            assert total is not None
            return total if len(s.shapes[0]) > rank else total[0]

        return convolved

    def element(index: tuple[int, ...], p: Application) -> Expression:
        (a, k), (a_shape, k_shape) = p.arguments, p.shapes
        over = _windows(rank, a_shape, k_shape, p.options)
        channels = len(a_shape) > rank
        out, place = (index[:1], index[1:]) if channels else ((), index)
        terms = [
            k.entry((*o, *c, *offset)) * a.entry((*c, *at))
            for o, c in _pairs(channels, k_shape)
            if o == out
            for offset in over.offsets()
            if (at := over.entry(place, offset)) is not None
        ]
        return _total(terms)

    def pullback(i: int, g: Expression, p: Application) -> Expression:
        options: dict[str, Option] = {**p.options, "shape": p.shapes[i]}
        return (
            to_array(g, p.arguments[1], **options)
            if i == 0
            else to_kernel(g, p.arguments[0], **options)
        )

    convolve = Operation(
        name=name,
        family="linear",
        arity=(2, 2),
        shape=shape,
        kernel=kernel,
        pullback=pullback,
        element=element,
        notation=Function(name, rf"\operatorname{{{name}}}"),
        words=Words(
            "the convolution",
            "Slide the kernel over the array; at each place, multiply entry by entry and add up.",
            "Each entry of the output comes from one window. An entry of the array gets kernel times gradient, added up over the windows that it lies in; the kernel gets array times gradient, added up over all places.",
            options={
                "padding": OptionWords("the padding is", plain=0),
                "stride": OptionWords("the stride is", plain=1),
            },
        ),
        options=OPTIONS,
        positional=("stride", "padding"),
        slides=True,
        sizes=kernel,
    )

    # -- the two gradients -----------------------------------------------------------------

    def with_cases(s: Signature, arrays: Sequence[AnyArray]) -> list[AnyArray]:
        return [
            a if c or not any(s.batched) else a[..., None]
            for a, c in zip(arrays, s.batched, strict=True)
        ]

    def to_array_kernel(s: Signature) -> Kernel:
        over = _windows(rank, s.out, s.shapes[1], s.options)
        channels = len(s.out) > rank

        def spread(xp: Namespace, g: AnyArray, k: AnyArray) -> AnyArray:
            g, k = with_cases(s, (g, k))
            if not channels:
                g, k = g[None], k[None, None]
            total = None
            for offset in over.offsets():
                weights = k[(slice(None), slice(None), *offset, *[None] * rank)]
                share = xp.sum(weights * g[:, None], axis=0)
                at = (slice(None), *over.cut(offset))
                shape = (share.shape[0], *over.padded, *share.shape[rank + 1 :])
                term = placed(xp, share, shape, at)
                total = term if total is None else total + term
            assert total is not None
            total = over.unpad(total, 1)
            return total if channels else total[0]

        return spread

    def to_array_element(index: tuple[int, ...], p: Application) -> Expression:
        (g, k), k_shape = p.arguments, p.shapes[1]
        over = _windows(rank, p.signature.out, k_shape, p.options)
        channels = len(p.signature.out) > rank
        channel, at = (index[:1], index[1:]) if channels else ((), index)
        terms = [
            k.entry((*o, *c, *offset)) * g.entry((*o, *place))
            for o, c in _pairs(channels, k_shape)
            if c == channel
            for place in over.places()
            for offset in over.offsets()
            if over.entry(place, offset) == at
        ]
        return _total(terms)

    to_array = Operation(
        name=f"{name}_to_array",
        family="helper",
        arity=(2, 2),
        shape=lambda shapes, options: _shape(options),
        kernel=to_array_kernel,
        pullback=lambda i, g, p: None,
        element=to_array_element,
        notation=Function(f"{name}ᵀ", rf"\operatorname{{{name}}}^{{\mathsf T}}"),
        words=Words(
            "the transposed convolution",
            "Every gradient spread over the window that it came from, in the shares of the kernel.",
        ),
        options={**OPTIONS, "shape": ()},
    )

    def to_kernel_kernel(s: Signature) -> Kernel:
        over = _windows(rank, s.shapes[1], s.out, s.options)
        channels = len(s.out) > rank

        def matched(xp: Namespace, g: AnyArray, a: AnyArray) -> AnyArray:
            g, a = with_cases(s, (g, a))
            if not channels:
                g, a = g[None], a[None]
            a = over.pad(xp, a, (a.shape[0],), a.shape[rank + 1 :])
            places = tuple(range(2, 2 + rank))
            sums = [
                xp.sum(g[:, None] * a[(None, slice(None), *over.cut(offset))], axis=places)
                for offset in over.offsets()
            ]
            whole = xp.stack(sums, axis=2)
            whole = xp.reshape(whole, (*whole.shape[:2], *over.size, *whole.shape[3:]))
            return whole if channels else whole[0, 0]

        return matched

    def to_kernel_element(index: tuple[int, ...], p: Application) -> Expression:
        (g, a), a_shape = p.arguments, p.shapes[1]
        over = _windows(rank, a_shape, p.signature.out, p.options)
        channels = len(a_shape) > rank
        o, c, offset = (index[:1], index[1:2], index[2:]) if channels else ((), (), index)
        terms = [
            g.entry((*o, *place)) * a.entry((*c, *at))
            for place in over.places()
            if (at := over.entry(place, offset)) is not None
        ]
        return _total(terms)

    to_kernel = Operation(
        name=f"{name}_to_kernel",
        family="helper",
        arity=(2, 2),
        shape=lambda shapes, options: _shape(options),
        kernel=to_kernel_kernel,
        pullback=lambda i, g, p: None,
        element=to_kernel_element,
        notation=Function("correlate", r"\operatorname{correlate}"),
        words=Words(
            "the correlation", "The gradient slid over the array: the gradient of the kernel."
        ),
        options={**OPTIONS, "shape": ()},
    )
    return convolve, to_array, to_kernel


def _shape(options: Options) -> Shape:
    shape = options["shape"]
    assert isinstance(shape, tuple)
    return tuple(n for n in shape if isinstance(n, int))


OPERATIONS: tuple[Operation, ...] = (*_convolution(1), *_convolution(2))
"""For each rank: the convolution; the transposed one, which spreads every gradient over the window
it came from; and the correlation of the gradient with the array, which is the kernel's gradient."""
