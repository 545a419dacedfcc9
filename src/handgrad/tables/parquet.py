"""Rows of a .parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from handgrad.errors import MissingExtraError, NumberError
from handgrad.tables.rows import Block, checked, unreadable


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
