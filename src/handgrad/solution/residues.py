"""Residues of floating-point arithmetic: what is 0, or at a kink, on paper, and a hair beside it in floats.

0.1 · 3 − 0.3 leaves 5.6e-17 in binary numbers, and opens a gate that is shut on paper. A run with such
numbers that is small enough for paper is made again in exact numbers, and each result is then rounded
once to the nearest float.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import NumberError
from handgrad.expression import Adjoint, Expression, Leaf, Literal, leaves, walk
from handgrad.graph import Graph
from handgrad.operations import operation_of
from handgrad.problem import Problem
from handgrad.running import Run, run
from handgrad.running.cleaning import NOISE
from handgrad.solution.kinks import at_kink, kinked_calls

MOST = 4096
"""Entries of all lines up to which a run is made in exact numbers; they take some 10 µs each."""

CANCELLED = 1e-9
"""An entry that is smaller than so many times what went into it may have lost the digits that are shown."""

LAST_SHOWN = 1e-5
"""A tenth of the last digit of a figure with four decimals."""

LARGE = 1e-3
"""The same where rounding what went into it moves the digits that are shown, whatever comes of it."""

UNRESOLVED = 1e-75
"""What is under this a decimal does not tell beside a 1, and a stable form in floats may: ln(1 + e⁻²⁰⁰)."""

Residues = Mapping[Leaf, Array]
"""By line, what floats leave of entries that are 0; 0 elsewhere."""


def as_on_paper(problem: Problem, graph: Graph) -> Run:
    """A problem's run with the numbers of its worked solution: 0 where floats leave a residue of 0.

    Whatever tells a number of a problem takes it from here. Raises `NumberError` as `run` does.
    """
    return without_residues(problem, graph, run(problem, graph))[0]


@np.errstate(all="ignore")
def without_residues(problem: Problem, graph: Graph, floats: Run) -> tuple[Run, Residues]:
    """The run as on paper, and what floats would leave of 0 where it first arises.

    The run itself, where floats leave nothing or it is too large for paper.
    """
    if too_large_for_paper(graph, floats.numbers):
        return floats, {}
    sizes = {leaf: _largest(value) for leaf, value in floats.numbers.items()}
    left = {leaf: residue for leaf, residue in _left(graph, floats, sizes) if residue.any()}
    if not (left or _cancelled(graph, floats, sizes) or _beside_kinks(graph, floats, sizes)):
        return floats, {}
    paper = _on_paper(problem, graph, floats)
    if paper is None:
        return floats, {}
    numbers = paper.numbers
    residues: dict[Leaf, Array] = {}
    passed_on: set[Leaf] = set()
    for line in (*graph.forward, *graph.backward):
        residue = np.where(numbers[line.leaf] == 0, left.get(line.leaf, 0.0), 0.0)
        if not residue.any():
            continue
        # A part of an equation has no name on which to say it.
        if passed_on.isdisjoint(leaves(line.formula)) and line.leaf.name in graph.nodes:
            residues[line.leaf] = residue
        passed_on.add(line.leaf)
    return paper, residues


@np.errstate(all="ignore")
def after_update(problem: Callable[[], Problem], graph: Graph, clean: Run, floats: Run) -> Run:
    """The run at parameters that are floats themselves, after an update: without rounding residues.

    On paper where gradients cancel in floats, as through a normalisation. Where values do, the rounding
    of the parameters is all that is left, and it is the run that is `clean` of it. The `problem` with the new
    parameters is made only where it is needed.
    """
    if too_large_for_paper(graph, floats.numbers):
        return clean
    sizes = {leaf: _largest(value) for leaf, value in floats.numbers.items()}
    values = [line.leaf for line in graph.forward]
    at_rests = any(np.any((clean.numbers[v] == 0) & (floats.numbers[v] != 0)) for v in values)
    if at_rests or not _cancelled(graph, floats, sizes) or _beside_kinks(graph, floats, sizes):
        return clean
    return _on_paper(problem(), graph, floats) or clean


def too_large_for_paper(graph: Graph, numbers: Mapping[Leaf, Array]) -> bool:
    """Whether a run has more than `MOST` numbers, and keeps those that floats give."""
    lines = (*graph.forward, *graph.backward)
    return sum(np.size(numbers[line.leaf]) for line in lines) > MOST


def _on_paper(problem: Problem, graph: Graph, floats: Run) -> Run | None:
    """The run in exact numbers, each rounded once; None where some would be too long."""
    from handgrad.numbers import run_exact

    kinked = [a for call in kinked_calls(graph) for a in call.arguments]
    try:
        exact = run_exact(problem, graph)
        parts = {a: rounded_once(exact.of(a), floats.of(a)) for a in kinked}
    except (NumberError, ArithmeticError):
        return None
    numbers = dict(floats.numbers)
    for leaf in (line.leaf for line in (*graph.forward, *graph.backward)):
        if leaf in exact.numbers:
            computed = np.asarray(floats.numbers[leaf], dtype=float)
            numbers[leaf] = rounded_once(exact.numbers[leaf], computed)
    return Run(graph, numbers, floats.carry, parts)


def _left(graph: Graph, run: Run, sizes: Mapping[Leaf, float]) -> Iterator[tuple[Leaf, Array]]:
    """By line, the entries that may be residues; the others as 0."""
    largest = max(sizes.values(), default=0.0)
    for line in (*graph.forward, *graph.backward):
        value = np.asarray(run.numbers[line.leaf], dtype=float)
        magnitude = np.abs(value)
        if ((magnitude < NOISE * largest) & (magnitude > 0)).any():
            small = magnitude < NOISE * _size(line.formula, graph, sizes)
            yield line.leaf, np.where(small, value, 0.0)


def _cancelled(graph: Graph, run: Run, sizes: Mapping[Leaf, float]) -> bool:
    """Whether numbers cancel so far that floats keep less than seven digits of what is left, or less than are shown."""
    for line in (*graph.forward, *graph.backward):
        magnitude = np.abs(np.asarray(run.numbers[line.leaf], dtype=float))
        size = _size(line.formula, graph, sizes)
        grain = CANCELLED * size
        if NOISE * size > LAST_SHOWN:
            grain = LARGE * size
        if ((magnitude < grain) & (magnitude > 0)).any():
            return True
    return False


def _size(formula: Expression, graph: Graph, sizes: Mapping[Leaf, float]) -> float:
    """The largest number that went into a formula, or into the equations that it names."""
    largest, named = _within(formula)
    for leaf in named:
        largest = max(largest, sizes.get(leaf, 0.0))
        if (written := _written(leaf, graph)) is not None:
            inner, others = _within(written)
            largest = max(largest, inner, *[sizes.get(other, 0.0) for other in others])
    return largest


@lru_cache(maxsize=4096)
def _within(formula: Expression) -> tuple[float, tuple[Leaf, ...]]:
    """The largest number that is written in a formula, and what it refers to."""
    written = [_largest(part.value) for part in walk(formula) if isinstance(part, Literal)]
    return max(written, default=0.0), leaves(formula)


def _largest(numbers: Any) -> float:
    sizes = np.abs(np.asarray(numbers, dtype=float))
    largest = float(np.maximum.reduce(sizes, axis=None, initial=0.0))
    return largest if math.isfinite(largest) else float(sizes[np.isfinite(sizes)].max(initial=0.0))


def _written(leaf: Leaf, graph: Graph) -> Expression | None:
    """The formula of the equation, or of the part of one, that a name stands for."""
    if isinstance(leaf, Adjoint):
        return None
    let = graph.lets.get(leaf.name)
    return graph.nodes[leaf.name].written if let is None else let.formula


def _beside_kinks(graph: Graph, run: Run, sizes: Mapping[Leaf, float]) -> bool:
    """Whether a number would lie at a kink if it were not for its last digits."""
    for call in kinked_calls(graph):
        arguments = [run.of(a) for a in call.arguments]
        near = [_coarse(x, NOISE * _size(call, graph, sizes)) for x in arguments]
        for kink in operation_of(call).kinks:
            coarse, own = (at_kink(kink, call, x, graph.batched_leaves) for x in (near, arguments))
            if not np.array_equal(coarse, own):
                return True
    return False


def _coarse(array: Array, grain: float) -> Array:
    return np.round(array / grain) * grain if grain else array


def rounded_once(exact: Any, computed: Array) -> Array:
    """Exact numbers as the nearest floats, in the shape of those `computed`; of those decimals cannot resolve, these."""
    from handgrad.numbers import Exact

    def nearest(number: Any, left: float) -> float:
        one = Exact.of(number)
        value = float(one)
        if one.is_exact:
            return value
        return float(left) if abs(value) < UNRESOLVED and abs(left) < UNRESOLVED else value

    each = np.frompyfunc(nearest, 2, 1)(np.asarray(exact, dtype=object), computed)
    return np.asarray(each, dtype=float)
