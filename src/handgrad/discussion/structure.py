"""The questions about one solution as one result."""

from __future__ import annotations

from typing import ClassVar

from handgrad.discussion.question import Question
from handgrad.record import JsonForm, record
from handgrad.solution import Trace


@record
class QuestionSheet:
    """Questions about one solution."""

    trace: Trace
    questions: tuple[Question, ...]
    json: ClassVar = JsonForm(
        "questions", without=("trace",), also=("problem=trace.problem.title",)
    )
