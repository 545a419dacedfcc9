"""The cells of a class by their texts: each text is read once, whoever wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from handgrad.arrays import Array
from handgrad.checking.figures import Claims, ManyEntries, WrittenFigure, is_blank, read_figure
from handgrad.checking.reading import cell_text

Codes: TypeAlias = npt.NDArray[np.int32]
"""Texts by their numbers in the order in which they were met."""


class CellTexts:
    """The texts met so far, and what each of them says."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.figures: list[WrittenFigure | None] = []
        self.blank: list[bool] = []
        self._codes: dict[str, int] = {}
        self._tables: tuple[Array, ...] | None = None
        self._kinds: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def codes(self, column: Sequence[Any] | Array) -> Codes:
        """The cells of a column, by the numbers of their texts."""
        known = self._codes
        cells = column.tolist() if isinstance(column, np.ndarray) else column
        texts = [cell if type(cell) is str else cell_text(cell) for cell in cells]
        for text in set(texts) - known.keys():
            known[text] = len(self.texts)
            self.texts.append(text)
            figure = read_figure(text)
            self.figures.append(figure)
            self.blank.append(figure is None and is_blank(text))
            self._tables = self._kinds = None
        return np.array([known[text] for text in texts], dtype=np.int32)

    def is_blank(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Whether cells were left empty."""
        blank: npt.NDArray[np.bool_] = self._told()[0][codes]
        return blank

    def is_fault(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Whether cells hold something that is no number."""
        fault: npt.NDArray[np.bool_] = self._told()[1][codes]
        return fault

    def _told(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """By text, whether it is empty, and whether it is no number."""
        if self._kinds is None:
            blank = np.array(self.blank, dtype=bool)
            read = np.array([figure is not None for figure in self.figures], dtype=bool)
            self._kinds = blank, ~(read | blank)
        return self._kinds

    def entries(self, codes: Codes, shape: tuple[int, ...]) -> ManyEntries:
        """The figures of one quantity: a row of codes for each student, a column for each of its cells."""
        if self._tables is None:
            self._tables = self._read()
        value, half, shown, wide, capped, kept = (
            np.moveaxis(table[codes], 0, -1).reshape(*shape, len(codes)) for table in self._tables
        )
        texts = [[self.texts[code] for code in row] for row in codes.tolist()]
        return ManyEntries(value, half, Claims(shown, wide, capped > 0, kept > 0), texts)

    def _read(self) -> tuple[Array, ...]:
        """By text, the value, half a unit, and the claims of its figure; those of a cell without one."""
        figures = self.figures
        claims = [(0.0, 0.0, False, True) if f is None else f.claim for f in figures]
        shown, wide, capped, kept = zip(*claims, strict=True)
        return (
            np.array([np.nan if f is None else f.value for f in figures]),
            np.array([0.0 if f is None else f.half for f in figures]),
            np.array(shown, dtype=float),
            np.array(wide, dtype=float),
            np.array(capped, dtype=float),
            np.array(kept, dtype=float),
        )
