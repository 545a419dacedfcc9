"""A drawing: a closed set of shapes in the plane, each with a role rather than a colour.

Lengths are in CSS pixels, x to the right and y down. A renderer gives every role its colour
and its pattern, in light and in dark; nothing is said by colour alone. Text in a drawing is
made of the same inline pieces as text on a page, so a label may be a formula.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from handgrad.expression import Expression
from handgrad.record import record

Text: TypeAlias = tuple[str | Expression, ...]

Role: TypeAlias = Literal[
    "ink",  # text and outlines
    "faint",  # what stays in the background: grids, axes, units left out
    "surface",  # the face of a unit or a box
    "value",  # a forward value
    "gradient",  # what flows back
    "on",  # an open gate
    "off",  # a shut gate, or what it silences
    "series1",
    "series2",
    "series3",
    "series4",
    "series5",
    "series6",
]
"""What a shape stands for."""


@record
class Circle:
    """A circle around (x, y). `quantity` is the name it shows, for what points at it elsewhere."""

    x: float
    y: float
    radius: float
    role: Role = "surface"
    quantity: str = ""


@record
class Rectangle:
    """A rectangle from its upper left corner; `strength` from 0 to 1 is how strongly it is filled."""

    x: float
    y: float
    width: float
    height: float
    role: Role = "surface"
    rounding: float = 0.0
    strength: float = 1.0
    quantity: str = ""


@record
class Outline:
    """A line through points; `curved` smooths it, `closed` fills it."""

    points: tuple[tuple[float, float], ...]
    role: Role = "ink"
    width: float = 1.5
    dashed: bool = False
    curved: bool = False
    closed: bool = False
    quantity: str = ""


@record
class Arrow:
    """An arrow through points, its head at the last."""

    points: tuple[tuple[float, float], ...]
    role: Role = "ink"
    width: float = 1.5
    dashed: bool = False
    curved: bool = False
    quantity: str = ""


@record
class Label:
    """Text at (x, y), the baseline of its line; `size` is the height of its letters.

    With a `halo` it stands clear of the lines that run behind it.
    """

    x: float
    y: float
    text: Text
    role: Role = "ink"
    anchor: Literal["start", "middle", "end"] = "middle"
    size: float = 14.0
    bold: bool = False
    quantity: str = ""
    halo: bool = False


Shape: TypeAlias = Circle | Rectangle | Outline | Arrow | Label


@record
class Names:
    """A line of names in characters, each with the column at which it begins; a text may stand `after` them, at another."""

    names: tuple[tuple[int, Expression], ...]
    after: tuple[int, str] = (0, "")


@record
class Drawing:
    """Shapes in drawing order, the last on top.

    `title` names the drawing and `description` says in sentences what it shows, for whoever
    cannot see it. `compact` is the gist of it in lines of characters, for a terminal.
    """

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str
    description: str
    compact: tuple[str | Names, ...] = ()
