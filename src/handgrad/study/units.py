"""The units whose gates are watched: where a gate stands in the equations, and what feeds it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from handgrad.expression import Expression, Leaf, Name, Shape, walk
from handgrad.graph import Graph, activations
from handgrad.operations import BY_NAME
from handgrad.operations.operation import Array
from handgrad.run.evaluate import value_of


@dataclass(frozen=True, slots=True)
class Layer:
    """The units of one gate.

    Arguments:
        name: the equation that the gate stands in, such as h1; with a number where there are more in it.
        pre: what the gate is applied to: its pre-activation, such as z1.
        shape: of the pre-activation in one case; every entry is a unit.
        formula: what the pre-activation is computed by.
        own: the parameters in that formula: the units' own weights and biases.
    """

    name: str
    pre: Expression
    shape: Shape
    formula: Expression
    own: tuple[Name, ...]

    @property
    def units(self) -> int:
        """How many there are."""
        return int(np.prod(self.shape, dtype=int))

    def value(self, values: Mapping[Leaf, Array], cased: Set[Leaf]) -> Array:
        """The pre-activations, given the values of the names in them."""
        return np.asarray(value_of(self.pre, values, cased))


GATES = frozenset(name for name, operation in BY_NAME.items() if operation.gate)
"""The operations that let gradient through where their input is positive, and none elsewhere."""


def layers(graph: Graph, operations: Set[str] = GATES) -> tuple[Layer, ...]:
    """The layers of units that these operations are applied to, in the order of the equations."""
    formulas = {line.leaf: line.formula for line in graph.forward}
    found: list[Layer] = []
    watched = [a for a in activations(graph) if a.call.operation in operations]
    for equation, group in groupby(watched, key=lambda a: a.equation):
        calls = list(group)
        for number, activation in enumerate(calls, start=1):
            pre = activation.pre_activation
            formula = formulas.get(pre, pre) if isinstance(pre, Name) else pre
            own = tuple(
                node
                for node in walk(formula)
                if isinstance(node, Name) and graph.nodes[node.name].kind == "parameter"
            )
            name = equation if len(calls) == 1 else f"{equation} ({number})"
            found.append(Layer(name, pre, pre.shape or (), formula, tuple(dict.fromkeys(own))))
    return tuple(found)
