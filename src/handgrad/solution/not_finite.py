"""What floats have no number for: a loss's long way where an activation is rounded, and gradients nobody asked for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Expression, Leaf, Name
from handgrad.graph import Graph, Line
from handgrad.graph.structure import Shortcut
from handgrad.operations.annotate import tidied
from handgrad.running import Run
from handgrad.running.evaluate import value_of
from handgrad.solution.numbers import Numbers
from handgrad.solution.structure import MOST_NOTED, RoundedAway, TraceLine, UnaskedGradient

UNITS = 32
"""Of at most so many units of a layer it is looked for what they zero; more would bury the page."""


def long_way(shortcut: Shortcut, graph: Graph, run: Run) -> tuple[TraceLine, ...]:
    """The lines of the long way, with what floats make of them."""
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


def rounded_away(
    shortcut: Shortcut, first: TraceLine, graph: Graph, run: Run, line: TraceLine
) -> list[RoundedAway]:
    """The entries of a shortcut's activation for which the gradient with respect to it, `first`, has no number.

    Arguments:
        shortcut: the loss and the activation taken as one.
        first: the first line of the long way.
        graph: that of the problem.
        run: its numbers.
        line: that of the loss, or of the gradient with respect to the pre-activation.
    """
    forward = isinstance(line.target, Name)
    values = run.of(Name(shortcut.inner, shape=graph.shape(first.target)))
    slopes = np.asarray(first.value, dtype=float)
    entries = _not_finite(slopes)
    if not entries or values.shape != slopes.shape:
        return []
    return [
        RoundedAway(
            phase="forward" if forward else "backward",
            name=shortcut.inner,
            pre_activation=shortcut.pre_activation,
            loss=shortcut.loss,
            entries=entries,
            values=tuple(float(values[e]) for e in entries),
            stable=line.value,
            batched=line.batched,
            case_count=values.shape[-1] if first.batched else 1,
        )
    ]


def unasked_gradient(graph: Graph, run: Run, name: str) -> list[UnaskedGradient]:
    """A gradient that no parameter's needs, where it is not finite."""
    value = run.of(Adjoint(name, shape=graph.nodes[name].shape))
    entries = _not_finite(value)
    if not entries:
        return []
    return [
        UnaskedGradient(
            name=name,
            entries=entries,
            undefined=tuple(e for e in entries if np.isnan(value[e])),
            case_count=value.shape[-1] if graph.nodes[name].batched else 1,
        )
    ]


def _not_finite(array: np.ndarray) -> tuple[tuple[int, ...], ...]:
    found = np.argwhere(~np.isfinite(array))[:MOST_NOTED]
    return tuple(tuple(int(i) for i in entry) for entry in found)
