"""What the gradient predicts for a small change of one number, and what happens."""

from __future__ import annotations

import math
from typing import ClassVar, Self

import numpy as np

from handgrad.discussion.lookup import loss_alike, steepest, step_of
from handgrad.discussion.phrases import cited
from handgrad.discussion.question import Question, QuestionedEntry
from handgrad.expression import Literal
from handgrad.figures import figure
from handgrad.problem import Given
from handgrad.record import record
from handgrad.solution import Trace
from handgrad.text import Text

NUDGE = 0.01
"""By how much the number is raised."""

TRIED = 5
"""How many numbers the change is tried on."""

CLOSE = 0.2
"""The prediction is close where it misses the change by at most this share of itself."""

FINE, FINEST = 3, 12
"""How many significant digits of a small change are shown, and in how many decimals at most."""


@record
class SmallChange(Question):
    """What the gradient predicts for a small change of one entry, and what happens."""

    kind: ClassVar = "small_change"
    title: ClassVar = "A small change"
    entry: QuestionedEntry
    by: float
    gradient: float
    loss: float
    other_loss: float
    steps: tuple[str, ...]

    @property
    def predicted(self) -> float:
        """The change in the loss that the gradient predicts."""
        return self.gradient * self.by

    @property
    def observed(self) -> float:
        """The change in the loss that a second run finds."""
        return self.other_loss - self.loss

    @property
    def close(self) -> bool:
        """Whether the observed change is near the predicted one."""
        return abs(self.observed - self.predicted) <= CLOSE * abs(self.predicted)

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """Raises an entry with a large gradient a little and runs the forward pass again.

        Takes the largest gradient whose prediction is close, so that no kink lies in the way.
        """
        if not trace.graph.has_loss or np.ndim(trace.run.loss) or trace.run.carry == "rounded":
            return None
        first: Self | None = None
        for where, gradient in steepest(trace, TRIED):
            change = cls._nudged(trace, where, gradient) if gradient else None
            if change is not None and change.close:
                return change
            first = first or change
        return first

    @classmethod
    def _nudged(cls, trace: Trace, where: QuestionedEntry, gradient: float) -> Self | None:
        array = np.array(trace.problem.inputs[where.name].array, dtype=float)
        array[where.index] += NUDGE
        other = loss_alike(trace.problem.with_values({where.name: Given(array)}))
        if other is None:
            return None
        return cls(
            entry=where,
            by=NUDGE,
            gradient=gradient,
            loss=float(trace.run.loss),
            other_loss=other,
            steps=step_of(trace, where.name),
        )

    def asked(self) -> Text:
        return (
            "If ", self.entry.value, " rose by ", Literal(self.by),
            ", by how much would the loss change? Predict it with the gradient.",
        )  # fmt: skip

    def answer(self) -> tuple[Text, ...]:
        size = abs(self.observed)
        decimals = FINE - math.floor(math.log10(size)) if size else 0
        decimals = min(max(decimals, FINE), FINEST)

        def fine(number: float) -> Literal:
            return Literal(number, text=figure(number, decimals))

        left = "The gradient is the slope at one point; any difference between the two comes from the curvature of the loss."
        if not self.close:
            left = "The two differ a lot: the loss bends so sharply here that this change is not small."
        return (
            (
                "The gradient predicts ", self.entry.gradient, " times ", Literal(self.by), " = ",
                fine(self.predicted), f"{cited(self.steps)}.",
            ),
            (
                "The forward pass run again gives ", fine(self.other_loss), " instead of ", fine(self.loss),
                ": a change of ", fine(self.observed), f". {left}",
            ),
        )  # fmt: skip
