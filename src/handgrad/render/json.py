"""The trace as one JSON object, at full precision. Its schema is `schema/trace.json`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from handgrad.collector import paused
from handgrad.equations import Writer
from handgrad.explain import note_text, plain_text, reason, title
from handgrad.expression import Expression
from handgrad.finite import all_finite
from handgrad.numbers.running import OtherRun
from handgrad.operations.operation import Array
from handgrad.page.solution import error_signals, losses
from handgrad.render.formula import Formula
from handgrad.render.latex import LatexPen
from handgrad.render.style import Style
from handgrad.trace import Note, Step, Trace, TraceLine
from handgrad.verification import Verification

SCHEMA = "handgrad/trace/1"


@paused()
def to_json(trace: Trace) -> dict[str, Any]:
    """The trace as plain objects.

    Many cases lie along the last axis of a value; `cases` is their number, null for one
    case. What is infinite or undefined is null. Gradients of values that differ from case to
    case are those of each case's own loss; all others are of the loss over all the cases.
    """
    graph, problem = trace.graph, trace.problem
    names = list(graph.nodes)
    style = Style(
        decimals=trace.decimals,
        display=problem.display,
        error_signals=error_signals(trace),
        loss=graph.cost,
        losses=losses(trace),
    )
    steps = _Steps(trace, style)
    return {
        "schema": SCHEMA,
        "problem": {
            "title": problem.title,
            "description": problem.description,
            "equations": [{"target": e.target, "text": e.text} for e in problem.equations],
            "parameters": list(problem.parameters),
            "data": list(problem.data),
            "loss": graph.loss,
            "cost": graph.cost,
            "reduction": problem.reduction,
        },
        "cases": _cases(trace),
        "carry": trace.run.carry,
        "decimals": trace.decimals,
        "values": {n: plain(trace.run.value(n)) for n in names},
        "gradients": {n: plain(trace.run.gradient(n)) for n in names},
        "updated": {n: plain(v) for n, v in trace.updated.items()},
        "loss": plain(np.asarray(trace.run.loss)),
        "loss_after": trace.loss_after,
        "training": [
            {"step": t.number, "before": plain(t.before), "after": plain(t.after)}
            for t in trace.training
        ],
        "steps": [steps.step(s) for s in trace.steps],
    }


def verification_object(verification: Verification) -> dict[str, Any]:
    """A verification as plain objects."""
    methods = list(dict.fromkeys(c.method for c in verification.comparisons))
    return {
        "schema": "handgrad/verify/1",
        "agrees": verification.agrees,
        "largest_difference": {m: plain(np.asarray(verification.largest(m))) for m in methods},
        "loss": verification.loss,
        "not_finite": {n: [list(e) for e in at] for n, at in verification.not_finite.items()},
        "comparisons": [
            {
                "method": c.method,
                "name": c.name,
                "difference": plain(np.asarray(c.difference)),
                "tolerance": c.tolerance,
                "agrees": c.agrees,
                "at_kink": c.at_kink,
                "beside": c.beside,
                "entry": list(c.entry),
                "ours": plain(np.asarray(c.ours)),
                "theirs": plain(np.asarray(c.theirs)),
            }
            for c in verification.comparisons
        ],
        "skipped": dict(verification.skipped),
    }


def numbers_object(run: OtherRun) -> dict[str, Any]:
    """A run on exact numbers or symbols as plain objects: every number as text."""
    names = list(run.graph.nodes)
    return {
        "schema": "handgrad/numbers/1",
        "kind": run.kind,
        "values": {n: texts(run.value(n)) for n in names},
        "gradients": {n: texts(run.gradient(n)) for n in names if run.has_gradient(n)},
    }


def texts(array: Array) -> Any:
    """Nested lists of numbers as they are spelled."""
    return [texts(row) for row in array] if np.ndim(array) else str(np.asarray(array)[()])


def plain(array: Array) -> Any:
    """Nested lists of numbers, null for what is not finite."""
    values = np.add(array, 0.0)  # −0 as 0
    if all_finite(values):
        return values.tolist()
    return [plain(row) for row in values] if values.ndim else None


def _cases(trace: Trace) -> int | None:
    for given in (*trace.problem.parameters.values(), *trace.problem.data.values()):
        if given.cased:
            return int(given.array.shape[-1])
    return None


@dataclass
class _Steps:
    """The steps of a trace as plain objects."""

    trace: Trace
    style: Style

    def __post_init__(self) -> None:
        self.words = Writer()
        self.latex = Formula(LatexPen(self.style))

    def step(self, step: Step) -> dict[str, Any]:
        return {
            "id": step.id,
            "phase": step.phase,
            "kind": step.kind,
            "title": plain_text(title(self.trace, step)),
            "reason": plain_text(reason(self.trace, step)),
            "lines": [self.line(line) for line in step.lines],
            "uses": list(step.uses),
            "notes": [self.note(n) for n in step.notes],
        }

    def line(self, line: TraceLine) -> dict[str, Any]:
        return {
            "target": self.words.source(line.target),
            "role": line.role,
            "through": line.through,
            "formula": self.words.source(line.formula),
            "substituted": self.words.source(line.substituted),
            "latex": str(self.latex.draw(line.formula)),
            "value": plain(line.value),
            "shape": list(line.shape),
            "cased": line.cased,
        }

    def note(self, note: Note) -> dict[str, Any]:
        plain_fields = {f.name: self.field(getattr(note, f.name)) for f in fields(note)}
        return {**plain_fields, "text": plain_text(note_text(note))}

    def field(self, value: Any) -> Any:
        """A field of a note as JSON."""
        match value:
            case Expression():
                return self.words.source(value)
            case TraceLine():
                return self.line(value)
            case np.ndarray():
                return plain(value)
            case np.generic():
                return plain(np.asarray(value))
            case tuple():
                return [self.field(v) for v in value]
            case None | str() | int() | float() | bool():
                return value
            case _:
                return {f.name: self.field(getattr(value, f.name)) for f in fields(value)}
