"""Typed records as plain JSON objects: formulas as source, arrays as nested lists."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from handgrad.equations import source
from handgrad.expression import Expression
from handgrad.render.json import plain
from handgrad.trace import TraceLine


def record(value: Any) -> Any:
    """A frozen dataclass, and all that is in it, as JSON; null for what is not finite."""
    match value:
        case None | str() | bool() | int():
            return value
        case float() | np.ndarray() | np.generic():
            return plain(np.asarray(value))
        case Expression():
            return source(value)
        case TraceLine():
            return line_record(value)
        case tuple():
            return [record(v) for v in value]
        case _:
            return {f.name: record(getattr(value, f.name)) for f in fields(value)}


def line_record(line: TraceLine) -> dict[str, Any]:
    """One computation: what it gives, its formula, the formula with numbers, its value."""
    return {
        "target": source(line.target),
        "index": list(line.index),
        "role": line.role,
        "formula": source(line.formula),
        "substituted": source(line.substituted),
        "value": plain(line.value),
        "cased": line.cased,
    }
