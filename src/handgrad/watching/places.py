"""Where the units of a layer lie in a tensor, and where they lie after it was viewed or reshaped.

A convolution's units lie along its channels, a linear layer's along its features. What reshapes a tensor
may spread them over several axes, or repeat each of them: flattened channels stand in H · W columns each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch

Ids: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"

LARGEST = 1 << 22
"""Places that a reshape may mix, at most; of more it isn't known which unit stands where."""


class UnitPlace:
    """The axes of a tensor along which units lie.

    Arguments:
        axes: in ascending order; none where all of it is one unit.
        ids: the unit at each place along the axes; None where they are counted up in order.
        alone: whether the tensor holds one case, and no axis of cases.
    """

    __slots__ = ("alone", "axes", "ids", "key")

    def __init__(self, axes: tuple[int, ...], ids: Ids | None = None, alone: bool = False) -> None:
        self.axes, self.ids, self.alone = axes, ids, alone
        self.key = None if ids is None else (ids.shape, ids.tobytes())

    def at(self, shape: Sequence[int]) -> Ids:
        """The unit at each place along the axes, in a tensor of this shape."""
        if self.ids is not None:
            return self.ids
        sizes = [shape[a] for a in self.axes]
        return np.arange(int(np.prod(sizes, dtype=int))).reshape(sizes)

    def case_axis(self, dimensions: int) -> int | None:
        """The axis along which the cases lie: the first that is none of units."""
        if self.alone:
            return None
        return next((a for a in range(dimensions) if a not in self.axes), None)


def _placed(axes: Sequence[int], ids: Ids, units: int, alone: bool) -> UnitPlace:
    """A place whose axes are put in order, without those along which nothing changes."""
    order = np.argsort(axes)
    ids = np.ascontiguousarray(ids.transpose(order))
    found = [axes[k] for k in order]
    for k in reversed(range(ids.ndim)):
        first = np.take(ids, [0], axis=k)
        if ids.shape[k] > 1 and (ids == first).all():
            ids = first.reshape([n for a, n in enumerate(ids.shape) if a != k])
            del found[k]
    if ids.size == units and (ids.ravel() == np.arange(units)).all():
        return UnitPlace(tuple(found), None, alone)
    return UnitPlace(tuple(found), ids, alone)


def reshaped(
    place: UnitPlace, old: Sequence[int], new: Sequence[int], units: int
) -> UnitPlace | None:
    """The place after a reshape; None where it isn't known."""
    axes: list[int] = []
    pieces: list[tuple[list[int], list[int]]] = []
    a = b = 0
    while a < len(old) or b < len(new):
        first, second = [], []
        left = right = 1
        while True:
            if (left <= right and a < len(old)) or (b >= len(new) and a < len(old)):
                left *= old[a]
                first.append(a)
                a += 1
            elif b < len(new):
                right *= new[b]
                second.append(b)
                b += 1
            if left == right or (a >= len(old) and b >= len(new)):
                break
        pieces.append((first, second))
    within = [p for p in pieces if any(k in place.axes for k in p[0])]
    dims = [k for p in within for k in p[0]]
    if int(np.prod([old[k] for k in dims], dtype=int)) > LARGEST:
        return None
    ids = place.at(old)
    # One axis of the array for each old dimension that takes part, then the new ones.
    shape = [old[k] if k in place.axes else 1 for k in dims]
    spread = np.broadcast_to(ids.reshape(shape), [old[k] for k in dims])
    for _, second in within:
        axes += second
    sizes = [new[k] for k in axes]
    if spread.size != int(np.prod(sizes, dtype=int)):
        return None
    alone = place.alone
    return _placed(axes, spread.reshape(sizes), units, alone)


def _strides(shape: Sequence[int]) -> list[int]:
    """Strides from which an axis and a step along it can be read back."""
    strides, size = [], 1
    for n in reversed(shape):
        strides.append(size)
        size *= n + 1
    return strides[::-1]


def viewed(
    place: UnitPlace, shape: Sequence[int], view: Callable[[Any], Any], units: int
) -> list[UnitPlace | None]:
    """The place in each result of a function that only views its tensor: found from a tensor without numbers."""
    strides = _strides(shape)
    blank = torch.empty_strided(shape, strides, device="meta")
    found = view(blank)
    results = [found] if isinstance(found, torch.Tensor) else list(found)
    return [_read_back(place, shape, strides, r, units) for r in results]


def _read_back(
    place: UnitPlace, shape: Sequence[int], strides: Sequence[int], out: torch.Tensor, units: int
) -> UnitPlace | None:
    ids = place.at(shape)
    offset = out.storage_offset()
    starts = [offset // s % (n + 1) for s, n in zip(strides, shape, strict=True)]
    axes: list[int] = []
    picks: list[Any] = []
    kept: list[int] = []
    for k in place.axes:
        at = starts[k]
        for axis, (size, stride) in enumerate(zip(out.shape, out.stride(), strict=True)):
            step = stride // strides[k] if strides[k] else 0
            if size > 1 and stride % strides[k] == 0 and 1 <= step <= shape[k]:
                picks.append(at + step * np.arange(size))
                axes.append(axis)
                break
        else:
            picks.append(np.array([at]))
            kept.append(len(picks) - 1)
    if any(p.max() >= n for p, n in zip(picks, ids.shape, strict=True)):
        return None
    chosen = ids[np.ix_(*picks)] if picks else ids
    chosen = chosen.reshape([n for k, n in enumerate(chosen.shape) if k not in kept])
    case = place.case_axis(len(shape))
    gone = case is not None and all(s % strides[case] or not 1 <= s // strides[case] <= shape[case] for s in out.stride())  # fmt: skip
    alone = place.alone or (gone and case is not None and shape[case] > 1)
    return _placed(axes, chosen, units, alone)
