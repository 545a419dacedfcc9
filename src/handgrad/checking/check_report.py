"""What `handgrad.check` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from handgrad.checking.remark_words import unused_text
from handgrad.checking.remarks import Unused
from handgrad.checking.report import Judged, Level
from handgrad.problem import Problem
from handgrad.record import JsonForm
from handgrad.saving import Page, Result
from handgrad.solution import Trace

if TYPE_CHECKING:
    from handgrad.formats.json import Views


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CheckReport(Result):
    """The verdicts in the order of the steps.

    `unused` is what of the answers could not be used.
    """

    problem: Problem
    trace: Trace
    steps: tuple[Judged, ...]
    unused: tuple[Unused, ...] = ()
    as_printed: bool = False
    verdicts: Mapping[str, Judged] = field(init=False)
    json: ClassVar = JsonForm(
        "check",
        without=("problem", "trace", "verdicts"),
        also=("all_well", "marks", "out_of", "remarks"),
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdicts", {s.target: s for s in self.steps})

    def __repr__(self) -> str:
        wrong = f", wrong: {', '.join(s.target for s in self.wrong)}" if self.wrong else ""
        return f"<CheckReport: {len(self.entered)} entered{wrong}>"

    def __str__(self) -> str:
        return "\n".join([*map(str, self.entered), *self.remarks])

    def __getitem__(self, target: str) -> Judged:
        return self.verdicts[target]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What of the answers could not be used, a line each."""
        return tuple(map(unused_text, self.unused))

    @property
    def entered(self) -> tuple[Judged, ...]:
        """The quantities that something was entered for."""
        return tuple(s for s in self.steps if s.verdict != "missing")

    @property
    def wrong(self) -> tuple[Judged, ...]:
        return tuple(s for s in self.steps if s.verdict == "wrong")

    @property
    def all_well(self) -> bool:
        """Whether nothing that was entered is wrong."""
        return not self.wrong

    @property
    def marks(self) -> float:
        return float(np.round(sum(s.marks for s in self.steps), 10))

    @property
    def out_of(self) -> float:
        return float(np.round(sum(s.out_of for s in self.steps), 10))

    def page(self, level: Level = "what") -> Page:
        """The verdicts, and what went wrong.

        Arguments:
            level: how much is told of what is wrong: "where" it is, "what" was done, the "rule" that
                was broken, or "all".
        """
        from handgrad.checking.page import check_page

        return check_page(self, level)

    @classmethod
    def json_views(cls) -> Views:
        """The words of a diagnosis, and its step."""
        from handgrad.checking.views import VIEWS

        return VIEWS
