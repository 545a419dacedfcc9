"""Running a problem on intervals: bounds on every value and gradient over a box of given numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.arrays import Array, Numbers
from handgrad.errors import OptionError, nearest
from handgrad.expression import Adjoint, Leaf, Name
from handgrad.graph import Graph, build
from handgrad.numbers import bounding
from handgrad.numbers.interval import Interval
from handgrad.problem import Problem
from handgrad.running import Plan

DYADIC = 2.0**20
"""A number of so many parts of 1 has the same digits in decimals and as a float."""


@dataclass(frozen=True, slots=True)
class IntervalRun:
    """Bounds on every value and gradient; `.lower` and `.upper` are arrays in the value's shape."""

    graph: Graph
    numbers: Mapping[Leaf, Any]

    def value(self, name: str) -> Interval:
        """Bounds on a forward value; many cases lie along the last axis."""
        return Interval.of(self.numbers[Name(name)])

    def gradient(self, name: str) -> Interval:
        """Bounds on the gradient of the loss with respect to a named value, in the value's shape."""
        shape = self.value(name).shape
        if name == self.graph.cost:
            return Interval.of(np.ones(shape))
        gradient = Interval.of(self.numbers[Adjoint(name)])
        if gradient.ndim < len(shape):
            gradient = gradient[..., None]
        return bounding.broadcast_to(gradient, shape)


def run_intervals(
    problem: Problem,
    over: Mapping[str, tuple[Numbers, Numbers]] | None = None,
    *,
    backward: bool = True,
) -> IntervalRun:
    """The run on intervals, rounded outward: sound bounds over a box of given numbers.

    Arguments:
        problem: what is run.
        over: for some of the names that the problem is given, the lowest and the highest numbers,
            each a number or an array of the name's shape; the others are as the problem has them:
            a decimal such as 0.1 lies between the neighbours of the float that it is rounded to.
        backward: whether gradients are bounded too.

    Raises `OptionError` for a name that the problem is not given, for a shape that does not fit and
    for bounds the wrong way round. Where a value used twice makes bounds wider than they need be,
    they are still sound. A gate that may be open or shut is both: bounds hold for every gate.

        >>> bounds = handgrad.run_intervals(handgrad.load("lab9"), {"x": (-1, 1)})
        >>> yhat = bounds.value("yhat")
        >>> round(float(yhat.lower), 4), round(float(yhat.upper), 4)
        (0.5469, 0.6538)
    """
    graph = build(problem)
    givens = problem.inputs
    box = {name: _as_written(given.array) for name, given in givens.items()}
    for name, (low, high) in (over or {}).items():
        if name not in box:
            raise OptionError(f"the problem is not given {name}", mend=nearest(name, box))
        box[name] = _side(name, low, high, box[name].shape)
    with np.errstate(all="ignore"):
        plan = Plan(
            graph,
            lines=None if backward else graph.forward,
            constant=lambda array: array if array.ndim else float(array),
        )
        return IntervalRun(graph, plan(box, bounding))


def _as_written(numbers: Array) -> Interval:
    """Numbers as they are written in decimals: exact where they are few halves and quarters, else between their neighbours."""
    with np.errstate(all="ignore"):
        exact = ~np.isfinite(numbers) | (np.rint(numbers * DYADIC) == numbers * DYADIC)
        below, above = (np.nextafter(numbers, end) for end in (-np.inf, np.inf))
    return Interval(np.where(exact, numbers, below), np.where(exact, numbers, above))


def _side(name: str, low: Any, high: Any, shape: tuple[int, ...]) -> Interval:
    try:
        lower = np.broadcast_to(np.asarray(low, float), shape)
        upper = np.broadcast_to(np.asarray(high, float), shape)
    except ValueError:
        raise OptionError(
            f"the bounds of {name} do not fit its shape {shape}",
            mend="give a number, or an array of that shape, for each side",
        ) from None
    if not (lower <= upper).all():
        raise OptionError(f"a lower bound of {name} is not below its upper bound")
    return Interval(lower, upper)
