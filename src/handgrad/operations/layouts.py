"""How an array, its kernel, and what a convolution makes of them are laid out.

The kernel's rank says whether there are channels: a kernel of the windows' own axes has none, one of
(out, in, …) has them. An array with one axis more than that is a batch: several examples, one after another.
With groups the channels fall into as many parts, and each part of the array meets its own part of the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Shape
from handgrad.operations.operation import Misfit, Options, describe
from handgrad.operations.windows import Windows, each, whole, windows
from handgrad.record import record

SPACE = "xyz"
"""The letters of the axes that windows slide along; b is the batch's, g the groups', o and c the channels'
out and in, n the cases'."""

Index = tuple[int, ...]


@record
class WindowLayout:
    """The axes of a convolution.

    Arguments:
        rank: along how many axes the windows slide.
        batch: how many examples lie along the array's first axis; None without such an axis.
        groups: into how many parts the channels fall.
        out, inside: the channels of a group, of the result and of the array; None without channels.
        over: the windows.
    """

    rank: int
    batch: int | None
    groups: int
    out: int | None
    inside: int | None
    over: Windows

    @property
    def result(self) -> Shape:
        """The shape of the result."""
        channels = () if self.out is None else (self.groups * self.out,)
        return (*self.examples, *channels, *self.over.count)

    @property
    def array(self) -> Shape:
        """The shape of the array."""
        channels = () if self.inside is None else (self.groups * self.inside,)
        return (*self.examples, *channels, *self.over.over)

    @property
    def examples(self) -> Shape:
        """The axis of the batch."""
        return () if self.batch is None else (self.batch,)

    @property
    def summed(self) -> Index:
        """The axes of the result along which a bias is the same."""
        channel = None if self.out is None else len(self.examples)
        return tuple(axis for axis in range(len(self.result)) if axis != channel)

    # -- letters -----------------------------------------------------------------------------------

    @property
    def array_letters(self) -> str:
        """The letters of the array's axes, cut into groups."""
        return self._letters("c") + SPACE[: self.rank]

    @property
    def kernel_letters(self) -> str:
        """The letters of the kernel at one offset, cut into groups."""
        return "" if self.out is None else ("g" if self.groups > 1 else "") + "oc"

    @property
    def result_letters(self) -> str:
        """The letters of the result's axes, cut into groups."""
        return self._letters("o") + SPACE[: self.rank]

    def _letters(self, channel: str) -> str:
        batch = "" if self.batch is None else "b"
        if self.out is None:
            return batch
        return batch + ("g" if self.groups > 1 else "") + channel

    # -- groups ------------------------------------------------------------------------------------

    def cut(self, xp: Namespace, a: AnyArray, channel: int, each_group: int | None) -> AnyArray:
        """The array with its axis of channels in two: the groups, and the channels of each."""
        if self.groups == 1 or each_group is None:
            return a
        shape = a.shape
        return xp.reshape(a, (*shape[:channel], self.groups, each_group, *shape[channel + 1 :]))

    def joined(self, xp: Namespace, a: AnyArray, channel: int) -> AnyArray:
        """The array with its groups' channels on one axis again."""
        if self.groups == 1 or self.out is None:
            return a
        shape = a.shape
        whole = shape[channel] * shape[channel + 1]
        return xp.reshape(a, (*shape[:channel], whole, *shape[channel + 2 :]))

    # -- entries -----------------------------------------------------------------------------------

    def channels_of(self, out: Index) -> Iterator[tuple[Index, Index]]:
        """For an output channel, or none: the kernel's first indices, and the array's channel."""
        if self.out is None or self.inside is None:
            yield (), ()
            return
        group = out[0] // self.out
        for c in range(self.inside):
            yield (out[0], c), (group * self.inside + c,)

    def kernel_between(self, out: Index, channel: Index) -> Index | None:
        """The kernel's first indices between an output channel and the array's; None where they do not meet."""
        if self.out is None or self.inside is None:
            return ()
        inside = channel[0] - out[0] // self.out * self.inside
        return (out[0], inside) if 0 <= inside < self.inside else None

    def outputs(self) -> Iterator[Index]:
        """The output channels; one empty index where there are none."""
        return product(range(self.groups * self.out)) if self.out is not None else iter([()])

    def apart(self, index: Index) -> tuple[Index, Index, Index]:
        """An index of the array or the result: its example, its channel and its place."""
        count = len(self.examples)
        channel = count + (self.out is not None)
        return index[:count], index[count:channel], index[channel:]


def layout(rank: int, a: Shape, k: Shape, options: Options) -> WindowLayout:
    """The layout of an array and a kernel of these shapes."""
    channels = len(k) > rank
    groups = whole(options, "groups", 1)
    return WindowLayout(
        rank=rank,
        batch=a[0] if len(a) > rank + channels else None,
        groups=groups,
        out=k[0] // groups if channels else None,
        inside=k[1] if channels else None,
        over=windows(a[len(a) - rank :], k[len(k) - rank :], options),
    )


def transposed_layout(rank: int, a: Shape, k: Shape, options: Options) -> WindowLayout:
    """The layout of the convolution that a transposed one is the way back of.

    What is transposed is the array of that: each of its entries goes to a window. Raises `Misfit` where the options fit
    no array.
    """
    lead, places, size = a[: len(a) - rank], a[len(a) - rank :], k[len(k) - rank :]
    stride, padding, dilation, extra = (
        each(options, name, fewest, rank)
        for name, fewest in (("stride", 1), ("padding", 0), ("dilation", 1), ("output_padding", 0))
    )
    if any(e and e >= s for e, s in zip(extra, stride, strict=True)):
        raise Misfit(
            "output_padding has to be less than the stride",
            "pad the result instead: pad(Z, after=1)",
        )
    axes = zip(places, size, stride, padding, dilation, extra, strict=True)
    over = tuple((n - 1) * s - 2 * p + d * (f - 1) + 1 + e for n, f, s, p, d, e in axes)
    if min(over) < 1:
        raise Misfit("the padding leaves nothing of the result", "take less padding")
    channels = () if len(k) == rank else (k[1] * whole(options, "groups", 1),)
    return layout(rank, (*lead[: len(lead) - len(channels)], *channels, *over), k, options)


def checked_layout(name: str, rank: int, shapes: Sequence[Shape], options: Options) -> WindowLayout:
    """The layout; raises `Misfit` where array, kernel and bias do not fit."""
    a, k, *bias = shapes
    channels = _has_channels(name, rank, a, k, "(out, channels, …)")
    found = layout(rank, a, k, options)
    groups = _groups(found, channels)
    if channels and k[0] % groups:
        raise Misfit(
            f"the kernel {{1}} has {k[0]} output channels, which do not fall into {groups} groups",
            "groups must divide the channels",
        )
    if channels and (given := a[len(a) - rank - 1]) != k[1] * groups:
        each_group = f" in each of {groups} groups" if groups > 1 else ""
        raise Misfit(
            f"{{0}} has {given} channels and the kernel {{1}} takes {k[1]}{each_group}",
            "the kernel's second axis counts the channels of the array"
            + (", divided by groups" if groups > 1 else ""),
        )
    _check_bias(bias, k[0] if channels else None)
    return found


def checked_transposed(
    name: str, rank: int, shapes: Sequence[Shape], options: Options
) -> WindowLayout:
    """`transposed_layout`; raises `Misfit` where array, kernel and bias do not fit."""
    a, k, *bias = shapes
    channels = _has_channels(name, rank, a, k, "(channels, out, …)")
    if channels and (given := a[len(a) - rank - 1]) != k[0]:
        raise Misfit(
            f"{{0}} has {given} channels and the kernel {{1}} takes {k[0]}",
            "the first axis of a transposed convolution's kernel counts the channels of the array, and the second "
            "those of the result",
        )
    found = transposed_layout(rank, a, k, options)
    groups = _groups(found, channels)
    if channels and k[0] % groups:
        raise Misfit(
            f"{{0}} has {k[0]} channels, which do not fall into {groups} groups",
            "groups must divide the channels",
        )
    _check_bias(bias, k[1] * groups if channels else None)
    return found


def _has_channels(name: str, rank: int, a: Shape, k: Shape, kernel: str) -> bool:
    channels = len(k) > rank
    if len(k) not in (rank, rank + 2) or len(a) - rank - channels not in (0, 1):
        raise Misfit(
            f"{{0}} is {describe(a)} and the kernel {{1}} is {describe(k)}",
            f"{name} takes {describe_axes(rank)} and a kernel of as many axes, or an array (channels, …) and a "
            f"kernel {kernel}; an axis more in front of the array counts a batch's examples",
        )
    return channels


def _groups(found: WindowLayout, channels: bool) -> int:
    if found.groups > 1 and not channels:
        raise Misfit("groups are parts of the channels, and there are none", "leave groups out")
    return found.groups


def _check_bias(bias: Sequence[Shape], channels: int | None) -> None:
    if bias and bias[0] != (() if channels is None else (channels,)):
        each_channel = (
            "a number"
            if channels is None
            else f"a number for each of the {channels} output channels"
        )
        raise Misfit(
            f"the bias {{2}} is {describe(bias[0])}, and it has to be {each_channel}",
            "add what has another shape after the convolution",
        )


def describe_axes(rank: int) -> str:
    """An array of so many axes in words."""
    return ("a vector", "a matrix", "an array of three axes")[rank - 1]
