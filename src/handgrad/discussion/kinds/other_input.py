"""Which gates another input opens and shuts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Self

import numpy as np

from handgrad.arrays import Array
from handgrad.discussion.changed_units import MOST_UNITS, UnitAt, units_at
from handgrad.discussion.lookup import solved_alike
from handgrad.discussion.phrases import LISTED, in_case
from handgrad.discussion.question import Question
from handgrad.expression import Literal, Name, literal_of
from handgrad.problem import Given
from handgrad.record import record
from handgrad.solution import Trace
from handgrad.solution.units import Units, units
from handgrad.text import Text, few, listed, ordinal

FEW = 3
"""The most changed gates that get a sentence each."""

SHORT = 8
"""An input with at most this many entries is written out in a sentence."""


@record
class OtherInput(Question):
    """Which gates another input opens and shuts.

    The units in `off` go off and those in `on` come on; with the other input, `shut` of `count` gates are shut.
    """

    kind: ClassVar = "other_input"
    title: ClassVar = "Another input"
    name: str
    before: Array
    value: Array
    batched: bool
    off: tuple[UnitAt, ...]
    on: tuple[UnitAt, ...]
    shut: int
    count: int
    loss: float
    other_loss: float
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """The first candidate that changes which gates are shut, or the first of all if none does."""
        before = [u for u in units(trace) if u.gate]
        if not trace.graph.has_loss or not before or sum(u.z.size for u in before) > MOST_UNITS:
            return None
        name = _input(trace, before)
        if name is None:
            return None
        given = trace.problem.data[name]
        fallback: Self | None = None
        for value in _candidates(given):
            if np.array_equal(value, given.array):
                continue
            problem = trace.problem.with_values({name: Given(value, given.batched)})
            other = solved_alike(trace, problem)
            after = {u.activation: u for u in units(other)} if other is not None else {}
            if other is None or any(u.activation not in after for u in before):
                continue
            found = cls._changed(trace, before, other, after, name, value)
            if found.off or found.on:
                return found
            fallback = fallback or found
        return fallback

    @classmethod
    def _changed(
        cls,
        trace: Trace,
        before: list[Units],
        other: Trace,
        after: dict[str, Units],
        name: str,
        value: Array,
    ) -> Self:
        off: list[UnitAt] = []
        on: list[UnitAt] = []
        for unit in before:
            for each in units_at(unit, after[unit.activation]):
                if each.shuts:
                    off.append(each)
                elif each.opens:
                    on.append(each)
        return cls(
            name=name,
            before=trace.problem.data[name].array,
            value=value,
            batched=trace.problem.data[name].batched,
            off=tuple(off),
            on=tuple(on),
            shut=sum(int(after[u.activation].shut.sum()) for u in before),
            count=sum(u.z.size for u in before),
            loss=float(np.mean(trace.run.loss)),
            other_loss=float(np.mean(other.run.loss)),
            steps=tuple(dict.fromkeys(u.step for u in before)),
        )

    def asked(self) -> Text:
        return (
            "If ", *self._other(),
            ", which units would go off, and which would come on? Try to predict before computing.",
        )  # fmt: skip

    def answer(self) -> tuple[Text, ...]:
        answer: list[Text] = []
        answer += _told(self.off, "goes off", "go off")
        answer += _told(self.on, "comes on", "come on")
        changed = len(self.off) + len(self.on)
        if not changed:
            answer.append(
                ("No gate changes: what is open stays open, and what is shut stays shut.",)
            )
        others = 0 < changed < self.count
        said = "No other gate opens or shuts. " if others else ""
        shut = f"{self.shut} of {self.count} gates {'is' if self.shut == 1 else 'are'} shut"
        if self.count == 1:
            shut = f"the gate is {'shut' if self.shut else 'open'}"
        same = self.other_loss == self.loss
        loss: Text = ("stays at ",) if same else ("is ", Literal(self.other_loss), " instead of ")
        answer.append(
            (
                f"{said}With this input {shut}, and the loss ", *loss, Literal(self.loss), f" (compare step{'s' if len(self.steps) > 1 else ''} {listed(self.steps)}).",
            )
        )  # fmt: skip
        return tuple(answer)

    def _other(self) -> Text:
        name = Name(self.name)
        if self.value.size <= SHORT and not self.batched:
            return (
                name,
                " were ",
                literal_of(self.value),
                " instead of ",
                literal_of(self.before),
            )
        if not self.value.any():
            return (name, " were 0 everywhere")
        return ("every entry of ", name, " had the opposite sign")


def _input(trace: Trace, gates: list[Units]) -> str | None:
    """The first datum that a gate's pre-activation depends on."""
    reached = {n for u in gates for n in _ancestors(trace, u.activation)}
    return next((n for n in trace.problem.data if n in reached), None)


def _ancestors(trace: Trace, name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    users = trace.graph.consumers
    while waiting:
        at = waiting.pop()
        for source, equations in users.items():
            if at in equations and source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _candidates(given: Given) -> Iterator[Array]:
    """Unit vectors, the input with its sign flipped, the zero input."""
    array = given.array
    if array.ndim == 1 and not given.batched:
        yield from np.eye(len(array))[:8]
    yield -array + 0.0
    yield np.zeros_like(array)


def _told(units: Sequence[UnitAt], does: str, do: str) -> list[Text]:
    """A sentence for each gate if they are few, one list if they are many."""
    if len(units) <= FEW:
        return [
            (
                *_unit(u), f" {does}: ", u.entry, f" {'falls' if u.other_z < u.z else 'rises'} from ",
                Literal(u.z), " to ", Literal(u.other_z), ".",
            )
            for u in units
        ]  # fmt: skip
    shown = few(
        units,
        LISTED,
        lambda u: (u.entry, *in_case(u.case), " (", Literal(u.z), " to ", Literal(u.other_z), ")"),
    )
    number = len(units)
    many = f"{number} units {do}"
    if units[0].case is not None:
        many = f"Over the cases, units {do} {number} times"
    return [(f"{many}: ", *shown, ".")]


def _unit(unit: UnitAt) -> Text:
    index = unit.unit
    where = f" of layer {unit.layer}" if unit.layer else ""
    where = f" at time step {unit.time_step}" if unit.time_step else where
    case = f"In case {unit.case + 1} " if unit.case is not None else ""
    if len(index) == 1:
        the = "the" if case else "The"
        return (f"{case}{the} {ordinal(index[0])} unit{where}",)
    if not index:
        return (f"{case}{'the' if case else 'The'} unit{where}",)
    return (f"{case}{'entry' if case else 'Entry'} {tuple(i + 1 for i in index)}{where}",)
