"""What stands where in a drawing, and what is wrong with it: labels that touch, or leave it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import handgrad
from handgrad.formats.style import Style
from handgrad.picture import Circle, Drawing, Label, Rectangle
from handgrad.picture.measure import Measure
from handgrad.solution.page import error_signals, losses
from handgrad.solution.pictures.lines import PicturePhase

PHASES: tuple[PicturePhase, ...] = ("given", "forward", "backward")


def style_of(trace: handgrad.Trace) -> Style:
    return Style(
        trace.decimals,
        trace.problem.display,
        error_signals(trace),
        trace.graph.cost,
        losses(trace),
    )


@dataclass(frozen=True)
class Area:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Area) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: Area) -> bool:
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


def area(shape: Label | Circle | Rectangle, measure: Measure) -> Area:
    match shape:
        case Label():
            width = measure.width(shape.text, shape.size, shape.bold)
            left = shape.x - {"start": 0.0, "middle": width / 2, "end": width}[shape.anchor]
            return Area(
                left, shape.y - 0.75 * shape.size, left + width, shape.y + 0.22 * shape.size
            )
        case Circle():
            r = shape.radius
            return Area(shape.x - r, shape.y - r, shape.x + r, shape.y + r)
        case Rectangle():
            return Area(shape.x, shape.y, shape.x + shape.width, shape.y + shape.height)


def faults(drawing: Drawing, measure: Measure) -> list[str]:
    """Labels on one another, labels across the edge of a unit, units that touch, what sticks out."""
    labels = [(s, area(s, measure)) for s in drawing.shapes if isinstance(s, Label)]
    faces = [(s, area(s, measure)) for s in drawing.shapes if isinstance(s, Circle | Rectangle)]
    found = [
        f"{a.text} on {b.text}" for (a, one), (b, two) in combinations(labels, 2) if one.meets(two)
    ]
    found += [
        f"{label.text} across {face.quantity}"
        for label, one in labels
        for face, two in faces
        if one.meets(two) and not one.within(two)
    ]
    found += [
        f"{a.quantity} on {b.quantity}"
        for (a, one), (b, two) in combinations(faces, 2)
        if one.meets(two)
    ]
    paper = Area(0, 0, drawing.width, drawing.height)
    return found + [f"{s} sticks out" for s, one in (*labels, *faces) if not one.within(paper)]
