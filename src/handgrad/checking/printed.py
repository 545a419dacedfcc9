"""Figures in a book, on a slide or on a page: each judged for itself, with the right value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from handgrad.arrays import Array
from handgrad.checking.figures import Habit, WrittenEntry
from handgrad.checking.report import Diagnosis, Judged, Places, Printed, Verdict
from handgrad.checking.sheets import OneSheet
from handgrad.checking.tolerance import allowed, halves
from handgrad.checking.work import Work
from handgrad.expression import Leaf
from handgrad.running import Plan

COARSEST, FINEST = 1, 6
"""Decimals to which every number on the way may have been rounded."""


def judged_as_printed(work: Work, judged: tuple[Judged, ...]) -> tuple[Judged, ...]:
    """The verdicts on printed figures, from those that a student would get for them.

    A figure is right where it is what the exact value rounds to; right to fewer digits where it
    shows fewer than the page does; explained by early rounding where it follows from rounded
    figures; and otherwise wrong.
    """
    habit = Habit.of(f for j in judged if j.entry is not None for f in j.entry.figures.values())
    rounded = _Rounded(work)
    return tuple(_judged(work, one, habit, rounded) for one in judged)


def _judged(work: Work, one: Judged, habit: Habit, rounded: _Rounded) -> Judged:
    entry = one.entry
    if entry is None or one.verdict == "missing" or entry.shape != one.expected.shape:
        printed: Printed = "missing" if one.verdict == "missing" else "wrong"
        return replace(one, printed=printed)
    if one.convention is not None:
        entry = entry.scaled(1 / one.convention.count)
    exact = one.expected
    half = halves(entry, habit, allowed(entry, OneSheet(work), one.quantity.leaf))
    gap = np.abs(exact - entry.value)
    if (gap <= half.written).all():
        coarse = (gap > np.maximum(half.carried, habit.units(exact))).any()
        return _with(one, "fewer_digits" if coarse else "right")
    off = ~(gap <= half.written)
    places: Places = tuple(tuple(int(i) for i in at) for at in np.argwhere(off)[:64])
    if one.verdict == "right":
        text = ("it follows from the rounded figures before it, not from the exact ones",)
        return _with(one, "early_rounding", (Diagnosis("rounded_early", text, places),), places)
    early = tuple(d for d in one.diagnosis if d.rule == "rounded_early")
    decimals = None if early else rounded.decimals(one.quantity.leaf, entry, half.written)
    if decimals is not None:
        words = f"{decimals} decimal{'s' * (decimals != 1)}"
        text = (f"every number on the way was rounded to {words}",)
        early = (Diagnosis("rounded_early", text, places),)
    if early:
        return _with(one, "early_rounding", early, places)
    if one.verdict == "consistent":
        text = ("it follows from a wrong figure before it",)
        return _with(one, "wrong", (Diagnosis("follows_from_wrong", text, places),), places)
    return _with(one, "wrong", one.diagnosis, places)


def _with(
    one: Judged, printed: Printed, diagnosis: tuple[Diagnosis, ...] = (), wrong: Places = ()
) -> Judged:
    verdict: Verdict = "wrong" if printed == "wrong" else "right"
    return replace(
        one, printed=printed, verdict=verdict, diagnosis=diagnosis, wrong=wrong, trivial=False
    )


class _Rounded:
    """The run with every number rounded, for each number of decimals once."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.runs: dict[int, Mapping[Leaf, Array]] = {}

    def decimals(self, leaf: Leaf, entry: WrittenEntry, half: Array) -> int | None:
        """The decimals that explain the figures, if rounding every number to so many does."""
        for count in range(FINEST, COARSEST - 1, -1):
            value = self._run(count).get(leaf)
            if value is None:
                continue
            if np.ndim(value) < entry.value.ndim:  # the same in every case
                value = np.asarray(value)[..., None]
            if (np.abs(np.asarray(value) - entry.value) <= half).all():
                return count
        return None

    def _run(self, decimals: int) -> Mapping[Leaf, Array]:
        if decimals not in self.runs:
            with np.errstate(all="ignore"):
                self.runs[decimals] = Plan(self.work.structure.graph, decimals)(self.work.givens)
        return self.runs[decimals]
