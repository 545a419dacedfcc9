"""Why an entry is what it is: what `handgrad.why` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from handgrad.expression import Expression
from handgrad.paths.structure import Entry, Link, Path, Term, ZeroGroup
from handgrad.problem import Problem
from handgrad.record import JsonForm, Proportion
from handgrad.saving import Page, Result

if TYPE_CHECKING:
    from handgrad.formats.json import Views


@dataclass(frozen=True, slots=True)
class WhyGradient(Result):
    """A gradient's entry as the sum over all paths from it to the loss.

    Arguments:
        paths: the largest, the largest first.
        path_count: how many there are in all.
        covered: the part of the sum of all paths' sizes that those listed have.
        zeros: all the paths with a factor of 0, listed or not, by the reason of the first one on each.
        case_count: over how many cases the gradient is averaged or added up; 1 for none.
        parts: the names given to parts of equations, with their formulas.
    """

    problem: Problem
    entry: Entry
    value: float
    paths: tuple[Path, ...]
    path_count: int
    covered: Proportion
    zeros: tuple[ZeroGroup, ...]
    loss: str
    case_count: int
    parts: Mapping[str, Expression]
    json: ClassVar = JsonForm(
        "why", without=("problem",), also=("of", "cases=case_count", "entry=asked")
    )

    @property
    def asked(self) -> str:
        """The gradient asked about, such as `dW1[0,1]`."""
        return f"d{self.entry}"

    @property
    def of(self) -> Literal["gradient"]:
        """What the question is about."""
        return "gradient"

    def page(self, decimals: int = 4) -> Page:
        """The paths and their factors, written out. `decimals` are the digits shown after the point."""
        from handgrad.paths.page import gradient_page

        return gradient_page(self, decimals)

    @classmethod
    def json_views(cls) -> Views:
        """The words of blame."""
        from handgrad.paths.views import VIEWS

        return VIEWS

    def __repr__(self) -> str:
        return f"<Why {self.asked}: {self.value:.6g}>"


@dataclass(frozen=True, slots=True)
class WhyValue(Result):
    """A forward value's entry: the links that lead to a sum, and the sum's terms.

    Without terms the last link is all there is to say; without links the value is given.

    Arguments:
        terms: the largest, the largest first.
        term_count: how many there are in all.
        covered: the part of the sum of all terms' sizes that those listed have.
        parts: the names given to parts of equations, with their formulas.
    """

    problem: Problem
    entry: Entry
    value: float
    links: tuple[Link, ...]
    terms: tuple[Term, ...]
    term_count: int
    covered: Proportion
    given: bool
    parts: Mapping[str, Expression]
    json: ClassVar = JsonForm("why", without=("problem", "given"), also=("of",))

    @property
    def of(self) -> Literal["value", "given"]:
        """What the question is about: a value that is computed, or one that is given."""
        return "given" if self.given else "value"

    def page(self, decimals: int = 4) -> Page:
        """The sum that decides it, written out. `decimals` are the digits shown after the point."""
        from handgrad.paths.page import value_page

        return value_page(self, decimals)

    @classmethod
    def json_views(cls) -> Views:
        """The words of blame."""
        from handgrad.paths.views import VIEWS

        return VIEWS

    def __repr__(self) -> str:
        return f"<Why {self.entry}: {self.value:.6g}>"
