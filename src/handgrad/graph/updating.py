"""The update of every parameter as formulas with shapes: the third pass, after forward and backward."""

from __future__ import annotations

from collections.abc import Mapping

from handgrad.expression import Adjoint, Expression, Leaf, Name, Shape
from handgrad.graph.structure import Graph
from handgrad.operations.annotate import tidied
from handgrad.record import record
from handgrad.updates import Update, UpdateLine, names


@record
class UpdatePass:
    """The formulas of one update, by parameter.

    `settings` are the numbers of the rule by the names they have in the formulas, and `step` the
    name that counts the updates from 1. `memories` are the values kept from one update to the
    next, with their shapes for one case; those in `batched` differ from case to case.
    """

    lines: Mapping[str, tuple[UpdateLine, ...]]
    settings: Mapping[Name, float]
    step: Name
    memories: Mapping[Name, Shape]
    batched: frozenset[Leaf]
    shapes: Mapping[Name, Shape]

    def shape(self, graph: Graph, leaf: Leaf) -> Shape:
        """The shape of anything a formula of the update refers to."""
        found = self.shapes.get(leaf) if isinstance(leaf, Name) else None
        return graph.shape(leaf) if found is None else found


def update_pass(graph: Graph, update: Update) -> UpdatePass:
    """The update of every parameter of a graph."""
    named = names(graph.nodes.keys() | graph.lets.keys())
    settings = {named[key]: value for key, value in update.settings.items()}
    shapes: dict[Name, Shape] = dict.fromkeys(settings, ())
    memories: dict[Name, Shape] = {}
    batched: set[Leaf] = set()
    lines: dict[str, tuple[UpdateLine, ...]] = {}

    def shape(leaf: Leaf) -> Shape:
        if leaf.shape is not None:
            return leaf.shape
        found = shapes.get(leaf) if isinstance(leaf, Name) else None
        return graph.shape(leaf) if found is None else found

    def annotated(formula: Expression) -> Expression:
        return tidied(formula, shape)

    for node in graph.nodes.values():
        if node.kind != "parameter":
            continue
        parameter = Name(node.name, shape=node.shape)
        written = update.lines(parameter, Adjoint(node.name, shape=node.shape), named)
        for line in written:
            if line.assigns == "updated":
                continue
            shapes[line.target] = node.shape
            if line.assigns == "memory":
                memories[line.target] = node.shape
            if node.batched:
                batched.add(line.target)
        lines[node.name] = tuple(
            UpdateLine(
                Name(line.target.name, shape=node.shape), annotated(line.formula), line.assigns
            )
            for line in written
        )
    return UpdatePass(lines, settings, named["step"], memories, frozenset(batched), shapes)
