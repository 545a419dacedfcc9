"""Paired timing: the rivals take turns, and a ratio is the median of the ratios of the rounds.

Each comes after untimed calls of its own: the threads of another library's pool go on waiting for
work, and take time from whoever comes next; and what is in the caches is the other's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

SETTLING = 0.05
"""Seconds of untimed calls: longer than the threads of OpenMP and OpenBLAS go on waiting for work."""

BRIEF = 1.0
"""Seconds: a call that takes longer is not made twice a round."""


@dataclass(frozen=True)
class Figure:
    """One ratio: ours over theirs; below 1 we are faster. `seconds` are ours."""

    name: str
    against: str
    ratio: float
    seconds: float


def paired(
    name: str,
    ours: Callable[[], object],
    rivals: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    calls: int = 1,
) -> list[Figure]:
    """Times everything in turns, `calls` calls at a time, after two rounds to warm up.

    A call that takes seconds has warmed up by itself, and is made once a round.
    """
    times: dict[str, list[float]] = {"": [], **{r: [] for r in rivals}}
    for turn in range(rounds + 2):
        for key, function in (("", ours), *rivals.items()):
            if not times[key] or times[key][-1] < BRIEF:
                _settled(function)
            start = time.perf_counter()
            for _ in range(calls):
                function()
            if turn > 1:
                times[key].append((time.perf_counter() - start) / calls)
    return [
        Figure(
            name,
            rival,
            statistics.median(a / b for a, b in zip(times[""], times[rival], strict=True)),
            statistics.median(times[""]),
        )
        for rival in rivals
    ]


def _settled(function: Callable[[], object]) -> None:
    until = time.perf_counter() + SETTLING
    function()
    while time.perf_counter() < until:
        function()
