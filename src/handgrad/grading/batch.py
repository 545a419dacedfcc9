"""The answer sheets of many students, in columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import OptionError

Cells: TypeAlias = Sequence[Any] | Array
"""The cells of a column: text as it was written, numbers, or None where nothing was."""

_INDEXED = re.compile(r"\s*(.*?)\s*((?:\[\s*\d+(?:\s*,\s*\d+)*\s*\])*)\s*")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Batch:
    """Answer sheets, a row for each student.

    Arguments:
        ids: what each student is called.
        cells: by heading as it was written, such as `dW2[1,0]` with entries counted from 0, the cells of all students.
        numbers: by name, each student's own numbers, for the names that the problem gives and not all share; the
            students lie along the last axis. Empty where all have the problem's.

    Raises `OptionError` for a column of another length.
    """

    ids: tuple[str, ...]
    cells: Mapping[str, Cells]
    numbers: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for heading, column in self.cells.items():
            if len(column) != len(self):
                raise OptionError(
                    f"the column {heading[:40]} has {len(column)} cells, and there are {len(self)} students"
                )
        for name, array in self.numbers.items():
            shape = np.shape(array)
            if not shape or shape[-1] != len(self):
                raise OptionError(
                    f"the students' own {name[:40]} has the shape {shape}, and there are {len(self)} students",
                    mend="the students lie along the last axis",
                )

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<Batch: {len(self)} sheets, {len(self.cells)} columns>"

    def rows(self, start: int, stop: int) -> Batch:
        """Some of the sheets, one after the other."""
        return Batch(
            self.ids[start:stop],
            {heading: column[start:stop] for heading, column in self.cells.items()},
            {name: array[..., start:stop] for name, array in self.numbers.items()},
        )

    def parts(self, size: int) -> Iterator[Batch]:
        """The sheets in batches of at most so many."""
        for start in range(0, len(self), size):
            yield self.rows(start, start + size)


def place_of(heading: str) -> tuple[str, tuple[int, ...] | None]:
    """The name in a heading, and the entry that it is of: `dW2[1,0]` and `dW2[1][0]`; None where it names no entry."""
    found = _INDEXED.fullmatch(heading)
    if found is None or not found[1]:
        return heading.strip(), None
    index = tuple(int(k) for k in re.findall(r"\d+", found[2]))
    return found[1], index or None
