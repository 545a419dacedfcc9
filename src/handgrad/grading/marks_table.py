"""Marks as a table: a line for each student, as gradebooks read it, written as the sheets are graded."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import IO

from handgrad.grading.class_report import StudentMarks

LEADING = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


class MarksTable:
    """A table of marks on its way to a file, in the order in which the sheets were read.

    Arguments:
        file: where it is written, as UTF-8.
        targets: the quantities that have a column.
    """

    def __init__(self, file: IO[bytes], targets: Sequence[str]) -> None:
        self._file = file
        self._targets = tuple(targets)
        self._waiting: dict[int, StudentMarks] = {}
        self._next = 0
        # A mark at the beginning, so that Excel reads UTF-8.
        file.write("\ufeff".encode())
        self._write(["student", "marks", "out_of", *self._targets, "mistakes"])

    def add(self, number: int, student: StudentMarks) -> None:
        """A student, whose sheet was read after so many others."""
        self._waiting[number] = student
        while (ready := self._waiting.pop(self._next, None)) is not None:
            self._next += 1
            self._line(ready)

    def finish(self) -> None:
        """Writes those that wait for sheets that could not be graded after all."""
        for number in sorted(self._waiting):
            self._line(self._waiting[number])
        self._waiting.clear()

    def _line(self, student: StudentMarks) -> None:
        by_target = {s.target: s for s in student.steps}
        earned = [_number(by_target[t].marks) if t in by_target else "" for t in self._targets]
        wrong = [s for s in student.steps if s.verdict == "wrong"]
        mistakes = "; ".join(f"{s.target} {s.rule or 'unexplained'}" for s in wrong)
        totals = (_number(student.marks), _number(student.out_of))
        self._write([_safe(student.id), *totals, *earned, mistakes])

    def _write(self, cells: Sequence[str]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        self._file.write(line.getvalue().encode("utf-8", "replace"))


def _number(value: float) -> str:
    return f"{round(value, 6):.12g}"


def _safe(text: str) -> str:
    """A cell that no spreadsheet runs as a formula: a student chooses what a file is called."""
    if not text.startswith(LEADING):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
