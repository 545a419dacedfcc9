"""Grading batches of answer sheets: many at once in arrays, and one by one where that does not decide.

What a sheet says is judged once, however many students say it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import chain, islice
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from handgrad.checking.check_report import CheckReport
from handgrad.checking.checking import Checker
from handgrad.checking.figures import Habit, Habits
from handgrad.checking.marks import MarkedBy, RubricSource, marks_of
from handgrad.checking.matching import matched
from handgrad.checking.quantities import Quantity
from handgrad.checking.remarks import Unused
from handgrad.checking.report import Diagnosis, Judged
from handgrad.checking.sheets import ManySheets, NotTogetherError, Together
from handgrad.checking.work import Work
from handgrad.grading.batch import Batch
from handgrad.grading.cells import CellTexts, Codes
from handgrad.grading.columns import SheetColumns, columns_of
from handgrad.grading.graded import UNASKED, VERDICTS, Floats, Graded
from handgrad.grading.judging import MISSING, JudgedColumn, JudgingMany
from handgrad.grading.sending import received, sent
from handgrad.problem import Problem

TOGETHER = 2048
"""Sheets that are judged at once, at most: their arrays stay in the processor's cache."""

KNOWN = 50_000
"""Sheets and texts that are remembered, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class _Verdicts:
    """What was found on one sheet, by target."""

    codes: npt.NDArray[np.uint8]
    marks: Floats
    out_of: Floats
    explained: tuple[tuple[int, tuple[Diagnosis, ...]], ...]
    remarks: tuple[Unused, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """Sheets of a batch that are to be judged.

    Arguments:
        places: by column of the batch's own that is for something, where its cells begin in a row of codes.
        codes: the texts of all cells, a row for each sheet of the batch.
    """

    batch: Batch
    columns: SheetColumns
    targets: tuple[Quantity, ...]
    places: tuple[int, ...]
    codes: Codes

    def cells(self, position: int, rows: Codes) -> Codes:
        """The cells of a column on some of the sheets."""
        start = self.places[position]
        stop = start + len(self.columns.all[position].headings)
        return self.codes[rows, start:stop]


class Grader:
    """A problem ready to have classes graded against it, any number of times.

    Arguments:
        problem: the problem.
        rubric: marks, from a TOML file or a mapping; one for each quantity by default.

    Raises `HandgradError` where the problem cannot be solved or the rubric cannot be read.
    """

    def __init__(self, problem: Problem, rubric: RubricSource = None) -> None:
        self.checker = Checker(problem, rubric)
        self._together = Together(self.checker.work)
        self._headings: tuple[str, ...] = ()
        self._forget()

    def _forget(self) -> None:
        self._texts = CellTexts()
        self._known: dict[bytes, _Verdicts] = {}

    def grade(self, batch: Batch) -> Graded:
        """The verdicts and marks of a batch. Raises `OptionError` where no column is for the problem."""
        columns = columns_of(self.checker.work, batch.cells)
        if self._headings != tuple(batch.cells) or max(len(self._texts), len(self._known)) > KNOWN:
            self._headings = tuple(batch.cells)
            self._forget()
        task = self._task(batch, columns)
        if batch.numbers:
            rows: list[_Verdicts] = self._judged(task, np.arange(len(batch), dtype=np.int32))
            return _graded(task, rows)
        keys = [row.tobytes() for row in task.codes]
        new = {key: at for at, key in enumerate(keys) if key not in self._known}
        places = np.array(list(new.values()), dtype=np.int32)
        self._known.update(zip(new, self._judged(task, places), strict=True))
        return _graded(task, [self._known[key] for key in keys])

    def report(self, batch: Batch, row: int) -> CheckReport:
        """The report on one of the sheets, with all that there is to say of it."""
        return self._report(batch, columns_of(self.checker.work, batch.cells), row)

    def _report(self, batch: Batch, columns: SheetColumns, row: int) -> CheckReport:
        own = {name: array[..., row] for name, array in batch.numbers.items()}
        checker = self.checker.at(own) if own else self.checker
        return checker.check(columns.sheet(batch, row))

    def _task(self, batch: Batch, columns: SheetColumns) -> _Task:
        texts = self._texts
        (nothing,) = texts.codes([""])
        cells: list[Codes] = []
        places = []
        for column in columns.all:
            places.append(len(cells))
            for heading in column.headings:
                cells.append(
                    np.full(len(batch), nothing)
                    if heading is None
                    else texts.codes(batch.cells[heading])
                )
        codes = np.ascontiguousarray(
            np.array(cells, dtype=np.int32).reshape(len(cells), len(batch)).T
        )
        return _Task(batch, columns, self._targets(columns), tuple(places), codes)

    def _targets(self, columns: SheetColumns) -> tuple[Quantity, ...]:
        """All that is asked for, and all that there are columns for, in the order of the steps."""
        entered = {c.quantity for c in columns.all if c.quantity is not None}
        listed = [q for q in self.checker.work.structure.quantities if q.asked or q in entered]
        return tuple(sorted(listed, key=lambda q: q.order))

    # -- judging ---------------------------------------------------------------------------------

    def _judged(self, task: _Task, rows: Codes) -> list[_Verdicts]:
        """The verdicts on some of the sheets, in their order."""
        found: dict[int, _Verdicts] = {}
        for present, group in self._groups(task, rows):
            for start in range(0, len(group), TOGETHER):
                part = group[start : start + TOGETHER]
                found.update(self._at_once(task, present, part))
        for row in rows.tolist():
            if row not in found:
                found[row] = self._alone(task, row)
        return [found[row] for row in rows.tolist()]

    def _groups(self, task: _Task, rows: Codes) -> Iterator[tuple[tuple[int, ...], Codes]]:
        """The sheets by the columns in which something stands, those that can be judged at once."""
        if not self._together.fits:
            return
        work = self.checker.work
        asked, fitting = [], []
        present = np.zeros((len(rows), len(task.columns.all)), dtype=bool)
        for k, column in enumerate(task.columns.all):
            if column.quantity is not None:
                asked.append(k)
                present[:, k] = ~self._texts.is_blank(task.cells(k, rows)).all(axis=1)
                if column.shape in _shapes(work, column.quantity):
                    fitting.append(k)
        odd = [k for k in asked if k not in fitting]
        alike = np.flatnonzero(~present[:, odd].any(axis=1))
        if not len(alike):
            return
        patterns, which = np.unique(present[alike], axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            yield (
                tuple(int(k) for k in np.flatnonzero(pattern)),
                rows[alike[which.ravel() == number]],
            )

    def _at_once(
        self, task: _Task, present: tuple[int, ...], rows: Codes
    ) -> Iterator[tuple[int, _Verdicts]]:
        """The verdicts on sheets with figures in the same columns, but for those that are to be looked at alone."""
        texts = self._texts
        own = [self._own(task.batch, row) for row in rows.tolist()] if task.batch.numbers else None
        sheets = ManySheets(self._together, len(rows), own)
        entries, every = {}, []
        for k in present:
            column, codes = task.columns.all[k], task.cells(k, rows)
            assert column.quantity is not None
            full = self.checker.work.full_shape(column.quantity)
            if column.shape != full:  # a case in each row
                by_case = codes.reshape(len(rows), full[-1], -1)
                codes = by_case.swapaxes(1, 2).reshape(len(rows), -1)
            entries[column.quantity.leaf] = texts.entries(codes, full)
            every.append(codes)
        cells = np.hstack(every) if every else np.zeros((len(rows), 0), dtype=np.int32)
        habits = [
            Habit.of(f for code in row if (f := texts.figures[code]) is not None)
            for row in cells.tolist()
        ]
        judging = JudgingMany(sheets, entries, Habits(habits))
        try:
            with np.errstate(all="ignore"):
                for quantity in self.checker.work.structure.quantities:
                    judging.take(quantity)
        except NotTogetherError:
            return
        told = self._told(task, rows)
        for at, row in enumerate(rows.tolist()):
            if not judging.undecided[at]:
                remarks = self._remarks(task, row, own[at] if own else None) if told[at] else ()
                yield row, self._verdicts(task, judging.columns, at, remarks)

    def _own(self, batch: Batch, row: int) -> Work:
        return self.checker.work.at({name: a[..., row] for name, a in batch.numbers.items()})

    def _told(self, task: _Task, rows: Codes) -> npt.NDArray[np.bool_]:
        """By sheet, whether there may be something in it that cannot be used: a cell without a number, or what
        the problem gives."""
        told: npt.NDArray[np.bool_] = np.any(self._texts.is_fault(task.codes[rows]), axis=1)
        for k, column in enumerate(task.columns.all):
            if column.quantity is None:
                told = told | np.any(~self._texts.is_blank(task.cells(k, rows)), axis=1)
        return told

    def _remarks(self, task: _Task, row: int, own: Work | None) -> tuple[Unused, ...]:
        """What cannot be used in the columns of a sheet in which there may be such."""
        rows = np.array([row], dtype=np.int32)
        columns = [
            column
            for k, column in enumerate(task.columns.all)
            if column.quantity is None or self._texts.is_fault(task.cells(k, rows)).any()
        ]
        sheet = replace(task.columns, all=tuple(columns)).sheet(task.batch, row)
        return tuple(matched(own or self.checker.work, sheet).unused)

    def _verdicts(
        self,
        task: _Task,
        columns: dict[Quantity, JudgedColumn],
        at: int,
        remarks: tuple[Unused, ...],
    ) -> _Verdicts:
        """What was found on a sheet, with its marks."""
        codes = np.full(len(task.targets), UNASKED, dtype=np.uint8)
        places, outcomes, every = [], [], []
        for k, quantity in enumerate(task.targets):
            column = columns.get(quantity)
            code = MISSING if column is None else int(column.codes[at])
            if not quantity.asked and (column is None or (code == MISSING and not remarks)):
                continue
            codes[k] = code
            explained = () if column is None else column.explained.get(at, ())
            if explained:
                every.append((k, explained))
            rule = explained[0].rule if explained else ""
            trivial = column is not None and bool(column.trivial[at])
            places.append(k)
            outcomes.append(MarkedBy(quantity, VERDICTS[code], rule, trivial))
        marks, out_of = np.zeros(len(task.targets)), np.zeros(len(task.targets))
        earned = np.array(list(marks_of(outcomes, self.checker.rubric))).reshape(-1, 2)
        marks[places], out_of[places] = earned.T
        return _Verdicts(codes, marks, out_of, tuple(every), remarks)

    def _alone(self, task: _Task, row: int) -> _Verdicts:
        report = self._report(task.batch, task.columns, row)
        return _of_steps(task.targets, report.steps, report.unused)


def _shapes(work: Work, quantity: Quantity) -> tuple[tuple[int, ...], ...]:
    """The shapes in which many sheets may have the figures of a quantity: cases last, or first."""
    full = work.full_shape(quantity)
    return (full, (full[-1], *full[:-1])) if quantity.batched else (full,)


def _of_steps(
    targets: Sequence[Quantity], steps: Sequence[Judged], remarks: tuple[Unused, ...]
) -> _Verdicts:
    codes = np.full(len(targets), UNASKED, dtype=np.uint8)
    marks, out_of = np.zeros(len(targets)), np.zeros(len(targets))
    places = {quantity.target: k for k, quantity in enumerate(targets)}
    explained = []
    for step in steps:
        k = places[step.target]
        codes[k] = VERDICTS.index(step.verdict)
        marks[k], out_of[k] = step.marks, step.out_of
        if step.diagnosis:
            explained.append((k, step.diagnosis))
    return _Verdicts(codes, marks, out_of, tuple(explained), remarks)


def _graded(task: _Task, rows: list[_Verdicts]) -> Graded:
    """The verdicts on all sheets of a batch, in arrays."""
    size = (len(rows), len(task.targets))
    diagnosis = np.full(size, -1, dtype=np.int32)
    every: dict[tuple[Diagnosis, ...], int] = {}
    by_identity: dict[int, int] = {}
    for row, found in enumerate(rows):
        for k, explained in found.explained:
            number = by_identity.get(id(explained))
            if number is None:
                number = by_identity[id(explained)] = every.setdefault(explained, len(every))
            diagnosis[row, k] = number

    return Graded(
        task.batch.ids,
        tuple(quantity.target for quantity in task.targets),
        np.array([found.codes for found in rows], dtype=np.uint8).reshape(size),
        np.array([found.marks for found in rows], dtype=float).reshape(size),
        np.array([found.out_of for found in rows], dtype=float).reshape(size),
        diagnosis,
        tuple(every),
        {row: found.remarks for row, found in enumerate(rows) if found.remarks},
        task.columns.unused,
    )


WAITING = 2
"""Batches that wait for each worker, at most: memory does not grow with the class."""


ALONE = 2000
"""Sheets of a class that are graded before other processes are begun."""


def grade_batches(
    problem: Problem, rubric: RubricSource, batches: Iterable[Batch], workers: int = 2
) -> Iterator[Graded]:
    """The batches graded, in their order, by several processes at once.

    A program that asks for more than one worker does so below `if __name__ == "__main__":`, since its processes
    import it. What is found does not depend on how many there are, nor on whether they live: a batch whose worker
    is lost is graded here, as a class's first sheets are: to begin with processes would take longer.

    Raises `HandgradError` as `Grader` and its `grade` do.
    """
    grader = Grader(problem, rubric)
    coming = iter(batches)
    alone = 0
    for batch in coming:
        alone += len(batch)
        yield grader.grade(batch)
        if workers > 1 and alone >= ALONE:
            break
    first = list(islice(coming, 1))
    if not first:
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (problem, rubric))
    waiting: deque[tuple[Batch, Future[bytes] | None]] = deque()
    try:
        for batch in chain(first, coming):
            waiting.append((batch, _asked(pool, batch)))
            if len(waiting) > WAITING * workers:
                yield _answered(grader, *waiting.popleft())
        while waiting:
            yield _answered(grader, *waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _asked(pool: ProcessPoolExecutor, batch: Batch) -> Future[bytes] | None:
    """What a worker is to find; None where there is none left."""
    try:
        return pool.submit(_grade, batch)
    except BrokenProcessPool:
        return None


def _answered(grader: Grader, batch: Batch, asked: Future[bytes] | None) -> Graded:
    try:
        if asked is not None:
            return received(asked.result(), grader.checker.work.structure)
    except BrokenProcessPool:
        pass
    return grader.grade(batch)


_OWN: list[Grader] = []
"""A worker's grader."""


def _begin(problem: Problem, rubric: RubricSource) -> None:
    _OWN[:] = [Grader(problem, rubric)]


def _grade(batch: Batch) -> bytes:
    (grader,) = _OWN
    return sent(grader.grade(batch), grader.checker.work.structure)
