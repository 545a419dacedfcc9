"""A comparison as one JSON object. Its schema is `schema/comparison.json`."""

from __future__ import annotations

from typing import Any

from handgrad.comparison import Comparison, gate_text, labels
from handgrad.comparison.structure import LineDifference, StepPair
from handgrad.equations import source
from handgrad.explain import plain_text, title
from handgrad.render.json import plain
from handgrad.render.records import record
from handgrad.trace import Trace

SCHEMA = "handgrad/comparison/1"


def comparison_object(comparison: Comparison) -> dict[str, Any]:
    """What differs between two solutions, as plain objects at full precision."""
    return {
        "schema": SCHEMA,
        "same": comparison.same,
        "labels": [plain_text(text) for text in labels(comparison)],
        "titles": [comparison.left.problem.title, comparison.right.problem.title],
        "changes": [record(change) for change in comparison.changes],
        "gates": comparison.gates,
        "gate_changes": [
            {**record(change), "text": plain_text(gate_text(change))}
            for change in comparison.gate_changes
        ],
        "apart": list(comparison.apart),
        "quantities": [record(quantity) for quantity in comparison.quantities],
        "steps": [_pair(comparison, pair) for pair in comparison.steps],
    }


def _pair(comparison: Comparison, pair: StepPair) -> dict[str, Any]:
    trace: Trace = comparison.left if pair.left is not None else comparison.right
    step = pair.left or pair.right
    assert step is not None
    return {
        "left": pair.left.id if pair.left else None,
        "right": pair.right.id if pair.right else None,
        "phase": step.phase,
        "title": plain_text(title(trace, step)),
        "same": pair.same,
        "lines": [_line(line) for line in pair.lines],
    }


def _line(line: LineDifference) -> dict[str, Any]:
    role = line.left or line.right
    assert role is not None
    return {
        "target": source(line.target),
        "role": role.role,
        "same": line.same,
        "formula_changed": line.formula,
        "shape_changed": line.shape,
        "entries": [list(e) for e in line.entries],
        "left": plain(line.left.value) if line.left else None,
        "right": plain(line.right.value) if line.right else None,
    }
