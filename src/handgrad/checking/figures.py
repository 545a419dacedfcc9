"""Figures as they were written: the number, and how many digits it claims.

`0.420` claims three decimals: any number from 0.4195 to 0.4205 may have been rounded to it. A
fraction claims to be exact. Trailing zeros are often left out, so a figure with fewer digits than
its neighbours may well have as many; what the others have is the sheet's `Habit`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import ceil
from sys import float_info
from typing import Any

import numpy as np
import numpy.typing as npt

from handgrad.arrays import Array, Mask

EXACT = 1e-9
"""How close, relative to the largest of its array, a figure that claims to be exact must come."""

SINGLE = 2e-5
"""The same for an array computed in single precision."""

SOME = 0.25
"""The share of a sheet's figures that tell how many digits it has where the others have fewer."""

CLEARLY = 0.1
"""By this share of a sheet's figures one habit must be more common than another to stand alone."""

MANY = 6
"""Digits that a whole number has for it to be taken as rounded, 3679099.38 to 3679099, whatever the habit."""

TEXTS = 20_000
"""Arrays of more numbers than this are taken at full precision, not figure by figure."""

_DECIMAL = re.compile(r"[+-]?(\d{0,300})(?:\.(\d{0,300}))?(?:[eE]([+-]?\d{1,4}))?")
_FRACTION = re.compile(r"([+-]?\d{1,300})\s*/\s*(\d{1,300})")
_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
_BLANKS = frozenset(
    ("", "?", "??", "_", "__", "…", "...", ".", "-", "none", "null", "blank", "todo")
)


@dataclass(frozen=True, slots=True)
class WrittenFigure:
    """One figure: its value, half a unit of its last digit, and how it was written.

    `decimals` and `digits` count what stands after the point and the significant ones, both 0
    for a fraction; `whole` says that there is no point.
    """

    value: float
    half: float
    text: str
    decimals: int = 0
    digits: int = 0
    whole: bool = False

    @property
    def claim(self) -> tuple[float, float, bool, bool]:
        """What it claims of its last digit; see `Claims`."""
        if self.value == 0:
            return self.value, self.half, True, False
        if not self.whole:
            return self.value, self.half, False, False
        text = self.text.strip().lower().partition("e")[0].rstrip(".")
        zeros = len(text) - len(text.rstrip("0"))
        short = len(text.lstrip("-0")) < MANY
        return self.value, self.half * 10.0**zeros, short, not short


@dataclass(frozen=True, slots=True, eq=False)
class Claims:
    """What figures claim of their last digits, by entry.

    Arguments:
        shown: the number as it stands there.
        wide: half a unit of the last digit that tells: of 3000, half a thousand.
        capped: whether it claims no less than the sheet's habit has: 0 and 3 may have been rounded from more digits.
        kept: whether it was carried as it was written: an array at full precision, or a long whole number.
    """

    shown: Array
    wide: Array
    capped: Mask
    kept: Mask


def claims_of(figures: Mapping[tuple[int, ...], WrittenFigure], shape: tuple[int, ...]) -> Claims:
    """The claims of an array's figures."""
    claims = Claims(
        np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool), np.ones(shape, dtype=bool)
    )
    for at, figure in figures.items():
        claims.shown[at], claims.wide[at], claims.capped[at], claims.kept[at] = figure.claim
    return claims


def is_blank(text: str) -> bool:
    """Whether a cell was left empty."""
    return text.strip().lower() in _BLANKS


def read_figure(text: str) -> WrittenFigure | None:
    """The figure that a text writes, or None: `0.42`, `-2`, `1/3`, `−0.17`, `0,42`, `1.2e-3`."""
    plain = text.strip().replace("−", "-").replace("–", "-").replace("\u00a0", "").lstrip("≈~= ")
    if _COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    fraction = _FRACTION.fullmatch(plain)
    if fraction is not None:
        if not int(fraction[2]):
            return None
        return WrittenFigure(float(Fraction(int(fraction[1]), int(fraction[2]))), 0.0, text)
    found = _DECIMAL.fullmatch(plain)
    if found is None or not (found[1] or found[2]):
        return None
    value = float(plain)
    if not np.isfinite(value):
        return None
    decimals, exponent = len(found[2] or ""), int(found[3] or 0)
    digits = len(((found[1] or "") + (found[2] or "")).lstrip("0"))
    if exponent - decimals > float_info.max_10_exp:
        return None  # 0e584 is 0, to no digit that could be told
    half = 0.5 * 10.0 ** (exponent - decimals)
    return WrittenFigure(value, half, text, decimals - exponent, digits, not found[2])


@dataclass(frozen=True, slots=True)
class Habit:
    """How many decimals, or how many significant digits, most figures of a sheet have.

    Where one of the two is much the more common, the other is None. A 0 has no significant digits:
    it is held to the decimals that are the most common in any case, `of_zero`.
    """

    decimals: int | None = 4
    digits: int | None = 4
    of_zero: int = 4

    @classmethod
    def of(cls, figures: Iterable[WrittenFigure]) -> Habit:
        """The habit that figures with a point and a nonzero value show: what most have, or the most that some have.

        Who rounds to four decimals writes no more, and fewer where a number is short or its zeros were dropped.
        """
        counted = [f for f in figures if f.value and not f.whole and f.digits]
        if not counted:
            return cls()
        decimals, some = _commonest(f.decimals for f in counted)
        digits, others = _commonest(f.digits for f in counted)
        margin = CLEARLY * len(counted)
        decimals = max(decimals, _most_of_some(f.decimals for f in counted))
        digits = max(digits, _most_of_some(f.digits for f in counted))
        return cls(
            None if others > some + margin else decimals,
            None if some > others + margin else digits,
            decimals,
        )

    @property
    def most(self) -> int:
        """The digits or decimals, whichever are more."""
        return max(self.decimals or 0, self.digits or 0)

    def unit(self, value: float) -> float:
        """Half a unit of the last digit that a figure of this size would have by habit."""
        return float(self.units(np.asarray(value, dtype=float)))

    def units(self, values: Array) -> Array:
        """The same for each entry of an array; 0 for what is not finite."""
        return _units(values, self.decimals, self.digits, self.of_zero)

    @property
    def alone(self) -> tuple[Habit, ...]:
        """The habit, or where figures do not tell which of two it is, each of them."""
        if self.decimals is None or self.digits is None:
            return (self,)
        return replace(self, digits=None), replace(self, decimals=None)

    def only(self, which: npt.NDArray[np.intp]) -> Habit:
        """That of some sheets, here of the only one."""
        return self

    def sheet(self, which: int) -> Habit:
        """That of one sheet, here of the only one."""
        return self


class Habits:
    """The habits of many sheets, which lie along the last axis of every array."""

    def __init__(self, each: Sequence[Habit]) -> None:
        self.each = tuple(each)
        none = float("nan")
        decimals = [none if h.decimals is None else h.decimals for h in each]
        digits = [none if h.digits is None else h.digits for h in each]
        self.decimals, self.digits = np.array(decimals, float), np.array(digits, float)
        self.of_zero = np.array([h.of_zero for h in each], float)

    def units(self, values: Array) -> Array:
        """By entry, half a unit of the last digit that a number of this size has by its sheet's habit."""
        return _units(values, self.decimals, self.digits, self.of_zero)

    @cached_property
    def alone(self) -> tuple[Habits, ...]:
        """By sheet, its habit or each of two; a sheet with one has it in both."""
        return tuple(Habits([h.alone[way % len(h.alone)] for h in self.each]) for way in (0, 1))

    def only(self, which: npt.NDArray[np.intp]) -> Habits:
        """Those of some of the sheets, by their numbers."""
        return Habits([self.each[k] for k in which])

    def sheet(self, which: int) -> Habit:
        """That of one of the sheets."""
        return self.each[which]


def _units(
    values: Array, decimals: Array | int | None, digits: Array | int | None, of_zero: Array | int
) -> Array:
    """By number, half a unit of its last digit by a habit; what a habit lacks is None or NaN."""
    sizes = np.abs(values)
    units = np.zeros(np.shape(values))
    ten = np.float64(10.0)
    if decimals is not None:
        units = np.fmax(units, 0.5 * ten ** -np.asarray(decimals, float))
    if digits is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            places = np.floor(np.log10(sizes)) - digits + 1
            units = np.fmax(units, 0.5 * ten**places)
    units = np.where(sizes == 0, 0.5 * ten ** -np.asarray(of_zero, float), units)
    return np.where(np.isfinite(sizes), units, 0.0)


def _most_of_some(numbers: Iterable[int]) -> int:
    """The largest that `SOME` of them reach."""
    ordered = sorted(numbers, reverse=True)
    return ordered[ceil(SOME * len(ordered)) - 1]


def _commonest(numbers: Iterable[int]) -> tuple[int, int]:
    """The number met most often, and how often."""
    counts = Counter(numbers)
    return max(counts.items(), key=lambda pair: (pair[1], pair[0]))


@dataclass(frozen=True, slots=True, eq=False)
class WrittenEntry:
    """The figures entered for one quantity, as an array; NaN where a cell has none.

    Arguments:
        half: half a unit of each figure's last digit, as it was written.
        figures: each figure by its place; empty for an array taken at full precision.
        faults: by place, the text of a cell that holds no number.
        floor: how close an exact figure must come, relative to the array's largest.
        factor: what the figures were multiplied by after they were written; `value` has it, `half` not.
        strict: whether its shape is that of a program's array, which says which axis is which.
    """

    value: Array
    half: Array
    figures: dict[tuple[int, ...], WrittenFigure]
    faults: dict[tuple[int, ...], str]
    floor: float = EXACT
    factor: float = 1.0
    strict: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def is_empty(self) -> bool:
        """Whether no cell holds a number."""
        return bool(np.isnan(self.value).all())

    @property
    def claims(self) -> Claims:
        """What the figures claim of their last digits."""
        return claims_of(self.figures, self.shape)

    def sheet(self, which: int) -> WrittenEntry:
        """What one sheet has, here the only one."""
        return self

    def only(self, which: npt.NDArray[np.intp]) -> WrittenEntry:
        """What some sheets have, here the only one."""
        return self

    def reshaped(self, shape: tuple[int, ...]) -> WrittenEntry:
        """The same figures in another shape with as many places."""
        places = np.arange(self.value.size).reshape(self.value.shape)
        new = {int(p): i for i, p in np.ndenumerate(places.reshape(shape))}

        def moved(at: tuple[int, ...]) -> tuple[int, ...]:
            return new[int(places[at])]

        return WrittenEntry(
            self.value.reshape(shape),
            self.half.reshape(shape),
            {moved(k): f for k, f in self.figures.items()},
            {moved(k): t for k, t in self.faults.items()},
            self.floor,
            strict=self.strict,
        )

    def cases_last(self) -> WrittenEntry:
        """The same figures with their first axis, which counts cases, put last."""
        return WrittenEntry(
            np.moveaxis(self.value, 0, -1),
            np.moveaxis(self.half, 0, -1),
            {(*k[1:], k[0]): f for k, f in self.figures.items()},
            {(*k[1:], k[0]): t for k, t in self.faults.items()},
            self.floor,
            strict=self.strict,
        )

    def by_case(self) -> list[WrittenEntry]:
        """The figures of each case; cases lie along the last axis."""
        count = self.value.shape[-1]
        figures: list[dict[tuple[int, ...], WrittenFigure]] = [{} for _ in range(count)]
        faults: list[dict[tuple[int, ...], str]] = [{} for _ in range(count)]
        for at, figure in self.figures.items():
            figures[at[-1]][at[:-1]] = figure
        for at, text in self.faults.items():
            faults[at[-1]][at[:-1]] = text
        return [
            replace(
                self,
                value=self.value[..., k],
                half=self.half[..., k],
                figures=figures[k],
                faults=faults[k],
            )
            for k in range(count)
        ]

    def scaled(self, factor: float) -> WrittenEntry:
        """The figures times a factor; they claim the digits that they were written with."""
        return replace(self, value=self.value * factor, factor=self.factor * factor)


@dataclass(frozen=True, slots=True, eq=False)
class ManyEntries:
    """The figures that many students entered for one quantity; the students lie along the last axis.

    Arguments:
        texts: by student, the cells as they were written, in order.
        floor, factor, strict: as those of a `WrittenEntry`.
    """

    value: Array
    half: Array
    claims: Claims
    texts: Sequence[Sequence[str]]
    floor: float = EXACT
    factor: float = 1.0
    strict: bool = False

    def sheet(self, which: int) -> WrittenEntry:
        """What one student entered."""
        return from_cells(self.texts[which], self.value.shape[:-1])

    def only(self, which: npt.NDArray[np.intp]) -> ManyEntries:
        """What some students entered, by their numbers."""
        claims = self.claims
        return ManyEntries(
            self.value[..., which],
            self.half[..., which],
            Claims(
                claims.shown[..., which],
                claims.wide[..., which],
                claims.capped[..., which],
                claims.kept[..., which],
            ),
            [self.texts[k] for k in which],
        )


def from_array(array: Array) -> WrittenEntry:
    """An array of numbers, each taken with the digits that it prints with."""
    single = array.dtype.itemsize <= 4 and array.dtype.kind == "f"
    floor = SINGLE if single else EXACT
    value = array.astype(float)
    value = np.where(np.isfinite(value), value, np.nan)
    if value.size > TEXTS or single:
        return WrittenEntry(value, np.zeros(value.shape), {}, _not_finite(array), floor)
    return _from_cells(array, {i: _cell(x) for i, x in np.ndenumerate(array)}, floor)


def _not_finite(array: Array) -> dict[tuple[int, ...], str]:
    bad = np.argwhere(~np.isfinite(array.astype(float)))[:64]
    return {tuple(int(k) for k in at): str(array[tuple(at)]) for at in bad}


def _cell(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)


def from_cells(cells: Any, shape: tuple[int, ...]) -> WrittenEntry:
    """Cells of text, flat and in order, as an array of a shape."""
    array = np.empty(shape)
    return _from_cells(array, dict(zip(np.ndindex(shape), cells, strict=True)), EXACT)


def _from_cells(like: Array, cells: dict[tuple[int, ...], str], floor: float) -> WrittenEntry:
    value, half = np.full(like.shape, np.nan), np.zeros(like.shape)
    figures: dict[tuple[int, ...], WrittenFigure] = {}
    faults: dict[tuple[int, ...], str] = {}
    known: dict[str, WrittenFigure | None] = {}
    for at, text in cells.items():
        if text not in known:
            known[text] = read_figure(text)
        figure = known[text]
        if figure is None:
            if not is_blank(text):
                faults[at] = text
            continue
        value[at], half[at] = figure.value, figure.half
        figures[at] = figure
    return WrittenEntry(value, half, figures, faults, floor)
