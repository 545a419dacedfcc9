"""Studies as JSON objects, at full precision. Their schemas are in `schema/`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from handgrad.render.gates_json import revivers_object
from handgrad.study import BornDead, OverTraining, Unit


def born_dead_object(study: BornDead) -> dict[str, Any]:
    """A study of networks that are born dead; the schema is `schema/born-dead.json`."""
    return {"schema": "handgrad/born-dead/1", **_study(study)}


def born_dead_table_object(studies: Sequence[BornDead], depths: Sequence[int]) -> dict[str, Any]:
    """Studies by width, each with the shares at the depths; the schema is `schema/born-dead-table.json`."""
    rows = [
        {
            "width": study.widths[0],
            "depths": [d for d in _depths(study) if d["layers"] in depths],
        }
        for study in studies
    ]
    first = studies[0]
    return {
        "schema": "handgrad/born-dead-table/1",
        "inputs": first.inputs,
        "init": first.init,
        "over": list(first.over),
        "seed": first.seed,
        "networks": first.networks,
        "exact": first.exact,
        "rows": rows,
    }


def _study(study: BornDead) -> dict[str, Any]:
    known, examined = study.bounds, study.examined
    return {
        "estimate": study.estimate,
        "standard_error": study.standard_error,
        "networks": study.networks,
        "widths": list(study.widths),
        "inputs": study.inputs,
        "init": study.init,
        "over": list(study.over),
        "seed": study.seed,
        "points": study.points,
        "exact": study.exact,
        "lower": None if known is None else known.lower,
        "upper": None if known is None else known.upper,
        "examined": None
        if examined is None
        else {
            "networks": examined.networks,
            "dead": examined.dead,
            "proved": examined.proved,
        },
        "depths": _depths(study),
    }


def _depths(study: BornDead) -> list[dict[str, Any]]:
    found = []
    for layers in range(1, len(study.widths) + 1):
        known = study.bounds_at(layers)
        found.append(
            {
                "layers": layers,
                "estimate": study.share(layers),
                "standard_error": study.error(layers),
                "lower": None if known is None else known.lower,
                "upper": None if known is None else known.upper,
            }
        )
    return found


# -- training -------------------------------------------------------------------------------


def training_object(study: OverTraining) -> dict[str, Any]:
    """A problem in training; the schema is `schema/training.json`."""
    return {"schema": "handgrad/training/1", **_training(study)}


def training_comparison_object(studies: Sequence[OverTraining]) -> dict[str, Any]:
    """Trainings side by side, the first the problem as it is; the schema is `schema/training.json`."""
    base, *others = studies
    return {**training_object(base), "compared": [_training(study) for study in others]}


def _training(study: OverTraining) -> dict[str, Any]:
    return {
        "name": study.name,
        "title": study.problem.title,
        "rule": study.update.rule,
        "rate": study.update.rate,
        "cases": study.cases,
        "rows": list(study.rows),
        "columns": list(study.columns),
        "batch": study.batch,
        "seed": study.seed,
        "gates": study.gates,
        "stopped": study.stopped,
        "steps": list(study.steps),
        "losses": [_finite(loss) for loss in study.losses],
        "layers": [
            {
                "layer": layer.name,
                "units": layer.units,
                "dead": list(study.dead[layer.name]),
                "dead_at_start": _entries(study.started_dead, layer.name),
                "dead_at_end": _entries(study.ended_dead, layer.name),
                "revivers": [
                    {"unit": list(unit), **(revivers_object(revivers) or {})}
                    for (name, unit), revivers in study.revivers.items()
                    if name == layer.name
                ],
                "shape": list(layer.facts.shape),
                "axes": list(layer.facts.axes),
            }
            for layer in study.layers
        ],
        "events": [
            {
                "kind": event.kind,
                "step": event.step,
                "since": event.since,
                "layer": event.layer,
                "unit": list(event.unit),
                "before": _finite(event.before),
                "after": _finite(event.after),
                "case": event.case,
                "from": _finite(event.from_value),
                "to": _finite(event.to_value),
                "own": _finite(event.own),
                "below": _finite(event.below),
                "cause": event.cause,
                "own_by": list(event.own_by),
            }
            for event in study.events
        ],
    }


def _entries(units: Sequence[Unit], layer: str) -> list[list[int]]:
    return [list(unit) for name, unit in units if name == layer]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
