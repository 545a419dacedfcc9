"""A minute of the fuzz is too long for every run: some hundred inputs, and that it finds what is planted."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import handgrad
from tests.fuzz import driving
from tests.fuzz.driving import Tally, corpus, summary, tried, watched
from tests.fuzz.mutating import mutated

INPUTS = 120


@pytest.mark.parametrize("first", [0, INPUTS])
def test_a_sample(first: int, tmp_path: Path) -> None:
    tally = Tally()
    for seed in range(first, first + INPUTS):
        tally.add(tried(seed, tmp_path))
    assert not tally.wrong, summary(tally)
    assert tally.ended["done"] >= INPUTS // 10


def test_an_input_follows_from_its_number(tmp_path: Path) -> None:
    text = corpus()[0]
    assert mutated(text, random.Random(3)) == mutated(text, random.Random(3))
    one, two = tried(5, tmp_path), tried(5, tmp_path)
    assert (one.text, one.command, one.ended) == (two.text, two.command, two.ended)


def broken(*_: Any, **__: Any) -> Any:
    raise KeyError("W")


def test_a_traceback_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(handgrad, "loads", broken)
    monkeypatch.setattr(handgrad, "load", broken)
    outcome = tried(0, tmp_path)
    assert (outcome.ended, outcome.kind.partition(" ")[0]) == ("traceback", "KeyError")
    tally = Tally()
    tally.add(outcome)
    assert "1 tracebacks and hangs, of 1 kinds" in summary(tally)


def test_a_hang_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def endless(*_: Any, **__: Any) -> Any:
        while True:
            pass

    monkeypatch.setattr(driving, "HANG", 0.2)
    monkeypatch.setattr(handgrad, "load", endless)
    assert tried(0, tmp_path).ended == "hang"


def test_a_process_of_its_own_is_watched() -> None:
    def seeds() -> Iterator[int]:
        yield from count(0)

    found = []
    for outcome in watched(seeds(), time.monotonic() + 60):
        found.append(outcome)
        if len(found) == 3:
            break
    assert [o.seed for o in found] == [0, 1, 2]
