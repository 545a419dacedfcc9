"""The answers to discussion questions re-derived, and a false one of each kind found."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import handgrad
from handgrad.discussion import KINDS, Question, questions_for
from handgrad.discussion.kinds.zero_entries import ZeroEntries
from tests.gauntlet.facts.asked import of_question, zero_part
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import spoiled, with_field

NAMES = ("lab9", "batch", "shared", "sigmoid_circuit", "ridge", "softmax")

LEFT: dict[str, tuple[str, ...]] = {
    # Of its lines, what their formulas are about.
    "updated_value": ("role", "batched", "through", "index", "target", "shape"),
    # Which parameters are meant is held against those there are.
    "zero_rows_columns": ("fixed", "penalties", "shared"),
    "gate_swap": ("role", "batched", "through", "index", "target"),
}
"""Fields that say nothing that can be false."""


ENOUGH = 2
"""Problems in which a kind of question is tried."""


@cache
def facts_of(name: str) -> Facts:
    return Facts.of(handgrad.load(name))


@cache
def questions_of(name: str) -> tuple[Question, ...]:
    return tuple(questions_for(facts_of(name).trace))


def all_questions() -> Iterator[tuple[Facts, Question]]:
    for name in NAMES:
        for question in questions_of(name):
            yield facts_of(name), question


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_a_false_answer_is_found(kind: Any) -> None:
    """Every field of every kind of question, changed."""
    found: dict[str, bool] = {}
    looked = 0
    for facts, question in all_questions():
        if not isinstance(question, kind) or looked == ENOUGH:
            continue
        looked += 1
        assert [c for c in of_question(question, facts) if not c.holds] == []
        for field, false in spoiled(question, LEFT.get(question.kind, ())):
            caught = any(not c.holds for c in of_question(false, facts))
            found[field] = found.get(field, False) or caught
    assert found, f"no {kind.__name__} in the problems of this file"
    assert all(found.values()), found


def zeros_of(x: list[list[float]]) -> tuple[Facts, ZeroEntries]:
    problem = handgrad.Problem(
        "H = maximum(X @ A, X @ B + c)\nL = sum((H - y)**2)",
        {"A": [[1.0, 0.5], [0.3, -0.5]], "B": [[0.1, 0.5], [0.2, -0.5]], "c": [0.0, 0.5]},
        {"X": x, "y": [5.0, 7.0]},
    )
    facts = Facts.of(problem)
    return facts, ZeroEntries.find(facts.trace)


def test_a_choice_that_makes_no_zero_is_found() -> None:
    """What an input of 0 zeroes is no maximum's doing, and what a maximum zeroes no minimum's."""
    facts, question = zeros_of([[1.0, 0.0], [2.0, 0.0]])
    assert [c for c in of_question(question, facts) if not c.holds] == []
    taken = [p for p in question.parts if p.cause == "other_taken"]
    (given,) = [p for p in question.parts if p.cause != "other_taken"]
    assert taken
    for false in (
        *(with_field(p, "operation", "minimum") for p in taken),
        *(with_field(p, "zeroed", given.zeroed) for p in taken),
    ):
        assert not all(ok for ok, _ in zero_part(false, facts))
