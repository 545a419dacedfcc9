"""The trace: ordered, typed steps with their formulas and numbers, and notes about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Expression, Leaf, Shape
from handgrad.graph import Graph
from handgrad.page.blocks import Relation, without_repeats
from handgrad.problem import Problem
from handgrad.record import JsonForm, record
from handgrad.running import Run
from handgrad.shown import Shown
from handgrad.solution.numbers import literal_of
from handgrad.text import Text

if TYPE_CHECKING:
    from handgrad.solution.notes.note import TraceNote

Phase: TypeAlias = Literal["forward", "backward", "update"]
StepKind: TypeAlias = Literal[
    "layer",
    "compute",
    "loss",
    "error_signal",
    "pass_backward",
    "parameter_gradients",
    "data_gradients",
    "update",
    "loss_after",
]
Role: TypeAlias = Literal[
    "value", "cost", "let", "chain", "part", "per_case", "gradient", "memory", "updated"
]


@record
class TraceLine:
    """One computation.

    Arguments:
        target: what it computes: a value, or a gradient.
        formula: how, in symbols.
        substituted: the formula with the numbers put in.
        value: the result.
        shape: that of one case.
        batched: whether the last axis of the value counts the cases.
        through: the equation that a backward line leads through.
        index: of a line for one entry of its target, that entry.
        row: whether the value lies along the rows of matrices.
    """

    target: Leaf
    role: Role
    formula: Expression
    substituted: Expression
    value: Array
    shape: Shape
    batched: bool = False
    through: str = ""
    index: tuple[int, ...] = ()
    row: bool = False
    json: ClassVar = JsonForm(without=("row",))

    def relation(self, label: Text = ()) -> Relation:
        """The line on a page: the formula, the numbers put in, the result, each once."""
        result = literal_of(self.value, self.batched, self.row)
        chain = (self.formula, self.substituted, result)
        return Relation(self.target, without_repeats(chain), label=label)


@record
class Step(Shown):
    """A numbered step.

    Arguments:
        id: forward 1.1, 1.2, …; backward 2.1, …; update 3.1, ….
        about: the value whose computation or gradient it is about.
        uses: the steps whose results it needs.
        layer: the layer of the forward pass, counted from 1; 0 elsewhere, as in a time step.
        time_step: that of a recurrent network, counted from 1; 0 elsewhere.
        trace: the solution that it stands in.
    """

    id: str
    phase: Phase
    kind: StepKind
    about: str
    lines: tuple[TraceLine, ...]
    uses: tuple[str, ...]
    notes: tuple[TraceNote, ...]
    layer: int = 0
    time_step: int = 0
    trace: Trace | None = field(default=None, compare=False)
    json: ClassVar = JsonForm(without=("about", "layer", "time_step", "trace"))

    def within(self, trace: Trace) -> Step:
        """The step as one of a solution."""
        return Step(
            self.id,
            self.phase,
            self.kind,
            self.about,
            self.lines,
            self.uses,
            self.notes,
            self.layer,
            self.time_step,
            trace,
        )

    def __repr__(self) -> str:
        return f"<Step {self.id}: {self.kind} of {self.about}>"


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """One update: the loss before and after it.

    Arguments:
        number: counted from 1.
    """

    number: int
    before: Array
    after: Array
    json: ClassVar = JsonForm(also=("step=number",))


@dataclass(frozen=True, slots=True, repr=False)
class Trace(Shown):
    """The worked solution of a problem as data.

    Arguments:
        updated: the parameters after the last update; empty where the problem has none.
        training: the updates.
        decimals: those shown, and those carried where `run.carry` is "rounded".
    """

    problem: Problem
    graph: Graph
    run: Run
    _steps: tuple[Step, ...]
    updated: Mapping[str, Array]
    training: tuple[TrainingStep, ...]
    decimals: int
    json: ClassVar = JsonForm(
        "trace",
        without=("graph", "run"),
        also=(
            "cost=graph.cost",
            "cases",
            "carry=run.carry",
            "values",
            "gradients",
            "loss=run.loss",
            "loss_after",
            "steps",
        ),
    )

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in order, each with this trace, whose words and figures it is told in."""
        # Made when asked for: of a trace that its own steps hold, only the garbage collector gets rid.
        return tuple([step.within(self) for step in self._steps])

    def __repr__(self) -> str:
        title = self.problem.title or "a worked solution"
        return f"<Trace of {title!r}: {len(self._steps)} steps>"

    @property
    def cases(self) -> int | None:
        """How many cases there are; None where the problem declares none."""
        given = (*self.problem.parameters.values(), *self.problem.data.values())
        return next((int(g.array.shape[-1]) for g in given if g.batched), None)

    @property
    def values(self) -> Mapping[str, Array]:
        """Every named value."""
        return {name: self.run.value(name) for name in self.graph.nodes}

    @property
    def gradients(self) -> Mapping[str, Array]:
        """The gradient with respect to every named value: of what differs from case to case, that of
        its own case's loss, and of everything else that of the cost."""
        return {name: self.run.gradient(name) for name in self.graph.nodes}

    @property
    def loss_after(self) -> float | None:
        """The loss after the last update; None where there is none, or it is not one finite number."""
        if not self.training or np.ndim(self.training[-1].after):
            return None
        after = float(self.training[-1].after)
        return after if np.isfinite(after) else None

    def step(self, id: str) -> Step | None:  # noqa: A002 - the steps' own word
        """The step with this number, or None."""
        return next((s.within(self) for s in self._steps if s.id == id), None)
