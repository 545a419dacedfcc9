"""Planted classes of 1 000: the share of every misconception is that of the sheets on which it can be seen, within 1 %."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

import handgrad
from benchmarks.planted import PlantedClass, Telling, planted_class
from handgrad.checking import Checker
from handgrad.checking.words import MISTAKES

COUNT, MOST_OFF = 1000, 10

SWEPT = ("batch", "softmax", "xor", "regression", "ridge", "circuit", "leaky")


def written(path: Path, made: PlantedClass) -> Path:
    """A class as a table."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["student", *made.batch.cells])
        table.writerows(zip(made.batch.ids, *made.batch.cells.values(), strict=True))
    return path


@pytest.mark.parametrize(
    "name",
    [
        *("lab9", "classes", "sigmoid_circuit"),
        *(pytest.param(name, marks=pytest.mark.sweep) for name in (*SWEPT, "rnn")),
    ],
)
def test_shares_are_those_that_were_planted(name: str, tmp_path: Path) -> None:
    problem = handgrad.load(name)
    work = Checker(problem).work
    made, telling = planted_class(work, COUNT, 1), Telling(work)
    planted: Counter[str] = Counter()
    for plants, decimals in zip(made.plants, made.decimals, strict=True):
        planted.update(telling.seen(plants, decimals))
    report = handgrad.grade(problem, written(tmp_path / "class.csv", made))
    found = {m.rule: m for m in report.misconceptions if m.rule in MISTAKES}
    assert list(found) == sorted(found, key=lambda r: -found[r].count)
    # On some sheets one rule's figures are another's too, and the page says so: it is one or the other.
    least, most = Counter(planted), Counter({rule: m.count for rule, m in found.items()})
    least = Counter({rule: m.count - sum(a.count for a in m.alike) for rule, m in found.items()})
    for misconception in found.values():
        most.update({other.rule: other.count for other in misconception.alike})
    for rule in {*planted, *found}:
        assert least[rule] - MOST_OFF <= planted[rule] <= most[rule] + MOST_OFF, rule
