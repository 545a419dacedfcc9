"""Which given number the result depends on most."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from handgrad.discussion.jumps import slopes_beside
from handgrad.discussion.kinds.small_change import NUDGE
from handgrad.discussion.lookup import in_order, steepest, step_of, update_step
from handgrad.discussion.phrases import cited
from handgrad.discussion.question import Question, QuestionedEntry
from handgrad.expression import Literal
from handgrad.page.blocks import Block, Paragraph, Table
from handgrad.record import record
from handgrad.solution import AtKink, Trace
from handgrad.text import Text

MOST_LISTED = 12
"""The most numbers that are listed."""


@record
class MostSensitive(Question):
    """Every given number, by how strongly the loss depends on it.

    `sides`: of each entry the slope of the loss just below it and just above; of none, unless a number of the
    forward pass lies at a kink.
    """

    kind: ClassVar = "most_sensitive"
    title: ClassVar = "The most sensitive number"
    entries: tuple[tuple[QuestionedEntry, float], ...]
    sides: tuple[tuple[float, float], ...]
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
        kinked = trace.run.carry != "rounded" and any(
            isinstance(n, AtKink) for s in trace.steps for n in s.notes
        )
        sides = tuple(slopes_beside(trace, e, NUDGE) for e, _ in found) if kinked else ()
        return cls(tuple(found), sides, steps)

    def asked(self) -> Text:
        return (
            "To which of the given numbers is the result most sensitive, and which way would you "
            "change each to raise it?",
        )  # fmt: skip

    def answer(self) -> tuple[Text, ...]:
        (first, gradient), *_ = self.entries
        largest: Text = (
            "To ", first.value, ": ", first.gradient, " = ", Literal(gradient), " is the largest in size",
            f"{cited(self.steps)}.",
        )  # fmt: skip
        signs = "A positive gradient says: raise the number to raise the result; a negative one: lower it; 0: a small change does nothing."
        if not any(self._kinked(k) for k in range(len(self.entries))):
            return ((*largest, *_raised(gradient)), (signs,))
        effect: Text = _raised(gradient)
        if self._kinked(0):
            below, above = map(Literal, self.sides[0])
            effect = (
                " The loss has a kink there: its slope just below is ", below, ", just above ", above, ".",
            )  # fmt: skip
        told = "Where the loss has a kink, its slopes to the two sides say what a small change does; the gradient is what the rules take at the kink itself."
        return ((*largest, *effect), (signs, " ", told))

    def blocks(self) -> tuple[Block, ...]:
        return (self._table(), *map(Paragraph, self.answer()))

    def _table(self) -> Table:
        rows: tuple[tuple[Text, ...], ...] = tuple(
            (
                (e.value,),
                (Literal(gradient),),
                (self._way(k),),
            )
            for k, (e, gradient) in enumerate(self.entries)
        )
        header: tuple[Text, ...] = (("number",), ("gradient",), ("to raise the result",))
        return Table(header, rows, "lrl")

    def _kinked(self, k: int) -> bool:
        """Whether the loss has a kink at an entry."""
        return bool(self.sides) and any(side != self.entries[k][1] for side in self.sides[k])

    def _way(self, k: int) -> str:
        """Which way to change an entry to raise the result."""
        gradient = self.entries[k][1]
        below, above = self.sides[k] if self.sides else (gradient, gradient)
        ways = [way for way, rises in (("raise it", above > 0), ("lower it", below < 0)) if rises]
        way = " or ".join(ways) or ("neither way" if below > 0 or above < 0 else "no effect")
        return f"{way} (a kink)" if self._kinked(k) else way


def _raised(gradient: float) -> Text:
    """What the gradient says of a small rise."""
    up = "raises" if gradient > 0 else "lowers"
    return (
        f" Raising it a little {up} the result by about ",
        Literal(abs(gradient)),
        " times as much.",
    )
