"""The edges of a network picture, whichever way it leads: their lines, and where their numbers stand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import product

from handgrad.picture.drawing import Arrow, Label, Outline, Role
from handgrad.solution.pictures.lines import PictureLine
from handgrad.solution.pictures.network_content import Content, DrawnEdge
from handgrad.solution.pictures.numbers import number

Ends = tuple[tuple[float, float], tuple[float, float]]

FAINT = 1.1
"""Edges that are silenced are no thicker."""

PLACES = tuple(k / 100 for k in range(15, 86))
"""Where labels may stand on edges, as shares of the way."""


def edge_line(edge: DrawnEdge, ends: Ends, largest: float | None) -> Outline:
    """The line of an edge; of the `largest` weight's size, where its thickness tells how large its own is."""
    thick = 1.4 if largest is None else 0.6 + 2 * abs(edge.value) / largest
    thick = min(thick, FAINT) if edge.dashed else thick
    return Outline(ends, edge.role, thick, edge.dashed, quantity=edge.quantity)


def edge_label(edge: DrawnEdge, ends: Ends, at: float, size: float) -> Label:
    """The number of an edge, so far on its way."""
    x, y = ((1 - at) * a + at * b for a, b in zip(*ends, strict=True))
    role: Role = "ink" if edge.role == "value" else edge.role
    role = "faint" if edge.quiet else role
    text = (number(edge.value),)
    return Label(x, y + 4, text, role, size=size, quantity=edge.quantity, halo=True)


@lru_cache(maxsize=512)
def places_on_edges(
    sources: int, targets: int, apart: float, clear: float = 0.0
) -> Mapping[float, float]:
    """Where the numbers of all edges between two layers can stand, and how far apart they are there.

    Arguments:
        sources: the units of the layer that the edges lead from.
        targets: those of the layer that they lead to.
        apart: the least distance between two numbers, in distances between two units.
        clear: the least distance from either end, as a share of the way.
    """
    return {
        at: far
        for at, far in _separations(sources, targets).items()
        if far >= apart and clear <= at <= 1 - clear
    }


@cache
def _separations(sources: int, targets: int) -> dict[float, float]:
    return {at: separation(sources, targets, at) for at in PLACES}


def separation(sources: int, targets: int, at: float) -> float:
    """How far apart the nearest two of all edges between two layers are, so far on their way.

    In distances between two units. An edge from unit s to unit t passes (1 - at) s + at t.
    """
    steps = product(range(sources), range(1 - targets, targets))
    return min((abs((1 - at) * s + at * t) for s, t in steps if (s, t) != (0, 0)), default=math.inf)


@cache
def steep_places(count: int) -> dict[float, float]:
    """By place, how far each number is from the other edges between two layers of `count` units, in distances between
    two units, where those of level edges stand in the middle and those of the others so far on their way."""
    return {at: _steep_apart(count, at) for at in PLACES}


def _steep_apart(count: int, at: float) -> float:
    units = range(count)
    ends = list(product(units, units))

    def height(s: int, t: int, x: float) -> float:
        return (1 - x) * s + x * t

    places = [(s, t, 0.5 if s == t else at) for s, t in ends]
    return min(
        (
            abs(height(s, t, x) - height(*other, x))
            for s, t, x in places
            for other in ends
            if other != (s, t)
        ),
        default=math.inf,
    )


def loss_arrow(content: Content, unit: int, ends: Ends, *, stopped: bool) -> Arrow:
    """The arrow from an output unit to the loss, or back; `stopped` where it ends before a bar."""
    layer, column = content.network.layers[-1], len(content.columns) - 1
    off = content.units[column][unit].off
    off = off and (not stopped or content.arriving(column, unit) is None)
    role: Role = "off" if off else "gradient" if content.backward else "value"
    quantity = content.shown.spelling(layer.out, content.index(layer.out, unit), content.backward)
    return Arrow(ends[::-1] if content.backward else ends, role, 1.4, off, quantity=quantity)


def unit_label(line: PictureLine, x: float, y: float, size: float) -> Label:
    """A line of text in a unit."""
    return Label(x, y, line.text, line.role, size=size, bold=line.bold, quantity=line.quantity)
