"""Watching units: the data set run forward at some parameters, in blocks, and what the gates were given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Leaf, Name
from handgrad.graph import build
from handgrad.graph.structure import Line
from handgrad.problem import Problem
from handgrad.running import Plan
from handgrad.running.engine import BLOCK, SMALL
from handgrad.running.program import Program, compiled
from handgrad.solution.kinks import kinked_calls
from handgrad.study.units import StudiedLayer


class UnitWatch:
    """A problem's forward pass over all its cases, for the loss and the pre-activations of some layers.

    `clean` says whether sums are without rounding residues: from the first look on that comes upon some,
    or from the beginning.
    """

    def __init__(
        self, problem: Problem, layers: Sequence[StudiedLayer], *, clean: bool = False
    ) -> None:
        self.problem = problem
        self.layers = tuple(layers)
        self.graph = build(problem)
        self.clean = clean
        self._data = {n: g.array for n, g in problem.fixed.items()}
        self._batched = [n for n, g in problem.fixed.items() if g.batched]
        self._cases = self._data[self._batched[0]].shape[-1] if self._batched else 1
        # A kink that belongs to no unit, such as that of |z|, turns a gradient round all the same.
        self._at_kinks = tuple(a for call in kinked_calls(self.graph) for a in call.arguments)
        looked_at = dict.fromkeys((*(layer.pre for layer in self.layers), *self._at_kinks))
        # No equation has a name with a space.
        self._looked_at = [Line(Name(f"looked at {k}"), f) for k, f in enumerate(looked_at)]
        self._looked = {line.formula: line.leaf for line in self._looked_at}
        self._plan = self._planned()
        self._programs: dict[int, Program] = {}

    def __call__(self, parameters: Mapping[str, Array]) -> tuple[float, dict[str, Array]]:
        """The loss over all the cases and, by layer, each unit's largest pre-activation over them."""
        total = 0.0
        largest: dict[str, Array] = {}
        residues = False
        for part in self._parts():
            loss, values = self._run(parameters, part)
            share = 1.0 if self.problem.reduction == "sum" else self._count(part) / self._cases
            total += share * loss
            residues = residues or (not self.clean and self._have_rests(values))
            for layer in self.layers:
                z = self._seen(layer, values).max(axis=(-2, -1))
                known = largest.get(layer.name)
                largest[layer.name] = z if known is None else np.maximum(known, z)
        if residues:
            self._without_residues()
            return self(parameters)
        return total, largest

    def largest_case(
        self, layer: StudiedLayer, unit: tuple[int, ...], parameters: Mapping[str, Array]
    ) -> int:
        """The case on which a unit's pre-activation is largest, counted from 0."""
        best, where = -np.inf, 0
        for part in self._parts():
            _, values = self._run(parameters, part)
            z = self._seen(layer, values)[unit].max(axis=0)
            if np.max(z) > best:
                best, where = float(np.max(z)), part.start + int(np.argmax(z))
        return where

    def at_case(self, case: int, parameters: Mapping[str, Array]) -> dict[Leaf, Array]:
        """Every value of the forward pass on one case, which stays the only one on its axis."""
        with np.errstate(all="ignore"):
            return self._plan({**parameters, **self._of(slice(case, case + 1))})

    def change(
        self,
        layer: StudiedLayer,
        unit: tuple[int, ...],
        old: Mapping[Leaf, Array],
        new: Mapping[Leaf, Array],
    ) -> tuple[float, float, float]:
        """A unit's pre-activation with the old numbers, with the new ones, and with only its own new.

        The last is its formula with the new weights and bias on what the layers below gave before. Of
        several positions it is the largest.
        """
        own = layer.facts.evaluated({n: new[Name(n)] for n in layer.own}, old, clean=self.clean)
        found = (self._value(layer, old), self._value(layer, new), layer.apart(own))
        z_old, z_new, z_own = (float(np.max(z[unit])) for z in found)
        return z_old, z_new, z_own

    def mixed(
        self, layer: StudiedLayer, own: Mapping[str, Array], others: Mapping[str, Array]
    ) -> Array:
        """Each unit's largest pre-activation with its layer's parameters at some numbers, and all the rest
        at others."""
        largest: Array | None = None
        for part in self._parts():
            with np.errstate(all="ignore"):
                numbers = self._plan({**others, **self._of(part)})
            z = layer.apart(layer.facts.evaluated(own, numbers, clean=self.clean))
            z = z.max(axis=(-2, -1))
            largest = z if largest is None else np.maximum(largest, z)
        assert largest is not None
        return largest

    def _planned(self) -> Plan:
        return Plan(self.graph, lines=(*self.graph.forward, *self._looked_at), clean=self.clean)

    @np.errstate(all="ignore")
    def _have_rests(self, values: Mapping[Leaf, Array]) -> bool:
        return any(map(_may_be_rests, values.values()))

    def _parts(self) -> Iterator[slice]:
        for start in range(0, self._cases, BLOCK):
            yield slice(start, min(start + BLOCK, self._cases))

    def _count(self, part: slice) -> int:
        return int(part.stop - part.start)

    def _of(self, part: slice) -> dict[str, Array]:
        return {n: a[..., part] if n in self._batched else a for n, a in self._data.items()}

    def _run(self, parameters: Mapping[str, Array], part: slice) -> tuple[float, dict[Leaf, Array]]:
        given = {**parameters, **self._of(part)}
        count = self._count(part)
        if count not in self._programs:
            large = sum(np.size(a) for a in given.values()) > SMALL
            outputs = (Name(self.graph.cost), *self._looked.values())
            self._programs[count] = compiled(self._plan, given, outputs, reuse=large)
        with np.errstate(all="ignore"):
            loss, *computed = self._programs[count].call(*given.values())
        return float(loss), dict(zip(self._looked.values(), map(np.asarray, computed), strict=True))

    def _seen(self, layer: StudiedLayer, values: Mapping[Leaf, Array]) -> Array:
        """The pre-activations by unit, position and case, of what a run gives."""
        return layer.apart(values[self._looked[layer.pre]])

    def _value(self, layer: StudiedLayer, values: Mapping[Leaf, Array]) -> Array:
        with np.errstate(all="ignore"):
            return layer.value(values, self.graph.batched_leaves, clean=self.clean)

    def _without_residues(self) -> None:
        self.clean = True
        self._plan = self._planned()
        self._programs.clear()


def _may_be_rests(z: Array) -> bool:
    """Whether some of the numbers that a kink is given may be what floats leave of 0."""
    sizes = np.abs(z)
    small = sizes < REST * max(1.0, float(sizes.max(initial=0.0, where=np.isfinite(sizes))))
    return bool((small & (sizes > 0)).any())


REST = 1e-12
"""Numbers under so many times the largest, or under this, may be residues."""
