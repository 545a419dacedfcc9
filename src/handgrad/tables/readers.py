"""The kinds of file that cases are read from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from handgrad.errors import NumberError
from handgrad.tables.arrays import ArrayRows, archived
from handgrad.tables.parquet import ParquetRows
from handgrad.tables.rows import Rows
from handgrad.tables.text import TextRows

Tables: TypeAlias = list[tuple[Rows, Sequence[str]]]
"""The tables in a file, each with the names of the data that it may give."""

Reader: TypeAlias = Callable[[Path, Sequence[str]], Tables]
"""Of a file and the data that are wanted of it. Raises `NumberError` for a file that cannot be read."""


def one_table(rows: Callable[[Path], Rows]) -> Reader:
    """The reader of files that hold a single table."""
    return lambda path, names: [(rows(path), names)]


READERS: dict[str, Reader] = {
    ".csv": one_table(TextRows),
    ".npy": one_table(ArrayRows),
    ".npz": archived,
    ".parquet": one_table(ParquetRows),
}
"""The readers, by the endings of their files."""


def tables_in(path: Path, names: Sequence[str]) -> Tables:
    """The tables in a file; raises `NumberError` where it is missing, or nothing reads its kind."""
    if not path.exists():
        raise NumberError("there is no such file", where=str(path)[:200])
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise NumberError(f"is not a {', '.join(READERS)} file", where=path.name)
    return reader(path, names)
