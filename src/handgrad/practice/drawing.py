"""Numbers for exercises, the same on every machine: a seed's own stream of whole numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from handgrad.expression import Call, Name, walk
from handgrad.graph import Graph
from handgrad.operations import TABLE
from handgrad.operations.operation import Array
from handgrad.practice.wanted import Wanted
from handgrad.problem import Problem


@dataclass(frozen=True, slots=True)
class Pool:
    """What one given is drawn from: one of `entries` in each place, or, along `axis`, all 0 but one 1."""

    shape: tuple[int, ...]
    entries: tuple[Fraction, ...] = ()
    axis: int | None = None


def pools(problem: Problem, graph: Graph, asked: Wanted) -> dict[str, Pool]:
    """By given, what it is drawn from: targets stay targets (0 or 1, one-hot, a class)."""
    targets = _targets(graph)
    found: dict[str, Pool] = {}
    for name, given in (*problem.parameters.items(), *problem.data.items()):
        shape = given.array.shape
        if name in problem.parameters:
            found[name] = Pool(shape, asked.parameter_grid)
        elif name in targets:
            found[name] = _target_pool(given.array, given.shape, targets[name], asked)
        else:
            found[name] = Pool(shape, asked.input_grid)
    return found


def _targets(graph: Graph) -> dict[str, int]:
    """Data that a loss compares with, and the number of classes where it numbers them."""
    losses = {o.name for o in TABLE if o.family == "loss"}
    losses |= {f.operation for o in TABLE if o.name in losses for f in o.fuses.values()}
    found: dict[str, int] = {}
    for node in graph.nodes.values():
        for call in walk(node.computed) if node.computed is not None else ():
            if not isinstance(call, Call) or call.operation not in losses:
                continue
            scores, target = call.arguments[:2]
            if isinstance(target, Name) and graph.nodes[target.name].kind == "data":
                found[target.name] = (scores.shape or (1,))[-1]
    return found


def _target_pool(array: Array, shape: tuple[int, ...], classes: int, asked: Wanted) -> Pool:
    axis = len(shape) - 1
    if np.isin(array, (0, 1)).all():
        if shape and shape[-1] > 1 and np.all(array.sum(axis=axis) == 1):
            return Pool(array.shape, axis=axis)
        return Pool(array.shape, (Fraction(0), Fraction(1)))
    if np.isin(array, (-1, 1)).all():
        return Pool(array.shape, (Fraction(-1), Fraction(1)))
    if not shape and classes > 2 and np.all(array == np.rint(array)):
        return Pool(array.shape, tuple(Fraction(k) for k in range(classes)))
    return Pool(array.shape, asked.input_grid)


class Stream:
    """Whole numbers from a seed: PCG64's own 64-bit numbers, which no release of NumPy changes."""

    def __init__(self, seed: int) -> None:
        from numpy.random import PCG64

        self._bits = PCG64(seed)

    def below(self, bound: int, count: int) -> Array:
        """`count` numbers from 0 up to `bound`, not included."""
        return np.asarray(self._bits.random_raw(count) % np.uint64(bound)).astype(np.int64)


def drawn(found: Mapping[str, Pool], stream: Stream, count: int) -> dict[str, Array]:
    """By given, the places in its pool that `count` candidates take; the candidates lie last."""
    return {
        name: stream.below(
            len(pool.entries) or pool.shape[pool.axis or 0], math.prod(_places(pool)) * count
        ).reshape(*_places(pool), count)
        for name, pool in found.items()
    }


def _places(pool: Pool) -> tuple[int, ...]:
    if pool.axis is None:
        return pool.shape
    return (*pool.shape[: pool.axis], *pool.shape[pool.axis + 1 :])


def numbers(pool: Pool, places: Array) -> Array:
    """The floats at the places drawn."""
    if pool.axis is None:
        return np.array([float(x) for x in pool.entries])[places]
    return np.moveaxis(np.eye(pool.shape[pool.axis])[places], -1, pool.axis)


def written(pool: Pool, places: Array) -> Any:
    """One candidate's numbers as a person writes them: 0.5, "1/3"."""
    if pool.axis is None:
        texts = np.array([text_of(x) for x in pool.entries], object)
        return np.asarray(texts[places], object).tolist()
    return numbers(pool, places).astype(int).tolist()


def text_of(x: Fraction) -> str:
    """A fraction as a decimal where it ends within six digits."""
    scaled = x * 10**6
    return f"{float(x):g}" if scaled.denominator == 1 else f"{x.numerator}/{x.denominator}"
