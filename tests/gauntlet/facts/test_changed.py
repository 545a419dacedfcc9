"""Trainings and comparisons re-derived, and a false statement of each kind found."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

import handgrad
from handgrad.comparison import Comparison
from handgrad.study import OverTraining
from tests.gauntlet.facts import FAMILIES, judge
from tests.gauntlet.facts.claim import Claims, Report
from tests.gauntlet.facts.compared import of_compared
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import spoiled
from tests.gauntlet.facts.trained import STEPS, of_study


def is_false(claims: Claims) -> bool:
    return any(not c.holds for c in claims)


@cache
def trained() -> tuple[Facts, OverTraining]:
    problem = handgrad.load("dying").with_values({"rate": 0.3})
    return Facts.of(problem), handgrad.train(problem, STEPS)


def test_a_false_event_or_count_of_a_training_is_found() -> None:
    facts, study = trained()
    assert not is_false(of_study(study, facts))
    assert study.events
    event = study.events[0]
    for field, false in spoiled(event, ("layer", "unit", "step", "since")):
        assert is_false(of_study(replace(study, events=(false,)), facts)), field
    assert event.kind == "died"
    assert is_false(of_study(replace(study, events=(replace(event, kind="revived"),)), facts))
    assert is_false(of_study(replace(study, losses=(9.0, *study.losses[1:])), facts))
    dead = {name: (counts[0] + 1, *counts[1:]) for name, counts in study.dead.items()}
    assert is_false(of_study(replace(study, dead=dead), facts))
    assert is_false(of_study(replace(study, ended_dead=()), facts))


@cache
def compared() -> tuple[Facts, Facts, Comparison]:
    lab = handgrad.load("lab9")
    other = lab.with_values({"x": [0, 1]})
    left, right = Facts.of(lab), Facts.of(other)
    return left, right, handgrad.compare(left.trace, right.trace)


def test_a_false_change_figure_or_gate_of_a_comparison_is_found() -> None:
    left, right, comparison = compared()
    assert not is_false(of_compared(comparison, left, right))
    for field, false in spoiled(comparison.changes[0], ("left_batched", "right_batched")):
        assert is_false(of_compared(replace(comparison, changes=(false,)), left, right)), field
    for quantity in comparison.quantities:
        for field, false in spoiled(quantity, ("name",)):
            spoilt = replace(comparison, quantities=(false,))
            assert is_false(of_compared(spoilt, left, right)), (quantity.kind, field)
    for field, false in spoiled(
        comparison.gate_changes[0],
        ("operation", "gate", "step", "unit", "reaches", "case"),
    ):
        assert is_false(of_compared(replace(comparison, gate_changes=(false,)), left, right)), field


def test_every_family_says_something_of_the_lab() -> None:
    text = handgrad.load("lab9").to_toml()
    for family in FAMILIES:
        for seed in range(SEEDS):
            # What takes long is said of some problems only.
            report = judge(text, seed=seed, families=(family,))
            assert report.false == [], family
            if report.counts.total():
                break
        else:
            raise AssertionError(family)


SEEDS = 40
"""Seeds under which a family of statements says something at least once."""


def test_a_dying_network_in_training() -> None:
    facts, study = trained()
    assert study.ended_dead
    assert not is_false(of_study(study, facts))


WILD = """
equations = "L = sin(30000*w)"
[parameters]
w = 0.3
[update]
rate = 0.01
"""


def test_what_the_last_digits_decide_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """An update multiplies what w is off by 10⁷: after three no figure is left, after the first most are."""
    study = handgrad.train(handgrad.loads(WILD), STEPS)
    losses = list(study.losses)

    def judged(place: int) -> Report:
        spoilt = [*losses]
        spoilt[place] += 0.5
        monkeypatch.setattr(handgrad, "train", lambda *_: replace(study, losses=tuple(spoilt)))
        return judge(WILD, families=("training",))

    assert judged(6).undecided["train: losses and counts"] >= 1
    assert judged(6).false == []
    for place in (0, 1):
        assert len(judged(place).false) == 1
