"""Formulas fitted to a width: arrays elided, sums broken over lines."""

from __future__ import annotations

from dataclasses import replace

from handgrad.formats.mathematics.nodes import (
    PRODUCT_BREAK,
    SUM_BREAK,
    Evaluated,
    Node,
    arrays,
    columns,
)
from handgrad.formats.terminal.box import Box, cut, restyled
from handgrad.formats.terminal.pen import TerminalPen

LIMITS = (16, 12, 10, 8, 7, 6, 5, 4, 3, 2)
"""Columns of an array shown, from the most to the fewest that are tried."""

WITHIN_BRACKETS = 99
"""How deep within brackets a line is broken where it must be."""

FEWEST_BEFORE_BREAKING = 4
"""An array keeps this many columns as long as the line can be broken between factors instead."""


def fitted(
    node: Node, pen: TerminalPen, width: int, style: str = "", whole: Box | None = None
) -> list[Box]:
    """A formula in lines of at most `width` columns; `whole` is what the pen draws, if it has.

    Whole if it fits; else broken at its outermost + and −; else with its arrays elided;
    else broken between factors, and within brackets; a line that nothing can break is cut.
    """
    drawn: list[Box] = []
    whole_from = 0
    for limit in LIMITS:
        if drawn and limit == FEWEST_BEFORE_BREAKING - 1:
            broken = cut(drawn[0], width, deepest=PRODUCT_BREAK)
            for box in drawn:
                broken = broken or cut(box, width, deepest=WITHIN_BRACKETS)
            if broken:
                return broken
        if drawn and limit >= whole_from:
            continue  # it would be drawn as it is
        if whole is not None and limit == pen.columns_shown:
            box = whole
        else:
            box = restyled(replace(pen, columns_shown=limit).draw(node), style)
        if box.width <= width:
            return [box]
        if not drawn:
            whole_from = _whole_from(node)
        elif box.width == drawn[-1].width:
            continue
        drawn.append(box)
        if limit >= FEWEST_BEFORE_BREAKING:
            parts = cut(box, width, deepest=SUM_BREAK)
            if parts is not None:
                return parts
    for box in drawn:
        parts = cut(box, width, deepest=WITHIN_BRACKETS)
        if parts is not None:
            return parts
    return cut(drawn[-1], width) or []


def _whole_from(node: Node) -> int:
    """How many columns must be shown so that nothing of an array is left out."""
    # Smaller arrays that stand alone are each as wide as two columns.
    each = 2 if isinstance(node, Evaluated) else 1
    return max((each * columns(array) for array in arrays(node)), default=0)
