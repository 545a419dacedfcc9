"""Charts on a page: drawn in the width of a page, and in that of a telephone."""

from __future__ import annotations

from typing import Protocol

from handgrad.page.blocks import Figure, Text
from handgrad.picture import Drawing

WIDE, NARROW = 640.0, 400.0
"""The widths, in the letters' own pixels; a telephone's screen is some 360 wide."""


class Drawn(Protocol):
    """A chart that can be drawn in any width."""

    def __call__(self, *, width: float) -> Drawing: ...


def chart(drawn: Drawn, caption: Text = ()) -> Figure:
    """The figure of a chart, which is drawn anew for a narrow screen rather than made smaller."""
    return Figure(drawn(width=WIDE), caption, narrow=drawn(width=NARROW))
