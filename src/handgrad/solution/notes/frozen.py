"""Frozen parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

from handgrad.expression import Name
from handgrad.record import record
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.structure import StepKind, TraceLine
from handgrad.text import Text


@record
class Frozen(TraceNote):
    """A parameter whose rate is 0: no update moves it. It is said at the first one."""

    kind: ClassVar = "frozen"
    name: str

    @classmethod
    def in_update(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        name = line.target.name
        told = seen.kept(cls, set[str])
        if line.role == "updated" and name in seen.frozen and name not in told:
            told.add(name)
            yield cls(name)

    def text(self) -> Text:
        return (Name(self.name), " is frozen: its rate is 0, and no update moves it.")
