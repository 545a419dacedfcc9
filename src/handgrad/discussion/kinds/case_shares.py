"""Which case of a batch pulls hardest."""

from __future__ import annotations

import math
from typing import ClassVar, Self

import numpy as np

from handgrad.discussion.lookup import in_order, made_in, solved_alike, step_of, total_gradient
from handgrad.discussion.phrases import cited
from handgrad.discussion.question import Question
from handgrad.expression import Literal, Name
from handgrad.finite import norm
from handgrad.page.blocks import Block, Paragraph, Table
from handgrad.problem import Given
from handgrad.record import record
from handgrad.solution import Trace
from handgrad.text import Text

CASES = 64
"""The most cases that are solved one by one."""


@record
class CaseShares(Question):
    """How much each case contributes: its loss, and the norm of its gradient over all parameters."""

    kind: ClassVar = "case_shares"
    title: ClassVar = "The cases' shares"
    reduction: str
    losses: tuple[float, ...]
    lengths: tuple[float, ...]
    largest: int
    length: float
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """Solves each case alone for its loss and the norm of its gradient."""
        problem = trace.problem
        batched = {n: g.array for n, g in problem.data.items() if g.batched}
        if (
            not batched
            or not trace.graph.has_loss
            or any(g.batched for g in problem.parameters.values())
            or not problem.parameters
        ):
            return None
        count = next(iter(batched.values())).shape[-1]
        if not 2 <= count <= CASES:
            return None
        losses: list[float] = []
        lengths: list[float] = []
        for case in range(count):
            alone = solved_alike(
                trace, problem.with_values({n: Given(a[..., case]) for n, a in batched.items()})
            )
            if alone is None:
                return None
            losses.append(float(alone.run.loss))
            lengths.append(_length(alone))
        steps = [
            made_in(trace)[Name(trace.graph.loss)],
            *(s for n in problem.parameters for s in step_of(trace, n)),
        ]
        return cls(
            reduction=problem.reduction,
            losses=tuple(losses),
            lengths=tuple(lengths),
            largest=int(np.argmax(lengths)),
            length=_length(trace),
            steps=in_order(steps),
        )

    def asked(self) -> Text:
        return (
            "Which case pulls hardest on the parameters, and is it the one with the largest loss?",
        )

    def answer(self) -> tuple[Text, ...]:
        k = self.largest
        worst = int(np.argmax(self.losses))
        word = "mean" if self.reduction == "mean" else "sum"
        same = (
            "It is also the case with the largest loss."
            if self.losses[k] == self.losses[worst]
            else f"The largest loss is that of case {worst + 1}."
        )
        return (
            (f"Case {k + 1}: the gradient of its own loss with respect to all parameters has the largest norm, ", Literal(self.lengths[k]), f"{cited(self.steps)}. {same}"),
            (
                f"The norm of the {word} of the gradients of all cases is ", Literal(self.length),
                ": where cases pull in different directions, they partly cancel.",
            ),
        )  # fmt: skip

    def blocks(self) -> tuple[Block, ...]:
        return (self._table(), *map(Paragraph, self.answer()))

    def _table(self) -> Table:
        rows: tuple[tuple[Text, ...], ...] = tuple(
            ((str(k + 1),), (Literal(loss),), (Literal(length),))
            for k, (loss, length) in enumerate(zip(self.losses, self.lengths, strict=True))
        )
        header: tuple[Text, ...] = (("case",), ("its loss",), ("norm of its gradient",))
        return Table(header, rows, "rrr")


def _length(trace: Trace) -> float:
    """The Euclidean norm of the gradient of all parameters together."""
    return math.hypot(*(norm(total_gradient(trace, n)) for n in trace.problem.parameters))
