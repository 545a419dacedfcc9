"""Slips of the pen: the rule was right, and the figure was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isclose

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking.figures import Habit, WrittenEntry, WrittenFigure
from handgrad.checking.report import Places
from handgrad.checking.tolerance import tells

SHIFTS = (-1, 1, -2, 2, -3, 3)
"""Places by which a decimal point is looked for."""

DIGITS = 5
"""A figure of fewer units than this has no digits to know again elsewhere."""

MOST_DIGITS = 10
"""Figures of more digits come from a machine, which makes no slips of the pen."""

APART = 16
"""Wrong entries that are looked at one by one, at most."""

OF_ONE = ("sign_lost", "decimal_point")
"""The slips that are looked for in an entry alone."""

SEARCHED = 4096
"""Arrays of more entries are not searched for entries that were swapped."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A slip: its rule, the entries it is in, and what was written for what."""

    rule: str
    entries: Places
    written: str = ""
    meant: str = ""


def found(
    entry: WrittenEntry, half: Array, wrong: Mask, reference: Array, habit: Habit
) -> Iterator[Slip]:
    """The slips that lead from `reference` to the figures entered, the likelier first."""
    if reference.shape != entry.value.shape or not np.isfinite(reference).all():
        return
    value = entry.value
    places = tuple(tuple(int(i) for i in at) for at in np.argwhere(wrong)[:64])
    units = habit.units(reference) if entry.figures else half
    half = np.minimum(half, units)
    # The unit of a figure of one digit is no room: 1 is no −0.4 with another sign.
    slack = half + units if tells(entry)[wrong].any() else 2 * half
    opposite = (np.abs(value + reference) <= slack) & (np.sign(value) == -np.sign(reference))
    if opposite[wrong].all():
        yield Slip("sign_lost", places)
    if _cut(entry, reference, places):
        yield Slip("cut", places)
    if _swapped(value, reference, slack, wrong):
        yield Slip("entries_swapped", places)
    for shift in SHIFTS if (np.abs(reference) >= DIGITS * units)[wrong].all() else ():
        with np.errstate(over="ignore", invalid="ignore"):
            moved = reference * 10.0**shift
            # Rounded before or after the point was set, but not twice.
            near = np.abs(value - moved) <= np.maximum(half, units * 10.0**shift) * (1 + 1e-6)
        near &= np.sign(value) == np.sign(moved)
        if near[wrong].all():
            yield Slip("decimal_point", places)
    if len(places) > 1 and _last_digits(entry, reference, places):
        yield Slip("last_digit", places)
    if len(places) == 1:
        (at,) = places
        slip = _digits(entry.figures.get(at), float(reference[at]), float(units[at]))
        if slip is not None:
            yield Slip(slip[0], places, slip[1], slip[2])


def apart(
    entry: WrittenEntry, half: Array, places: Places, references: Sequence[Array], habit: Habit
) -> Slip | None:
    """The slip that is in most of some wrong entries, each looked at alone; None where it is in none, or in all.

    Only such as no other mistake looks like: a digit may be wrong by chance.
    """
    if not 1 < len(places) <= APART:
        return None
    by_rule: dict[str, list[tuple[int, ...]]] = {}
    for at in places:
        alone = np.zeros(entry.value.shape, dtype=bool)
        alone[at] = True
        every = (slip for r in references for slip in found(entry, half, alone, r, habit))
        rule = next((slip.rule for slip in every if slip.rule in OF_ONE), None)
        if rule is not None:
            by_rule.setdefault(rule, []).append(at)
    if not by_rule:
        return None
    rule, entries = max(by_rule.items(), key=lambda pair: len(pair[1]))
    return Slip(rule, tuple(entries)) if len(entries) < len(places) else None


def _are_opposite(one: float, other: float) -> bool:
    """Whether two numbers have opposite signs; their product may be too small for a float."""
    return one < 0 < other or other < 0 < one


def _cut(entry: WrittenEntry, reference: Array, places: Places) -> bool:
    """Whether the wrong figures are those that are left where further digits are cut off."""
    for at in places:
        figure, exact = entry.figures.get(at), float(reference[at])
        if figure is None or not 0 < figure.decimals <= MOST_DIGITS:
            return False
        scale = 10.0**figure.decimals
        cut, rounded = np.floor(abs(exact) * scale + np.array([1e-9, 0.5])) / scale
        if (
            cut == rounded
            or abs(abs(figure.value) - cut) > 1e-3 / scale
            or _are_opposite(figure.value, exact)
        ):
            return False
    return bool(places)


def _last_digits(entry: WrittenEntry, reference: Array, places: Places) -> bool:
    """Whether each wrong figure is off by one in its last digit."""
    for at in places:
        figure = entry.figures.get(at)
        if figure is None or figure.digits < 2 or figure.digits > MOST_DIGITS:
            return False
        # A figure rounded right is off by half a unit at most.
        if abs(figure.value - float(reference[at])) > 3 * figure.half * (1 + 1e-6):
            return False
    return True


def _swapped(value: Array, reference: Array, slack: Array, wrong: Mask) -> bool:
    """Whether the wrong entries are the right ones in another order."""
    count = int(wrong.sum())
    if count < 2 or value.size > SEARCHED:
        return False
    if (np.abs(value - reference) <= slack)[wrong].all():
        return False  # each stands where it belongs, and is a little off
    ours, theirs = np.sort(reference[wrong]), np.sort(value[wrong])
    if ((ours == 0) & (theirs != 0)).any():
        return False  # no figure, however small, is the 0 that belongs elsewhere
    return bool((np.abs(ours - theirs) <= np.max(slack[wrong])).all())


def _digits(
    figure: WrittenFigure | None, reference: float, unit: float
) -> tuple[str, str, str] | None:
    """The rule by which a figure's digits differ from those it should have, and both."""
    if figure is None or figure.digits > MOST_DIGITS or not 0 <= figure.decimals <= 12:
        return None
    # 0 has no digits of which one could be wrong.
    if reference == 0 or _are_opposite(figure.value, reference):
        return None
    decimals = figure.decimals
    written = f"{abs(figure.value):.{decimals}f}"
    step = 10.0**-decimals
    for nudge in (0.0, step, -step) if unit >= step / 4 else (0.0,):
        meant = f"{abs(reference + nudge):.{decimals}f}"
        rule = _difference(written, meant)
        # A figure of one digit is known by a number that is no other: 0.2 for 0.1, and not 2 for 1.5.
        alone = figure.value != 0 and isclose(float(meant), abs(reference))
        if rule is not None and (rule != "digit_slip" or alone or _agree(written, meant)):
            sign = "-" if reference < 0 else ""
            return rule, f"{sign}{written}", f"{sign}{meant}"
        longer = f"{abs(reference + nudge * 0.1):.{decimals + 1}f}"
        if written.replace(".", "") in _shortened(longer.replace(".", "")) and len(written) > 3:
            sign = "-" if reference < 0 else ""
            return "digit_left_out", f"{sign}{written}", f"{sign}{longer}"
    return None


def _difference(written: str, meant: str) -> str | None:
    if len(written) != len(meant):
        return None
    differing = [k for k, (a, b) in enumerate(zip(written, meant, strict=True)) if a != b]
    if len(differing) == 1:
        return "digit_slip"
    digits = [k for k, letter in enumerate(written) if letter != "."]
    if len(differing) == 2 and digits.index(differing[1]) - digits.index(differing[0]) == 1:
        i, j = differing
        if written[i] == meant[j] and written[j] == meant[i]:
            return "digits_swapped"
    return None


def _agree(written: str, meant: str) -> bool:
    """Whether a digit of both figures, which are of equal length, is the same; zeros before their first say nothing."""
    begun = max(len(figure) - len(figure.lstrip("0.")) for figure in (written, meant))
    pairs = zip(written[begun:], meant[begun:], strict=True)
    return any(a == b != "." for a, b in pairs)


def _shortened(digits: str) -> set[str]:
    """The digits with one of them, but the first and the last, left out."""
    return {digits[:k] + digits[k + 1 :] for k in range(1, len(digits) - 1)}


def factor(value: Array, reference: Array, half: Array, habit: Habit) -> float | None:
    """The one factor by which at least two figures differ from what they should be, or None."""
    with np.errstate(all="ignore"):
        return _factor(value, reference, half, habit)


def _factor(value: Array, reference: Array, half: Array, habit: Habit) -> float | None:
    if value.shape != reference.shape or not np.isfinite(reference).all():
        return None
    largest = np.unravel_index(int(np.argmax(np.abs(reference))), reference.shape)
    by = float(value[largest] / reference[largest]) if reference[largest] else 0.0
    if not np.isfinite(by) or by == 0 or np.count_nonzero(reference) < 2:
        return None
    slack = np.minimum(half, habit.units(value)) * 3 + np.abs(value) * 1e-9
    if f"{by:.4g}" == "1":
        return None
    return by if (np.abs(value - by * reference) <= slack).all() else None


@np.errstate(over="ignore", invalid="ignore")
def _to_decimals(array: Array, decimals: int) -> Array:
    rounded: Array = np.round(array, decimals)
    return rounded


def roundings(most: int) -> Iterator[tuple[int, str, Callable[[Array], Array]]]:
    """Roundings to fewer digits than `most`, the finer first: to how many, in words, and the rounding."""
    for decimals in range(min(most - 1, 6), 0, -1):
        words = f"{decimals} decimal{'s' * (decimals != 1)}"
        yield decimals, words, partial(_to_decimals, decimals=decimals)
    for digits in range(min(most - 1, 6), 0, -1):
        words = f"{digits} significant digit{'s' * (digits != 1)}"
        yield digits, words, lambda a, d=digits: to_digits(a, d)  # type: ignore[misc]


def to_digits(array: Array, digits: int) -> Array:
    """An array rounded to significant digits."""
    rounded: Array = np.vectorize(lambda x: float(f"{x:.{digits - 1}e}"), otypes=[float])(array)
    return rounded
