"""What an update does to the loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Self

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Leaf, Literal, Name
from handgrad.finite import all_finite
from handgrad.graph import Graph
from handgrad.graph.asked import unasked
from handgrad.page.blocks import NoteKind
from handgrad.record import record
from handgrad.solution.notes.kink import AtKink
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.structure import StepKind, TraceLine
from handgrad.text import Inline, Text

LITTLE = 1e-3
"""The share of itself by which a loss changes so little that two figures of it may look the same."""


KINKED = (
    "Numbers of the forward pass lie at a kink: to its other side the slope is another, and a step against the "
    "gradient need not lower the loss."
)
"""Why a loss may rise at any rate."""


def is_little(before: float, after: float) -> bool:
    """Whether a change of the loss is told better than what it was and is."""
    return abs(after - before) <= LITTLE * abs(before)


@record
class LossChange(TraceNote):
    """The loss before and after the update.

    `at_kink`: it rose after the first one, and numbers of the pass before that lie where an operation has no derivative.
    """

    kind: ClassVar = "loss_change"
    before: float
    after: float
    at_kink: bool = False

    @classmethod
    def in_update(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        if kind == "loss_after" and line.role == "cost":
            losses = seen.kept(cls, lambda: [float(np.mean(seen.run.total))])
            losses.append(float(line.value))
            before, after = losses[-2:]
            kinks = seen.kept(AtKink, list[AtKink]) if len(losses) == 2 and after > before else []
            yield cls(before, after, bool(kinks))

    @property
    def sign(self) -> NoteKind:
        return "check" if self.after < self.before else "warning"

    def text(self) -> Text:
        if self.after < self.before:
            word = "fell"
        elif self.after > self.before:
            word = "rose"
        else:
            return ("The loss is unchanged at ", Literal(self.after), ".")
        because = f" {KINKED}" if self.at_kink else ""
        if is_little(self.before, self.after):
            return (f"The loss {word} by ", Literal(abs(self.after - self.before)), f".{because}")
        return (
            f"The loss {word} from ", Literal(self.before), " to ", Literal(self.after), f".{because}",
        )  # fmt: skip


@record
class Diverged(TraceNote):
    """The first number after an update that is not finite, and its equation: a parameter has none.

    `gradient` says whether it is the gradient with respect to `name` rather than its value, and `undefined` that
    it is no number rather than infinite.
    """

    kind: ClassVar = "diverged"
    update: int
    name: str
    gradient: bool
    equation: int
    undefined: bool

    @classmethod
    def find(
        cls, update: int, graph: Graph, numbers: Mapping[Leaf, Array], parameters: Iterable[str]
    ) -> Self | None:
        """What is not finite in the run after an update; None if the next update can be made."""

        def finite(leaf: Leaf) -> bool:
            return all_finite(np.asarray(numbers[leaf], dtype=float))

        cost = Name(graph.cost)
        if finite(cost) and all(finite(Adjoint(name)) for name in parameters):
            return None
        aside = unasked(graph)
        lines = [x.leaf for x in graph.backward if x.leaf.name in graph.nodes]
        order: list[Leaf] = [
            *map(Name, parameters),
            *(Name(n) for n in graph.equations),
            cost,
            *(leaf for leaf in lines if leaf not in aside),
        ]
        first = next(leaf for leaf in order if not finite(leaf))
        return cls(
            update=update,
            name=first.name,
            gradient=isinstance(first, Adjoint),
            equation=graph.nodes[first.name].equation,
            undefined=bool(np.isnan(numbers[first]).any()),
        )

    @property
    def sign(self) -> NoteKind:
        return "warning"

    def text(self) -> Text:
        first: Inline = Adjoint(self.name) if self.gradient else Name(self.name)
        if self.undefined and not (self.equation or self.gradient):
            return (
                f"Update {self.update} divides 0 by 0: an entry of ", first, " is not defined after it.",
            )  # fmt: skip
        place = f" (equation {self.equation})" if self.equation else ""
        return (
            f"After update {self.update} the numbers are too large to go on: ", first,
            f"{place} is the first that is no longer finite. A smaller learning rate takes shorter steps.",
        )  # fmt: skip
