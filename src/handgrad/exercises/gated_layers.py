"""The layers of a problem as practice counts them: activations of values with names, and their units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.errors import OptionError
from handgrad.exercises.requirements import Requirements
from handgrad.expression import Adjoint, Call, Leaf, Name, walk
from handgrad.graph import Activation, Graph, activations
from handgrad.graph.weighted import weighted_sum
from handgrad.operations import operation_of
from handgrad.operations.gates import is_open


@dataclass(frozen=True, slots=True)
class GatedLayer:
    """An activation of its own.

    Arguments:
        number: counted from 1.
        activation: where it stands.
        places: the axes along which one unit lies at many places: the examples of a batch in rows
            or columns, the positions of a channel. A unit is off where it is off at all of them.
    """

    number: int
    activation: Activation
    places: tuple[int, ...]

    @property
    def name(self) -> str:
        """The name of its value."""
        return self.activation.equation

    @property
    def pre_activation(self) -> Name:
        """What it is applied to."""
        found = self.activation.pre_activation
        assert isinstance(found, Name)
        return found

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of its value, of one case."""
        return self.activation.call.shape or ()

    @property
    def units(self) -> int:
        """How many units it has."""
        return math.prod(n for axis, n in enumerate(self.shape) if axis not in self.places)

    def shut(self, values: Mapping[Leaf, Array]) -> Mask:
        """Whether the gate of each unit is shut at all places and in all cases; a row for each unit."""
        return np.asarray((~self.opens(self.of_units(values[self.pre_activation]))).all(axis=1))

    def opens(self, z: Array) -> Mask:
        """Where its gate lets gradient through: at exactly 0 too where it is max(0, z), which splits ties."""
        return is_open(z, splits_ties=self.activation.splits_ties)

    def blocked(self, values: Mapping[Leaf, Array]) -> Array:
        """The largest gradient that arrives at each unit from behind."""
        arriving: Array = self.of_units(np.abs(values[Adjoint(self.name)])).max(axis=1)
        return arriving

    def of_units(self, array: Array) -> Array:
        """An array with the units first, then their places and cases, then the candidates."""
        kept = [axis for axis in range(len(self.shape)) if axis not in self.places]
        moved = np.moveaxis(array, kept, range(len(kept)))
        return moved.reshape(self.units, -1, array.shape[-1])


def layers(graph: Graph) -> tuple[GatedLayer, ...]:
    """The layers of a graph whose activations have names, in the order of the equations."""
    named = (a for a in activations(graph) if a.alone and isinstance(a.pre_activation, Name))
    return tuple(GatedLayer(k, a, _places(graph, a)) for k, a in enumerate(named, start=1))


def _places(graph: Graph, activation: Activation) -> tuple[int, ...]:
    """The axes of an activation along which the same unit lies at many places."""
    shape = activation.call.shape or ()
    source = activation.pre_activation
    written = graph.nodes[source.name].written if isinstance(source, Name) else None
    if written is None or len(shape) < 2:
        return ()
    for node in walk(written):
        slid = operation_of(node).slid if isinstance(node, Call) else None
        if slid is not None and isinstance(node, Call):
            axes = slid([a.shape or () for a in node.arguments])
            if axes.channel is not None:
                return tuple(axis for axis in range(len(shape)) if axis != axes.channel)
            # A map without channels has a unit at each place.
            return () if axes.examples is None else (0,)
    known = weighted_sum(graph, written)
    if known is not None and known.examples != "none" and len(shape) == 2:
        return (0,) if known.examples == "rows" else (1,)
    return ()


def check_possible(graph: Graph, asked: Requirements) -> None:
    """Raises `OptionError` where a problem has too few gates for what is asked for, whatever its numbers."""
    units = {layer.number: layer.units for layer in layers(graph) if layer.activation.gate}
    gated = ", ".join(f"layer {k}: {n}" for k, n in units.items())
    for number, count in asked.off.items():
        place = "the problem" if number is None else f"layer {number}"
        there = sum(units.values()) if number is None else units.get(number, 0)
        if count > there:
            what = f"{place} has {there} unit{'' if there == 1 else 's'} with a gate, not {count}"
            wish = f"--off {count}" if number is None else f"--off {number}:{count}"
            raise OptionError(what, where=wish, mend=f"units with gates: {gated or 'none'}")
    total, by_layer = asked.off.get(None), sum(n for k, n in asked.off.items() if k is not None)
    if total is not None and total < by_layer:
        raise OptionError(
            f"{by_layer} units are asked for by layer, and {total} in all",
            where=f"--off {total}",
            mend="ask for one of the two",
        )
