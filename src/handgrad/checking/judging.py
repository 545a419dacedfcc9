"""The verdict on every quantity, in the order in which they are computed.

A figure is right where it is what the exact value rounds to, or where it lies within what the figures
shown before it may lead to; it is consistent where it follows in that way from figures of which some
were wrong. All dependents of a slip are so recomputed from it, and it costs once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking.diagnosis import Diagnosing
from handgrad.checking.figures import Habit, WrittenEntry
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.matching import Matched
from handgrad.checking.quantities import Quantity
from handgrad.checking.report import MOST_WRONG, Judged, Places, Verdict
from handgrad.checking.tolerance import Halves, allowed, halves
from handgrad.checking.work import Work
from handgrad.checking.worlds import World, hull, meeting
from handgrad.expression import Adjoint, Leaf
from handgrad.numbers import Interval

ROUNDING = 1e-2
"""The largest share of an array's largest entry that is taken for what rounding leaves of a difference."""

REST_OF = 1e-12
"""The largest share of the problem's largest gradient that is taken for what rounding leaves of a 0."""

OTHERS = 8
"""How many times as far from the exact number as some runs are another program's may be."""


@np.errstate(over="ignore", invalid="ignore")
def judged(work: Work, found: Matched, *, rounded_unseen: bool = True) -> tuple[Judged, ...]:
    """The verdicts, for every quantity that is asked for or entered, in the order of the steps.

    Arguments:
        work: the problem's quantities and their exact numbers.
        found: the figures that were entered, by quantity.
        rounded_unseen: whether numbers that were not entered may have been rounded on the way; a
            student is given the benefit of it.
    """
    judging = _Judging(work, found, rounded_unseen)
    for quantity in work.structure.quantities:
        judging.take(quantity)
    return tuple(sorted(judging.results, key=lambda j: j.quantity.order))


@dataclass(frozen=True, slots=True)
class _Marked:
    """A quantity as it was entered: by entry, what was written and whether that can be.

    `value` is NaN where nothing was written. `right` is what agrees with the right numbers, `ok`
    also what follows from those entered before.
    """

    quantity: Quantity
    exact: Array
    value: Array
    half: Halves
    right: Mask
    ok: Mask

    @property
    def given(self) -> Mask:
        """By entry, whether something was written."""
        return ~np.isnan(self.value)


class _Judging:
    def __init__(self, work: Work, found: Matched, rounded_unseen: bool) -> None:
        self.work = work
        self.found = found
        figures = [f for e in found.entries.values() for f in e.figures.values()]
        figures += [f for e in found.misshapen.values() for f in e.figures.values()]
        self.habit = Habit.of(figures)
        givens = {leaf: work.exact[leaf] for leaf in work.given_leaves}
        self.entries = _rescaled(work, found.entries)
        self.strict = any(entry.strict for entry in self.entries.values())
        # A program carries all the digits of what it does not show.
        rounded = rounded_unseen and not self.strict
        self.own = self.right = World(givens, self._half if rounded else None)
        self.results: list[Judged] = []
        self.diagnosing = Diagnosing(work, self.entries, self.habit)

    def _half(self, values: Array) -> Array:
        """Half a unit of the last digit of numbers that are not shown; a 0 is carried as it is."""
        return np.where(values == 0, 0.0, self.habit.units(values))

    def take(self, quantity: Quantity) -> None:
        """The verdict on one quantity, and what it leaves for those that use it."""
        leaf = quantity.leaf
        entry = self.entries.get(leaf)
        if entry is None:
            self._leave_open(quantity)
            if leaf in self.found.misshapen:
                self._misshapen(quantity, self.found.misshapen[leaf])
            elif quantity.asked:
                self.results.append(Judged(quantity, "missing", self.work.exact[leaf]))
            return
        self._entered(quantity, entry)

    # -- nothing entered -------------------------------------------------------------------------

    def _leave_open(self, quantity: Quantity) -> None:
        """What is not entered follows from what is before it, rounded by habit or not."""
        for world in self._worlds():
            world.follow(quantity.leaf, quantity.formula)
            if world.depends(quantity.formula):
                world.tainted.add(quantity.leaf)

    def _worlds(self) -> list[World]:
        return [self.own] if self.own is self.right else [self.own, self.right]

    def _misshapen(self, quantity: Quantity, entry: WrittenEntry) -> None:
        expected = self.work.exact[quantity.leaf]
        diagnosis = self.diagnosing.of_shape(quantity, entry, self.own)
        self.results.append(Judged(quantity, "wrong", expected, entry, None, (), diagnosis))

    # -- entered ---------------------------------------------------------------------------------

    def _entered(self, quantity: Quantity, entry: WrittenEntry) -> None:
        leaf = quantity.leaf
        exact = self.work.exact[leaf]
        half = halves(entry, self.habit, allowed(entry, self.work, leaf))
        value, given = entry.value, ~np.isnan(entry.value)
        right = np.abs(exact - value) <= half.written
        if entry.strict and not (right | ~given).all():
            right |= self._of_floats(leaf, value, half.written)
        if not (right | ~given).all():
            right |= self._follows(self.right, quantity, value, half.written)
        ok = right
        if self.own is not self.right and not (right | ~given).all():
            ok = right | self._follows(self.own, quantity, value, half.written)
        following = self.own.value(quantity.formula)
        verdict: Verdict = (
            "right" if (right & given).all() else "consistent" if (ok & given).all() else "wrong"
        )
        if entry.is_empty:
            verdict = "missing"
        wrong = _places(~ok | ~given)
        diagnosis = (
            self.diagnosing.of(quantity, entry, half, ~ok & given, self.own, self.right)
            if verdict == "wrong"
            else ()
        )
        differs = not np.allclose(following, exact, rtol=1e-9, atol=1e-12, equal_nan=True)
        self.results.append(
            Judged(
                quantity,
                verdict,
                exact,
                entry,
                following if differs and self.own.depends(quantity.formula) else None,
                wrong if verdict == "wrong" else (),
                diagnosis,
                trivial=verdict == "consistent" and _trivial(following, exact, right),
                arrangement=self.found.arrangements.get(leaf),
            )
        )
        self._carry(_Marked(quantity, exact, value, half, right, ok), following)
        if diagnosis and diagnosis[0].supposed:
            self._suppose(diagnosis[0].supposed, quantity)

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
                own.follow(leaf, formula)
                own.tainted.add(leaf)
                changed.add(leaf)

    def _of_floats(self, leaf: Leaf, value: Array, half: Array) -> Mask:
        """By entry, whether a program may have a number.

        Beside a kink residues of 0 put it off; and where floats cancel, as within the gradient of a layer norm, the last
        digits that they keep are not all of those that an answer is held to.
        """
        exact = self.work.exact[leaf]
        found: Mask = np.abs(self.work.floats[leaf] - value) <= half
        noise = np.zeros(exact.shape)
        for numbers in self.work.beside():
            if (found | np.isnan(value)).all():
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
            if found.all():
                return found
        for way in quantity.ways:
            found |= world.leads_to(way, value, half)
        return found

    def _carry(self, marked: _Marked, following: Array) -> None:
        """What those that come after will be computed from."""
        leaf, own, given = marked.quantity.leaf, self.own, marked.given
        formula = marked.quantity.formula
        right = marked.right & given
        if self.own is self.right and not right.all() and (~marked.right & given).any():
            self.right = self.own.copy()
        if self.own is not self.right:
            world = self.right
            kept = np.where(right, marked.value, world.value(formula))
            world.enter(leaf, formula, kept, self._carried(world, marked, kept, right))
        shown = np.where(given, marked.value, following)
        own.enter(leaf, formula, shown, self._carried(own, marked, shown, marked.ok & given))
        if self.own is not self.right and not right.all():
            own.tainted.add(leaf)

    def _reach(self, world: World, quantity: Quantity, exact: Array) -> Interval:
        """Where the numbers before a quantity lead: to its exact number, and no rounding residue beside
        it that would open a gate, where they are exact and no program's."""
        formula = quantity.formula
        if not self.strict and all(
            world.is_as_given(leaf, self.work.exact[leaf]) for leaf in formula.leaves
        ):
            return Interval.of(exact)
        return world.reach(formula)

    def _carried(
        self, world: World, marked: _Marked, value: Array, ok: Mask
    ) -> Callable[[], Interval]:
        """Where the number lies that a figure was rounded from.

        A figure that follows from those before it lies where they lead; one that does not is
        taken as rounded to its digits; one that was not entered follows from those before it.
        """

        def bounds() -> Interval:
            exact, half = marked.exact, marked.half
            reach = self._reach(world, marked.quantity, exact)
            entered = world is self.own or ok.all()
            within = hull(meeting(reach, value, half.written), value)
            exactly = marked.right & (np.abs(exact - value) <= half.written)
            lower = np.where(exactly, np.minimum(within.lower, exact), within.lower)
            upper = np.where(exactly, np.maximum(within.upper, exact), within.upper)
            if world is self.own and not ok.all():
                # What is right beside a wrong figure came of the same wrong computation.
                lower = np.minimum(lower, value - half.carried)
                upper = np.maximum(upper, value + half.carried)
            other_lower = value - half.carried if entered else reach.lower
            other_upper = value + half.carried if entered else reach.upper
            return Interval(np.where(ok, lower, other_lower), np.where(ok, upper, other_upper))

        return bounds


def _trivial(following: Array, exact: Array, right: Mask) -> bool:
    """Whether what follows from a slip asks for no work that the exact value asks for."""
    if right.all():
        return False
    nothing = not np.any(following[np.isfinite(following)])
    return bool(nothing and np.any(exact))


def _places(mask: Mask) -> Places:
    return tuple(tuple(int(i) for i in at) for at in np.argwhere(mask)[:MOST_WRONG])


def _rescaled(work: Work, entries: Mapping[Leaf, WrittenEntry]) -> dict[Leaf, WrittenEntry]:
    """The entries, with gradients of single cases put as each case's own.

    Many divide by the number of cases at the output already, so that every δ carries 1/N; the
    gradients of the parameters are the same. Both ways of writing are right.
    """
    structure, cases = work.structure, work.cases
    own = [
        q
        for q in structure.quantities
        if isinstance(q.leaf, Adjoint)
        and q.batched
        and q.leaf in entries
        and q.leaf.name != structure.graph.loss
    ]
    if cases < 2 or structure.problem.reduction != "mean" or not own:
        return dict(entries)

    def fits(factor: float) -> int:
        count = 0
        for quantity in own:
            entry, exact = entries[quantity.leaf], work.exact[quantity.leaf]
            gap = np.abs(entry.value * factor - exact)
            close = gap <= entry.half * factor + entry.floor * np.max(np.abs(exact), initial=0.0)
            count += bool(close.all() and np.any(exact))
        return count

    if fits(cases) <= fits(1):
        return dict(entries)
    return {
        leaf: entry.scaled(cases) if any(q.leaf == leaf for q in own) else entry
        for leaf, entry in entries.items()
    }
