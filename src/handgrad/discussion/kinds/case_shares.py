"""Which case of a batch pulls hardest."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
from handgrad.text import Text, cases_words

CASES = 64
"""The most cases that are solved one by one."""

TIED = 1e-9
"""Losses and norms that differ by no more than this share count as equal: floats seldom give the same one twice."""


@record
class CaseShares(Question):
    """How much each case contributes: its loss, and the norm of its gradient over all parameters.

    The gradients of the cases in `ties` are as long as that of the case `largest`.
    """

    kind: ClassVar = "case_shares"
    title: ClassVar = "The cases' shares"
    reduction: str
    losses: tuple[float, ...]
    lengths: tuple[float, ...]
    largest: int
    ties: tuple[int, ...]
    length: float
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """Solves each case alone for its loss and the norm of its gradient; None where no case has a gradient."""
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
        if not np.max(lengths) > 0:
            return None
        first, *ties = _furthest(lengths)
        steps = [
            made_in(trace)[Name(trace.graph.loss)],
            *(s for n in problem.parameters for s in step_of(trace, n)),
        ]
        return cls(
            reduction=problem.reduction,
            losses=tuple(losses),
            lengths=tuple(lengths),
            largest=first,
            ties=tuple(ties),
            length=_length(trace),
            steps=in_order(steps),
        )

    def asked(self) -> Text:
        if self.ties:
            return (
                "Which cases pull hardest on the parameters, and are they those with the largest loss?",
            )
        return (
            "Which case pulls hardest on the parameters, and is it the one with the largest loss?",
        )

    def answer(self) -> tuple[Text, ...]:
        hardest, worst = (self.largest, *self.ties), _furthest(self.losses)
        word = "mean" if self.reduction == "mean" else "sum"
        gradient, also = "gradient of its own loss", "It is also the case"
        if self.ties:
            gradient, also = "gradients of their own losses", "They are also the cases"
        same = (
            f"{also} with the largest loss."
            if hardest == worst
            else f"The largest loss is that of {cases_words(worst)}."
        )
        return (
            (f"{cases_words(hardest).capitalize()}: the {gradient} with respect to all parameters {'have' if self.ties else 'has'} the largest norm, ", Literal(self.lengths[self.largest]), f"{cited(self.steps)}. {same}"),
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


def _furthest(sizes: Sequence[float]) -> tuple[int, ...]:
    """The places of the largest number, each that ties with it."""
    largest = max(sizes)
    return tuple(k for k, size in enumerate(sizes) if math.isclose(size, largest, rel_tol=TIED))


def _length(trace: Trace) -> float:
    """The Euclidean norm of the gradient of all parameters together."""
    return math.hypot(*(norm(total_gradient(trace, n)) for n in trace.problem.parameters))
