"""Which of many units each number of a result belongs to, found for all units at once.

Each unit is scaled by a factor of its own. A number that is proportional to a power of one unit, and depends on no other,
is scaled by that power of the unit's factor, which tells whose it is; a second set of factors confirms it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from handgrad.arrays import Array, Indices
from handgrad.running.pulling_back import unlike_numbers

TOLERANCE = 1e-9
"""By this share of itself a number may miss what its unit's factor makes of it: long sums round, and two factors of a hundred
thousand units differ by more."""

FEW = 8
"""So many units are as soon looked at one by one."""

NOBODY = -1
"""The owner of a number that no unit scales."""


@dataclass(frozen=True)
class Owners:
    """By number of a result, the unit that it belongs to.

    Arguments:
        by_number: units counted from 0, or `NOBODY`; of the result's shape.
    """

    by_number: Indices

    @cached_property
    def _sorted(self) -> tuple[Indices, Indices]:
        flat = self.by_number.reshape(-1)
        order = np.argsort(flat, kind="stable")
        return order, flat[order]

    def of(self, unit: int) -> tuple[tuple[int, ...], ...]:
        """The places of the numbers that belong to a unit, in their order."""
        order, units = self._sorted
        first, last = np.searchsorted(units, [unit, unit + 1])
        if self.by_number.ndim == 0:
            return ((),) * int(last - first)
        places = np.unravel_index(order[first:last], self.by_number.shape)
        return tuple(zip(*(axis.tolist() for axis in places), strict=True))


def factors(count: int) -> tuple[Array, Array]:
    """Two sets of factors for this many units: even steps above 1, off which a unit is read, and scattered ones."""
    return 1 + np.arange(1, count + 1) / count, 1 + unlike_numbers(count, 0)


def owners(
    plain: Array, stepped: Array, scattered: Array, count: int, power: Array | float = 1.0
) -> Owners | None:
    """Finds whose each number of a result is.

    Arguments:
        plain: the result with no unit scaled.
        stepped: the result with the units scaled by the first set of `factors`.
        scattered: the same by the second.
        count: how many units there are.
        power: by number, of which power of its unit it is a multiple; where it is 0 it depends on none.

    None where a number depends on units in another way: on several, or not as a power.
    """
    zero = plain == 0
    if stepped[zero].any() or scattered[zero].any():
        return None
    steps, others = factors(count)
    power = np.broadcast_to(power, plain.shape)
    with np.errstate(all="ignore"):
        by_steps, by_others = stepped / plain, scattered / plain
        unit = np.rint((by_steps ** (1 / power) - 1) * count) - 1
    ours = ~zero & (power > TOLERANCE) & (unit >= 0) & (unit < count)
    unit = np.where(ours, unit, 0).astype(int)
    known = zero | ours | (np.abs(power) < TOLERANCE)
    for scaled, by in ((by_steps, steps), (by_others, others)):
        wanted = np.where(ours, by[unit] ** power, 1.0)
        with np.errstate(all="ignore"):
            known &= zero | (np.abs(scaled / wanted - 1) < TOLERANCE)
    return Owners(np.where(ours, unit, NOBODY)) if known.all() else None
