"""Marks as a table: a line for each student, as gradebooks read it, written as the sheets are graded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import IO

import numpy as np

from handgrad.grading.graded import VERDICTS, Graded

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
        self._waiting: dict[int, list[str]] = {}
        self._next = 0
        # A mark at the beginning, so that Excel reads UTF-8.
        file.write("\ufeff".encode())
        self._write([["student", "marks", "out_of", *self._targets, "mistakes"]])

    def add(self, graded: Graded, numbers: Sequence[int]) -> None:
        """A batch; `numbers` say how many sheets were read before each of its own."""
        self._waiting.update(zip(numbers, self._lines(graded), strict=True))
        ready = []
        while (line := self._waiting.pop(self._next, None)) is not None:
            self._next += 1
            ready.append(line)
        self._write(ready)

    def finish(self) -> None:
        """Writes those that wait for sheets that could not be graded after all."""
        self._write([self._waiting[number] for number in sorted(self._waiting)])
        self._waiting.clear()

    def _lines(self, graded: Graded) -> Iterator[list[str]]:
        """A line for each student."""
        columns = {target: column for column, target in enumerate(graded.targets)}
        places = [columns.get(target) for target in self._targets]
        rules = [explained[0].rule for explained in graded.explanations]
        wrong: dict[int, list[str]] = {}
        for row, column in np.argwhere(graded.verdicts == VERDICTS.index("wrong")).tolist():
            why = int(graded.diagnosis[row, column])
            told = f"{graded.targets[column]} {rules[why] if why >= 0 else 'unexplained'}"
            wrong.setdefault(row, []).append(told)
        marks = graded.marks.tolist()
        totals = zip(graded.totals.tolist(), graded.totals_out_of.tolist(), strict=True)
        for row, (total, out_of) in enumerate(totals):
            earned = ["" if k is None else _number(marks[row][k]) for k in places]
            mistakes = "; ".join(wrong.get(row, ()))
            yield [_safe(graded.ids[row]), _number(total), _number(out_of), *earned, mistakes]

    def _write(self, lines: Sequence[Sequence[str]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        self._file.write(text.getvalue().encode("utf-8", "replace"))


@lru_cache(maxsize=4096)
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
