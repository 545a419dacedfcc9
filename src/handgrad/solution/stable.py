"""The formula by which an equation's value is told: as it is written, or in its stable form."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Expression, Leaf, Name
from handgrad.graph import Graph
from handgrad.operations.annotate import annotated
from handgrad.running.evaluate import value_of

CANCELLED = 1e-9
"""A loss as it is written that is further than this from its stable form has cancelled in floats (relative to
the larger of 1 and the value)."""


def told_by(
    name: str, graph: Graph, numbers: Mapping[Leaf, Array], batched: Set[Leaf]
) -> Expression:
    """An equation as it is written; in its stable form where the numbers put in would give another value.

    −ln(p) of a p that floats round to 0 is infinite, and −log_softmax(z) is not.

    Arguments:
        name: the equation's target.
        graph: that of the problem.
        numbers: what the names have, the cases on the last axis of those in `batched`.
        batched: the leaves that carry cases.
    """
    node = graph.nodes[name]
    assert node.written is not None
    assert node.computed is not None
    if node.computed == node.written:
        return node.written
    values = {k: np.asarray(v, dtype=float) for k, v in numbers.items()}
    written = value_of(annotated(node.written, graph.shape), values, batched)
    same = np.allclose(written, values[Name(name)], rtol=CANCELLED, atol=CANCELLED)
    return node.written if same else node.computed
