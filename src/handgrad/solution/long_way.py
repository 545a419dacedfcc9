"""The long way: a loss and an activation, otherwise differentiated as one, differentiated one by one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Expression, Leaf, Name
from handgrad.graph import Graph, Line
from handgrad.graph.structure import Shortcut
from handgrad.operations.annotate import tidied
from handgrad.running import Run
from handgrad.running.evaluate import value_of
from handgrad.solution.numbers import Numbers
from handgrad.solution.structure import TraceLine


def long_way(shortcut: Shortcut, graph: Graph, run: Run) -> tuple[TraceLine, ...]:
    """The lines of the long way, with their values in floats."""
    made: list[TraceLine] = []
    values = {k: np.asarray(v, dtype=float) for k, v in run.numbers.items()}
    for line in shortcut.long:
        formula = tidied(line.formula, graph.shape)
        value = value_of(formula, values, graph.batched_leaves)
        values[line.leaf] = value
        made.append(long_line(line, formula, value, values, graph))
    return tuple(made)


def long_line(
    line: Line, formula: Expression, value: Array, values: Mapping[Leaf, Array], graph: Graph
) -> TraceLine:
    """A line of the long way, or of a part of an equation that it refers to."""
    return TraceLine(
        target=line.leaf,
        role="let" if isinstance(line.leaf, Name) else "chain",
        formula=formula,
        substituted=Numbers(values, graph.batched_leaves, graph.rows).put_into(formula),
        value=value,
        shape=graph.shape(line.leaf),
        batched=graph.batched(formula),
        through=line.through,
        row=line.leaf.name in graph.rows,
    )
