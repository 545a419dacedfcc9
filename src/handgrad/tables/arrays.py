"""Rows of an array in a .npy file, or of one of those in a .npz file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from handgrad.errors import NumberError
from handgrad.tables.rows import Block, Rows, checked, unreadable


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


def archived(path: Path, names: Sequence[str]) -> list[tuple[Rows, Sequence[str]]]:
    """The arrays of an archive that have one of these names, or its only one.

    Raises `NumberError` where there is none.
    """
    members = archive_members(path)
    named = [n for n in names if n in members]
    if named:
        return [(ArrayRows(path, n), [n]) for n in named]
    if len(members) == 1:
        return [(ArrayRows(path, members[0]), names)]
    raise NumberError(
        f"has no array named {' or '.join(names)}",
        where=path.name,
        mend=f"it has {', '.join(members[:6])}" if members else "it is empty",
    )
