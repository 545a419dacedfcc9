"""What keeps units alive, tried side by side: other activations, other initialisations, a smaller rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.expression import Call, Expression, Name, walk
from handgrad.graph import Graph, build
from handgrad.problem import Problem, Update
from handgrad.study.initialising import initialisation
from handgrad.study.training import OverTraining, train, with_update
from handgrad.study.units import GATES

ACTIVATIONS = {"leaky_relu": "leaky ReLU", "elu": "ELU", "gelu_tanh": "GELU"}
"""GELU in its tanh form, which array code computes many times faster than the error function."""
INITS = {
    "he": "He initialisation",
    "xavier": "Xavier initialisation",
    "raai": "asymmetric initialisation",
}
SLOWER = 0.1
"""The share of the rate that is tried beside it."""


@dataclass(frozen=True, slots=True)
class Affine:
    """A product of a parameter with something else, and the bias added to it.

    `across` says that the weights of one unit lie along a row; a vector of weights is one unit.
    """

    weight: str
    bias: str | None
    outputs: int
    inputs: int
    across: bool


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
    tried = [Mitigation("as given", base, GATES)]
    used = {
        node.operation
        for equation in base.equations
        for node in walk(equation.expression)
        if isinstance(node, Call) and node.operation in GATES
    }
    if used:
        tried += [
            Mitigation(title, base.with_swap(dict.fromkeys(used, name)), frozenset({name}))
            for name, title in ACTIVATIONS.items()
        ]
    if affine_layers(build(base)):
        tried += [
            Mitigation(title, redrawn(base, name, seed), GATES) for name, title in INITS.items()
        ]
    update = base.update or Update()
    slower = replace(update, rate=float(f"{update.rate * SLOWER:.12g}"))
    tried.append(Mitigation(f"rate {slower.rate:g}", replace(base, update=slower), GATES))
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
) -> tuple[OverTraining, ...]:
    """Trains the problem as it is and with each mitigation, on the same cases in the same order.

    Options as for `train`; `progress` counts the updates of all of them.
    """
    tried = mitigations(problem, rule=rule, rate=rate, seed=seed)
    found: list[OverTraining] = []
    for number, one in enumerate(tried):
        told = None
        if progress is not None:
            told = _after(progress, number * steps)
        found.append(
            train(
                one.problem,
                steps,
                seed=seed,
                name=one.name,
                operations=one.operations,
                progress=told,
                **options,
            )
        )
    return tuple(found)


def runs_in_all(problem: Problem) -> int:
    """How many trainings `compare_training` makes."""
    return len(mitigations(problem))


def _after(progress: Callable[[int], None], done: int) -> Callable[[int], None]:
    return lambda step: progress(done + step)


# -- initialisations ------------------------------------------------------------------------


def affine_layers(graph: Graph) -> tuple[Affine, ...]:
    """The layers W @ x + b, w.T @ x + b and X @ W + b whose weights are used once."""
    found: list[Affine] = []
    uses: dict[str, int] = {}
    for equation in graph.equations:
        written = graph.nodes[equation].written
        nodes = list(walk(written)) if written is not None else []
        for node in nodes:
            if isinstance(node, Name):
                uses[node.name] = uses.get(node.name, 0) + 1
        sums = [n for n in nodes if isinstance(n, Call) and n.operation == "add"]
        for node in nodes:
            if isinstance(node, Call) and node.operation in ("matmul", "dot"):
                layer = _affine(graph, node)
                if layer is not None:
                    found.append(replace(layer, bias=_bias(graph, node, sums, layer.outputs)))
    return tuple(layer for layer in found if uses[layer.weight] == 1)


def _affine(graph: Graph, product: Call) -> Affine | None:
    for left, argument in enumerate(product.arguments):
        name, turned = _parameter(graph, argument)
        if name is None:
            continue
        shape = graph.nodes[name].shape
        if len(shape) == 1:
            return Affine(name, None, 1, shape[0], True)
        # W @ x has a unit's weights in a row, X @ W in a column; .T turns it round.
        across = (left == 0) != turned
        outputs, inputs = shape if across else shape[::-1]
        return Affine(name, None, outputs, inputs, across)
    return None


def _parameter(graph: Graph, argument: Expression) -> tuple[str | None, bool]:
    turned = False
    if isinstance(argument, Call) and argument.operation == "transpose":
        (argument,) = argument.arguments
        turned = True
    if isinstance(argument, Name) and graph.nodes[argument.name].kind == "parameter":
        return argument.name, turned
    return None, turned


def _bias(graph: Graph, product: Call, sums: Sequence[Call], outputs: int) -> str | None:
    """The parameter that is added to a product, one number for each unit."""
    for node in sums:
        others = [a for a in node.arguments if a != product]
        if len(others) == 1 and isinstance(other := others[0], Name):
            found = graph.nodes[other.name]
            if found.kind == "parameter" and np.prod(found.shape, dtype=int) == outputs:
                return other.name
    return None


def redrawn(problem: Problem, init: str, seed: int) -> Problem:
    """The problem with the weights of its affine layers drawn anew, and their biases; others are kept."""
    drawn = initialisation(init)
    graph = build(problem)
    generator = np.random.default_rng(seed)
    values: dict[str, Any] = {}
    for layer in affine_layers(graph):
        array = drawn.draw(generator, layer.outputs, layer.inputs, 1)[..., 0]
        weights, bias = array[:, : layer.inputs], array[:, layer.inputs :]
        shape = graph.nodes[layer.weight].shape
        values[layer.weight] = (weights if layer.across else weights.T).reshape(shape)
        if layer.bias is not None:
            flat = bias[:, 0] if drawn.biased else np.zeros(layer.outputs)
            values[layer.bias] = flat.reshape(graph.nodes[layer.bias].shape)
    return problem.with_values(values)
