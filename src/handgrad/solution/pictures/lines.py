"""What every picture is made of: lines of text, each with the quantity it shows."""

from __future__ import annotations

from typing import Literal, TypeAlias

from handgrad.picture.drawing import Role, Text
from handgrad.record import record

PicturePhase: TypeAlias = Literal["given", "forward", "backward"]
"""What a picture shows: what is given, before anything is computed, or one of the passes."""


@record
class PictureLine:
    """A line of text at a unit or in a box, and the quantity it shows."""

    text: Text
    role: Role = "ink"
    quantity: str = ""
    bold: bool = False


NARROW = 430.0
"""The width in which a picture's letters stay legible on a screen of 390 pixels."""

NOTHING = PictureLine(())
"""What is not known yet."""
