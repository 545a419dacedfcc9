"""What `handgrad.questions` returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from handgrad.discussion.kinds import FIRST
from handgrad.discussion.question import Question
from handgrad.formats.style import Style
from handgrad.page import Layout
from handgrad.record import JsonForm, record
from handgrad.saving import Page, Report, Result
from handgrad.solution import Trace
from handgrad.solution.structure import Asked

if TYPE_CHECKING:
    from handgrad.formats.json import Views


@record
class QuestionSheet(Result):
    """Questions about one solution."""

    trace: Trace
    questions: tuple[Question, ...]
    json: ClassVar = JsonForm(
        "questions", without=("trace",), also=("problem=trace.problem.title",)
    )

    def page(self, *, layout: Layout = "document") -> Page:
        """The questions, each with its answer under a heading; as a document or as slides."""
        from handgrad.discussion.page import questions_page

        return questions_page(self.trace, self.questions, layout)

    def report(self, **options: Any) -> Report:
        """The page in every form that a file may have."""
        return Report(self.page, json=self.to_json, slides=lambda: self.page(layout="slides"))

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __len__(self) -> int:
        return len(self.questions)

    def discussed(self, most: int = 4) -> tuple[Question, ...]:
        """The questions most worth a class's time, in the order in which to ask them."""
        asked = {type(q) for q in self.questions}
        chosen = [kind for kind in FIRST if kind in asked][:most]
        return tuple(q for q in self.questions if type(q) in chosen)

    def to_discuss(self, most: int = 4) -> tuple[Asked, ...]:
        """The same, each with the blocks of its answer, for `Trace.slides`."""
        return tuple((q.asked(), q.blocks()) for q in self.discussed(most))

    @classmethod
    def json_views(cls) -> Views:
        """The words of questions and answers."""
        from handgrad.discussion.views import VIEWS

        return VIEWS

    def style(self) -> Style:
        """How its formulas are written: as on the pages of the solution."""
        return self.trace.style()

    def __repr__(self) -> str:
        return f"<QuestionSheet: {len(self.questions)} questions>"
