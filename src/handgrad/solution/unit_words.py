"""What a unit is called: its pre-activation's entry, or a row, a column or a channel of it."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.expression import Expression
from handgrad.text import Text


def unit_name(
    pre: Expression,
    unit: tuple[int, ...],
    *,
    axes: Sequence[int],
    shape: Sequence[int],
    matrix: bool,
) -> Text:
    """A unit of a layer in words, counted from 1.

    Arguments:
        pre: the layer's pre-activation.
        unit: its place among the units, counted from 0.
        axes: the axes of the pre-activation's `shape` along which the units lie.
        shape: that of the layer's pre-activation.
        matrix: whether a matrix of pre-activations has rows and columns, and no channels.
    """
    if len(unit) == len(shape):
        return (pre.entry(unit),)
    if all(shape[axis] == 1 for axis in axes):
        return (pre,)
    if len(axes) == 1:
        noun = ("row", "column")[axes[0]] if len(shape) == 2 and matrix else "channel"
        return (f"{noun} {unit[0] + 1} of ", pre)
    places = iter(unit)
    at = [str(next(places) + 1) if a in axes else "·" for a in range(len(shape))]
    return (f"({', '.join(at)}) of ", pre)
