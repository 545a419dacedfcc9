"""Two worked solutions beside each other as data: what differs, step by step and entry by entry.

Indices, units and cases count from 0, as everywhere in data; the words count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from handgrad.arrays import Array
from handgrad.expression import Expression, Leaf
from handgrad.record import JsonForm
from handgrad.solution import Role, Step, TraceLine, Zeroed

Index: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EquationChange:
    """An equation that reads otherwise, or that only one of the problems has."""

    kind: ClassVar = "equation"
    name: str
    left: Expression | None
    right: Expression | None


@dataclass(frozen=True, slots=True)
class NumberChange:
    """Other given numbers; None where only one of the problems is given the name."""

    kind: ClassVar = "number"
    name: str
    left: Array | None
    right: Array | None
    left_batched: bool = False
    right_batched: bool = False


@dataclass(frozen=True, slots=True)
class SettingChange:
    """Another setting: the update's rule or one of its numbers, the loss, the reduction."""

    kind: ClassVar = "setting"
    name: str
    left: str | float | None
    right: str | float | None


Change: TypeAlias = EquationChange | NumberChange | SettingChange


@dataclass(frozen=True, slots=True)
class LineDifference:
    """One computation in both solutions; None on the side that has it in none of its steps.

    Arguments:
        formula: whether it is another formula.
        numbers: whether other numbers are put into it.
        entries: the entries of the result that differ; none where the shapes do.
        shape: whether the shapes differ.
    """

    target: Leaf
    left: TraceLine | None
    right: TraceLine | None
    formula: bool = False
    numbers: bool = False
    entries: tuple[Index, ...] = ()
    shape: bool = False
    json: ClassVar = JsonForm(
        also=(
            "left=left.value",
            "right=right.value",
            "role",
            "same",
            "formula_changed=formula",
            "numbers_changed=numbers",
            "shape_changed=shape",
        )
    )

    @property
    def role(self) -> Role:
        """What the line is in its step."""
        line = self.left or self.right
        assert line is not None
        return line.role

    @property
    def same(self) -> bool:
        """Whether both sides have it, and alike."""
        both = self.left is not None and self.right is not None
        return both and not (self.formula or self.numbers or self.entries or self.shape)


@dataclass(frozen=True, slots=True)
class StepPair:
    """A step in both solutions, found by what it computes; None on the side without it."""

    left: Step | None
    right: Step | None
    lines: tuple[LineDifference, ...]
    json: ClassVar = JsonForm(also=("left=left.id", "right=right.id", "phase=step.phase", "same"))

    @property
    def step(self) -> Step:
        """The step in the first of the solutions that has it."""
        step = self.left or self.right
        assert step is not None
        return step

    @property
    def same(self) -> bool:
        """Whether both sides have it, under the same number and alike in every line."""
        if self.left is None or self.right is None or self.left.id != self.right.id:
            return False
        return all(line.same for line in self.lines)


@dataclass(frozen=True, slots=True)
class UnitState:
    """A unit in one solution: its activation, pre-activation and slope, and the gradient there.

    `passing` is what gets through of the gradient `arriving` at its output.
    """

    entry: Expression
    operation: str
    gate: bool
    z: float
    slope: float
    arriving: float
    passing: float
    step: str

    @property
    def shut(self) -> bool:
        """Whether its gate is shut."""
        return self.gate and self.z <= 0 and not self.slope


@dataclass(frozen=True, slots=True)
class GateChange:
    """A unit whose gate is shut in one solution only; `reaches` is what its gradient leads on to."""

    activation: str
    unit: Index
    case: int | None
    layer: int
    time_step: int
    left: UnitState
    right: UnitState
    reaches: tuple[Zeroed, ...]


@dataclass(frozen=True, slots=True)
class ComparedQuantity:
    """A figure of both solutions: the loss, the length of a gradient, the loss after the update."""

    kind: Literal["loss", "gradient", "loss_after"]
    name: str
    left: float | None
    right: float | None
