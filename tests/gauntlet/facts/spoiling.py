"""False statements made of true ones: a record with one of its fields changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from handgrad.expression import Adjoint, Call, Literal, Name


def with_field(record: Any, name: str, value: Any) -> Any:
    """A copy of a frozen record with another value in one field."""
    new = object.__new__(type(record))
    for each in fields(record):
        object.__setattr__(
            new, each.name, value if each.name == name else getattr(record, each.name)
        )
    return new


LAYOUT = ("kind", "row")
"""Fields that say how a record is written, and nothing of the problem."""


def spoiled(record: Any, leave: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """Copies of a record with each field changed in turn, but those to `leave`, in records inside it too."""
    for each in fields(record):
        if each.name in LAYOUT or each.name in leave:
            continue
        for position, value in enumerate(_others(getattr(record, each.name), leave)):
            yield f"{each.name} ({position})", with_field(record, each.name, value)


def _others(value: Any, leave: Collection[str] = ()) -> list[Any]:
    """Values of the same type that say something else."""
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1]
        case float():
            return [1.5 * value + 0.37]
        case str():
            return [f"{value}_"] if value else []
        case Literal():
            return [Literal(_shifted(value.value), value.batched)]
        case Name():
            return [Name(f"{value.name}_")]
        case Adjoint():
            return [Adjoint(f"{value.name}_")]
        case Call():
            return [Call("negate", (value,), shape=value.shape)]
        case np.ndarray():
            return [value + 1]
        case tuple() if not value:
            return []
        case tuple() if all(isinstance(v, int) and not isinstance(v, bool) for v in value):
            return [(*value[:-1], value[-1] + 1)]
        case tuple():
            # To say less is not to say what is false: nothing is left out.
            return [(*value[:-1], other) for other in _others(value[-1], leave)]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return [other for _, other in spoiled(value, leave)]
        case _:
            return []


def _shifted(value: Any) -> Any:
    return tuple(map(_shifted, value)) if isinstance(value, tuple) else value + 1.0
