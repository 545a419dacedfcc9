"""Which number moves furthest in the update."""

from __future__ import annotations

from itertools import islice
from typing import ClassVar, Self

import numpy as np

from handgrad.discussion.lookup import at_entry, index_of, step_of, total_gradient, update_step
from handgrad.discussion.phrases import LISTED, cited
from handgrad.discussion.question import Question, QuestionedEntry
from handgrad.expression import Literal, Name
from handgrad.record import record
from handgrad.solution import Trace
from handgrad.text import Inline, Text, all_of, few

MOST_TIES = 12
"""The most ties that are listed."""

TIED = 1e-5
"""Moves that differ by no more than this share count as equal: Adam's first moves nearly are."""


@record
class LargestMove(Question):
    """The entry of the parameters that moves furthest in the update; `ties` move just as far, to five digits."""

    kind: ClassVar = "largest_move"
    title: ClassVar = "The largest move"
    entry: QuestionedEntry
    ties: tuple[QuestionedEntry, ...]
    before: float
    gradient: float
    after: float
    still: int
    total: int
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """The entry of the parameters that the first update moves furthest."""
        step = update_step(trace)
        if step is None:
            return None
        moves = {
            line.target.name: np.abs(line.value - trace.problem.parameters[line.target.name].array)
            for line in step.lines
            if line.role == "updated"
        }
        name = max(moves, key=lambda n: float(moves[n].max()))
        far, total = float(moves[name].max()), sum(m.size for m in moves.values())
        if far == 0 or total < 2:
            return None
        where = QuestionedEntry(name, index_of(moves[name], int(moves[name].argmax())))
        as_far = (
            QuestionedEntry(n, tuple(int(i) for i in place))
            for n, moved in moves.items()
            for place in np.argwhere(np.isclose(moved, far, rtol=TIED, atol=0))
        )
        after = next(line.value for line in step.lines if line.target == Name(name))
        return cls(
            entry=where,
            ties=tuple(islice((e for e in as_far if e != where), MOST_TIES)),
            before=at_entry(trace.problem.parameters[where.name].array, where.index),
            gradient=at_entry(total_gradient(trace, where.name), where.index),
            after=at_entry(after, where.index),
            still=sum(int((m == 0).sum()) for m in moves.values()),
            total=total,
            steps=(*step_of(trace, where.name), step.id),
        )

    def asked(self) -> Text:
        return (
            "Which of the parameters' numbers moves furthest in the update? Do any stay the same?",
        )

    def answer(self) -> tuple[Text, ...]:
        moved = self.after - self.before
        first: list[Inline] = [
            self.entry.value,
            " goes from ",
            Literal(self.before),
            " to ",
            Literal(self.after),
            ", by ",
            Literal(moved),
        ]
        tied: Text = ()
        if self.ties:
            move = "moves" if len(self.ties) == 1 else "move"
            tied = (" ", *few(self.ties, LISTED, lambda e: (e.value,)), f" {move} just as far.")
        first += [f"{cited(self.steps)}. Its gradient is ", Literal(self.gradient), ".", *tied]
        still = (
            f"{self.still} of the {self.total} numbers {'comes' if self.still == 1 else 'come'} out unchanged."
            if self.still
            else f"{all_of(self.total, 'numbers').capitalize()} move."
            if self.total > 1
            else "It is the only number that can move."
        )
        return (tuple(first), (still,))
