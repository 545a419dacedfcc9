"""The loss along one number: the network run at many values of it at once, and where on the way a gate turns.

Every point is a network of its own: what is swept is given in cases, as an ensemble's parameters are. Of a problem
with cases of its own each point has all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.comparison import unit_words
from handgrad.errors import OptionError
from handgrad.expression import Leaf, Name
from handgrad.graph import Graph, activations, build
from handgrad.lab.naming import FigureName
from handgrad.problem import Given, Problem
from handgrad.record import record
from handgrad.running import Plan, Run
from handgrad.running.evaluate import senseless
from handgrad.solution import Trace
from handgrad.solution.units import units

POINTS = 200
FINER, ROUNDS = 24, 3
"""Where a gate turns is sought at so many points between two, so many times over."""

LARGEST = 4_000_000
"""Numbers that all the points of a sweep may take."""

MOST_FLIPS = 40
"""Turning gates that are told of, those nearest to where the number is now."""

Index: TypeAlias = tuple[int, ...]


@record
class Flip:
    """A gate that turns along the way.

    Arguments:
        at: the number at which its pre-activation is zero.
        opens: whether the gate is open beyond it, and shut before.
        case: counted from 0; None where there are none.
    """

    at: float
    activation: str
    unit: Index
    case: int | None
    layer: int
    time_step: int
    opens: bool

    def text(self) -> str:
        """The unit, and what it does as the number grows."""
        case = f"in case {self.case + 1} " if self.case is not None else ""
        who = unit_words(self.unit, self.layer, self.time_step)
        return f"{case}{who} switches {'on' if self.opens else 'off'}"


@record
class Sweep:
    """The loss along a number.

    Arguments:
        name: the number, as the page spells it.
        loss: the name of what is swept.
        numbers, losses: the points; a loss that is not finite is NaN.
        now, loss_now: where the number is.
        slope: the gradient there.
        flips: the gates that turn, in order.
    """

    name: str
    loss: str
    numbers: tuple[float, ...]
    losses: tuple[float, ...]
    now: float
    loss_now: float
    slope: float
    flips: tuple[Flip, ...]


def sweep(
    trace: Trace, figure: FigureName, low: float | None = None, high: float | None = None,
    points: int = POINTS,
) -> Sweep:  # fmt: skip
    """The loss of a solution along one of its given numbers.

    Arguments:
        trace: the solution.
        figure: a given number.
        low: from where; around the number by default.
        high: to where.
        points: how many.

    Raises `OptionError` for what is not given, and where there is no loss.
    """
    problem = trace.problem
    if figure.gradient or figure.name not in {**problem.parameters, **problem.data}:
        raise OptionError(f"{figure.spelling} is not a given number")
    if not trace.graph.has_loss or np.ndim(trace.run.total):
        raise OptionError("there is no one loss to follow along a number")
    now = float(trace.run.value(figure.name)[figure.index])
    reach = 2 * max(0.5, abs(now))
    low, high = now - reach if low is None else low, now + reach if high is None else high
    if not (np.isfinite((low, high)).all() and low < high):
        raise OptionError("a sweep goes from a number to a larger one")
    many = _Many(problem, figure, trace.cases)
    points = max(2, min(points, LARGEST // max(many.size, 1)))
    numbers = np.linspace(low, high, points)
    run = many.run(numbers)
    return Sweep(
        name=figure.spelling,
        loss=trace.graph.cost,
        numbers=tuple(numbers.tolist()),
        losses=tuple(many.losses(run, points).tolist()),
        now=now,
        loss_now=float(trace.run.loss),
        slope=_slope(trace, figure),
        flips=tuple(_Flips(trace, many).found(numbers, run, now)),
    )


def _slope(trace: Trace, figure: FigureName) -> float:
    """The gradient of the loss over all the cases: the page's, but for what one case alone is given.

    Its gradient on the page is that of its own case's loss, of which the mean takes a share.
    """
    gradient = float(trace.run.gradient(figure.name)[figure.index])
    alone = trace.graph.nodes[figure.name].batched and trace.problem.reduction == "mean"
    return gradient / (trace.cases or 1) if alone else gradient


class _Many:
    """A problem in which one number has many values."""

    def __init__(self, problem: Problem, figure: FigureName, cases: int | None) -> None:
        self.problem, self.figure = problem, figure
        self.cases = cases or 1
        self.graph: Graph = build(self._at(np.zeros(2)))
        self.plan = Plan(self.graph)
        # The values of one case, and every input once more: what a point takes.
        self.size = self.cases * sum(int(np.prod(n.shape)) for n in self.graph.nodes.values())

    def _at(self, numbers: Array) -> Problem:
        # What is not updated has no norm of all its gradients to be clipped.
        return self.problem.with_parts(update=None).with_inputs(
            {name: Given(array, True) for name, array in self.inputs(numbers).items()}
        )

    def inputs(self, numbers: Array) -> dict[str, Array]:
        """What differs from point to point: the number swept, and the cases, once for each point."""
        found: dict[str, Array] = {}
        for name, given in self.problem.inputs.items():
            if given.batched:
                found[name] = np.tile(given.array, len(numbers))
            elif name == self.figure.name:
                found[name] = np.repeat(given.array[..., None], len(numbers) * self.cases, axis=-1)
        swept = found[self.figure.name]
        if self.problem.inputs[self.figure.name].batched:
            *index, case = self.figure.index
            swept[tuple(index)][..., case :: self.cases] = numbers
        else:
            swept[self.figure.index] = np.repeat(numbers, self.cases)
        return found

    def run(self, numbers: Array) -> Run:
        """All the points at once; what leaves a domain comes to NaN."""
        givens = {name: given.array for name, given in self.problem.inputs.items()}
        with np.errstate(all="ignore"):
            return Run(self.graph, self.plan({**givens, **self.inputs(numbers)}))

    def losses(self, run: Run, points: int) -> Array:
        """The loss at each of the points, over its cases; NaN where it is not finite, or means nothing."""
        if np.ndim(run.numbers[Name(self.graph.loss)]) == 0:
            # Nothing that leads to the loss is swept.
            return np.full(points, float(run.numbers[Name(self.graph.loss)]))
        losses = self._over_cases(run)
        losses[~np.isfinite(losses)] = np.nan
        if self._senseless(run.numbers):
            # A target is swept, and leaves what the loss is made for.
            for point in np.flatnonzero(np.isfinite(losses)):
                cases = slice(point * self.cases, (point + 1) * self.cases)
                batched = self.graph.batched_leaves
                one = {k: a[..., cases] if k in batched else a for k, a in run.numbers.items()}
                if self._senseless(one):
                    losses[point] = np.nan
        return losses

    def _senseless(self, numbers: Mapping[Leaf, Array]) -> bool:
        return any(senseless("", each, self.graph, numbers) for each in self.problem.equations)

    def _over_cases(self, run: Run) -> Array:
        each = np.asarray(run.numbers[Name(self.graph.loss)], dtype=float).reshape(-1, self.cases)
        return np.asarray(
            each.mean(axis=1) if self.problem.reduction == "mean" else each.sum(axis=1)
        )


@record
class _Turning:
    """One unit, in one case, between two numbers on either side of the place where its gate turns."""

    activation: str
    unit: Index
    case: int
    low: float
    high: float


class _Flips:
    """Finds where gates turn: the signs of all pre-activations at every point, then finer and finer."""

    def __init__(self, trace: Trace, many: _Many) -> None:
        self.trace, self.many = trace, many
        self.gates = [a for a in activations(many.graph) if a.gate and a.alone]

    @cached_property
    def layers(self) -> dict[str, tuple[int, int]]:
        """By activation its layer and its time step."""
        return {u.activation: (u.layer, u.time_step) for u in units(self.trace)}

    def found(self, numbers: Array, run: Run, now: float) -> list[Flip]:
        """The gates that turn between two of the points."""
        turning = [t for gate in self.gates for t in self._turning(gate.equation, numbers, run)]
        turning.sort(key=lambda t: abs((t.low + t.high) / 2 - now))
        turning = turning[:MOST_FLIPS]
        for _ in range(ROUNDS if turning else 0):
            turning = self._finer(turning)
        flips = [self._flip(t, z) for t, z in zip(turning, self._ends(turning), strict=True)]
        return sorted(flips, key=lambda flip: (flip.at, flip.activation, flip.unit, flip.case or 0))

    def _z(self, activation: str, run: Run) -> Array | None:
        """The pre-activations by unit, point and case; None where they are the same at every point."""
        argument = next(a.pre_activation for a in self.gates if a.equation == activation)
        if not self.many.graph.batched(argument):
            return None
        z = run.of(argument)
        return z.reshape(*z.shape[:-1], -1, self.many.cases)

    def _turning(self, activation: str, numbers: Array, run: Run) -> list[_Turning]:
        z = self._z(activation, run)
        if z is None:
            return []
        opened = z > 0
        known = np.isfinite(z)
        turned = (
            (opened[..., 1:, :] != opened[..., :-1, :]) & known[..., 1:, :] & known[..., :-1, :]
        )
        return [
            _Turning(activation, tuple(map(int, at[:-2])), int(at[-1]), float(numbers[at[-2]]), float(numbers[at[-2] + 1]))
            for at in np.argwhere(turned)
        ]  # fmt: skip

    def _finer(self, turning: Sequence[_Turning]) -> list[_Turning]:
        """Each between two neighbours of finer points."""
        grids = np.array([np.linspace(t.low, t.high, FINER) for t in turning])
        run = self.many.run(grids.ravel())
        finer: list[_Turning] = []
        for place, one in enumerate(turning):
            opened = self._of(one, run, place, FINER) > 0
            (at, *_) = [*np.flatnonzero(opened[1:] != opened[:-1]), 0]
            finer.append(
                replace(one, low=float(grids[place, at]), high=float(grids[place, at + 1]))
            )
        return finer

    def _of(self, one: _Turning, run: Run, place: int, count: int) -> Array:
        z = self._z(one.activation, run)
        assert z is not None
        of_unit: Array = z[one.unit]
        return of_unit[place * count : (place + 1) * count, one.case]

    def _ends(self, turning: Sequence[_Turning]) -> list[Array]:
        if not turning:
            return []
        run = self.many.run(np.array([[t.low, t.high] for t in turning]).ravel())
        return [self._of(one, run, place, 2) for place, one in enumerate(turning)]

    def _flip(self, one: _Turning, z: Array) -> Flip:
        """Between the last two points the pre-activation is as good as linear."""
        share = z[0] / (z[0] - z[1]) if z[0] != z[1] else 0.0
        layer, time_step = self.layers.get(one.activation, (0, 0))
        return Flip(
            at=float(one.low + share * (one.high - one.low)),
            activation=one.activation,
            unit=one.unit,
            case=one.case if self.trace.cases else None,
            layer=layer,
            time_step=time_step,
            opens=bool(z[1] > 0),
        )
