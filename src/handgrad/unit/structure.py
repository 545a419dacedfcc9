"""What the worked solution of one unit is made of beside its lines: gradients of its own parameters, and where it fires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from handgrad.expression import Expression
from handgrad.record import JsonForm

Chosen: TypeAlias = Literal["asked", "gradient", "value"]
"""Why this place is worked: it was asked for, or of all places the largest gradient passes the unit there, or,
where none passes anywhere, its value is the largest."""


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """One entry of a parameter: its number, its gradient over all that the loss is over, and its number after an update.

    Arguments:
        updated: None where the problem makes no update, or where that does not move it.
    """

    entry: Expression
    value: float
    gradient: float
    updated: float | None = None


@dataclass(frozen=True, slots=True)
class OwnGradient:
    """The gradient of the entries of one parameter that are the unit's own.

    Arguments:
        entries: those with the largest gradients, the largest first.
        count: how many entries are its own.
        zeros: how many of them have a gradient of 0.
        norm: the Euclidean norm of the gradient of them all.
        rest_norm: that of those not listed.
    """

    parameter: str
    entries: tuple[OwnEntry, ...]
    count: int
    zeros: int
    norm: float
    rest_norm: float


@dataclass(frozen=True, slots=True)
class Fired:
    """Where a gate is open.

    Arguments:
        open: the number of places, over all cases and positions, at which it lets gradient through.
        places: of how many.
        kind: what a place is: a case, a row or a column that holds an example, or an entry at a position.
        here: whether it is open at the place that is worked.
    """

    open: int
    places: int
    kind: Literal["case", "row", "column", "position"]
    here: bool
    json: ClassVar = JsonForm()
