"""Born dead: how often a ReLU network is constant before it has learned anything.

A network is born dead when some hidden layer is off: none of its units fires on any input. What
follows is then the same for every input, and no weight below that layer has a gradient
(Lu, Shin, Su and Karniadakis, 2020, "Dying ReLU and Initialization").
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import OptionError
from handgrad.expression import Name
from handgrad.graph import build
from handgrad.numbers import bounding
from handgrad.numbers.interval import Interval
from handgrad.record import JsonForm, Proportion
from handgrad.running import Plan
from handgrad.saving import Page, Result
from handgrad.study.bounds import Bounds, bounds
from handgrad.study.counting import count_dead, layer_numbers, network_problem
from handgrad.study.initialising import Initialisation, initialisation

DEEPEST = 1000
WIDEST = 4096
MOST_NETWORKS = 1_000_000_000

POINTS = 64
"""Inputs that a network is run on, where no fewer decide."""

EXAMINED = 1000
"""Networks examined with intervals, where points alone do not decide."""

MOST_CORNERS = 4
"""Inputs of so many dimensions at most have the corners of their box among the points."""


@dataclass(frozen=True, slots=True)
class Examined:
    """Networks of the same kind examined with intervals: a layer whose bounds are all 0 is off for certain.

    `dead` fired on none of the points, `proved` of them on no input of the box.
    """

    networks: int
    dead: int
    proved: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How many are dead after so many hidden layers; the bounds are None where none are known."""

    layers: int
    estimate: Proportion
    standard_error: Proportion
    lower: Proportion | None
    upper: Proportion | None


@dataclass(frozen=True, slots=True, repr=False)
class BornDead(Result):
    """How many of the networks drawn were born dead.

    Arguments:
        widths: units in each hidden layer.
        inputs: the dimension of the inputs.
        init: the name of the initialisation.
        over: the lowest and the highest number of every input.
        networks: how many were drawn.
        points: how many inputs each was run on.
        exact: whether these inputs decide; otherwise a network that fires on none of them may
            fire on another, and the share is one from above.
        dead: by number of hidden layers, the networks that are dead by then.
        rays: for one input, on how many sides of 0 there are inputs.
        examined: where the points do not decide, how many deaths are proved for a sample.
    """

    widths: tuple[int, ...]
    inputs: int
    init: str
    over: tuple[float, float]
    networks: int
    seed: int
    points: int
    exact: bool
    rays: int
    dead: tuple[int, ...]
    examined: Examined | None = None
    json: ClassVar = JsonForm(
        "born-dead",
        without=("rays", "dead"),
        also=("estimate", "standard_error", "lower=bounds.lower", "upper=bounds.upper", "depths"),
    )

    @property
    def estimate(self) -> Proportion:
        """The share that was born dead."""
        return self.share(len(self.widths))

    @property
    def standard_error(self) -> Proportion:
        """Of the estimate."""
        return self.error(len(self.widths))

    @property
    def bounds(self) -> Bounds | None:
        """What is known of the probability without drawing; None for an initialisation with biases."""
        return self.bounds_at(len(self.widths))

    @property
    def depths(self) -> tuple[Depth, ...]:
        """The share after each number of hidden layers."""
        return tuple(map(self.at, range(1, len(self.widths) + 1)))

    def at(self, layers: int) -> Depth:
        """The share after so many hidden layers, and what is known of it."""
        known = self.bounds_at(layers)
        return Depth(
            layers,
            self.share(layers),
            self.error(layers),
            known.lower if known else None,
            known.upper if known else None,
        )

    def share(self, layers: int) -> float:
        """The share that is dead after so many hidden layers."""
        return self.dead[layers - 1] / self.networks

    def error(self, layers: int) -> float:
        """The standard error of `share`; never 0, as if one more had died and one more lived."""
        p = (self.dead[layers - 1] + 1) / (self.networks + 2)
        return math.sqrt(p * (1 - p) / self.networks)

    def bounds_at(self, layers: int) -> Bounds | None:
        """The bounds after so many hidden layers."""
        if initialisation(self.init).biased:
            return None
        return bounds(self.widths[:layers], self.inputs, self.rays)

    def page(self) -> Page:
        """The share, what is known of it, and a chart by depth."""
        from handgrad.study.born_dead_page import born_dead_page

        return born_dead_page(self)

    def __repr__(self) -> str:
        return f"<BornDead: {self.estimate:.4g} of {self.networks} networks>"


@dataclass(frozen=True, slots=True, repr=False)
class BornDeadTable(Result):
    """Studies of several widths, each as deep as the deepest of `depths`."""

    studies: tuple[BornDead, ...]
    depths: tuple[int, ...]
    json: ClassVar = JsonForm("born-dead-table")

    def page(self) -> Page:
        """The share born dead by width and depth, as a table and as a map."""
        from handgrad.study.born_dead_page import born_dead_table_page

        return born_dead_table_page(self)

    def __repr__(self) -> str:
        return f"<BornDeadTable of {len(self.studies)} widths and {len(self.depths)} depths>"


def born_dead(
    widths: Sequence[int],
    *,
    inputs: int = 1,
    init: str = "he",
    networks: int = 200_000,
    seed: int = 0,
    over: tuple[float, float] = (-1.0, 1.0),
    progress: Callable[[int], None] | None = None,
) -> BornDead:
    """Draws networks and counts those that are constant over a box of inputs.

    Arguments:
        widths: units in each hidden layer, the first first.
        inputs: the dimension of the inputs.
        init: one of `INITIALISATIONS`.
        networks: how many are drawn.
        seed: of the draws.
        over: the lowest and the highest number of every input.
        progress: told of the number of networks run so far.

    Without biases a network is linear on each ray from 0, so on one input its sign decides, and
    two points are exact. Otherwise every network is run on the same points of the box.
    The same seed gives the same result. Raises `OptionError` for what cannot be drawn.

        >>> handgrad.born_dead([2] * 10, networks=1000)
        <BornDead: 0.913 of 1000 networks>
    """
    drawn = initialisation(init)
    sizes = _checked(widths, inputs, networks, over)
    points, exact = _points(inputs, over, drawn, seed)
    dead = count_dead(sizes, points, drawn, networks, seed, progress)
    return BornDead(
        widths=sizes,
        inputs=inputs,
        init=init,
        over=over,
        networks=networks,
        seed=seed,
        points=points.shape[1],
        exact=exact,
        rays=(over[0] < 0) + (over[1] > 0),
        dead=dead,
        examined=None if exact else _examined(sizes, drawn, networks, seed, over, points),
    )


def born_dead_table(widths: Sequence[int], depths: Sequence[int], **options: Any) -> BornDeadTable:
    """One study for each width, as deep as the deepest of `depths`; options as for `born_dead`.

    A study counts the dead after every layer, so each has a share for each depth.

        >>> handgrad.born_dead_table([2, 3], [1, 5], networks=100)
        <BornDeadTable of 2 widths and 2 depths>
    """
    if not widths or not depths or min(depths) < 1:
        raise OptionError("a table has widths and depths", mend="write --width 2,3,4 --depth 5,10")
    studies = [born_dead([width] * max(depths), **options) for width in widths]
    return BornDeadTable(tuple(studies), tuple(depths))


def _examined(
    widths: Sequence[int],
    drawn: Initialisation,
    networks: int,
    seed: int,
    over: tuple[float, float],
    points: Array,
) -> Examined:
    """Runs some networks on points and on intervals that cover the box."""
    sizes = (points.shape[0], *widths)
    weights = sum(a * b for a, b in itertools.pairwise(sizes))
    count = min(networks, EXAMINED, max(1, 1_000_000 // weights))
    generator = np.random.default_rng([seed, *sizes])
    given = _drawn(drawn, sizes, generator, count)
    graph = build(network_problem(widths, drawn, points))
    outputs = [Name(f"m{layer}") for layer in range(1, len(widths) + 1)]
    with np.errstate(all="ignore"):
        found = Plan(graph, lines=graph.forward)({**given, "X": points})
        intervals = {name: Interval.of(array) for name, array in given.items()}
        covers = {**intervals, "X": Interval(*_cover(sizes[0], over, drawn.biased))}
        bounded = Plan(graph, lines=graph.forward)(covers, bounding)
    dead = np.stack([found[m] for m in outputs]).min(axis=0) <= 0
    proved = np.stack([Interval.of(bounded[m]).upper for m in outputs]).min(axis=0) <= 0
    return Examined(count, int(dead.sum()), int(proved.sum()))


def _cover(inputs: int, over: tuple[float, float], biased: bool) -> tuple[Array, Array]:
    """Boxes in columns, their lower and their upper corners, that cover the inputs.

    Without biases a network is linear on each ray, so the faces of a box around 0 are enough.
    """
    low, high = over
    around = not biased and low < 0 < high
    free = inputs - 1 if around else inputs
    each = max(1, int(POINTS ** (1 / max(free, 1)) + 1e-9))
    edges = np.linspace(low, high, each + 1)
    places = itertools.product(range(each), repeat=free) if each > 1 else [(0,) * free]
    tiles = np.array(list(places))
    lower, upper = edges[tiles].T, edges[tiles + 1].T
    if not around:
        return lower, upper
    faces = [(k, side) for k in range(inputs) for side in over]
    return (
        np.concatenate([np.insert(lower, k, side, axis=0) for k, side in faces], axis=1),
        np.concatenate([np.insert(upper, k, side, axis=0) for k, side in faces], axis=1),
    )


def _drawn(
    drawn: Initialisation, sizes: Sequence[int], generator: np.random.Generator, networks: int
) -> Mapping[str, Array]:
    given: dict[str, Array] = {}
    for layer, (inputs, units) in enumerate(itertools.pairwise(sizes), start=1):
        for name, array in layer_numbers(drawn, units, inputs, generator, networks).items():
            given[f"{name[0]}{layer}"] = array
    return given


def _points(
    inputs: int, over: tuple[float, float], drawn: Initialisation, seed: int
) -> tuple[Array, bool]:
    """The inputs to run on, in columns, and whether they decide."""
    low, high = over
    if inputs == 1:
        if not drawn.biased:
            return np.array([[*([high] if high > 0 else []), *([low] if low < 0 else [])]]), True
        return np.linspace(low, high, POINTS)[None, :], False
    corners: list[tuple[float, ...]] = []
    if inputs <= MOST_CORNERS:
        corners = list(itertools.product((low, high), repeat=inputs))
    # A stream of its own, so that the networks drawn do not depend on the number of points.
    generator = np.random.default_rng([seed, inputs])
    inside = generator.uniform(low, high, (inputs, POINTS - len(corners)))
    return np.concatenate([np.array(corners).reshape(-1, inputs).T, inside], axis=1), False


def _checked(
    widths: Sequence[int], inputs: int, networks: int, over: tuple[float, float]
) -> tuple[int, ...]:
    sizes = tuple(int(w) for w in widths)
    if not sizes or min(sizes) < 1 or max(sizes) > WIDEST or len(sizes) > DEEPEST:
        raise OptionError(
            "there are from 1 to 1000 hidden layers of from 1 to 4096 units",
            mend="write the units of each, such as 4,4,2",
        )
    if not 1 <= inputs <= WIDEST:
        raise OptionError(
            f"inputs of dimension {inputs}", mend=f"the dimension is from 1 to {WIDEST}"
        )
    if not 1 <= networks <= MOST_NETWORKS:
        raise OptionError(f"{networks} networks", mend=f"draw from 1 to {MOST_NETWORKS}")
    low, high = over
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise OptionError(f"there are no inputs from {low} to {high}", mend="write [-1,1]")
    return sizes
