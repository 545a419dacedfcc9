"""Practice sheets for a machine: the numbers of every variant, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from handgrad.practice import Meaning, Promise, Sheet

SCHEMA = "handgrad/practice/1"


def practice_object(sheets: Sequence[Sheet]) -> dict[str, Any]:
    """Sheets as plain objects; `draw` gives a variant again from its seed and position."""
    problem = sheets[0].variants.problem
    drawn = {
        id(v): {n: v.numbers(n) for n in (*problem.parameters, *problem.data)}
        for v in {id(s.variants): s.variants for s in sheets}.values()
    }

    def numbers(sheet: Sheet, names: Iterable[str]) -> dict[str, Any]:
        arrays = drawn[id(sheet.variants)]
        return {n: arrays[n][..., sheet.position].tolist() for n in names}

    return {
        "schema": SCHEMA,
        "title": problem.title,
        "meanings": {
            name: _meaning(meaning) for name, meaning in sheets[0].variants.meanings.items()
        },
        "promises": [_promise(p) for p in sheets[0].variants.promises],
        "sheets": [
            {
                "number": s.number,
                "label": s.label,
                "student": s.student.id if s.student else None,
                "seed": s.seed,
                "position": s.position,
                "parameters": numbers(s, problem.parameters),
                "data": numbers(s, problem.data),
            }
            for s in sheets
        ],
    }


def _meaning(meaning: Meaning) -> dict[str, Any]:
    """What numbers are, with the fields that this kind has."""
    told: dict[str, Any] = {"kind": meaning.kind, "because": meaning.because}
    told["reason"] = None if meaning.reason is None else asdict(meaning.reason)
    match meaning.kind:
        case "one_hot" | "probabilities":
            told["axis"] = meaning.axis
        case "class":
            told["classes"] = meaning.classes
        case "bounded":
            told |= {"low": meaning.low, "high": meaning.high}
    return told


def _promise(promise: Promise) -> dict[str, Any]:
    """What holds of every sheet, without the fields that say nothing of it."""
    fields = asdict(promise)
    told = {"kind", "count"} if promise.kind == "units_off" else {"kind"}
    return {name: value for name, value in fields.items() if value or name in told}
