"""What `handgrad.compare` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from handgrad.comparison.structure import Change, ComparedQuantity, GateChange, StepPair
from handgrad.page import Layout
from handgrad.record import JsonForm
from handgrad.saving import Page, Report, Result
from handgrad.solution import Trace
from handgrad.text import plain_text

if TYPE_CHECKING:
    from handgrad.formats.json import Views


@dataclass(frozen=True, slots=True)
class Comparison(Result):
    """Two solutions, what differs between their problems, and what comes of it.

    `gates` counts the units, in every case, that are set against each other and have a gate in
    either; `gate_changes` are those that changed. `apart` names the activations with gates that
    have no counterpart of the same shape and cases.
    """

    left: Trace
    right: Trace
    changes: tuple[Change, ...]
    steps: tuple[StepPair, ...]
    gates: int
    gate_changes: tuple[GateChange, ...]
    apart: tuple[str, ...]
    quantities: tuple[ComparedQuantity, ...]
    json: ClassVar = JsonForm(
        "comparison", without=("left", "right"), also=("same", "labels", "titles")
    )

    @property
    def same(self) -> bool:
        """Whether nothing changed, neither in the problems nor in any step."""
        return not self.changes and all(pair.same for pair in self.steps)

    @property
    def labels(self) -> tuple[str, str]:
        """What each is called on the page."""
        from handgrad.comparison.words import labels

        left, right = labels(self)
        return plain_text(left), plain_text(right)

    @property
    def titles(self) -> tuple[str, str]:
        """The titles of the two problems."""
        return self.left.problem.title, self.right.problem.title

    def page(self, *, layout: Layout = "document") -> Page:
        """The two side by side: what differs, and what comes of it; as a document or as slides."""
        from handgrad.comparison.page import comparison_page

        return comparison_page(self, layout)

    def report(self, **options: Any) -> Report:
        """The page in every form that a file may have."""
        return Report(self.page, json=self.to_json, slides=lambda: self.page(layout="slides"))

    @classmethod
    def json_views(cls) -> Views:
        """The words of steps and gates, and the two titles."""
        from handgrad.comparison.views import VIEWS

        return VIEWS

    def __repr__(self) -> str:
        changed = sum(not pair.same for pair in self.steps)
        return f"<Comparison: {changed} of {len(self.steps)} steps differ>"
