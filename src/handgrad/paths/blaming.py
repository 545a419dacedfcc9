"""What makes a number zero or tiny, and the step that computed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Call, Expression, Index, Leaf, Name
from handgrad.graph import Graph
from handgrad.notation import Negation, Subscript
from handgrad.operations import operation_of
from handgrad.operations.gates import activation_in
from handgrad.paths.structure import TINY, Blame, Entry, Factor


@dataclass(frozen=True)
class Blaming:
    """The numbers of one case, and the forward step of every value."""

    graph: Graph
    values: Mapping[Leaf, Array]
    steps: Mapping[str, str]

    def value(self, entry: Entry) -> float:
        """The number of an entry."""
        return float(np.asarray(self.values[Name(entry.name)], dtype=float)[entry.index])

    def step(self, name: str) -> str:
        """The forward step that computes a value; empty for a given one."""
        return self.steps.get(name, "")

    def factor(self, factor: Factor, expression: Expression) -> Blame | None:
        """Why a local derivative is small, where it is."""
        if not abs(factor.value) < TINY:
            return None
        gate = self.activation(factor.of, expression)
        if gate is not None and not factor.shortcut:
            return gate
        entry = entry_named(factor.formula)
        if entry is not None:
            value = self.value(entry)
            return Blame("value", entry, value, "", self.step(entry.name))
        return Blame("slope", factor.by, factor.value, "", self.step(factor.by.name))

    def activation(self, of: Entry, expression: Expression) -> Blame | None:
        """The gate, or the flat end, that an activation of this entry has at its number."""
        applied = activation_in(expression)
        operation = operation_of(applied) if applied is not None else None
        if operation is None:
            return None
        if not operation.gate and operation.saturation is None:
            return None
        kind = "gate_shut" if operation.gate else "saturated"
        return Blame(
            "gate_shut" if kind == "gate_shut" else "saturated",
            of,
            self.value(of),
            operation.name,
            self.step(of.name),
        )


def entry_named(formula: Expression | None) -> Entry | None:
    """The entry that a formula is, where it is one and nothing else, but for its sign."""
    if isinstance(formula, Name):
        return Entry(formula.name) if formula.shape == () else None
    if not isinstance(formula, Call):
        return None
    if isinstance(operation_of(formula).notation, Negation):
        return entry_named(formula.arguments[0])
    if not isinstance(operation_of(formula).notation, Subscript):
        return None
    first, at = formula.arguments[0], formula.option("at")
    if isinstance(first, Name) and isinstance(at, tuple):
        return Entry(first.name, whole(at)) if len(whole(at)) == len(at) else None
    return None


def whole(at: tuple[Index, ...]) -> tuple[int, ...]:
    """The whole numbers of an index."""
    return tuple(i for i in at if isinstance(i, int))
