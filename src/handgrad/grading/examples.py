"""One student's sheet with a mistake in it, told without saying whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handgrad.arrays import Array
from handgrad.checking import Checker, CheckReport
from handgrad.checking.page import most_decimals, rule_blocks, written_relations
from handgrad.checking.report import Judged
from handgrad.page.blocks import Block, Derivation
from handgrad.problem import Problem
from handgrad.problem.given import Given

if TYPE_CHECKING:
    from handgrad.grading.class_report import ClassReport, Misconception


@dataclass(frozen=True, eq=False)
class ToldExample:
    """An example worked through: what was written, and how it is done.

    Arguments:
        judged: the quantity in which the mistake is.
        written: the figures that were entered.
        worked: the rule broken and the rule as it is, with the numbers put in.
        decimals: those of the figures.
    """

    judged: Judged
    written: Derivation
    worked: tuple[Block, ...]
    decimals: int


def told_example(report: ClassReport, misconception: Misconception) -> ToldExample:
    """The example of a misconception, from the sheet checked by itself."""
    example = misconception.example
    checker = Checker(with_own(report.problem, example.own), report.rubric)
    checked: CheckReport = checker.check(example.answers)
    judged = checked[example.target]
    return ToldExample(
        judged,
        Derivation(tuple(written_relations(judged, "a student wrote"))),
        tuple(rule_blocks(checked.trace, judged, worked=True)),
        most_decimals([judged]),
    )


def with_own(problem: Problem, own: Mapping[str, Array]) -> Problem:
    """The problem with a student's own numbers."""
    if not own:
        return problem
    inputs = problem.inputs
    numbers = {n: Given(np.asarray(array), inputs[n].batched) for n, array in own.items()}
    return problem.with_values(numbers)
