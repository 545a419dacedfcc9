"""What keeps units alive, tried side by side: other activations, other initialisations, a smaller rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.expression import Call, walk
from handgrad.graph import build
from handgrad.graph.weighted import weighted_sums
from handgrad.operations import BY_NAME, noun_of
from handgrad.problem import Problem, Update
from handgrad.running.rows import examples_as_cases
from handgrad.study.initialising import initialisation
from handgrad.study.over_training import OverTraining
from handgrad.study.training import train, with_update
from handgrad.study.units import gates

INITS = {
    "he": "He initialisation",
    "xavier": "Xavier initialisation",
    "raai": "asymmetric initialisation",
}
SLOWER = 0.1
"""The share of the rate that is tried beside it."""


@dataclass(frozen=True, slots=True)
class Mitigation:
    """One thing tried: what it is called, and the problem and the activations that are watched."""

    name: str
    problem: Problem
    operations: frozenset[str]


def mitigations(
    problem: Problem, *, rule: str | None = None, rate: float | None = None, seed: int = 0
) -> tuple[Mitigation, ...]:
    """The problem as it is, then what may keep its units alive.

    Other activations start from the same parameters; initialisations are drawn with the seed.
    """
    base = with_update(problem, rule, rate)
    every = gates()
    tried = [Mitigation("as given", base, every)]
    used = {
        node.operation
        for equation in base.equations
        for node in walk(equation.expression)
        if isinstance(node, Call) and node.operation in every
    }
    if used:
        tried += [
            Mitigation(noun_of(name), base.with_swap(dict.fromkeys(used, name)), frozenset({name}))
            for name in dict.fromkeys(a for old in used for a in BY_NAME[old].alternatives)
        ]
    if weighted_sums(build(base)):
        tried += [
            Mitigation(title, redrawn(base, name, seed), every) for name, title in INITS.items()
        ]
    update = base.update or Update()
    slower = update.scaled(SLOWER)
    called = "a tenth of every rate" if update.rates else f"rate {slower.rate:g}"
    tried.append(Mitigation(called, base.with_parts(update=slower), every))
    return tuple(tried)


def compare_training(
    problem: Problem,
    steps: int,
    *,
    rule: str | None = None,
    rate: float | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> OverTraining:
    """The problem in training as it is, `compared` with each mitigation on the same cases in the same order.

    Options as for `train`; `progress` counts the updates of all of them.

        >>> handgrad.compare_training(handgrad.load("dying"), 5).compared[0].name
        'leaky ReLU'
    """
    examples = examples_as_cases(problem)
    problem = examples.problem
    tried = mitigations(problem, rule=rule, rate=rate, seed=seed)
    found: list[OverTraining] = []
    for number, one in enumerate(tried):
        told = None
        if progress is not None:
            told = _after(progress, number * steps)
        study = train(
            one.problem,
            steps,
            seed=seed,
            operations=one.operations,
            progress=told,
            finite_start=number == 0,
            **options,
        )
        found.append(replace(study, name=one.name, rows=examples.rows, columns=examples.columns))
    base, *others = found
    return replace(base, compared=tuple(others))


def runs_in_all(problem: Problem) -> int:
    """How many trainings `compare_training` makes."""
    return len(mitigations(problem))


def _after(progress: Callable[[int], None], done: int) -> Callable[[int], None]:
    return lambda step: progress(done + step)


# -- initialisations ------------------------------------------------------------------------


def redrawn(problem: Problem, init: str, seed: int) -> Problem:
    """The problem with the weights of its weighted sums drawn anew, and their biases; others are kept."""
    drawn = initialisation(init)
    graph = build(problem)
    generator = np.random.default_rng(seed)
    values: dict[str, Any] = {}
    for layer in weighted_sums(graph):
        array = drawn.draw(generator, layer.units, layer.inputs, 1)[..., 0]
        weights, bias = array[:, : layer.inputs], array[:, layer.inputs :]
        shape = graph.nodes[layer.weights].shape
        values[layer.weights] = (weights.T if layer.flipped else weights).reshape(shape)
        if layer.bias:
            flat = bias[:, 0] if drawn.biased else np.zeros(layer.units)
            # One bias may be shared by all units: it takes the first of what is drawn.
            values[layer.bias] = np.resize(flat, graph.nodes[layer.bias].shape)
    return problem.with_values(values)
