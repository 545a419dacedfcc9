"""The numbers that a student may have carried: each figure as shown, and the bounds within which the
number lies that it was rounded from.

There are two worlds. In the student's own, every figure entered stands, slips and all, and the rest
follows from them. In the right one a wrong figure is replaced by what it should have been: a slip in
the copying, say, that was not carried. Until something is wrong the two are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.checking.formula import CompiledFormula
from handgrad.expression import Leaf
from handgrad.numbers import Interval, bounding

WIDEST = 0.5
"""Bounds further apart than this share of the array's largest number say nothing, and are not used."""

NARROW = 2e-3
"""Bounds no further apart than this always count: terms may cancel to a number smaller than their roundings."""


SUSPECT = 1e-12
"""A number that is no larger than this share of those that it comes of may be a residue of their rounding."""


class World:
    """Numbers by leaf, and bounds on them that are worked out when they are asked for."""

    def __init__(self, givens: Mapping[Leaf, Array]) -> None:
        self.values: dict[Leaf, Array] = dict(givens)
        self._bounds: dict[Leaf, Interval] = {}
        self._how: dict[Leaf, Callable[[], Interval]] = {}
        self.tainted: set[Leaf] = set()

    def copy(self) -> World:
        other = World(self.values)
        other._bounds, other._how = dict(self._bounds), dict(self._how)
        other.tainted = set(self.tainted)
        return other

    def put(self, leaf: Leaf, value: Array, how: Callable[[], Interval]) -> None:
        """Gives a leaf its number, and the way to bounds on it."""
        self._bounds.pop(leaf, None)
        self.values[leaf] = value
        self._how[leaf] = how

    def bounds(self, leaf: Leaf) -> Interval:
        """Bounds on the number that a leaf stands for."""
        found = self._bounds.get(leaf)
        if found is None:
            how = self._how.get(leaf)
            found = how() if how is not None else Interval.of(self.values[leaf])
            self._bounds[leaf] = found
        return found

    def value(self, formula: CompiledFormula) -> Array:
        """What a formula gives at the numbers as they are shown; what cancels leaves no rounding residue."""
        with np.errstate(all="ignore"):
            value = np.asarray(formula(self.values), dtype=float)
        size = max((_largest(self.values[leaf]) for leaf in formula.leaves), default=0.0)
        if (~(np.abs(value) * SUSPECT < size)).any():
            # Of what is divided by a sum that cancels there is no number.
            with np.errstate(all="ignore"):
                value = np.asarray(formula(self.values, clean=True), dtype=float)
        if not ((value != 0) & (np.abs(value) <= SUSPECT * size)).any():
            return value
        numbers = {leaf: Interval.of(self.values[leaf]) for leaf in formula.leaves}
        with np.errstate(all="ignore"):
            around = Interval.of(formula(numbers, bounding))
            finite = np.isfinite(value) & np.isfinite(around.upper - around.lower)
        rest = finite & (around.lower <= 0) & (around.upper >= 0)
        return np.where(rest, 0.0, value)

    def is_as_given(self, leaf: Leaf, exact: Array) -> bool:
        """Whether a leaf's number is the exact one, and no other."""
        bounds = self.bounds(leaf)
        return np.array_equal(bounds.lower, exact) and np.array_equal(bounds.upper, exact)

    def reach(self, formula: CompiledFormula) -> Interval:
        """Bounds on what a formula may give, where every number lies within its own."""
        with np.errstate(all="ignore"):
            return Interval.of(formula(_Bounds(self, formula), bounding))

    def depends(self, formula: CompiledFormula) -> bool:
        """Whether a formula uses a number that a slip has gone into."""
        return any(leaf in self.tainted for leaf in formula.leaves)


def _largest(array: Array) -> float:
    """The largest size of a finite entry."""
    sizes = np.abs(array)
    return float(np.max(sizes[np.isfinite(sizes)], initial=0.0))


class _Bounds(Mapping[Leaf, Any]):
    """A world's bounds, as the numbers that a formula runs on."""

    def __init__(self, world: World, formula: CompiledFormula) -> None:
        self.world = world
        self.formula = formula

    def __getitem__(self, leaf: Leaf) -> Interval:
        return self.world.bounds(leaf)

    def __iter__(self) -> Iterator[Leaf]:
        return iter(self.formula.leaves)

    def __len__(self) -> int:
        return len(self.formula.leaves)


def widened(bounds: Interval, by: Array) -> Interval:
    """Bounds further apart by so much on each side."""
    return Interval(bounds.lower - by, bounds.upper + by)


def hull(bounds: Interval, *values: Array) -> Interval:
    """The narrowest bounds that hold others and some numbers."""
    lower, upper = bounds.lower, bounds.upper
    for value in values:
        lower, upper = np.minimum(lower, value), np.maximum(upper, value)
    return Interval(lower, upper)


def meeting(bounds: Interval, value: Array, half: Array) -> Interval:
    """The part of bounds that lies within half a unit of a figure; the figure where there is none."""
    lower = np.maximum(bounds.lower, value - half)
    upper = np.minimum(bounds.upper, value + half)
    none = ~(lower <= upper)
    return Interval(np.where(none, value, lower), np.where(none, value, upper))


RUN_AWAY = 1e3
"""Bounds that reach so many times as far as their number, or the last digits of its figures, are of no use."""


@np.errstate(invalid="ignore", over="ignore")
def meets(bounds: Interval, value: Array, half: Array, like: Array) -> Array:
    """By entry, whether bounds come within half a unit of a figure; never where they say nothing.

    Arguments:
        bounds: where the number lies that a figure was rounded from.
        value: the figures.
        half: half a unit of the last digit of each.
        like: the number that the bounds are of. They say nothing where they have run away from it.
    """
    near = (bounds.lower <= value + half) & (value - half <= bounds.upper)
    size = np.maximum(np.abs(bounds.lower), np.abs(bounds.upper))
    largest = np.max(size[np.isfinite(size)], initial=0.0)
    about = np.max(np.abs(like)[np.isfinite(like)], initial=0.0) + np.max(half, initial=0.0)
    largest = min(largest, float(RUN_AWAY * about))
    telling = bounds.upper - bounds.lower <= WIDEST * largest + 2 * half + NARROW
    result: Array = near & telling
    return result
