"""Numbers for exercises, the same on every machine: a seed's own stream of whole numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, permutations
from typing import Any

import numpy as np

from handgrad.arrays import Array, Indices, Objects
from handgrad.exercises.meaning import HELD, Meaning
from handgrad.exercises.requirements import Requirements
from handgrad.problem import Problem
from handgrad.problem.given import Given

TENTHS = 10
"""Probabilities that add up to 1 are drawn in tenths."""

MOST_PERMUTED = 5
"""Rows of a matrix with one 1 in each row and column, at most, for all such matrices to be listed."""

LARGEST_COUNT = 9


@dataclass(frozen=True, eq=False)
class Pool:
    """What one given is drawn from: in each place one of `choices`, which fills the axes in `axes`.

    `choices` has the choices on its first axis. Entries are drawn one by one where `axes` is
    empty; along one axis come one-hot rows and probabilities.
    """

    shape: tuple[int, ...]
    choices: Objects
    axes: tuple[int, ...] = ()

    @property
    def places(self) -> tuple[int, ...]:
        """The shape of what is drawn: the given's, without the axes that a choice fills."""
        return tuple(n for axis, n in enumerate(self.shape) if axis not in self.axes)

    @cached_property
    def floats(self) -> Array:
        """The choices as floats."""
        return self.choices.astype(float)

    def filled(self, places: Indices, choices: Objects | None = None) -> Array:
        """The numbers at the places drawn; candidates, if there are many, lie on the last axis of both."""
        source: Objects = self.floats if choices is None else choices
        taken = np.asarray(source[places], source.dtype)
        block = len(self.axes)
        return np.moveaxis(taken, range(taken.ndim - block, taken.ndim), self.axes)


def pools(
    problem: Problem, meanings: Mapping[str, Meaning], asked: Requirements
) -> dict[str, Pool]:
    """By given that is drawn, what it is drawn from; those that are held are not among them."""
    givens = problem.inputs
    return {
        name: _pool(givens[name], meaning, asked)
        for name, meaning in meanings.items()
        if meaning.kind not in HELD
    }


def _pool(given: Given, meaning: Meaning, asked: Requirements) -> Pool:
    shape: tuple[int, ...] = given.array.shape
    match meaning.kind:
        case "one_hot":
            return Pool(shape, _rows(_one_hot(shape[meaning.axis])), (meaning.axis,))
        case "probabilities":
            vectors = _shares(given.array, meaning.axis)
            return Pool(shape, _rows(vectors), (meaning.axis,))
        case "permutation" if len(given.shape) == 2 and shape[0] <= MOST_PERMUTED:
            return Pool(shape, _rows(permutations(_one_hot(shape[0]))), (0, 1))
        case "permutation":
            last = len(given.shape) - 1
            return Pool(shape, _rows(_one_hot(shape[last])), (last,))
        case _:
            return Pool(shape, _entries(_numbers(given.array, meaning, asked)))


def _numbers(array: Array, meaning: Meaning, asked: Requirements) -> Iterable[Fraction]:
    """The numbers that an entry is drawn from."""
    tenths = [Fraction(k, TENTHS) for k in range(-TENTHS, TENTHS + 1)]
    match meaning.kind:
        case "labels":
            return (Fraction(0), Fraction(1))
        case "signs":
            return (Fraction(-1), Fraction(1))
        case "class":
            return map(Fraction, range(meaning.classes))
        case "probability":
            return [x for x in tenths if 0 < x < 1]
        case "bounded":
            return [x for x in tenths if meaning.low < x < meaning.high]
        case "counts":
            least = 0 if (array == 0).any() else 1
            most = int(min(max(array.max(), 3), LARGEST_COUNT))
            return map(Fraction, range(least, most + 1))
        case "positive":
            most_input = max(asked.largest_input, Fraction(2))
            return [Fraction(k, 2) for k in range(1, int(2 * most_input) + 1)]
        case "weights":
            return asked.parameter_grid
        case _:
            return asked.input_grid


def _entries(numbers: Iterable[Fraction]) -> Objects:
    found = list(numbers)
    choices = np.empty(len(found), object)
    choices[:] = found
    return choices


def _rows(vectors: Iterable[Any]) -> Objects:
    """Vectors, or matrices, of fractions on the first axis of an array."""
    return np.array(list(vectors), object)


def _one_hot(length: int) -> list[tuple[Fraction, ...]]:
    return [tuple(Fraction(int(i == k)) for i in range(length)) for k in range(length)]


def _shares(array: Array, axis: int) -> list[tuple[Fraction, ...]]:
    """Vectors of numbers that add up to 1: in tenths; as they are, turned, where they are smoothed
    labels, or too many."""
    vectors = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])
    length = array.shape[axis]
    first = tuple(Fraction(repr(float(x))) for x in vectors[0])
    smoothed = length > 2 and len(set(first)) == 2 and 1 in map(first.count, set(first))
    if smoothed or length > TENTHS:
        return list(dict.fromkeys((*first[k:], *first[:k]) for k in range(length)))
    cuts = combinations(range(1, TENTHS), length - 1)
    return [
        tuple(Fraction(b - a, TENTHS) for a, b in zip((0, *c), (*c, TENTHS), strict=True))
        for c in cuts
    ]


class Stream:
    """Whole numbers from a seed: PCG64's own 64-bit numbers, which no release of NumPy changes."""

    def __init__(self, seed: int) -> None:
        from numpy.random import PCG64

        self._bits = PCG64(seed)

    def below(self, bound: int, count: int) -> Indices:
        """`count` numbers from 0 up to `bound`, not included."""
        return np.asarray(self._bits.random_raw(count) % np.uint64(bound)).astype(np.int64)

    def skip(self, count: int) -> None:
        """Goes on as if `count` numbers had been drawn."""
        self._bits.advance(count)


def drawn(found: Mapping[str, Pool], stream: Stream, count: int) -> dict[str, Indices]:
    """By given, the places in its pool that `count` candidates take; the candidates lie last."""
    return {
        name: stream.below(len(pool.choices), math.prod(pool.places) * count).reshape(
            *pool.places, count
        )
        for name, pool in found.items()
    }


def written(pool: Pool, places: Indices) -> Any:
    """One candidate's numbers as a person writes them: 0.5, "1/3"."""
    texts = np.vectorize(text_of, otypes=[object])(pool.choices)
    return np.asarray(pool.filled(places, texts), object).tolist()


def text_of(x: Fraction) -> str:
    """A fraction as a decimal where it ends within six digits."""
    scaled = x * 10**6
    return f"{float(x):g}" if scaled.denominator == 1 else f"{x.numerator}/{x.denominator}"
