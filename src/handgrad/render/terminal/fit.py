"""Formulas fitted to a width: arrays elided, sums broken over lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from handgrad.render.terminal.box import Box, cut
from handgrad.render.terminal.pen import PRODUCT_BREAK, SUM_BREAK, TerminalPen

LIMITS = (16, 12, 10, 8, 7, 6, 5, 4, 3, 2)
"""Columns of an array shown, from the most to the fewest that are tried."""

FEWEST_BEFORE_BREAKING = 4
"""An array keeps this many columns as long as the line can be broken between factors instead."""


def fitted(draw: Callable[[TerminalPen], Box], pen: TerminalPen, width: int) -> list[Box]:
    """What `draw` draws in lines of at most `width` columns.

    Whole if it fits; else broken at its outermost + and −; else with its arrays elided;
    else broken between factors; a line that nothing can break is cut.
    """
    drawn: list[Box] = []
    whole_from: list[int] = []
    for limit in LIMITS:
        if drawn and limit == FEWEST_BEFORE_BREAKING - 1:
            parts = cut(drawn[0], width, deepest=PRODUCT_BREAK)
            if parts is not None:
                return parts
        if drawn and limit >= max(whole_from, default=0):
            continue  # it would be drawn as it is
        box = draw(replace(pen, columns_shown=limit, whole_from=whole_from))
        if box.width <= width:
            return [box]
        if drawn and box.width == drawn[-1].width:
            continue
        drawn.append(box)
        if limit >= FEWEST_BEFORE_BREAKING:
            parts = cut(box, width, deepest=SUM_BREAK)
            if parts is not None:
                return parts
    for box in drawn:
        parts = cut(box, width, deepest=99)
        if parts is not None:
            return parts
    return cut(drawn[-1], width) or []
