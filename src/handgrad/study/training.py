"""Over training: the loss, the units that are dead, and the update that killed each.

A unit is dead on a data set when its pre-activation is at most 0 on every case: its gate is shut, and no
gradient comes through it. What can revive it all the same is found in `returning`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from handgrad.arrays import Array, Indices
from handgrad.errors import OptionError
from handgrad.graph import build
from handgrad.options import whole_number
from handgrad.problem import Problem, Update
from handgrad.problem.expected import expect_problem
from handgrad.running import run
from handgrad.running.reviving import Revivers
from handgrad.running.rows import examples_as_cases
from handgrad.running.training import State, Training, require_loss
from handgrad.solution.residues import as_on_paper
from handgrad.study.over_training import OverTraining, UnitEvent, UnitKey
from handgrad.study.returning import Cause, Returning, Way
from handgrad.study.units import StudiedLayer, gates, layers
from handgrad.study.watching import UnitWatch

MOST_STEPS = 1_000_000

SMALL = 4096
"""Numbers given up to which every sum is made without rounding residues; of more, from where some are met."""

ASKED = 128
"""Dead units of which it is asked what can still move them, at most."""


class DataSource(Protocol):
    """Where a data set comes from: arrays by name, one case after the other along the first axis."""

    def arrays(self) -> Mapping[str, Array]:
        """The cases of some of the names that the problem is given."""


def with_data(problem: Problem, source: DataSource) -> Problem:
    """The problem with the cases of a data set in place of its own."""
    return problem.with_values({n: {"cases": a} for n, a in source.arrays().items()})


def train(  # noqa: PLR0913 - options by keyword
    problem: Problem,
    steps: int,
    *,
    rule: str | None = None,
    rate: float | None = None,
    batch: int | None = None,
    seed: int = 0,
    every: int = 1,
    operations: frozenset[str] | None = None,
    progress: Callable[[int], None] | None = None,
    finite_start: bool = True,
) -> OverTraining:
    """Trains a problem on its cases, or the rows of X in X @ W, the columns of it in W @ X, and watches its units.

    Arguments:
        problem: what is trained, from its own parameters on.
        steps: updates to make.
        rule: of the update; the problem's own by default.
        rate: of the update; the problem's own by default.
        batch: cases of each update, drawn anew in every pass over the data; all of them by default.
        seed: of the order in which cases are drawn.
        every: the updates from one look at the units to the next.
        operations: the activations whose units are watched; every gate by default.
        progress: told of the number of updates made so far.
        finite_start: refuse numbers whose loss is not finite; else no update is made from them.

    Stops early where the loss is no longer finite. Raises `OptionError` for options that do not fit.

        >>> handgrad.train(handgrad.load("dying"), 20)
        <Training of 20 updates: loss 3.207 to 2.139, 6 of 6 units dead>
    """
    expect_problem(problem)
    require_loss(problem)
    whole_number(steps, 1, MOST_STEPS, "steps")
    examples = examples_as_cases(with_update(problem, rule, rate))
    problem = examples.problem
    cases = _cases(problem)
    _check(problem, steps, batch, every, cases)
    if finite_start:
        # A problem whose own numbers overflow is refused where `solve` refuses it.
        run(problem, build(problem))
    small = (
        sum(g.array.size for t in (problem.parameters, problem.data) for g in t.values()) <= SMALL
    )
    training = Training(problem, clean=small, paper=as_on_paper if small else None)
    watched = gates() if operations is None else operations
    gated = watched <= gates()
    watch = UnitWatch(problem, layers(training.graph, watched), clean=small)
    order = _batches(problem, batch, cases, seed)
    returning = Returning(problem, watch, lambda: _batches(problem, batch, cases, seed))
    recorder = _Recorder(watch, training, returning)
    stopped = None if np.isfinite(recorder.losses[0]) else 0
    for step in range(1, steps + 1) if stopped is None else ():
        before = training.step(**next(order))
        if progress is not None:
            progress(step)
        if not np.isfinite(before):
            # The loss before this update: the one before it was too much, and this one is not counted.
            stopped = step - 1
            recorder.unseen(stopped, before)
            break
        if step % every == 0 or step == steps:
            recorder.look(step)
            if not np.isfinite(recorder.losses[-1]):
                stopped = step
                break
    revivers = recorder.revivers() if stopped is None and gated else {}
    return OverTraining(
        name="",
        problem=problem,
        update=problem.update or Update(),
        batch=batch if batch is not None and batch < cases else None,
        cases=cases,
        seed=seed,
        gates=gated,
        layers=watch.layers,
        steps=tuple(recorder.steps),
        losses=tuple(recorder.losses),
        dead={layer.name: tuple(recorder.dead[layer.name]) for layer in watch.layers},
        events=tuple(recorder.events),
        started_dead=recorder.started_dead,
        ended_dead=recorder.dead_now(),
        stopped=stopped,
        rows=examples.rows,
        columns=examples.columns,
        revivers=revivers,
        parts=returning.parts if revivers else {},
    )


def with_update(problem: Problem, rule: str | None, rate: float | None) -> Problem:
    """The problem with another rule, whose settings are then its defaults, or another rate.

    What the update has beside its rule stays: the clipping, the schedule, and rates of single parameters.
    """
    old = problem.update or Update()
    new = old
    if rule is not None and rule != old.rule:
        new = old.by_rule(rule)
    if rate is not None:
        if not np.isfinite(rate):
            raise OptionError(f"the rate {rate} is not a finite number")
        new = replace(new, rate=float(rate))
    return problem.with_parts(update=new)


class _Recorder:
    """What was seen of the units, look by look."""

    def __init__(self, watch: UnitWatch, training: Training, returning: Returning) -> None:
        self.watch, self.training, self.returning = watch, training, returning
        self.off_since: dict[UnitKey, State] = {}
        self.last: State | None = None
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.dead: dict[str, list[int]] = {layer.name: [] for layer in watch.layers}
        self.events: list[UnitEvent] = []
        self.largest: dict[str, Array] = {}
        self.parameters: dict[str, Array] = {}
        self.look(0)
        self.started_dead = self.dead_now()

    def look(self, step: int) -> None:
        """Runs all the cases forward, and notes which units died or fire again."""
        clean = self.watch.clean
        loss, largest = self.watch(self.training.parameters)
        if self.watch.clean and not clean:
            self.training.clean()
        # At the start units are off or not, whatever the loss is.
        known = not self.steps and all(np.isfinite(z).all() for z in largest.values())
        if np.isfinite(loss) or known:
            for layer in self.watch.layers:
                self._compare(step, layer, largest[layer.name])
                self.dead[layer.name].append(int((~layer.fires(largest[layer.name])).sum()))
            self.largest = largest
            # Large parameters are updated in place, so what they were has to be kept.
            self.parameters = {n: a.copy() for n, a in self.training.parameters.items()}
            self._noted(step, loss)
        else:
            self.unseen(step, loss)
        dead = self.dead_now()
        self.last = self.training.state() if dead else None
        if self.last is not None:
            self.off_since = {unit: self.off_since.get(unit, self.last) for unit in dead}

    def unseen(self, step: int, loss: float) -> None:
        """Notes a loss that is not finite, at parameters at which no unit is looked at."""
        for counts in self.dead.values():
            counts.append(counts[-1] if counts else 0)
        self._noted(step, loss)

    def _noted(self, step: int, loss: float) -> None:
        self.steps.append(step)
        self.losses.append(loss)

    def revivers(self) -> dict[UnitKey, Revivers]:
        """What can still move the units that are dead now."""
        return self.returning.revivers(self.dead_now()[:ASKED])

    def dead_now(self) -> tuple[UnitKey, ...]:
        """The units that fired on no case at the last look."""
        return tuple(
            (layer.name, tuple(int(i) for i in unit))
            for layer in self.watch.layers
            if layer.name in self.largest
            for unit in np.argwhere(~layer.fires(self.largest[layer.name]))
        )

    def _compare(self, step: int, layer: StudiedLayer, largest: Array) -> None:
        before = self.largest.get(layer.name)
        if before is None:
            return
        fired, fires = layer.fires(before), layer.fires(largest)
        causes = self._causes(layer, np.argwhere(~fired & fires))
        for entry in np.argwhere(fired != fires):
            unit = tuple(int(i) for i in entry)
            died = not fires[unit]
            alive = self.parameters if died else self.training.parameters
            case = self.watch.largest_case(layer, unit, alive)
            old = self.watch.at_case(case, self.parameters)
            new = self.watch.at_case(case, self.training.parameters)
            z_old, z_new, own = self.watch.change(layer, unit, old, new)
            self.events.append(
                UnitEvent(
                    kind="died" if died else "revived",
                    step=step,
                    since=self.steps[-1],
                    layer=layer.name,
                    unit=unit,
                    before=float(before[unit]),
                    after=float(largest[unit]),
                    case=case,
                    from_value=z_old,
                    to_value=z_new,
                    own=own - z_old,
                    below=z_new - own,
                    cause=causes[unit][0] if unit in causes else "",
                    own_by=causes[unit][1] if unit in causes else (),
                )
            )

    def _causes(
        self, layer: StudiedLayer, entries: Indices
    ) -> dict[tuple[int, ...], tuple[Cause, tuple[Way, ...]]]:
        units = [tuple(int(i) for i in entry) for entry in entries]
        if not units or self.last is None:
            return {}
        found = self.returning.causes(
            layer,
            units,
            self.last,
            self.training.parameters,
            self.off_since,
            len(self.training.losses),
        )
        for unit in units:
            del self.off_since[layer.name, unit]
        return found


def _cases(problem: Problem) -> int:
    """How many cases the data have; 1 where no datum has cases."""
    return next((g.array.shape[-1] for g in problem.data.values() if g.batched), 1)


def _check(problem: Problem, steps: int, batch: int | None, every: int, cases: int) -> None:
    several = [n for n, g in problem.parameters.items() if g.batched]
    if several:
        raise OptionError(
            f"{several[0]} is given in cases, and one network is trained at a time",
            where=problem.where,
        )
    if not problem.parameters:
        raise OptionError("the problem has no parameters to train", where=problem.where)
    if every < 1:
        raise OptionError(f"a look every {every} updates", mend="write 1 or more")
    if batch is not None and not 1 <= batch <= cases:
        raise OptionError(
            f"batches of {batch}", mend=f"the data have {cases} case{'s' if cases > 1 else ''}"
        )


def _batches(
    problem: Problem, batch: int | None, cases: int, seed: int
) -> Iterator[dict[str, Any]]:
    """The data of each update: the cases shuffled in every pass, in batches; the last may be smaller."""
    batched = {n: g.array for n, g in problem.data.items() if g.batched}
    generator = np.random.default_rng(seed)
    while True:
        if batch is None or batch >= cases:
            yield {}
            continue
        order = generator.permutation(cases)
        for start in range(0, cases, batch):
            chosen = order[start : start + batch]
            yield {n: a[..., chosen] for n, a in batched.items()}
