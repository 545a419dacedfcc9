"""The trace: ordered, typed steps with their formulas and numbers, and notes about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Expression, Leaf, Shape
from handgrad.graph import Graph
from handgrad.problem import Problem
from handgrad.record import JsonForm, record
from handgrad.running import Run
from handgrad.shown import Shown

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


@dataclass(frozen=True, slots=True)
class Zeroed:
    """Entries of a gradient that are zero for one reason.

    Arguments:
        name: what it is the gradient with respect to.
        part: how they lie.
        position: the row, column or entry, counted from 0.
    """

    name: str
    part: Literal["row", "column", "entry", "all", "entries"]
    position: int
    entries: tuple[tuple[int, ...], ...]


MOST_NOTED = 4096
"""Entries that a note has, and shut units of one gate that have a note, at most."""


@dataclass(frozen=True, slots=True)
class GatedOff:
    """A unit whose gate is shut: its pre-activation is not positive.

    Arguments:
        blocked: the gradient that arrived at its output and was stopped there; None in the forward pass.
        zeroes: what that makes zero.
        cases: the cases in which it is off; empty for a single case.
        around: whether its pre-activation gets a gradient all the same, by a way that the gate is not on.
        stopped: the gradient that arrived in each of `cases`, where one is known.
    """

    kind: ClassVar = "gated_off"
    pre_activation: Expression
    activation: str
    operation: str
    unit: tuple[int, ...]
    value: float
    phase: Phase
    blocked: float | None = None
    zeroes: tuple[Zeroed, ...] = ()
    cases: tuple[int, ...] = ()
    case_count: int = 1
    around: bool = False
    stopped: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ZeroInput:
    """An input that is zero, and what of a weight's gradient that zeroes."""

    kind: ClassVar = "zero_input"
    name: str
    unit: tuple[int, ...]
    zeroes: tuple[Zeroed, ...]


@dataclass(frozen=True, slots=True)
class Saturated:
    """A unit on the flat end of its activation.

    Arguments:
        slope: that of the activation at `value`.
        threshold: the slope under which a unit counts as saturated.
    """

    kind: ClassVar = "saturated"
    pre_activation: Expression
    activation: str
    operation: str
    unit: tuple[int, ...]
    value: float
    slope: float
    threshold: float


@dataclass(frozen=True, slots=True)
class SeveralPaths:
    """A value used by several equations: its gradient is the sum of one share from each."""

    kind: ClassVar = "several_paths"
    name: str
    parts: tuple[tuple[str, Array], ...]


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A value of `shape` repeated to the shape `repeated` on the way to an equation.

    Each of its entries is used several `times`, so its gradient adds up as many.
    """

    kind: ClassVar = "broadcast"
    name: str
    through: str
    shape: Shape
    repeated: Shape
    times: int


@dataclass(frozen=True, slots=True)
class ShortcutTaken:
    """A loss and its activation differentiated as one, with the long way beside it.

    `inner` is the name of the activation's value, empty where it has none; `whole` says that the
    targets add up to 1, so that what remains is prediction minus target.
    """

    kind: ClassVar = "shortcut"
    loss: str
    operation: str
    activation: str
    inner: str
    pre_activation: str
    long: tuple[TraceLine, ...]
    agrees: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class AtKink:
    """Numbers that lie where an operation has no derivative; `words` say what is taken there.

    `of` is what the entries are of: the operation's one argument, or its result. Of many cases, an entry's
    last index is its case.
    """

    kind: ClassVar = "kink"
    operation: str
    equation: str
    of: Expression
    entries: tuple[tuple[int, ...], ...]
    case_count: int
    words: str


@dataclass(frozen=True, slots=True)
class RoundingResidue:
    """Entries that are 0, of which floating-point arithmetic would have left `left`.

    Of many cases, an entry's last index is its case.
    """

    kind: ClassVar = "rounding_residue"
    of: Leaf
    entries: tuple[tuple[int, ...], ...]
    left: tuple[float, ...]
    case_count: int


@dataclass(frozen=True, slots=True)
class RoundedAway:
    """Entries of an activation's value that floats round to where its loss's long way has no number.

    A softmax of 0, or a sigmoid of 1, is that of no real logits: floats have nothing nearer (underflow,
    or rounding). `values` are the entries in floats. `stable` is what the shortcut, which needs no
    logarithm or quotient of them, gives instead: the loss (forward), the gradient with respect to the
    pre-activation (backward). Of many cases, an entry's last index is its case.
    """

    kind: ClassVar = "rounded_away"
    phase: Phase
    name: str
    pre_activation: str
    loss: str
    entries: tuple[tuple[int, ...], ...]
    values: tuple[float, ...]
    stable: Array
    batched: bool
    case_count: int


@dataclass(frozen=True, slots=True)
class UnaskedGradient:
    """Entries of a gradient that are infinite or undefined, and that no parameter's gradient needs.

    `undefined` lists those of `entries` that are no number rather than infinite. Of many cases, an
    entry's last index is its case.
    """

    kind: ClassVar = "unasked_gradient"
    name: str
    entries: tuple[tuple[int, ...], ...]
    undefined: tuple[tuple[int, ...], ...]
    case_count: int


@dataclass(frozen=True, slots=True)
class TargetSums:
    """Targets of a cross-entropy that do not add up to 1.

    `sums` are what they add up to, by row and case, as an array; `softmax` names the softmax that is
    compared with them, where it is one: the gradient with respect to its argument is then Σy · p − y.
    """

    kind: ClassVar = "target_sums"
    equation: str
    targets: Expression
    sums: Array
    softmax: str


@dataclass(frozen=True, slots=True)
class MeanWithin:
    """A sum or mean of a loss that is one number already: the mean over `count` entries, or rows."""

    kind: ClassVar = "mean_within"
    equation: str
    outer: str
    loss: Expression
    operation: str
    count: int


@dataclass(frozen=True, slots=True)
class UnlikeShapes:
    """Two parts of an equation, compared or combined entry by entry, that are broadcast to `whole`.

    What is meant is mostly one entry with one: a prediction with its target.
    """

    kind: ClassVar = "unlike_shapes"
    operation: str
    equation: str
    arguments: tuple[Expression, ...]
    shapes: tuple[Shape, ...]
    whole: Shape


@dataclass(frozen=True, slots=True)
class Unreached:
    """A parameter from which no path leads to the loss."""

    kind: ClassVar = "unreached"
    name: str


@dataclass(frozen=True, slots=True)
class LossChange:
    """The loss before and after the update."""

    kind: ClassVar = "loss_change"
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Diverged:
    """After an update a number is no longer finite: the first of the pass, and its equation.

    `gradient` says that it is the gradient with respect to `name` rather than the value itself.
    """

    kind: ClassVar = "diverged"
    update: int
    name: str
    gradient: bool
    equation: int


Note: TypeAlias = (
    GatedOff
    | ZeroInput
    | Saturated
    | SeveralPaths
    | Broadcast
    | ShortcutTaken
    | AtKink
    | RoundingResidue
    | RoundedAway
    | UnaskedGradient
    | TargetSums
    | MeanWithin
    | UnlikeShapes
    | Unreached
    | LossChange
    | Diverged
)


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
    notes: tuple[Note, ...]
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
