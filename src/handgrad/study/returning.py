"""Why a unit that was off on all the data fires again: the layers below, or its own weights, and by what.

Found by leaving things out. With its layer's parameters as they were at the look before, would it
fire on what the layers below give it now? With what they gave it then, would it fire by its layer's
parameters now? And of what moves its own weights without a gradient, each way is left out in
the updates since it was first found off, made again: without which would it not fire?
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.equations import source
from handgrad.errors import HandgradError
from handgrad.expression import Expression
from handgrad.graph import build
from handgrad.operations.gates import activation_in
from handgrad.problem import Problem
from handgrad.problem.parts import Part, with_named_activations
from handgrad.running.reviving import Key, Revivers, Reviving, coasting_memories
from handgrad.running.training import State, Training
from handgrad.running.units import LayerUnits
from handgrad.solution.residues import as_on_paper
from handgrad.study.units import StudiedLayer
from handgrad.study.watching import UnitWatch
from handgrad.updates import Update

Cause: TypeAlias = Literal[
    "own",  # its layer's parameters alone
    "below",  # what the layers below give alone
    "either",  # each of the two would have been enough
    "together",  # neither alone
]

Way: TypeAlias = Literal["gradient", "coasting", "decay", "penalty", "sharing"]
"""What moved its own weights: a gradient that came through it between two looks; what the rule remembers;
weight decay; a path of its own to the loss; or another use of the same weights."""

REPLAYED = 4
"""Updates made again, as a multiple of those made, at most."""


@dataclass(frozen=True)
class _Replay:
    """A unit that fires after `updates` updates, was off at the look `before`, and first found off `since`."""

    layer: StudiedLayer
    unit: tuple[int, ...]
    before: Mapping[str, Array]
    since: State
    updates: int


@dataclass
class Returning:
    """Asks why units of one training fire again.

    Arguments:
        problem: in training, with its update.
        watch: of its units.
        batches: gives the data of each update, from the first on.
    """

    problem: Problem
    watch: UnitWatch
    batches: Callable[[], Iterator[Mapping[str, Any]]]
    replayed: int = 0
    _trainings: dict[tuple[frozenset[Way], bool], Training] = field(default_factory=dict)
    _found: dict[tuple[int, int, frozenset[Way]], Mapping[str, Array]] = field(default_factory=dict)

    # -- what may revive a unit ----------------------------------------------------------------------

    @cached_property
    def parts(self) -> Mapping[str, Expression]:
        """The names given to parts of equations, where gates stand in them, with their formulas."""
        return {name: part.formula for name, part in self._opened[1].items()}

    @cached_property
    def _opened(self) -> tuple[Problem, Mapping[str, Part]]:
        return with_named_activations(self.problem)

    @cached_property
    def _named(self) -> tuple[Reviving, Mapping[str, str]]:
        """What can revive units, of the problem with its gates named; and what each layer is called there."""
        named, parts = self._opened
        graph = build(named)
        called: dict[str, str] = {}
        layers: dict[str, LayerUnits] = {}
        for layer in self.watch.layers:
            alone = self.watch.graph.nodes.get(layer.name)
            name = layer.name
            if alone is None or alone.written != layer.written:
                name = next((n for n, part in parts.items() if part.formula == layer.written), "")
            node = graph.nodes.get(name)
            applied = activation_in(node.written) if node is not None else None
            if applied is None:
                continue
            called[layer.name] = name
            layers[name] = LayerUnits(graph, applied.arguments[0])
        return Reviving(named, graph, layers), called

    def revivers(self, units: Sequence[Key]) -> dict[Key, Revivers]:
        """What can still move each of the units, all of which are off on all the data."""
        reviving, called = self._named
        known = [unit for unit in units if unit[0] in called]
        found = reviving.of([(called[name], at) for name, at in known])
        return {(name, at): found[called[name], at] for name, at in known}

    # -- causes --------------------------------------------------------------------------------------

    def causes(
        self,
        layer: StudiedLayer,
        units: Sequence[tuple[int, ...]],
        last: State,
        now: Mapping[str, Array],
        since: Mapping[Key, State],
        updates: int,
    ) -> dict[tuple[int, ...], tuple[Cause, tuple[Way, ...]]]:
        """Why units of a layer fire now that were off at the look before.

        Arguments:
            layer: the one whose units are asked about.
            units: their indices.
            last: the state at the look before.
            now: the parameters.
            since: by unit, the state in which it was first found off.
            updates: how many have been made by now.
        """
        before = {n: last.numbers[n] for n in now}
        by_own = layer.fires(self.watch.mixed(layer, now, before))
        by_below = layer.fires(self.watch.mixed(layer, before, now))
        found: dict[tuple[int, ...], tuple[Cause, tuple[Way, ...]]] = {}
        for unit in units:
            cause: Cause = "together"
            if by_own[unit]:
                cause = "either" if by_below[unit] else "own"
            elif by_below[unit]:
                cause = "below"
            ways: tuple[Way, ...] = ()
            if cause in ("own", "either"):
                replay = _Replay(layer, unit, before, since[layer.name, unit], updates)
                ways = self._ways(replay, last)
            found[unit] = cause, ways
        return found

    def _ways(self, replay: _Replay, last: State) -> tuple[Way, ...]:
        """What moved its own weights: what it would not fire without; or all that each would do alone."""
        key = replay.layer.name, replay.unit
        revivers = self.revivers([key]).get(key)
        if revivers is None:
            return ()
        # With the weights that it was found off with it may fire on what the layers below give now; it did
        # not with those of the look before, so that what moved them after that is asked then.
        for since in dict.fromkeys((replay.since.updates, last.updates)):
            state = replay.since if since == replay.since.updates else last
            found = self._needed(replace(replay, since=state), revivers)
            if found is None or found:
                return found or ()
        return ("sharing",) if revivers.shared else ("gradient",)

    def _needed(self, replay: _Replay, revivers: Revivers) -> tuple[Way, ...] | None:
        """What it would not fire without, or all that each would do alone; nothing where it fires without
        all of it, and None where that was not tried."""
        possible: list[Way] = []
        # What was remembered when it was found off; nothing was before the first update.
        possible += ["coasting"] if revivers.coasting and replay.since.updates else []
        possible += ["decay"] if revivers.decay else []
        possible += ["penalty"] if revivers.penalties else []
        if not possible:
            return ()
        if (
            replay.updates - replay.since.updates == 1
            and len(possible) == 1
            and not revivers.shared
        ):
            # In one update from where it was off, no gradient came through it.
            return (possible[0],)
        everything = self._fires(replay, frozenset(possible), revivers)
        if everything is None:
            return None
        if everything:
            return ()
        if len(possible) == 1:
            return (possible[0],)
        alone = {way: self._fires(replay, frozenset([way]), revivers) for way in possible}
        if None in alone.values():
            return None
        return tuple(way for way in possible if not alone[way]) or tuple(possible)

    def _fires(self, replay: _Replay, left_out: frozenset[Way], revivers: Revivers) -> bool | None:
        """Whether it would fire by its own weights with some ways left out; None where that was not tried."""
        parameters = self._again(replay, left_out, revivers)
        if parameters is None:
            return None
        mixed = self.watch.mixed(replay.layer, parameters, replay.before)
        return bool(replay.layer.fires(mixed)[replay.unit])

    def _again(
        self, replay: _Replay, left_out: frozenset[Way], revivers: Revivers
    ) -> Mapping[str, Array] | None:
        """The parameters after the updates made again; None where that would take too many."""
        first, last = replay.since.updates, replay.updates
        key = (first, last, left_out)
        if key in self._found:
            return self._found[key]
        if self.replayed + last - first > REPLAYED * last:
            return None
        self.replayed += last - first
        clean = self.watch.clean
        if (left_out, clean) not in self._trainings:
            try:
                without = self._without(left_out, revivers)
                self._trainings[left_out, clean] = Training(
                    without, clean=clean, paper=as_on_paper if clean else None
                )
            except HandgradError:
                return None
        training = self._trainings[left_out, clean]
        numbers = dict(replay.since.numbers)
        if "coasting" in left_out:
            coasting = coasting_memories(training.update, training.problem)
            numbers.update({n: np.zeros_like(numbers[n]) for n in coasting})
        training.restore(State(numbers, first))
        for batch in itertools.islice(self.batches(), first, last):
            training.step(**batch)
        self._found = {k: v for k, v in self._found.items() if k[1] == last}
        self._found[key] = {n: a.copy() for n, a in training.parameters.items()}
        return self._found[key]

    def _without(self, left_out: frozenset[Way], revivers: Revivers) -> Problem:
        """The problem with some ways left out: no decay, and penalties times 0."""
        problem = self.problem
        update = problem.update or Update()
        if "decay" in left_out:
            update = replace(update, options={**update.options, "weight_decay": 0.0})
        if "penalty" in left_out:
            texts = [
                f"{e.target} = {source(self._named[0].penalties.left_out(e.expression))}"
                if e.target in revivers.penalties
                else e.text
                for e in problem.equations
            ]
            problem = problem.with_equations(texts)
        return problem.with_parts(update=update)
