"""One number of a solution as the sum of its terms."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.expression import Expression
from handgrad.record import Proportion


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
class SumLine:
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
