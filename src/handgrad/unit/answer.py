"""What `handgrad.solve_unit` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handgrad.expression import Expression
from handgrad.page.blocks import Layout
from handgrad.problem import Problem
from handgrad.record import JsonForm
from handgrad.saving import Page, Report, Result
from handgrad.solution.sum_lines import SumLine
from handgrad.unit.structure import Chosen, Fired, OwnGradient


@dataclass(frozen=True, slots=True)
class UnitSolution(Result):
    """One unit worked out at one place: its own row forward and backward.

    Arguments:
        asked: the unit as it was asked for, such as "h2[7]".
        value: the entry that is worked, such as h2[17,7].
        pre_activation: the entry that its activation is applied to; the same where it has none.
        case: the case that is worked, of a problem that declares several; None elsewhere.
        chosen: why it is this place that is worked.
        activation: the operation; empty where it has none.
        gate: whether that is a gate.
        fired: where the gate is open; None where it is none.
        forward: from the unit's weighted sum to its value.
        arriving: the gradient that arrives at its value; none where no path leads to the loss.
        passing: the gradients on the way back to its weighted sum.
        own: the gradients of its own parameters.
        example: how the largest of these gradients comes about.
        updates: the new numbers of the parameters with the largest gradients.
        parts: the names given to parts of equations, with their formulas.
        loss: the name in the numerator of a gradient.
        losses: by value that differs from case to case, the name of its own case's loss.
        top: how many terms of a sum are listed at most.
    """

    problem: Problem
    asked: str
    value: Expression
    pre_activation: Expression
    case: int | None
    chosen: Chosen
    activation: str
    gate: bool
    fired: Fired | None
    forward: tuple[SumLine, ...]
    arriving: tuple[SumLine, ...]
    passing: tuple[SumLine, ...]
    own: tuple[OwnGradient, ...]
    example: tuple[SumLine, ...]
    updates: tuple[SumLine, ...]
    parts: Mapping[str, Expression]
    loss: str
    losses: Mapping[str, str]
    top: int
    json: ClassVar = JsonForm("unit", without=("problem", "losses"), also=("title=problem.title",))

    def page(self, decimals: int = 4, *, layout: Layout = "document") -> Page:
        """The unit's row, forward and backward.

        Arguments:
            decimals: digits shown after the point.
            layout: a document, or slides.
        """
        from handgrad.unit.page import unit_page

        return unit_page(self, decimals, layout)

    def report(self, **options: Any) -> Report:
        """The page in every form that a file may have."""
        return Report(
            lambda: self.page(**options),
            json=self.to_json,
            slides=lambda: self.page(**options, layout="slides"),
        )

    def __repr__(self) -> str:
        return f"<Unit {self.asked}: {sum(g.count for g in self.own)} parameters of its own>"
