"""Rows of a table, one block at a time: arrays in .npy and .npz files, and .parquet."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from handgrad.errors import MissingExtraError, NumberError

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


@dataclass
class ArrayRows:
    """An array in a .npy file, or one of those in a .npz file; its first axis counts the cases."""

    path: Path
    member: str = ""

    def __post_init__(self) -> None:
        self.where = self.path.name + (f", {self.member}" if self.member else "")
        self.columns: tuple[str, ...] | None = None
        self.unit = "row"
        with self._opened() as file:
            shape, fortran, self.dtype = self._header(file)
            self.start = file.tell()
        if not shape:
            raise NumberError("holds one number, not a table", where=self.where)
        if fortran and len(shape) > 1:
            raise NumberError(
                "is stored column after column",
                where=self.where,
                mend="save it with numpy.save(…, numpy.ascontiguousarray(array))",
            )
        if self.dtype.kind not in "iufb" or self.dtype.hasobject:
            raise NumberError(f"holds {self.dtype}, not numbers", where=self.where)
        self.count: int | None = shape[0]
        self.shape = shape[1:]
        self.width = int(np.prod(shape[1:], dtype=int))
        if not self.member:
            self._check_length(shape[0])

    def blocks(self, size: int) -> Iterator[Block]:
        assert self.count is not None
        row_bytes = self.width * self.dtype.itemsize
        with self._opened() as file:
            file.seek(self.start) if not self.member else self._header(file)
            for first in range(0, self.count, size):
                wanted = min(size, self.count - first)
                try:
                    raw = file.read(wanted * row_bytes)
                except (zipfile.BadZipFile, EOFError, OSError):
                    raise self._ends(first) from None
                if len(raw) < wanted * row_bytes:
                    raise self._ends(first + len(raw) // max(1, row_bytes))
                array = np.frombuffer(raw, dtype=self.dtype).reshape(wanted, self.width)
                yield checked(array, first + 1)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        try:
            if not self.member:
                with self.path.open("rb") as file:
                    yield file
            else:
                with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.member}.npy") as f:
                    yield f
        except (OSError, zipfile.BadZipFile) as error:
            raise unreadable(self.path, error) from None

    def _header(self, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
        try:
            version = np.lib.format.read_magic(file)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran, dtype = read(file)
        except (ValueError, EOFError):
            raise NumberError("is not an array that NumPy saved", where=self.where) from None
        return tuple(shape), bool(fortran), dtype

    def _check_length(self, promised: int) -> None:
        row_bytes = max(1, self.width * self.dtype.itemsize)
        there = (self.path.stat().st_size - self.start) // row_bytes
        if there < promised:
            raise self._ends(there)

    def _ends(self, there: int) -> NumberError:
        return NumberError(
            f"ends in the middle: its header promises {self.count} rows, and {there} are there",
            where=self.where,
            mend="it was not written or copied whole",
        )


def archive_members(path: Path) -> tuple[str, ...]:
    """The names of the arrays in a .npz file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy"))
    except (OSError, zipfile.BadZipFile) as error:
        raise unreadable(path, error) from None


@dataclass
class ParquetRows:
    """A .parquet file."""

    path: Path

    def __post_init__(self) -> None:
        try:
            import polars
        except ModuleNotFoundError:
            raise MissingExtraError(
                "reading .parquet needs polars", mend="pip install 'handgrad[data]'"
            ) from None
        self.polars = polars
        self.where, self.unit = self.path.name, "row"
        with self._reading():
            schema = polars.read_parquet_schema(self.path)
            scanned = polars.scan_parquet(self.path)
            self.count: int | None = int(scanned.select(polars.len()).collect().item())
        for name, kind in schema.items():
            if not kind.is_numeric() and kind != polars.Boolean:
                raise NumberError(f"column {name} holds {kind}, not numbers", where=self.where)
        self.columns: tuple[str, ...] | None = tuple(schema)
        self.width = len(self.columns)

    def blocks(self, size: int) -> Iterator[Block]:
        assert self.count is not None
        for first in range(0, self.count, size):
            with self._reading():
                table = self.polars.scan_parquet(self.path).slice(first, size).collect()
                rows = table.cast(self.polars.Float64).to_numpy()
            yield checked(rows, first + 1)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (OSError, self.polars.exceptions.PolarsError) as error:
            raise unreadable(self.path, error) from None


def unreadable(path: Path, error: Exception) -> NumberError:
    """The error for a file that is missing or damaged."""
    reason = getattr(error, "strerror", None) or (str(error).splitlines() or ["it is damaged"])[0]
    return NumberError(f"cannot be read: {reason[:120]}", where=path.name[:200])
