"""Grading batches of answer sheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from handgrad.checking.check_report import CheckReport
from handgrad.checking.checking import Checker
from handgrad.checking.marks import RubricSource
from handgrad.checking.remarks import Unused
from handgrad.checking.report import Diagnosis
from handgrad.grading.batch import Batch
from handgrad.grading.columns import SheetColumns, columns_of
from handgrad.grading.graded import UNASKED, VERDICTS, Graded
from handgrad.problem import Problem


class Grader:
    """A problem ready to have classes graded against it, any number of times.

    Arguments:
        problem: the problem.
        rubric: marks, from a TOML file or a mapping; one for each quantity by default.

    Raises `HandgradError` where the problem cannot be solved or the rubric cannot be read.
    """

    def __init__(self, problem: Problem, rubric: RubricSource = None) -> None:
        self.checker = Checker(problem, rubric)

    def grade(self, batch: Batch) -> Graded:
        """The verdicts and marks of a batch. Raises `OptionError` where no column is for the problem."""
        columns = columns_of(self.checker.work, batch.cells)
        targets = self._targets(columns)
        at = {target: k for k, target in enumerate(targets)}
        size = (len(batch), len(targets))
        verdicts = np.full(size, UNASKED, dtype=np.uint8)
        marks, out_of = np.zeros(size), np.zeros(size)
        diagnosis = np.full(size, -1, dtype=np.int32)
        diagnoses: dict[Diagnosis, int] = {}
        remarks: dict[int, tuple[Unused, ...]] = {}
        for row in range(len(batch)):
            report = self._report(batch, columns, row)
            for step in report.steps:
                place = row, at[step.target]
                verdicts[place] = VERDICTS.index(step.verdict)
                marks[place], out_of[place] = step.marks, step.out_of
                if step.diagnosis:
                    best = step.diagnosis[0]
                    diagnosis[place] = diagnoses.setdefault(best, len(diagnoses))
            if report.unused:
                remarks[row] = report.unused
        return Graded(
            batch.ids,
            targets,
            verdicts,
            marks,
            out_of,
            diagnosis,
            tuple(diagnoses),
            remarks,
            columns.unused,
        )

    def report(self, batch: Batch, row: int) -> CheckReport:
        """The report on one of the sheets, with all that there is to say of it."""
        return self._report(batch, columns_of(self.checker.work, batch.cells), row)

    def _report(self, batch: Batch, columns: SheetColumns, row: int) -> CheckReport:
        own = {name: array[..., row] for name, array in batch.numbers.items()}
        checker = self.checker.at(own) if own else self.checker
        return checker.check(columns.sheet(batch, row))

    def _targets(self, columns: SheetColumns) -> tuple[str, ...]:
        """All that is asked for, and all that there are columns for, in the order of the steps."""
        entered = {c.quantity for c in columns.all if c.quantity is not None}
        listed = [q for q in self.checker.work.structure.quantities if q.asked or q in entered]
        return tuple(q.target for q in sorted(listed, key=lambda q: q.order))


def grade_batches(
    problem: Problem, rubric: RubricSource, batches: Iterable[Batch]
) -> Iterator[Graded]:
    """The batches graded one after the other, in their order."""
    grader = Grader(problem, rubric)
    for batch in batches:
        yield grader.grade(batch)
