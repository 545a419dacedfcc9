"""An entry of a gradient of a network with too many entries for all paths to be followed: step by step, by the largest term."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Call, Expression, Leaf, leaves, walk
from handgrad.expression import Literal as Number
from handgrad.graph import Graph
from handgrad.page.blocks import Block, Derivation, Heading, Note, Paragraph, Relation, Table
from handgrad.paths.structure import Entry
from handgrad.paths.ways import KEPT, Onward, Place, Way, Ways
from handgrad.problem import Problem
from handgrad.record import JsonForm
from handgrad.running import Run
from handgrad.running.evaluate import value_of
from handgrad.saving import Page, Result
from handgrad.solution.rounding import rounding_said
from handgrad.solution.sum_blocks import SumBlocks
from handgrad.solution.sum_lines import SumLine, Summand
from handgrad.solution.sums import Sums
from handgrad.text import Inline, Text

LONGEST = 200
"""Steps that are followed, at most."""

PARTED = 4096
"""Entries of a gradient that are asked one by one for what each gives, at most."""

NOISE = 1e-9
"""What of a term floats may leave."""


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
        ways: the largest ways that were found, the largest first.
        case: the case that is followed after the first step, of a gradient over several; None elsewhere.
        loss: the name in the numerator of the gradient.
        losses: by value that differs from case to case, the name of its own case's loss.
        parts: the names given to parts of equations, with their formulas.
        top: how many terms of a sum are listed.
    """

    problem: Problem
    entry: Entry
    value: float
    steps: tuple[Followed, ...]
    stopped: bool
    ways: tuple[Way, ...]
    case: int | None
    loss: str
    losses: Mapping[str, str]
    parts: Mapping[str, Expression]
    top: int
    json: ClassVar = JsonForm(
        "why", without=("problem", "losses", "top"), also=("of", "entry=asked")
    )

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
        blocks += self._ways(told)
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

    def _ways(self, told: SumBlocks) -> Iterator[Block]:
        """The largest ways, each with its share of the gradient."""
        if not self.ways:
            return
        yield Heading(("The largest ways",), 2)
        yield Paragraph((
            f"A way goes on by one gradient in every sum; all ways together are the gradient asked about. At every sum the {KEPT} "
            f"largest so far were followed, each by the {self.top} largest terms; one that begins with smaller terms may be larger.",
        ))  # fmt: skip
        rows: list[tuple[Text, ...]] = []
        for way in self.ways:
            entries = [told.written(Adjoint(e.name, shape=()).entry(e.index)) for e in way.through]
            line: list[Inline] = []
            for entry in entries:
                line += [" ← ", entry] if line else [entry]
            case: Text = (f"case {way.case + 1}: ",) if way.case is not None else ()
            share = f"{100 * way.value / self.value:.3g} %".replace("-", "−")
            rows.append(((*case, *line), (Number(way.value),), (share,)))
        yield Table((("way",), ("comes by it",), ("of the gradient",)), tuple(rows), "lrr")

    def _introduction(self) -> str:
        return (
            "The network has too many entries for every path to be followed. "
            "The gradient is a sum, and each term of it has a gradient in it that is a sum again: "
            f"here {'the term that is largest in size' if self.value else 'one term, the largest where they differ,'} "
            "is followed, step by step, to the loss."
        )

    def _followed(self, step: Followed, told: SumBlocks) -> Text:
        largest = step.line.terms[step.largest]
        case = f" (case {largest.case + 1})" if largest.case is not None else ""
        which = "The largest term" if largest.value else "All are 0, and the first"
        return (f"{which} is followed: ", told.written(largest.formula), f"{case}.")

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
        ways=Ways(following.onwards).largest(entry, case),
        case=following.sums.case if case is None else None,
        loss=graph.loss if graph.nodes[entry.name].batched else graph.cost,
        losses={n: graph.loss for n, x in graph.nodes.items() if x.batched and n != graph.cost},
        parts=parts,
        top=top,
    )


@dataclass
class _Following:
    problem: Problem
    graph: Graph
    sums: Sums
    stopped: bool = False
    _by_case: dict[int | None, Sums] = field(default_factory=dict)
    _found: dict[Place, list[SumLine]] = field(default_factory=dict)

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
            lines = self._backward(here, self.sums)
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

    def onwards(self, place: Place) -> tuple[float, list[Onward]]:
        """A gradient's entry, and by the listed terms of its sum the gradients that it goes on by."""
        entry, case = place
        gradient = self.graph.gradients[entry.name]
        if case is None and gradient.per_case is not None:
            line = self.sums.over_cases(entry.name, entry.index, self.problem.reduction == "mean")
            return line.value, [x for term in line.terms for x in self._parted(term, term.case)]
        sums = self._in_case(case)
        *ways, whole = self._backward(entry, sums)
        found: list[Onward] = []
        for line in ways or [whole]:
            terms = line.terms
            if line.count == 1 and self._next(terms[0]) is None:
                spread = sums.spread(entry.name, entry.index, line.through)
                terms = terms if spread is None else spread.terms
            found += [x for term in terms for x in self._parted(term, case)]
        return whole.value, found

    def _in_case(self, case: int | None) -> Sums:
        if case in (None, self.sums.case):
            return self.sums
        if case not in self._by_case:
            self._by_case[case] = replace(self.sums, case=case, _known={})
        return self._by_case[case]

    def _backward(self, entry: Entry, sums: Sums) -> list[SumLine]:
        """A gradient's entry as sums, which the steps and the ways both ask for."""
        place = entry, sums.case
        if place not in self._found:
            self._found[place] = sums.backward(entry.name, entry.index)
        return self._found[place]

    def _parted(self, term: Summand, case: int | None) -> Iterator[Onward]:
        """A term by the gradients in it: what each would give alone; the rest, and a term without one, goes on by none."""
        ends = (self.graph.loss, self.graph.cost)
        within = [
            (x, self._used(x, term.formula))
            for x in leaves(term.formula)
            if isinstance(x, Adjoint) and x.name in self.graph.nodes and x.name not in ends
        ]
        if not within:
            yield Onward(term.value, None)
            return
        leaf, named = within[0]
        if len(within) == 1 and named is not None and len(named) == 1:
            yield Onward(term.value, (Entry(leaf.name, named[0]), case))
            return
        left = term.value
        numbers = {x: self._in_case(case).number(x) for x in leaves(term.formula)}
        none: dict[Leaf, Array] = {x: np.zeros_like(numbers[x]) for x, _ in within}
        for leaf, named in within:
            if named is None and numbers[leaf].size > PARTED:
                continue
            for index in named or np.ndindex(numbers[leaf].shape):
                alone = np.zeros_like(numbers[leaf])
                alone[index] = numbers[leaf][index]
                value = float(value_of(term.formula, {**numbers, **none, leaf: alone}, set()))
                left -= value
                if value:
                    yield Onward(value, (Entry(leaf.name, index), case))
        if abs(left) > NOISE * abs(term.value):
            yield Onward(left, None)

    def _used(self, leaf: Adjoint, formula: Expression) -> list[tuple[int, ...]] | None:
        """The entries of a gradient that a formula names; None where it takes more of it at once."""
        rank = len(self.graph.nodes[leaf.name].shape)
        if not rank:
            return [()]
        named: set[tuple[int, ...]] = set()
        for node in walk(formula):
            if isinstance(node, Call) and leaf in node.arguments:
                at = node.option("at")
                if not (isinstance(at, tuple) and len(at) == rank and all(isinstance(i, int) for i in at)):  # fmt: skip
                    return None
                named.add(tuple(int(i) for i in at if isinstance(i, int)))
        return sorted(named) or None

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
