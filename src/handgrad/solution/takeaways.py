"""What to remember of a worked solution, as facts: each can be found again in the steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from handgrad.expression import Expression
from handgrad.operations import operation_of
from handgrad.operations.gates import activations_in
from handgrad.solution.notes.gated_off import GatedOff
from handgrad.solution.notes.update import LossChange
from handgrad.solution.notes.zero_input import ZeroInput
from handgrad.solution.structure import Phase

if TYPE_CHECKING:
    from handgrad.solution.trace import Step, Trace


@dataclass(frozen=True, slots=True)
class StepsBack:
    """The backward pass: so many steps from the cost to what is asked for."""

    kind: ClassVar = "steps_back"
    cost: str
    steps: int
    names: tuple[str, ...]
    parameters: bool


@dataclass(frozen=True, slots=True)
class UnitOff:
    """A unit whose gate is shut in these cases, counted from 0; in the only one where there is one."""

    pre_activation: Expression
    unit: tuple[int, ...]
    cases: tuple[int, ...]
    step: str


@dataclass(frozen=True, slots=True)
class GatesSeen:
    """The gates of a problem: which operations, and the units that were off somewhere.

    `units` is of at most 32 units an activation, as notes are; `case_count` is 1 for a single case.
    """

    kind: ClassVar = "gates_seen"
    operations: tuple[str, ...]
    units: tuple[UnitOff, ...]
    case_count: int

    @property
    def always(self) -> tuple[UnitOff, ...]:
        """The units that were off in every case."""
        return tuple(u for u in self.units if len(u.cases) == self.case_count)

    @property
    def sometimes(self) -> tuple[UnitOff, ...]:
        """The units that were off in some cases but not in all."""
        return tuple(u for u in self.units if len(u.cases) < self.case_count)


@dataclass(frozen=True, slots=True)
class InputsZero:
    """Inputs that are 0, in every case, and what parameters got no gradient for that reason."""

    kind: ClassVar = "inputs_zero"
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    silenced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CasesReduced:
    """The gradients of a batch: the mean, or the sum, over its cases."""

    kind: ClassVar = "cases_reduced"
    cost: str
    loss: str
    cases: int
    reduction: str


@dataclass(frozen=True, slots=True)
class LossMoved:
    """The loss before the first and after the last update."""

    kind: ClassVar = "loss_moved"
    cost: str
    before: float
    after: float
    updates: int


Takeaway: TypeAlias = StepsBack | GatesSeen | InputsZero | CasesReduced | LossMoved


def takeaways(trace: Trace) -> tuple[Takeaway, ...]:
    """What to remember of a worked solution, in the order in which it is told."""
    graph, problem = trace.graph, trace.problem
    backward = [s for s in trace.steps if s.phase == "backward"]
    names = tuple(problem.parameters) or tuple(problem.data)
    found: list[Takeaway] = [StepsBack(graph.cost, len(backward), names, bool(problem.parameters))]
    gates = _gates(trace)
    if gates:
        notes = _notes(trace, "backward")
        shut = [(s, n) for s, n in notes if isinstance(n, GatedOff)] or [
            (s, n) for s, n in _notes(trace, "forward") if isinstance(n, GatedOff)
        ]
        count = max([n.case_count for _, n in shut], default=1)
        units = tuple(
            UnitOff(n.pre_activation, n.unit, n.cases or tuple(range(n.case_count)), s.id)
            for s, n in shut
        )
        found.append(GatesSeen(gates, units, count))
    zero = [n for _, n in _notes(trace, "backward") if isinstance(n, ZeroInput)]
    if zero:
        inputs = tuple(dict.fromkeys((n.name, n.unit) for n in zero))
        silenced = tuple(dict.fromkeys(z.name for n in zero for z in n.zeroes))
        found.append(InputsZero(inputs, silenced))
    if graph.cost != graph.loss:
        cases = int(np.size(trace.run.value(graph.loss)))
        found.append(CasesReduced(graph.cost, graph.loss, cases, problem.reduction))
    changes = [n for s in trace.steps for n in s.notes if isinstance(n, LossChange)]
    if changes:
        before, after = changes[0].before, changes[-1].after
        found.append(LossMoved(graph.cost, before, after, len(changes)))
    return tuple(found)


def _notes(trace: Trace, phase: Phase) -> list[tuple[Step, object]]:
    return [(s, n) for s in trace.steps if s.phase == phase for n in s.notes]


def _gates(trace: Trace) -> tuple[str, ...]:
    """The operations in the equations that are gates."""
    found: dict[str, None] = {}
    for name in trace.graph.equations:
        written = trace.graph.nodes[name].written
        for _, applied in activations_in(written):
            if operation_of(applied).gate:
                found[applied.operation] = None
    return tuple(found)
