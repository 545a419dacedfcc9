"""Schedules: the rate of each update, by how many were made before it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from handgrad.expression import Expression, Name
from handgrad.operations.functions import cos, minimum
from handgrad.record import record


@record
class Schedule:
    """One schedule.

    Arguments:
        name: its name in a problem file.
        words: what it does, with its settings in braces.
        options: its settings, with their defaults; None where one has to be given.
        constants: numbers of its formula that no one gives.
        rate: the rate that holds now, of the rate it starts from and the settings' names.
    """

    name: str
    words: str
    options: Mapping[str, float | None]
    constants: Mapping[str, float]
    rate: Callable[[Name, Mapping[str, Name]], Expression]


def _step(rate: Name, named: Mapping[str, Name]) -> Expression:
    return rate * named["gamma"] ** named["drops"]


def _cosine(rate: Name, named: Mapping[str, Name]) -> Expression:
    lowest, total = named["rate_min"], named["steps"]
    done = minimum(named["step"] - 1, total)
    return lowest + (rate - lowest) * (1 + cos(named["pi"] * done / total)) / 2


SCHEDULES: dict[str, Schedule] = {
    schedule.name: schedule
    for schedule in (
        Schedule(
            "step",
            "The rate is multiplied by {gamma} after every {every} updates; by update {step} this has happened "
            "{drops} = ⌊({step} − 1)/{every}⌋ times.",
            {"every": None, "gamma": 0.1},
            {},
            _step,
        ),
        Schedule(
            "cosine",
            "The rate follows half a cosine wave, from its full value at update 1 down to the lowest rate at update {steps} + 1, and stays there.",
            {"steps": None, "rate_min": 0.0},
            {"pi": math.pi},
            _cosine,
        ),
    )
}
"""Source: Loshchilov and Hutter (2017) for the cosine, without restarts. Both count as PyTorch's schedulers, whose
cosine rises again after T."""
