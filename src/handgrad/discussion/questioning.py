"""The verb `questions`."""

from __future__ import annotations

from collections.abc import Collection

from handgrad.discussion.asking import questions_for
from handgrad.discussion.sheet import QuestionSheet
from handgrad.errors import OptionError
from handgrad.solution import Trace


def questions(trace: Trace, kinds: Collection[str] = ()) -> QuestionSheet:
    """What there is to discuss about a worked solution, answered from computation.

    Arguments:
        trace: the worked solution.
        kinds: those that are asked, of `handgrad.QUESTION_KINDS`; all by default.

    Raises `OptionError` where the solution gives rise to no such question.
    """
    asked = questions_for(trace)
    found = tuple(q for q in asked if not kinds or q.kind in kinds)
    if not found:
        there = ", ".join(dict.fromkeys(q.kind for q in asked))
        raise OptionError(
            "this problem has no such question", where="--only", mend=f"it has {there}"
        )
    return QuestionSheet(trace, found)
