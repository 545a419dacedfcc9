"""Training: forward pass, backward pass and update as one program, run for as long as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handgrad.errors import OptionError, nearest
from handgrad.expression import Leaf, Name
from handgrad.graph import build
from handgrad.graph.updating import update_pass
from handgrad.operations.operation import Array
from handgrad.problem import Problem
from handgrad.run.engine import SMALL
from handgrad.run.plan import Plan, after
from handgrad.run.program import Program, compiled
from handgrad.updates import Update


class Training:
    """A problem in training, from its own parameters on.

    Arguments:
        problem: its update rule is used; plain SGD at rate 0.1 where it has none.
        dtype: float64 or float32.

    `parameters` are the current ones, `losses` the loss before each update so far.
    """

    def __init__(self, problem: Problem, *, dtype: Any = np.float64) -> None:
        self.problem = problem
        self.graph = build(problem)
        self.dtype = np.dtype(dtype)
        self.update = update_pass(self.graph, problem.update or Update())
        self._plan = Plan(self.graph, update=self.update)
        self._data = {n: np.array(g.array, dtype=self.dtype) for n, g in problem.data.items()}
        self.parameters: dict[str, Array] = {
            n: np.array(g.array, dtype=self.dtype) for n, g in problem.parameters.items()
        }
        owners = {line.target: p for p, lines in self.update.lines.items() for line in lines}
        self._memory: dict[str, Array] = {
            m.name: np.zeros(self.parameters[owners[m]].shape, self.dtype)
            for m in self.update.memories
        }
        self._settings = {n.name: self.dtype.type(v) for n, v in self.update.settings.items()}
        kept: list[Leaf] = [Name(n) for n in (*self.parameters, *self._memory)]
        self._kept = kept
        self._outputs = (Name(self.graph.cost), *(after(k) for k in kept))
        self._programs: dict[Any, Program] = {}
        self.losses: list[float] = []

    def step(self, **data: Any) -> float:
        """One update; returns the loss before it. `data` are put for the problem's own in this step."""
        given = self._data if not data else {**self._data, **self._checked(data)}
        self._settings[self.update.step.name] = self.dtype.type(len(self.losses) + 1)
        inputs = {**self.parameters, **given, **self._settings, **self._memory}
        with np.errstate(all="ignore"):
            loss, *new = self._program(inputs).call(*inputs.values())
        parameters = len(self.parameters)
        self.parameters = dict(zip(self.parameters, new[:parameters], strict=True))
        self._memory = dict(zip(self._memory, new[parameters:], strict=True))
        value = float(loss) if np.ndim(loss) == 0 else float(np.mean(loss))
        self.losses.append(value)
        return value

    def run(self, steps: int, progress: Callable[[int, float], None] | None = None) -> float:
        """That many updates; returns the last loss. `progress(number, loss)` is told of each.

        Stops early where the loss is no longer finite.
        """
        loss = float("nan")
        for _ in range(steps):
            loss = self.step()
            if progress is not None:
                progress(len(self.losses), loss)
            if not np.isfinite(loss):
                break
        return loss

    def _checked(self, data: Mapping[str, Any]) -> dict[str, Array]:
        for name in data:
            if name not in self._data:
                raise OptionError(
                    f"{name} is no datum of the problem", mend=nearest(name, self._data)
                )
        return {n: np.asarray(v, dtype=self.dtype) for n, v in data.items()}

    def _program(self, inputs: Mapping[str, Array]) -> Program:
        key = tuple(np.shape(inputs[n]) for n in self._data)
        found = self._programs.get(key)
        if found is None:
            large = sum(np.size(a) for a in inputs.values()) > SMALL
            owned = {after(k): k.name for k in self._kept} if large else None
            found = compiled(self._plan, inputs, self._outputs, reuse=large, donated=owned)
            self._programs[key] = found
        return found
