"""Convolution as networks have it: the kernel slides over the array and is not flipped.

The array is a vector (or a matrix, for conv2d), or has channels on an axis before; a kernel for
channels has the shape (out, in / groups, size…). An axis more in front of the array counts a batch's examples.
Derivatives: Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 9.5.
"""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.arrays import AnyArray, Namespace, multiplied
from handgrad.expression import Call, Expression, Option, Shape
from handgrad.notation import Function
from handgrad.operations.layouts import WindowLayout, checked_layout, layout
from handgrad.operations.linear import sum_of
from handgrad.operations.operation import (
    Application,
    Kernel,
    Operation,
    Options,
    Signature,
    SlidAxes,
)
from handgrad.operations.structure import placed
from handgrad.operations.windows import TOLD
from handgrad.operations.words import OptionWords, Words

OPTIONS: Options = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def _multiplied(left: str, right: str, out: str, s: Signature) -> str:
    """The subscripts of a product of the first two arguments, with the cases on the last axis."""
    cases = ["n" if c else "" for c in s.batched[:2]] or ["", ""]
    return f"{left}{cases[0]},{right}{cases[1]}->{out}{'n' if any(cases) else ''}"


def _product(found: WindowLayout, subscripts: str, cases: Sequence[bool]) -> Kernel:
    """The product at one offset, of the kernel's weights there and the array under them."""
    if found.out is None and (not cases or cases[1] or not cases[0]):
        return lambda xp, weights, a: weights * a
    return lambda xp, weights, a: multiplied(xp, subscripts, weights, a)


def _bias_at(found: WindowLayout, s: Signature) -> tuple[slice | None, ...]:
    """The index that lays a bias along the result's axis of channels; empty where it is one number."""
    cases = bool(s.batched) and s.batched[-1]
    if found.out is None and not cases:
        return ()
    at: list[slice | None] = [None] * len(found.result)
    if found.out is not None:
        at[len(found.examples)] = slice(None)
    if any(s.batched):
        at.append(slice(None) if cases else None)
    return tuple(at)


def _array_of(found: WindowLayout, a: AnyArray, cases: bool) -> tuple[Shape, Shape]:
    """The lengths before the places and after them."""
    lead = a.ndim - found.rank - cases
    return a.shape[:lead], a.shape[lead + found.rank :]


def _convolution(rank: int) -> tuple[Operation, ...]:
    name = f"conv{rank}d"

    def shape(shapes: Sequence[Shape], options: Options) -> Shape:
        return checked_layout(name, rank, shapes, options).result

    def kernel(s: Signature) -> Kernel:
        found = layout(rank, s.shapes[0], s.shapes[1], s.options)
        over, batch = found.over, len(found.examples)
        subscripts = _multiplied(
            found.kernel_letters, found.array_letters, found.result_letters, _turned(s)
        )
        product = _product(found, subscripts, s.batched[1::-1])
        whole = (*[slice(None)] * (len(s.shapes[1]) - rank),)
        spread = _bias_at(found, s)

        def convolved(xp: Namespace, a: AnyArray, k: AnyArray, *bias: AnyArray) -> AnyArray:
            lead, cases = _array_of(found, a, bool(s.batched and s.batched[0]))
            a = over.pad(xp, a, lead, cases)
            a = found.cut(xp, a, batch, found.inside)
            front = a.ndim - rank - len(cases)
            total = None
            for offset in over.offsets():
                weights = found.cut(xp, k[(*whole, *offset)], 0, found.out)
                under = a[(*[slice(None)] * front, *over.cut(offset))]
                term = product(xp, weights, under)
                total = term if total is None else total + term
            assert total is not None
            total = found.joined(xp, total, batch)
            if bias:
                # Where the bias alone differs from case to case.
                total = total[..., None] if any(s.batched) > any(s.batched[:2]) else total
                total = total + (bias[0][spread] if spread else bias[0])
            return total

        return convolved

    def slid(shapes: Sequence[Shape]) -> SlidAxes:
        a, k = shapes[:2]
        batch = len(a) > rank + (len(k) > rank)
        return SlidAxes(int(batch) if len(k) > rank else None, a[0] if batch else None)

    def element(index: tuple[int, ...], p: Application) -> Expression:
        a, k, *bias = p.arguments
        found = layout(rank, p.shapes[0], p.shapes[1], p.options)
        example, out, place = found.apart(index)
        terms = [
            k.entry((*at_kernel, *offset)) * a.entry((*example, *channel, *at))
            for at_kernel, channel in found.channels_of(out)
            for offset in found.over.offsets()
            if (at := found.over.entry(place, offset)) is not None
        ]
        return sum_of([*terms, *(b.entry(out) for b in bias)])

    def pullback(i: int, g: Expression, p: Application) -> Expression:
        options: dict[str, Option] = {**p.options, "shape": p.shapes[i]}
        if i == 0:
            return to_array(g, p.arguments[1], **options)
        if i == 1:
            return to_kernel(g, p.arguments[0], **options)
        found = layout(rank, p.shapes[0], p.shapes[1], p.options)
        return Call("sum", (g,), (("axis", found.summed),))

    convolve = Operation(
        name=name,
        family="linear",
        arity=(2, 3),
        shape=shape,
        kernel=kernel,
        pullback=pullback,
        element=element,
        notation=Function(name, rf"\operatorname{{{name}}}"),
        words=Words(
            "the convolution",
            "Slide the kernel over the array; at each place, multiply entry by entry and add up.",
            "Each entry of the output comes from one window. An entry of the array gets kernel times gradient, added up over the windows that it lies in; the kernel gets array times gradient, added up over all places. A bias gets the gradient, added up over all places where it is added.",
            by_argument=(
                "Each entry of the output comes from one window. An entry of the array gets kernel times gradient, added up over the windows that it lies in.",
                "The kernel gets array times gradient, added up over all places.",
                "The bias gets the gradient, added up over all places where it is added.",
            ),
            options={**TOLD, "groups": OptionWords("the number of groups is", plain=1)},
        ),
        options=OPTIONS,
        positional=("stride", "padding", "dilation", "groups"),
        argument_names=("input", "weight", "bias"),
        slid=slid,
        sizes=kernel,
    )

    # -- the two gradients -----------------------------------------------------------------

    def to_array_kernel(s: Signature) -> Kernel:
        found = layout(rank, s.out, s.shapes[1], s.options)
        over, batch = found.over, len(found.examples)
        subscripts = _multiplied(
            found.kernel_letters, found.result_letters, found.array_letters, _turned(s)
        )
        whole = (*[slice(None)] * (len(s.shapes[1]) - rank),)
        product = _product(found, subscripts, s.batched[1::-1])
        cases = any(s.batched)

        def spread(xp: Namespace, g: AnyArray, k: AnyArray) -> AnyArray:
            g = found.cut(xp, g, batch, found.out)
            total = None
            for offset in over.offsets():
                weights = found.cut(xp, k[(*whole, *offset)], 0, found.out)
                share = product(xp, weights, g)
                lead, after = _array_of(found, share, cases)
                at = (*[slice(None)] * len(lead), *over.cut(offset))
                term = placed(xp, share, (*lead, *over.padded, *after), at)
                total = term if total is None else total + term
            assert total is not None
            total = found.joined(xp, total, batch)
            return over.unpad(total, len(s.out) - rank)

        return spread

    def to_array_element(index: tuple[int, ...], p: Application) -> Expression:
        g, k = p.arguments
        found = layout(rank, p.signature.out, p.shapes[1], p.options)
        example, own, at = found.apart(index)
        terms = [
            k.entry((*at_kernel, *offset)) * g.entry((*example, *out, *place))
            for out in found.outputs()
            for at_kernel, channel in found.channels_of(out)
            if channel == own
            for place in found.over.places()
            for offset in found.over.offsets()
            if found.over.entry(place, offset) == at
        ]
        return sum_of(terms)

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
            defined=f"{name}ᵀ(G, K) spreads each gradient of G over the window that it came from, times the kernel K.",
        ),
        options={**OPTIONS, "shape": ()},
    )

    def to_kernel_kernel(s: Signature) -> Kernel:
        found = layout(rank, s.shapes[1], s.out, s.options)
        over, batch = found.over, len(found.examples)
        subscripts = _multiplied(found.result_letters, found.array_letters, found.kernel_letters, s)

        def matched(xp: Namespace, g: AnyArray, a: AnyArray) -> AnyArray:
            lead, cases = _array_of(found, a, bool(s.batched and s.batched[1]))
            a = over.pad(xp, a, lead, cases)
            a = found.cut(xp, a, batch, found.inside)
            g = found.cut(xp, g, batch, found.out)
            front = a.ndim - rank - len(cases)
            sums = [
                multiplied(xp, subscripts, g, a[(*[slice(None)] * front, *over.cut(offset))])
                for offset in over.offsets()
            ]
            axis = len(found.kernel_letters)
            each = xp.stack(sums, axis=axis)
            each = xp.reshape(each, (*each.shape[:axis], *over.size, *each.shape[axis + 1 :]))
            return found.joined(xp, each, 0)

        return matched

    def to_kernel_element(index: tuple[int, ...], p: Application) -> Expression:
        g, a = p.arguments
        found = layout(rank, p.shapes[1], p.signature.out, p.options)
        at_kernel, offset = index[: len(index) - rank], index[len(index) - rank :]
        out = at_kernel[:1]
        (channel,) = [c for k, c in found.channels_of(out) if k == at_kernel]
        examples = [(e,) for e in range(found.batch)] if found.batch is not None else [()]
        terms = [
            g.entry((*example, *out, *place)) * a.entry((*example, *channel, *at))
            for example in examples
            for place in found.over.places()
            if (at := found.over.entry(place, offset)) is not None
        ]
        return sum_of(terms)

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
            "the correlation",
            "The gradient slid over the array: the gradient of the kernel.",
            defined="correlate(G, X) has, for each entry of the kernel, the sum of G times the entries of X that it met.",
        ),
        options={**OPTIONS, "shape": ()},
    )
    return convolve, to_array, to_kernel


def _turned(s: Signature) -> Signature:
    """The signature with its first two arguments in the other order: kernels come first in products."""
    batched = (s.batched[1], s.batched[0]) if s.batched else ()
    return Signature(s.shapes, s.out, s.options, batched)


def _shape(options: Options) -> Shape:
    shape = options["shape"]
    assert isinstance(shape, tuple)
    return tuple(n for n in shape if isinstance(n, int))


OPERATIONS: tuple[Operation, ...] = (*_convolution(1), *_convolution(2))
"""For each rank: the convolution; the transposed one, which spreads every gradient over the window
it came from; and the correlation of the gradient with the array, which is the kernel's gradient."""

conv1d, _, _, conv2d, _, _ = OPERATIONS
