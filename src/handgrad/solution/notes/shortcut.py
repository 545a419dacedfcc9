"""A loss and its activation differentiated as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np

from handgrad.expression import Adjoint, Expression, Name, leaves
from handgrad.finite import all_finite
from handgrad.graph import Line
from handgrad.graph.structure import Shortcut
from handgrad.operations.annotate import tidied
from handgrad.page.blocks import Derivation
from handgrad.record import record
from handgrad.running.evaluate import value_of
from handgrad.solution.long_way import long_line
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.structure import StepKind, TraceLine
from handgrad.text import Text


@record
class ShortcutTaken(TraceNote):
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

    @classmethod
    def in_backward(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        if line.role in ("gradient", "chain"):
            for shortcut in seen.graph.shortcuts:
                if shortcut.pre_activation == line.target.name:
                    yield cls._of(seen, shortcut)

    @classmethod
    def _of(cls, seen: NotedRun, shortcut: Shortcut) -> Self:
        """The shortcut with its long way line by line, each part of an equation defined first."""
        graph = seen.graph
        values = {k: np.asarray(v, dtype=float) for k, v in seen.run.numbers.items()}
        short = value_of(tidied(shortcut.short.formula, graph.shape), values, graph.batched_leaves)
        long = seen.long_way(shortcut)
        lines = [x for line in long for x in (*_introduced(seen, line.formula), line)]
        return cls(
            loss=shortcut.loss,
            operation=shortcut.operation,
            activation=shortcut.activation,
            inner=shortcut.inner,
            pre_activation=shortcut.pre_activation,
            long=tuple(lines),
            agrees=bool(np.allclose(long[-1].value, short, rtol=1e-9, atol=1e-9)),
            whole=shortcut.whole,
        )

    def text(self) -> Text:
        through: Text = (", goes through ", Name(self.inner)) if self.inner else ()
        return ("The long way, one factor at a time", *through, f" ({self._agreement()}):")

    def _agreement(self) -> str:
        if self.agrees:
            return "and it agrees"
        if all(all_finite(line.value) for line in self.long):
            return "but floats lose its digits on the way"
        return "but floats have no number for it here"

    def derivations(self) -> tuple[Derivation, ...]:
        return (Derivation(tuple(line.relation() for line in self.long)),)


def _introduced(seen: NotedRun, formula: Expression) -> list[TraceLine]:
    """Lines that define the parts of equations in a formula, if no line before has."""
    lines: list[TraceLine] = []
    for leaf in leaves(formula):
        let = seen.graph.lets.get(leaf.name)
        if let is None or isinstance(leaf, Adjoint) or leaf in seen.introduced:
            continue
        seen.introduced.add(leaf)
        lines += _introduced(seen, let.formula)
        line = Line(Name(let.name, shape=let.shape), let.formula, let.equation)
        value = np.asarray(seen.run.numbers[leaf], dtype=float)
        lines.append(long_line(line, let.formula, value, seen.run.numbers, seen.graph))
    return lines
