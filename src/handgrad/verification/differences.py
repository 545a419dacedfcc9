"""Central finite differences: slopes on the two sides of every number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Name
from handgrad.graph import Graph
from handgrad.running import Plan
from handgrad.running.evaluate import value_of

KINK = 1e-3
"""Slopes on two sides of a number that differ by more than this share of them mark a kink, where the gap
stays with a smaller step: that of a curve closes."""

CLOSER = 8
"""How many times smaller the step is with which the gap between two slopes is measured again."""


def averages(graph: Graph) -> bool:
    """Whether the cost is the mean over the cases, rather than the sum."""
    formula = graph.nodes[graph.cost].computed
    assert formula is not None
    leaf = Name(graph.loss)
    two = value_of(formula, {leaf: np.ones(2)}, {leaf})
    return float(two) == 1.0


def loss_of(plan: Plan, graph: Graph, givens: Mapping[str, Array], xp: Any = np) -> Any:
    numbers = plan(givens, xp)
    loss = numbers[Name(graph.cost)]
    return xp.sum(loss) if getattr(loss, "ndim", 0) else loss


def shares(plan: Plan, graph: Graph, givens: Mapping[str, Array]) -> Array:
    """The loss over all the cases, as what each of them adds to it."""
    numbers = plan(givens)
    each = np.asarray(numbers[Name(graph.loss)], dtype=float)
    if graph.cost == graph.loss or not each.ndim:
        return np.asarray(numbers[Name(graph.cost)], dtype=float)
    return each / each.size if averages(graph) else each


def slopes_beside(
    plan: Plan, graph: Graph, givens: Mapping[str, Array], name: str
) -> tuple[Array, Array, Array]:
    """The least and the largest slope beside each entry, with a step of ε^(1/3) times the entry's scale.

    And what the rounding of the loss makes of them.

    Each case has its own kinks, on which it may be given either slope. Away from kinks both are the
    central difference.
    """
    value = np.array(givens[name], dtype=float)
    below, above, lost = np.empty_like(value), np.empty_like(value), np.empty_like(value)
    with np.errstate(all="ignore"):
        middle = shares(plan, graph, givens)

        def sides(index: tuple[int, ...], step: float) -> tuple[float, float]:
            ends = []
            for sign in (1, -1):
                moved = value.copy()
                moved[index] += sign * step
                ends.append(shares(plan, graph, {**givens, name: moved}))
            beside = (ends[0] - middle) / step, (middle - ends[1]) / step
            return float(np.minimum(*beside).sum()), float(np.maximum(*beside).sum())

        for index in np.ndindex(value.shape):
            step = np.finfo(float).eps ** (1 / 3) * max(1.0, abs(float(value[index])))
            rounding = np.finfo(float).eps * float(np.abs(middle).sum()) / step
            closer = partial(sides, index, step / CLOSER)
            lost[index] = rounding
            below[index], above[index] = two_sides(sides(index, step), closer, CLOSER**2 * rounding)
    return below, above, lost


def two_sides(
    slopes: tuple[float, float], closer: Callable[[], tuple[float, float]], rounding: float = 0.0
) -> tuple[float, float]:
    """The slopes on the two sides of a kink: their gap, of which rounding may make so much, stays with a smaller step.

    That of a curve closes. There both are the central difference. Both are extrapolated to no step at all,
    that of a curve where it is steep (Richardson: the error of a central difference goes with the step's
    square, that of a difference to one side with the step).
    """
    low, high = slopes
    central = (low + high) / 2
    if not high - low > KINK * (abs(low) + abs(high)) + rounding:
        return central, central
    closer_low, closer_high = closer()
    if closer_high - closer_low > (high - low) / 2:
        low, high = (
            near + (near - far) / (CLOSER - 1)
            for near, far in ((closer_low, low), (closer_high, high))
        )
        return low, high
    nearer = (closer_low + closer_high) / 2
    central = nearer + (nearer - central) / (CLOSER**2 - 1)
    return central, central
