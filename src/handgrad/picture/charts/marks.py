"""The marks by which lines are told apart without their colours."""

from __future__ import annotations

from typing import TypeAlias

from handgrad.picture.drawing import Circle, Outline, Rectangle, Role, Shape

ROLES: tuple[Role, ...] = ("series1", "series2", "series3", "series4", "series5", "series6")

Point: TypeAlias = tuple[float, float]


def mark(number: int, x: float, y: float, size: float = 4.0) -> list[Shape]:
    """The mark of a series: a circle, a square, a triangle, a diamond, a triangle on its tip, a ring."""
    role, s = ROLES[number % len(ROLES)], size
    corners: tuple[Point, ...]
    match number % len(ROLES):
        case 0:
            return [Circle(x, y, s, role)]
        case 1:
            return [Rectangle(x - s, y - s, 2 * s, 2 * s, role)]
        case 2:
            corners = ((x - s, y + s), (x + s, y + s), (x, y - s))
        case 3:
            corners = ((x - s, y), (x, y - s), (x + s, y), (x, y + s))
        case 4:
            corners = ((x - s, y - s), (x + s, y - s), (x, y + s))
        case _:
            return [Circle(x, y, s, role), Circle(x, y, s / 2, "surface")]
    return [Outline(corners, role, 1.0, closed=True)]
