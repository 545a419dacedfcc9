"""What is written in JSON of the questions beside their fields: their words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.discussion.kinds import KINDS
from handgrad.discussion.question import Question
from handgrad.formats.json import Place, Views
from handgrad.solution.views import VIEWS as OF_SOLUTIONS
from handgrad.text import plain_text

if TYPE_CHECKING:
    from handgrad.discussion.sheet import QuestionSheet


def _answer(question: Question, place: Place) -> tuple[str, ...]:
    return tuple(map(plain_text, question.answer()))


def _number(question: Question, place: Place) -> str:
    """Q1, Q2, … in the order of the questions."""
    asked: QuestionSheet = place.above[-1]
    return next(f"Q{n}" for n, each in enumerate(asked.questions, 1) if each is question)


def _words(question: Question, place: Place) -> str:
    return plain_text(question.asked())


VIEWS: Views = {
    **OF_SOLUTIONS,
    **{kind: {"id": _number, "question": _words, "answer": _answer} for kind in KINDS},
}
"""By kind of record and by key."""
