"""What the worked solution of one unit is made of: lines that are sums, and gradients of its own parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from handgrad.expression import Expression
from handgrad.record import JsonForm, Proportion

Chosen: TypeAlias = Literal["asked", "gradient", "value"]
"""Why this place is worked: it was asked for, or of all places the largest gradient passes the unit there, or,
where none passes anywhere, its value is the largest."""


@dataclass(frozen=True, slots=True)
class Summand:
    """One term of a line.

    Arguments:
        formula: in entries of names; with its sign.
        substituted: with the numbers put in.
        case: of a mean, or a sum, over the cases, the case that it is of; None elsewhere.
    """

    formula: Expression
    substituted: Expression
    value: float
    case: int | None = None


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One number as the sum of its terms; where there is one term, as what that is.

    Arguments:
        target: what is computed: an entry of a value, of a gradient, or of a gradient's share.
        equation: the formula of the whole array that it is an entry of.
        terms: the largest, the largest first, and after them the biases.
        count: how many there are in all.
        rest: what those not listed add up to.
        covered: the part of the sum of all terms' sizes that those listed have.
        cases: how many cases are averaged or added up in it; 1 for none.
        through: the equation that a gradient, or a share of one, arrives through; empty for a value.
        updates: whether it is the new number of a parameter.
    """

    target: Expression
    equation: Expression
    value: float
    terms: tuple[Summand, ...]
    count: int
    rest: float
    covered: Proportion
    cases: int = 1
    through: str = ""
    updates: bool = False


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
        open: the number of places, over all cases and positions, at which its pre-activation is positive.
        places: of how many.
        kind: what a place is: a case, a row or a column that holds an example, or an entry at a position.
    """

    open: int
    places: int
    kind: Literal["case", "row", "column", "position"]
    json: ClassVar = JsonForm()
