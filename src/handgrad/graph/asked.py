"""Which lines of the backward pass are asked for, and which are computed beside them."""

from __future__ import annotations

from handgrad.expression import Adjoint, Leaf, leaves
from handgrad.graph.remembered import of_graph
from handgrad.graph.structure import Graph


@of_graph
def unasked(graph: Graph) -> frozenset[Leaf]:
    """The adjoints that the gradients asked for do not need; none where those of the data are asked for."""
    asked = [graph.nodes[name] for name in graph.asked]
    if all(node.kind == "data" for node in asked):
        return frozenset()
    formulas = {line.leaf: line.formula for line in graph.backward}
    needed: set[Leaf] = set()
    waiting: list[Leaf] = [Adjoint(node.name, shape=node.shape) for node in asked]
    while waiting:
        leaf = waiting.pop()
        if leaf not in needed and leaf in formulas:
            needed.add(leaf)
            waiting += leaves(formulas[leaf])
    return frozenset(formulas) - needed
