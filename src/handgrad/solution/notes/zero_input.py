"""Zero inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np

from handgrad.expression import Adjoint, Name, leaves
from handgrad.record import record
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.noted import UNITS, NotedRun
from handgrad.solution.silencing import Zeroed
from handgrad.solution.structure import StepKind, TraceLine
from handgrad.text import Text, joined


@record
class ZeroInput(TraceNote):
    """A zero input, and the entries of a weight's gradient that it zeroes."""

    kind: ClassVar = "zero_input"
    name: str
    unit: tuple[int, ...]
    zeroes: tuple[Zeroed, ...]

    @classmethod
    def in_backward(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        if line.role != "gradient" or kind != "parameter_gradients":
            return
        name = line.target.name
        for part in seen.graph.gradients[name].parts:
            for leaf in leaves(part.formula):
                node = seen.graph.nodes.get(leaf.name)
                if node is None or isinstance(leaf, Adjoint) or node.kind != "data":
                    continue
                value = seen.run.of(leaf)
                always = (value == 0).all(axis=-1) if node.batched else value == 0
                for unit in np.argwhere(always)[:UNITS]:
                    index = tuple(int(i) for i in unit)
                    every = seen.silencing.zeroed(Name(leaf.name), index)
                    if zeroes := tuple(z for z in every if z.name == name):
                        yield cls(leaf.name, index, zeroes)

    def text(self) -> Text:
        return (
            "Because ", Name(self.name).entry(self.unit), " = 0, ",
            *joined([z.text() for z in self.zeroes]),
            " is zero." if len(self.zeroes) == 1 else " are zero.",
        )  # fmt: skip
