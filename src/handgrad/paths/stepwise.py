"""An entry of a gradient of a network with too many entries for all paths to be followed: step by step, by the largest term."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from handgrad.expression import Adjoint, Call, Expression, walk
from handgrad.expression import Literal as Number
from handgrad.graph import Graph
from handgrad.page.blocks import Block, Derivation, Heading, Note, Paragraph, Relation, Table
from handgrad.paths.structure import Entry
from handgrad.problem import Problem
from handgrad.record import JsonForm
from handgrad.running import Run
from handgrad.saving import Page, Result
from handgrad.solution.rounding import rounding_said
from handgrad.solution.sum_blocks import SumBlocks
from handgrad.solution.sum_lines import SumLine, Summand
from handgrad.solution.sums import Sums
from handgrad.text import Text

LONGEST = 200
"""Steps that are followed, at most."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One step of the way back from an entry to the loss.

    Arguments:
        line: the gradient's entry as the sum of its terms.
        largest: the place in `line.terms` of the term that is followed; -1 where the way ends.
    """

    line: SumLine
    largest: int


@dataclass(frozen=True, slots=True)
class WhyStepwise(Result):
    """A gradient's entry, followed to the loss by the largest term of every sum.

    Arguments:
        steps: from the entry to the loss.
        stopped: whether they end before it, where a gradient arrives and is multiplied by 0.
        case: the case that is followed after the first step, of a gradient over several; None elsewhere.
        loss: the name in the numerator of the gradient.
        losses: by value that differs from case to case, the name of its own case's loss.
        parts: the names given to parts of equations, with their formulas.
    """

    problem: Problem
    entry: Entry
    value: float
    steps: tuple[Followed, ...]
    stopped: bool
    case: int | None
    loss: str
    losses: Mapping[str, str]
    parts: Mapping[str, Expression]
    json: ClassVar = JsonForm("why", without=("problem", "losses"), also=("of", "entry=asked"))

    @property
    def asked(self) -> str:
        """The gradient asked about, such as `dW1[0,1]`."""
        return f"d{self.entry}"

    @property
    def of(self) -> Literal["large gradient"]:
        """What the question is about."""
        return "large gradient"

    def page(self, decimals: int = 4) -> Page:
        """The sums one after the other. `decimals` are the digits shown after the point."""
        asked = Adjoint(self.entry.name, shape=()).entry(self.entry.index)
        told = SumBlocks(self.parts, self.problem.reduction)
        blocks: list[Block] = []
        for step in self.steps:
            blocks += told.line(step.line)
            if step.largest >= 0 and step.line.count > 1:
                blocks.append(Paragraph(self._followed(step, told)))
        blocks.append(Note("info", self._end(told)))
        cells = [p for b in blocks if isinstance(b, Table) for r in b.rows for c in r for p in c]
        numbers = Derivation(tuple(Relation(None, (p,)) for p in cells if not isinstance(p, str)))
        return Page(
            title=f"Why {self.asked}",
            blocks=(
                Heading(("Why ", told.written(asked), " = ", Number(self.value)), 1),
                Paragraph((self._introduction(),)),
                *blocks,
                *rounding_said([*blocks, numbers], decimals),
            ),
            decimals=decimals,
            display=self.problem.display,
            loss=self.loss,
            losses=self.losses,
        )

    def _introduction(self) -> str:
        return (
            "The network has too many entries for every path to be followed. "
            "The gradient is a sum, and each term of it has a gradient in it that is a sum again: "
            "here the term that is largest in size is followed, step by step, to the loss."
        )

    def _followed(self, step: Followed, told: SumBlocks) -> Text:
        largest = step.line.terms[step.largest]
        case = f" (case {largest.case + 1})" if largest.case is not None else ""
        return ("The largest term is followed: ", told.written(largest.formula), f"{case}.")

    def _end(self, told: SumBlocks) -> Text:
        last = self.steps[-1].line
        target = told.written(last.target)
        if self.stopped:
            return ("The way ends at ", target, ": a gradient arrives there, and what it is multiplied by is 0.")  # fmt: skip
        if self.steps[-1].largest >= 0:
            return (f"The first {len(self.steps)} steps are shown.",)
        return ("The way ends at ", target, ", which no other gradient is a part of.")

    def __repr__(self) -> str:
        return f"<Why {self.asked}: {self.value:.6g}, in {len(self.steps)} steps>"


def why_stepwise(
    problem: Problem,
    graph: Graph,
    run: Run,
    entry: Entry,
    case: int | None,
    parts: Mapping[str, Expression],
    top: int,
) -> WhyStepwise:
    """The answer for one entry of a gradient."""
    following = _Following(problem, graph, Sums(graph, run, case, top))
    steps = tuple(following.steps(entry))
    return WhyStepwise(
        problem=problem,
        entry=entry,
        value=steps[0].line.value,
        steps=steps,
        stopped=following.stopped,
        case=following.sums.case if case is None else None,
        loss=graph.loss if graph.nodes[entry.name].batched else graph.cost,
        losses={n: graph.loss for n, x in graph.nodes.items() if x.batched and n != graph.cost},
        parts=parts,
    )


@dataclass
class _Following:
    problem: Problem
    graph: Graph
    sums: Sums
    stopped: bool = False

    def steps(self, entry: Entry) -> Iterator[Followed]:
        """The sums on the way from an entry to the loss."""
        here: Entry | None = entry
        count = 0
        while here is not None and count < LONGEST:
            count += 1
            gradient = self.graph.gradients[here.name]
            if count == 1 and gradient.per_case is not None:
                mean = self.problem.reduction == "mean"
                line = self.sums.over_cases(here.name, here.index, mean)
                self.sums = Sums(self.graph, self.sums.run, line.terms[0].case, self.sums.top)
                yield Followed(line, 0)
                here = self._next(line.terms[0])
                continue
            lines = self.sums.backward(here.name, here.index)
            whole = lines[-1]
            if len(lines) > 1:
                # The shares of several ways: that of the largest is followed.
                yield Followed(whole, _largest(whole))
                through = whole.terms[_largest(whole)].formula
                ways = [x for x in lines[:-1] if x.target == through]
                line = ways[0] if ways else lines[0]
            else:
                line = whole
            term = line.terms[_largest(line)]
            following = self._next(term)
            if following is None and line.count == 1:
                spread = self.sums.spread(here.name, here.index, line.through)
                if spread is not None:
                    line, following = spread, self._next(spread.terms[0])
            if following is not None and not any(t.value for t in line.terms):
                # A gate that is shut, or another factor of 0, is all that there is to find.
                self.stopped = bool(self.sums.number(Adjoint(following.name))[following.index])
                following = None if self.stopped else following
            yield Followed(line, _largest(line) if following is not None else -1)
            here = following

    def _next(self, term: Summand) -> Entry | None:
        """The entry of a gradient that stands in a term; None where none of one value does."""
        for node in walk(term.formula):
            if isinstance(node, Call) and node.option("at") is not None:
                leaf, at = node.arguments[0], node.option("at")
            else:
                leaf, at = node, ()
            if not isinstance(leaf, Adjoint) or leaf.name not in self.graph.nodes:
                continue
            index: tuple[Any, ...] = at if isinstance(at, tuple) else ()
            full = len(index) == len(self.graph.nodes[leaf.name].shape)
            if full and leaf.name not in (self.graph.loss, self.graph.cost):
                return Entry(leaf.name, tuple(int(i) for i in index))
        return None


def _largest(line: SumLine) -> int:
    return int(np.argmax([abs(term.value) for term in line.terms]))
