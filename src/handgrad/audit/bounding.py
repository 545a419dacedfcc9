"""What holds for a unit over a whole box of inputs: certificates from interval arithmetic.

The upper bound of a pre-activation over the box, rounded outward, proves a gate shut where it is
not positive. Intervals forget that the same input enters twice, so a bound may be far above what is
attained. Two things bring it down: the mean-value form, z(c) + z′(box) · (box − c), which is linear
in the input with the table's pull-backs bounded over the box; and splitting the box, each part with
bounds of its own (Moore, Kearfott and Cloud, "Introduction to Interval Analysis", 2009, 6.3, 6.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.audit.box import Box
from handgrad.audit.counting import Site
from handgrad.audit.structure import Certificate
from handgrad.equations import parse_equations, source
from handgrad.expression import Name
from handgrad.numbers import Interval, run_intervals
from handgrad.problem import Problem
from handgrad.problem.given import Given

PARTS = 2048
"""Parts that a box is split into for one unit, at most."""

WORK = 20_000_000
"""Products of a parameter and a part of the box in one run, about, at most."""

POINTS = 256
"""Points looked at for one at which a unit fires."""

ENTRIES = 64
"""Pre-activations whose bounds are tightened, at most: a unit has one at each of its positions."""


def certificates(
    problem: Problem,
    sites: Sequence[Site],
    box: Box,
    tighten: Mapping[str, Sequence[tuple[int, ...]]],
) -> dict[str, dict[tuple[int, ...], Certificate]]:
    """By layer and unit, what is known of its pre-activation over the box.

    Arguments:
        problem: its activations are named; parameters are as they are.
        sites: the layers with gates.
        box: by name of an input, the lowest and highest values.
        tighten: by layer, the units for which more is to be tried.
    """
    bounding = _Bounding(problem, box)
    upper = bounding.upper(bounding.whole, [s.pre for s in sites])
    points = bounding.points()
    values = bounding.upper(points, [s.pre for s in sites], lower=True)
    found: dict[str, dict[tuple[int, ...], Certificate]] = {}
    left = ENTRIES
    for site in sites:
        wanted = set(tighten.get(site.name, ()))
        layer = found[site.name] = {}
        highest = site.layer.apart(upper[site.pre])[..., 0]
        attained = site.layer.apart(values[site.pre]).max(axis=-2)
        for unit in np.ndindex(*site.units):
            bound = float(highest[unit].max())
            asked = int((highest[unit] > 0).sum())
            if bound <= 0:
                layer[unit] = Certificate("dead", bound)
            elif (attained[unit] > 0).any():
                which = int(attained[unit].argmax())
                layer[unit] = Certificate("fires", bound, 1, bounding.witness(points, which))
            elif unit in wanted and left >= asked:
                left -= asked
                layer[unit] = bounding.tightened(site, unit, highest[unit])
            else:
                layer[unit] = Certificate("undecided", bound)
    return found


@dataclass(frozen=True)
class _Parts:
    """Parts of the box: by name, lowest and highest values with the parts on the last axis."""

    low: Mapping[str, Array]
    high: Mapping[str, Array]

    @property
    def count(self) -> int:
        return int(next(iter(self.low.values())).shape[-1])

    def take(self, which: Any) -> _Parts:
        return _Parts(
            {n: a[..., which] for n, a in self.low.items()},
            {n: a[..., which] for n, a in self.high.items()},
        )

    def centre(self) -> dict[str, Array]:
        """The middle of each part, and within it whatever the rounding."""
        return {
            n: np.clip(0.5 * a + 0.5 * self.high[n], a, self.high[n]) for n, a in self.low.items()
        }


class _Bounding:
    def __init__(self, problem: Problem, box: Box) -> None:
        # Data that are not in the box and differ from case to case: as wide as their cases are.
        own = {
            n: (g.array.min(axis=-1), g.array.max(axis=-1))
            for n, g in problem.data.items()
            if g.batched and n not in box
        }
        sides = {**own, **box}
        self.names, self.asked = tuple(sides), tuple(box)
        # No bound of a value depends on what arrives; there are as many cases as parts of the box.
        arriving = {n: g for n, g in problem.inputs.items() if n in problem.seeds.values()}
        self.problem = problem.with_inputs(
            {n: Given(g.array[..., 0]) for n, g in arriving.items() if g.batched}
        )
        self.whole = _Parts(
            {n: np.asarray(low, float)[..., None] for n, (low, _) in sides.items()},
            {n: np.asarray(high, float)[..., None] for n, (_, high) in sides.items()},
        )
        size = sum(g.array.size for g in problem.parameters.values())
        self.at_once = max(1, min(PARTS, WORK // max(1, size)))

    # -- bounds -------------------------------------------------------------------------------------

    def upper(
        self, parts: _Parts, names: Sequence[str], *, lower: bool = False
    ) -> dict[str, Array]:
        """Upper (or lower) bounds of values over each part, the parts on the last axis."""
        result = run_intervals(
            self._batched(self.problem, parts), self._sides(parts), backward=False
        )
        bounds = {n: result.value(n) for n in names}
        return {
            n: self._each(b.lower if lower else b.upper, n, result, parts.count)
            for n, b in bounds.items()
        }

    def points(self) -> _Parts:
        """Points of the box to look for one at which a unit fires: its middle, and some at random."""
        generator = np.random.default_rng(0)
        count = min(POINTS, self.at_once)
        middle = self.whole.centre()
        points = {}
        for n, low in self.whole.low.items():
            high = self.whole.high[n]
            drawn: Array = low + (high - low) * generator.random((*low.shape[:-1], count))
            # Half of them at corners, where a sum is largest.
            corners: Array = np.where(drawn > 0.5 * (low + high), high, low)
            drawn[..., ::2] = corners[..., ::2]
            drawn[..., :1] = middle[n]
            points[n] = np.clip(drawn, low, high)
        return _Parts(points, points)

    @staticmethod
    def _each(bound: Array, name: str, result: Any, count: int) -> Array:
        node = result.graph.nodes[name]
        return bound if node.batched else np.broadcast_to(bound[..., None], (*node.shape, count))

    def _batched(self, problem: Problem, parts: _Parts) -> Problem:
        """The problem with a case for each part."""
        given = {n: {"cases": np.moveaxis(a, -1, 0)} for n, a in parts.centre().items()}
        return problem.with_values(given)

    def _sides(self, parts: _Parts) -> dict[str, tuple[Array, Array]]:
        return {n: (parts.low[n], parts.high[n]) for n in self.names}

    def _points(self, parts: _Parts) -> dict[str, tuple[Array, Array]]:
        return {n: (c, c) for n, c in parts.centre().items()}

    def witness(self, parts: _Parts, which: int) -> dict[str, float | tuple[float, ...]]:
        """The middle of a part as plain numbers."""
        centre = parts.centre()
        return {
            n: float(centre[n][which])
            if centre[n].ndim == 1
            else tuple(float(v) for v in centre[n][..., which].ravel())
            for n in self.asked
        }

    # -- tightening ---------------------------------------------------------------------------------

    def tightened(self, site: Site, unit: tuple[int, ...], highest: Array) -> Certificate:
        """Tightens the bounds of a unit at each position where they leave it open, the highest first.

        Arguments:
            site: the unit's layer.
            unit: its index in the layer.
            highest: by position, the upper bounds over the whole box.
        """
        found: list[Certificate] = []
        order = np.argsort(-highest)
        for position in order:
            if highest[position] <= 0:
                found.append(Certificate("dead", float(highest[position])))
                continue
            found.append(self._at_position(site, unit, int(position)))
            if found[-1].decided == "fires":
                break
        rest = highest[order[len(found) :]]
        bound = max(float(rest.max(initial=-np.inf)), *(c.upper for c in found))
        boxes = max(c.boxes for c in found)
        if found[-1].decided == "fires":
            return replace(found[-1], upper=bound, boxes=boxes)
        shut = all(c.decided == "dead" for c in found)
        return Certificate("dead" if shut else "undecided", bound, boxes)

    def _at_position(self, site: Site, unit: tuple[int, ...], position: int) -> Certificate:
        """Splits the box until one pre-activation is decided, or has been split into `PARTS`."""
        alone = self._alone(site, site.layer.entry(unit, position))
        open_, proved, split = self.whole, -np.inf, 1
        best = np.inf
        while True:
            upper, at_centre, pull = self._linear(alone, open_)
            firing = np.flatnonzero(at_centre > 0)
            if len(firing):
                bound = max(proved, float(upper.max()))
                witness = self.witness(open_, int(firing[0]))
                return Certificate("fires", min(best, bound), split, witness)
            best = min(best, max(proved, float(upper.max())))
            shut = upper <= 0
            proved = max(proved, float(upper[shut].max(initial=-np.inf)))
            if shut.all():
                return Certificate("dead", proved, split)
            open_ = open_.take(~shut)
            if 2 * open_.count > self.at_once or split >= PARTS:
                return Certificate("undecided", best, split)
            split += open_.count
            open_ = self._halved(open_, {n: p[..., ~shut] for n, p in pull.items()})

    def _alone(self, site: Site, entry: tuple[int, ...]) -> Problem:
        """The problem with this one pre-activation for its loss."""
        pre = Name(site.pre)
        formula = source(pre.entry(entry))
        target = next(f"unit_{k}" for k in range(10**6) if not self._taken(f"unit_{k}"))
        texts = [e.text for e in self.problem.equations]
        return self.problem.with_parts(
            equations=parse_equations([*texts, f"{target} = 1*{formula}"]),
            loss=target,
            update=None,
            upstream={},
        )

    def _taken(self, name: str) -> bool:
        names = tuple(self.problem.inputs)
        return name in names or any(e.target == name for e in self.problem.equations)

    def _linear(self, alone: Problem, parts: _Parts) -> tuple[Array, Array, dict[str, Array]]:
        """Over each part, the lower of two upper bounds; the value at its middle; and, by entry of
        the input, how far the value may change on it."""
        batched = self._batched(alone, parts)
        over = run_intervals(batched, self._sides(parts))
        middle = run_intervals(batched, self._points(parts), backward=False)
        value = over.value(alone.loss)
        at = middle.value(alone.loss)
        bound = Interval.of(at.upper)
        centre = parts.centre()
        pull: dict[str, Array] = {}
        for name in self.names:
            slope = over.gradient(name)
            away = Interval(parts.low[name], parts.high[name]) - Interval.of(centre[name])
            change = slope * away
            pull[name] = np.broadcast_to(
                np.maximum(abs(change.lower), abs(change.upper)), parts.low[name].shape
            )
            flat = change.each(lambda a: np.reshape(a, (-1, a.shape[-1])))
            for row in range(flat.shape[0]):
                bound = bound + flat[row]
        upper = np.fmin(value.upper, bound.upper)
        count = (parts.count,)
        return np.broadcast_to(upper, count), np.broadcast_to(at.lower, count), pull

    def _halved(self, parts: _Parts, pull: Mapping[str, Array]) -> _Parts:
        """Each part cut in two across the entry on which the value may change most."""
        low = {n: np.concatenate([a, a], axis=-1) for n, a in parts.low.items()}
        high = {n: np.concatenate([a, a], axis=-1) for n, a in parts.high.items()}
        count = parts.count
        flat = {n: p.reshape(-1, count) for n, p in pull.items()}
        stacked = np.concatenate([flat[n] for n in self.names])
        stacked = np.where(np.isfinite(stacked), stacked, np.finfo(float).max)
        widest = stacked.argmax(axis=0)
        centre = {n: c.reshape(-1, count) for n, c in parts.centre().items()}
        start = 0
        for n in self.names:
            rows = flat[n].shape[0]
            mine = np.flatnonzero((widest >= start) & (widest < start + rows))
            row = widest[mine] - start
            cut = centre[n][row, mine]
            high[n].reshape(-1, 2 * count)[row, mine] = cut
            low[n].reshape(-1, 2 * count)[row, mine + count] = cut
            start += rows
        return _Parts(low, high)
