"""Drawings in Typst's own shapes, their labels set as the page's text is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import assert_never

from handgrad.formats.typst.pen import TypstPen
from handgrad.formats.typst.source import array, string
from handgrad.formats.typst.text import content
from handgrad.page.blocks import Figure
from handgrad.picture import Arrow, Circle, Label, Outline, Rectangle, Shape
from handgrad.picture.strokes import Point, stroke


def figure(block: Figure, pen: TypstPen) -> str:
    """The drawing, no wider than the page, with its caption below."""
    drawing = block.drawing
    runs = groupby(drawing.shapes, key=lambda shape: isinstance(shape, Label))
    shapes = "".join(
        f"#labels-at({', '.join(_label(s, drawing.shapes, pen) for s in run if isinstance(s, Label))})"
        if labels
        else "".join(f"#{_shape(s)}" for s in run if not isinstance(s, Label))
        for labels, run in runs
    )
    alt = string(f"{drawing.title}. {drawing.description}")
    return f"#figure-of({_size(block)}, {alt}, {_caption(block, pen)}, [{shapes}])"


def waiting_figure(block: Figure, pen: TypstPen) -> str:
    """The same with what tells how high it will be, for a page to look for a place that has room."""
    drawn = figure(block, pen)
    return f"(size: ({_size(block)}), caption: {_caption(block, pen)}, drawn: [{drawn}])"


def _size(block: Figure) -> str:
    return _numbers(block.drawing.width, block.drawing.height, block.scale)


def _caption(block: Figure, pen: TypstPen) -> str:
    return content(block.caption, pen) if block.caption else "none"


def _label(label: Label, others: Sequence[Shape], pen: TypstPen) -> str:
    """What `labels-at` is told of a label."""
    # What stands in no unit or box may stand on a line: it hides what is behind it.
    backed = str(not any(_holds(other, label) for other in others)).lower()
    weight = "bold" if label.bold else "regular"
    return (
        f"({_numbers(label.x, label.y, label.size)}, {string(label.anchor)}, "
        f"{string(label.role)}, {string(weight)}, {backed}, {content(label.text, pen)})"
    )


def _shape(shape: Circle | Rectangle | Outline | Arrow) -> str:
    match shape:
        case Circle():
            return f"disc({_numbers(shape.x, shape.y, shape.radius)}, {string(shape.role)})"
        case Rectangle():
            sizes = _numbers(
                shape.x, shape.y, shape.width, shape.height, shape.rounding, shape.strength
            )
            return f"slab({sizes}, {string(shape.role)})"
        case Outline() | Arrow():
            return _stroke(shape)
        case _:
            assert_never(shape)


def _holds(shape: Shape, label: Label) -> bool:
    """Whether a label stands in a unit or a box."""
    match shape:
        case Circle(x, y, radius):
            return (label.x - x) ** 2 + (label.y - y) ** 2 <= radius**2
        case Rectangle(x, y, width, height):
            return x <= label.x <= x + width and y <= label.y <= y + height
        case _:
            return False


def _stroke(shape: Outline | Arrow) -> str:
    drawn = stroke(shape)
    pieces = array([_points(piece) for piece in drawn.pieces])
    closed = isinstance(shape, Outline) and shape.closed
    dashed, filled = str(shape.dashed).lower(), str(closed).lower()
    return (
        f"stroke-through({_point(drawn.start)}, {pieces}, {_points(drawn.head)}, "
        f"{string(shape.role)}, {shape.width:.2f}, {dashed}, {filled})"
    )


def _points(points: Sequence[Point]) -> str:
    return array([_point(each) for each in points])


def _point(point: Point) -> str:
    return f"({_numbers(*point)})"


def _numbers(*values: float) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
