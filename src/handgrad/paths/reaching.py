"""From which entries a path leads to the loss, whatever the numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from handgrad.arrays import Mask
from handgrad.expression import Name, leaves
from handgrad.graph import Graph
from handgrad.graph.remembered import of_graph
from handgrad.paths.local import Local, size

LARGEST = 1_000_000
"""Entries of the Jacobian of one equation that is followed entry by entry, at most."""


@of_graph
def reaching(graph: Graph) -> Mapping[str, Mask]:
    """By name, which of its entries the loss depends on at some numbers.

    Which class a class number names is no part of it. Where an equation has more than `LARGEST`
    derivatives, all entries of what it uses count as reaching the loss if any entry of it does.
    """
    found: dict[str, Mask] = {n: np.zeros(graph.nodes[n].shape, dtype=bool) for n in graph.nodes}
    found[graph.loss] = np.ones(graph.nodes[graph.loss].shape, dtype=bool)
    for name in reversed(graph.way):
        expression = graph.nodes[name].written
        if expression is None or not found[name].any():
            continue
        used = list(dict.fromkeys(x.name for x in leaves(expression) if isinstance(x, Name)))
        count = size(graph.nodes[name].shape)
        followed = [n for n in used if count * size(graph.nodes[n].shape) <= LARGEST]
        with np.errstate(all="ignore"):
            local = Local(graph, name, expression, wanted=frozenset(followed))
            depends = local.structure() if count * count <= LARGEST else {}
        for n in used:
            if n in depends:
                reached = depends[n][:, found[name].reshape(-1)].any(axis=1)
                found[n] |= reached.reshape(found[n].shape)
            elif n not in followed or not depends:
                found[n] |= True
    return found
