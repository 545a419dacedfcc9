"""Cases of a problem's data: blocks of numbers by name, the cases on the last axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import NumberError, OptionError, nearest
from handgrad.expression import Shape
from handgrad.problem import Problem
from handgrad.tables.columns import Field, fields_of
from handgrad.tables.readers import tables_in
from handgrad.tables.rows import FEW, Rows

BLOCK = 4096
"""Rows read at once where all are wanted."""

Values: TypeAlias = dict[str, Array]


class Cases(Protocol):
    """Many cases, as often as they are asked for, in blocks.

    `names` are the data that they give, `count` their number where it is known before they are
    read, `skipped` how many rows the last reading left out as bad.
    """

    names: tuple[str, ...]
    count: int | None
    skipped: int

    def blocks(self, size: int) -> Iterator[Values]:
        """The cases in order, at most `size` in a block, from the beginning."""


@dataclass
class ArrayCases:
    """Cases that lie in arrays, on their last axis."""

    values: Mapping[str, Array]
    skipped: int = 0

    def __post_init__(self) -> None:
        self.names = tuple(self.values)
        counts = {n: np.shape(a)[-1] if np.ndim(a) else 0 for n, a in self.values.items()}
        if len(set(counts.values())) != 1 or 0 in counts.values():
            said = " and ".join(f"{n} has {c} cases" for n, c in counts.items())
            raise OptionError(
                said or "there are no data", mend="every value needs the same number of cases"
            )
        self.count: int | None = next(iter(counts.values()))

    def blocks(self, size: int) -> Iterator[Values]:
        assert self.count is not None
        for start in range(0, self.count, size):
            yield {n: np.asarray(a)[..., start : start + size] for n, a in self.values.items()}


@dataclass
class FileCases:
    """Cases in files, read block by block: memory does not depend on how many there are.

    Raises `NumberError` while it reads, naming the rows that are bad, unless `skip_bad`. Then those
    of which `fits` does not hold are left out too.
    """

    tables: tuple[tuple[Rows, tuple[Field, ...]], ...]
    skip_bad: bool = False
    fits: Callable[[Values], Array] | None = None
    skipped: int = 0
    names: tuple[str, ...] = field(init=False)
    count: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.names = tuple(f.name for _, fields in self.tables for f in fields)
        counts = {rows.where: rows.count for rows, _ in self.tables if rows.count is not None}
        if len(set(counts.values())) > 1:
            raise self._uneven(" and ".join(f"{w} has {c} rows" for w, c in counts.items()))
        self.count = next(iter(counts.values()), None)

    def blocks(self, size: int) -> Iterator[Values]:
        self.skipped = 0
        found = False
        streams = [rows.blocks(size) for rows, _ in self.tables]
        while True:
            parts = [next(s, None) for s in streams]
            if all(p is None for p in parts):
                break
            lengths = {0 if p is None else len(p.rows) for p in parts}
            if len(lengths) > 1:
                places = " and ".join(rows.where for rows, _ in self.tables)
                raise self._uneven(f"{places} do not have the same number of rows")
            good = np.ones(lengths.pop(), dtype=bool)
            values: Values = {}
            for (rows, fields), block in zip(self.tables, parts, strict=True):
                assert block is not None
                bad = dict(block.bad)
                for each in fields:
                    for row in np.flatnonzero(each.misfits(block.rows)):
                        what = f"{each.name} is {block.rows[row, each.columns[0]]:g}, not a class from 0 to {each.shape[0] - 1}"
                        bad.setdefault(int(row), what)
                if bad and not self.skip_bad:
                    raise _bad(rows, block.lines, bad)
                good[list(bad)] = False
                values |= {each.name: each.values(block.rows) for each in fields}
            if self.skip_bad and self.fits is not None:
                good &= self.fits(values)
            self.skipped += int((~good).sum())
            if not good.all():
                values = {n: a[..., good] for n, a in values.items()}
            if good.any():
                found = True
                yield values
        if not found:
            what = "holds no row that can be used" if self.skipped else "holds no rows"
            raise NumberError(what, where=self.tables[0][0].where, mend="write one case a row")

    def arrays(self) -> Values:
        """All the cases at once, one after the other along the first axis."""
        blocks = list(self.blocks(BLOCK))
        return {
            n: np.moveaxis(np.concatenate([b[n] for b in blocks], axis=-1), -1, 0)
            for n in self.names
        }

    @staticmethod
    def _uneven(what: str) -> NumberError:
        return NumberError(what, mend="a row of each file belongs to the same case")


def _bad(rows: Rows, lines: Any, bad: Mapping[int, str]) -> NumberError:
    first, *others = sorted(bad)
    numbers = [int(lines[row]) for row in others]
    also = ""
    if numbers:
        listed = ", ".join(map(str, numbers[:FEW])) + (", …" if len(numbers) > FEW else "")
        also = f"; also {rows.unit}{'s' * (len(numbers) > 1)} {listed}"
    return NumberError(
        f"{bad[first]}{also}",
        where=f"{rows.where}, {rows.unit} {int(lines[first])}",
        mend="--skip-bad leaves such rows out and counts them",
    )


def open_cases(
    problem: Problem,
    files: str | Path | Mapping[str, str | Path],
    *,
    skip_bad: bool = False,
    fits: Callable[[Values], Array] | None = None,
) -> FileCases:
    """The cases in a .csv, .npy, .npz or .parquet file, or in a file for each of some data.

    Arguments:
        problem: whose data are read.
        files: one table, or by name of a datum the file that holds it.
        skip_bad: leave out rows with text, gaps, NaN or infinities, and count them.
        fits: of arrays by name, which of their cases can be used; with `skip_bad` alone.

    Raises `HandgradError` for files that cannot be read and columns that do not fit.
    """
    shapes: dict[str, Shape] = {n: g.shape for n, g in problem.data.items()}
    if not shapes:
        raise OptionError("the problem has no data that a file could give")
    labelled = {n for n, g in problem.data.items() if _is_label(g.array, g.shape)}
    tables: list[tuple[Rows, tuple[Field, ...]]] = []
    if not isinstance(files, Mapping):
        for rows, names in tables_in(Path(files), list(shapes)):
            tables.append((rows, fields_of(rows, {n: shapes[n] for n in names}, labelled)))
        return FileCases(tuple(tables), skip_bad, fits)
    for written, path in files.items():
        name = problem.named(written)
        if name not in shapes:
            raise OptionError(
                f"{name[:40]} is not among the problem's data", mend=nearest(name, shapes)
            )
        for rows, _ in tables_in(Path(path), [name]):
            tables.append((rows, fields_of(rows, {name: shapes[name]}, labelled)))
    return FileCases(tuple(tables), skip_bad, fits)


def _is_label(array: Array, shape: Shape) -> bool:
    """Whether the problem's own numbers are a class: a vector of zeros and a single one."""
    values = np.asarray(array)
    zeros_and_ones = bool(((values == 0) | (values == 1)).all())
    return (
        len(shape) == 1
        and shape[0] > 1
        and zeros_and_ones
        and bool((values.sum(axis=0) == 1).all())
    )
