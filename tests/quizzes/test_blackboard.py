"""The tab file for Blackboard: a line is a question, and a bad line would be lost alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from handgrad.errors import OptionError
from handgrad.quizzes import quiz_files
from handgrad.quizzes.blackboard import MOST_LINES
from tests.quizzes.sheets import PROBLEMS, edges, files, pairs, questions, worked


def lines(name: str) -> list[list[str]]:
    (content,) = files("blackboard", name, "out.txt", 1).values()
    text = content.decode("utf-8")
    assert text.endswith("\n")
    assert not text.startswith("\ufeff")
    return [line.split("\t") for line in text.removesuffix("\n").split("\n")]


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_figure_is_a_line_that_is_marked_as_check_marks_it(name: str) -> None:
    (question,) = questions(name)
    for line, (_, gap) in zip(lines(name), pairs(question), strict=True):
        kind, text, figure, tolerance = line
        assert kind == "NUM"
        assert text.strip()
        assert "−" not in figure
        for right in (gap.right.figure, *edges(gap.right)):
            assert abs(float(right) - float(figure)) <= float(tolerance)
        for wrong in gap.wrong:
            assert abs(float(wrong.given.figure) - float(figure)) > float(tolerance)


def test_a_question_alone_has_all_that_is_given() -> None:
    for line in lines("lab9"):
        assert r"W^{(1)} = \begin{bmatrix}" in line[1]
        assert line[1].endswith("?</p>")


def test_more_lines_than_blackboard_reads_are_refused() -> None:
    with pytest.raises(OptionError, match=f"reads {MOST_LINES} lines.*fewer sheets"):
        quiz_files("blackboard", worked("lab9", 6), Path("x.txt"))
