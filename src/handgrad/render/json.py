"""The trace as one JSON object, at full precision. Its schema is `schema/trace.json`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from handgrad.equations import source
from handgrad.explain import note_text, plain_text, reason, title
from handgrad.expression import Expression
from handgrad.numbers.running import OtherRun
from handgrad.operations.operation import Array
from handgrad.page.solution import error_signals, losses
from handgrad.render.latex import latex
from handgrad.render.style import Style
from handgrad.trace import Note, Step, Trace, TraceLine
from handgrad.verification import Verification

SCHEMA = "handgrad/trace/1"


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
        "steps": [_step(trace, s, style) for s in trace.steps],
    }


def verification_object(verification: Verification) -> dict[str, Any]:
    """A verification as plain objects."""
    methods = list(dict.fromkeys(c.method for c in verification.comparisons))
    return {
        "schema": "handgrad/verify/1",
        "agrees": verification.agrees,
        "largest_difference": {m: verification.largest(m) for m in methods},
        "comparisons": [
            {
                "method": c.method,
                "name": c.name,
                "difference": c.difference,
                "tolerance": c.tolerance,
                "agrees": c.agrees,
                "at_kink": c.at_kink,
                "entry": list(c.entry),
                "ours": c.ours,
                "theirs": c.theirs,
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
        "gradients": {n: texts(run.gradient(n)) for n in names},
    }


def texts(array: Array) -> Any:
    """Nested lists of numbers as they are spelled."""
    return [texts(row) for row in array] if np.ndim(array) else str(np.asarray(array)[()])


def plain(array: Array) -> Any:
    """Nested lists of numbers, null for what is not finite."""
    values = np.asarray(array, dtype=float) + 0.0  # −0 as 0
    if np.isfinite(values).all():
        return values.tolist()
    return [plain(row) for row in values] if values.ndim else None


def _cases(trace: Trace) -> int | None:
    for given in (*trace.problem.parameters.values(), *trace.problem.data.values()):
        if given.cased:
            return int(given.array.shape[-1])
    return None


def _step(trace: Trace, step: Step, style: Style) -> dict[str, Any]:
    return {
        "id": step.id,
        "phase": step.phase,
        "kind": step.kind,
        "title": plain_text(title(trace, step)),
        "reason": plain_text(reason(trace, step)),
        "lines": [_line(line, style) for line in step.lines],
        "uses": list(step.uses),
        "notes": [_note(n, style) for n in step.notes],
    }


def _line(line: TraceLine, style: Style) -> dict[str, Any]:
    return {
        "target": source(line.target),
        "role": line.role,
        "through": line.through,
        "formula": source(line.formula),
        "substituted": source(line.substituted),
        "latex": latex(line.formula, style=style),
        "value": plain(line.value),
        "shape": list(line.shape),
        "cased": line.cased,
    }


def _note(note: Note, style: Style) -> dict[str, Any]:
    plain_fields = {f.name: _field(getattr(note, f.name), style) for f in fields(note)}
    return {**plain_fields, "text": plain_text(note_text(note))}


def _field(value: Any, style: Style) -> Any:
    """A field of a note as JSON."""
    match value:
        case Expression():
            return source(value)
        case TraceLine():
            return _line(value, style)
        case np.ndarray():
            return plain(value)
        case np.generic():
            return plain(np.asarray(value))
        case tuple():
            return [_field(v, style) for v in value]
        case None | str() | int() | float() | bool():
            return value
        case _:
            return {f.name: _field(getattr(value, f.name), style) for f in fields(value)}
