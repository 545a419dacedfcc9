"""What readers of models compose of the table's operations where a framework has one function for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.expression import Expression, Index, Shape, Slice
from handgrad.operations.arranging import permute
from handgrad.operations.extending import pad
from handgrad.operations.picking import gather
from handgrad.operations.structure import matrix_transpose, reshape, transpose

ALL = Slice()
"""All entries along an axis."""


@dataclass(frozen=True, slots=True)
class Masked:
    """Scores of which a mask of −∞ leaves some out: softmax gives these the probability 0.

    Arguments:
        scores: their formula.
        keep: 1 where a score is kept, 0 where −∞ stood.
        name: of the mask.
    """

    scores: Expression
    keep: NDArray[Any]
    name: str = "mask"


def permuted(formula: Expression, axes: Sequence[int]) -> Expression:
    """The axes in another order, as a person writes it: nothing where none moves, .T for a matrix."""
    order = tuple(axes)
    rank = len(order)
    if order == tuple(range(rank)):
        return formula
    if order == (1, 0):
        return transpose(formula)
    if order == (*range(rank - 2), rank - 1, rank - 2):
        return matrix_transpose(formula)
    return permute(formula, axes=order)


def reshaped(formula: Expression, shape: Shape, target: Sequence[int]) -> Expression:
    """The same entries in another shape; the formula itself where it has it already."""
    wanted = tuple(target)
    if wanted == shape:
        return formula
    if not wanted:
        return formula.at((0,) * len(shape))
    return reshape(formula, shape=wanted)


def picked(table: Expression, shape: Shape, numbers: Expression, numbered: Shape) -> Expression:
    """The entries of a table along its first axis whose numbers are given, in any shape: rows of an embedding."""
    row = shape[1:]
    flat = reshaped(table, shape, (shape[0], math.prod(row))) if len(row) > 1 else table
    which = reshaped(numbers, numbered, (math.prod(numbered),)) if len(numbered) > 1 else numbers
    rows = gather(flat, which)
    count = (math.prod(numbered),) if numbered else ()
    found = (*count, math.prod(row)) if row else count
    return reshaped(rows, found, (*numbered, *row))


def taken(
    formula: Expression, shape: Shape, axis: int, numbers: NDArray[np.int64]
) -> Expression | None:
    """Entries along an axis by known numbers, where an index or a slice says them; None elsewhere."""
    ahead: tuple[Index, ...] = (ALL,) * axis
    if numbers.ndim == 0:
        return formula.at((*ahead, int(numbers) % shape[axis]))
    if numbers.ndim != 1 or not numbers.size:
        return None
    where = [int(n) % shape[axis] for n in numbers]
    step = where[1] - where[0] if len(where) > 1 else 1
    if step == 0 or where != list(range(where[0], where[0] + step * len(where), step)):
        return None
    return sliced(formula, shape, axis, where[0], where[-1] + (1 if step > 0 else -1), step)


def sliced(
    formula: Expression, shape: Shape, axis: int, start: int, stop: int, step: int = 1
) -> Expression:
    """Entries along an axis from `start` to before `stop`, counted from 0; the formula itself where that is all."""
    if (start, stop, step) == (0, shape[axis], 1):
        return formula
    end = None if stop == (shape[axis] if step > 0 else -1) else stop
    first = None if start == (0 if step > 0 else shape[axis] - 1) else start
    return formula.at((*[ALL] * axis, Slice(first, end, None if step == 1 else step)))


def padded(
    formula: Expression, before: Sequence[int], after: Sequence[int], value: float = 0.0
) -> Expression:
    """The array with constants around it; the formula itself where there are none."""
    if not any((*before, *after)):
        return formula
    options = {"value": value} if value else {}
    return pad(formula, before=tuple(before), after=tuple(after), **options)
