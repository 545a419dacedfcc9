"""Rows of a table, one block at a time: what every reader of a kind of file gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from handgrad.errors import NumberError

FEW = 8
"""Row numbers that an error lists."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows: their numbers, one row a case, and by row what is wrong with it.

    `lines` are the rows' places in the file, counted from 1; a bad row holds NaN.
    """

    rows: np.ndarray[Any, np.dtype[np.float64]]
    lines: np.ndarray[Any, np.dtype[np.int64]]
    bad: dict[int, str]


class Rows(Protocol):
    """A table: where it stands, its columns' names if it has them, how many columns and rows."""

    where: str
    columns: tuple[str, ...] | None
    width: int
    count: int | None
    unit: str

    def blocks(self, size: int) -> Iterator[Block]:
        """The rows in order, `size` at a time."""


def checked(rows: Any, first: int) -> Block:
    """A block of numbers with the rows that hold a NaN or an infinity marked."""
    rows = np.asarray(rows, dtype=np.float64)
    lines = np.arange(first, first + len(rows))
    bad: dict[int, str] = {}
    finite = np.isfinite(rows)
    if not finite.all():
        for row in np.flatnonzero(~finite.all(axis=1)):
            column = int(np.argmin(finite[row]))
            what = "NaN" if np.isnan(rows[row, column]) else "an infinity"
            bad[int(row)] = f"column {column + 1} holds {what}"
    return Block(rows, lines, bad)


def unreadable(path: Path, error: Exception) -> NumberError:
    """The error for a file that is missing or damaged."""
    reason = getattr(error, "strerror", None) or (str(error).splitlines() or ["it is damaged"])[0]
    return NumberError(f"cannot be read: {reason[:120]}", where=path.name[:200])
