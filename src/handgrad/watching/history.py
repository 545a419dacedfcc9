"""A layer's units over time: who died at which step, who fires again, and who is dead now.

Whether a unit is dead is asked of how it fired before. One that fired in half of the cases and then in none of
forty is dead: twenty firings are overdue. One that fires once in a thousand cases is not, after forty.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

OVERDUE = 20.0
"""Firings that are overdue, by the rate before, when a unit counts as dead."""

FIRST = 10
"""A unit that has not fired from the start on counts as dead from there on after so many steps."""

FADE = 0.1
"""How fast a unit's rate follows what it does: the weight of a step in the mean that fades."""

NOW = 4
"""Looks that are "now": the last ones, and all since the last update where these are more."""


@dataclass(frozen=True)
class CountedRows:
    """What was counted in some steps, one row each.

    Arguments:
        steps: their numbers, counted from 1.
        updates: how many updates had been made before each.
        cases: of each step; 0 where the layer did not run.
        backs: how many backward passes were seen in each.
        sheets: by counter, step and unit; a tensor on its way from the device.
        own: by unit, a number that changes when its own weights do.
        ready: what tells that it has arrived.
    """

    steps: list[int]
    updates: list[int]
    cases: list[int]
    backs: list[int]
    sheets: Any
    own: Any = None
    ready: Any = None

    @property
    def arrived(self) -> bool:
        """Whether the numbers are here."""
        return self.ready is None or bool(self.ready.query())

    def numbers(self) -> Numbers:
        """The counters as numbers; waits for them where they have not arrived."""
        if self.ready is not None:
            self.ready.synchronize()
        found: Numbers = self.sheets.numpy()
        return found


@dataclass(frozen=True, slots=True)
class Turn:
    """A unit that died, or fires again.

    Arguments:
        kind: which of the two.
        unit: its column.
        step: the first step in which it no longer fired, or in which it fires again.
        after: of one that fires again, the first step in which it had not fired.
        moved: whether its own weights moved while it was dead; None where they were not looked at twice in that time.
    """

    kind: Literal["died", "revived"]
    unit: int
    step: int
    after: int = 0
    moved: bool | None = None


@dataclass
class Recent:
    """What was counted in the last looks.

    Arguments:
        first: the first step.
        cases: how many.
        backs: backward passes.
        taught: by unit, in how many cases it fired in steps that had a backward pass.
    """

    first: int
    updates: int
    cases: int
    backs: int
    fired: Numbers
    taught: Numbers
    passing: Numbers
    arriving: Numbers
    largest: Numbers


@dataclass
class History:
    """The units of one layer over the steps looked at so far.

    Arguments:
        width: how many units there are.
    """

    width: int
    cases: int = 0
    backs: int = 0
    last: int = 0
    updates: int = 0
    fired: Numbers = field(init=False)
    passing: Numbers = field(init=False)
    arriving: Numbers = field(init=False)
    largest: Numbers = field(init=False)
    silent: Numbers = field(init=False)
    """By unit, the cases since it last fired."""
    since: Numbers = field(init=False)
    """By unit, the first step after which it has not fired; 0 where it fired in the last."""
    fired_at: Numbers = field(init=False)
    """By unit, the last step in which it fired; 0 where it never did."""
    turns: list[Turn] = field(default_factory=list)
    looks: list[tuple[int, int]] = field(default_factory=list)
    """The number of dead units after each look, by step."""
    recent: deque[Recent] = field(default_factory=deque)

    def __post_init__(self) -> None:
        n = self.width
        self.fired, self.silent = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.since, self.fired_at = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.passing, self.arriving = np.zeros(n), np.zeros(n)
        self.largest = np.full(n, -np.inf)
        self._rate, self._rate_then = np.zeros(n), np.zeros(n)
        self._seen_updates = np.zeros(n, np.int64)
        self._steps = 0
        self._own_first, self._own_last = np.zeros(n), np.zeros(n)
        self._own_looks = np.zeros(n, np.int64)
        self.off = np.zeros(n, bool)

    def add(self, rows: CountedRows) -> None:
        """Goes on with the rows of some steps."""
        counted, passing, arriving, largest = rows.numbers()
        ran = [k for k, cases in enumerate(rows.cases) if cases]
        if not ran:
            return
        cases, backs = sum(rows.cases), sum(rows.backs)
        heard = [k for k in ran if rows.backs[k]]
        # Gradients are looked at in few of the steps.
        passed, arrived = (x[np.any(x, 1)].sum(0, float) for x in (passing, arriving))
        fired, most = counted.sum(0, float), largest[ran].max(0).astype(float)
        self.fired += np.rint(fired).astype(np.int64)
        self.cases += cases
        self.backs += backs
        self.passing += passed
        self.arriving += arrived
        self.largest = np.maximum(self.largest, most)
        self._follow(rows, ran, counted)
        self.last, self.updates = rows.steps[ran[-1]], rows.updates[ran[-1]]
        taught = counted[heard].sum(0, float)
        self.recent.append(
            Recent(
                rows.steps[ran[0]], self.updates, cases, backs,
                fired, taught, passed, arrived, most,
            )
        )  # fmt: skip
        while len(self.recent) > NOW and self.recent[0].updates < self.updates:
            self.recent.popleft()
        self.looks.append((self.last, int((self.off | (self.fired == 0)).sum())))
        if len(self.looks) > 480:
            # A long run: every second look is enough for a chart.
            self.looks = self.looks[::2]
        if rows.own is not None:
            self.look_at_weights(rows.own.numpy().astype(float))

    def began(self) -> None:
        """All that was counted so far belongs to the first step."""
        self.last, self._steps = min(self.last, 1), min(self._steps, 1)
        self.fired_at = np.minimum(self.fired_at, 1)
        self.since = np.minimum(self.since, 1)
        self.turns.clear()
        self.looks = self.looks[-1:] and [(1, self.looks[-1][1])]
        for one in self.recent:
            one.first = 1

    def look_at_weights(self, own: Numbers | None) -> None:
        """Notes for units that do not fire what tells whether their own weights move; of others nothing is asked."""
        quiet = self.silent > 0
        if own is None:
            self._own_looks[~quiet] = 0
            return
        fresh = quiet & (self._own_looks == 0)
        self._own_first[fresh] = own[fresh]
        self._own_last[quiet] = own[quiet]
        self._own_looks = np.where(quiet, self._own_looks + 1, 0)

    def _follow(self, rows: CountedRows, ran: list[int], counted: Numbers) -> None:
        """Step by step for the units that now fire and now do not; all steps at once for the others."""
        fires = counted[ran] > 0
        steady = fires.all(0) & (self.silent == 0)
        still = ~fires.any(0) & (self.off | ((self.fired_at == 0) & (self.silent > 0)))
        weights = [max(FADE, 1 / (self._steps + n)) for n in range(1, len(ran) + 1)]
        cases = np.array([rows.cases[k] for k in ran], float)
        self.silent[still] += int(cases.sum())
        kept = np.cumprod([1.0, *(1 - w for w in reversed(weights))])
        self._rate[still] *= kept[-1]
        shares = counted[ran][:, steady].astype(float) / cases[:, None]
        mean = (np.array(weights) * kept[-2::-1]) @ shares
        self._rate[steady] = self._rate[steady] * kept[-1] + mean
        self._rate_then[steady] = self._rate[steady]
        self.fired_at[steady] = rows.steps[ran[-1]]
        self._seen_updates[steady] = rows.updates[ran[-1]]
        units = np.flatnonzero(~steady & ~still)
        for k, weight in zip(ran, weights, strict=True):
            self._steps += 1
            if units.size:
                self._step(units, rows.steps[k], rows.updates[k], rows.cases[k], counted[k], weight)

    def _step(
        self, units: Numbers, step: int, updates: int, cases: int, counted: Numbers, weight: float
    ) -> None:
        counts = counted[units].astype(float)
        fires = counts > 0
        self._rate[units] += (counts / cases - self._rate[units]) * weight
        on, quiet = units[fires], units[~fires]
        again = on[self.silent[on] > 0]
        if again.size:
            late = self._steps > FIRST
            for unit in again[self.off[again] | (late & (self.fired_at[again] == 0))]:
                self._turned("revived", unit, step)
            self.off[again] = False
        self.since[quiet[self.silent[quiet] == 0]] = step
        self.since[on] = 0
        self.silent[on] = 0
        self.silent[quiet] += cases
        self.fired_at[on] = step
        self._rate_then[on] = self._rate[on]
        self._seen_updates[on] = updates
        waiting = quiet[~self.off[quiet] & (self.fired_at[quiet] > 0)]
        overdue = self._rate_then[waiting] * self.silent[waiting] >= OVERDUE
        for unit in waiting[overdue & (self._seen_updates[waiting] < updates)]:
            self.off[unit] = True
            self._turned("died", unit, int(self.since[unit]))

    def _turned(self, kind: Literal["died", "revived"], unit: int, step: int) -> None:
        after = int(self.since[unit]) if kind == "revived" else 0
        moved = None
        if kind == "revived" and self._own_looks[unit] > 1:
            moved = bool(self._own_first[unit] != self._own_last[unit])
        self.turns.append(Turn(kind, int(unit), step, after, moved))

    # -- now -------------------------------------------------------------------------------------

    @property
    def dead(self) -> Numbers:
        """By unit, whether it is dead now: it never fired, or has not for longer than its rate explains."""
        found: Numbers = self.off | (self.fired == 0)
        return found

    def now(self) -> Recent:
        """The last looks together."""
        first = self.recent[0]
        total = Recent(
            first.first, self.updates, 0, 0, np.zeros(self.width), np.zeros(self.width),
            np.zeros(self.width), np.zeros(self.width), np.full(self.width, -np.inf),
        )  # fmt: skip
        for one in self.recent:
            total.cases += one.cases
            total.backs += one.backs
            for name in ("fired", "taught", "passing", "arriving"):
                setattr(total, name, getattr(total, name) + getattr(one, name))
            total.largest = np.maximum(total.largest, one.largest)
        return total


def merged(histories: Iterable[History]) -> History:
    """The histories of one layer in several processes, each on its own cases, as one.

    A unit is dead where it is dead in all: it fires again where it does in any.
    """
    first, *others = histories
    if not others:
        return first
    every = [first, *others]
    whole = History(first.width)
    whole.cases, whole.backs = sum(h.cases for h in every), sum(h.backs for h in every)
    whole.last, whole.updates = max(h.last for h in every), max(h.updates for h in every)
    for name in ("fired", "passing", "arriving"):
        setattr(whole, name, np.sum([getattr(h, name) for h in every], axis=0))
    whole.largest = np.maximum.reduce([h.largest for h in every])
    whole.fired_at = np.maximum.reduce([h.fired_at for h in every])
    whole.off = np.logical_and.reduce([h.dead for h in every]) & (whole.fired > 0)
    quiet = np.logical_and.reduce([h.since > 0 for h in every])
    whole.since = np.where(quiet, np.maximum.reduce([h.since for h in every]), 0)
    whole.silent = np.where(quiet, np.sum([h.silent for h in every], axis=0), 0)
    whole.recent.append(_joined([h.now() for h in every if h.recent], whole))
    whole.turns = _common(every, whole)
    dead = np.array(
        [whole.since[u] if whole.off[u] or whole.fired[u] == 0 else np.inf for u in range(whole.width)]
    )  # fmt: skip
    # Between these steps the processes did not know of each other: the last look is exact.
    shared = sorted({step for h in every for step, _ in h.looks})
    whole.looks = [(step, _dead_at(whole.turns, whole.fired == 0, step)) for step in shared]
    if whole.looks:
        whole.looks[-1] = (whole.looks[-1][0], int((dead < np.inf).sum()))
    return whole


def _joined(recents: list[Recent], whole: History) -> Recent:
    return Recent(
        first=min(r.first for r in recents),
        updates=whole.updates,
        cases=sum(r.cases for r in recents),
        backs=sum(r.backs for r in recents),
        fired=np.sum([r.fired for r in recents], axis=0),
        taught=np.sum([r.taught for r in recents], axis=0),
        passing=np.sum([r.passing for r in recents], axis=0),
        arriving=np.sum([r.arriving for r in recents], axis=0),
        largest=np.maximum.reduce([r.largest for r in recents]),
    )


def _dead_at(turns: list[Turn], never: Numbers, step: int) -> int:
    off: set[int] = set(np.flatnonzero(never).tolist())
    for turn in sorted(turns, key=lambda t: t.step):
        if turn.step <= step:
            (off.add if turn.kind == "died" else off.discard)(turn.unit)
    return len(off)


def _gaps(history: History, unit: int) -> list[tuple[int, int]]:
    """The stretches of steps in which a unit was dead, each to the step before it fires again."""
    found: list[tuple[int, int]] = []
    start = 1 if history.fired[unit] == 0 else 0
    for turn in history.turns:
        if turn.unit != unit:
            continue
        if turn.kind == "died":
            start = turn.step
        else:
            found.append((start or turn.after, turn.step - 1))
            start = 0
    if start:
        found.append((start, history.last))
    return found


def _common(histories: list[History], whole: History) -> list[Turn]:
    """Who died and who fires again, seen from all processes: where their silences overlap."""
    units = {t.unit for t in histories[0].turns}.union(*(
        {t.unit for t in h.turns} for h in histories[1:]
    ))  # fmt: skip
    turns: list[Turn] = []
    for unit in units:
        common = _gaps(histories[0], unit)
        for other in histories[1:]:
            theirs = _gaps(other, unit)
            common = [
                (max(a, c), min(b, d))
                for a, b in common
                for c, d in theirs
                if max(a, c) <= min(b, d)
            ]
        for start, end in common:
            if start > 1:
                turns.append(Turn("died", unit, start))
            if end < whole.last:
                turns.append(Turn("revived", unit, end + 1, start))
    return sorted(turns, key=lambda t: (t.step, t.unit))
