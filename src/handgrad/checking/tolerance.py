"""How far figures may be from a number that they round: by their digits, and by floats' own rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array
from handgrad.checking.figures import EXACT, Habit, WrittenEntry
from handgrad.checking.work import Work
from handgrad.expression import Leaf


@dataclass(frozen=True, slots=True)
class Halves:
    """Half a unit of the last digit of each figure: as it was written, and as it will have been carried.

    Trailing zeros are often not written, so a number that was carried had at least the digits that
    the sheet's figures have by habit.
    """

    written: Array
    carried: Array


ROUNDING = 1e-15
"""What rounding may leave of 0, or of numbers of the size of 1 that cancel."""

TINY = 1e-6
"""How close, relative to itself, a figure must come to a number that is small beside its array's largest."""

SMALL = 1e-6
"""A number is small that is no more than this share of the largest, such as a score beside a mask's −10⁹."""

MANY = 6
"""Digits that a whole number has for it to be taken as rounded, 3679099.38 to 3679099, whatever the habit."""


def allowed(entry: WrittenEntry, work: Work, leaf: Leaf) -> Array:
    """By figure, how far off it may be whatever its digits: floats' own rounding, where that has a part in it.

    A number far below the largest that floats have as exactly as any other, such as e⁻¹⁴⁸, is held to its own
    size.
    """
    exact = work.exact[leaf]
    sizes = np.abs(exact)
    largest = float(np.max(sizes[np.isfinite(sizes)], initial=0.0))
    floor = entry.floor * largest + ROUNDING
    allowed = np.full(entry.value.shape, floor)
    if exact.shape != entry.value.shape:
        return allowed
    tiny = (sizes > 0) & (sizes <= max(floor, SMALL * largest))
    tiny &= np.nan_to_num(entry.value) != 0
    if tiny.any():
        floats = np.broadcast_to(work.floats[leaf], exact.shape)
        sure = tiny & (np.abs(floats - exact) <= EXACT / 10 * sizes)
        allowed[sure] = TINY * sizes[sure]
    return allowed


def halves(entry: WrittenEntry, habit: Habit, floor: Array) -> Halves:
    """The halves of an entry's figures, which may be off by the floor whatever their digits."""
    written = entry.half.copy()
    carried = entry.half.copy()
    for at, figure in entry.figures.items():
        unit = habit.unit(figure.value)
        if figure.value == 0:
            written[at] = carried[at] = min(figure.half, unit)
        elif figure.whole:
            text = figure.text.strip().lower().partition("e")[0].rstrip(".")
            zeros = len(text) - len(text.rstrip("0"))
            if len(text.lstrip("-0")) < MANY:
                written[at] = min(figure.half * 10.0**zeros, unit) if figure.half else 0.0
            carried[at] = written[at]
        else:
            carried[at] = min(figure.half, unit)
    return Halves(written * entry.factor * (1 + 1e-9) + floor, carried * entry.factor + floor)
