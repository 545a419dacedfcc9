"""The verb `practice`."""

from __future__ import annotations

from pathlib import Path

from handgrad.exercises.requirements import Requirements, requirements
from handgrad.exercises.sheets import SheetSet, for_students, numbered
from handgrad.exercises.students import read_roster
from handgrad.problem import Problem
from handgrad.problem.expected import expect_problem


def practice(
    problem: Problem,
    asked: Requirements | str = "medium",
    *,
    count: int = 1,
    seed: int = 0,
    roster: str | Path | None = None,
) -> SheetSet:
    """Sheets of the same equations with numbers that a person can carry.

    Arguments:
        problem: the equations; data that mean something, such as one-hot rows, keep their meaning.
        asked: how hard, "easy", "medium" or "hard", or what `requirements` returns.
        count: how many sheets.
        seed: what the numbers are drawn from; the same sheets come from it on every machine.
        roster: a CSV file of students, each of whom gets a sheet of their own, whatever `count` is.

    Raises `OptionError` where what is asked for cannot be had, or the roster cannot be read.

        >>> sheets = handgrad.practice(handgrad.load("lab9"), "easy", count=3)
        >>> [sheet.label for sheet in sheets]
        ['sheet 1', 'sheet 2', 'sheet 3']
    """
    expect_problem(problem)
    wishes = requirements(asked) if isinstance(asked, str) else asked
    if roster is not None:
        return SheetSet(for_students(problem, wishes, read_roster(Path(roster)), seed))
    return SheetSet(numbered(problem, wishes, count, seed))
