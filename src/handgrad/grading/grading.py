"""The verb `grade`: from the answers of a class to its report."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from handgrad.checking import Checker, CheckReport
from handgrad.checking.marks import RubricSource
from handgrad.checking.remark_words import unused_text
from handgrad.files import check_writable, waiting
from handgrad.grading.batch import Batch
from handgrad.grading.class_report import ClassReport, StudentMarks
from handgrad.grading.dask import grade_on_dask
from handgrad.grading.examples import with_own
from handgrad.grading.graded import Graded
from handgrad.grading.grader import grade_batches
from handgrad.grading.intake import Intake, Portion
from handgrad.grading.marks_table import MarksTable
from handgrad.grading.own_numbers import OwnNumbers
from handgrad.grading.summing import class_report, in_order, students_of
from handgrad.grading.tally import ClassTally
from handgrad.problem import Problem
from handgrad.problem.expected import expect_problem

Sheets: TypeAlias = str | Path | Sequence[str | Path]
"""Where answers are: files, folders, archives, or several of them."""


@dataclass(frozen=True, eq=False)
class GradedSheet:
    """One sheet as it was graded; `number` counts the sheets in the order in which they were read."""

    number: int
    portion: Portion
    row: int
    checker: Checker

    @property
    def id(self) -> str:
        """Whose it is."""
        return self.portion.batch.ids[self.row]

    def report(self) -> CheckReport:
        """The report on it alone, with the student's own numbers and all that there is to say of it."""
        checker, own = self.checker, self.portion.own(self.row)
        if own:
            checker = Checker(with_own(checker.problem, own), checker.rubric)
        return checker.check(self.portion.answers(self.row))


def grade(
    problem: Problem,
    answers: Sheets,
    *,
    problems: str | Path | None = None,
    rubric: RubricSource = None,
    marks: str | Path | None = None,
    student: str | None = None,
    force: bool = False,
) -> ClassReport:
    """A class's answer sheets graded, with what the class misunderstands.

    Arguments:
        problem: the problem that they answer.
        answers: a folder, a .zip archive, a file for each student (.toml, .json, .csv), or a table with a row for
            each (.csv, .tsv, .parquet, .xlsx), such as a learning system exports; or several of them.
        problems: a folder with each student's own problem, as `practice --problems` writes it.
        rubric: marks, from a TOML file or a mapping; one for each quantity by default.
        marks: a .csv file for the marks of each student, written as the sheets are read.
        student: the heading of a table's column that says whose a row is; `student`, `id` or `email` by default.
        force: replace `marks` where it exists already.

    Raises `OptionError` where there are no such files, and `HandgradError` where the problem or the rubric cannot be
    used. A sheet that cannot be read is no error: it is among the report's `unread`.

        >>> report = handgrad.grade(handgrad.load("lab9"), "answers/")  # doctest: +SKIP
        >>> [m.rule for m in report.misconceptions]  # doctest: +SKIP
        ['outer_transposed', 'gate_forgotten']
    """
    grading = Grading(problem, problems=problems, rubric=rubric, student=student)
    if marks is None:
        return grading.run(answers)
    path = Path(marks)
    check_writable([path], force)
    with waiting() as files, files.opened(path) as file:
        return grading.run(answers, table=grading.table(file))


class Grading:
    """A problem ready to have a class's answers graded.

    The arguments are those of `grade`; `blanks` is what was left blank in a question of a learning system, as for
    `practice`; all by default.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        problems: str | Path | None = None,
        rubric: RubricSource = None,
        student: str | None = None,
        blanks: Sequence[str] = (),
    ) -> None:
        expect_problem(problem)
        self.problem = problem
        self.checker = Checker(problem, rubric)
        self.own = OwnNumbers(problem, Path(problems)) if problems is not None else None
        self.student, self.blanks = student, tuple(blanks)
        ordered = sorted(self.checker.work.structure.quantities, key=lambda q: q.order)
        self.steps = {q.target: q.step for q in ordered}
        marked = self.checker.rubric.quantities
        self.targets = tuple(q.target for q in ordered if q.asked or q.target in marked)

    def table(self, file: IO[bytes]) -> MarksTable:
        """A table of marks to be written to a file."""
        return MarksTable(file, self.targets)

    def run(
        self,
        answers: Sheets,
        *,
        keep: bool = True,
        workers: int = 1,
        dask: str = "",
        table: MarksTable | None = None,
        each: Callable[[GradedSheet], None] | None = None,
    ) -> ClassReport:
        """Grades all sheets.

        Arguments:
            answers: where they are.
            keep: whether the report keeps the marks of each student; without, memory does not grow with the class.
            workers: processes that grade a class of many sheets.
            dask: the address of a Dask scheduler whose workers grade instead, such as `tcp://10.0.0.1:8786`.
            table: where the marks are written.
            each: called with every sheet, once it is graded.
        """
        paths = [Path(a) for a in ([answers] if isinstance(answers, str | Path) else answers)]
        intake = Intake(self.checker, self.own, self.student, self.blanks)
        tally = ClassTally(self.steps)
        kept: list[tuple[int, StudentMarks]] = []
        for graded, portion in self._graded(intake.portions(paths), workers, dask):
            tally.add(graded, portion)
            for row, remarks in sorted(graded.remarks.items()):
                for remark in remarks:
                    intake.odd.tell(portion.places[row], unused_text(remark), "part")
            if table is not None:
                table.add(graded, portion.numbers)
            if keep:
                kept += zip(portion.numbers, students_of(graded, self.steps), strict=True)
            if each is not None:
                for row, number in enumerate(portion.numbers):
                    each(GradedSheet(number, portion, row, self.checker))
        if table is not None:
            table.finish()
        return class_report(self.checker, intake, tally, in_order(kept) if keep else None)

    def _graded(
        self, portions: Iterator[Portion], workers: int, dask: str
    ) -> Iterator[tuple[Graded, Portion]]:
        """The sheets in batches, each with what came of it."""
        under_way: deque[Portion] = deque()

        def batches() -> Iterator[Batch]:
            for portion in portions:
                under_way.append(portion)
                yield portion.batch

        if dask:
            found = grade_on_dask(self.problem, self.checker.rubric, batches(), dask)
        else:
            found = grade_batches(self.problem, self.checker.rubric, batches(), workers)
        for graded in found:
            yield graded, under_way.popleft()
