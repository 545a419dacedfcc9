"""Random graphs on every kind of number: `python -m tests.sweep --graphs 10000`.

Every graph runs on floats, and the same run is compared with PyTorch, with JAX (where it is
installed), with exact numbers, with intervals and with symbols. Prints for each kind how many
graphs were compared and the largest difference, relative to the larger of 1 and the largest entry.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

import handgrad
from handgrad.expression import Name
from handgrad.graph import build
from handgrad.running import Plan
from handgrad.running.libraries import library_of
from tests.graphs import RandomGraph, random_graph
from tests.oracle import Arrays, torch_gradients

LARGEST = 1e-12
"""The difference allowed."""


@dataclass(frozen=True)
class Comparison:
    """The largest difference of one graph's run from a run of another kind."""

    kind: str
    seed: int
    difference: float


def difference(ours: Any, theirs: Any) -> float:
    """The largest, relative to the larger of 1 and the largest entry; infinite where shapes differ."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    if ours.shape != theirs.shape:
        return float("inf")
    scale = max(1.0, float(np.abs(theirs).max(initial=0.0)))
    return float(np.abs(ours - theirs).max(initial=0.0)) / scale


def jax_in_double_precision() -> Any:
    """JAX, where it is installed."""
    jax: Any = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def gradients(problem: handgrad.Problem) -> tuple[float, Arrays]:
    """The loss and every parameter's gradient, in floats."""
    run = handgrad.run(problem, build(problem))
    return float(run.loss), {n: np.asarray(run.gradient(n)) for n in problem.parameters}


def _largest(ours: tuple[float, Arrays], loss: Any, theirs: Arrays) -> float:
    return max(difference(ours[0], loss), *(difference(ours[1][n], g) for n, g in theirs.items()))


def with_torch(graph: RandomGraph) -> float:
    """PyTorch's own operations and its autograd."""
    return _largest(
        gradients(graph.problem()), *torch_gradients(graph.torch_loss, graph.parameters)
    )


def with_jax(graph: RandomGraph) -> float:
    """The forward pass on JAX's arrays, differentiated by JAX, and the backward pass on them."""
    jax = jax_in_double_precision()
    problem = graph.problem()
    arrays = {n: jax.numpy.asarray(a) for n, a in graph.parameters.items()}
    built, functions = build(problem), library_of(arrays)
    assert functions is not None
    forward = Plan(built, lines=built.forward)
    value, theirs = jax.value_and_grad(lambda given: forward(given, functions)[Name("loss")])(
        arrays
    )
    ours, on_jax = gradients(problem), handgrad.Engine(problem).run(arrays)
    return max(_largest(ours, value, theirs), _largest(ours, on_jax.loss, dict(on_jax.gradients)))


def with_exact(graph: RandomGraph) -> float:
    """Fractions and decimals of 100 digits."""
    problem = graph.problem()
    exact = handgrad.run_exact(problem)
    theirs = {n: exact.gradient(n).astype(float) for n in problem.parameters}
    return _largest(gradients(problem), float(exact.value("loss")[()]), theirs)


def with_intervals(graph: RandomGraph) -> float:
    """How far a float lies outside its bounds: 0 where they contain it."""
    problem = graph.problem()
    run, bounds = handgrad.run(problem, build(problem)), handgrad.run_intervals(problem)
    outside = 0.0
    for name in bounds.graph.nodes:
        for number, bound in (
            (run.value(name), bounds.value(name)),
            (run.gradient(name), bounds.gradient(name)),
        ):
            over = np.maximum(bound.lower - number, number - bound.upper)
            outside = max(outside, float(np.max(over, initial=0.0)))
    return outside


def with_symbols(graph: RandomGraph) -> float:
    """SymPy's own evaluation of the formulas, at the problem's numbers."""
    import sympy

    problem = graph.problem()
    run = handgrad.run_symbols(problem)
    numbers = {
        letter.formula: float(letter.value)
        for n in problem.parameters
        for letter in run.value(n).flat
    }

    def evaluated(array: Any) -> Any:
        formulas = [entry.formula for entry in array.flat]
        function = sympy.lambdify(list(numbers), formulas, modules=["math"], cse=True)
        return np.array(function(*numbers.values()), float).reshape(array.shape)

    theirs = {n: evaluated(run.gradient(n)) for n in problem.parameters}
    return _largest(gradients(problem), evaluated(run.value("loss")), theirs)


KINDS: dict[str, tuple[Callable[[RandomGraph], float], int]] = {
    "PyTorch": (with_torch, 40),
    "JAX": (with_jax, 16),
    "exact": (with_exact, 12),
    "intervals": (with_intervals, 40),
    "symbols": (with_symbols, 5),
}
"""By kind, the comparison and the most lines of its graphs."""

NEEDS = {"JAX": "jax", "symbols": "sympy"}


def kinds() -> list[str]:
    """The kinds whose libraries are installed."""
    return [k for k in KINDS if k not in NEEDS or importlib.util.find_spec(NEEDS[k])]


def compare(kind: str, seed: int) -> Comparison:
    """One graph on one kind of number."""
    with_other, most = KINDS[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Comparison(kind, seed, with_other(random_graph(seed, most)))


def sweep(kind: str, seeds: range, workers: int = 1) -> Iterator[Comparison]:
    """Many graphs on one kind of number."""
    if workers == 1:
        yield from map(compare, repeat(kind), seeds)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(compare, repeat(kind), seeds, chunksize=20)


def main() -> None:
    """Prints the count and the largest difference of each kind; exits with 1 where it is too large."""
    parser = argparse.ArgumentParser(prog="python -m tests.sweep", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"any of {', '.join(KINDS)}")
    parser.add_argument("--graphs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="the first graph's")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    failed = False
    for kind in options.kinds or kinds():
        count, worst = 0, Comparison(kind, 0, 0.0)
        for found in sweep(
            kind, range(options.seed, options.seed + options.graphs), options.workers
        ):
            count += 1
            worst = max(worst, found, key=lambda c: c.difference)
        failed |= not worst.difference <= LARGEST
        print(
            f"{kind:10} {count} graphs, largest difference {worst.difference:.2e} (seed {worst.seed})",
            flush=True,
        )
    raise SystemExit(int(failed))


if __name__ == "__main__":
    main()
