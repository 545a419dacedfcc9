"""Figures as a person types them at a prompt, and the array that they make.

`0.42 -0.17`, `[0.42, -0.17]`, `1/3`, `−0,17`; rows on several lines, separated by `;`, or in brackets.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from handgrad.checking.figures import read_figure
from handgrad.errors import printable
from handgrad.operations.operation import describe

Cells: TypeAlias = "str | tuple[Cells, ...]"
"""Figures as they were typed, nested as the rows of an array."""

LEAST_ROOM, ROOM = 1_000, 64
"""Characters that may be typed: in any case, and for each figure asked for."""

_BRACKETS = str.maketrans("({⎡⎢⎣)}⎤⎥⎦−–\u00a0\t\r", "[[[[[]]]]]--   ")
_NAME = re.compile(r"\s*[^\W\d][^=\[\];,\s]*\s*[=:←]\s*")
_INNER_COMMA = re.compile(r"(?<=\d),(?=\d)")


@dataclass(frozen=True, slots=True)
class DrillUnfinished:
    """There are fewer figures than asked for: the next line goes on with them."""


@dataclass(frozen=True, slots=True)
class Unread:
    """What was typed is no answer, for the reason that `text` gives."""

    text: str


def read_typed(text: str, shape: tuple[int, ...]) -> Cells | DrillUnfinished | Unread:
    """The figures in a text of one or more lines, for a quantity of a shape; an empty line ends them.

    They take the shape that they are typed in where rows are told apart, and that of the
    quantity where they are only listed.
    """
    size = math.prod(shape)
    if len(text) > LEAST_ROOM + ROOM * size:
        return Unread(f"that is {len(text)} characters long; it is {describe(shape)}")
    ended = text.endswith("\n")
    text = _NAME.sub("", text.translate(_BRACKETS), count=1)
    text = re.sub(r"\s*/\s*", "/", text)
    text = re.sub(r"([+-])[ ]+(?=[\d.])", r"\1", text)
    depth = text.count("[") - text.count("]")
    if depth < 0:
        return Unread("a bracket is closed that was not opened")
    if depth > 0:
        return Unread("a bracket is not closed") if ended else DrillUnfinished()
    rows = _rows(text)
    if rows is None:
        return Unread("there are figures between the rows in brackets")
    table = _cells(rows, shape)
    for cell in (c for row in table for c in row):
        if read_figure(cell) is None:
            return Unread(f"“{printable(cell[:40])}” is not a number: write 0.42, -2 or 1/3")
    count = sum(map(len, table))
    told_apart = "[" in text or ";" in text
    if count < size and not ended and (text.rstrip().endswith(";") or not told_apart):
        return DrillUnfinished()
    return _shaped(table, shape)


def _rows(text: str) -> list[str] | None:
    """The text of each row; None where something stands outside the brackets of the rows."""
    inner = re.findall(r"\[([^\[\]]*)\]", text)
    if len(inner) > 1:
        between = re.sub(r"\[[^\[\]]*\]", "", text)
        return inner if not re.sub(r"[\[\],;\s]", "", between) else None
    found = re.split(r"[;\n]", text.replace("[", " ").replace("]", " "))
    return [row for row in found if row.strip(" ,")]


def _cells(rows: Sequence[str], shape: tuple[int, ...]) -> list[list[str]]:
    """Each row's figures: a comma separates them, or is decimal where that fits what is asked for."""
    size = math.prod(shape)
    separated = [[c for c in re.split(r"[,\s]+", row) if c] for row in rows]
    if any("." in row for row in rows) or not any(_INNER_COMMA.search(row) for row in rows):
        return separated
    decimal = [[c for c in (w.strip(",") for w in row.split()) if c] for row in rows]
    count = sum(map(len, decimal))
    whole_rows = len(shape) > 1 and all(len(row) % shape[-1] == 0 for row in decimal)
    fits = count == size or (whole_rows and count < size)
    return decimal if fits and all(c.count(",") < 2 for row in decimal for c in row) else separated


def _shaped(table: list[list[str]], shape: tuple[int, ...]) -> Cells | Unread:
    flat = [cell for row in table for cell in row]
    size = math.prod(shape)
    rows = {len(row) for row in table}
    if len(flat) == size and (len(shape) != 2 or len(table) == 1):
        return _nested(flat, shape)
    if len(rows) > 1:
        first = len(table[0])
        position = next(k for k, row in enumerate(table) if len(row) != first)
        return Unread(f"row {position + 1} has {_counted(len(table[position]))}, row 1 has {first}")
    if len(table) < 2:
        return Unread(f"there {'is' if len(flat) == 1 else 'are'} {_counted(len(flat))}, and it is {describe(shape)}")  # fmt: skip
    return _nested(flat, (len(table), rows.pop()))


def _counted(number: int) -> str:
    return f"{number or 'no'} figure{'s' * (number != 1)}"


def _nested(flat: Sequence[str], shape: tuple[int, ...]) -> Cells:
    if not shape:
        return flat[0]
    step = len(flat) // shape[0]
    return tuple(_nested(flat[k * step : (k + 1) * step], shape[1:]) for k in range(shape[0]))
