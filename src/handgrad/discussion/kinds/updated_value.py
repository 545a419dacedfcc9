"""The updated value of one parameter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np

from handgrad.discussion.lookup import at_entry, step_of, total_gradient, update_step
from handgrad.discussion.phrases import cited
from handgrad.discussion.question import Question, QuestionedEntry
from handgrad.expression import Adjoint, Literal, Name
from handgrad.operations.annotate import annotated
from handgrad.operations.elements import entry_of
from handgrad.page.blocks import Block, Derivation, Paragraph, Relation
from handgrad.record import record
from handgrad.running.units import Index
from handgrad.solution import Step, Trace, TraceLine
from handgrad.text import Text
from handgrad.updates import RULES


@record
class UpdatedValue(Question):
    """The updated value of one entry of a parameter; the last of `lines` computes it."""

    kind: ClassVar = "updated_value"
    title: ClassVar = "The updated value"
    entry: QuestionedEntry
    lines: tuple[TraceLine, ...]
    rule: str
    rate: float
    before: float
    gradient: float
    after: float
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """The new value of the last bias, or else of the entry whose gradient is largest."""
        step = update_step(trace)
        update = trace.problem.update
        if step is None or update is None:
            return None
        scalars = [n for n, g in trace.problem.parameters.items() if not g.array.ndim]
        name = scalars[-1] if scalars else list(trace.problem.parameters)[-1]
        gradient = total_gradient(trace, name)
        index = tuple(int(i) for i in np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
        own = [line for line in step.lines if _owner(trace, step, line) == name]
        lines = tuple(_entry_line(trace, line, index) for line in own)
        return cls(
            entry=QuestionedEntry(name, index),
            lines=lines,
            rule=update.rule,
            rate=update.rate,
            before=at_entry(trace.problem.parameters[name].array, index),
            gradient=at_entry(gradient, index),
            after=float(lines[-1].value),
            steps=(*step_of(trace, name), step.id),
        )

    def asked(self) -> Text:
        plain: Text = ("each parameter θ becomes θ − η · ", Adjoint("theta"))
        said = plain if self._plain() else (f"{RULES[self.rule].noun} updates every parameter",)
        return (
            "After the backward pass ", *said, ". With η = ", Literal(self.rate),
            ", what is the updated value of ", self.entry.value, "?",
        )  # fmt: skip

    def answer(self) -> tuple[Text, ...]:
        value = self.entry.value
        moved = self.after - self.before
        result: Text = (value, " becomes ", Literal(self.after), f"{cited(self.steps)}.")
        if moved == 0:
            return (result, ("Its value does not change.",))
        way = "up" if moved > 0 else "down"
        if not self._plain():
            return (result, (f"It goes {way} from ", Literal(self.before), "."))
        sign = "negative" if self.gradient < 0 else "positive"
        return (
            result,
            (
                self.entry.gradient, " = ", Literal(self.gradient),
                f" is {sign}, and the step goes against the gradient: the value goes {way}.",
            ),
        )  # fmt: skip

    def blocks(self) -> tuple[Block, ...]:
        lines = Derivation(tuple(self._assignment(line) for line in self.lines))
        return (lines, *map(Paragraph, self.answer()))

    def _assignment(self, line: TraceLine) -> Relation:
        left = Name(line.target.name).entry(self.entry.index)
        updates = line.role in ("updated", "memory")
        return replace(line.relation(), left=left, sign="←" if updates else "=")

    def _plain(self) -> bool:
        """Whether the update is a step against the gradient and nothing else."""
        return self.rule == "sgd" and len(self.lines) == 1


def _owner(trace: Trace, step: Step, line: TraceLine) -> str:
    """The parameter that a line of an update belongs to: the one that is assigned next."""
    following = step.lines[step.lines.index(line) :]
    return next(after.target.name for after in following if after.role == "updated")


def _entry_line(trace: Trace, line: TraceLine, index: Index) -> TraceLine:
    """A line of an update, for one entry."""
    if not line.shape:
        return line

    def known(leaf: Any) -> tuple[int, ...]:
        graph = trace.graph
        if leaf.name in graph.nodes:
            return graph.nodes[leaf.name].shape
        return leaf.shape or ()

    return replace(
        line,
        formula=entry_of(annotated(line.formula, known), index),
        substituted=entry_of(annotated(line.substituted, known), index),
        value=np.asarray(line.value)[index],
        shape=(),
        index=index,
    )
