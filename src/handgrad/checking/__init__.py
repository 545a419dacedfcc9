"""Checking a student's work: figures, code, and figures in print.

Every entered figure gets a verdict that allows for the rounding it shows, work that follows from an
earlier slip is credited, and what is wrong is traced to the wrong rule that reproduces it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handgrad.checking.blanks import Blank as Blank
    from handgrad.checking.check_report import CheckReport as CheckReport
    from handgrad.checking.checking import Checker as Checker
    from handgrad.checking.marks import RubricSource
    from handgrad.checking.reading import AnswersSource
    from handgrad.checking.report import Diagnosis as Diagnosis
    from handgrad.checking.report import Judged as Judged
    from handgrad.problem import Problem


def check(
    problem: Problem,
    answers: AnswersSource | None = None,
    *,
    rubric: RubricSource = None,
    as_printed: bool = False,
    **given: object,
) -> CheckReport:
    """The report on answers to a problem.

    Arguments:
        problem: the problem that they answer.
        answers: a file (.toml, .json, .csv), or a mapping of names to figures or arrays.
        rubric: marks, from a TOML file or a mapping; one for each quantity by default.
        as_printed: judge figures in print, each for itself.
        given: further answers by name: `check(problem, dW2=[[…]])`.

    Raises `HandgradError` where the answers cannot be used at all.

        >>> report = handgrad.check(handgrad.load("lab9"), b3_new="0.3365", db2=[-0.2192, 0.1462])
        >>> [step.target for step in report.wrong]
        ['db2']
    """
    from handgrad.checking.checking import Checker
    from handgrad.checking.reading import read_answers, with_answers

    read = with_answers(read_answers(answers if answers is not None else {}), given)
    checker = Checker(problem, rubric)
    return checker.check_printed(read) if as_printed else checker.check(read)


def check_code(
    problem: Problem, function: Callable[..., Any], *, rubric: RubricSource = None
) -> CheckReport:
    """The report on a student's own forward and backward pass; see `handgrad.checking.code`.

    >>> def mine(x, y, W1, b1, W2, b2, w3, b3):
    ...     return {"z1": W1 @ x + b1}
    >>> handgrad.check_code(handgrad.load("lab9"), mine).all_well
    True
    """
    from handgrad.checking.code import check_code

    return check_code(problem, function, rubric)


def assert_gradients(problem: Problem, gradients: Mapping[str, object]) -> None:
    """Raises `AssertionError`, with what went wrong, unless every gradient is right.

    `gradients` has an array by the name of what it is the gradient of ("W1"), or by its own ("dW1").

        >>> lab = handgrad.load("lab9")
        >>> handgrad.assert_gradients(lab, {"W2": handgrad.run(lab).gradient("W2")})
    """
    from handgrad.checking.code import assert_gradients

    assert_gradients(problem, gradients)


_WHEN_ASKED_FOR = {
    "Blank": "handgrad.checking.blanks",
    "Checker": "handgrad.checking.checking",
    "Diagnosis": "handgrad.checking.report",
    "Judged": "handgrad.checking.report",
    "CheckReport": "handgrad.checking.check_report",
}


def __getattr__(name: str) -> Any:
    if name not in _WHEN_ASKED_FOR:
        raise AttributeError(f"module 'handgrad.checking' has no attribute {name!r}")
    return getattr(import_module(_WHEN_ASKED_FOR[name]), name)
