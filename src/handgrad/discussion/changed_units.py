"""The units of a solution before and after a change to the problem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from handgrad.expression import Expression
from handgrad.running.units import Index
from handgrad.solution.units import Units

MOST_UNITS = 4096
"""The number of units times cases above which gates are not examined one by one."""


@dataclass(frozen=True, slots=True)
class UnitAt:
    """A unit in one case, before and after a change.

    `entry` is its pre-activation; `case` is None where there is only one case. The slopes are the
    local derivatives of its activation.
    """

    entry: Expression
    unit: Index
    case: int | None
    layer: int
    time_step: int
    z: float
    slope: float
    other_z: float
    other_slope: float

    @property
    def opens(self) -> bool:
        """Whether its gate is shut before the change and lets gradient through after it."""
        return not self.slope and bool(self.other_slope)

    @property
    def shuts(self) -> bool:
        """Whether its gate lets gradient through before the change and is shut after it."""
        return bool(self.slope) and not self.other_slope


def units_at(before: Units, after: Units) -> Iterator[UnitAt]:
    """Each unit of an activation in each case, in two solutions of the same shapes."""
    for place in np.ndindex(before.z.shape):
        index = place[:-1] if before.batched else place
        yield UnitAt(
            entry=before.pre_activation.entry(index),
            unit=index,
            case=place[-1] if before.batched else None,
            layer=before.layer,
            time_step=before.time_step,
            z=float(before.z[place]),
            slope=float(before.slope[place]),
            other_z=float(after.z[place]),
            other_slope=float(after.slope[place]),
        )
