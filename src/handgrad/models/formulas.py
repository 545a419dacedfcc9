"""What readers of models compose of the table's operations where a framework has one function for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.expression import Expression, Index, Shape, Slice
from handgrad.operations.arranging import permute
from handgrad.operations.convolution import transposed_convolutions
from handgrad.operations.extending import broadcast_to, pad
from handgrad.operations.picking import gather
from handgrad.operations.structure import concat, matrix_transpose, reshape, transpose

ALL = Slice()
"""All entries along an axis."""


@dataclass(frozen=True, slots=True)
class Masked:
    """Scores of which a mask of −∞ leaves some out: softmax gives these the probability 0.

    Arguments:
        scores: their formula.
        keep: 1 where a score is kept, 0 where −∞ stood.
        name: of the mask.
    """

    scores: Expression
    keep: NDArray[Any]
    name: str = "mask"


def permuted(formula: Expression, axes: Sequence[int]) -> Expression:
    """The axes in another order, as a person writes it: nothing where none moves, .T for a matrix."""
    order = tuple(axes)
    rank = len(order)
    if order == tuple(range(rank)):
        return formula
    if order == (1, 0):
        return transpose(formula)
    if order == (*range(rank - 2), rank - 1, rank - 2):
        return matrix_transpose(formula)
    return permute(formula, axes=order)


def reshaped(formula: Expression, shape: Shape, target: Sequence[int]) -> Expression:
    """The same entries in another shape; the formula itself where it has it already."""
    wanted = tuple(target)
    if wanted == shape:
        return formula
    if not wanted:
        return formula.at((0,) * len(shape))
    return reshape(formula, shape=wanted)


def picked(table: Expression, shape: Shape, numbers: Expression, numbered: Shape) -> Expression:
    """The entries of a table along its first axis whose numbers are given, in any shape: rows of an embedding."""
    row = shape[1:]
    flat = reshaped(table, shape, (shape[0], math.prod(row))) if len(row) > 1 else table
    which = reshaped(numbers, numbered, (math.prod(numbered),)) if len(numbered) > 1 else numbers
    rows = gather(flat, which)
    count = (math.prod(numbered),) if numbered else ()
    found = (*count, math.prod(row)) if row else count
    return reshaped(rows, found, (*numbered, *row))


def taken(
    formula: Expression, shape: Shape, axis: int, numbers: NDArray[np.int64]
) -> Expression | None:
    """Entries along an axis by known numbers, where an index or a slice says them; None elsewhere."""
    ahead: tuple[Index, ...] = (ALL,) * axis
    if numbers.ndim == 0:
        return formula.at((*ahead, int(numbers) % shape[axis]))
    if numbers.ndim != 1 or not numbers.size:
        return None
    where = [int(n) % shape[axis] for n in numbers]
    step = where[1] - where[0] if len(where) > 1 else 1
    if step == 0 or where != list(range(where[0], where[0] + step * len(where), step)):
        return None
    return sliced(formula, shape, axis, where[0], where[-1] + (1 if step > 0 else -1), step)


def sliced(
    formula: Expression, shape: Shape, axis: int, start: int, stop: int, step: int = 1
) -> Expression:
    """Entries along an axis from `start` to before `stop`, counted from 0; the formula itself where that is all."""
    if (start, stop, step) == (0, shape[axis], 1):
        return formula
    end = None if stop == (shape[axis] if step > 0 else -1) else stop
    first = None if start == (0 if step > 0 else shape[axis] - 1) else start
    return formula.at((*[ALL] * axis, Slice(first, end, None if step == 1 else step)))


def padded(
    formula: Expression, before: Sequence[int], after: Sequence[int], value: float = 0.0
) -> Expression:
    """The array with constants around it; the formula itself where there are none."""
    if not any((*before, *after)):
        return formula
    options = {"value": value} if value else {}
    return pad(formula, before=tuple(before), after=tuple(after), **options)


@dataclass(frozen=True, slots=True)
class SpreadOut:
    """A transposed convolution along axes whose ends frameworks cut each in its own way.

    Arguments:
        lengths: of the array, along the axes.
        size, stride, dilation, groups: of the kernel, (in, out / groups, size…).
        before, after: how many entries of the whole result are left out at each end; below 0, how many more there are.
    """

    lengths: Shape
    size: Shape
    stride: Shape
    dilation: Shape
    before: Shape
    after: Shape
    groups: int = 1

    def of(self, x: Expression, kernel: Expression, bias: Sequence[Expression] = ()) -> Expression:
        """The formula, of an array of examples with channels."""
        ends = list(zip(self.before, self.after, self.stride, strict=True))
        if all(b >= 0 and 0 <= b - a < s for b, a, s in ends):
            extra = tuple(b - a for b, a, _ in ends)
            return self._spread(x, kernel, bias, self.before, extra)
        # What is not the same at both ends is cut off, or added, afterwards.
        padding = tuple(max(0, min(b, a)) for b, a, _ in ends)
        z = self._spread(x, kernel, (), padding, (0,) * len(ends))
        cuts = [(b - p, a - p) for (b, a, _), p in zip(ends, padding, strict=True)]
        whole = [
            (n - 1) * s + d * (k - 1) + 1 - 2 * p
            for n, k, s, d, p in zip(
                self.lengths, self.size, self.stride, self.dilation, padding, strict=True
            )
        ]
        if any(max(cut) > 0 for cut in cuts):
            kept = zip(cuts, whole, strict=True)
            slices = [Slice(max(0, b) or None, n - a if a > 0 else None) for (b, a), n in kept]
            z = z.at((ALL, ALL, *(ALL if s == Slice() else s for s in slices)))
        z = padded(
            z,
            (0, 0, *(max(0, -b) for b, _ in cuts)),
            (0, 0, *(max(0, -a) for _, a in cuts)),
        )
        for b in bias:
            z = z + reshape(b, shape=(-1, *[1] * len(ends)))
        return z

    def _spread(
        self,
        x: Expression,
        kernel: Expression,
        bias: Sequence[Expression],
        padding: Shape,
        extra: Shape,
    ) -> Expression:
        options = {
            "stride": (self.stride, 1),
            "padding": (padding, 0),
            "output_padding": (extra, 0),
            "dilation": (self.dilation, 1),
        }
        told: dict[str, Any] = {
            name: numbers[0] if len(set(numbers)) == 1 else numbers
            for name, (numbers, plain) in options.items()
            if set(numbers) != {plain}
        }
        if self.groups != 1:
            told["groups"] = self.groups
        return transposed_convolutions[len(self.size)](x, kernel, *bias, **told)


def repeated(formula: Expression, shape: Shape, axis: int, times: int) -> Expression:
    """Each entry along an axis so many times, one after the other."""
    if times == 1:
        return formula
    before, after = shape[: axis + 1], shape[axis + 1 :]
    apart = broadcast_to(
        reshape(formula, shape=(*before, 1, *after)), shape=(*before, times, *after)
    )
    return reshape(apart, shape=(*before[:-1], before[-1] * times, *after))


def multiplied_along(
    formula: Expression, shape: Shape, axis: int, matrix: Expression
) -> Expression:
    """An array multiplied by a matrix (its columns are the axis) along an axis."""
    rank = len(shape)
    if rank == 1 or axis == rank - 2:
        return matrix @ formula
    if axis == rank - 1:
        return formula @ matrix.T
    order = (*(k for k in range(rank) if k != axis), axis)
    return permuted(permuted(formula, order) @ matrix.T, [order.index(k) for k in range(rank)])


def around(mode: str, length: int, before: int, after: int) -> tuple[list[Slice], list[Slice]]:
    """Which of its own entries stand before and after those of an axis: mirrored ("reflect"), from the other end
    ("circular"), or those at its ends."""
    match mode:
        case "reflect":
            stop = length - 2 - after if after < length - 1 else None
            first, last = Slice(before, 0, -1), Slice(length - 2, stop, -1)
        case "circular":
            first, last = Slice(length - before, length), Slice(0, after)
        case _:
            return [Slice(0, 1)] * before, [Slice(length - 1, length)] * after
    return [first] * bool(before), [last] * bool(after)


def padded_with_own(
    formula: Expression, shape: Shape, axis: int, mode: str, ends: tuple[int, int]
) -> Expression:
    """An array with so many entries of its own before and after those of an axis."""
    first, last = around(mode, shape[axis], *ends)
    ahead = [ALL] * axis
    parts: list[Expression] = [formula.at((*ahead, s)) for s in first]
    parts += [formula, *(formula.at((*ahead, s)) for s in last)]
    return concat(*parts, axis=axis) if len(parts) > 1 else formula


MOST_PLACES = 4_000_000
"""A matrix of ones and zeros that puts entries elsewhere has no more entries."""


def put(
    source: Expression,
    shape: Shape,
    targets: NDArray[np.int64],
    whole: Shape,
    named: Callable[[NDArray[np.float64]], Expression],
) -> Expression:
    """An array of zeros to which the entries of a source are added, each at the place that `targets` numbers.

    The matrix of ones that puts them there, which `named` gives a name, times the source; whole rows
    where each row goes to one.
    """
    width = math.prod(whole[1:])
    rows = targets.reshape(targets.shape[0], -1) if targets.ndim else targets.reshape(1, 1)
    same = bool(shape) and shape[1:] == whole[1:] and width > 1
    if same and not (rows[:, 0] % width).any() and (rows == rows[:, :1] + np.arange(width)).all():
        ones = _ones(rows[:, 0] // width, whole[0])
        found = named(ones) @ reshaped(source, shape, (shape[0], width))
        return reshaped(found, (whole[0], width), whole)
    count = math.prod(whole)
    flat = reshaped(source, shape, (math.prod(shape),)) if shape else reshape(source, shape=(1,))
    return reshaped(named(_ones(targets.reshape(-1), count)) @ flat, (count,), whole)


def _ones(targets: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    ones = np.zeros((count, len(targets)))
    ones[targets, np.arange(len(targets))] = 1.0
    return ones


def kept(targets: NDArray[np.int64], whole: Shape) -> NDArray[np.float64] | None:
    """1 where nothing is written, 0 where something is; None where an entry is written twice."""
    mask = np.ones(math.prod(whole))
    mask[targets.reshape(-1)] = 0.0
    return mask.reshape(whole) if (mask == 0).sum() == targets.size else None
