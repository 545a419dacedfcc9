"""Candidates steered to what chance hardly ever gives: so many units off, of many, and no more.

By chance about half of the units are off, so that one of 24 is off in 24 of 2²⁴ networks. A unit's own
weights and bias are its own, though: with their signs turned it is on where it was off, and on a grid
that has each number with both signs it stays there. One that has to be off in every case is given other
small weights, and the lowest bias, until it is. Candidates only get nearer: what is promised is asked of
each of them afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from handgrad.arrays import Indices, Mask
from handgrad.exercises.candidates import Candidates, Ensemble
from handgrad.exercises.gated_layers import GatedLayer
from handgrad.exercises.random_numbers import Pool, Stream
from handgrad.exercises.requirements import Requirements
from handgrad.problem import Problem
from handgrad.running.units import LayerUnits, Own

ROUNDS = 8
"""Times that the weights of a unit which is to be off in every case are drawn anew."""

STEERED = 256
"""Candidates steered at once."""


@dataclass(frozen=True)
class Steering:
    """Turns units on and off.

    Arguments:
        problem: whose candidates they are.
        opened: the same with every activation under a name.
        gated: its layers with gates, in order.
        pools: what is drawn.
        asked: how many are to be off.
    """

    problem: Problem
    opened: Ensemble
    gated: tuple[GatedLayer, ...]
    pools: Mapping[str, Pool]
    asked: Requirements

    @cached_property
    def _own(self) -> tuple[tuple[tuple[Own, ...], ...], ...]:
        """By layer and unit, the drawn entries that are its own."""
        found = []
        for layer in self.gated:
            facts = LayerUnits(self.opened.graph, layer.pre_activation)
            kept = [a for a in range(len(layer.shape)) if a not in layer.places]
            of_layer = []
            for unit in np.ndindex(*[layer.shape[a] for a in kept]):
                at = [0] * len(layer.shape)
                for axis, place in zip(kept, unit, strict=True):
                    at[axis] = place
                own = facts.own(facts.unit_of(tuple(at)))
                of_layer.append(tuple(o for o in own if o.name in self.pools))
            found.append(tuple(of_layer))
        return tuple(found)

    @cached_property
    def _turned(self) -> dict[str, Indices]:
        """By given, the place in its pool of each choice with its sign turned; its own where there is none."""
        found = {}
        for name, pool in self.pools.items():
            places = {value: k for k, value in enumerate(pool.choices)} if not pool.axes else {}
            found[name] = np.array([places.get(-value, k) for value, k in places.items()], int)
        return found

    @cached_property
    def _small(self) -> dict[str, Indices]:
        """By given, the places in its pool of the smaller half of the choices."""
        by_size = {n: np.argsort(np.abs(p.floats), kind="stable") for n, p in self.pools.items()}
        return {n: places[: max(1, len(places) // 2)] for n, places in by_size.items()}

    def steered(self, block: Candidates, stream: Stream) -> Candidates:
        """Candidates with the units on and off that are asked for, so far as that can be had."""
        places = {n: np.array(p) for n, p in block.places.items()}
        left = self._total(stream, block.count)
        for k, layer in enumerate(self.gated):
            wanted = self._wanted(layer, k, left, stream, block.count)
            if wanted is None:
                continue
            for round_ in range(ROUNDS):
                now = Candidates(self.problem, self.pools, places, block.count)
                z = layer.of_units(self.opened.run(now, backward=False)[layer.pre_activation])
                on = layer.opens(z).any(axis=1)
                off = ~on
                # Turned about, it is on where it was off; off only where it was on everywhere.
                turn = (wanted & (z >= 0).all(axis=1) & ~off) | (~wanted & ~on)
                redrawn = wanted & ~off & ~turn
                for unit, own in enumerate(self._own[k]):
                    self._turn(places, own, turn[unit])
                    if round_ + 1 < ROUNDS:
                        self._redraw(places, own, redrawn[unit], stream)
                if not (turn | redrawn).any():
                    break
        return Candidates(self.problem, self.pools, places, block.count)

    def _turn(self, places: dict[str, Indices], own: tuple[Own, ...], where: Mask) -> None:
        if not where.any():
            return
        for part in own:
            turned = self._turned[part.name]
            for entry in part.entries:
                if len(turned):
                    old = places[part.name][entry]
                    places[part.name][entry] = np.where(where, turned[old], old)

    def _redraw(
        self, places: dict[str, Indices], own: tuple[Own, ...], where: Mask, stream: Stream
    ) -> None:
        """Other weights, from the smaller half of what there is, and the lowest bias."""
        for part in own:
            pool = self.pools[part.name]
            if pool.axes:
                continue
            small = self._small[part.name]
            if not where.any():
                # What is drawn next does not depend on whether some are redrawn here.
                stream.skip(0 if part.role == "bias" else len(part.entries) * where.size)
                continue
            for entry in part.entries:
                old = places[part.name][entry]
                if part.role == "bias":
                    new = np.full(old.shape, int(np.argmin(pool.floats)))
                else:
                    new = small[stream.below(len(small), old.size)].reshape(old.shape)
                places[part.name][entry] = np.where(where, new, old)

    # -- which units -------------------------------------------------------------------------------

    def _total(self, stream: Stream, count: int) -> Mask | None:
        """Where units are counted in all layers together, which of all of them are to be off."""
        total = self.asked.off.get(None)
        if total is None:
            return None
        return _chosen(stream, sum(layer.units for layer in self.gated), total, count)

    def _wanted(
        self, layer: GatedLayer, k: int, total: Mask | None, stream: Stream, count: int
    ) -> Mask | None:
        """Which units of a layer are to be off, by unit and candidate; None where it does not matter."""
        asked = self.asked.off.get(layer.number)
        if asked is not None:
            return _chosen(stream, layer.units, asked, count)
        if total is None:
            return None
        first = sum(x.units for x in self.gated[:k])
        return total[first : first + layer.units]


def _chosen(stream: Stream, units: int, off: int, count: int) -> Mask:
    """So many of the units, for each candidate: those with the smallest numbers drawn."""
    drawn = stream.below(1 << 30, units * count).reshape(units, count)
    ranks = drawn.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return np.asarray(ranks < min(off, units))
