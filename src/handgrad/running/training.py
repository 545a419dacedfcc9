"""Training: forward pass, backward pass and update as one program, run for as long as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.arrays import Array, Numbers, Precision
from handgrad.errors import OptionError, nearest
from handgrad.expression import Leaf, Name
from handgrad.graph import Graph, build
from handgrad.graph.updating import update_pass
from handgrad.problem import Problem
from handgrad.running.engine import SMALL
from handgrad.running.evaluate import value_of
from handgrad.running.jit import Machine, Steps, stepping
from handgrad.running.plan import Plan, Run, after, no_loss
from handgrad.running.program import Program, compiled
from handgrad.running.shapes import case_count, check_shape, precision
from handgrad.running.targets import check_targets, targets_of
from handgrad.updates import Update

RUN_AWAY = 1e15
"""A loss of so many times the first loss, or 1, has run away: double precision tells numbers apart to some 16 digits."""


@dataclass(frozen=True)
class State:
    """What a training goes on from: parameters and memories by name, after so many updates."""

    numbers: Mapping[str, Array]
    updates: int


@dataclass(frozen=True)
class _Ready:
    """Updates by machine code, which read how often they were made and write the losses before them."""

    steps: Steps
    counters: Mapping[str, Array]
    losses: Array


def require_loss(problem: Problem) -> None:
    """Raises `OptionError` for a problem that gives upstream gradients, which no update can be made to lower."""
    if not problem.has_loss:
        raise no_loss("give the equations up to the loss instead of [upstream] to train")


class Training:
    """A problem in training, from its own parameters on.

    Arguments:
        problem: its update rule is used; plain SGD at rate 0.1 where it has none.
        dtype: float64 or float32.
        clean: whether sums are without rounding residues, which open gates, and of which a rule that
            divides by the gradient's size makes a whole step.
        paper: works out the first pass as on paper, for the same reason: where gradients cancel several times over,
            as through a layer norm and a softmax, no sum tells what is left from a number.
        jit: whether a step is compiled to machine code, by the system's C compiler, when the training is made:
            for small problems. `OptionError` is raised where there is none, or a step has too many numbers.

    `parameters` are the current ones, `losses` the loss before each update so far.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        dtype: Precision = np.float64,
        clean: bool = False,
        paper: Callable[[Problem, Graph], Run] | None = None,
        jit: bool = False,
    ) -> None:
        self.problem = problem
        self.graph = build(problem)
        self.dtype = precision(dtype)
        self._paper = paper
        self.update = update_pass(self.graph, problem.update or Update())
        require_loss(problem)
        self._plan = Plan(self.graph, update=self.update, clean=clean)
        self._targets = targets_of(self.graph)
        start = {n: self._array(g.array) for n, g in problem.parameters.items()}
        memory = {
            m.name: self._array(np.zeros(np.shape(start[self.update.owner(m)])))
            for m in self.update.memories
        }
        # What a program is given, in the order in which it takes it; what is kept is put back here.
        self._inputs: dict[str, Array] = {
            **start,
            **{n: self._array(g.array) for n, g in problem.data.items()},
            **{n.name: self.dtype.type(v) for n, v in self.update.settings.items()},
            **memory,
        }
        self._kept = (*start, *memory)
        kept: list[Leaf] = [Name(n) for n in self._kept]
        self._outputs = (Name(self.graph.cost), *(after(k) for k in kept))
        self._owners = {after(k): k.name for k in kept}
        self._own: Program | None = None
        self._programs: dict[Any, Program] = {}
        self._jit = jit
        self._machines: dict[Any, Machine] = {}
        self._single: _Ready | None = None
        if jit:
            self._inputs = {n: np.array(a, order="C") for n, a in self._inputs.items()}
            self._single = self._ready(1, {})
        self.losses: list[float] = []

    @property
    def parameters(self) -> dict[str, Array]:
        """The current parameters."""
        current = {n: self._inputs[n] for n in self.problem.parameters}
        # Machine code puts the next ones in their place.
        return {n: a.copy() for n, a in current.items()} if self._jit else current

    def step(self, **data: Numbers) -> float:
        """One update; returns the loss before it. `data` are put for the problem's own in this step."""
        if not self._jit or self._paper is not None:
            for name, count in self.update.counted(len(self.losses) + 1).items():
                self._inputs[name.name] = self.dtype.type(count)
        if self._paper is not None and not (data or self.losses):
            before, after_it = self._on_paper(self._paper(self.problem, self.graph))
            self._put(after_it)
            self.losses.append(before)
            return before
        if self._jit:
            self._step(1, self._checked(data) if data else {})
            return self.losses[-1]
        if data:
            inputs = {**self._inputs, **self._checked(data)}
            program = self._program(inputs)
        else:
            inputs = self._inputs
            program = self._own = self._own or self._program(inputs)
        with np.errstate(all="ignore"):
            loss, *new = program.call(*inputs.values())
        self._inputs.update(zip(self._kept, new, strict=True))
        value = float(loss) if np.ndim(loss) == 0 else float(np.mean(loss))
        self.losses.append(value)
        return value

    def _on_paper(self, first: Run) -> tuple[float, dict[str, Array]]:
        """The loss of the first pass, and the parameters and memories after the update from its numbers."""
        numbers: dict[Leaf, Array] = {Name(n): np.asarray(a) for n, a in self._inputs.items()}
        numbers |= first.numbers
        batched = self.graph.batched_leaves | self.update.batched
        new: dict[str, Array] = {}
        for lines in self.update.groups():
            for line in lines:
                value = value_of(line.formula, numbers, batched, clean=True)
                if line.assigns != "updated":
                    numbers[line.target] = value
                if line.assigns != "let":
                    new[line.target.name] = value
        return float(np.mean(numbers[Name(self.graph.cost)])), new

    def state(self) -> State:
        """The parameters, what the rule remembers, and how many updates were made."""
        return State({n: np.array(self._inputs[n]) for n in self._kept}, len(self.losses))

    def restore(self, state: State) -> None:
        """Goes back, or on, to a state of a training with the same parameters and memories."""
        self._put({n: state.numbers[n] for n in self._kept})
        self.losses = [float("nan")] * state.updates

    def clean(self) -> None:
        """From the next update on, sums are without rounding residues."""
        self._plan = Plan(self.graph, update=self.update, clean=True)
        self._own, self._programs, self._machines = None, {}, {}
        if self._jit:
            self._single = self._ready(1, {})

    def run(self, steps: int, progress: Callable[[int, float], None] | None = None) -> float:
        """That many updates; returns the last loss. `progress(number, loss)` is told of each.

        Stops early where the loss is no longer finite.
        """
        loss = float("nan")
        if self._jit and progress is None and self._paper is None:
            if steps > 0:
                self._step(steps, {})
                loss = self.losses[-1]
            return loss
        for _ in range(steps):
            loss = self.step()
            if progress is not None:
                progress(len(self.losses), loss)
            if not np.isfinite(loss):
                break
        return loss

    def _put(self, numbers: Mapping[str, Array]) -> None:
        """Puts these for parameters and memories; machine code goes on in the arrays that it has."""
        for name, value in numbers.items():
            if self._jit:
                self._inputs[name][...] = value
            else:
                self._inputs[name] = self._array(value)

    def _step(self, count: int, data: Mapping[str, Array]) -> None:
        """So many updates by machine code, or fewer where the loss is no longer finite."""
        ready = self._single
        if ready is None or data or count > 1:
            ready = self._ready(count, data)
        done = len(self.losses)
        for k in range(count):
            for name, value in self.update.counted(done + k + 1).items():
                ready.counters[name.name][k] = value
        made = ready.steps()
        self.losses += ready.losses[:made].tolist()

    def _ready(self, count: int, data: Mapping[str, Array]) -> _Ready:
        """Machine code for so many updates, compiled where it is not yet, and what it reads and writes."""
        inputs = {**self._inputs, **data}
        key = tuple([np.shape(inputs[n]) for n in self.problem.data])
        counters = {n.name: np.empty(count, self.dtype) for n in self.update.counted(1)}
        if key not in self._machines:
            self._machines[key] = stepping(
                self._plan, inputs, self._kept, tuple(counters), self._outputs
            )
        losses = np.empty(count, self.dtype)
        arrays = [np.asarray(a, order="C") for a in {**inputs, **counters}.values()]
        return _Ready(self._machines[key](arrays, losses), counters, losses)

    def _checked(self, data: Mapping[str, Numbers]) -> dict[str, Array]:
        for name in data:
            if name not in self.problem.data:
                raise OptionError(
                    f"{name} is not among the problem's data", mend=nearest(name, self.problem.data)
                )
        found = {n: self._array(v) for n, v in data.items()}
        check_targets(found, self._targets)
        whole = {**self._inputs, **found}
        shapes = {n: np.shape(whole[n]) for n in self.problem.data}
        for name, given in self.problem.data.items():
            check_shape(name, shapes[name], given.shape, given.batched)
        case_count({n: shapes[n] for n, g in self.problem.data.items() if g.batched})
        return found

    def _array(self, value: Any) -> Array:
        """A copy in the training's precision; a scalar as NumPy's own, whose arithmetic is quicker."""
        array = np.array(value, dtype=self.dtype)
        return array if array.ndim else array[()]

    def _program(self, inputs: Mapping[str, Array]) -> Program:
        key = tuple(np.shape(inputs[n]) for n in self.problem.data)
        found = self._programs.get(key)
        if found is None:
            large = sum(np.size(a) for a in inputs.values()) > SMALL
            owned = self._owners if large else None
            found = compiled(self._plan, inputs, self._outputs, reuse=large, donated=owned)
            self._programs[key] = found
        return found
