"""Practice sheets for a machine: the numbers of every variant, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from handgrad.practice import Sheet

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
