"""What `handgrad.grade` returns: a class's marks, and what the class misunderstands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from handgrad.checking.marks import Rubric
from handgrad.checking.report import Verdict
from handgrad.formats.style import Style
from handgrad.grading.oddities import UNGRADED, OddityCount, UnreadSheet
from handgrad.grading.tally import ClassExample
from handgrad.page import Layout
from handgrad.problem import Problem
from handgrad.record import JsonForm, Proportion, record
from handgrad.saving import Page, Report, Result
from handgrad.solution import Trace
from handgrad.text import Text

MistakeKind: TypeAlias = Literal["mistake", "slip"]
"""A rule that is misunderstood, or a slip of the pen."""


@record
class StudentStep:
    """One quantity of a student's sheet.

    Arguments:
        step: the number of the step that it belongs to.
        rule: the rule that explains it best where it is wrong, two joined by "+" where it takes a pair; empty
            where none does.
        text: the same in words.
    """

    target: str
    step: str
    verdict: Verdict
    marks: float
    out_of: float
    rule: str = ""
    text: str = ""


@record
class StudentMarks:
    """The marks of one student, in all and by quantity, in the order of the steps."""

    id: str
    marks: float
    out_of: float
    steps: tuple[StudentStep, ...]


@record
class QuantityCounts:
    """How a quantity went.

    Arguments:
        right, consistent, wrong, missing: the sheets with each verdict.
        lost: the marks that a sheet lost here, in the mean.
        out_of: the marks that it was worth, in the mean.
    """

    target: str
    step: str
    right: int
    consistent: int
    wrong: int
    missing: int
    lost: float
    out_of: float


@record
class MistakePlace:
    """A quantity in which a mistake was made, and in how many sheets."""

    target: str
    step: str
    count: int


@record
class AlikeMistake:
    """Another rule that leads to the same figures as a misconception, and on how many of its sheets."""

    rule: str
    text: str
    count: int
    told: Text = field(repr=False, compare=False)
    json: ClassVar = JsonForm(without=("told",))


@record
class Misconception:
    """A rule that students broke.

    Arguments:
        mistake: whether it is a rule that is misunderstood, or a slip of the pen.
        text: what was done, in the words of what was done most often.
        count: the sheets on which the rule was broken.
        share: of all sheets.
        worded: the sheets on which exactly that was done, in the quantity of the example.
        first_step: the step in which it is met first on most of them.
        places: the quantities in which it was found, the likelier first.
        alike: other rules that lead to the same figures: on those sheets it is one or the other.
        example: a sheet with it.
    """

    rule: str
    mistake: MistakeKind
    text: str
    count: int
    share: Proportion
    worded: int
    first_step: str
    places: tuple[MistakePlace, ...]
    alike: tuple[AlikeMistake, ...]
    example: ClassExample = field(repr=False, compare=False)
    json: ClassVar = JsonForm(without=("example",))


@record
class MarksBin:
    """The sheets with marks from `low` up to, but not, `high`; in the last with those of `high` too."""

    low: float
    high: float
    count: int


@record
class Distribution:
    """How marks are distributed: the mean, the lowest, the quartiles and the highest, and by range of marks the sheets."""

    mean: float
    lowest: float
    quartiles: tuple[float, float, float]
    highest: float
    out_of: float
    bins: tuple[MarksBin, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClassReport(Result):
    """A class graded.

    Arguments:
        count: the sheets that were graded.
        with_mistakes: those with something wrong.
        unexplained: those with something wrong that no usual mistake leads to.
        students: the marks of each, in the order in which the sheets were read; None where they weren't kept.
        steps: how each quantity went, in the order of the steps.
        misconceptions: the mistakes, those of most students first.
        distribution: of the marks; None where no sheet was graded.
        unread: what could not be read or used; of very many the first.
        oddities: how many there are of each kind.
        absent: of those who have a problem of their own, who handed in no sheet.
    """

    problem: Problem
    trace: Trace
    rubric: Rubric
    count: int
    with_mistakes: int
    unexplained: int
    students: tuple[StudentMarks, ...] | None
    steps: tuple[QuantityCounts, ...]
    misconceptions: tuple[Misconception, ...]
    distribution: Distribution | None
    unread: tuple[UnreadSheet, ...]
    oddities: tuple[OddityCount, ...]
    absent: tuple[str, ...] = ()
    json: ClassVar = JsonForm(
        "grade", without=("problem", "trace", "rubric"), also=("title=problem.title",)
    )

    def __repr__(self) -> str:
        return f"<ClassReport: {self.count} sheets, {len(self.misconceptions)} kinds of mistakes>"

    def __str__(self) -> str:
        told = (f"{m.count} of {self.count}: {m.text}" for m in self.misconceptions)
        return "\n".join([f"{self.count} sheets graded", *told, *map(str, self.unread)])

    @property
    def all_read(self) -> bool:
        """Whether every sheet was graded."""
        return not any(o.oddity in UNGRADED for o in self.oddities)

    def page(self, *, names: bool = False, layout: Layout = "document") -> Page:
        """The class page, or the commonest mistakes as slides for the next lecture.

        Arguments:
            names: whether it says who has which marks and whose sheet could not be read.
            layout: a document, or slides.
        """
        from handgrad.grading.page import class_page
        from handgrad.grading.slides import mistakes_deck

        return mistakes_deck(self) if layout == "slides" else class_page(self, names)

    def report(self, **options: Any) -> Report:
        """The page in every form that a file may have."""
        return Report(
            lambda: self.page(**options),
            json=self.to_json,
            slides=lambda: self.page(layout="slides"),
        )

    def style(self) -> Style:
        """How its formulas are written: as on the pages of the solution."""
        return self.trace.style()
