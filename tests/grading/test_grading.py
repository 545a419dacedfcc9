"""A class graded at once is graded as its sheets are one by one."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from benchmarks.planted import Manner, planted_class
from handgrad.checking.remarks import EnteredTwice, GivenOtherwise, NotANumber, NotAsked
from handgrad.errors import OptionError
from handgrad.grading.batch import Batch, place_of
from handgrad.grading.graded import UNASKED, Graded
from handgrad.grading.grader import Grader, grade_batches


def assert_as_one_by_one(grader: Grader, batch: Batch, graded: Graded) -> None:
    """Every verdict, mark, diagnosis and remark is that of the sheet checked by itself."""
    assert graded.ids == batch.ids
    for row in range(len(batch)):
        report = grader.report(batch, row)
        assert {s.target for s in report.steps} == {
            t for t in graded.targets if graded.verdict(row, t) is not None
        }
        for step in report.steps:
            at = row, graded.targets.index(step.target)
            assert graded.verdict(row, step.target) == step.verdict, (row, step)
            best = step.diagnosis[0] if step.diagnosis else None
            assert graded.explained(row, step.target) == best, (row, step)
            assert (graded.marks[at], graded.out_of[at]) == (step.marks, step.out_of)
        assert graded.totals[row] == report.marks
        assert graded.totals_out_of[row] == report.out_of
        assert graded.remarks.get(row, ()) == report.unused


def test_a_class_of_lab9() -> None:
    grader = Grader(handgrad.load("lab9"), {"default": 2, "kinds": {"update": 0.5}})
    manner = Manner(blank=0.2, odd=0.3, unreadable=0.2, decimals=(3, 4, 5))
    made = planted_class(grader.checker.work, 60, 1, manner)
    graded = grader.grade(made.batch)
    assert_as_one_by_one(grader, made.batch, graded)
    assert (graded.diagnosis >= 0).any()
    assert graded.remarks


def test_own_numbers_and_parts_in_order() -> None:
    problem = handgrad.load("lab9")
    grader = Grader(problem)
    own = {"x": np.random.default_rng(0).normal(size=(2, 12)).round(1)}
    made = planted_class(grader.checker.work, 12, 2, own=own)
    whole = grader.grade(made.batch)
    assert_as_one_by_one(grader, made.batch, whole)
    parts = list(grade_batches(problem, None, made.batch.parts(5)))
    assert [p.ids for p in parts] == [made.batch.ids[k : k + 5] for k in (0, 5, 10)]
    assert np.array_equal(np.concatenate([p.verdicts for p in parts]), whole.verdicts)


def test_headings() -> None:
    assert place_of("dW2[1,0]") == place_of(" dW2[1][0] ") == ("dW2", (1, 0))
    assert place_of("updated.b3") == ("updated.b3", None)
    grader = Grader(handgrad.load("lab9"))
    batch = Batch(
        ("ann", "bob"),
        {
            "z1[0]": ["0.6", None],
            "dL/db2[0]": ["0", "?"],
            "db2[0]": ["5", "5"],
            "comment": ["hm", ""],
            "b3_new": [0.3365, "zero"],
            "b3": ["0.3", "0.4"],
            "dx[0]": ["", "0.1"],
        },
    )
    graded = grader.grade(batch)
    assert graded.unused == (EnteredTwice("db2"), NotAsked("comment"))
    assert graded.remarks == {1: (GivenOtherwise("b3", True), NotANumber("b3_new", (), "zero"))}
    assert graded.verdict(0, "updated.b3") == "right"
    assert graded.verdicts[:, graded.targets.index("dx")].tolist()[0] == UNASKED
    assert graded.verdict(1, "dx") == "wrong"
    assert_as_one_by_one(grader, batch, graded)


def test_what_cannot_be_graded() -> None:
    grader = Grader(handgrad.load("lab9"))
    with pytest.raises(OptionError, match="comment is not a quantity"):
        grader.grade(Batch(("ann",), {"comment": ["hm"]}))
    with pytest.raises(OptionError, match="the column z1 has 1 cells, and there are 2 students"):
        Batch(("ann", "bob"), {"z1": ["1"]})
    with pytest.raises(OptionError, match="the students lie along the last axis"):
        Batch(("ann", "bob"), {"z1": ["1", "2"]}, {"x": np.ones((2, 3))})
