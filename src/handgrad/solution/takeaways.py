"""What to remember of a worked solution: facts that can be found again in its steps, and their words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

import numpy as np

from handgrad.expression import Expression, Literal, Name
from handgrad.operations import noun_of, operation_of
from handgrad.operations.gates import activations_in
from handgrad.record import record
from handgrad.solution.notes.gated_off import GatedOff
from handgrad.solution.notes.note import MOST_NOTED, TraceNote
from handgrad.solution.notes.noted import UNITS
from handgrad.solution.notes.update import LossChange, is_little
from handgrad.solution.notes.zero_input import ZeroInput
from handgrad.solution.structure import Phase
from handgrad.text import Text, all_of, few, joined, listed

if TYPE_CHECKING:
    from handgrad.solution.trace import Step, Trace

N = TypeVar("N", bound=TraceNote)

NAMED = 4
"""The most units, inputs and cases that are named; more are counted."""


class Takeaway(ABC):
    """Something to remember of a worked solution."""

    __slots__ = ()
    kind: ClassVar[str]

    @classmethod
    @abstractmethod
    def find(cls, trace: Trace) -> Self | None:
        """The takeaway of this solution; None if it has none of this kind."""

    @abstractmethod
    def title(self) -> Text:
        """What it is about, in a few words."""

    @abstractmethod
    def text(self) -> Text:
        """The takeaway in a sentence or two."""


@record
class StepsBack(Takeaway):
    """The backward pass: how many steps led from the cost back to the parameters, or to the inputs."""

    kind: ClassVar = "steps_back"
    cost: str
    steps: int
    names: tuple[str, ...]
    noun: str

    @classmethod
    def find(cls, trace: Trace) -> Self:
        problem = trace.problem
        steps = sum(s.phase == "backward" for s in trace.steps)
        noun = "parameters" if problem.parameters else "inputs"
        noun = "numbers that are asked about" if problem.given else noun
        return cls(trace.graph.cost, steps, problem.asked, noun)

    def title(self) -> Text:
        return ("The chain rule, one step at a time",)

    def text(self) -> Text:
        steps = f"{self.steps} step{'' if self.steps == 1 else 's'}"
        ends = joined([(Name(n),) for n in self.names])
        if len(self.names) > NAMED:
            ends = (f"all {len(self.names)} {self.noun}",)
        return (
            f"{steps} led from ", Name(self.cost), " back to ", *ends, ". Each used only gradients already known "
            "and values from the forward pass.",
        )  # fmt: skip


@record
class UnitOff:
    """A unit whose gate is shut in these cases, counted from 0; in the only one if there is one."""

    pre_activation: Expression
    unit: tuple[int, ...]
    cases: tuple[int, ...]
    step: str


@record
class GatesSeen(Takeaway):
    """The gates of a problem: which operations, and the units that were off in some case.

    `units` has at most 32 units of one activation, as notes do; `case_count` is 1 for a single case.
    """

    kind: ClassVar = "gates_seen"
    operations: tuple[str, ...]
    units: tuple[UnitOff, ...]
    case_count: int

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        gates = _gates(trace)
        if not gates:
            return None
        shut = _notes(trace, "backward", GatedOff) or _notes(trace, "forward", GatedOff)
        count = max([n.case_count for _, n in shut], default=1)
        units = tuple(
            UnitOff(n.pre_activation, n.unit, n.cases or tuple(range(n.case_count)), s.id)
            for s, n in shut
        )
        return cls(gates, units, count)

    @property
    def always(self) -> tuple[UnitOff, ...]:
        """The units that were off in every case."""
        return tuple(u for u in self.units if len(u.cases) == self.case_count)

    @property
    def sometimes(self) -> tuple[UnitOff, ...]:
        """The units that were off in some cases but not in all."""
        return tuple(u for u in self.units if len(u.cases) < self.case_count)

    def title(self) -> Text:
        nouns = listed([noun_of(o) for o in self.operations])
        return (f"{nouns} {'gates' if len(self.operations) == 1 else 'gate'} gradients",)

    def text(self) -> Text:
        passes = "An open gate passes the gradient on; a shut one stops it. "
        if not self.units:
            return (f"{passes}Every gate was open here.",)
        if self.case_count == 1:
            return (passes, *_off(self.units, ""), ".")
        parts: list[Text] = []
        if self.always:
            parts.append(_off(self.always, f" in {all_of(self.case_count, 'cases')}"))
        some = self.sometimes
        if some and len(some) <= NAMED:
            parts += [_off((u,), f" in {_cases(u)}") for u in some]
        elif some:
            parts.append(_off(some, " in some of the cases but not in all"))
        return (passes, *joined(parts), ".")


def _gates(trace: Trace) -> tuple[str, ...]:
    """The operations in the equations that are gates."""
    written = (trace.graph.nodes[name].written for name in trace.graph.equations)
    applied = (
        call.operation
        for each in written
        for _, call in activations_in(each)
        if operation_of(call).gate
    )
    return tuple(dict.fromkeys(applied))


def _off(units: Sequence[UnitOff], where: str) -> Text:
    noun = "units" if all(len(u.unit) == 1 for u in units) else "entries"
    return (*named_units(units, noun=noun), f" {'was' if len(units) == 1 else 'were'} off{where}")


def named_units(units: Sequence[UnitOff], most: int = NAMED, noun: str = "units") -> Text:
    """Units by their pre-activations, or how many there are where they are more than `most`."""
    if len(units) > most:
        least = "at least " if len(units) >= MOST_NOTED else ""
        return (f"{least}{len(units)} {noun}",)
    return joined([(u.pre_activation.entry(u.unit),) for u in units])


def _cases(unit: UnitOff) -> str:
    word = "case" if len(unit.cases) == 1 else "cases"
    named = [str(c + 1) for c in unit.cases]
    if len(named) > 2 * NAMED:
        return f"{len(named)} {word}"
    return f"{word} {listed(named)}"


@record
class InputsZero(Takeaway):
    """Inputs that are 0 in every case, and the parameters that got no gradient for that reason."""

    kind: ClassVar = "inputs_zero"
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    silenced: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        zero = [n for _, n in _notes(trace, "backward", ZeroInput)]
        if not zero:
            return None
        inputs = tuple(dict.fromkeys((n.name, n.unit) for n in zero))
        return cls(inputs, tuple(dict.fromkeys(z.name for n in zero for z in n.zeroes)))

    def title(self) -> Text:
        return ("A weight learns from its input",)

    def text(self) -> Text:
        least = "at least " if len(self.inputs) >= UNITS else ""
        inputs = few(self.inputs, NAMED, lambda zero: (Name(zero[0]).entry(zero[1]),), least)
        if len(self.inputs) == 1:
            return (*inputs, " = 0, so the weights that multiply it got no gradient.")
        return (*inputs, " are 0, so the weights that multiply them got no gradient.")


@record
class CasesReduced(Takeaway):
    """The gradients of a batch: the mean, or the sum, over its cases."""

    kind: ClassVar = "cases_reduced"
    cost: str
    loss: str
    cases: int
    reduction: str

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        graph = trace.graph
        if graph.cost == graph.loss or not graph.has_loss:
            return None
        cases = int(np.size(trace.run.value(graph.loss)))
        return cls(graph.cost, graph.loss, cases, trace.problem.reduction)

    def title(self) -> Text:
        return ("One gradient for the whole batch",)

    def text(self) -> Text:
        word = "mean" if self.reduction == "mean" else "sum"
        return (
            Name(self.cost), f" is the {word} of ", Name(self.loss), f" over {self.cases} cases, "
            f"and every parameter's gradient is the {word} over them too.",
        )  # fmt: skip


@record
class LossMoved(Takeaway):
    """The loss before the first and after the last update."""

    kind: ClassVar = "loss_moved"
    cost: str
    before: float
    after: float
    updates: int

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        changes = [n for _, n in _notes(trace, "update", LossChange)]
        if not changes:
            return None
        return cls(trace.graph.cost, changes[0].before, changes[-1].after, len(changes))

    def title(self) -> Text:
        return ("The update",)

    def text(self) -> Text:
        word = "update" if self.updates == 1 else f"{self.updates} updates"
        after: Text = (f"After the {word} ", Name(self.cost), " is ")
        if self.after == self.before:
            return (*after, "still ", Literal(self.after), ".")
        way = "lower than" if self.after < self.before else "higher than"
        if is_little(self.before, self.after):
            return (*after, Literal(abs(self.after - self.before)), f" {way} before.")
        return (*after, Literal(self.after), f": {way} the ", Literal(self.before), " before.")


TAKEAWAYS: tuple[type[Takeaway], ...] = (StepsBack, GatesSeen, InputsZero, CasesReduced, LossMoved)
"""Every kind, in the order in which they are shown."""


def takeaways(trace: Trace) -> tuple[Takeaway, ...]:
    """What to remember of a worked solution."""
    return tuple(found for kind in TAKEAWAYS if (found := kind.find(trace)) is not None)


def _notes(trace: Trace, phase: Phase, kind: type[N]) -> list[tuple[Step, N]]:
    """The notes of one kind on the steps of a phase, each with its step."""
    steps = [s for s in trace.steps if s.phase == phase]
    return [(s, n) for s in steps for n in s.notes if isinstance(n, kind)]
