"""Sheets that the tests of every system give out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

import handgrad
from handgrad.checking import Checker
from handgrad.exercises import WorkedSheets
from handgrad.quizzes import quiz_files
from handgrad.quizzes.asking import quiz_questions
from handgrad.quizzes.question import AskedQuantity, Gap, QuizQuestion, Taken
from handgrad.quizzes.sharing import share_right

PROBLEMS = ("lab9", "softmax", "batch", "rnn", "sigmoid_circuit", "adam")
"""A network of ReLUs, classes, many cases, time steps, scalars alone, and an update whose numbers may round to 0."""

ADAM = '''
title = "Adam"
equations = """
z = w*x + b
L = (z - y)**2
"""
[parameters]
w = 0.5
b = -0.2
[data]
x = 2
y = 1.2
[update]
rate = 0.1
rule = "adam"
'''


def problem(name: str) -> handgrad.Problem:
    """A bundled problem, or the one above."""
    return handgrad.loads(ADAM) if name == "adam" else handgrad.load(name)


@cache
def worked(name: str = "lab9", count: int = 1, seed: int = 0, decimals: int = 4) -> WorkedSheets:
    """Sheets of a bundled problem."""
    sheets = handgrad.practice(problem(name), count=count, seed=seed)
    return sheets.worked(decimals=decimals)


@cache
def questions(
    name: str = "lab9", count: int = 1, seed: int = 0, decimals: int = 4
) -> tuple[QuizQuestion, ...]:
    """The same as questions."""
    return quiz_questions(worked(name, count, seed, decimals))


@cache
def files(system: str, name: str = "lab9", path: str = "out", count: int = 1) -> dict[Path, bytes]:
    """What is written of them for a system."""
    return quiz_files(system, worked(name, count), Path(path))


def pairs(question: QuizQuestion) -> list[tuple[AskedQuantity, Gap]]:
    """Every gap with the quantity that it is of."""
    return [(asked, gap) for asked in question.asked for gap in asked.gaps]


def edges(accepted: Taken, decimals: int = 4) -> list[str]:
    """The outermost figures with so many decimals that `check` takes for a number."""
    unit = 10.0**-decimals
    first = int(-(-(accepted.lower + 1e-9 * unit) // unit))
    last = int((accepted.upper - 1e-9 * unit) // unit)
    return [f"{k * unit:.{decimals}f}" for k in (first, last)]


def shares(
    question: QuizQuestion, entered: Mapping[tuple[str, tuple[int, ...]], str]
) -> dict[str, float]:
    """By quantity, the share of its entries that `check` takes for right, or for following from what came before."""
    figures = {}
    for asked in question.asked:
        array = np.empty(asked.shape, dtype=object)
        for gap in asked.gaps:
            array[gap.at] = entered[asked.target, gap.at]
        figures[asked.target] = array.tolist()
    report = Checker(question.sheet.problem).check(figures)
    return {asked.target: share_right(report[asked.target]) for asked in question.asked}
