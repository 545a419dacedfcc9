"""Paired timing: the rivals take turns, and a ratio is the median of the ratios of the rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


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
    """Times everything in turn, `calls` calls at a time, after two rounds to warm up."""
    times: dict[str, list[float]] = {"": [], **{r: [] for r in rivals}}
    for turn in range(rounds + 2):
        for key, function in (("", ours), *rivals.items()):
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
