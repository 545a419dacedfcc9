"""The numbers that a student may have carried: each figure as shown, and the bounds within which the
number lies that it was rounded from.

There are two worlds. In the student's own, every figure entered stands, slips and all, and the rest
follows from them. In the right one a wrong figure is replaced by what it should have been: a slip in
the copying, say, that was not carried. Until something is wrong the two are one.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from functools import lru_cache, partial
from itertools import count
from operator import is_
from typing import Any, Protocol, TypeAlias
from zlib import crc32

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.sheets import RUNS, Rounded, Run, SheetNumbers, Sheets
from handgrad.expression import LARGEST, Adjoint, Leaf
from handgrad.figures import figure
from handgrad.numbers import Interval, bounding
from handgrad.running.cleaning import NOISE

WIDEST = 0.5
"""Bounds further apart than this share of the array's largest number say nothing, and are not used."""

NARROW = 2e-3
"""Bounds no further apart than this always count: terms may cancel to a number smaller than their roundings."""


FARTHEST = 8
"""How many times as far as in the farthest of these runs a student's roundings may have moved a number. Roundings
that all add up move it √n times as far as random ones do, and a run in eight is 1.4 times as far off as most."""

CARRIED = 4
"""Units of its last digit that roundings may have moved a figure, where bounds on them are too far apart to tell."""

LATELY = 8
"""Formulas whose values are kept: a figure is looked at from several sides, one after the other."""

LAST_DIGIT = 1e-9
"""Part of a unit of its last digit by which a figure may miss a number and still say it exactly."""

SUSPECT = 1e-12
"""A number that is no larger than this share of those that it comes of may be a residue of their rounding."""


Bounding: TypeAlias = "Callable[[World], Interval]"
"""The way to bounds on a leaf's number in a world."""


class World:
    """Numbers by leaf; bounds on them, and what rounding makes of them, are worked out when they are asked for.

    Whoever asks for them has NumPy keep quiet of what is not finite.

    Arguments:
        sheets: whose numbers they are.
        givens: what is not computed, exactly.
        half: half a unit of the last digit that a number which is not shown is rounded to; None where it is not.
    """

    def __init__(self, sheets: Sheets, givens: Mapping[Leaf, Array], half: HalfUnit | None) -> None:
        self.sheets = sheets
        self.half = half
        self.values: dict[Leaf, Array] = {leaf: sheets.spread(v) for leaf, v in givens.items()}
        self.tainted: dict[Leaf, Mask] = {}
        """By leaf, on which sheets a slip has gone into its number."""
        self._bounds: dict[Leaf, Interval] = {}
        self._how: dict[Leaf, Bounding] = {}
        self._rounded: dict[Leaf, Rounded] = {}
        self._sizes: dict[Leaf, Array] = {}
        self._carried: dict[HalfUnit, dict[Leaf, Array]] = {}
        self._formulas: dict[Leaf, CompiledFormula] = {}
        self._followed: set[Leaf] = set()
        self._same_in_cases: set[Leaf] = set()
        """Those leaves in cases whose formula is a wrong one that has none."""
        self._lately: dict[int, tuple[CompiledFormula, list[Array], Array]] = {}
        """What formulas gave lately, by their identity, and the numbers that they gave it of."""
        for leaf, value in givens.items():
            self._shown_rounded(leaf, value)

    def _shown_rounded(self, leaf: Leaf, value: Array) -> None:
        """Bounds on a given number that pages show rounded, such as 2/3: a person has the figure on the sheet.

        Who writes more digits than the page has not computed with the page's.
        """
        if self.half is None or value.size > LARGEST:
            return
        decimals = self.sheets.work.structure.trace.decimals
        shown = np.reshape([float(figure(x, decimals)) for x in value.flat], value.shape)
        if np.any(shown != value):
            value, shown = self.values[leaf], self.sheets.spread(shown)
            meant = np.abs(shown - value) <= self.half(value) * (1 + LAST_DIGIT)
            between = hull(Interval.of(value), np.where(meant, shown, value))
            self._how[leaf] = lambda _: between

    def copy(self) -> World:
        other = World(self.sheets, {}, self.half)
        other.values = dict(self.values)
        other._bounds, other._how = dict(self._bounds), dict(self._how)
        other._rounded, other._formulas = dict(self._rounded), dict(self._formulas)
        other._followed, other._sizes = set(self._followed), dict(self._sizes)
        other._same_in_cases = set(self._same_in_cases)
        other._carried = {half: dict(known) for half, known in self._carried.items()}
        other.tainted = dict(self.tainted)
        return other

    def only(self, which: SheetNumbers) -> World:
        """The world of some of the sheets, by their numbers, until this one changes."""
        sheets = self.sheets.only(which)
        if sheets is self.sheets:
            return self
        half = self.half
        other = World(sheets, {}, half and half.only(which))
        other.values = {leaf: sheets.part(v, which) for leaf, v in self.values.items()}
        other._formulas, other._followed = dict(self._formulas), set(self._followed)
        other._same_in_cases = set(self._same_in_cases)
        for leaf in self._how:
            other._how[leaf] = partial(self._part, leaf, which)
        return other

    def _part(self, leaf: Leaf, which: SheetNumbers, _part: World) -> Interval:
        return self.bounds(leaf).each(lambda bound: self.sheets.part(bound, which))

    def enter(self, leaf: Leaf, formula: CompiledFormula, value: Array, how: Bounding) -> None:
        """Gives a leaf the number that was entered for it, its formula and the way to bounds on it."""
        self._put(leaf, formula, value, how)

    def follow(self, leaf: Leaf, formula: CompiledFormula, *, in_cases: bool) -> None:
        """Gives a leaf, which may be `in_cases`, that was not entered the number that follows from those before it."""
        self._same_in_cases.discard(leaf)
        if in_cases and not formula.batched:
            self._same_in_cases.add(leaf)
        value = self._of_each_case(leaf, self.value(formula))

        def bounds(world: World) -> Interval:
            reach = world.reach(formula).each(partial(world._of_each_case, leaf))
            return reach if world.half is None else widened(reach, world.half(value))

        self._put(leaf, formula, value, bounds)
        self._followed.add(leaf)

    def _of_each_case(self, leaf: Leaf, array: Array) -> Array:
        """What a leaf's formula gives, for each of its cases where it has them."""
        return self.sheets.in_cases(array) if leaf in self._same_in_cases else array

    def _put(self, leaf: Leaf, formula: CompiledFormula, value: Array, how: Bounding) -> None:
        self._bounds.pop(leaf, None)
        self._rounded.pop(leaf, None)
        self._sizes.pop(leaf, None)
        for known in self._carried.values():
            known.pop(leaf, None)
        self._followed.discard(leaf)
        self.values[leaf] = self.sheets.spread(value)
        self._formulas[leaf] = formula
        self._how[leaf] = how

    def _unknown(self, leaf: Leaf, known: Container[Leaf]) -> Iterator[Leaf]:
        """The leaves that one leaf needs and that are not known, each after those that it needs; itself at the end."""
        waiting = [leaf]
        while waiting:
            last = waiting[-1]
            formula = None if last in known else self._formulas.get(last)
            before = [] if formula is None else [n for n in formula.leaves if n not in known]
            if before:
                waiting += before
                continue
            waiting.pop()
            if last not in known:
                yield last

    def bounds(self, leaf: Leaf) -> Interval:
        """Bounds on the number that a leaf stands for."""
        for each in self._unknown(leaf, self._bounds):
            how = self._how.get(each)
            found = how(self) if how is not None else Interval.of(self.values[each])
            self._bounds[each] = found.each(self.sheets.spread)
        return self._bounds[leaf]

    def value(self, formula: CompiledFormula) -> Array:
        """What a formula gives at the numbers as they are shown; what cancels leaves no rounding residue."""
        used = [self.values[leaf] for leaf in formula.leaves]
        known = self._lately.get(id(formula))
        if known is None or not all(map(is_, known[1], used)):
            if len(self._lately) >= LATELY:
                self._lately.clear()
            known = self._lately[id(formula)] = formula, used, self._value(formula)
        return known[2]

    def _value(self, formula: CompiledFormula) -> Array:
        sheets = self.sheets
        value: Array = sheets.run(formula, self.values, clean=formula.chooses)
        size: Array = np.zeros(())
        for leaf in formula.leaves:
            size = np.maximum(size, self._size(leaf))
        sizes = np.abs(value)
        small = sheets.any(~(sizes * SUSPECT < size))
        if sheets.some(small):
            # Of what is divided by a sum that cancels there is no number.
            cleaned = sheets.run(formula, self.values, clean=True)
            value = np.where(small & ~np.isfinite(cleaned), cleaned, value)
            sizes = np.abs(value)
        suspect = (value != 0) & (sizes <= SUSPECT * size)
        if not np.any(suspect):
            return value
        # A number that was worked out has a rounding of its own.
        given = {leaf: self.values[leaf] for leaf in formula.leaves}
        numbers = {leaf: widened(Interval.of(v), NOISE * np.abs(v)) for leaf, v in given.items()}
        around = Interval.of(sheets.run(formula, numbers, bounding))
        finite = np.isfinite(value) & np.isfinite(around.upper - around.lower)
        rest = suspect & finite & (around.lower <= 0) & (around.upper >= 0)
        return np.where(rest, 0.0, value)

    def _size(self, leaf: Leaf) -> Array:
        """By sheet, the largest size of a leaf's finite entries."""
        if leaf not in self._sizes:
            self._sizes[leaf] = self.sheets.largest(self.values[leaf])
        return self._sizes[leaf]

    def is_as_given(self, leaf: Leaf, exact: Array) -> Mask:
        """By sheet, whether a leaf's number is the exact one, and no other."""
        bounds = self.bounds(leaf)
        return self.sheets.all((bounds.lower == exact) & (bounds.upper == exact))

    def reach(self, formula: CompiledFormula) -> Interval:
        """Bounds on what a formula may give, where every number lies within its own."""
        return Interval.of(self.sheets.run(formula, _Bounds(self, formula), bounding))

    def leads_to(self, formula: CompiledFormula, value: Array, half: Array) -> Mask:
        """By entry, whether roundings on the way lead a formula to within half a unit of a figure.

        Bounds hold whatever the roundings were, on both sides of a kink too; but they are far wider than what is
        met where a number is used more than once, as in a layer norm. So it may be no farther off than a
        few times what rounding does in runs.
        """
        like = self.value(formula)
        near: Mask = ~(np.abs(like - value) > half + self._farthest(formula, like))
        near &= np.isfinite(like)
        if not np.count_nonzero(near):
            return near
        reach = self.reach(formula)
        within = (reach.lower <= value + half) & (value - half <= reach.upper)
        found: Mask = near & within & self.telling(reach, half, like)
        return found

    def carried_to(self, formula: CompiledFormula, value: Array, half: Array) -> Mask:
        """By entry, whether a figure is what comes of carrying every number that is not shown with the sheet's digits.

        This tells where bounds do not: a sheet of one gradient says nothing of the numbers on the way to it.
        """
        found: Mask = np.zeros(np.shape(value), dtype=bool)
        if self.half is None:
            return found
        near = np.abs(self.value(formula) - value) <= 2 * CARRIED * half
        for unit in self.half.each if near.any() else ():
            numbers = {leaf: self._as_carried(leaf, unit) for leaf in formula.leaves}
            found |= np.abs(self.sheets.run(formula, numbers) - value) <= half
        return found & near

    def _as_carried(self, leaf: Leaf, half: HalfUnit) -> Array:
        """A leaf's number as it is shown, or else rounded to so many digits."""
        known = self._carried.setdefault(half, {})
        for each in self._unknown(leaf, known):
            value = self.values[each]
            if each in self._followed:
                formula = self._formulas[each]
                value = self.sheets.run(formula, {n: known[n] for n in formula.leaves})
                value = self._of_each_case(each, value)
                unit = 2 * half(value)
                value = np.where(unit > 0, np.round(value / unit) * unit, value)
            known[each] = self.sheets.spread(value)
        return known[leaf]

    def led_to(self, formula: CompiledFormula, half: Array) -> tuple[Array, Array]:
        """By entry, the figures that `leads_to` holds for: the least and the largest; NaN where it does for none.

        They are no interval, to which NaN is any number: where bounds tell nothing, nothing is led to.
        """
        like = self.value(formula)
        reach = self.reach(formula)
        telling = self.telling(reach, half, like) & np.isfinite(like)
        farthest = half + self._farthest(formula, like)
        return (
            np.where(telling, np.maximum(reach.lower - half, like - farthest), np.nan),
            np.where(telling, np.minimum(reach.upper + half, like + farthest), np.nan),
        )

    def _farthest(self, formula: CompiledFormula, like: Array) -> Array:
        """How far a student's roundings may have moved what a formula gives."""
        sheets, runs = self.sheets, self._runs(formula)
        off = [np.abs(found - sheets.in_runs(like)) for found in runs]
        moved: Array = FARTHEST * sheets.farthest(off)
        return moved

    def telling(self, bounds: Interval, half: Array, like: Array) -> Mask:
        """By entry, whether bounds on a number, `like`, say anything beside figures with these halves of a unit: not
        where they are far apart, or have run away from the number."""
        sheets = self.sheets
        largest = sheets.most(np.maximum(np.abs(bounds.lower), np.abs(bounds.upper)))
        largest = np.minimum(largest, RUN_AWAY * (sheets.largest(like) + sheets.most(half)))
        found: Mask = bounds.upper - bounds.lower <= WIDEST * largest + 2 * half + NARROW
        return found

    def _runs(self, formula: CompiledFormula) -> Rounded:
        """What a formula gives in the runs; a long one is worked out in parts, which are rounded like what is not
        shown."""
        numbers = {leaf: self._in_runs(leaf) for leaf in formula.leaves}
        names = ",".join(leaf.name for leaf in formula.leaves)

        def rounding(run: Run) -> Callable[[Array], Array]:
            parts = count()
            return lambda part: self._rounding(part, run, (names, next(parts)))

        return self.sheets.rounded(formula, numbers, rounding)

    def _in_runs(self, leaf: Leaf) -> Rounded:
        """A leaf's number in the runs that round at random."""
        for each in self._unknown(leaf, self._rounded):
            self._rounded[each] = self._roundings(each)
        return self._rounded[leaf]

    def _roundings(self, leaf: Leaf) -> Rounded:
        sheets = self.sheets
        if leaf not in self._how:
            return sheets.same(self.values[leaf])
        key = _spelled(leaf), -1
        if leaf in self._followed:
            found = self._runs(self._formulas[leaf])
            return tuple(
                sheets.spread(self._rounding(self._of_each_case(leaf, r), run, key))
                for r, run in zip(found, sheets.runs, strict=True)
            )
        bounds = self.bounds(leaf)
        middle, radius = (bounds.lower + bounds.upper) / 2, (bounds.upper - bounds.lower) / 2
        known, shape = sheets.in_runs(np.isfinite(radius)), sheets.entries(self.values[leaf])
        middle, radius, value = map(sheets.in_runs, (middle, radius, self.values[leaf]))
        return tuple(
            np.where(known, middle + sheets.drawn(_drawn(key, shape), run) * radius, value)
            for run in sheets.runs
        )

    def _rounding(self, value: Array, run: Run, key: Key) -> Array:
        if self.half is None:
            return value
        half, sheets = self.half(value), self.sheets
        shape = sheets.entries(value) if run is not None else value.shape[:-1]
        moved = value + sheets.drawn(_drawn(key, shape), run) * half
        # What its figure says exactly is not rounded: 1, or the 0 that a softmax of one score leaves.
        steps = value / (2 * half)
        exact = (half == 0) | (np.abs(steps - np.round(steps)) < LAST_DIGIT)
        return np.where(exact, value, moved)

    def depends(self, formula: CompiledFormula) -> Mask:
        """By sheet, whether a formula uses a number that a slip has gone into."""
        found: Mask = np.zeros((), dtype=bool)
        for leaf in formula.leaves:
            if leaf in self.tainted:
                found = found | self.tainted[leaf]
        return found

    def taint(self, leaf: Leaf, where: Mask) -> None:
        """Says on which sheets a slip has gone into a leaf's number."""
        if self.sheets.some(where):
            self.tainted[leaf] = self.tainted.get(leaf, np.zeros((), dtype=bool)) | where


Key = tuple[str, int]
"""What is rounded at random: a leaf, or a part of a formula by the names in it."""


def _spelled(leaf: Leaf) -> str:
    return f"d{leaf.name} {leaf.through}" if isinstance(leaf, Adjoint) else leaf.name


@lru_cache(maxsize=1 << 14)
def _drawn(key: Key, shape: tuple[int, ...]) -> Array:
    """Numbers from −1 to 1 for each of the runs, on the last axis; always the same for the same rounding.

    So a sheet is judged as it is whatever else is checked with it, and in whatever order.
    """
    draws = np.random.default_rng(crc32(repr(key).encode()))
    return np.moveaxis(draws.uniform(-1, 1, (RUNS, *shape)), 0, -1)


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


class HalfUnit(Protocol):
    """By number, half a unit of the last digit that it is written with."""

    def __call__(self, values: Array, /) -> Array: ...

    @property
    def each(self) -> tuple[HalfUnit, ...]:
        """The ways to round that may be meant: where figures tell decimals from significant digits, the one."""

    def only(self, which: SheetNumbers, /) -> HalfUnit:
        """That of some of the sheets, by their numbers."""


RUN_AWAY = 1e3
"""Bounds that reach so many times as far as their number, or the last digits of its figures, are of no use."""
