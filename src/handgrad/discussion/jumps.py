"""Where a loss has a kink on the way of a small change of one number."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

import numpy as np

from handgrad.discussion.changed_units import MOST_UNITS, UnitAt, units_at
from handgrad.discussion.lookup import at_entry, solved_alike
from handgrad.discussion.question import QuestionedEntry
from handgrad.errors import HandgradError
from handgrad.graph import build
from handgrad.numbers import run_intervals
from handgrad.problem import Given, Problem
from handgrad.record import record
from handgrad.running import run
from handgrad.solution import Trace
from handgrad.solution.kinks import kinked_calls
from handgrad.solution.units import units

BETWEEN = 0.3127
"""The place within the change, as a share of it, whose slope tells with those at its ends what a smooth loss does.

No kink at a round share of the change is passed over by it.
"""

SMOOTH = 1e-6
"""A loss that misses what a parabola through three slopes gives by less than this share has no kink."""

JUMP = 1e-3
"""A slope jumps where it goes on differing by this share of the largest."""

LASTS = 0.1
"""A slope beyond a kink is about the same as long as it differs by less than this share of the jump."""

NEAR, SAME = 1e-6, 0.01
"""At which share of the change one-sided slopes are taken, and what share of a jump one may change on its way there."""

PIECES, HALVED = 8, 26
"""Into how many pieces the change is cut, and how often the piece where the slope changes most is halved."""


@record
class Jump:
    """A kink of the loss on the way of a change.

    Arguments:
        at: the value of the number that moves; exactly that which it starts from, if it starts at the kink.
        before, after: the slope to the two sides; where it starts at the kink, `before` is the gradient.
        turned: the gates that open or shut within the change.
    """

    at: float
    before: float
    after: float
    turned: tuple[UnitAt, ...]


def jump_on_the_way(
    trace: Trace, where: QuestionedEntry, by: float, observed: float
) -> Jump | None:
    """Where the slope of the loss jumps while a number changes; None where it does not.

    `observed` is the change in the loss.
    """
    if not any(True for _ in kinked_calls(trace.graph)):
        return None
    path = _Path(trace, where, by)
    try:
        return path.jump(observed)
    except HandgradError:
        return None


def slopes_beside(trace: Trace, where: QuestionedEntry, by: float) -> tuple[float, float]:
    """The slopes of the loss just below and just above an entry: the gradient, but at a kink."""
    sides = [_Path(trace, where, way).beside() for way in (-by, by)]
    return sides[0], sides[1]


class _Path:
    """The slope of a loss along the change of one entry; places on the way are shares of the change."""

    def __init__(self, trace: Trace, where: QuestionedEntry, by: float) -> None:
        self.trace, self.where, self.by = trace, where, by
        self.known: dict[float, float] = {}

    @cached_property
    def start(self) -> float:
        """The entry's own value."""
        return at_entry(self.trace.problem.inputs[self.where.name].array, self.where.index)

    def changed(self, share: float) -> Problem:
        """The problem at a place on the way."""
        array = np.array(self.trace.problem.inputs[self.where.name].array, dtype=float)
        array[self.where.index] += share * self.by
        return self.trace.problem.with_values({self.where.name: Given(array)})

    def slope(self, share: float) -> float:
        """The slope of the loss there; at the start that of the solution."""
        if share not in self.known:
            problem = self.changed(share)
            there = run(problem, build(problem)) if share else self.trace.run
            self.known[share] = at_entry(there.gradient(self.where.name), self.where.index)
        return self.known[share]

    def beside(self) -> float:
        """The slope just beyond the start, if it is another than the start's own."""
        own = self.slope(0.0)
        try:
            near, farther = self.slope(NEAR), self.slope(2 * NEAR)
        except HandgradError:
            return own
        jump = abs(near - own)
        apart = jump > JUMP * max(abs(near), abs(own)) and abs(farther - near) <= SAME * jump
        return near if apart and self._certain(0.0, NEAR, own, near) else own

    def jump(self, observed: float) -> Jump | None:
        """The kink, if there is one."""
        between = 1 / (6 * BETWEEN * (1 - BETWEEN))
        last = 0.5 - BETWEEN * between
        weights = {0.0: 1 - between - last, BETWEEN: between, 1.0: last}
        smooth = sum(weight * self.slope(share) for share, weight in weights.items()) * self.by
        largest = max(map(abs, self.known.values()))
        # Of a change that is nothing beside the loss floats tell no slope.
        digits = 4 * np.finfo(float).eps * abs(float(self.trace.run.loss))
        if abs(observed - smooth) <= SMOOTH * largest * self.by + digits:
            return None
        cuts = [k / PIECES for k in range(PIECES + 1)]
        low, high = max(pairwise(cuts), key=self._change)
        for _ in range(HALVED):
            middle = (low + high) / 2
            low, high = max((low, middle), (middle, high), key=self._change)
        # What the rules take at a kink itself, as half of both slopes, counts at the start alone.
        beside = high - low
        before, after = self.slope(max(low - beside, 0.0)), self.slope(min(high + beside, 1.0))
        if abs(after - before) <= JUMP * max(map(abs, self.known.values())):
            return None
        if not self._certain(max(low - beside, 0.0), min(high + beside, 1.0), before, after):
            return None
        # The way is halved down to 10⁻¹¹; digits beyond are those of where it was cut.
        at = round(self.start + low * self.by, 9) if low else self.start
        return Jump(at, before, after, self._turned())

    def _certain(self, place: float, share: float, before: float, after: float) -> bool:
        """Whether the loss itself leaves the slope before, from a place on; here or wherever the slope is still about the same.

        Of p − 1, where p is nearly 1, floats have few digits: two slopes may differ by these alone.
        """
        jump = abs(after - before)
        low, high = self._loss(place)
        while share <= 1 and abs(self.slope(share) - after) <= LASTS * jump:
            lower, upper = self._loss(share)
            way = (share - place) * self.by
            missed = before * way - (upper - low), (lower - high) - before * way
            if max(missed) > 0.5 * jump * abs(way):
                return True
            share = place + 4 * (share - place)
        return False

    def _loss(self, share: float) -> tuple[float, float]:
        """Bounds of the loss at a place, as floats tell it."""
        with np.errstate(all="ignore"):
            bounds = run_intervals(self.changed(share), backward=False)
        loss = bounds.value(bounds.graph.cost)
        low, high = float(loss.lower), float(loss.upper)
        return (low, high) if np.isfinite(low) and np.isfinite(high) else (-np.inf, np.inf)

    def _change(self, piece: tuple[float, float]) -> float:
        """How much the slope changes along a piece of the way."""
        return abs(self.slope(piece[1]) - self.slope(piece[0]))

    def _turned(self) -> tuple[UnitAt, ...]:
        """The gates that open or shut on the way."""
        gates = [u for u in units(self.trace) if u.gate]
        other = solved_alike(self.trace, self.changed(1.0))
        if other is None or sum(u.z.size for u in gates) > MOST_UNITS:
            return ()
        after = {u.activation: u for u in units(other)}
        return tuple(
            each
            for unit in gates
            if unit.activation in after
            for each in units_at(unit, after[unit.activation])
            if each.opens or each.shuts
        )
