"""Shut gates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np

from handgrad.expression import Adjoint, Call, Expression, Leaf, Literal, Name, substitute, walk
from handgrad.graph import Activation
from handgrad.operations import noun_of, operation_of
from handgrad.operations.gates import is_open, opened_by, splits_ties
from handgrad.page.blocks import NoteKind
from handgrad.record import record
from handgrad.solution.notes.note import MOST_NOTED, TraceNote
from handgrad.solution.notes.noted import UNITS, NotedRun
from handgrad.solution.notes.places import unit_words
from handgrad.solution.silencing import Zeroed, would_move
from handgrad.solution.structure import Phase, StepKind, TraceLine
from handgrad.text import Inline, Text, all_of, cases_words, joined, sentence


@record
class GatedOff(TraceNote):
    """A unit whose gate is shut: its pre-activation is not positive.

    Arguments:
        blocked: the gradient that arrived at its output and was stopped there; None in the forward pass.
        zeroes: what that makes zero.
        cases: the cases in which it is off; empty for a single case.
        around: whether its pre-activation gets a gradient all the same, along a path without the gate.
        stopped: the gradient that arrived in each of `cases`, if known.
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

    @classmethod
    def at_call(cls, seen: NotedRun, line: TraceLine, call: Call) -> Iterator[Self]:
        known = seen.activations_in(line.formula).get(call)
        if known is not None and operation_of(known).gate:
            yield from cls._shut(seen, known, line.target.name, "forward", splits_ties(call))

    @classmethod
    def in_backward(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        gates = seen.kept(cls, lambda: _Gates(seen))
        if not gates.by_pre_activation:
            return
        gate = gates.on(line.target.name)
        if gate is None:
            for gate in gates.met(line):
                yield from cls._shut(seen, gate.call, gate.equation, "backward", gate.splits_ties)
        elif line.role in ("gradient", "chain"):
            gates.told.add((gate.equation, gate.call.arguments[0]))
            yield from cls._blocking(seen, gate, line.target.name)

    @classmethod
    def _blocking(cls, seen: NotedRun, gate: Activation, name: str) -> Iterator[Self]:
        """The units that are shut on the way back to `name`, what they stop and what that zeroes."""
        call, activation = gate.call, gate.equation
        # What arrives at a gate within a longer formula is not the gradient of its equation's value.
        output = activation if gate.alone and activation in seen.graph.nodes else name
        above = Adjoint(output)
        known = output != name and above in seen.run.numbers
        arriving = seen.run.of(above) if known else None
        shut = cls._shut(seen, call, activation, "backward", gate.splits_ties)
        passed = np.asarray(seen.run.of(Adjoint(name)))
        in_cases = seen.graph.batched(Adjoint(name))
        for position, note in enumerate(shut):
            blocked = None
            stopped: tuple[float, ...] = ()
            arrived = None if arriving is None else np.ravel(arriving[note.unit])
            if arrived is not None and not note.cases and arrived.size == 1:
                blocked = float(abs(arrived[0]))
            if arrived is not None and note.cases and arrived.size in (1, note.case_count):
                every = np.broadcast_to(arrived, (note.case_count,))
                stopped = tuple(every[list(note.cases)].tolist())
            zeroes: tuple[Zeroed, ...] = ()
            if len(note.cases) in (0, note.case_count) and position < UNITS:
                # Where nothing arrives the gate is not why nothing goes on from it.
                if arriving is None or np.any(arriving[note.unit]):
                    zeroes = _silenced(seen, Adjoint(name), note.unit)
                value = _silenced(seen, Name(output), note.unit)
                zeroes += tuple(z for z in value if _by_value(seen, z, output, note.unit))
            gradient = passed[note.unit]
            there = note.cases and in_cases  # a gradient may be the same in every case
            around = bool(np.any(gradient[..., list(note.cases)] if there else gradient))
            yield replace(note, blocked=blocked, zeroes=zeroes, around=around, stopped=stopped)

    @classmethod
    def _shut(
        cls, seen: NotedRun, call: Call, activation: str, phase: Phase, splits_ties: bool
    ) -> list[Self]:
        """The units of a gate that are shut, at most `MOST_NOTED`."""
        argument = call.arguments[0]
        z = seen.run.of(argument)
        if not seen.graph.batched(argument):
            z = z[..., None]
        shut = ~is_open(z, splits_ties=splits_ties)
        count = z.shape[-1]
        largest = z.max(axis=-1)
        notes: list[Self] = []
        for unit in map(tuple, np.argwhere(shut.any(axis=-1))[:MOST_NOTED].tolist()):
            notes.append(
                cls(
                    pre_activation=argument,
                    activation=activation,
                    operation=call.operation,
                    unit=unit,
                    value=float(largest[unit]),
                    phase=phase,
                    cases=tuple(np.flatnonzero(shut[unit]).tolist()) if count > 1 else (),
                    case_count=count,
                )
            )
        return notes

    @property
    def sign(self) -> NoteKind:
        return "gate"

    def text(self) -> Text:
        z = self.pre_activation.entry(self.unit)
        noun = noun_of(self.operation)
        if self.cases and len(self.cases) < self.case_count:
            cases = f"{cases_words(self.cases)} of {self.case_count}"
            tail = (
                (
                    f"no gradient passes {noun} there, and what arrives comes by another way"
                    if self.around
                    else "no gradient passes it there"
                )
                if self.phase == "backward"
                else f"{noun} shuts it off there"
            )
            return sentence(
                unit_words(self.unit), " is off in ", f"{cases} (", z, f" ≤ 0): {tail}."
            )
        everywhere = f" in {all_of(self.case_count, 'cases')}" if self.case_count > 1 else ""
        if self.phase == "forward":
            relation = " = " if not everywhere else " ≤ "
            sign = " < 0" if self.value < 0 else ""
            return sentence(
                unit_words(self.unit), " is gated off", everywhere, ": ", z, relation,
                Literal(self.value), f"{sign if not everywhere else ''}, so {noun} gives 0.",
            )  # fmt: skip
        parts: list[Inline] = list(
            sentence(unit_words(self.unit), " is gated off", everywhere, " (", z, " ≤ 0): ")
        )
        # The weights that take up the unit's output get no gradient because that is 0.
        gives = " and it gives 0" if self.zeroes else ""
        if self.blocked == 0:
            arrives = (
                "which is 0 here, and gives 0" if self.zeroes else "and what arrives here is 0"
            )
            parts += [f"it stops whatever arrives, {arrives}."]
        elif self.blocked is not None:
            parts += ["it blocks a gradient of size ", Literal(self.blocked), f"{gives}."]
        elif self.around:
            parts += [f"no gradient passes {noun}; what arrives at ", z, " comes by another way."]
        else:
            parts += [f"no gradient passes it{gives}."]
        if self.zeroes:
            parts += [" That zeroes ", *joined([z.text() for z in self.zeroes]), "."]
            if not everywhere:
                parts += [" Those weights learn nothing from this example."]
        return tuple(parts)


class _Gates:
    """The gates of a run by their pre-activation, and those with a note already."""

    def __init__(self, seen: NotedRun) -> None:
        self.lets = seen.graph.lets
        self.told: set[tuple[str, Expression]] = set()
        self.by_pre_activation: dict[Expression, list[Activation]] = {}
        for activation in seen.activations:
            if activation.gate:
                self.by_pre_activation.setdefault(activation.pre_activation, []).append(activation)

    def on(self, name: str) -> Activation | None:
        """The gate applied to the value, or the part of an equation, that `name` names."""
        let = self.lets.get(name)
        pre: Expression = let.written if let is not None else Name(name)
        for gate in self.by_pre_activation.get(pre, ()):
            if let is None or let.equation == gate.equation:
                return gate
        return None

    def met(self, line: TraceLine) -> Iterator[Activation]:
        """The gates inside longer formulas that the gradient passes on the way to this line, each once."""
        for node in walk(line.formula):
            looked_at = opened_by(node)
            if looked_at is None:
                continue
            pre = self._opened(looked_at)
            for gate in self.by_pre_activation.get(pre, ()):
                if (gate.equation, pre) not in self.told and gate.equation in (line.through, ""):
                    self.told.add((gate.equation, pre))
                    yield gate

    def _opened(self, formula: Expression) -> Expression:
        """A formula with its named parts written out as in the equations."""
        lets = self.lets
        return substitute(
            formula,
            lambda e: lets[e.name].written if isinstance(e, Name) and e.name in lets else None,
        )


def _by_value(seen: NotedRun, zeroed: Zeroed, output: str, unit: tuple[int, ...]) -> bool:
    """Whether entries of a gradient are 0 as a unit gives 0: were it 1, they would not be."""
    return would_move(seen.run, zeroed.name, Name(output), unit, np.asarray(1.0), zeroed.entries)


def _silenced(seen: NotedRun, leaf: Leaf, unit: tuple[int, ...]) -> tuple[Zeroed, ...]:
    """What an entry of a value or gradient zeroes; nothing if another path keeps it from being 0."""
    return () if np.any(seen.run.of(leaf)[unit]) else seen.silencing.zeroed(leaf, unit)
