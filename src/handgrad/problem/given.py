"""Given numbers: a float64 array, and the way each number was written."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import NumberError

Written: TypeAlias = "str | tuple[Written, ...]"
"""Numbers as they were written, such as "1/3" or "0.10", nested as the array's rows."""

_FRACTION = re.compile(r"[+-]?\d{1,300}(\.\d{1,300})?\s*(/\s*[+-]?\d{1,300}(\.\d{1,300})?)?")
_DECIMAL = re.compile(r"[+-]?(\d{1,300}\.?\d{0,300}|\.\d{1,300})([eE][+-]?\d{1,5})?")


@dataclass(frozen=True, eq=False)
class Given:
    """The numbers of one name, in float64.

    Many cases (`batched`) lie along the last axis of `array`; `written` lists them first, as a
    problem file does, and is None for arrays that were not written number by number.
    """

    array: Array
    batched: bool = False
    written: Written | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one case."""
        shape: tuple[int, ...] = self.array.shape
        return shape[:-1] if self.batched else shape

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Given)
            and self.batched == other.batched
            and np.array_equal(self.array, other.array)
        )

    def __hash__(self) -> int:
        return hash((self.batched, self.array.shape, self.array.tobytes()))


Values: TypeAlias = Mapping[str, object]
"""Numbers by name, as `given` reads them: a type of all that it reads would refuse most dictionaries."""


def given(value: Any, where: str) -> Given:
    """Numbers from a number, a text such as "1/3", nested lists, an array, or {"cases": …}.

    Raises `NumberError` for what is not a number, ragged, empty or not finite.
    """
    if isinstance(value, Given):
        return value
    if isinstance(value, Mapping):
        if set(value) != {"cases"}:
            raise NumberError(
                f"unknown keys {', '.join(map(str, value))}",
                where=where,
                mend="many cases are { cases = [ … ] }",
            )
        one = _read(value["cases"], where, "case")
        if one.array.ndim == 0:
            raise NumberError("cases is a list with one entry for each case", where=where)
        return Given(np.ascontiguousarray(np.moveaxis(one.array, 0, -1)), True, one.written)
    return _read(value, where, "row")


def _read(value: Any, where: str, row: str) -> Given:
    """Numbers alone; `row` is what a list of the outermost is called."""
    if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
        return _from_array(value, where)
    array, written = _nested(value, where, row)
    result = np.asarray(array, dtype=np.float64)
    if result.size == 0:
        raise NumberError("there are no numbers in it", where=where)
    return Given(result, False, written)


def _from_array(value: Any, where: str) -> Given:
    try:
        array = np.array(value)
    except (TypeError, ValueError):
        raise NumberError("the array cannot be read", where=where) from None
    if array.dtype == bool or array.dtype.kind not in "iuf":
        raise NumberError(f"an array of {array.dtype} holds no real numbers", where=where)
    result = array.astype(np.float64, copy=False)
    if result.size == 0:
        raise NumberError("there are no numbers in it", where=where)
    if not np.isfinite(result).all():
        raise NumberError(
            "it holds a NaN or an infinity", where=where, mend="every number must be finite"
        )
    return Given(result)


def _nested(value: Any, where: str, row: str = "row", depth: int = 0) -> tuple[Any, Written]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        if depth > 8:
            raise NumberError("lists nest deeper than 8", where=where)
        if not value:
            raise NumberError("an empty list holds no numbers", where=where)
        items = [_nested(v, where, depth=depth + 1) for v in value]
        shapes = [np.shape(array) for array, _ in items]
        for position, shape in enumerate(shapes):
            if shape != shapes[0]:
                raise NumberError(
                    _ragged(row, position, shape, shapes[0]),
                    where=where,
                    mend=f"every {row} needs the same number of entries",
                )
        return [array for array, _ in items], tuple(written for _, written in items)
    return number(value, where)


def _ragged(row: str, position: int, shape: tuple[int, ...], first: tuple[int, ...]) -> str:
    if len(shape) == len(first) == 1:
        what = "matrix" if row == "row" else f"list of {row}s"
        return (
            f"a ragged {what}: {row} {position + 1} has {_count(shape[0])}, {row} 1 has {first[0]}"
        )
    return f"a ragged array: entry {position + 1} does not have the shape of entry 1"


def _count(numbers: int) -> str:
    return f"{numbers} number{'' if numbers == 1 else 's'}"


def number(value: Any, where: str) -> tuple[float, str]:
    """One number and the way it was written."""
    text = value.strip().replace("−", "-") if isinstance(value, str) else str(value)
    if isinstance(value, bool) or not isinstance(
        value, str | int | float | Decimal | Fraction | np.number
    ):
        raise NumberError(f"{str(value)[:40]!r} is not a number", where=where)
    try:
        result = _from_text(text) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise NumberError(
            f"{text[:40]!r} is not a number", where=where, mend='write 0.5, -2 or "1/3"'
        ) from None
    if not np.isfinite(result):
        raise NumberError(f"{text[:40]} is not a finite number", where=where)
    return result, text


def _from_text(text: str) -> float:
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _FRACTION.fullmatch(text):
        above, _, below = text.partition("/")
        return float(Fraction(above.strip()) / Fraction(below.strip() or "1"))
    raise ValueError(text)


def from_text(text: str, where: str) -> Given:
    """Numbers written on the command line: `0.5`, `1/3`, `[0, 1]`, `[[1, 2], [3, 4]]`."""
    if not text.strip().startswith("["):
        return given(text, where)
    if len(text) > 100_000:
        raise NumberError("more than 100000 characters", where=where)
    quoted = re.sub(
        r"[^\s,\[\]]+", lambda m: repr(m.group()), text.replace("'", "").replace('"', "")
    )
    try:
        value = ast.literal_eval(quoted)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise NumberError(
            f"{text[:40]!r} is not a list of numbers", where=where, mend="write [0, 1]"
        ) from None
    return given(value, where)
