"""The three sums of products in which a kernel, an array and what a convolution makes of them meet.

Each is linear in both of its arguments, and each pull-back of one is another of them: that of the
convolution spreads a gradient over the windows (the transposed convolution), or matches it with the
array; that of the transposed convolution is a convolution again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from handgrad.arrays import AnyArray, Namespace, multiplied
from handgrad.expression import Expression, Shape
from handgrad.operations.layouts import WindowLayout
from handgrad.operations.linear import sum_of
from handgrad.operations.operation import Kernel, Signature, SlidAxes
from handgrad.operations.structure import placed

Index = tuple[int, ...]


def convolving(found: WindowLayout, s: Signature) -> Kernel:
    """`(array, kernel, bias)` -> the sums over the windows."""
    over, batch = found.over, len(found.examples)
    subscripts = _multiplied(found.kernel_letters, found.array_letters, found.result_letters, s)
    product = _product(found, subscripts, s.batched[1::-1])
    whole = _first_axes(found)
    spread = _bias_at(found, s)

    def convolved(xp: Namespace, a: AnyArray, k: AnyArray, *bias: AnyArray) -> AnyArray:
        lead, cases = _array_of(found, a, bool(s.batched and s.batched[0]))
        a = over.pad(xp, a, lead, cases)
        a = found.cut(xp, a, batch, found.inside)
        front = a.ndim - found.rank - len(cases)
        total = None
        for offset in over.offsets():
            weights = found.cut(xp, k[(*whole, *offset)], 0, found.out)
            under = a[(*[slice(None)] * front, *over.cut(offset))]
            term = product(xp, weights, under)
            total = term if total is None else total + term
        assert total is not None
        return _biased(found.joined(xp, total, batch), bias, spread, s)

    return convolved


def spreading(found: WindowLayout, s: Signature) -> Kernel:
    """`(result, kernel, bias)` -> the array that gets each entry of the result over its window."""
    over, batch = found.over, len(found.examples)
    subscripts = _multiplied(found.kernel_letters, found.result_letters, found.array_letters, s)
    whole = _first_axes(found)
    product = _product(found, subscripts, s.batched[1::-1])
    cases = any(s.batched[:2])
    at_channel = _bias_at(found, s)

    def spread(xp: Namespace, g: AnyArray, k: AnyArray, *bias: AnyArray) -> AnyArray:
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
        total = over.unpad(found.joined(xp, total, batch), len(s.out) - found.rank)
        return _biased(total, bias, at_channel, s)

    return spread


def matching(found: WindowLayout, s: Signature) -> Kernel:
    """`(result, array)` -> the kernel whose entries are the sums of what meets under them."""
    over, batch = found.over, len(found.examples)
    letters = found.result_letters, found.array_letters
    subscripts = _product_of(*letters, found.kernel_letters, s.batched[:2])

    def matched(xp: Namespace, g: AnyArray, a: AnyArray) -> AnyArray:
        lead, cases = _array_of(found, a, bool(s.batched and s.batched[1]))
        a = over.pad(xp, a, lead, cases)
        a = found.cut(xp, a, batch, found.inside)
        g = found.cut(xp, g, batch, found.out)
        front = a.ndim - found.rank - len(cases)
        sums = [
            multiplied(xp, subscripts, g, a[(*[slice(None)] * front, *over.cut(offset))])
            for offset in over.offsets()
        ]
        axis = len(found.kernel_letters)
        each = xp.stack(sums, axis=axis)
        each = xp.reshape(each, (*each.shape[:axis], *over.size, *each.shape[axis + 1 :]))
        return found.joined(xp, each, 0)

    return matched


# -- one entry ---------------------------------------------------------------------------------------


def convolved_entry(
    found: WindowLayout, index: Index, a: Expression, k: Expression, bias: Iterable[Expression]
) -> Expression:
    """The formula of one entry of `convolving`."""
    example, out, place = found.apart(index)
    terms = [
        k.entry((*at_kernel, *offset)) * a.entry((*example, *channel, *at))
        for at_kernel, channel in found.channels_of(out)
        for offset in found.over.offsets()
        if (at := found.over.entry(place, offset)) is not None
    ]
    return sum_of([*terms, *(b.entry(out) for b in bias)])


def spread_entry(
    found: WindowLayout, index: Index, g: Expression, k: Expression, bias: Iterable[Expression] = ()
) -> Expression:
    """The formula of one entry of `spreading`."""
    example, own, at = found.apart(index)
    met = found.over.meeting(at)
    terms = [
        k.entry((*at_kernel, *offset)) * g.entry((*example, *out, *place))
        for out in found.outputs()
        if (at_kernel := found.kernel_between(out, own)) is not None
        for place, offset in met
    ]
    return sum_of([*terms, *(b.entry(own) for b in bias)])


def matched_entry(found: WindowLayout, index: Index, g: Expression, a: Expression) -> Expression:
    """The formula of one entry of `matching`."""
    at_kernel, offset = index[: len(index) - found.rank], index[len(index) - found.rank :]
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


def slid_axes(rank: int, shapes: Sequence[Shape]) -> SlidAxes:
    """What the axes are of what a kernel made, sliding along this many axes of an array."""
    a, k = shapes[:2]
    batch = len(a) > rank + (len(k) > rank)
    return SlidAxes(int(batch) if len(k) > rank else None, a[0] if batch else None)


# -- parts -------------------------------------------------------------------------------------------


def _multiplied(kernel: str, of: str, out: str, s: Signature) -> str:
    """The subscripts of the kernel times what is the first argument."""
    return _product_of(kernel, of, out, s.batched[1::-1])


def _product_of(left: str, right: str, out: str, batched: Sequence[bool]) -> str:
    """The subscripts of a product, with the cases on the last axis."""
    cases = ["n" if c else "" for c in batched] or ["", ""]
    return f"{left}{cases[0]},{right}{cases[1]}->{out}{'n' if any(cases) else ''}"


def _product(found: WindowLayout, subscripts: str, cases: Sequence[bool]) -> Kernel:
    """The product at one offset, of the kernel's weights there and the array under them."""
    if found.out is None and (not cases or cases[1] or not cases[0]):
        return lambda xp, weights, a: weights * a
    return lambda xp, weights, a: multiplied(xp, subscripts, weights, a)


def _first_axes(found: WindowLayout) -> tuple[slice, ...]:
    """The index of all the channels of a kernel."""
    return (slice(None),) * (0 if found.out is None else 2)


def _biased(
    total: AnyArray, bias: Sequence[AnyArray], at: tuple[slice | None, ...], s: Signature
) -> AnyArray:
    """A result with the bias, if there is one, added along its channels."""
    if not bias:
        return total
    # Where the bias alone differs from case to case.
    whole = total[..., None] if any(s.batched) > any(s.batched[:2]) else total
    return whole + (bias[0][at] if at else bias[0])


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
