"""The verdict on every quantity, in the order in which they are computed.

A figure is right where it is what the exact value rounds to, or where it lies within what the figures
shown before it may lead to; it is consistent where it follows in that way from figures of which some
were wrong. All dependents of a slip are so recomputed from it, and it costs once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking.diagnosis import Diagnosing, unread
from handgrad.checking.explaining import Explaining
from handgrad.checking.figures import Habit, Habits, ManyEntries, WrittenEntry
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.matching import Matched
from handgrad.checking.quantities import Quantity
from handgrad.checking.report import MOST_WRONG, Judged, Places, Verdict
from handgrad.checking.sheets import OneSheet, SheetNumbers, Sheets, is_all
from handgrad.checking.tolerance import Halves, allowed, halves
from handgrad.checking.work import Work
from handgrad.checking.worlds import Bounding, World, hull, meeting
from handgrad.expression import Adjoint, Leaf, Name
from handgrad.numbers import Interval

ROUNDING = 1e-2
"""The largest share of an array's largest entry that is taken for what rounding leaves of a difference."""

REST_OF = 1e-12
"""The largest share of the problem's largest gradient that is taken for what rounding leaves of a 0."""

OTHERS = 8
"""How many times as far from the exact number as some runs are another program's may be."""


@np.errstate(all="ignore")
def judged(work: Work, found: Matched, *, rounded_unseen: bool = True) -> tuple[Judged, ...]:
    """The verdicts, for every quantity that is asked for or entered, in the order of the steps.

    Arguments:
        work: the problem's quantities and their exact numbers.
        found: the figures that were entered, by quantity.
        rounded_unseen: whether numbers that were not entered may have been rounded on the way; a
            student is given the benefit of it.
    """
    judging = _JudgingOne(work, found, rounded_unseen)
    for quantity in work.structure.quantities:
        judging.take(quantity)
    return tuple(sorted(judging.results, key=lambda j: j.quantity.order))


@dataclass(frozen=True, slots=True)
class JudgedEntry:
    """A quantity as it was entered: by entry, what was written and whether that can be.

    `value` is NaN where nothing was written. `right` is what agrees with the right numbers, `ok`
    also what follows from those entered before, which are the student's `own`.
    """

    sheets: Sheets
    quantity: Quantity
    entry: WrittenEntry | ManyEntries
    exact: Array
    half: Halves
    right: Mask
    ok: Mask
    own: World

    @property
    def value(self) -> Array:
        return self.entry.value

    @property
    def following(self) -> Array:
        """What follows from what was entered before it."""
        return self.own.value(self.quantity.formula)

    @property
    def given(self) -> Mask:
        """By entry, whether something was written."""
        return ~np.isnan(self.value)

    @property
    def is_missing(self) -> Mask:
        """By sheet, whether no cell holds a number."""
        return ~self.sheets.any(self.given)

    @property
    def is_right(self) -> Mask:
        return self.sheets.all(self.right & self.given)

    @property
    def is_wrong(self) -> Mask:
        """By sheet, whether figures are wrong, or some are not there."""
        return ~self.sheets.all(self.ok & self.given) & ~self.is_missing

    @property
    def is_trivial(self) -> Mask:
        """By sheet, whether what follows from a slip asks for no work that the exact value asks for."""
        if self.sheets.every(self.sheets.all(self.right)):
            return self.sheets.none
        nothing = ~self.sheets.any((self.following != 0) & np.isfinite(self.following))
        consistent = ~self.is_wrong & ~self.is_missing & ~self.is_right
        trivial = (
            consistent & ~self.sheets.all(self.right) & nothing & self.sheets.any(self.exact != 0)
        )
        return trivial & ~self._cancels() if self.sheets.some(trivial) else trivial

    def _cancels(self) -> Mask:
        """By sheet, whether terms that are not 0 are added up."""
        sizes = self.sheets.work.structure.in_sizes(self.quantity)
        if sizes is None:
            return self.sheets.none
        return self.sheets.any(self.own.value(sizes) > 0)


class Judging(ABC):
    """Judges the quantities of answer sheets, one after the other in the order in which they are computed.

    Arguments:
        sheets: the sheets.
        entries: by quantity, what was entered for it on all of them.
        habit: how many digits their figures have.
        rounded_unseen: see `judged`.
    """

    def __init__(
        self,
        sheets: Sheets,
        entries: Mapping[Leaf, WrittenEntry | ManyEntries],
        habit: Habit | Habits,
        rounded_unseen: bool,
    ) -> None:
        self.sheets, self.work = sheets, sheets.work
        self.entries = entries
        givens = {leaf: sheets.exact[leaf] for leaf in self.work.given_leaves}
        self.strict = any(entry.strict for entry in entries.values())
        # A program carries all the digits of what it does not show.
        rounded = rounded_unseen and not self.strict
        self.own = self.right = World(sheets, givens, ByHabit(habit) if rounded else None)
        self.apart: Mask = np.zeros((), dtype=bool)
        """By sheet, whether something was wrong, so that there are two worlds."""
        self.diagnosing = Diagnosing(sheets, entries, habit)

    @abstractmethod
    def missing(self, quantity: Quantity) -> None:
        """Takes note of a quantity that was not entered."""

    @abstractmethod
    def entered(self, one: JudgedEntry) -> None:
        """Takes note of the verdict on a quantity, and goes on from there."""

    def take(self, quantity: Quantity) -> None:
        """The verdict on one quantity, and what it leaves for those that use it."""
        entry = self.entries.get(quantity.leaf)
        if entry is None:
            self._leave_open(quantity)
            self.missing(quantity)
        else:
            self.entered(self._judged(quantity, entry))

    # -- nothing entered -------------------------------------------------------------------------

    def _leave_open(self, quantity: Quantity) -> None:
        """What is not entered follows from what is before it, rounded by habit or not."""
        for world in [self.own] if self.own is self.right else [self.own, self.right]:
            world.follow(quantity.leaf, quantity.formula, in_cases=quantity.batched)
            world.taint(quantity.leaf, world.depends(quantity.formula))

    # -- entered ---------------------------------------------------------------------------------

    def _judged(self, quantity: Quantity, entry: WrittenEntry | ManyEntries) -> JudgedEntry:
        sheets, leaf = self.sheets, quantity.leaf
        exact = sheets.exact[leaf]
        half = halves(entry, self.diagnosing.habit, allowed(entry, sheets, leaf))
        value, blank = entry.value, np.isnan(entry.value)
        right: Mask = np.abs(exact - value) <= half.written
        if entry.strict and not is_all(right | blank):
            right |= self._of_floats(leaf, value, half.written)
        open_ = ~sheets.all(right | blank)
        if sheets.some(open_):
            right |= open_ & self._follows(self.right, quantity, value, half.written)
        ok = right
        open_ = self.apart & ~sheets.all(right | blank)
        if sheets.some(open_):
            ok = right | (open_ & self._follows(self.own, quantity, value, half.written))
        return JudgedEntry(sheets, quantity, entry, exact, half, right, ok, self.own)

    def diagnosis(self, one: JudgedEntry) -> Explaining:
        """What explains the figures of a quantity on the sheets where it is wrong."""
        wrong = ~one.ok & one.given
        right = self.right if self.right is not self.own else None
        return self.diagnosing.of(one.quantity, one.entry, one.half, wrong, self.own, right)

    def _of_floats(self, leaf: Leaf, value: Array, half: Array) -> Mask:
        """By entry, whether a program may have a number.

        Beside a kink residues of 0 put it off; and where floats cancel, as within the gradient of a layer norm, the last
        digits that they keep are not all of those that an answer is held to.
        """
        exact = self.work.exact[leaf]
        found: Mask = np.abs(self.work.floats[leaf] - value) <= half
        noise = np.zeros(exact.shape)
        for numbers in self.work.beside():
            if is_all(found | np.isnan(value)):
                return found
            found |= np.abs(numbers[leaf] - value) <= half
            noise = np.fmax(noise, np.abs(numbers[leaf] - exact))
        # More than that is no rounding: a gate is open in one run and shut in another.
        largest = np.max(np.abs(exact[np.isfinite(exact)]), initial=0.0)
        small = noise <= max(ROUNDING * largest, REST_OF * self.work.largest_gradient)
        found |= (np.abs(exact - value) <= half + OTHERS * noise) & small
        return found

    def _follows(self, world: World, quantity: Quantity, value: Array, half: Array) -> Mask:
        """By entry, whether a figure may come of the numbers of a world."""
        found = np.zeros(value.shape, dtype=bool)
        for way in quantity.ways:
            found |= np.abs(world.value(way) - value) <= half
            if is_all(found):
                return found
        for way in quantity.ways:
            found |= world.leads_to(way, value, half)
            if not found.all():
                found |= world.carried_to(way, value, half)
        return found

    def carry(self, one: JudgedEntry) -> None:
        """Gives those that come after what they will be computed from."""
        leaf, formula, sheets = one.quantity.leaf, one.quantity.formula, self.sheets
        self.apart = self.apart | sheets.any(~one.right & one.given)
        if self.own is self.right and sheets.some(self.apart):
            self.right = self.own.copy()
        own, right, apart = self.own, self.right, self.apart
        shown = np.asarray(one.value, order="C")
        if not is_all(one.given):
            shown = np.where(one.given, shown, one.following)
        how = self._carried(one, shown, one.ok & one.given, mine=True)
        own.enter(leaf, formula, shown, how)
        if right is not own:
            good = one.right & one.given
            kept = np.where(apart, np.where(good, one.value, right.value(formula)), shown)
            others = self._carried(one, kept, good, mine=False)

            def bounds(world: World) -> Interval:
                theirs = others(world)
                if sheets.every(apart):
                    return theirs
                mine = own.bounds(leaf)
                return Interval(
                    np.where(apart, theirs.lower, mine.lower),
                    np.where(apart, theirs.upper, mine.upper),
                )

            right.enter(leaf, formula, kept, bounds)
        own.taint(leaf, apart & ~sheets.all(one.right & one.given))

    def _reach(self, world: World, quantity: Quantity, exact: Array) -> Interval:
        """Where the numbers before a quantity lead: to its exact number, and no rounding residue beside
        it that would open a gate, where they are exact and no program's."""
        formula = quantity.formula
        if self.strict:
            return world.reach(formula)
        given: Mask = np.ones((), dtype=bool)
        for leaf in formula.leaves:
            given = given & world.is_as_given(leaf, self.sheets.exact[leaf])
            if not self.sheets.some(given):
                return world.reach(formula)
        if self.sheets.every(given):
            return Interval.of(exact)
        reach = world.reach(formula)
        return Interval(np.where(given, exact, reach.lower), np.where(given, exact, reach.upper))

    def _carried(self, one: JudgedEntry, value: Array, ok: Mask, *, mine: bool) -> Bounding:
        """Where the number lies that a figure was rounded from, in the student's own world (`mine`) or beside it.

        A figure that follows from those before it lies where they lead; one that does not is
        taken as rounded to its digits; one that was not entered follows from those before it.
        """

        def bounds(world: World) -> Interval:
            exact, half = one.exact, one.half
            reach = self._reach(world, one.quantity, exact)
            whole = self.sheets.all(ok)
            within = hull(meeting(reach, value, half.written), value)
            exactly = one.right & (np.abs(exact - value) <= half.written)
            lower = np.where(exactly, np.minimum(within.lower, exact), within.lower)
            upper = np.where(exactly, np.maximum(within.upper, exact), within.upper)
            around = Interval(value - half.carried, value + half.carried)
            if mine:
                # What is right beside a wrong figure came of the same wrong computation.
                lower = np.where(whole, lower, np.minimum(lower, around.lower))
                upper = np.where(whole, upper, np.maximum(upper, around.upper))
                other = around
            else:
                # Bounds that say nothing of a wrong figure, as those of g ≥ max(g), would make it right.
                told = ~whole & world.telling(reach, half.written, value)
                other = Interval(
                    np.where(told, reach.lower, around.lower),
                    np.where(told, reach.upper, around.upper),
                )
            return Interval(np.where(ok, lower, other.lower), np.where(ok, upper, other.upper))

        return bounds


@dataclass(frozen=True, slots=True)
class ByHabit:
    """Half a unit of the last digit of numbers that are not shown; a 0 is carried as it is."""

    habit: Habit | Habits

    def __call__(self, values: Array, /) -> Array:
        return np.where(values == 0, 0.0, self.habit.units(values))

    @property
    def each(self) -> tuple[ByHabit, ...]:
        return tuple(ByHabit(habit) for habit in self.habit.alone)

    def only(self, which: SheetNumbers, /) -> ByHabit:
        return ByHabit(self.habit.only(which))


class _JudgingOne(Judging):
    """Judges one sheet, and makes a report of it."""

    def __init__(self, work: Work, found: Matched, rounded_unseen: bool) -> None:
        figures = [f for leaf in found.entries for f in found.whole(leaf).figures.values()]
        figures += [f for e in found.misshapen.values() for f in e.figures.values()]
        entries = _rescaled(work, found.entries)
        super().__init__(OneSheet(work), entries, Habit.of(figures), rounded_unseen)
        self.rescaled = entries
        self.found = found
        self.results: list[Judged] = []

    def missing(self, quantity: Quantity) -> None:
        leaf = quantity.leaf
        if leaf in self.found.misshapen:
            self._misshapen(quantity, self.found.misshapen[leaf])
        elif quantity.asked:
            self.results.append(Judged(quantity, "missing", self.work.exact[leaf]))

    def _misshapen(self, quantity: Quantity, entry: WrittenEntry) -> None:
        expected = self.work.exact[quantity.leaf]
        diagnosis = self.diagnosing.of_shape(quantity, entry, self.own)
        self.results.append(Judged(quantity, "wrong", expected, entry, None, (), diagnosis))

    def entered(self, one: JudgedEntry) -> None:
        whole = self.found.each_case.get(one.quantity.leaf)
        if whole is None:
            judged = self._verdict(one)
        else:
            one, judged = self._of_each_case(one.quantity, whole)
        self.results.append(judged)
        self.carry(one)
        diagnosis = judged.diagnosis
        if diagnosis and diagnosis[0].supposed:
            self._suppose(diagnosis[0].supposed, one.quantity)

    def _verdict(self, one: JudgedEntry) -> Judged:
        quantity, exact = one.quantity, one.exact
        verdict: Verdict = (
            "missing"
            if one.is_missing
            else "wrong"
            if one.is_wrong
            else "right"
            if one.is_right
            else "consistent"
        )
        wrong = verdict == "wrong"
        following = one.following if self.own.depends(quantity.formula) else None
        if following is not None and np.allclose(
            following, exact, rtol=1e-9, atol=1e-12, equal_nan=True
        ):
            following = None
        return Judged(
            quantity,
            verdict,
            exact,
            self.rescaled[quantity.leaf],
            following,
            _places(~one.ok | ~one.given) if wrong else (),
            self.diagnosis(one).all_of(0) if wrong else (),
            trivial=bool(one.is_trivial),
            arrangement=self.found.arrangements.get(quantity.leaf),
        )

    def _of_each_case(self, quantity: Quantity, whole: WrittenEntry) -> tuple[JudgedEntry, Judged]:
        """The verdict on a gradient that was entered for each case, and the case that is the worst.

        Those that come after it are worked out from that case's figures.
        """
        whole = whole.scaled(self.rescaled[quantity.leaf].factor)
        known: dict[tuple[bytes, bytes], JudgedEntry] = {}
        cases = []
        for entry in whole.by_case():
            key = entry.value.tobytes(), entry.half.tobytes()
            if key not in known:
                known[key] = self._judged(quantity, entry)
            cases.append(known[key])
        at = min(range(len(cases)), key=lambda k: _order(cases[k]))
        judged = self._verdict(cases[at])
        off = np.stack([~case.ok | ~case.given for case in cases], axis=-1)
        diagnosis = tuple(
            replace(d, entries=tuple((*place, at) for place in d.entries)) for d in judged.diagnosis
        )
        if judged.verdict in ("wrong", "missing") and not off[~np.isnan(whole.value)].any():
            diagnosis = (unread(whole),)

        def spread(array: Array) -> Array:
            return np.broadcast_to(array[..., None], whole.shape)

        return cases[at], replace(
            judged,
            verdict="wrong" if off.any() else judged.verdict,
            expected=spread(judged.expected),
            entry=whole,
            following=None if judged.following is None else spread(judged.following),
            wrong=_places(off),
            diagnosis=diagnosis,
        )

    def _suppose(self, steps: Sequence[tuple[Quantity, CompiledFormula]], until: Quantity) -> None:
        """Steps that were not entered as they must have been done, for one slip in them to cost once.

        All that was taken so far and follows from them without being entered is worked out anew.
        """
        own = self.own
        supposed = {quantity.leaf: formula for quantity, formula in steps}
        changed: set[Leaf] = set()
        for quantity in self.work.structure.quantities:
            leaf = quantity.leaf
            if leaf == until.leaf:
                return
            formula = supposed.get(leaf, quantity.formula)
            follows = leaf not in self.entries and not changed.isdisjoint(formula.leaves)
            if leaf in supposed or follows:
                own.follow(leaf, formula, in_cases=quantity.batched)
                own.taint(leaf, np.ones((), dtype=bool))
                changed.add(leaf)


def _order(one: JudgedEntry) -> int:
    """Where one of several cases stands, the worst first: wrong, not complete, consistent, right."""
    if (~one.ok & one.given).any():
        return 0
    if not one.given.all():
        return 1
    return 3 if one.is_right else 2


def _places(mask: Mask) -> Places:
    return tuple(tuple(int(i) for i in at) for at in np.argwhere(mask)[:MOST_WRONG])


def _rescaled(work: Work, entries: Mapping[Leaf, WrittenEntry]) -> dict[Leaf, WrittenEntry]:
    """The entries, with gradients of single cases put as each case's own.

    Many divide by the number of cases at the output already, so that every δ carries 1/N; the
    gradients of the parameters are the same. Both ways of writing are right.
    """
    if not divided(OneSheet(work), entries):
        return dict(entries)
    own = {quantity.leaf for quantity in _by_case(work, entries)}
    return {leaf: e.scaled(work.cases) if leaf in own else e for leaf, e in entries.items()}


def _by_case(
    work: Work, entries: Mapping[Leaf, WrittenEntry] | Mapping[Leaf, ManyEntries]
) -> list[Quantity]:
    """The gradients of single cases that were entered, where the loss is a mean over cases."""
    structure = work.structure
    if work.cases < 2 or structure.problem.reduction != "mean":
        return []
    return [
        q
        for q in structure.quantities
        if isinstance(q.leaf, Adjoint)
        and (q.batched or Name(q.leaf.name) in structure.batched)
        and q.leaf in entries
        and q.leaf.name != structure.graph.loss
    ]


def divided(
    sheets: Sheets, entries: Mapping[Leaf, WrittenEntry] | Mapping[Leaf, ManyEntries]
) -> Mask:
    """By sheet, whether gradients of single cases carry the 1/N of the mean: more of them are right so."""
    own, cases = _by_case(sheets.work, entries), sheets.work.cases

    def fits(factor: float) -> Array:
        count = np.zeros(())
        for quantity in own:
            entry, exact = entries[quantity.leaf], sheets.exact[quantity.leaf]
            gap = np.abs(entry.value * factor - exact)
            close = gap <= entry.half * factor + entry.floor * sheets.largest(exact)
            count = count + (sheets.all(close) & sheets.any(exact != 0))
        return count

    return np.asarray(fits(cases) > fits(1)) if own else sheets.none
