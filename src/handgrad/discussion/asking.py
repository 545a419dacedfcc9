"""The questions that a worked solution raises, each with the facts that answer it."""

from __future__ import annotations

import numpy as np

from handgrad.discussion.kinds import KINDS
from handgrad.discussion.question import Question
from handgrad.solution import Trace

QUESTION_KINDS: tuple[str, ...] = tuple(each.kind for each in KINDS)
"""The names of the kinds, in the order in which they are asked."""


def questions_for(trace: Trace) -> tuple[Question, ...]:
    """What to discuss about a worked solution, in the order in which to ask it.

    Every answer is computed from the trace, or by running the problem again with the
    change that the question asks about.
    """
    with np.errstate(all="ignore"):
        return tuple(q for kind in KINDS if (q := kind.find(trace)) is not None)
