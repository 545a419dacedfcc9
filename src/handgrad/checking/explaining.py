"""A wrong quantity as it is looked at, and the explanations that are found of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking.figures import Habit, Habits, ManyEntries, WrittenEntry
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.quantities import Quantity
from handgrad.checking.report import Diagnosis, Places
from handgrad.checking.sheets import SheetNumbers, Sheets
from handgrad.checking.tolerance import tells
from handgrad.checking.words import MISTAKES
from handgrad.checking.worlds import World
from handgrad.expression import Leaf

NAMED = 3
"""Explanations that are given, at most."""

NEAR = 0.02
"""Figures off by more than this share are no rounded form of what a mistake gives."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A wrong quantity, and the numbers that its figures may have been computed from.

    Arguments:
        which: the sheets on which it is wrong, by their numbers.
        bases: numbers by leaf, those of the student's own world first and the exact ones last.
    """

    which: SheetNumbers
    quantity: Quantity
    entry: WrittenEntry | ManyEntries
    half: Array
    wrong: Mask
    bases: tuple[Mapping[Leaf, Array], ...]
    own: World
    habit: Habit | Habits

    @property
    def sheets(self) -> Sheets:
        return self.own.sheets

    @property
    def value(self) -> Array:
        return self.entry.value

    @property
    def in_cases(self) -> bool:
        """Whether there are figures for each case."""
        quantity = self.quantity
        return quantity.batched and len(self.sheets.entries(self.value)) > len(quantity.shape)

    @property
    def given(self) -> Mask:
        return ~np.isnan(self.value)

    def telling_only(self) -> Seen | None:
        """The same on the sheets of which a wrong figure has the digits to tell what it came of, if there are any."""
        told = np.flatnonzero(np.atleast_1d(self.sheets.any(self.wrong & tells(self.entry))))
        return self.only(told) if len(told) else None

    def only(self, which: SheetNumbers) -> Seen:
        """The same on some of the sheets, by their numbers here."""
        sheets = self.sheets
        if len(which) == len(self.which):
            return self
        own = self.own.only(which)
        others = [{n: sheets.part(v, which) for n, v in base.items()} for base in self.bases[1:]]
        return Seen(
            self.which[which],
            self.quantity,
            self.entry.only(which),
            sheets.part(self.half, which),
            sheets.part(self.wrong, which),
            (own.values, *others),
            own,
            self.habit.only(which),
        )

    def on(self, at: int) -> Mask:
        """By sheet, whether it is this one."""
        return self.of_each(np.arange(len(self.which)) == at)

    def of_each(self, truths: Mask) -> Mask:
        """Truths of the sheets in order, as masks of sheets are."""
        return self.sheets.mask(truths)

    def entries(self, at: int) -> Places:
        """The entries that are wrong on a sheet."""
        wrong = np.argwhere(self.sheets.one(self.wrong, at))
        return tuple(tuple(int(i) for i in place) for place in wrong[:64])

    def fits(self, array: Array) -> Mask:
        """By sheet, whether an array rounds to the figures."""
        sheets = self.sheets
        if sheets.entries(array) != sheets.entries(self.value):
            return sheets.none
        return sheets.all((np.abs(array - self.value) <= self.half) | ~self.given)

    def is_near(self, array: Array) -> Mask:
        """By sheet, whether other roundings on the way may lead from an array to the figures."""
        sheets = self.sheets
        if sheets.entries(array) != sheets.entries(self.value):
            return sheets.none
        size = np.maximum(np.abs(array), np.abs(self.value))
        gap = np.abs(array - self.value)
        return sheets.all((gap <= 20 * self.half + NEAR * size) | ~self.given)

    def may_fit(self, formula: CompiledFormula, array: Array, asked: Mask) -> Mask:
        """By sheet that is asked of, whether a formula leads to the figures from the numbers that they were
        rounded from."""
        near = asked & self.is_near(array)
        if not self.sheets.some(near):
            return near
        led = self.own.leads_to(formula, self.value, self.half)
        return near & self.sheets.all(led | ~self.given)


@dataclass(frozen=True, slots=True)
class Found:
    """An explanation that fits on some sheets.

    Arguments:
        rule: its id, as of a `Diagnosis`.
        score: what puts explanations in order, the best first.
        where: by sheet, whether it fits.
        told: the explanation on a sheet, by its number among those looked at.
    """

    rule: str
    score: tuple[int, ...]
    where: Mask
    told: Callable[[int], Diagnosis]


Scored = tuple[tuple[int, ...], Diagnosis]


class Explaining:
    """The explanations of a quantity on the sheets where it is wrong.

    Arguments:
        which: those sheets, by their numbers.
    """

    def __init__(self, which: SheetNumbers) -> None:
        self.which = which
        self._found: dict[int, list[tuple[Found, int]]] = {int(k): [] for k in which}

    def add(self, seen: Seen, found: Iterable[Found]) -> None:
        """Adds what was found on some of the sheets."""
        for each in found:
            for at in np.flatnonzero(np.broadcast_to(each.where, seen.which.shape)):
                self._found[int(seen.which[at])].append((each, int(at)))

    def open(self, seen: Seen) -> Seen | None:
        """The sheets of these for which nothing was found yet."""
        left = np.flatnonzero([not self._found[int(k)] for k in seen.which])
        return seen.only(left) if len(left) else None

    def all_of(self, sheet: int) -> tuple[Diagnosis, ...]:
        """The explanations of a sheet, best first: each rule once, and none that a more precise one has said."""
        unique: dict[str, tuple[Found, int]] = {}
        for each, at in sorted(self._found[sheet], key=lambda pair: pair[0].score):
            if unique.keys().isdisjoint(SAID_BY.get(each.rule, ())):
                unique.setdefault(each.rule, (each, at))
        return tuple([each.told(at) for each, at in list(unique.values())[:NAMED]])


SAID_BY: Mapping[str, frozenset[str]] = {
    "factor_left_out": frozenset(
        {"gate_forgotten", "slope_forgotten", "term_left_out", "tie_decided", "open_at_zero"}
    ),
    "result_transposed": frozenset({"outer_transposed", "transposed", "transpose_forgotten"}),
    "path_left_out": frozenset({"penalty_left_out"}),
    "factor_two": frozenset({"inner_factor_forgotten", "penalty_half"}),
    "factor_half": frozenset({"inner_factor_forgotten", "penalty_two"}),
    "last_digit": frozenset({"cut"}),
    "digit_slip": frozenset({"cut"}),
    # The same figures, and the same advice in other words.
    "sign_within": frozenset({"sign_lost", "target_minus_prediction", "update_sign"}),
    "sign_lost": frozenset({"target_minus_prediction", "update_sign"}),
    "difference_reversed": frozenset({"target_minus_prediction", "sign_lost"}),
    # The wrong number is taken from somewhere: true of most mistakes.
    "another_taken": frozenset(MISTAKES) - {"another_taken"},
}
"""By general rule, those that say the same more precisely."""
