"""Rows of a .csv file, one block of lines at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from handgrad.errors import NumberError
from handgrad.tables.rows import Block, checked, unreadable

LONGEST = 10_000_000
"""Characters of one line, at most."""

SEPARATORS = ",;\t"

_KEPT = re.compile(r'"[^"]*"|\[[^\]]*\]')


@dataclass
class TextRows:
    """A .csv file: numbers between commas, semicolons or tabs, with a line of names above or none.

    A first line without a single number is one of names.
    """

    path: Path

    def __post_init__(self) -> None:
        self.where, self.unit = self.path.name, "line"
        self.count: int | None = None
        with self._opened() as file:
            number, first = next(self._lines(file), (0, ""))
        if not number:
            raise NumberError("is empty", where=self.where, mend="write one case a line")
        self.separator = max(SEPARATORS, key=_KEPT.sub("", first).count)
        cells = self._cells(first)
        numeric = any(_number(c) is not None for c in cells)
        self.columns: tuple[str, ...] | None = None if numeric else tuple(cells)
        self.header = number if self.columns is not None else 0
        self.width = len(cells)

    def blocks(self, size: int) -> Iterator[Block]:
        with self._opened() as file:
            lines = self._lines(file)
            if self.header:
                next(lines)
            while taken := list(islice(lines, size)):
                yield self._block([n for n, _ in taken], [t for _, t in taken])

    def _opened(self) -> IO[str]:
        try:
            if self.path.is_dir():
                raise NumberError("is a folder, not a file", where=self.where)
            return self.path.open(encoding="utf-8-sig", errors="replace", newline=None)
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from None

    def _lines(self, file: IO[str]) -> Iterator[tuple[int, str]]:
        """The lines that are not blank, with their numbers."""
        number = 0
        while line := file.readline(LONGEST):
            number += 1
            if len(line) >= LONGEST:
                raise NumberError(f"line {number} is too long", where=self.where)
            if not line.isspace():
                yield number, line

    def _cells(self, line: str) -> list[str]:
        """The cells of a line; a separator within quotes or brackets, as in X[0,1], is none."""
        line = line.rstrip("\r\n")
        if "[" in line or '"' in line:
            line = _KEPT.sub(lambda m: m.group().replace(self.separator, "\0"), line)
        cells = [c.replace("\0", self.separator) for c in line.split(self.separator)]
        return [c.strip().strip('"').strip() for c in cells]

    def _block(self, numbers: list[int], lines: list[str]) -> Block:
        try:
            rows = np.loadtxt(lines, delimiter=self.separator, ndmin=2, comments=None)
        except ValueError:
            return self._slowly(numbers, lines)
        if rows.shape != (len(lines), self.width):
            return self._slowly(numbers, lines)
        block = checked(rows, 0)
        return Block(block.rows, np.array(numbers), block.bad)

    def _slowly(self, numbers: list[int], lines: list[str]) -> Block:
        """Cell by cell, with what is wrong with each line."""
        rows = np.full((len(lines), self.width), np.nan)
        bad: dict[int, str] = {}
        for row, line in enumerate(lines):
            cells = self._cells(line)
            if len(cells) != self.width:
                bad[row] = f"has {_columns(len(cells))}, not {self.width}"
                if not line.endswith("\n"):
                    bad[row] += " (the file ends there, in the middle of a line?)"
                continue
            for column, cell in enumerate(cells):
                value = _number(cell)
                if value is None:
                    name = self.columns[column] if self.columns is not None else f"{column + 1}"
                    said = f"{cell[:40]!r} is not a number" if cell else "there is nothing"
                    bad.setdefault(row, f"{said} in column {name[:40]}")
                else:
                    rows[row, column] = value
        block = checked(rows, 0)
        return Block(rows, np.array(numbers), {**block.bad, **bad})


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _number(text: str) -> float | None:
    try:
        return float(text.replace("−", "-")) if "_" not in text else None
    except ValueError:
        return None
