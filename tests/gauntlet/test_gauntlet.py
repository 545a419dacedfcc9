"""The gauntlet finds what is planted: a crash, a wrong number, a refusal; and its families are what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad import operations
from tests.gauntlet.families import FAMILIES, MODULES, problem
from tests.gauntlet.oracle import Oracle
from tests.gauntlet.running import Finding, judged, problems, summary
from tests.slow import one_in


def findings(family: str, seed: int, *commands: str) -> list[Finding]:
    return judged(family, seed, commands, facts=False).findings


def test_at_least_forty_families() -> None:
    assert len(FAMILIES) >= 40


def test_no_family_takes_the_name_of_another() -> None:
    names = [family.__name__ for module in MODULES for family in module.FAMILIES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_read_by_pytorch(family: str) -> None:
    """And by the program; most of its problems have finite numbers."""
    finite = 0
    for seed in range(4):
        text = problem(family, seed)
        assert text == problem(family, seed)
        handgrad.loads(text)
        found = Oracle(text).run()
        finite += bool(np.isfinite(found.loss))
    assert finite >= 2


def test_a_wrong_pull_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(operations.BY_NAME["tanh"], pullback=lambda i, g, p: g * (1 - p.out))
    monkeypatch.setitem(operations.BY_NAME, "tanh", wrong)
    (found,) = findings("scalar_rnn", 3, "solve_json")
    assert (found.judge, found.kind) == ("numbers", "gradients differ")
    assert "equations" in found.text


def test_a_crash_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise KeyError("W")

    monkeypatch.setattr(handgrad.Trace, "report", broken)
    (found,) = findings("thresholds", 0, "solve")
    assert (found.judge, found.command) == ("commands", "solve")
    assert found.kind.startswith("KeyError")


def test_a_refusal_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_: Any, **__: Any) -> Any:
        raise handgrad.NumberError("the gradient of x is not finite")

    monkeypatch.setattr(handgrad, "solve", refusing)
    (found,) = findings("thresholds", 0, "solve")
    assert found.kind == "refused: Error: the gradient of x is not finite"


def test_spoiled_work_judged_right_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = handgrad.Checker.check

    def kind_judge(self: handgrad.Checker, answers: Any) -> Any:
        report = right(self, answers)
        return replace(report, steps=tuple(replace(j, verdict="right") for j in report.steps))

    monkeypatch.setattr(handgrad.Checker, "check", kind_judge)
    assert [f.kind for f in findings("thresholds", 0, "check_spoiled")] == ["a spoiled entry is judged right"]  # fmt: skip


def test_what_is_found_is_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handgrad.Trace, "report", lambda *_, **__: 1 / 0)
    tally = judged("thresholds", 0, ["solve", "solve_ascii"], facts=False)
    said = summary(tally)
    assert "2 found, of 1 kinds" in said
    assert "--family thresholds --seed 0 --commands solve" in said


@pytest.mark.parametrize("family", one_in(10, FAMILIES))
def test_a_sample(family: str) -> None:
    """A problem of every tenth family, with three commands; `python -m tests.gauntlet` has more of all."""
    tally = judged(family, 0, at_once=3)
    assert not tally.findings, summary(tally)


def test_problems_come_in_turn() -> None:
    assert list(problems(5, 7, ["a", "b"])) == [("a", 7), ("b", 7), ("a", 8), ("b", 8), ("a", 9)]
