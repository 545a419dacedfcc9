"""What the gradient predicts for a small change of one number, and what happens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from handgrad.discussion.changed_units import UnitAt
from handgrad.discussion.jumps import Jump, jump_on_the_way
from handgrad.discussion.lookup import at_entry, loss_alike, steepest, step_of
from handgrad.discussion.phrases import LISTED, cited, in_case
from handgrad.discussion.question import Question, QuestionedEntry
from handgrad.expression import Literal
from handgrad.figures import figure
from handgrad.problem import Given
from handgrad.record import record
from handgrad.solution import Trace
from handgrad.text import Text, few

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
    """What the gradient predicts for a small change of one entry, and what happens.

    `before` is the entry, and `jump` a kink of the loss on the way; None if there is none.
    """

    kind: ClassVar = "small_change"
    title: ClassVar = "A small change"
    entry: QuestionedEntry
    before: float
    by: float
    gradient: float
    loss: float
    other_loss: float
    jump: Jump | None
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

        Takes the largest gradient whose prediction is close and on whose way no kink lies, if there is one.
        """
        if not trace.graph.has_loss or np.ndim(trace.run.loss) or trace.run.carry == "rounded":
            return None
        tried: list[Self] = []
        for where, gradient in steepest(trace, TRIED):
            change = cls._nudged(trace, where, gradient) if gradient else None
            if change is not None:
                tried.append(change)
                if change.close and change.jump is None:
                    return change
        return next((change for change in tried if change.close), tried[0] if tried else None)

    @classmethod
    def _nudged(cls, trace: Trace, where: QuestionedEntry, gradient: float) -> Self | None:
        array = np.array(trace.problem.inputs[where.name].array, dtype=float)
        array[where.index] += NUDGE
        other = loss_alike(trace.problem.with_values({where.name: Given(array)}))
        if other is None:
            return None
        loss = float(trace.run.loss)
        return cls(
            entry=where,
            before=at_entry(trace.problem.inputs[where.name].array, where.index),
            by=NUDGE,
            gradient=gradient,
            loss=loss,
            other_loss=other,
            jump=jump_on_the_way(trace, where, NUDGE, other - loss),
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

        return (
            (
                "The gradient predicts ", self.entry.gradient, " times ", Literal(self.by), " = ",
                fine(self.predicted), f"{cited(self.steps)}.",
            ),
            (
                "The forward pass run again gives ", fine(self.other_loss), " instead of ", fine(self.loss),
                ": a change of ", fine(self.observed), ". ", *self._difference(),
            ),
        )  # fmt: skip

    def _difference(self) -> Text:
        """What makes the difference between the two."""
        jump = self.jump
        if jump is None and not self.close:
            return (
                "The two differ a lot: the loss bends so sharply here that this change is not small.",
            )
        if jump is None:
            return (
                "The gradient is the slope at one point; any difference between the two comes from the curvature "
                "of the loss.",
            )
        size = max(abs(jump.before), abs(jump.after))
        decimals = min(max(FINE - math.floor(math.log10(size)), FINE), FINEST)
        before, after = (
            Literal(slope, text=figure(slope, decimals)) for slope in (jump.before, jump.after)
        )
        where: Text = (
            "The loss has a kink on the way, at ",
            self.entry.value,
            " = ",
            Literal(jump.at),
        )
        if jump.at == self.before:
            where = ("The loss has a kink where ", self.entry.value, " lies")
        return (
            *where, ": its slope goes from ", before, " to ", after, " at once, and the gradient at the start is no "
            "slope of what lies beyond.", *_turned(jump.turned, True), *_turned(jump.turned, False),
        )  # fmt: skip


def _turned(units: Sequence[UnitAt], opened: bool) -> Text:
    """A sentence on the gates that open, or shut, on the way; nothing where there is none."""
    turned = [u for u in units if (u.opens if opened else u.shuts)]
    if not turned:
        return ()
    shown = few(turned, LISTED, lambda u: (u.entry, *in_case(u.case)))
    number = "A gate" if len(turned) == 1 else f"{len(turned)} gates"
    verb = ("open" if opened else "shut") + ("s" if len(turned) == 1 else "")
    return (f" {number} {verb} on the way: ", *shown, ".")
