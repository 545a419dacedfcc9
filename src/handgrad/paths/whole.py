"""Why a whole gradient is what it is: its largest entries, and, where it is 0, the one cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Expression, Name
from handgrad.expression import Literal as Number
from handgrad.graph import Graph
from handgrad.page.blocks import Block, Heading, Note, Paragraph, Table
from handgrad.paths.cause import Cause, cause_of
from handgrad.paths.structure import Entry
from handgrad.problem import Problem
from handgrad.record import JsonForm
from handgrad.running import Run
from handgrad.saving import Page, Result
from handgrad.text import Text


@dataclass(frozen=True, slots=True)
class LargeEntry:
    """One entry of a gradient."""

    entry: Entry
    value: float


@dataclass(frozen=True, slots=True)
class WhyWhole(Result):
    """A whole gradient: how large it is, its largest entries, and why it is 0 where it is.

    Arguments:
        value: the gradient itself.
        norm: its Euclidean norm.
        size: how many entries it has.
        zeros: how many of them are 0.
        entries: the largest, the largest first; none where all are 0.
        cause: why all of it is 0; None where it is not.
        loss: the name in the numerator of the gradient.
    """

    problem: Problem
    name: str
    value: Array
    norm: float
    size: int
    zeros: int
    entries: tuple[LargeEntry, ...]
    cause: Cause | None
    loss: str
    parts: Mapping[str, Expression]
    json: ClassVar = JsonForm("why", without=("problem", "value"), also=("of",))

    @property
    def of(self) -> Literal["whole gradient"]:
        """What the question is about."""
        return "whole gradient"

    def page(self, decimals: int = 4) -> Page:
        """The cause in a sentence, or the largest entries. `decimals` are the digits shown after the point."""
        blocks: list[Block] = [Heading(("Why ", Adjoint(self.name), *self._headline()), 1)]
        if self.cause is not None:
            blocks.append(Note("warning", self.cause_text(self.cause)))
        else:
            blocks += self._largest()
        return Page(
            title=f"Why d{self.name}",
            blocks=tuple(blocks),
            decimals=decimals,
            display=self.problem.display,
            loss=self.loss,
        )

    def _headline(self) -> Text:
        return (" = 0",) if self.cause is not None else (" is what it is",)

    def _largest(self) -> list[Block]:
        zeros = f"; {self.zeros} of them {'is' if self.zeros == 1 else 'are'} 0" * bool(self.zeros)
        text: Text = (f"It has {self.size} entries{zeros}. Its norm is ", Number(self.norm), ".")
        rows: list[tuple[Text, ...]] = [
            ((Adjoint(e.entry.name, shape=()).entry(e.entry.index),), (Number(e.value),))
            for e in self.entries
        ]
        first = self.entries[0].entry
        ask = f"Why one of them is what it is: handgrad why … d{first}"
        header: tuple[Text, ...] = (("entry",), ("gradient",))
        return [Paragraph(text), Table(header, tuple(rows), "lr", ("The largest",)), Note("info", (ask,))]  # fmt: skip

    def cause_text(self, cause: Cause) -> Text:
        """Why all of it is 0, in a sentence."""
        start: Text = (Name(self.name), " gets no gradient: ")
        passes: Text = ("every path from it to the loss passes ", Name(cause.passed))
        match cause.kind:
            case "no_path":
                return (*start, "no path leads from it to the loss.")
            case "gates_shut" if cause.shut == cause.units * cause.places:
                gates = (
                    "whose one gate is" if cause.units == 1 else f"whose {cause.units} gates are"
                )
                where = f" at all {cause.places} places" if cause.places > 1 else ""
                return (*start, *passes, f", {gates} shut{where}.")
            case "gates_shut":
                told = f"a gradient arrives there at {cause.arriving} of {cause.units * cause.places} places"
                return (*start, *passes, f"; {told}, and at each of them the gate is shut.")
            case "zero_factor":
                return (
                    *start, *passes, ", in which ", Name(cause.stopped), " is multiplied by ",
                    Name(cause.factor), ", and that is 0 throughout.",
                )  # fmt: skip
            case "no_slope" if cause.passed == self.problem.loss:
                return (
                    *start,
                    "the loss has no slope in ",
                    Name(cause.stopped),
                    " at these numbers.",
                )
            case "no_slope":
                return (
                    *start, *passes, ", where a gradient arrives, and ", Name(cause.stopped),
                    ", where none does: at these numbers no slope leads from one to the other.",
                )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Why d{self.name}: norm {self.norm:.6g}>"


def why_whole(
    problem: Problem, graph: Graph, run: Run, name: str, parts: Mapping[str, Expression], top: int
) -> WhyWhole:
    """The answer for all entries of a gradient."""
    gradient = np.asarray(run.gradient(name), dtype=float)
    order = np.argsort(-np.abs(gradient), axis=None, kind="stable")[:top]
    places = [tuple(map(int, np.unravel_index(k, gradient.shape))) for k in order]
    return WhyWhole(
        problem=problem,
        name=name,
        value=gradient,
        norm=float(np.linalg.norm(gradient)),
        size=int(gradient.size),
        zeros=int(np.count_nonzero(gradient == 0)),
        entries=tuple(
            LargeEntry(Entry(name, at), float(gradient[at])) for at in places if gradient[at] != 0
        ),
        cause=cause_of(graph, run, name),
        loss=graph.loss if graph.nodes[name].batched else graph.cost,
        parts=parts,
    )
