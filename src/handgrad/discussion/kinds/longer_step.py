"""What a longer step would do."""

from __future__ import annotations

from typing import ClassVar, Self

from handgrad.discussion.lookup import solved_alike
from handgrad.discussion.phrases import cited
from handgrad.discussion.question import Question
from handgrad.expression import Literal
from handgrad.record import record
from handgrad.solution import AtKink, Trace
from handgrad.solution.notes.update import KINKED
from handgrad.text import Inline, Text

TIMES = 10
"""How many times as long the longer step is."""


@record
class LongerStep(Question):
    """The loss after the update at the problem's rate, and at `times` that rate: None if it is not finite.

    `own_rates` says whether parameters have rates of their own, which are then so many times as large too;
    `rate` is that of the others. `at_kink`: numbers of the forward pass lie where an operation has no derivative.
    """

    kind: ClassVar = "longer_step"
    title: ClassVar = "A longer step"
    rate: float
    times: int
    own_rates: bool
    loss: float
    after: float
    other_after: float | None
    at_kink: bool
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """The loss after one update at ten times the rate."""
        step = next((s for s in trace.steps if s.kind == "loss_after"), None)
        update = trace.problem.update
        if (
            step is None
            or update is None
            or len(trace.problem.frozen) == len(trace.problem.parameters)
        ):
            return None
        other = solved_alike(trace, trace.problem.with_parts(update=update.scaled(TIMES)))
        if other is None:
            return None
        return cls(
            rate=update.rate,
            times=TIMES,
            own_rates=bool(update.rates),
            loss=float(trace.training[0].before),
            after=float(step.lines[-1].value),
            other_after=other.loss_after,
            at_kink=any(isinstance(n, AtKink) for s in trace.steps for n in s.notes),
            steps=(step.id,),
        )

    def asked(self) -> Text:
        with_: Text = (
            f"with every rate {self.times} times as large",
        ) if self.own_rates else (
            "with a rate of ", Literal(self.rate * self.times), " instead of ", Literal(self.rate),
        )  # fmt: skip
        return (
            "What would the loss after the update be ", *with_,
            f"? Try to predict whether it falls{' further' if self.after < self.loss else ''} or rises.",
        )  # fmt: skip

    def answer(self) -> tuple[Text, ...]:
        loss, after, other = self.loss, self.after, self.other_after
        rates: tuple[Text, Text] = (
            (("the rates as they are",), (f"rates {self.times} times as large",))
            if self.own_rates
            else (
                ("a rate of ", Literal(self.rate)),
                ("a rate of ", Literal(self.rate * self.times)),
            )
        )
        here, longer = rates
        first: Text = (
            "With ",
            *here,
            " the loss goes from ",
            Literal(loss),
            " to ",
            Literal(after),
            f"{cited(self.steps)}.",
        )
        if other is None:
            return (
                first,
                (
                    "With ",
                    *longer,
                    " the new loss is not a finite number: the step is far too long.",
                ),
            )
        second: list[Inline] = ["With ", *longer, " it goes to ", Literal(other), ". "]
        if other > loss and self.after > loss:
            second.append(
                f"It rises with both. {KINKED}" if self.at_kink else "It rises with both."
            )
        elif other > loss:
            second.append(
                "The longer step overshoots: the gradient shows the way down only close by."
            )
        elif other == loss:
            second.append("The loss is where it was.")
        elif other == after:
            second.append("The longer step gets exactly as far down.")
        elif other < after:
            second.append(
                "The longer step gets further down; the gradient alone cannot tell how long a step may be."
            )
        else:
            second.append(
                "That is lower than at the start, but higher than after the shorter step: the longer one has gone "
                "past a minimum."
            )
        return (first, tuple(second))
