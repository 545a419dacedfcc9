"""The units whose gates are watched: where a gate stands in the equations, and what feeds it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.expression import Call, Expression, Leaf, Shape
from handgrad.graph import Graph, activations
from handgrad.operations import BY_NAME
from handgrad.operations.gates import is_open, splits_ties
from handgrad.running.evaluate import value_of
from handgrad.running.units import LayerUnits


@dataclass(frozen=True, slots=True)
class StudiedLayer:
    """The units of one gate.

    Arguments:
        name: the equation that the gate stands in, such as h1; with a number where there are more in it.
        pre: what the gate is applied to: its pre-activation, such as z1.
        call: the gate, applied.
        written: the same as the equation has it.
        facts: what one unit is, and what is its own.
    """

    name: str
    pre: Expression
    call: Call
    written: Expression
    facts: LayerUnits = field(compare=False, repr=False)

    @property
    def shape(self) -> Shape:
        """The shape of the pre-activation in one case."""
        return self.facts.shape

    @property
    def units(self) -> int:
        """How many there are."""
        return int(np.prod(self.facts.units, dtype=int))

    @property
    def own(self) -> tuple[str, ...]:
        """The parameters of the pre-activation: the units' own weights and biases."""
        return self.facts.parameters

    def value(
        self, values: Mapping[Leaf, Array], batched: Set[Leaf], *, clean: bool = False
    ) -> Array:
        """The pre-activations by unit, position and case, given the values of the names in them.

        Where they are `clean`, without rounding residues.
        """
        return self.apart(np.asarray(value_of(self.pre, values, batched, clean=clean)))

    def fires(self, z: Array) -> Mask:
        """Where its gate lets gradient through, by pre-activations."""
        return is_open(z, splits_ties=splits_ties(self.written))

    def apart(self, z: Array) -> Array:
        """Pre-activations by unit, position and case."""
        return self.facts.apart(z if z.ndim > len(self.shape) else z[..., None])


def gates() -> frozenset[str]:
    """The operations that let gradient through where their input is positive, and none elsewhere."""
    return frozenset(name for name, operation in BY_NAME.items() if operation.gate)


def layers(graph: Graph, operations: Set[str] | None = None) -> tuple[StudiedLayer, ...]:
    """The layers of units that these operations (or every gate) are applied to, in the order of the equations."""
    operations = gates() if operations is None else operations
    found: list[StudiedLayer] = []
    watched = [a for a in activations(graph) if a.call.operation in operations]
    for equation, group in groupby(watched, key=lambda a: a.equation):
        calls = list(group)
        for number, activation in enumerate(calls, start=1):
            pre = activation.pre_activation
            name = equation if len(calls) == 1 else f"{equation} ({number})"
            facts = LayerUnits(graph, pre)
            found.append(StudiedLayer(name, pre, activation.call, activation.written, facts))
    return tuple(found)
