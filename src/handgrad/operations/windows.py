"""Windows that slide over an array: where they lie, and padding. Convolution and pooling share them.

A window of size k starts every `stride` entries of an axis that has `padding` zeros on both ends,
so an axis of n entries has (n + 2·padding − k) // stride + 1 of them (Dumoulin and Visin, 2016,
"A guide to convolution arithmetic for deep learning").
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Option, Shape
from handgrad.operations.operation import Misfit, Options
from handgrad.operations.structure import placed
from handgrad.record import record

Position = tuple[int, ...]


@record
class Windows:
    """Windows of `size` over the last axes (before the cases) of an array.

    `over` are the lengths of those axes without padding, `count` how many windows each has.
    """

    over: Shape
    size: Shape
    stride: int
    padding: int
    count: Shape

    def offsets(self) -> Iterator[Position]:
        """The positions within a window."""
        return product(*map(range, self.size))

    def places(self) -> Iterator[Position]:
        """The windows."""
        return product(*map(range, self.count))

    def entry(self, place: Position, offset: Position) -> Position | None:
        """The array's entry at an offset of a window; None in the padding."""
        at = tuple(p * self.stride + o - self.padding for p, o in zip(place, offset, strict=True))
        inside = all(0 <= i < n for i, n in zip(at, self.over, strict=True))
        return at if inside else None

    def cut(self, offset: Position) -> tuple[slice, ...]:
        """The entries of the padded array at one offset of every window."""
        return tuple(
            slice(o, o + (n - 1) * self.stride + 1, self.stride)
            for o, n in zip(offset, self.count, strict=True)
        )

    @property
    def padded(self) -> Shape:
        """The lengths of the axes with their padding."""
        return tuple(n + 2 * self.padding for n in self.over)

    def pad(self, xp: Namespace, a: AnyArray, lead: Shape, cases: Shape) -> AnyArray:
        """The array with zeros around it; `lead` are the lengths before its axes, `cases` after."""
        if not self.padding:
            return a
        inner = tuple(slice(self.padding, self.padding + n) for n in self.over)
        at = (*[slice(None)] * len(lead), *inner)
        return placed(xp, a, (*lead, *self.padded, *cases), at)

    def unpad(self, a: AnyArray, lead: int) -> AnyArray:
        """The array without the zeros around it; `lead` axes come before its own."""
        if not self.padding:
            return a
        inner = tuple(slice(self.padding, self.padding + n) for n in self.over)
        return a[(*[slice(None)] * lead, *inner)]


def windows(over: Shape, size: Shape, stride: int, padding: int = 0) -> Windows:
    """Windows of `size` over axes of lengths `over`; raises `Misfit` where none fits."""
    for n, k in zip(over, size, strict=True):
        if k > n + 2 * padding:
            raise Misfit(
                f"a window of {k} does not fit into an axis of {n}"
                + (f" with {padding} zeros on both ends" if padding else ""),
                "take a smaller window, or more padding",
            )
    count = tuple((n + 2 * padding - k) // stride + 1 for n, k in zip(over, size, strict=True))
    return Windows(over, size, stride, padding, count)


def whole(options: Options, name: str, fewest: int) -> int:
    """An option that is a whole number of at least `fewest`; raises `Misfit`."""
    value: Option = options[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < fewest:
        raise Misfit(f"{name} must be a whole number of at least {fewest}")
    return value
