"""How far figures may be from a number that they round: by their digits, and by floats' own rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking.figures import Habit, Habits, ManyEntries, WrittenEntry
from handgrad.checking.sheets import Sheets
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

TELLING = 0.05
"""Half a unit of a figure's last digit, as a share of it, at most, for the figure to tell what it came of: one of two
digits or more. 1 is the rounded form of many a number, and 0 of more."""

LOST = 1e-12
"""What share of the largest of its array another program's floats may lose of a number on the way to it: of
PyTorch's slope of gelu at −9, Φ(−9) as 0.5·(1 + erf) is."""


def allowed(entry: WrittenEntry | ManyEntries, sheets: Sheets, leaf: Leaf) -> Array:
    """By figure, how far off it may be whatever its digits: floats' own rounding, where that has a part in it.

    A number far below the largest that floats have as exactly as any other, such as e⁻¹⁴⁸, is held to its own
    size; a program's is where it is more than floats may lose beside the largest.
    """
    exact = sheets.exact[leaf]
    sizes = np.abs(exact)
    largest = sheets.largest(exact)
    floor = entry.floor * largest + ROUNDING
    allowed = np.broadcast_to(floor, entry.value.shape)
    if sheets.entries(exact) != sheets.entries(entry.value):
        return allowed
    tiny = (sizes > 0) & (sizes <= np.maximum(floor, SMALL * largest))
    tiny = tiny & (np.nan_to_num(entry.value) != 0)
    if entry.strict:
        tiny = tiny & (sizes > LOST * largest)
    if tiny.any():
        allowed = np.where(sheets.sure(leaf, tiny), TINY * sizes, allowed)
    return allowed


def halves(entry: WrittenEntry | ManyEntries, habit: Habit | Habits, floor: Array) -> Halves:
    """The halves of an entry's figures, which may be off by the floor whatever their digits."""
    claims = entry.claims
    usual = np.minimum(claims.wide, habit.units(claims.shown))
    written = np.where(claims.capped, usual, entry.half)
    carried = np.where(claims.kept, entry.half, usual)
    return Halves(written * entry.factor * (1 + 1e-9) + floor, carried * entry.factor + floor)


def tells(entry: WrittenEntry | ManyEntries) -> Mask:
    """By figure, whether it has the digits to tell what it came of."""
    found: Mask = entry.half * entry.factor <= TELLING * np.abs(entry.value)
    return found


def held(value: Array, half: Array, largest: Array) -> Array:
    """The halves of figures that tell nothing, for what explains them: it gives them to two digits.

    A 0 it gives beside numbers of which the `largest` is the largest in size.
    """
    return np.minimum(half, TELLING * np.where(value == 0, largest, np.abs(value)))
