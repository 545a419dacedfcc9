"""Formulas with the numbers put in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, cast

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import (
    ONE,
    Adjoint,
    Call,
    Expression,
    Leaf,
    Literal,
    Name,
    Nested,
    literal_of,
    nested,
)
from handgrad.figures import EMPTY
from handgrad.graph.rows import is_row_in
from handgrad.notation import Subscript
from handgrad.operations import operation_of
from handgrad.operations.annotate import signature_of
from handgrad.record import record
from handgrad.running.evaluate import sums_as_columns


def with_blanks(array: Array, batched: bool = False, row: bool = False) -> Literal:
    """The same of an array in which NaN stands for an entry that is left empty."""
    return Literal(_emptied(nested(array)), batched=batched, row=row)


def _emptied(value: Nested) -> Nested:
    if isinstance(value, tuple):
        return tuple(map(_emptied, value))
    return EMPTY if math.isnan(value) else value


@record
class Numbers:
    """The numbers of a run, to be put into formulas; each is turned into a literal once.

    `rows` are the names of the vectors that are printed as rows.
    """

    values: Mapping[Leaf, Array]
    batched: frozenset[Leaf]
    rows: frozenset[str] = frozenset()
    literals: dict[tuple[Leaf, bool], Literal] = field(default_factory=dict)

    def put_into(self, formula: Expression, row: bool | None = None) -> Expression:
        """The formula with the value of every leaf in its place; a vector is a `row` where that is known of its place."""
        match formula:
            case Call():
                if row is None and not all(self._rows_in(formula)):
                    row = False  # a row and a column side by side would be a matrix
                return self._whole(formula) or formula.of(
                    [self.put_into(a, is_row_in(formula, a, row)) for a in formula.arguments]
                )
            case Name() | Adjoint():
                lies = formula.name in self.rows if row is None else row
                rank = np.ndim(self.values[formula]) - (formula in self.batched)
                key = formula, lies and rank == 1
                found = self.literals.get(key)
                if found is None:
                    found = self.literals[key] = literal_of(
                        self.values[formula],
                        formula in self.batched,
                        key[1],
                        isinstance(formula, Adjoint),
                    )
                return found
            case _:
                return formula

    def _rows_in(self, formula: Expression) -> Iterator[bool]:
        """Of each vector that a formula combines with others entry by entry, whether it is a row where nothing says."""
        if isinstance(formula, Name | Adjoint):
            if np.ndim(self.values[formula]) == 1:
                yield formula.name in self.rows
        elif isinstance(formula, Call) and operation_of(formula).elementwise:
            for argument in formula.arguments:
                yield from self._rows_in(argument)

    def forget(self, leaf: Leaf) -> None:
        """Takes a leaf's value anew: it has another one now."""
        for row in (False, True):
            self.literals.pop((leaf, row), None)

    def _whole(self, call: Call) -> Expression | None:
        """What stands for a call as a whole, where its arguments are not to be seen as they are."""
        operation = operation_of(call)
        if operation.reduces_cases is not None:
            return self._as_columns(call)
        return self._entry(call) if isinstance(operation.notation, Subscript) else None

    def _as_columns(self, call: Call) -> Expression | None:
        """A sum over the cases in the matrices whose columns they are, where it has such a formula."""
        (inner,) = call.arguments
        finish = operation_of(call).reduces_cases
        over = sums_as_columns(inner, self.batched)
        factors = inner.arguments if isinstance(inner, Call) else ()
        if over is None or finish is None or not all(f in self.values for f in factors):
            return None
        named = [f for f in factors if isinstance(f, Name | Adjoint)]
        columns = [literal_of(self.values[f], gradient=isinstance(f, Adjoint)) for f in named]
        share: Any = finish(cast(Any, ONE), columns[0].lengths[-1])
        total = over(*columns)
        return total if share == ONE else share * total

    def _entry(self, call: Call) -> Expression | None:
        """The entry, or the part, of a leaf: its number alone, not the whole array with an index."""
        (leaf, *rest) = call.arguments
        if rest or not isinstance(leaf, Name | Adjoint) or call.shape is None:
            return None
        batched = leaf in self.batched
        kernel = operation_of(call).kernel(signature_of(call, (batched,)))
        return literal_of(np.asarray(kernel(np, np.asarray(self.values[leaf]))), batched)
