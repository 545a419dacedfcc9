"""How the gradient of a value that is used several times adds up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from handgrad.arrays import Array
from handgrad.discussion.lookup import (
    backward_line,
    differentiated,
    in_order,
    made_in,
    total_gradient,
)
from handgrad.discussion.phrases import cited
from handgrad.discussion.question import Question
from handgrad.expression import Adjoint, Expression, Literal, Name, literal_of
from handgrad.page.blocks import Block, Derivation, Paragraph, Relation
from handgrad.record import record
from handgrad.solution import Trace
from handgrad.text import Text, joined


@record
class Share:
    """The part of a gradient that comes through one equation."""

    through: str
    value: Array


@record
class SumOverPaths(Question):
    """A value that several equations use: its gradient is the sum of one share from each."""

    kind: ClassVar = "sum_over_paths"
    title: ClassVar = "The sum over paths"
    name: str
    shares: tuple[Share, ...]
    gradient: Array
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """The first parameter, or else the last value, that several equations use."""
        values = [n for n in trace.graph.nodes if trace.graph.nodes[n].kind == "value"]
        for name in (*differentiated(trace), *reversed(values)):
            parts = trace.graph.gradients[name].parts if name in trace.graph.gradients else ()
            found = backward_line(trace, Adjoint(name))
            if len(parts) < 2 or found is None or trace.graph.nodes[name].batched:
                continue
            arrays = [
                np.asarray(trace.run.numbers[Adjoint(name, p.through)], dtype=float) for p in parts
            ]
            shares = tuple(Share(p.through, a) for p, a in zip(parts, arrays, strict=True))
            steps = [made_in(trace).get(Adjoint(p.through), "") for p in parts]
            return cls(
                name=name,
                shares=shares,
                gradient=total_gradient(trace, name),
                steps=in_order((*steps, found[0])),
            )
        return None

    def asked(self) -> Text:
        places = joined([(Name(s.through),) for s in self.shares])
        return (
            Name(self.name), " is used in the equations of ", *places, ". How is ",
            Adjoint(self.name), " put together, and what if one path were forgotten?",
        )  # fmt: skip

    def answer(self) -> tuple[Text, ...]:
        count = len(self.shares)
        missing = max(self.shares, key=lambda s: float(np.abs(s.value).max()))
        place = tuple(
            int(i) for i in np.unravel_index(np.abs(missing.value).argmax(), missing.value.shape)
        )
        total = float(self.gradient[place])
        rest = float(sum(s.value[place] for s in self.shares if s is not missing))
        first: Text = (
            f"Each use is a path to the loss, and the gradient is the sum of the {count} shares{cited(self.steps)}.",
        )
        if not missing.value.any():
            return first, ("Every share is 0 here, and so is the gradient without one of them.",)
        return (
            first,
            (
                "Without the path through ", Name(missing.through), ", ", Adjoint(self.name).entry(place), " would be ",
                Literal(rest), " instead of ", Literal(total), ".",
            ),
        )  # fmt: skip

    def blocks(self) -> tuple[Block, ...]:
        total = _share_sum([s.value for s in self.shares])
        parts: Expression = Adjoint(self.name, self.shares[0].through)
        for share in self.shares[1:]:
            parts = parts + Adjoint(self.name, share.through)
        relation = Relation(Adjoint(self.name), (parts, total, literal_of(self.gradient)))
        first, *others = map(Paragraph, self.answer())
        return (first, Derivation((relation,)), *others)


def _share_sum(shares: Sequence[Array]) -> Expression:
    """The shares of a gradient added up, as a formula in numbers."""
    total: Expression = literal_of(shares[0])
    for share in shares[1:]:
        total = total + literal_of(share)
    return total
