"""The strokes that lines and arrows are drawn with, wherever they are drawn: straight or cubic pieces, and a head."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import dist
from typing import TypeAlias

from handgrad.picture.drawing import Arrow, Outline
from handgrad.record import record

Point: TypeAlias = tuple[float, float]
Piece: TypeAlias = tuple[Point] | tuple[Point, Point, Point]
"""Where a straight piece ends; of a cubic piece its two control points come first."""

HEAD, SPREAD = 8.0, 0.42
"""The length of an arrow's head beyond the thickness of its line, and half its breadth as a share of it."""

HARDLY = 1.0
"""A point this far, in pixels, from the line between its neighbours hardly bends it."""

SAME = 1e-6
"""Points no further apart are one: what is left, in pixels, where two boxes are equally wide."""

UNDER = 0.7
"""How far into its head an arrow's line ends, as a share of it: thick lines have no corner beside the tip."""


@record
class Stroke:
    """A line from its start through its pieces; the corners of its head, the tip first, where it has one."""

    start: Point
    pieces: tuple[Piece, ...]
    head: tuple[Point, ...] = ()


def stroke(line: Outline | Arrow) -> Stroke:
    """A line or an arrow as it is drawn."""
    points = _apart(line.points)
    if isinstance(line, Outline):
        return Stroke(points[0], _pieces(points, curved=line.curved))
    stop = points[-1]
    ux, uy = _arriving(points, curved=line.curved)
    size = HEAD + line.width
    back = (stop[0] - ux * size, stop[1] - uy * size)
    wings = [(back[0] - uy * size * side, back[1] + ux * size * side) for side in (SPREAD, -SPREAD)]
    shaft = (*points[:-1], (stop[0] - ux * size * UNDER, stop[1] - uy * size * UNDER))
    return Stroke(points[0], _pieces(shaft, curved=line.curved), (stop, *wings))


def _apart(points: Sequence[Point]) -> Sequence[Point]:
    """The points without those at the place of the one before: a stretch of no length has no direction."""
    kept = [points[0], *(b for a, b in pairwise(points) if dist(a, b) > SAME)]
    return kept if len(kept) > 1 else points


def _pieces(points: Sequence[Point], *, curved: bool) -> tuple[Piece, ...]:
    """A smooth curve through points: a cubic piece between each two, leaving and arriving along the longer
    way between only two."""
    if not curved:
        return tuple((point,) for point in points[1:])
    points = _bends(points)
    if len(points) == 2:
        start, stop = points
        middle = ((start[0] + stop[0]) / 2, (start[1] + stop[1]) / 2)
        if _is_level(start, stop):
            return (((middle[0], start[1]), (middle[0], stop[1]), stop),)
        return (((start[0], middle[1]), (stop[0], middle[1]), stop),)
    found: list[Piece] = []
    ends = [points[0], *points, points[-1]]
    for i, (start, stop) in enumerate(pairwise(points)):
        # Along the chord between a point's neighbours, a third of the piece's own length: no loops.
        reach = dist(start, stop) / 3
        (ux, uy), (vx, vy) = _towards(ends[i], ends[i + 2]), _towards(ends[i + 1], ends[i + 3])
        inner = (start[0] + ux * reach, start[1] + uy * reach)
        outer = (stop[0] - vx * reach, stop[1] - vy * reach)
        found.append((inner, outer, stop))
    return tuple(found)


def _bends(points: Sequence[Point]) -> Sequence[Point]:
    """The points without those that hardly bend the line (Douglas and Peucker, 1973): fewer pieces to draw.

    The first and the last stretch stay, for the curve to leave and arrive along them.
    """
    if len(points) <= 4:
        return points
    kept = [points[1]]

    def divide(low: int, high: int) -> None:
        (x1, y1), (x2, y2) = points[low], points[high]
        length = dist(points[low], points[high]) or 1.0
        off = [
            abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length
            for x, y in points[low + 1 : high]
        ]
        if off and max(off) > HARDLY:
            at = low + 1 + off.index(max(off))
            divide(low, at)
            divide(at, high)
        else:
            kept.append(points[high])

    divide(1, len(points) - 2)
    return points[0], *kept, points[-1]


def _arriving(points: Sequence[Point], *, curved: bool) -> Point:
    """The direction of an arrow at its tip, of length 1."""
    start, stop = points[-2:]
    if curved and len(points) == 2:
        start = (start[0], stop[1]) if _is_level(start, stop) else (stop[0], start[1])
    return _towards(start, stop)


def _is_level(start: Point, stop: Point) -> bool:
    """Whether two points lie side by side rather than one above the other."""
    return abs(stop[0] - start[0]) >= abs(stop[1] - start[1])


def _towards(start: Point, stop: Point) -> Point:
    """The direction from one point to another, of length 1."""
    length = dist(start, stop) or 1.0
    return (stop[0] - start[0]) / length, (stop[1] - start[1]) / length
