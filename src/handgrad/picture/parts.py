"""A drawing that is too high for its place, in parts one below the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil

from handgrad.picture.drawing import Arrow, Circle, Drawing, Label, Outline, Rectangle, Shape

Point = tuple[float, float]


def in_parts(drawing: Drawing, most: float) -> tuple[Drawing, ...]:
    """The drawing in parts that are no higher than `most`, about equally high.

    It is cut where no face and no text is; lines end at the cut, and go on in the next part. Whole where it is low
    enough, and where it cannot be cut so.
    """
    if drawing.height <= most:
        return (drawing,)
    cuts = [0.0]
    places = _gaps(drawing)
    while drawing.height - cuts[-1] > most:
        left = drawing.height - cuts[-1]
        wanted = cuts[-1] + left / ceil(left / most)
        near = [y for y in places if cuts[-1] < y <= cuts[-1] + most]
        if not near:
            return (drawing,)
        cuts.append(min(near, key=lambda y: abs(y - wanted)))
    cuts.append(drawing.height)
    return tuple(
        replace(drawing, height=b - a, shapes=tuple(_within(drawing.shapes, a, b)))
        for a, b in pairwise(cuts)
    )


def _gaps(drawing: Drawing) -> list[float]:
    """The middle of each height at which there is neither a face nor text."""
    ends = sorted(e for s in drawing.shapes if (e := _extent(s)) is not None)
    found: list[float] = []
    low = 0.0
    for top, bottom in ends:
        if low and top > low:
            found.append((low + top) / 2)
        low = max(low, bottom)
    return found


def _extent(shape: Shape) -> Point | None:
    """How far up and down a face or a text reaches; None for a line, which may be cut."""
    match shape:
        case Circle():
            return shape.y - shape.radius, shape.y + shape.radius
        case Rectangle():
            return shape.y, shape.y + shape.height
        case Label():
            return shape.y - shape.size, shape.y + 0.4 * shape.size
        case _:
            return None


def _within(shapes: Sequence[Shape], top: float, bottom: float) -> Iterator[Shape]:
    """The shapes between two heights, moved up to the first."""
    for shape in shapes:
        match shape:
            case Outline() | Arrow():
                yield from _cut(shape, top, bottom)
            case _:
                extent = _extent(shape)
                if extent is not None and top <= sum(extent) / 2 < bottom:
                    yield replace(shape, y=shape.y - top)


def _cut(line: Outline | Arrow, top: float, bottom: float) -> Iterator[Outline | Arrow]:
    """The pieces of a line between two heights; the one that has its end has its head."""
    piece: list[Point] = []
    for (x0, y0), (x1, y1) in pairwise(line.points):
        # How much of the way lies between the two heights.
        ways = (
            [0.0, 1.0] if y0 == y1 else sorted(((top - y0) / (y1 - y0), (bottom - y0) / (y1 - y0)))
        )
        start, stop = max(0.0, ways[0]), min(1.0, ways[1])
        inside = start < stop and (y0 != y1 or top <= y0 <= bottom)
        ends = [(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t - top) for t in (start, stop)]
        if inside:
            piece = [*(piece or ends[:1]), ends[1]]
        if piece and (not inside or stop < 1):
            yield _piece(line, piece)
            piece = []
    if piece:
        yield replace(line, points=tuple(piece))


def _piece(line: Outline | Arrow, points: Sequence[Point]) -> Outline:
    """A part of a line that does not have its end."""
    return Outline(tuple(points), line.role, line.width, line.dashed, line.curved, False, line.quantity)  # fmt: skip
