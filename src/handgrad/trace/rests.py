"""Rests of floating-point arithmetic: what is 0, or at a kink, on paper, and a hair beside it in floats.

0.1 · 3 − 0.3 leaves 5.6e-17 in binary numbers, and opens a gate that is shut on paper. A run with such
numbers that is small enough for paper is made again in exact numbers, and each result is then rounded
once to the nearest float.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from handgrad.errors import NumberError
from handgrad.expression import Adjoint, Call, Expression, Leaf, Literal, Nested, leaves, walk
from handgrad.graph import Graph
from handgrad.operations import operation_of
from handgrad.operations.operation import Array
from handgrad.problem import Problem
from handgrad.run import Run
from handgrad.trace.kinks import entries_at

NOISE = 1e-14
"""What rounding may leave of numbers that cancel, for each unit of the largest of them."""

MOST = 4096
"""Entries of all lines up to which a run is made in exact numbers; they take some 10 µs each."""

NOTHING = 1e-20
"""What decimals of 50 digits leave, against what floats leave, where the result is 0."""

Rests = Mapping[Leaf, Array]
"""By line, what floats leave of entries that are 0; 0 elsewhere."""


@np.errstate(all="ignore")
def without_rests(problem: Problem, graph: Graph, run: Run) -> tuple[Run, Rests]:
    """The run as on paper, and what floats would leave of 0 where it first arises.

    The run itself, where floats leave nothing or it is too large for paper.
    """
    sizes = _Sizes(graph, run)
    left = dict(_left(graph, run, sizes))
    if not left and not _beside_kinks(graph, run, sizes):
        return run, {}
    lines = [line.leaf for line in (*graph.forward, *graph.backward)]
    if sum(np.size(run.numbers[leaf]) for leaf in lines) > MOST:
        return run, {}
    from handgrad.numbers import run_exact

    try:
        exact = run_exact(problem)
    except NumberError:
        return run, {}
    numbers = dict(run.numbers)
    for leaf in lines:
        numbers[leaf] = _rounded(exact.numbers[leaf], np.asarray(run.numbers[leaf], dtype=float))
    rests: dict[Leaf, Array] = {}
    passed_on: set[Leaf] = set()
    for line in (*graph.forward, *graph.backward):
        rest = np.where(numbers[line.leaf] == 0, left.get(line.leaf, 0.0), 0.0)
        if not rest.any():
            continue
        # A part of an equation has no name on which to say it.
        if passed_on.isdisjoint(leaves(line.formula)) and line.leaf.name in graph.nodes:
            rests[line.leaf] = rest
        passed_on.add(line.leaf)
    parts = {a: _rounded(exact.of(a), run.of(a)) for call in _kinked(graph) for a in call.arguments}
    return Run(graph, numbers, run.carry, parts), rests


def _left(graph: Graph, run: Run, sizes: _Sizes) -> Iterator[tuple[Leaf, Array]]:
    """By line with entries that may be rests, these; the others as 0."""
    for line in (*graph.forward, *graph.backward):
        smallest = sizes.smallest.get(line.leaf, math.inf)
        if smallest < NOISE * sizes.overall and smallest < (
            grain := NOISE * sizes.behind(line.formula)
        ):
            value = np.asarray(run.numbers[line.leaf], dtype=float)
            yield line.leaf, np.where(np.abs(value) < grain, value, 0.0)


class _Sizes:
    """How large the numbers of a run are, and those that went into a formula.

    Arguments:
        largest, smallest: by leaf, the largest finite magnitude and the smallest but 0.
        overall: the largest of all.
    """

    def __init__(self, graph: Graph, run: Run) -> None:
        self.graph = graph
        arrays = {leaf: np.ravel(value) for leaf, value in run.numbers.items() if np.size(value)}
        # All numbers at once: a call of NumPy for each of a thousand lines takes its time.
        magnitudes = np.abs(np.concatenate(list(arrays.values())).astype(float))
        starts = np.cumsum([0, *map(len, arrays.values())])[:-1]
        finite = np.where(np.isfinite(magnitudes), magnitudes, 0.0)
        nonzero = np.where(magnitudes > 0, magnitudes, np.inf)
        largest, smallest = (
            np.maximum.reduceat(finite, starts),
            np.minimum.reduceat(nonzero, starts),
        )
        self.largest = dict(zip(arrays, largest.tolist(), strict=True))
        self.smallest = dict(zip(arrays, smallest.tolist(), strict=True))
        self.overall = float(finite.max())
        self._written_in: dict[Expression, float] = {}

    def behind(self, formula: Expression) -> float:
        """The largest number that went into a formula, or into the equations that it names."""
        written = filter(None, map(self._written, leaves(formula)))
        return max(self._in(formula), *map(self._in, written), 0.0)

    def _in(self, formula: Expression) -> float:
        """The largest number that stands in a formula, under a name or written out."""
        known = self._written_in.get(formula)
        if known is None:
            named = [self.largest.get(leaf, 0.0) for leaf in leaves(formula)]
            literals = [
                abs(n)
                for part in walk(formula)
                if isinstance(part, Literal)
                for n in _flat(part.value)
            ]
            known = self._written_in[formula] = max(
                [*named, *filter(math.isfinite, literals)], default=0.0
            )
        return known

    def _written(self, leaf: Leaf) -> Expression | None:
        """The formula of the equation, or of the part of one, that a name stands for."""
        if isinstance(leaf, Adjoint):
            return None
        let = self.graph.lets.get(leaf.name)
        return self.graph.nodes[leaf.name].written if let is None else let.formula


def _flat(numbers: Nested) -> Iterator[float]:
    """The numbers of an array, one by one."""
    if not isinstance(numbers, tuple):
        yield numbers
        return
    for part in numbers:
        yield from _flat(part)


def _kinked(graph: Graph) -> Iterator[Call]:
    """The calls of the forward pass that have kinks."""
    for line in graph.forward:
        for call in walk(line.formula):
            if isinstance(call, Call) and operation_of(call).kinks:
                yield call


def _beside_kinks(graph: Graph, run: Run, sizes: _Sizes) -> bool:
    """Whether a number would lie at a kink if it were not for its last digits."""
    for call in _kinked(graph):
        arguments = [run.of(a) for a in call.arguments]
        near = [_coarse(x, NOISE * sizes.behind(call)) for x in arguments]
        for kink in operation_of(call).kinks:
            at = [entries_at(kink, call, x, graph.cased_leaves) for x in (near, arguments)]
            if at[0] != at[1]:
                return True
    return False


def _coarse(array: Array, grain: float) -> Array:
    return np.round(array / grain) * grain if grain else array


def _rounded(exact: Any, computed: Array) -> Array:
    """Exact numbers as floats of the shape of those `computed`."""
    from handgrad.numbers import Exact

    def nearest(number: Any, left: float) -> float:
        one = Exact.of(number)
        value = float(one)
        return 0.0 if not one.is_exact and abs(value) < NOTHING * abs(left) else value

    each = np.frompyfunc(nearest, 2, 1)(np.asarray(exact, dtype=object), computed)
    return np.asarray(each, dtype=float)
