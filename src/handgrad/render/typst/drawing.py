"""Drawings in Typst's own shapes, their labels set as the page's text is."""

from __future__ import annotations

from typing import assert_never

from handgrad.page.blocks import Figure
from handgrad.picture import Arrow, Circle, Label, Path, Rectangle, Shape
from handgrad.render.typst.pen import TypstPen
from handgrad.render.typst.source import array, string
from handgrad.render.typst.text import content


def figure(block: Figure, pen: TypstPen) -> str:
    """The drawing, no wider than the page, with its caption below."""
    drawing = block.drawing
    caption = content(block.caption, pen) if block.caption else "none"
    shapes = "".join(f"#{_shape(shape, pen)}" for shape in drawing.shapes)
    alt = string(f"{drawing.title}. {drawing.description}")
    return f"#figure-of({drawing.width:.2f}, {drawing.height:.2f}, {alt}, {caption}, [{shapes}])"


def _shape(shape: Shape, pen: TypstPen) -> str:
    match shape:
        case Circle():
            return f"disc({_numbers(shape.x, shape.y, shape.radius)}, {string(shape.role)})"
        case Rectangle():
            sizes = _numbers(
                shape.x, shape.y, shape.width, shape.height, shape.rounding, shape.strength
            )
            return f"slab({sizes}, {string(shape.role)})"
        case Path() | Arrow():
            return _stroke(shape)
        case Label():
            text = content(shape.text, pen)
            weight = "bold" if shape.bold else "regular"
            return (
                f"label-at({_numbers(shape.x, shape.y, shape.size)}, {string(shape.anchor)}, "
                f"{string(shape.role)}, {string(weight)}, {str(shape.halo).lower()}, {text})"
            )
        case _:
            assert_never(shape)


def _stroke(shape: Path | Arrow) -> str:
    points = array([f"({_numbers(x, y)})" for x, y in shape.points])
    closed = isinstance(shape, Path) and shape.closed
    flags = [shape.dashed, shape.curved, closed, isinstance(shape, Arrow)]
    said = ", ".join(str(flag).lower() for flag in flags)
    return f"stroke-through({points}, {string(shape.role)}, {shape.width:.2f}, {said})"


def _numbers(*values: float) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
