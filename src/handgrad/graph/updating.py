"""The update of every parameter as formulas with shapes: the third pass, after forward and backward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from handgrad.expression import Adjoint, Leaf, Name, Shape
from handgrad.graph.remembered import OfGraphs
from handgrad.graph.structure import Graph, Node, is_batched
from handgrad.operations.annotate import tidied
from handgrad.record import builder, record
from handgrad.updates import Update, UpdateLine, names


@record
class UpdatePass:
    """The formulas of one update: those that all parameters share, then those of each parameter.

    `settings` are the numbers of the first update by the names they have in the formulas, and `counters` those
    of them that count the updates, by what they count. `rates` are the names of the rates that parameters
    take, `own_rates` those of the rates that are given for one of them. `memories` are the values kept from one update to the next, with their shapes for one case; names in
    `batched` differ from case to case.
    """

    shared: tuple[UpdateLine, ...]
    lines: Mapping[str, tuple[UpdateLine, ...]]
    settings: Mapping[Name, float]
    counters: Mapping[str, Name]
    rates: Mapping[str, Name]
    own_rates: Mapping[str, Name]
    memories: Mapping[Name, Shape]
    batched: frozenset[Leaf]
    shapes: Mapping[Name, Shape]
    update: Update

    def shape(self, graph: Graph, leaf: Leaf) -> Shape:
        """The shape of anything a formula of the update refers to."""
        found = self.shapes.get(leaf) if isinstance(leaf, Name) else None
        return graph.shape(leaf) if found is None else found

    def groups(self) -> Iterator[tuple[UpdateLine, ...]]:
        """All lines in the order in which they are computed: the shared ones, and those of each parameter."""
        yield self.shared
        yield from self.lines.values()

    def counted(self, number: int) -> dict[Name, float]:
        """What counts the updates, in update `number`, from 1."""
        counts = self.update.counted(number)
        return {self.counters[key]: value for key, value in counts.items()}

    def owner(self, name: Name) -> str:
        """The parameter that a line's target belongs to; empty for what all share."""
        return next(
            (p for p, lines in self.lines.items() if any(u.target == name for u in lines)), ""
        )


_passes: OfGraphs[UpdatePass] = OfGraphs(8)
"""Those of the last graphs: a solution, its reasons, a check and a training ask for the same one."""


def update_pass(graph: Graph, update: Update) -> UpdatePass:
    """The update of every parameter of a graph."""
    return _passes.of(graph, update, lambda: _update_pass(graph, update))


def _update_pass(graph: Graph, update: Update) -> UpdatePass:
    named = names(graph.nodes.keys() | graph.lets.keys())
    settings = {named[key]: value for key, value in update.settings.items()}
    # A parameter that is left out has no node, and its rate goes unused.
    used = [p for p in update.rates if p in graph.nodes]
    own = {p: name for p in used if (name := update.own_rate(p, named)) is not None}
    settings |= {name: update.rate_of(p) for p, name in own.items()}
    writing = _Writing(graph, dict.fromkeys(settings, ()))
    parameters = [node for node in graph.nodes.values() if node.kind == "parameter"]
    gradients = [Adjoint(node.name, shape=node.shape) for node in parameters]
    shared = writing.annotated(update.shared(gradients, named) if gradients else [])
    lines = {
        node.name: writing.annotated(
            update.lines(Name(node.name, shape=node.shape), gradient, named), node
        )
        for node, gradient in zip(parameters, gradients, strict=True)
    }
    return UpdatePass(
        shared=shared,
        lines=lines,
        settings=settings,
        counters={key: named[key] for key in update.counted(1)},
        rates={node.name: update.rate_name(node.name, named) for node in parameters},
        own_rates=own,
        memories=writing.memories,
        batched=frozenset(writing.batched),
        shapes=writing.shapes,
        update=update,
    )


@builder
class _Writing:
    """Finds the shapes of an update's lines, and which of them differ from case to case."""

    graph: Graph
    shapes: dict[Name, Shape]
    memories: dict[Name, Shape] = field(default_factory=dict)
    batched: set[Leaf] = field(default_factory=set)

    def annotated(
        self, written: list[UpdateLine], node: Node | None = None
    ) -> tuple[UpdateLine, ...]:
        """Lines with shapes: those of a node's update, or those that all parameters share."""
        for line in written:
            if line.assigns == "memory":
                assert node is not None
                self.shapes[line.target] = self.memories[line.target] = node.shape
                if node.batched:
                    self.batched.add(line.target)
        return tuple([self._line(line) for line in written])

    def _line(self, line: UpdateLine) -> UpdateLine:
        formula = tidied(line.formula, self._shape)
        shape = formula.shape or ()
        if line.assigns == "let":
            self.shapes[line.target] = shape
            if is_batched(formula, self.graph.batched_leaves | self.batched):
                self.batched.add(line.target)
        return UpdateLine(Name(line.target.name, shape=shape), formula, line.assigns)

    def _shape(self, leaf: Leaf) -> Shape:
        if leaf.shape is not None:
            return leaf.shape
        found = self.shapes.get(leaf) if isinstance(leaf, Name) else None
        return self.graph.shape(leaf) if found is None else found
