"""The update phase of a trace: every parameter's new value, and the loss with them, for some steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Leaf, Name
from handgrad.finite import all_finite
from handgrad.graph import Graph
from handgrad.graph.updating import UpdatePass, update_pass
from handgrad.problem import Problem
from handgrad.record import builder
from handgrad.running import Plan, Run
from handgrad.running.evaluate import value_of
from handgrad.running.plan import plan_carrying, shown_figures
from handgrad.solution.grouping import led_to
from handgrad.solution.notes.update import Diverged
from handgrad.solution.numbers import Numbers
from handgrad.solution.residues import after_update, too_large_for_paper
from handgrad.solution.stable import told_by
from handgrad.solution.structure import FEW, Role, TraceLine, is_short
from handgrad.updates import Assignment

ROLES: dict[Assignment, Role] = {"memory": "memory", "let": "let", "updated": "updated"}

AGAIN = 12
"""Lines of the forward pass that are worked out again after an update, at most."""

RESOLVED = 10
"""Runs after an update that are worked out on paper where floats cancel; each takes up to 40 ms."""


@builder
class Updating:
    """Carries the parameters from update to update."""

    problem: Problem
    graph: Graph
    plan: Plan
    run: Run
    decimals: int
    memory: dict[Leaf, Array] = field(default_factory=dict)
    step: int = 0

    def __post_init__(self) -> None:
        assert self.problem.update is not None
        self.update: UpdatePass = update_pass(self.graph, self.problem.update)
        self.numbers: Mapping[Leaf, Array] = self.run.numbers
        self.parameters: dict[str, Array] = {n: g.array for n, g in self.problem.parameters.items()}
        self.batched = self.graph.batched_leaves | self.update.batched
        for name, shape in self.update.memories.items():
            count = self.graph.nodes[self.update.owner(name)]
            cases = (self.parameters[count.name].shape[-1],) if count.batched else ()
            self.memory[name] = np.zeros((*shape, *cases))

    def lines(self) -> Iterator[TraceLine]:
        """The lines of the next update; afterwards `parameters` are the new ones."""
        self.step += 1
        settings: dict[Leaf, Array] = {n: np.asarray(v) for n, v in self.update.settings.items()}
        settings |= {n: np.asarray(v) for n, v in self.update.counted(self.step).items()}
        updated = dict(self.parameters)
        numbers = {**self.numbers, **settings, **self.memory}
        put = Numbers(numbers, self.batched, self.graph.rows)
        for lines in self.update.groups():
            rows = any(line.target.name in self.graph.rows for line in lines)
            for line in lines:
                rounded = self.run.carry == "rounded"
                value = np.asarray(
                    value_of(line.formula, numbers, self.batched, clean=not rounded), dtype=float
                )
                if rounded:
                    value = shown_figures(value, self.decimals)
                yield TraceLine(
                    target=line.target,
                    role=ROLES[line.assigns],
                    formula=line.formula,
                    substituted=put.put_into(line.formula),
                    value=value,
                    shape=line.target.shape or (),
                    batched=line.target in self.batched,
                    row=rows and bool(line.target.shape),
                )
                if line.assigns == "updated":
                    updated[line.target.name] = value
                else:
                    numbers[line.target] = value
                    put.forget(line.target)
                if line.assigns == "memory":
                    self.memory[line.target] = value
        self.parameters = updated

    def run_again(self) -> Array:
        """The forward and backward pass with the new parameters; the loss."""
        data = {n: g.array for n, g in self.problem.data.items()}
        with np.errstate(all="ignore"):
            self.numbers = self.plan({**data, **self.parameters})
        large = too_large_for_paper(self.graph, self.run.numbers)
        if self.run.carry == "exact" and self.step <= RESOLVED and not large:
            self.numbers = self._resolved(data)
        return np.asarray(self.numbers[Name(self.graph.cost)], dtype=float)

    def _resolved(self, data: Mapping[str, Array]) -> Mapping[Leaf, Array]:
        """The numbers of the last run, on paper where they cancel in floats."""
        if not all(all_finite(np.asarray(n, dtype=float)) for n in self.numbers.values()):
            return self.numbers
        with np.errstate(all="ignore"):
            floats = Run(self.graph, self._floats({**data, **self.parameters}))
        clean = Run(self.graph, self.numbers)
        return after_update(self._updated, self.graph, clean, floats).numbers

    def _updated(self) -> Problem:
        """The problem with the parameters after the last update."""
        given = self.problem.parameters
        return self.problem.with_values(
            {
                n: {"cases": np.moveaxis(a, -1, 0)} if given[n].batched else a
                for n, a in self.parameters.items()
            }
        )

    @cached_property
    def _floats(self) -> Plan:
        """The plan with rounding residues and all."""
        return plan_carrying(self.graph, "exact", self.decimals)

    def lines_again(self) -> list[TraceLine]:
        """The forward pass of the last run, up to the loss.

        Of a large one its end: at most `AGAIN` lines, all of them short but the last.
        """
        graph = self.graph
        put = Numbers(self.numbers, graph.batched_leaves, graph.rows)
        names = [n for n in led_to(graph) if n != graph.cost]
        lines = [self._line_again(graph.cost, put)]
        for name in reversed(names[-AGAIN + 1 :]):
            if np.size(self.numbers[Name(name)]) > FEW:
                break
            line = self._line_again(name, put)
            if not is_short(line):
                break
            lines.insert(0, line)
        return lines

    def _line_again(self, name: str, put: Numbers) -> TraceLine:
        """What an equation gives at the parameters of the last run."""
        graph = self.graph
        leaf = Name(name, shape=graph.nodes[name].shape)
        formula = told_by(name, graph, self.numbers, graph.batched_leaves)
        return TraceLine(
            target=leaf,
            role="cost" if name == graph.cost else "value",
            formula=formula,
            substituted=put.put_into(formula),
            value=np.asarray(self.numbers[leaf], dtype=float),
            shape=graph.shape(leaf),
            batched=leaf in graph.batched_leaves,
            row=name in graph.rows,
        )

    def diverged(self, number: int) -> Diverged | None:
        """What is not finite in the last run, update `number`'s; None where the next update can be made."""
        return Diverged.find(number, self.graph, self.numbers, self.parameters)
