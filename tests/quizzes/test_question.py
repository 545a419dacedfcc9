"""What is right at a gap is what `check` takes there; what a wrong rule gives there, it names."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad.checking import Checker
from handgrad.checking.figures import Habit
from handgrad.errors import OptionError
from handgrad.quizzes.asking import MOST_GAPS, quiz_questions
from handgrad.quizzes.question import AskedQuantity, Gap, QuizQuestion, Taken, tolerance_around
from tests.quizzes.sheets import PROBLEMS, edges, pairs, questions, worked
from tests.slow import one_in


@pytest.fixture
def four_decimals(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not entered is taken as rounded to four decimals, as on a whole sheet of such figures."""
    monkeypatch.setattr(Habit, "of", classmethod(lambda cls, _: cls(4, None, 4)))


def verdict(checker: Checker, asked: AskedQuantity, gap: Gap, figure: str) -> str:
    """What `check` says of a quantity's exact figures with one in their midst."""
    (leaf,) = (q.leaf for q in checker.asked if q.target == asked.target)
    texts = np.vectorize(lambda x: f"{x:.4f}", otypes=[object])(checker.work.exact[leaf])
    texts[gap.at] = figure
    # Answers files have their cases first, as problem files do.
    cells = (np.moveaxis(texts, -1, 0) if asked.batched else texts).tolist()
    return checker.check_one(asked.target, cells).verdict


@pytest.mark.usefixtures("four_decimals")
@pytest.mark.parametrize("name", one_in(2, PROBLEMS))
def test_the_edges_are_those_of_check(name: str) -> None:
    """The outermost figures are right, and the next ones are not."""
    (question,) = questions(name)
    checker = Checker(question.sheet.problem)
    for asked, gap in pairs(question):
        for figure, sign in zip(edges(gap.right), (-1, 1), strict=True):
            assert verdict(checker, asked, gap, figure) == "right", (asked.target, gap, figure)
            if name in ("lab9", "sigmoid_circuit"):  # what is wrong is diagnosed, which takes long
                beyond = f"{float(figure) + sign * 1e-4:.4f}"
                assert verdict(checker, asked, gap, beyond) == "wrong", (asked.target, gap, beyond)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_tolerance_reaches_both_edges_and_no_wrong_rule(name: str) -> None:
    for question in questions(name, 2):
        for gap in question.gaps:
            right = gap.right
            for edge in edges(right):
                assert abs(float(edge) - float(right.figure)) <= float(right.tolerance)
            taken = [right, *(w.given for w in gap.wrong)]
            for k, one in enumerate(taken):
                for other in taken[k + 1 :]:
                    apart = abs(float(one.figure) - float(other.figure))
                    assert apart > float(one.tolerance) + float(other.tolerance)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_scalar_by_a_wrong_rule_is_named_by_check(name: str) -> None:
    """Of a lone figure the rule says the same as `check`; an array is diagnosed as a whole there."""
    (question,) = questions(name)
    checker = Checker(question.sheet.problem)
    rules = {r for asked, gap in pairs(question) for r in (w.rule for w in gap.wrong)}
    assert len(rules) > 3
    for asked, gap in pairs(question):
        if asked.shape:
            continue
        for wrong in gap.wrong:
            judged = checker.check_one(asked.target, f"{wrong.given.value:.4f}")
            assert judged.verdict == "wrong"
            named = {d.rule for d in judged.diagnosis}
            assert wrong.rule in named or len(named) == 3, (asked.target, wrong, named)


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_quantity_is_worth_the_same(name: str) -> None:
    (question,) = questions(name)
    assert {question.worth(a) * len(a.gaps) for a in question.asked} == {question.whole}


@pytest.mark.parametrize("name", one_in(2, [n for n, _, _ in handgrad.bundled()]))
def test_every_gap_of_every_problem_is_in_the_layout_once(name: str) -> None:
    sheets = worked(name)
    blanks = (
        [] if sum(np.size(x.value) for s in sheets.exercises[0].trace.steps for x in s.lines) < 150
        else ["update"]
    )  # fmt: skip
    try:
        (question,) = quiz_questions(sheets, blanks)
    except OptionError as error:
        assert "figures" in str(error) or "left blank" in str(error)  # noqa: PT017
        return
    for asked in question.asked:
        laid = [gap.at for grid in asked.grids() for row in grid.rows for gap in row]
        assert sorted(laid) == sorted(gap.at for gap in asked.gaps)
        assert len(laid) == np.prod(asked.shape, dtype=int)
        for grid in asked.grids():
            assert all(len(row) == len(grid.header or row) for row in grid.rows)
            numbers = {gap.at[-1] for row in grid.rows for gap in row} if asked.batched else set()
            told = grid.header or (grid.caption.split(", ")[-1],)
            assert not asked.batched or {f"case {k + 1}" for k in numbers} == set(told)


def test_what_is_not_left_blank_is_shown_worked_out() -> None:
    (question,) = quiz_questions(worked(), ["dW2"])
    assert [a.target for a in question.asked] == ["dW2"]
    assert len(question.body) > len(quiz_questions(worked())[0].body)


def test_too_many_figures_are_refused_with_what_to_do() -> None:
    with pytest.raises(OptionError, match=f"501 figures.*{MOST_GAPS} at most.*--blank"):
        questions("classes")


def test_tolerances_are_plain_decimals_that_reach_the_edge() -> None:
    accepted = Taken(0.6, "0.6", 0.59995, 0.60005)
    assert accepted.tolerance == "0.0000501"
    assert tolerance_around(0, Taken(3e-5, "0.00003", -2e-5, 8e-5)) == "0.0000801"


def _all(question: QuizQuestion) -> list[tuple[str, str, float]]:
    return [(g.right.figure, g.right.tolerance, g.right.value) for g in question.gaps]


def test_a_question_follows_from_the_sheet_alone() -> None:
    """Whatever was worked out before it: no tolerance depends on the order of the sheets."""
    two = quiz_questions(worked("lab9", 2))
    again = quiz_questions(list(worked("lab9", 2))[1])
    assert _all(two[1]) == _all(again[0])


def test_where_bounds_tell_nothing_only_the_figure_itself_is_right() -> None:
    """Adam divides by the root of what a person rounds to 0, which may then be anything."""
    for question in questions("adam", 4):
        for gap in question.gaps:
            for taken in (gap.right, *(w.given for w in gap.wrong)):
                assert taken.upper - taken.lower < 0.1 * max(1.0, abs(taken.value)) + 0.4
        (asked,) = (a for a in question.asked if a.target == "updated.b")
        (gap,) = asked.gaps
        assert float(gap.right.tolerance) < 0.05
