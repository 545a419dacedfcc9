"""What the framework takes at a kink that a model was read from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

from handgrad.expression import Call
from handgrad.operations.frameworks import slopes_of
from handgrad.record import record
from handgrad.solution.notes.kink import AtKink
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.structure import TraceLine
from handgrad.text import Text


@record
class FrameworkSlope(TraceNote):
    """Numbers lie at a kink, and the model is of a framework whose slopes there were measured.

    Arguments:
        equation: whose operation has the kink.
        framework: that of the model.
        at: the call and the place of the kink, as it was measured.
        ours, theirs: the slopes that are taken here and there.
    """

    kind: ClassVar = "framework_slope"
    equation: str
    operation: str
    framework: str
    at: str
    ours: str
    theirs: str

    @classmethod
    def at_call(cls, seen: NotedRun, line: TraceLine, call: Call) -> Iterator[Self]:
        equation = line.target.name
        met = seen.kept(AtKink, list[AtKink])
        told = seen.kept(cls, set[tuple[str, str]])
        if (equation, call.operation) in told or not any(
            (n.equation, n.operation) == (equation, call.operation) for n in met
        ):
            return
        told.add((equation, call.operation))
        for at, ours, theirs in slopes_of(call.operation, seen.framework):
            yield cls(equation, call.operation, seen.framework, at, ours, theirs)

    def text(self) -> Text:
        has = f"{self.framework}, which the model is from, has the slope {self.theirs}"
        if self.ours == self.theirs:
            return (f"{has} here too (measured: {self.at}).",)
        return (f"{has} here, and these steps {self.ours} (measured: {self.at}).",)
