"""The updated value of one parameter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np

from handgrad.discussion.lookup import at_entry, step_of, total_gradient, update_step
from handgrad.discussion.phrases import cited
from handgrad.discussion.question import Question, QuestionedEntry
from handgrad.expression import Adjoint, Literal, Name
from handgrad.graph.updating import update_pass
from handgrad.operations.annotate import annotated
from handgrad.operations.elements import entry_of
from handgrad.page.blocks import Block, Derivation, Paragraph, Relation
from handgrad.record import record
from handgrad.running.units import Index
from handgrad.solution import Trace, TraceLine
from handgrad.text import Text
from handgrad.updates import RULES, Update, names

ANY = ("theta", "phi", "omega", "p")
"""What any parameter is called, the first that no name of the problem is."""


@record
class UpdatedValue(Question):
    """The updated value of one entry of a parameter; the last of `lines` computes it.

    `rate` is the parameter's, `own_rate` says whether it has one of its own, and `letter` is what formulas call the
    rate; `theta` stands for any parameter, by a name that none of the problem's has. `plain` whether every parameter's
    update is a step against the gradient at one rate and nothing else.
    """

    kind: ClassVar = "updated_value"
    title: ClassVar = "The updated value"
    entry: QuestionedEntry
    lines: tuple[TraceLine, ...]
    rule: str
    rate: float
    own_rate: bool
    letter: str
    theta: str
    plain: bool
    before: float
    gradient: float
    after: float
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """The new value of the last bias that is not frozen, or else of the entry whose gradient is largest."""
        step = update_step(trace)
        update = trace.problem.update
        if step is None or update is None:
            return None
        given = trace.problem.parameters
        moving = [n for n in given if n not in trace.problem.frozen] or list(given)
        scalars = [n for n in moving if not given[n].array.ndim]
        name = (scalars or moving)[-1]
        gradient = total_gradient(trace, name)
        index = tuple(int(i) for i in np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
        taken = trace.graph.nodes.keys() | trace.graph.lets.keys()
        whole = update_pass(trace.graph, update)
        own = [line for line in step.lines if whole.owner(_target(line)) in ("", name)]
        lines = tuple(_entry_line(trace, line, index) for line in own)
        return cls(
            entry=QuestionedEntry(name, index),
            lines=lines,
            rule=update.rule,
            rate=update.rate_of(name),
            own_rate=name in update.rates,
            letter=names(taken)["rate"].name,
            theta=next((n for n in ANY if n not in taken), ANY[0]),
            plain=update.rule == Update().rule and len(lines) == 1 and not update.rates,
            before=at_entry(trace.problem.parameters[name].array, index),
            gradient=at_entry(gradient, index),
            after=float(lines[-1].value),
            steps=(*step_of(trace, name), step.id),
        )

    def asked(self) -> Text:
        theta = Name(self.theta)
        plain: Text = (
            "each parameter ",
            theta,
            " becomes ",
            theta,
            " − ",
            Name(self.letter),
            " · ",
            Adjoint(self.theta),
        )
        said = plain if self.plain else (f"{RULES[self.rule].noun} updates every parameter",)
        return (
            "After the backward pass ", *said, ". With ", *self._rate(),
            ", what is the updated value of ", self.entry.value, "?",
        )  # fmt: skip

    def answer(self) -> tuple[Text, ...]:
        value = self.entry.value
        moved = self.after - self.before
        result: Text = (value, " becomes ", Literal(self.after), f"{cited(self.steps)}.")
        if moved == 0:
            return (result, ("Its value does not change.",))
        way = "up" if moved > 0 else "down"
        if not self.plain:
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
        left = Name(line.target.name).entry(line.index)
        updates = line.role in ("updated", "memory")
        return replace(line.relation(), left=left, sign="←" if updates else "=")

    def _rate(self) -> Text:
        if self.own_rate:
            return ("a rate of ", Literal(self.rate), " for ", Name(self.entry.name))
        return (Name(self.letter), " = ", Literal(self.rate))


def _target(line: TraceLine) -> Name:
    """What a line of an update computes."""
    assert isinstance(line.target, Name)
    return line.target


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
