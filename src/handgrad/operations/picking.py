"""Entries and rows picked by numbers that are given: the entry of a class, the rows of an embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handgrad.arrays import AnyArray, Array, Mask, Namespace
from handgrad.expression import Expression, Shape
from handgrad.notation import Picked
from handgrad.operations.linear import outer
from handgrad.operations.losses import one_hot
from handgrad.operations.operation import (
    Application,
    Domain,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
)
from handgrad.operations.words import Words


def _gather_shape(shapes: Sequence[Shape], _: Options) -> Shape:
    a, numbers = shapes
    if not a:
        raise Misfit("{0} is a scalar, and has no entries to pick", "write its name alone")
    if len(a) > 2:
        raise Misfit(
            f"{{0}} is {describe(a)}, and entries are picked of a vector and rows of a matrix",
            "index it down to a matrix, or reshape it",
        )
    if len(numbers) > 1:
        raise Misfit(
            f"{{1}} is {describe(numbers)}, and what picks is a number or a vector of numbers",
            "pick with one row of it at a time, or reshape it to a vector",
        )
    return (*numbers, *a[1:])


def _gather_kernel(s: Signature) -> Kernel:
    (shape, numbered), (a_many, numbers_many) = s.shapes, s.batched
    length, row = shape[0], shape[1:]
    many = a_many or numbers_many

    def picked(xp: Namespace, a: AnyArray, numbers: Any) -> AnyArray:
        if not hasattr(numbers, "dtype"):
            numbers = xp.asarray(numbers)

        def with_cases(array: AnyArray, here: bool) -> tuple[int, ...]:
            return () if not many else (array.shape[-1],) if here else (1,)

        own = (1, *numbered, *[1] * len(row), *with_cases(numbers, numbers_many))
        rows = (length, *[1] * len(numbered), *row, *with_cases(a, a_many))
        counted = xp.arange(length, dtype=numbers.dtype)
        hit = _in(xp, numbers, own) == _in(xp, counted, (length, *[1] * (len(own) - 1)))
        return xp.sum(xp.where(hit, _in(xp, a, rows), 0.0), axis=0)

    return picked


def _in(xp: Namespace, array: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """The array in a shape with axes of length 1 more, where it has another that does not broadcast to it."""
    return array if array.shape == shape or not array.shape else xp.reshape(array, shape)


def _gather_pullback(i: int, g: Expression, p: Application) -> Expression | None:
    if i == 1:
        return None
    row = one_hot(p.arguments[1], classes=p.shapes[0][0])
    match len(p.shapes[0]), len(p.shapes[1]):
        case 1, 0:
            return g * row
        case _, 0:
            return outer(row, g)
        case _:
            return row.T @ g


def _counts(xp: Namespace, numbers: Array, shapes: Sequence[Shape]) -> Mask:
    """Whether they are numbers of the entries, counted from 0."""
    counted: Mask = (numbers >= 0) & (numbers < shapes[0][0]) & (numbers == np.floor(numbers))
    return counted


gather: Operation = Operation(
    name="gather",
    family="structure",
    arity=(2, 2),
    shape=_gather_shape,
    kernel=_gather_kernel,
    pullback=_gather_pullback,
    words=Words(
        "the entries picked",
        "Pick the entries, or the rows, whose numbers are given, counted from 0.",
        "The gradient goes back to what was picked, added up where it was picked more than once: a one-hot row says where. The others get 0.",
    ),
    notation=Picked(),
    spellings=("embedding", "embedding_lookup"),
    carries=(0,),
    picks=True,
    domain=(
        Domain(
            1,
            _counts,
            "the number of an entry of what it picks from, whole and counted from 0",
            lambda shapes: f"a whole number from 0 to {shapes[0][0] - 1}",
        ),
    ),
)
"""a[y]: of a vector its entry y, of a matrix its row y; of a vector of numbers, one for each."""

OPERATIONS: tuple[Operation, ...] = (gather,)
