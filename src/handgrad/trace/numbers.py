"""Formulas with the numbers put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.expression import Adjoint, Expression, Leaf, Literal, Name, Nested, substitute
from handgrad.operations.operation import Array


def nested(array: Array) -> Nested:
    """An array as nested tuples of floats."""
    return _tuples(np.asarray(array, dtype=float).tolist())


def _tuples(value: Any) -> Nested:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else float(value)


def literal_of(array: Array, cased: bool = False) -> Literal:
    """An array, or a number, as a literal."""
    return Literal(nested(array), cased=cased)


def with_numbers(
    formula: Expression, values: Mapping[Leaf, Array], cased: frozenset[Leaf]
) -> Expression:
    """The formula with the value of every leaf in its place."""
    made: dict[Leaf, Literal] = {}

    def value(node: Expression) -> Expression | None:
        if not isinstance(node, Name | Adjoint):
            return None
        if node not in made:
            made[node] = literal_of(values[node], node in cased)
        return made[node]

    return substitute(formula, value)
