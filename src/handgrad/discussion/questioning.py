"""The questions that a worked solution raises, each with the facts that answer it."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from handgrad.discussion.kinds import KINDS
from handgrad.discussion.question import Question
from handgrad.discussion.sheet import QuestionSheet
from handgrad.errors import OptionError, nearest
from handgrad.solution import Trace
from handgrad.solution.expected import expect_trace

QUESTION_KINDS: tuple[str, ...] = tuple(each.kind for each in KINDS)
"""The names of the kinds, in the order in which they are asked."""


def questions_for(trace: Trace) -> tuple[Question, ...]:
    """What to discuss about a worked solution, in the order in which to ask it.

    Every answer is computed from the trace, or by running the problem again with the
    change that the question asks about.
    """
    with np.errstate(all="ignore"):
        return tuple(q for kind in KINDS if (q := kind.find(trace)) is not None)


def questions(trace: Trace, kinds: Collection[str] = ()) -> QuestionSheet:
    """What there is to discuss about a worked solution, answered from computation.

    Arguments:
        trace: the worked solution.
        kinds: the `kind` of each question to ask; all of them by default.

    Raises `OptionError` if there is no such kind, or the solution raises no question of it.

        >>> sheet = handgrad.questions(handgrad.solve(handgrad.load("lab9")))
        >>> [question.kind for question in sheet][:2]
        ['zero_rows_columns', 'gate_swap']
    """
    expect_trace(trace)
    for unknown in (kind for kind in kinds if kind not in QUESTION_KINDS):
        mend = nearest(unknown, QUESTION_KINDS) or f"the kinds are {', '.join(QUESTION_KINDS)}"
        raise OptionError(f"there is no kind of question {unknown!r}", where="--only", mend=mend)
    asked = questions_for(trace)
    found = tuple(q for q in asked if not kinds or q.kind in kinds)
    if not found:
        there = ", ".join(dict.fromkeys(q.kind for q in asked))
        raise OptionError(
            "this problem has no such question", where="--only", mend=f"it has {there}"
        )
    return QuestionSheet(trace, found)
