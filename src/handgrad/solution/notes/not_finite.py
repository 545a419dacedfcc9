"""Numbers that floats do not have: the long way of a loss where an activation is rounded, and gradients that nothing needs."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Literal, Name, literal_of
from handgrad.graph.structure import Shortcut
from handgrad.page.blocks import NoteKind
from handgrad.record import record
from handgrad.solution.notes.note import MOST_NOTED, TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.notes.places import places
from handgrad.solution.structure import Phase, StepKind, TraceLine
from handgrad.text import Inline, Text, joined


def _truly(rounded: float, *, several: bool) -> Text:
    """What is true of entries that floats round to 0, or to 1."""
    it = "they are" if several else "it is"
    if rounded:
        return (f", though {it} less: nothing between is a float",)
    least = literal_of(np.asarray(sys.float_info.min))
    made = f", though {it} positive: what {it} made of has exponentials smaller than "
    return (made, least, ", the smallest number that floats hold with all their digits")


@record
class RoundedAway(TraceNote):
    """Entries of an activation that come out as 0 or 1, where the long way of its loss has no number.

    No real logits have a softmax of 0 or a sigmoid of 1: floats have nothing nearer (underflow,
    or rounding), and figures that are `rounded` on the way have sooner. `values` are the entries as they came out. `stable` is what the shortcut, which needs no
    logarithm or quotient of them, gives instead: the loss (forward), the gradient with respect to the
    pre-activation (backward). With many cases, the last index of an entry is its case.
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
    rounded: bool

    @classmethod
    def in_forward(cls, seen: NotedRun, line: TraceLine) -> Iterator[Self]:
        if line.role == "value":
            for shortcut in seen.graph.shortcuts:
                if line.target.name == shortcut.loss:
                    yield from cls._in(seen, shortcut, line)
                    return

    @classmethod
    def in_backward(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        if line.role in ("gradient", "chain"):
            for shortcut in seen.graph.shortcuts:
                if line.target.name == shortcut.pre_activation:
                    yield from cls._in(seen, shortcut, line)
                    return

    @classmethod
    def _in(cls, seen: NotedRun, shortcut: Shortcut, line: TraceLine) -> Iterator[Self]:
        """The entries of a shortcut's activation for which the gradient with respect to it has no number.

        `line` is that of the loss, or of the gradient with respect to the pre-activation.
        """
        for first in seen.long_way(shortcut):
            if first.target != Adjoint(shortcut.inner):
                continue
            values = seen.run.of(Name(shortcut.inner, shape=seen.graph.shape(first.target)))
            slopes = np.asarray(first.value, dtype=float)
            entries = _not_finite(slopes)
            if entries and values.shape == slopes.shape:
                yield cls(
                    phase="forward" if isinstance(line.target, Name) else "backward",
                    name=shortcut.inner,
                    pre_activation=shortcut.pre_activation,
                    loss=shortcut.loss,
                    entries=entries,
                    values=tuple(float(values[e]) for e in entries),
                    stable=line.value,
                    batched=line.batched,
                    case_count=values.shape[-1] if first.batched else 1,
                    rounded=seen.run.carry == "rounded",
                )

    @property
    def sign(self) -> NoteKind:
        return "warning"

    def text(self) -> Text:
        name = Name(self.name)
        alike = self.values[0] if len(set(self.values)) == 1 else math.nan
        parts: list[Inline] = [*places(name, self.case_count, self.entries)]
        several = len(self.entries) > 1
        parts += [" are " if several else " is "]
        is_end = alike in (0.0, 1.0)
        if is_end:
            parts += [Literal(alike), " as rounded here" if self.rounded else " in floats"]
        else:
            parts += [f"too near to 0 or 1 for {'so few decimals' if self.rounded else 'floats'}"]
        if self.phase == "forward":
            parts += _truly(alike, several=several) if is_end and not self.rounded else []
            parts += [
                ". As it is written, the loss would be infinite or undefined; worked out from "
            ]
            parts += [Name(self.pre_activation), " in its stable form, it is "]
            shown: Inline = Name(self.loss)
        else:
            divisor: list[Inline] = ["it"] if alike == 0 else ["1 − ", name]
            parts += [", and the long way divides by ", *divisor] if is_end else []
            parts += [". The shortcut divides by nothing: "]
            shown = Adjoint(self.pre_activation)
        return (*parts, shown, " = ", literal_of(self.stable, self.batched), ".")


@record
class UnaskedGradient(TraceNote):
    """Entries of a gradient that are infinite or undefined, and that no parameter's gradient needs.

    `undefined` lists those of `entries` that are NaN in floats rather than infinite. With many cases, the
    last index of an entry is its case.
    """

    kind: ClassVar = "unasked_gradient"
    name: str
    entries: tuple[tuple[int, ...], ...]
    undefined: tuple[tuple[int, ...], ...]
    case_count: int

    @classmethod
    def in_backward(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        if line.role == "gradient" and line.target in seen.unasked:
            yield from cls.of(seen, line.target.name)

    @classmethod
    def of(cls, seen: NotedRun, name: str) -> Iterator[Self]:
        """The entries of a gradient that are not finite, if there are any."""
        node = seen.graph.nodes[name]
        value = seen.run.of(Adjoint(name, shape=node.shape))
        if entries := _not_finite(value):
            yield cls(
                name=name,
                entries=entries,
                undefined=tuple(e for e in entries if np.isnan(value[e])),
                case_count=value.shape[-1] if node.batched else 1,
            )

    @property
    def sign(self) -> NoteKind:
        return "warning"

    def text(self) -> Text:
        infinite = [e for e in self.entries if e not in self.undefined]
        gradient = Adjoint(self.name)
        said: list[Text] = []
        # A number such as e⁻¹⁰²⁰ is 0 in floats: ln of it is finite on paper, and ln 0 − ln 0 of it infinite.
        words = ("infinite", "infinite or undefined")
        for entries, word in zip((infinite, self.undefined), words, strict=True):
            if entries:
                verb = "is" if len(entries) == 1 else "are"
                said.append((*places(gradient, self.case_count, entries), f" {verb} {word}"))
        return (
            *joined(said), " at these numbers. No parameter's gradient needs ",
            "it" if len(self.entries) == 1 else "them", ", so nothing else changes.",
        )  # fmt: skip


def _not_finite(array: Array) -> tuple[tuple[int, ...], ...]:
    found = np.argwhere(~np.isfinite(array))[:MOST_NOTED]
    return tuple(tuple(int(i) for i in entry) for entry in found)
