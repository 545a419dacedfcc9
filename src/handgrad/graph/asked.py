"""Which lines of the backward pass are asked for, and which are computed beside them."""

from __future__ import annotations

from handgrad.expression import Adjoint, Leaf, leaves
from handgrad.graph.structure import Graph


def unasked(graph: Graph) -> frozenset[Leaf]:
    """The adjoints that no parameter's gradient needs; none where there are no parameters."""
    parameters = [node for node in graph.nodes.values() if node.kind == "parameter"]
    if not parameters:
        return frozenset()
    formulas = {line.leaf: line.formula for line in graph.backward}
    needed: set[Leaf] = set()
    waiting: list[Leaf] = [Adjoint(node.name, shape=node.shape) for node in parameters]
    while waiting:
        leaf = waiting.pop()
        if leaf not in needed and leaf in formulas:
            needed.add(leaf)
            waiting += leaves(formulas[leaf])
    return frozenset(formulas) - needed
