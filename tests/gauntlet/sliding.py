"""Where windows lie, for judges: by place, each offset with the entry that it meets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

Index = tuple[int, ...]

CONVOLUTIONS = tuple(f"{name}{rank}d" for name in ("conv", "conv_transpose") for rank in (1, 2, 3))
"""The operations in which a kernel slides; the last letter but one says along how many axes."""


@dataclass(frozen=True)
class Window:
    """A window: its place, and its offsets with the entries under them, None in the padding."""

    place: Index
    entries: tuple[tuple[Index, Index | None], ...]

    @property
    def inside(self) -> list[Index]:
        """The entries of the array in it."""
        return [at for _, at in self.entries if at is not None]


def each(value: Any, rank: int) -> Index:
    """A number for each axis."""
    return tuple(value) if isinstance(value, tuple) else (value,) * rank


def windows(
    over: Sequence[int],
    size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
) -> tuple[list[Window], Index]:
    """The windows over axes of these lengths, and how many there are along each."""
    rank = len(over)
    sizes, steps, apart = each(size, rank), each(stride, rank), each(dilation, rank)
    reach = [d * (k - 1) for d, k in zip(apart, sizes, strict=True)]
    if padding == "same":
        before = tuple(r // 2 for r in reach)
        counts = tuple(over)
    else:
        before = each(0 if padding == "valid" else padding, rank)
        counts = tuple(
            (n + 2 * b - r - 1) // s + 1
            for n, b, r, s in zip(over, before, reach, steps, strict=True)
        )
    found = []
    for place in product(*map(range, counts)):
        entries: list[tuple[Index, Index | None]] = []
        for offset in product(*map(range, sizes)):
            at = tuple(p * s + o * d - b for p, s, o, d, b in zip(place, steps, offset, apart, before, strict=True))  # fmt: skip
            within = all(0 <= i < n for i, n in zip(at, over, strict=True))
            entries.append((offset, at if within else None))
        found.append(Window(place, tuple(entries)))
    return found, counts


@dataclass(frozen=True)
class Slid:
    """An array and a kernel with a batch and channels, whatever they had, and how to take them off again."""

    rank: int
    batch: bool
    channels: bool

    @classmethod
    def of(cls, a: Any, k: Any, rank: int) -> Slid:
        channels = k > rank
        return cls(rank, a > rank + channels, channels)

    def array(self, a: Any) -> Any:
        """An array, or a result, with all its axes."""
        a = a if self.channels else np.expand_dims(a, a.ndim - self.rank)
        return a if self.batch else a[None]

    def kernel(self, k: Any) -> Any:
        return k if self.channels else k[None, None]

    def bare(self, a: Any) -> Any:
        """An array, or a result, without the axes that it had not."""
        a = a if self.batch else a[0]
        return a if self.channels else np.squeeze(a, axis=a.ndim - self.rank - 1)


def convolved(
    a: Any, k: Any, *bias: Any, rank: int, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:  # fmt: skip
    """The convolution of arrays of any kind of number that NumPy's operators take."""
    slid = Slid.of(a.ndim, k.ndim, rank)
    a, k = slid.array(a), slid.kernel(k)
    found, counts = windows(a.shape[2:], k.shape[2:], stride, padding, dilation)
    kind = object if object in (a.dtype, k.dtype) else float
    out: Any = np.zeros((a.shape[0], k.shape[0], *counts), dtype=kind)
    for own, under in parts(k.shape, groups):
        for window in found:
            for offset, at in window.entries:
                if at is not None:
                    out[(slice(None), own, *window.place)] += (
                        a[(slice(None), under, *at)] @ k[(own, slice(None), *offset)].T
                    )
    for b in bias:
        out = out + np.reshape(b, (-1, *[1] * rank))
    return slid.bare(out)


def transposed(
    a: Any, k: Any, *bias: Any, rank: int, output_padding: Any = 0, groups: int = 1, **options: Any
) -> Any:  # fmt: skip
    """The transposed convolution: every entry goes to the window that it stands for in the result."""
    slid = Slid.of(a.ndim, k.ndim, rank)
    a, k = slid.array(a), slid.kernel(k)
    lengths = zip(
        a.shape[2:], k.shape[2:], each(options.get("stride", 1), rank), each(options.get("padding", 0), rank),
        each(options.get("dilation", 1), rank), each(output_padding, rank), strict=True,
    )  # fmt: skip
    over = [(n - 1) * s - 2 * p + d * (f - 1) + 1 + e for n, f, s, p, d, e in lengths]
    found, _ = windows(over, k.shape[2:], **options)
    kind = object if object in (a.dtype, k.dtype) else float
    out: Any = np.zeros((a.shape[0], k.shape[1] * groups, *over), dtype=kind)
    for own, under in parts(k.shape, groups):
        for window in found:
            for offset, at in window.entries:
                if at is not None:
                    out[(slice(None), under, *at)] += (
                        a[(slice(None), own, *window.place)] @ k[(own, slice(None), *offset)]
                    )
    for b in bias:
        out = out + np.reshape(b, (-1, *[1] * rank))
    return slid.bare(out)


def parts(kernel: Sequence[int], groups: int) -> list[tuple[slice, slice]]:
    """By group, the output channels and the array's channels."""
    out, inside = kernel[0] // groups, kernel[1]
    return [
        (slice(g * out, (g + 1) * out), slice(g * inside, (g + 1) * inside)) for g in range(groups)
    ]
