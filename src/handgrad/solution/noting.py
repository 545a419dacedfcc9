"""The notes on each step of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handgrad.expression import Call, walk
from handgrad.solution.notes import NOTES
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.structure import Phase, StepKind, TraceLine


def _with(hook: str) -> tuple[type[TraceNote], ...]:
    """The kinds of note that define a hook."""
    return tuple(kind for kind in NOTES if hook in vars(kind))


FORWARD, BACKWARD, UPDATE, CALL = map(_with, ("in_forward", "in_backward", "in_update", "at_call"))


def notes_of(
    seen: NotedRun, phase: Phase, kind: StepKind, lines: Sequence[TraceLine]
) -> tuple[TraceNote, ...]:
    """The notes on a step with these lines, in the order in which to read them."""
    if phase != "update":
        seen.introduced.update(line.target for line in lines if line.role == "let")
    return tuple(note for line in lines for note in _on_line(seen, phase, kind, line))


def _on_line(seen: NotedRun, phase: Phase, kind: StepKind, line: TraceLine) -> Iterator[TraceNote]:
    match phase:
        case "forward":
            for each in FORWARD:
                yield from each.in_forward(seen, line)
            # What stands in a formula twice is told once.
            for call in dict.fromkeys(n for n in walk(line.formula) if isinstance(n, Call)):
                for each in CALL:
                    yield from each.at_call(seen, line, call)
        case "backward":
            for each in BACKWARD:
                yield from each.in_backward(seen, line, kind)
        case "update":
            for each in UPDATE:
                yield from each.in_update(seen, line, kind)
