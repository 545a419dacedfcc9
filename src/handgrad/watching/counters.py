"""The counters of one gate: a row for each watched step, on the device of the model, and never read there."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from handgrad.watching import kernels
from handgrad.watching.history import CountedRows, Numbers
from handgrad.watching.internals import aside, is_observed, is_wrapped, lies_plain, plain
from handgrad.watching.places import UnitPlace
from handgrad.watching.provenance import UnitsOf

ROWS = 32
"""Watched steps that are counted on the device before they are looked at."""

PIECE = 1 << 16
"""Numbers that are worked on at once."""

COUNTABLE = 255
"""Cases whose number a byte holds."""

COUNTED, PASSING, ARRIVING, LARGEST = range(4)
"""The sheets of a site's counters."""


class WatchedGate:
    """One gate of the model: whatever call of it makes one, for the units of one layer.

    Arguments:
        name: that of the layer.
        kind: the gate.
        parts: the weights that make what it is given.
        ids: the unit in each column of the counters, counted through the parts.
        flat: for an activation without a gate, the size of the pre-activation from which on it is flat.
    """

    def __init__(
        self, name: str, kind: str, parts: tuple[UnitsOf, ...], ids: Any, flat: float | None = None
    ) -> None:
        self.name, self.kind, self.parts, self.ids, self.flat = name, kind, parts, ids, flat
        self.width = len(ids)
        self._is_ordered = len(parts) == 1 and ids == [*range(len(ids))]
        self.before: tuple[str, ...] = ()
        self.following: dict[str, int] = {}
        self.fed = False
        self.sure = False
        self.row = 0
        self.cases = [0] * ROWS
        self.backs = [0] * ROWS
        self._lock = threading.Lock()
        self._sheets: Tensor | None = None
        self._rows: list[tuple[Tensor, ...]] = []
        self._arrays: list[tuple[Numbers, Numbers]] = []
        self._addresses: list[tuple[int, ...]] = []
        self._orders: dict[Any, Tensor] = {}
        self._count_rows: kernels.Kernel | None = None
        """What counts where the counters lie before the processor, once it has."""

    # -- counting ------------------------------------------------------------------------------------

    def takes_rows(self, place: UnitPlace, shift: float) -> bool:
        """Whether of numbers with two axes the first is that of the cases, the other that of the units."""
        whole = place.ids is None and self.flat is None and not shift
        return whole and _plan(2, place.axes, place.alone) == ((), 0)

    def counted(self, z: Tensor) -> bool:
        """Counts such numbers, where that is done with no look at what else could be; whether it was.

        What is touched for each gate of each step is kept short: between two of them a model's numbers have gone
        through the processor's caches.
        """
        count = self._count_rows
        if count is None or z.dim() != 2 or not lies_plain(z):
            return False
        cases, units = z.shape
        if units != self.width or not cases:
            return False
        with self._lock:
            if not self._addresses:
                return False
            row = self.row
            at = self._addresses[row]
            count(z.data_ptr(), cases, units, at[COUNTED], at[LARGEST])
            self.cases[row] += cases
        return True

    def count(self, z: Tensor, place: UnitPlace, shift: float) -> None:
        """Counts the pre-activations of one call, which are not kept."""
        if place.ids is None and self.flat is None and not shift and _is_at_hand(z):
            rest, axis = _plan(z.ndim, place.axes, place.alone)
            if axis is not None:
                return self._count_at_hand(z.detach(), rest, axis)
        with aside():
            return self._count(z, place, shift)

    def _count_at_hand(self, z: Tensor, rest: tuple[int, ...], axis: int) -> None:
        """The same for what lies before the processor as it is: PyTorch takes three times as long for it."""
        if rest:
            z = z.amax(rest)
        kernel = kernels.compiled()
        if (
            kernel is not None
            and not axis
            and z.is_contiguous()
            and z.numel() == z.shape[0] * self.width
        ):
            with self._lock:
                self._row(z.device)
                at, row = self._addresses[self.row], self.row
                cases = z.shape[0]
                kernel.count(z.data_ptr(), cases, self.width, at[COUNTED], at[LARGEST])
                self.cases[row] += cases
                self._count_rows = kernel.count
            return
        numbers: Numbers = z.numpy()
        if axis:
            numbers = np.moveaxis(numbers, axis, 0)
        numbers = numbers.reshape(len(numbers), -1)
        with self._lock:
            self._row(z.device)
            counted, largest = self._arrays[self.row]
            for first in range(0, len(numbers), COUNTABLE):
                open_ = np.greater(numbers[first : first + COUNTABLE], 0).view(np.uint8)
                counted += np.add.reduce(open_, 0, dtype=np.uint8)
            np.maximum(largest, np.maximum.reduce(numbers, 0), out=largest)
            self.cases[self.row] += len(numbers)

    def _count(self, z: Tensor, place: UnitPlace, shift: float) -> None:
        if is_wrapped(z):
            z, place = _unwrapped(z, place)
        by_case, axis = self._by_case(z, place, torch.amax)
        if shift:
            by_case = by_case - shift
        if self.flat is not None:
            low, _ = self._by_case(z.abs(), place, torch.amin)
            open_ = torch.lt(low, self.flat).to(torch.float32)
        else:
            open_ = torch.gt(by_case, 0, out=_scratch(by_case))
        with self._lock:
            counts, largest = self._row(z.device)[0::3]
            row, plain = self.row, by_case.dtype == torch.float32
            if axis is None:
                counts += open_.reshape(-1)
                torch.maximum(largest, by_case.reshape(-1).to(largest.dtype), out=largest)
                self.cases[row] += 1
                return
            counts += open_.sum(axis).reshape(-1)
            most = by_case.amax(axis).reshape(-1)
            torch.maximum(largest, most if plain else most.to(largest.dtype), out=largest)
            self.cases[row] += by_case.shape[axis]

    def _by_case(
        self, z: Tensor, place: UnitPlace, reduce: Callable[..., Tensor]
    ) -> tuple[Tensor, int | None]:
        """Reduced over the positions of each unit: a number for each case and unit; and the axis of cases."""
        if place.ids is None:
            rest, axis = _plan(z.ndim, place.axes, place.alone)
            return (reduce(z, rest) if rest else z), axis
        case = 0 if place.case_axis(z.ndim) is not None else None
        grouped = self._grouped(z, place)  # …, the units, the places of each
        others = [a for a in range(grouped.ndim) if a not in (case, grouped.ndim - 2)]
        return reduce(grouped, others), case

    def _grouped(self, z: Tensor, place: UnitPlace) -> Tensor:
        """With the units on the axis before the last, and the places of each along the last."""
        k = len(place.axes)
        last: Any = z.movedim(place.axes, tuple(range(-k, 0))).flatten(-k)
        order = self._orders.get((place.key, z.device))
        if order is None:
            found = np.argsort(place.at(z.shape).ravel(), kind="stable")
            order = self._orders[place.key, z.device] = torch.from_numpy(found).to(z.device)
        grouped: Tensor = last.index_select(-1, order).unflatten(-1, (self.width, -1))
        return grouped

    # -- gradients -----------------------------------------------------------------------------------

    def back(self, place: UnitPlace, arriving: Tensor | None, passing: Tensor | None) -> None:
        """Adds the sizes of a gradient that arrives at the gate and of what passes it."""
        with self._lock:
            for sheet, gradient in ((ARRIVING, arriving), (PASSING, passing)):
                if gradient is not None and not self._add_at_hand(sheet, gradient, place):
                    with aside():
                        self._row(gradient.device)[sheet].add_(self._sizes(gradient, place))
            if passing is not None:
                self.backs[self.row] += 1

    def _add_at_hand(self, sheet: int, gradient: Tensor, place: UnitPlace) -> bool:
        """The same in machine code, for what lies before the processor as it is; whether it does."""
        kernel = kernels.compiled()
        if kernel is None or place.ids is not None or not _is_at_hand(gradient):
            return False
        if gradient.__class__ is not Tensor or gradient.layout is not torch.strided:
            return False
        if not gradient.is_contiguous():
            return False
        cases, units, places = _split(gradient.shape, place.axes)
        if units != self.width:
            return False
        self._row(gradient.device)
        at = self._addresses[self.row][sheet]
        kernel.add_sizes(gradient.data_ptr(), cases, units, places, at)
        return True

    def _sizes(self, gradient: Tensor, place: UnitPlace) -> Tensor:
        if place.ids is not None:
            sizes = gradient.abs().to(torch.float32)
            grouped = self._grouped(sizes, place)
            return grouped.sum([a for a in range(grouped.ndim) if a != grouped.ndim - 2])
        rest = [a for a in range(gradient.ndim) if a not in place.axes]
        if gradient.device.type == "cpu" and gradient.numel() > PIECE and rest[:1] == [0]:
            # Piece by piece, each of which stays in the processor's cache.
            count = max(1, PIECE * gradient.shape[0] // gradient.numel())
            whole: Any = gradient
            pieces = whole.split(count)
        else:
            pieces = (gradient,)
        total: Tensor | None = None
        for piece in pieces:
            if piece.dtype == torch.float32 and piece.is_contiguous():
                sizes = torch.abs(piece, out=_scratch(piece))
            else:
                sizes = piece.abs().to(torch.float32)
            part = sizes.sum(rest) if rest else sizes.clone()
            total = part if total is None else total.add_(part)
        assert total is not None
        return total.reshape(-1)

    @property
    def is_at_hand(self) -> bool:
        """Whether the counters lie before the processor, and are those of one weight's units in order."""
        return self._is_ordered and bool(self._arrays)

    def silent(self, before: Numbers | None) -> Numbers | None:
        """The units that do not fire in the step at hand, by column; None where that is not known.

        Arguments:
            before: of each unit whether it was silent when the counters were taken.
        """
        if not self.is_at_hand:
            return None
        if self.cases[self.row]:
            return np.flatnonzero(self._arrays[self.row][0] == 0)
        return None if any(self.cases) or before is None else np.flatnonzero(before)

    # -- the sheets ----------------------------------------------------------------------------------

    def _row(self, device: torch.device) -> tuple[Tensor, ...]:
        """The counters of the step, sheet by sheet."""
        if self._sheets is None or self._sheets.device != device:
            with aside():
                sheets = self._on(device)
            self._rows = [tuple(sheets[:, k]) for k in range(ROWS)]
            self._arrays, self._addresses = [], []
            if device.type == "cpu":
                numbers = sheets.numpy()
                self._arrays = [(numbers[COUNTED, k], numbers[LARGEST, k]) for k in range(ROWS)]
                self._addresses = [
                    tuple(numbers[sheet, k].ctypes.data for sheet in range(4)) for k in range(ROWS)
                ]
        return self._rows[self.row]

    def _on(self, device: torch.device) -> Tensor:
        if self._sheets is None or self._sheets.device != device:
            fresh = torch.zeros(4, ROWS, self.width, device=device)
            fresh[LARGEST] = -torch.inf
            if self._sheets is not None:
                # The same layer on another device: what was counted goes with it.
                fresh.copy_(self._sheets)
            self._sheets = fresh
        return self._sheets

    def taken(
        self, steps: list[int], updates: list[int], own: Tensor | None = None
    ) -> CountedRows | None:
        """What was counted since the last time, on its way to the host; the counters begin anew."""
        if self._sheets is None or not any(self.cases):
            self.cases, self.backs = [0] * ROWS, [0] * ROWS
            return None
        with self._lock:
            used = len(steps)
            sheets = self._sheets[:, :used]
            copied, ready = _on_its_way(sheets), None
            own = None if own is None else _on_its_way(own)
            if sheets.device.type == "cuda":
                cuda: Any = torch.cuda
                ready = cuda.Event()
                ready.record()
            rows = CountedRows(
                steps, updates, self.cases[:used], self.backs[:used], copied, own, ready
            )
            self._sheets[:LARGEST].zero_()
            self._sheets[LARGEST].fill_(-torch.inf)
            self.cases, self.backs = [0] * ROWS, [0] * ROWS
            self.row = 0  # where a thread that is in the midst of a call goes on
        return rows


@cache
def _plan(
    dimensions: int, axes: tuple[int, ...], alone: bool
) -> tuple[tuple[int, ...], int | None]:
    """The axes of positions, and which axis of what is left after them holds the cases."""
    case = UnitPlace(axes, None, alone).case_axis(dimensions)
    rest = tuple(a for a in range(dimensions) if a not in axes and a != case)
    return rest, None if case is None else sum(a < case for a in axes)


@lru_cache(1024)
def _split(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, int, int]:
    """How many cases, units and places lie one within the other; no units where they do not."""
    if not axes or axes != tuple(range(axes[0], axes[-1] + 1)):
        return 0, 0, 0
    first, last = axes[0], axes[-1] + 1
    return math.prod(shape[:first]), math.prod(shape[first:last]), math.prod(shape[last:])


def _is_at_hand(z: Tensor) -> bool:
    """Whether the processor may look at the numbers of a tensor, and nothing of the program's looks on."""
    return not is_observed(z) and z.dtype is torch.float32 and z.is_cpu and not z.is_neg()


_SCRATCH = threading.local()


def _scratch(like: Tensor) -> Tensor:
    """Room for as many numbers of single precision, written over again and again; of a large tensor, new."""
    size = like.numel()
    if like.device.type != "cpu" or size > 2 * PIECE:
        return torch.empty(like.shape, device=like.device, dtype=torch.float32)
    room: Tensor | None = getattr(_SCRATCH, "room", None)
    if room is None:
        room = _SCRATCH.room = torch.empty(2 * PIECE)
    return room[:size].view(like.shape)


def _on_its_way(tensor: Tensor) -> Tensor:
    """A copy in the memory of the processor; of one on a device, once it has arrived."""
    if tensor.device.type != "cuda":
        return tensor.to("cpu", copy=True)
    copied = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return copied.copy_(tensor, non_blocking=True)


def _unwrapped(tensor: Tensor, place: UnitPlace) -> tuple[Tensor, UnitPlace]:
    """A tensor without the wrappers of `torch.func`; what `vmap` maps over comes first, as cases do."""
    inside, axes = plain(tensor)
    for moved, axis in enumerate(reversed(axes)):
        inside = inside.movedim(axis + moved, 0)
        place = UnitPlace(tuple(a + 1 for a in place.axes), place.ids)
    return inside, place
