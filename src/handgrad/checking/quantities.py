"""What there is to check: every quantity of the worked solution, its step, and the formulas it may be
computed by, compiled once and then run on any numbers of the problem's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from handgrad.checking.adding import in_sizes
from handgrad.checking.formula import CompiledFormula, compiled
from handgrad.checking.names import target_of
from handgrad.checking.subjects import Subjects
from handgrad.checking.surroundings import Around
from handgrad.expression import (
    Adjoint,
    Call,
    Expression,
    Leaf,
    Name,
    Shape,
    substitute,
)
from handgrad.graph import Graph, Line, build
from handgrad.graph.remembered import MOST, OfGraphs
from handgrad.graph.updating import UpdatePass, update_pass
from handgrad.operations.mistakes import Mistake, mistakes
from handgrad.problem import Problem
from handgrad.problem.expected import expect_problem
from handgrad.running.plan import Plan, after
from handgrad.solution import Trace, TraceLine, solve
from handgrad.solution.structure import Phase, StepKind

ASKED = ("value", "cost", "gradient", "updated")
"""Roles of the lines that answers are expected for; what lies between may be entered too."""

UNSEEN: Mapping[Phase, StepKind] = {
    "forward": "compute",
    "backward": "pass_backward",
    "update": "update",
}
"""The kind of step that would compute what no step shows."""

MEMORY = "memory"

LARGEST = 10_000
"""Numbers of a problem beyond which its structure is not kept: its solution's numbers are kept with it."""


class StepLine(NamedTuple):
    """Where the worked solution computes a quantity: the number and the kind of the step, and the line."""

    step: str
    kind: StepKind
    line: TraceLine | None


def _places(trace: Trace) -> dict[tuple[Leaf, bool], StepLine]:
    """The places of a solution's lines, by what is computed and whether that is in the update."""
    found: dict[tuple[Leaf, bool], StepLine] = {}
    for step in trace.steps:
        for line in step.lines:
            if line.role != "per_case" and step.kind != "loss_after":
                key = line.target, step.phase == "update"
                found.setdefault(key, StepLine(step.id, step.kind, line))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """One thing a student computes.

    Arguments:
        leaf: what it is; a parameter after the update has a leaf of its own.
        target: how JSON and answers files call it: `z1`, `dW2`, `updated.b3`.
        shown: the formula that names it on a page.
        step: the number of its step, empty where no step shows it.
        ways: formulas that compute it, the first the one that the page shows.
        asked: whether a complete set of answers has it.
        line: the line of the worked solution.
    """

    leaf: Leaf
    target: str
    shown: Leaf
    step: str
    kind: StepKind
    phase: Phase
    ways: tuple[CompiledFormula, ...]
    asked: bool
    line: TraceLine | None
    through: str = ""

    @property
    def formula(self) -> CompiledFormula:
        return self.ways[0]

    @property
    def shape(self) -> Shape:
        return self.formula.shape

    @property
    def batched(self) -> bool:
        return self.formula.batched

    def at(self, places: Mapping[tuple[Leaf, bool], StepLine]) -> Quantity:
        """The same as it stands in a solution with other numbers."""
        updating = self.phase == "update"
        step, kind, line = places.get(
            (self.shown, updating), StepLine("", UNSEEN[self.phase], None)
        )
        asked = self.asked if updating else line is not None and line.role in ASKED
        return replace(self, step=step, kind=kind, line=line, asked=asked)

    @property
    def order(self) -> tuple[int, ...]:
        """What puts quantities in the order of the steps; those that no step shows stand last in their phase."""
        if self.step:
            return tuple(map(int, self.step.split(".")))
        return ({"forward": 1, "backward": 2, "update": 3}[self.phase], 10**6)


@dataclass(frozen=True, slots=True)
class Variant:
    """A mistake with its formula compiled."""

    mistake: Mistake
    formula: CompiledFormula


@dataclass(eq=False)
class Structure:
    """What does not depend on the numbers: the quantities in the order in which they are computed."""

    problem: Problem
    trace: Trace
    graph: Graph
    update: UpdatePass | None
    quantities: tuple[Quantity, ...]
    shapes: Mapping[Leaf, Shape]
    batched: frozenset[Leaf]
    variants: dict[Leaf, tuple[Variant, ...]] = field(default_factory=dict)
    pairs: dict[Leaf, tuple[tuple[Mistake, Mistake, CompiledFormula], ...]] = field(
        default_factory=dict
    )
    sizes: dict[Leaf, CompiledFormula | None] = field(default_factory=dict)
    for_many: dict[int, Any] = field(default_factory=dict)
    """Formulas compiled for many sheets, by the identity of the one that each has for one."""

    def __post_init__(self) -> None:
        self.by_leaf: dict[Leaf, Quantity] = {q.leaf: q for q in self.quantities}
        self.updated: dict[str, Quantity] = {
            q.target: q for q in self.quantities if q.phase == "update"
        }
        self.plan = Plan(self.graph)
        self._surroundings = Around(self)

    def at(self, problem: Problem, trace: Trace) -> Structure:
        """The same of a problem with other numbers in the same shapes: what was compiled for one is known for all."""
        if trace is self.trace:
            return self
        places = _places(trace)
        other = copy(self)
        other.problem, other.trace = problem, trace
        other.quantities = tuple([q.at(places) for q in self.quantities])
        other.by_leaf = {q.leaf: q for q in other.quantities}
        other.updated = {q.target: q for q in other.quantities if q.phase == "update"}
        return other

    @property
    def subjects(self) -> Subjects:
        """What there is for mistakes to be about."""
        return self._surroundings.subjects

    def shape(self, leaf: Leaf) -> Shape:
        return self.shapes[leaf]

    def compiled(self, expression: Expression) -> CompiledFormula | None:
        """A formula of the problem's names; None where shapes do not fit."""
        return compiled(expression, self.shape, self.batched)

    def named(self, formula: Expression, at: Quantity) -> Expression:
        """A formula in the names that the worked solution has up to a quantity's step.

        Parts of an equation that have no name there are written out.
        """

        def written_out(part: Expression) -> Expression | None:
            if not isinstance(part, Name | Adjoint) or part.name not in self.graph.lets:
                return None
            quantity = self.by_leaf.get(part)
            if quantity is None or (quantity.step and quantity.order <= at.order):
                return None
            if isinstance(part, Name):
                return self.graph.lets[part.name].written
            return self.named(quantity.formula.expression, at)

        return substitute(formula, written_out)

    def in_sizes(self, quantity: Quantity) -> CompiledFormula | None:
        """What a quantity would be if nothing in its sums cancelled."""
        if quantity.leaf not in self.sizes:
            self.sizes[quantity.leaf] = self.compiled(in_sizes(quantity.formula.expression))
        return self.sizes[quantity.leaf]

    def mistakes(self, quantity: Quantity) -> tuple[Variant, ...]:
        """The single mistakes that can be made with a quantity's formula."""
        found = self.variants.get(quantity.leaf)
        if found is None:
            found = self.variants[quantity.leaf] = tuple(self._variants(quantity))
        return found

    def _variants(self, quantity: Quantity) -> list[Variant]:
        seen = self._surroundings.of(quantity)
        found: dict[tuple[str, Expression], Variant] = {}
        right = {way.expression for way in quantity.ways}
        for way in quantity.ways:
            for mistake in mistakes(way.expression, seen):
                formula = self.compiled(mistake.formula)
                if formula is not None and formula.expression not in right:
                    key = (mistake.rule, formula.expression)
                    found.setdefault(key, Variant(mistake, formula))
        return list(found.values())

    def pairs_of(self, quantity: Quantity) -> tuple[tuple[Mistake, Mistake, CompiledFormula], ...]:
        """The pairs of mistakes made in one formula."""
        found = self.pairs.get(quantity.leaf)
        if found is None:
            found = self.pairs[quantity.leaf] = tuple(self._pairs(quantity))
        return found

    def _pairs(self, quantity: Quantity) -> list[tuple[Mistake, Mistake, CompiledFormula]]:
        seen = self._surroundings.of(quantity)
        singles = self.mistakes(quantity)
        known = {v.formula.expression for v in singles} | {w.expression for w in quantity.ways}
        result: list[tuple[Mistake, Mistake, CompiledFormula]] = []
        for variant in singles:
            for second in mistakes(variant.formula.expression, seen):
                if second.rule == variant.mistake.rule:
                    continue
                formula = self.compiled(second.formula)
                if formula is not None and formula.expression not in known:
                    known.add(formula.expression)
                    result.append((variant.mistake, second, formula))
        return result


def structure_of(problem: Problem) -> Structure:
    """The quantities of a problem. Raises `HandgradError` where it cannot be solved or is none."""
    expect_problem(problem)
    if sum(given.array.size for given in problem.inputs.values()) > LARGEST:
        return _structure(problem)
    known = _known.of(build(problem), problem.update, lambda: [_structure(problem)])
    if known[0].problem is not problem:
        known[0] = known[0].at(problem, solve(problem))
    return known[0]


def _structure(problem: Problem) -> Structure:
    trace = solve(problem)
    by = problem.update if problem.parameters else None
    update = update_pass(trace.graph, by) if by is not None else None
    return _Collecting(problem, trace, trace.graph, update).structure()


_known: OfGraphs[list[Structure]] = OfGraphs(MOST)
"""The structure that was asked for last of a graph: for the next sheet of the same problem, or of the same with other numbers."""


@dataclass
class _Collecting:
    problem: Problem
    trace: Trace
    graph: Graph
    update: UpdatePass | None

    def structure(self) -> Structure:
        self.places = _places(self.trace)
        self.shapes: dict[Leaf, Shape] = {}
        for name in (*self.graph.nodes, *self.graph.lets):
            self.shapes[Name(name)] = self.graph.shape(Name(name))
        for computed in self.graph.backward:
            self.shapes[computed.leaf] = self.graph.shape(computed.leaf)
        self.batched = set(self.graph.batched_leaves)
        self.named = {
            node.written: Name(node.name, shape=node.shape)
            for node in self.graph.nodes.values()
            if isinstance(node.written, Call)
        }
        quantities = [*self._forward(), *self._backward()]
        if self.update is not None:
            quantities += self._updated(self.update)
        return Structure(
            self.problem,
            self.trace,
            self.graph,
            self.update,
            tuple(quantities),
            self.shapes,
            frozenset(self.batched),
        )

    def _ways(self, *formulas: Expression | None) -> tuple[CompiledFormula, ...]:
        found: dict[Expression, CompiledFormula] = {}
        for formula in formulas:
            ready = compiled(formula, self._shape, self.batched) if formula is not None else None
            if ready is not None:
                found.setdefault(ready.expression, ready)
        return tuple(found.values())

    def _shape(self, leaf: Leaf) -> Shape:
        return self.shapes[leaf]

    def _forward(self) -> list[Quantity]:
        plain = {s.loss: s.plain for s in self.graph.shortcuts}
        found = []
        for line in self.graph.forward:
            node = self.graph.nodes.get(line.leaf.name)
            computed = node.computed if node is not None else None
            known = plain.get(line.leaf.name, computed)
            # Not the form that is computed, from the logits: its terms cancel, so that bounds on it
            # lie far apart, and a prediction that was not rounded is within the bounds on it.
            ways = self._ways(known or line.formula)
            found.append(self._quantity(line, ways, "forward"))
        return found

    def _backward(self) -> list[Quantity]:
        long = {s.long[-1].leaf: s.long[-1].formula for s in self.graph.shortcuts}
        found = []
        for line in self.graph.backward:
            ways = self._ways(self._folded(line.formula), line.formula, long.get(line.leaf))
            found.append(self._quantity(line, ways, "backward"))
        return found

    def _folded(self, formula: Expression) -> Expression:
        """The formula with every part that an equation computes called by its name."""
        return substitute(formula, lambda e: self.named.get(e) if isinstance(e, Call) else None)

    def _quantity(self, line: Line, ways: tuple[CompiledFormula, ...], phase: Phase) -> Quantity:
        quantity = Quantity(
            leaf=line.leaf,
            target=target_of(line.leaf, self.graph),
            shown=line.leaf,
            step="",
            kind=UNSEEN[phase],
            phase=phase,
            ways=ways,
            asked=False,
            line=None,
            through=line.through,
        )
        return quantity.at(self.places)

    def _updated(self, update: UpdatePass) -> list[Quantity]:
        """The lines of the update; what a line assigns anew has a name of its own from there on."""
        for leaf in (*update.settings, *update.memories):
            self.shapes[leaf] = update.shapes[leaf]
        self.batched |= update.batched
        found = []
        for lines in update.groups():
            renamed: dict[Leaf, Leaf] = {}
            for line in lines:
                formula = _renamed(line.formula, renamed)
                target = line.target if line.assigns == "let" else after(line.target)
                self.shapes[target] = self.shapes.get(line.target, ())
                if line.target in self.batched:
                    self.batched.add(target)
                quantity = Quantity(
                    leaf=target,
                    target=f"updated.{line.target.name}",
                    shown=line.target,
                    step="",
                    kind=UNSEEN["update"],
                    phase="update",
                    ways=self._ways(formula),
                    asked=line.assigns == "updated",
                    line=None,
                )
                found.append(quantity.at(self.places))
                if line.assigns == MEMORY:
                    renamed[line.target] = target
        return found


def _renamed(formula: Expression, new: Mapping[Leaf, Leaf]) -> Expression:
    return substitute(formula, lambda e: new.get(e) if isinstance(e, Name) else None)
