"""Windows that slide over an array: where they lie, and padding. Convolution and pooling share them.

A window of size k whose entries lie `dilation` apart reaches over d·(k − 1) + 1 entries. It starts every
`stride` entries of an axis that has `padding` entries more on both ends, so that an axis of n entries has
(n + 2·padding − d·(k − 1) − 1) // stride + 1 windows (Dumoulin and Visin, 2016, "A guide to convolution
arithmetic for deep learning").
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Option, Shape
from handgrad.operations.operation import Misfit, Options, held
from handgrad.operations.structure import placed
from handgrad.operations.words import OptionWords
from handgrad.record import record

Position = tuple[int, ...]

TOLD = {
    "padding": OptionWords("the padding is", plain=0),
    "stride": OptionWords("the stride is", plain=1),
    "dilation": OptionWords("the dilation is", plain=1),
}
"""How the options of windows are told."""


@record
class Windows:
    """Windows of `size` over the last axes (before the cases) of an array.

    `over` are the lengths of those axes without padding, `count` how many windows each has; `before` and
    `after` how much padding there is at either end.
    """

    over: Shape
    size: Shape
    stride: Shape
    before: Shape
    after: Shape
    dilation: Shape
    count: Shape

    def offsets(self) -> Iterator[Position]:
        """The positions within a window."""
        return product(*map(range, self.size))

    def places(self) -> Iterator[Position]:
        """The windows."""
        return product(*map(range, self.count))

    def entry(self, place: Position, offset: Position) -> Position | None:
        """The array's entry at an offset of a window; None in the padding."""
        parts = zip(place, offset, self.stride, self.dilation, self.before, strict=True)
        at = tuple(p * s + o * d - b for p, o, s, d, b in parts)
        inside = all(0 <= i < n for i, n in zip(at, self.over, strict=True))
        return at if inside else None

    def meeting(self, at: Position) -> list[tuple[Position, Position]]:
        """The windows in which an entry of the array lies, in order, each with its offset there."""
        axes = [
            [((i + b - o * d) // s, o) for o in range(k) if (i + b - o * d) % s == 0]
            for i, k, s, b, d in zip(
                at, self.size, self.stride, self.before, self.dilation, strict=True
            )
        ]
        met = [
            (tuple([p for p, _ in each]), tuple([o for _, o in each])) for each in product(*axes)
        ]
        return sorted(
            pair
            for pair in met
            if all(0 <= p < n for p, n in zip(pair[0], self.count, strict=True))
        )

    @property
    def all_reach(self) -> bool:
        """Whether each window has an entry of the array: none lies in the padding alone."""
        axes = zip(
            self.over, self.size, self.stride, self.before, self.dilation, self.count, strict=True
        )
        return all(
            any(0 <= p * s - b + o * d < n for o in range(k))
            for n, k, s, b, d, count in axes
            for p in range(count)
        )

    def cut(self, offset: Position) -> tuple[slice, ...]:
        """The entries of the padded array at one offset of every window."""
        parts = zip(offset, self.count, self.stride, self.dilation, strict=True)
        return tuple(slice(o * d, o * d + (n - 1) * s + 1, s) for o, n, s, d in parts)

    @property
    def is_padded(self) -> bool:
        """Whether there is any padding."""
        return any(self.before) or any(self.after)

    @property
    def padded(self) -> Shape:
        """The lengths of the axes with their padding."""
        return tuple(b + n + a for b, n, a in zip(self.before, self.over, self.after, strict=True))

    @property
    def _inner(self) -> tuple[slice, ...]:
        return tuple(slice(b, b + n) for b, n in zip(self.before, self.over, strict=True))

    def pad(
        self, xp: Namespace, a: AnyArray, lead: Shape, cases: Shape, around: float = 0.0
    ) -> AnyArray:
        """The array with padding; `lead` are the lengths before its axes, `cases` after."""
        if not self.is_padded:
            return a
        at = (*[slice(None)] * len(lead), *self._inner)
        return placed(xp, a, (*lead, *self.padded, *cases), at, around)

    def unpad(self, a: AnyArray, lead: int) -> AnyArray:
        """The array without its padding; `lead` axes come before its own."""
        return a[(*[slice(None)] * lead, *self._inner)] if self.is_padded else a


def windows(over: Shape, size: Shape, options: Options, stride: Option = None) -> Windows:
    """Windows of `size` over axes of lengths `over`; raises `Misfit` where none fits.

    Arguments:
        over: the lengths of the axes.
        size: how many entries a window has along each.
        options: `stride`, `padding` and `dilation`, as numbers for all the axes or one for each.
        stride: what the stride is where the options leave it open.
    """
    rank = len(over)
    steps = each(
        {**options, "stride": stride} if options["stride"] is None else options, "stride", 1, rank
    )
    dilation = each(options, "dilation", 1, rank)
    reach = tuple(d * (k - 1) + 1 for d, k in zip(dilation, size, strict=True))
    before, after = _padding(options, reach, steps)
    held(tuple(map(sum, zip(before, over, after, strict=True))))
    count: list[int] = []
    for n, k, b, a, s in zip(over, reach, before, after, steps, strict=True):
        if k > b + n + a:
            ends = f"{b} on both ends" if b == a else f"{b} before and {a} after"
            raise Misfit(
                f"a window of {k} does not fit into an axis of {n}"
                + (f" with a padding of {ends}" if b or a else ""),
                "take a smaller window, or more padding",
            )
        count.append((b + n + a - k) // s + 1)
    return Windows(over, size, steps, before, after, dilation, tuple(count))


def _padding(options: Options, reach: Shape, stride: Shape) -> tuple[Shape, Shape]:
    """The padding before and after each axis; with "same" there are as many windows as entries."""
    given = options["padding"]
    if not isinstance(given, str):
        padding = each(options, "padding", 0, len(reach))
        return padding, padding
    if given == "valid":
        return (0,) * len(reach), (0,) * len(reach)
    if given != "same":
        raise Misfit(
            f'padding="{given}" is no padding that has a name',
            'write padding="same", padding="valid", or a number',
        )
    if set(stride) != {1}:
        raise Misfit('padding="same" needs a stride of 1', "give the padding as a number")
    # Of an odd number the larger part comes after, as in PyTorch.
    before = tuple((k - 1) // 2 for k in reach)
    return before, tuple(k - 1 - b for k, b in zip(reach, before, strict=True))


def whole(options: Options, name: str, fewest: int) -> int:
    """An option that is a whole number of at least `fewest`; raises `Misfit`."""
    value = options[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < fewest:
        raise Misfit(f"{name} must be a whole number of at least {fewest}")
    return value


def each(options: Options, name: str, fewest: int, rank: int) -> Shape:
    """An option as a whole number for each axis, all of at least `fewest`; raises `Misfit`."""
    given = options[name]
    values = given if isinstance(given, tuple) else (given,) * rank
    whole = tuple(
        v for v in values if isinstance(v, int) and not isinstance(v, bool) and v >= fewest
    )
    if len(whole) != len(values):
        raise Misfit(f"{name} must be a whole number of at least {fewest}")
    if len(values) != rank:
        raise Misfit(
            f"{name} has {len(values)} number{'' if len(values) == 1 else 's'}, and windows lie along "
            f"{rank} {'axis' if rank == 1 else 'axes'}",
            f"write {name}=2" + (f", or {name}=({', '.join('21'[:rank])})" if rank > 1 else ""),
        )
    return whole
