"""Counting networks that are born dead: layer by layer, each for the networks that still live."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.random import Generator

from handgrad.arrays import Array
from handgrad.errors import OptionError
from handgrad.expression import Name
from handgrad.graph import build
from handgrad.problem import Problem
from handgrad.running import Plan
from handgrad.study.initialising import Initialisation

BLOCK_BYTES = 500_000
"""Bytes that the numbers of a layer take, about, for as many networks as are run at once."""

TOGETHER = 32
"""Blocks of networks that go through the layers together."""

OUTPUTS, LARGEST = Name("h1"), Name("m1")


def network_problem(widths: Sequence[int], drawn: Initialisation, points: Array) -> Problem:
    """The hidden layers as a problem: inputs in columns, many networks as cases.

    m1, m2, … are the largest outputs of the layers: a layer is off where its m is 0.
    """
    equations: list[str] = []
    parameters: dict[str, Any] = {}
    below, inputs = "X", points.shape[0]
    for layer, units in enumerate(widths, start=1):
        bias = f" + b{layer}" if drawn.biased else ""
        equations += [
            f"z{layer} = W{layer} @ {below}{bias}",
            f"h{layer} = relu(z{layer})",
            f"m{layer} = max(h{layer})",
        ]
        parameters[f"W{layer}"] = {"cases": np.zeros((1, units, inputs))}
        if drawn.biased:
            parameters[f"b{layer}"] = {"cases": np.zeros((1, units, 1))}
        below, inputs = f"h{layer}", units
    return Problem(equations, parameters, {"X": points})


@dataclass(frozen=True)
class _Layer:
    """A layer by itself: its problem's plan, and how its numbers are drawn."""

    units: int
    inputs: int
    drawn: Initialisation
    plan: Plan

    def outputs(self, below: Array, generator: Generator, networks: int) -> tuple[Array, Array]:
        """The outputs at the points, and the largest of each network, of layers drawn on these inputs."""
        numbers = layer_numbers(self.drawn, self.units, self.inputs, generator, networks)
        found = self.plan({**numbers, "X": below})
        return found[OUTPUTS], found[LARGEST]


def count_dead(
    widths: Sequence[int],
    points: Array,
    drawn: Initialisation,
    networks: int,
    seed: int,
    progress: Callable[[int], None] | None,
) -> tuple[int, ...]:
    """Draws networks and counts, by number of layers, those that are dead by then.

    Of a network that is dead nothing more is drawn: all that follows is the same for every input.

    Arguments:
        widths: units in each layer.
        points: the inputs that each is run on, in columns.
        drawn: how a layer is drawn.
        networks: how many.
        seed: of the draws.
        progress: told of the number of networks that are through; of those half through, of half as many.
    """
    sizes = (points.shape[0], *widths)
    made = cache(lambda inputs, units, later: _layer(inputs, units, points, drawn, later))
    layers = [made(*pair, k > 0) for k, pair in enumerate(itertools.pairwise(sizes))]
    numbers = max(b * (a + 1) + 2 * points.shape[1] * b for a, b in itertools.pairwise(sizes))
    block = max(16, BLOCK_BYTES // (8 * numbers))
    generator = np.random.default_rng(seed)
    living = np.zeros(len(widths), dtype=int)
    with np.errstate(all="ignore"):
        for start in range(0, networks, TOGETHER * block):
            count = min(TOGETHER * block, networks - start)
            for k, alive in enumerate(_living(layers, points, generator, count, block)):
                living[k] += alive
                if progress is not None:
                    progress(start + count * (k + 1) // len(layers))
    return tuple(int(networks - alive) for alive in living)


def _living(
    layers: Sequence[_Layer], points: Array, generator: Generator, networks: int, block: int
) -> Iterator[int]:
    """After each layer, how many of the networks live."""
    below: Array | None = None
    for layer in layers:
        kept = []
        for start in range(0, networks, block):
            part = slice(start, min(start + block, networks))
            inputs = points if below is None else below[..., part]
            outputs, largest = layer.outputs(inputs, generator, part.stop - part.start)
            if not np.isfinite(largest).all():
                raise OptionError(
                    "the numbers of so deep a network are too large",
                    mend="an initialisation that keeps their size, such as he, has the same share"
                    " without biases",
                )
            kept.append(np.compress(largest > 0, outputs, axis=-1))
        if kept:
            below = np.concatenate(kept, axis=-1)
            networks = below.shape[-1]
        yield networks


def _layer(inputs: int, units: int, points: Array, drawn: Initialisation, later: bool) -> _Layer:
    """One layer; a `later` one stands on outputs that each network has for itself."""
    problem = network_problem([units], drawn, np.zeros((inputs, points.shape[1])))
    if later:
        below = {"cases": np.zeros((1, inputs, points.shape[1]))}
        problem = problem.with_values({"X": below})
    graph = build(problem)
    return _Layer(units, inputs, drawn, Plan(graph, lines=graph.forward))


def layer_numbers(
    drawn: Initialisation, units: int, inputs: int, generator: Generator, networks: int
) -> Mapping[str, Array]:
    """The weights, and the biases where there are any, of a layer of many networks."""
    array = drawn.draw(generator, units, inputs, networks)
    found = {"W1": array[:, :inputs]}
    if drawn.biased:
        found["b1"] = array[:, inputs:]
    return found
