"""What floats would leave of a 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np

from handgrad.expression import Leaf, Literal
from handgrad.record import record
from handgrad.solution.notes.note import MOST_NOTED, TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.notes.places import places
from handgrad.solution.structure import StepKind, TraceLine
from handgrad.text import Text


@record
class RoundingResidue(TraceNote):
    """Entries that are 0, of which floating-point arithmetic would have left `left`.

    With many cases, the last index of an entry is its case.
    """

    kind: ClassVar = "rounding_residue"
    of: Leaf
    entries: tuple[tuple[int, ...], ...]
    left: tuple[float, ...]
    case_count: int

    @classmethod
    def in_forward(cls, seen: NotedRun, line: TraceLine) -> Iterator[Self]:
        left = seen.residues.get(line.target)
        if left is not None:
            entries = [tuple(int(i) for i in entry) for entry in np.argwhere(left)][:MOST_NOTED]
            yield cls(
                of=line.target,
                entries=tuple(entries),
                left=tuple(float(left[e]) for e in entries),
                # What is the same in every case may be left without them.
                case_count=left.shape[-1] if left.ndim > len(line.shape) else 1,
            )

    @classmethod
    def in_backward(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        return cls.in_forward(seen, line)

    def text(self) -> Text:
        return (
            *places(self.of, self.case_count, self.entries), f" {'is' if len(self.entries) == 1 else 'are'} exactly 0. Binary numbers cannot hold every "
            "decimal: a program that computes with them would be left with ", Literal(self.left[0]),
            " here." if len(self.entries) == 1 else " in the first.",
        )  # fmt: skip
