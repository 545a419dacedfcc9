"""W6: a step of training whose gates are watched, against the same step alone."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import handgrad
from benchmarks.measuring import Figure

ROUNDS = 40
"""Rounds of `STEPS` steps each, watched and alone by turns; the ratio is the median of those of the rounds."""

STEPS = 10


def _stepping(model: Any, x: Any, y: Any) -> Callable[[], None]:
    import torch

    optimizer = torch.optim.SGD(model.parameters(), 0.01)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def _models() -> dict[str, Callable[[], Callable[[], None]]]:
    import torch
    from torch import nn

    torch.manual_seed(0)

    def mlp() -> tuple[Any, Any, Any]:
        model = nn.Sequential(
            nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
        )
        return model, torch.randn(128, 784), torch.randint(0, 10, (128,))

    def cnn() -> tuple[Any, Any, Any]:
        model = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 64, 10),
        )  # fmt: skip
        return model, torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,))

    return {"784-512-512-10, batch 128": mlp, "a small CNN, batch 32": cnn}  # type: ignore[dict-item]


def _timed(step: Callable[[], None]) -> float:
    """Seconds on the wall. PyTorch's threads spin while they wait, which time of the processor would count."""
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    return time.perf_counter() - start


def _ratio(made: tuple[Any, Any, Any], every: int) -> tuple[float, float]:
    """The median ratio, and the seconds of a watched step."""
    model, x, y = made
    step = _stepping(model, x, y)
    ratios, seconds = [], []
    watch = handgrad.watch(model, every)
    for _ in range(3):
        _timed(step)
    with watch:
        _timed(step)
        for turn in range(ROUNDS):
            # Within one block, so that what it costs to enter is not measured: the watch pauses by turns.
            pair: dict[bool, float] = {}
            for plain in (turn % 2 == 0, turn % 2 == 1):
                with watch.paused() if plain else nullcontext():
                    pair[plain] = _timed(step)
            ratios.append(pair[False] / pair[True])
            seconds.append(pair[False] / STEPS)
    return statistics.median(ratios), statistics.median(seconds)


def watched() -> list[Figure]:
    """W6: gradients through each unit included."""
    if importlib.util.find_spec("torch") is None:
        return []
    figures = []
    for name, made in _models().items():
        for every in (1, 10):
            how = "every step" if every == 1 else f"one step in {every}"
            ratio, seconds = _ratio(made(), every)  # type: ignore[arg-type]
            figures.append(Figure(f"W6 {name}, {how} watched", "the step alone", ratio, seconds))
    return figures
