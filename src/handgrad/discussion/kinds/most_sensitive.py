"""Which given number the result depends on most."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from handgrad.discussion.lookup import in_order, steepest, step_of, update_step
from handgrad.discussion.phrases import cited
from handgrad.discussion.question import Question, QuestionedEntry
from handgrad.expression import Literal
from handgrad.page.blocks import Block, Paragraph, Table
from handgrad.record import record
from handgrad.solution import Trace
from handgrad.text import Text

MOST_LISTED = 12
"""The most numbers that are listed."""


@record
class MostSensitive(Question):
    """Every given number, by how strongly the loss depends on it."""

    kind: ClassVar = "most_sensitive"
    title: ClassVar = "The most sensitive number"
    entries: tuple[tuple[QuestionedEntry, float], ...]
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """Every given number by the size of its gradient, for a problem without an update."""
        if not trace.graph.has_loss:
            return None
        if update_step(trace) is not None or np.ndim(trace.run.loss):
            return None
        found = steepest(trace, MOST_LISTED)
        if len(found) < 2 or found[0][1] == 0:
            return None
        steps = in_order(s for e, _ in found for s in step_of(trace, e.name))
        return cls(tuple(found), steps)

    def asked(self) -> Text:
        return (
            "To which of the given numbers is the result most sensitive, and which way would you "
            "change each to raise it?",
        )  # fmt: skip

    def answer(self) -> tuple[Text, ...]:
        (first, gradient), *_ = self.entries
        up = "raises" if gradient > 0 else "lowers"
        return (
            (
                "To ", first.value, ": ", first.gradient, " = ", Literal(gradient), " is the largest in size",
                f"{cited(self.steps)}. Raising it a little {up} the result by about ", Literal(abs(gradient)), " times as much.",
            ),
            ("A positive gradient says: raise the number to raise the result; a negative one: lower it; 0: a small change does nothing.",),
        )  # fmt: skip

    def blocks(self) -> tuple[Block, ...]:
        return (self._table(), *map(Paragraph, self.answer()))

    def _table(self) -> Table:
        rows: tuple[tuple[Text, ...], ...] = tuple(
            (
                (e.value,),
                (Literal(gradient),),
                ("raise it" if gradient > 0 else "lower it" if gradient < 0 else "no effect",),
            )
            for e, gradient in self.entries
        )
        header: tuple[Text, ...] = (("number",), ("gradient",), ("to raise the result",))
        return Table(header, rows, "lrl")
