"""An audit of gates as one JSON object, at full precision. Its schema is `schema/gates.json`."""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.equations import source
from handgrad.explain.text import plain_text
from handgrad.gates import Audit, Certificate, Layer, Remedy, Unit
from handgrad.gates.structure import EXPLODING, NEARLY, NOISE, VANISHING, Revivers
from handgrad.gates.words import remedy_text, unit_text

SCHEMA = "handgrad/gates/1"


def gates_object(audit: Audit) -> dict[str, Any]:
    """The audit as plain objects; units and entries count from 0."""
    layers = {layer.name: layer for layer in audit.layers}
    return {
        "schema": SCHEMA,
        "title": audit.problem.title,
        "cases": audit.cases,
        "rows": list(audit.rows),
        "columns": list(audit.columns),
        "skipped": audit.skipped,
        "fixed": list(audit.fixed),
        "thresholds": {
            "saturated": audit.threshold,
            "vanishing": VANISHING,
            "exploding": EXPLODING,
            "nearly_dead": NEARLY,
            "noise": NOISE,
        },
        "over": {
            name: {"low": np.asarray(low).tolist(), "high": np.asarray(high).tolist()}
            for name, (low, high) in audit.over.items()
        },
        "trial": {"cases": audit.trial_cases, "units": audit.tried, "fire_on": audit.fire_on},
        "silencer": None if audit.silencer is None else audit.silencer.name,
        "layers": [_layer(layer) for layer in audit.layers],
        "units": [_unit(audit, layers[u.layer], u) for u in audit.units],
        "parts": {n: source(f) for n, f in audit.parts.items()},
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "pre_activation": source(layer.pre_activation),
        "operation": layer.operation,
        "gate": layer.gate,
        "units": layer.units,
        "dead": layer.dead,
        "dead_share": layer.dead_share,
        "firing": layer.firing,
        "gradient_in": _finite(layer.gradient_in),
        "gradient_out": _finite(layer.gradient_out),
        "ratio": _finite(layer.ratio),
        "flow": layer.flow,
        "shape": list(layer.shape),
        "axes": list(layer.axes),
        "positions": layer.positions,
        "shut": layer.shut,
        "silences": list(layer.silences),
        "time_step": layer.time_step,
    }


def _unit(audit: Audit, layer: Layer, unit: Unit) -> dict[str, Any]:
    return {
        "layer": unit.layer,
        "unit": list(unit.unit),
        "fired": unit.fired,
        "cases": unit.cases,
        "max_preactivation": _finite(unit.max_preactivation),
        "gradient": _finite(unit.gradient),
        "blocked": _finite(unit.blocked),
        "saturated": unit.saturated,
        "verdict": unit.verdict,
        "starved_by": unit.starved_by,
        "silences": [
            {
                "name": z.name,
                "part": z.part,
                "position": z.position,
                "entries": [list(e) for e in z.entries] if z.part == "entries" else [],
            }
            for z in unit.silences
        ],
        "fired_at": unit.fired_at,
        "own": [
            {"name": o.name, "role": o.role, "entries": [list(e) for e in o.entries]}
            for o in unit.own
        ],
        "revivers": revivers_object(unit.revivers),
        "remedies": [_remedy(r) for r in unit.remedies],
        "certificate": _certificate(unit.certificate),
        "text": plain_text(unit_text(audit, layer, unit)),
    }


def revivers_object(revivers: Revivers | None) -> dict[str, Any] | None:
    """What can still move a unit that is off, and whether that is nothing: `never` again."""
    if revivers is None:
        return None
    return {
        "rule": revivers.rule,
        "fixed": revivers.fixed,
        "below": list(revivers.below),
        "coasting": revivers.coasting,
        "decay": revivers.decay,
        "penalties": list(revivers.penalties),
        "shared": list(revivers.shared),
        "never": revivers.never,
    }


def _remedy(remedy: Remedy) -> dict[str, Any]:
    return {
        "kind": remedy.kind,
        "text": remedy_text(remedy),
        "works": remedy.works,
        "fired": remedy.fired,
        "cases": remedy.cases,
        "gradient": _finite(remedy.gradient),
        "own_gradient": _finite(remedy.own_gradient),
        "noise": _finite(remedy.noise),
        "missing": remedy.missing,
        "saturated": remedy.saturated,
        "parameter": remedy.parameter,
        "entry": list(remedy.entry),
        "amount": remedy.amount,
        "tried": remedy.tried,
        "operation": remedy.operation,
        "rate": remedy.rate,
        "updates": remedy.updates,
        "fired_otherwise": remedy.fired_otherwise,
        "draws": remedy.draws,
        "draws_firing": remedy.draws_firing,
        "draws_working": remedy.draws_working,
    }


def _certificate(certificate: Certificate | None) -> dict[str, Any] | None:
    if certificate is None:
        return None
    witness = certificate.witness
    return {
        "decided": certificate.decided,
        "upper": _finite(certificate.upper),
        "boxes": certificate.boxes,
        "witness": None
        if witness is None
        else {n: list(v) if isinstance(v, tuple) else v for n, v in witness.items()},
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
