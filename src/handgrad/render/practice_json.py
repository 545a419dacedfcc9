"""Practice sheets for a machine: the numbers of every variant, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handgrad.practice import Sheet
from handgrad.render.json import plain

SCHEMA = "handgrad/practice/1"


def practice_object(sheets: Sequence[Sheet]) -> dict[str, Any]:
    """Sheets as plain objects; `draw` gives a variant again from its seed and position."""
    return {
        "schema": SCHEMA,
        "title": sheets[0].problem.title,
        "sheets": [
            {
                "number": s.number,
                "label": s.label,
                "student": s.student.id if s.student else None,
                "seed": s.seed,
                "position": s.position,
                "parameters": {n: plain(g.array) for n, g in s.problem.parameters.items()},
                "data": {n: plain(g.array) for n, g in s.problem.data.items()},
            }
            for s in sheets
        ],
    }
