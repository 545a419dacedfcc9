"""A class graded at once is graded as its sheets are one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from benchmarks.planted import Manner, every_mistake, planted_class
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
            why = int(graded.diagnosis[at])
            assert (graded.explanations[why] if why >= 0 else ()) == step.diagnosis, (row, step)
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


def turned(heading: str, grader: Grader) -> str:
    """The heading of a figure where a sheet has a case in each row, as answers files have."""
    name, at = place_of(heading)
    batched = any(q.target == name and q.batched for q in grader.checker.asked)
    return f"{name}[{','.join(map(str, (at[-1], *at[:-1])))}]" if batched and at else heading


@pytest.mark.parametrize("name", ["batch", pytest.param("classes", marks=pytest.mark.sweep)])
def test_a_problem_of_many_cases(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases last or first, squares of them that are turned, gradients that carry the 1/N of the mean."""
    grader = Grader(handgrad.load(name))
    manner = Manner(blank=0.2, odd=0.2, unreadable=0.1, decimals=(3, 4, 5))
    made = planted_class(grader.checker.work, 24, 4, manner).batch
    alone: list[int] = []
    one_by_one = Grader._alone

    def counted(self: Grader, task: Any, row: int) -> Any:
        alone.append(row)
        return one_by_one(self, task, row)

    monkeypatch.setattr(Grader, "_alone", counted)
    assert_as_one_by_one(grader, made, grader.grade(made))
    assert not alone
    by_case = Batch(made.ids, {turned(h, grader): column for h, column in made.cells.items()})
    assert_as_one_by_one(grader, by_case, grader.grade(by_case))
    assert bool(alone) == (name == "classes")  # 3 classes of 3 cases: which is which, figures say
    cases = grader.checker.work.cases
    divided = {
        h: [f"{float(c) / cases:.6f}" for c in column]
        if h.startswith("d") and h[1] != "W"
        else column
        for h, column in planted_class(
            grader.checker.work, 6, 5, Manner(0, 0, 0)
        ).batch.cells.items()
        if not h.startswith(("db", "dw"))
    }
    own = Batch(made.ids[:6], divided)
    assert_as_one_by_one(grader, own, grader.grade(own))
    many = {
        "W1": np.random.default_rng(0)
        .normal(size=(*np.shape(grader.checker.problem.parameters["W1"].array), 8))
        .round(1)
    }
    drawn = planted_class(grader.checker.work, 8, 6, own=many).batch
    assert_as_one_by_one(grader, drawn, grader.grade(drawn))


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


def test_a_class_without_students() -> None:
    graded = Grader(handgrad.load("lab9")).grade(Batch((), {"z1[0]": [], "z1[1]": []}))
    assert len(graded) == 0
    assert graded.verdicts.shape == (0, len(graded.targets))


def test_what_cannot_be_graded() -> None:
    grader = Grader(handgrad.load("lab9"))
    with pytest.raises(OptionError, match="comment is not a quantity"):
        grader.grade(Batch(("ann",), {"comment": ["hm"]}))
    with pytest.raises(OptionError, match="the column z1 has 1 cells, and there are 2 students"):
        Batch(("ann", "bob"), {"z1": ["1"]})
    with pytest.raises(OptionError, match="the students lie along the last axis"):
        Batch(("ann", "bob"), {"z1": ["1", "2"]}, {"x": np.ones((2, 3))})


SWEPT = [pytest.param(name, marks=pytest.mark.sweep) for name in ("regression", "softmax", "xor")]


@pytest.mark.parametrize("name", ["circuit", "leaky", "neuron", *SWEPT])
def test_every_mistake_of_a_problem(name: str) -> None:
    """Each mistake planted by itself, then two at a time; blanks, and figures written in many ways."""
    grader = Grader(handgrad.load(name))
    plants = every_mistake(grader.checker.work)[:: 3 if name == "xor" else 1]
    manner = Manner(two=0.6, blank=0.15, odd=0.3, unreadable=0.1, decimals=(3, 4, 4, 5))
    made = planted_class(grader.checker.work, len(plants) + 20, 3, manner, plants=plants)
    graded = grader.grade(made.batch)
    assert_as_one_by_one(grader, made.batch, graded)
    found = {explained[0].rule for explained in graded.explanations}
    assert len(found & {rule for planted in made.planted for _, rule in planted}) > 2


@given(st.integers(0, 2**32), st.sampled_from(["lab9", "squared", "ridge"]))
@settings(max_examples=6, deadline=None)
def test_any_class(seed: int, name: str) -> None:
    """Whole classes drawn at random, with fractions that claim to be exact among the figures."""
    grader = Grader(handgrad.load(name))
    manner = Manner(one=0.4, two=0.2, blank=0.3, odd=0.4, unreadable=0.2, decimals=(2, 3, 4, 6))
    made = planted_class(grader.checker.work, 12, seed, manner)
    draws = np.random.default_rng(seed)
    cells = {h: list(column) for h, column in made.batch.cells.items()}
    for heading in draws.choice(list(cells), 4):
        row = int(draws.integers(12))
        cells[heading][row] = draws.choice(
            ["1/3", "-2/7", "0", "3", "1e-3", "0,5", "−0.25", "12/0"]
        )
    batch = Batch(made.batch.ids, cells)
    assert_as_one_by_one(grader, batch, grader.grade(batch))


def told(graded: Graded, row: int, target: str) -> object:
    """What is said of a quantity, without the objects of the grader that said it."""
    best = graded.explained(row, target)
    return None if best is None else (best.rule, best.text, best.entries, best.step, best.numbers)


def test_a_sheet_is_judged_as_it_is_beside_any_other() -> None:
    """The same rows in another order, cut in other batches, and one by one."""
    problem = handgrad.load("lab9")
    made = planted_class(Grader(problem).checker.work, 40, 5, Manner(blank=0.1, odd=0.2))
    whole = Grader(problem).grade(made.batch)
    order = np.random.default_rng(0).permutation(40)
    turned = Batch(
        tuple(made.batch.ids[k] for k in order),
        {h: [column[k] for k in order] for h, column in made.batch.cells.items()},
    )
    parts = list(grade_batches(problem, None, turned.parts(7)))
    rows = [(part, row) for part in parts for row in range(len(part))]
    for (part, row), k in zip(rows, order, strict=True):
        assert part.ids[row] == whole.ids[k]
        assert (part.verdicts[row] == whole.verdicts[k]).all()
        assert (part.marks[row] == whole.marks[k]).all()
        for target in whole.targets:
            assert told(part, row, target) == told(whole, int(k), target)
