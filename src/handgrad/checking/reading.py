"""Reading answers: a TOML, JSON or CSV file, a notebook, or a mapping of names to figures and arrays.

What cannot be read is among the unused, and the rest is checked: a file that ends in the
middle is read as far as it goes.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from handgrad.checking.figures import WrittenEntry, from_array, from_cells
from handgrad.checking.leniently import tables_of
from handgrad.checking.notebooks import notebook_tables
from handgrad.checking.remark_words import fault_text, unused_text
from handgrad.checking.remarks import (
    ArrayFault,
    ArrayUnread,
    CasesUnlisted,
    DamagedJson,
    NoArray,
    NotFigures,
    NotReal,
    RaggedArray,
    RaggedMatrix,
    RowWithoutName,
    TableInside,
    TooDeep,
    UnreadRow,
    Unused,
)
from handgrad.errors import OptionError

LARGEST = 100_000_000
"""Bytes in an answers file, at most."""

DEEPEST = 8
ATTEMPTS = 40
"""Places at which a broken file is cut, at most, until the part before it can be read."""


@dataclass
class Answers:
    """What was entered, by name as it was written.

    `unused` are the things that could not be read.
    """

    entries: dict[str, WrittenEntry] = field(default_factory=dict)
    updated: dict[str, WrittenEntry] = field(default_factory=dict)
    unused: list[Unused] = field(default_factory=list)
    where: str = ""


AnswersSource: TypeAlias = Answers | str | Path | Mapping[str, object]
"""Answers, or the file that has them, or figures by name."""


def read_answers(source: AnswersSource) -> Answers:
    """Answers from a path to a file, or from a mapping of names to figures.

    Raises `OptionError` where nothing at all can be read.
    """
    match source:
        case Answers():
            return source
        case Mapping():
            return from_mapping(source)
        case str() | Path():
            return read_file(Path(source))
        case _:
            raise OptionError(
                f"answers are a file or a mapping of names to figures, not {type(source).__name__}"
            )


def read_file(path: Path) -> Answers:
    """The answers in a .toml, .json, .csv or .ipynb file."""
    try:
        if path.is_dir():
            raise OptionError("is a folder, not an answers file", where=str(path))
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise OptionError(f"cannot be read: {reason}", where=str(path)[:200]) from None
    if len(raw) > LARGEST:
        raise OptionError(f"is larger than {LARGEST // 1_000_000} MB", where=path.name)
    return read_content(raw, path.suffix.lower(), path.name)


def read_content(raw: bytes, kind: str, where: str) -> Answers:
    """Answers from the content of a file whose name ends in `kind`."""
    return read_text(_decoded(raw, where), kind, where)


def _decoded(raw: bytes, where: str) -> str:
    for encoding in (
        ("utf-8-sig", "utf-16") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",)
    ):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError as error:
            at = error.start
    raise OptionError(f"is not UTF-8 text (byte {at})", where=where)


def read_text(text: str, kind: str, where: str) -> Answers:
    """Answers from the text of a file whose name ends in `kind`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("−", "-")
    try:
        table, unread = _tables(text, kind, where)
        if not table:
            first = unused_text(unread[0], rest=False) if unread else "holds no answers"
            raise ValueError(first)
    except ValueError as error:
        raise OptionError(str(error), where=where, mend="write z1 = [0.6, 0.1]") from None
    answers = from_mapping(table)
    answers.unused[:0] = unread
    answers.where = where
    return answers


def _tables(text: str, kind: str, where: str) -> tuple[dict[str, Any], Sequence[Unused]]:
    """What stands in a file, and what of it cannot be read. Raises `ValueError` where nothing can be."""
    match kind:
        case ".toml" | ".txt" | "":
            return tables_of(text)
        case ".json":
            return _json(text)
        case ".csv" | ".tsv":
            return _csv(text)
        case ".ipynb":
            return notebook_tables(text)
        case _:
            raise OptionError(
                f"an answers file is .toml, .json, .csv or .ipynb, not {kind[:20]}", where=where
            )


def with_answers(answers: Answers, more: Mapping[str, Any]) -> Answers:
    """Answers with others added to them."""
    other = from_mapping(more)
    return Answers(
        {**answers.entries, **other.entries},
        {**answers.updated, **other.updated},
        [*answers.unused, *other.unused],
        answers.where,
    )


# -- mappings ------------------------------------------------------------------------------------


def from_mapping(table: Mapping[Any, Any]) -> Answers:
    """Answers from names and figures; parameters after the update stand in a mapping `updated`."""
    answers = Answers()
    for key, value in table.items():
        name = str(key)
        if isinstance(value, Mapping) and set(value) == {"grad"}:
            # W1.grad = … is a table to TOML.
            name, value = f"{name}_grad", value["grad"]
        if isinstance(value, Mapping) and set(value) != {"cases"}:
            if name.strip().lower() not in ("updated", "update", "new"):
                answers.unused.append(NotFigures(name))
                continue
            for parameter, inner in value.items():
                _enter(answers, answers.updated, str(parameter), inner, "updated.")
            continue
        _enter(answers, answers.entries, name, value)
    return answers


def _enter(
    answers: Answers, into: dict[str, WrittenEntry], name: str, value: Any, section: str = ""
) -> None:
    try:
        into[name] = entry_of(value)
    except NoArrayError as error:
        answers.unused.append(NoArray(section + name, error.fault))
    except ValueError:
        answers.unused.append(NoArray(section + name, ArrayUnread()))


class NoArrayError(ValueError):
    """Something that is no array of figures, and why."""

    def __init__(self, fault: ArrayFault) -> None:
        super().__init__(fault_text(fault))
        self.fault = fault


def entry_of(value: Any) -> WrittenEntry:
    """The figures of one quantity. Raises `NoArrayError` for what is no array."""
    if isinstance(value, WrittenEntry):
        return value
    if isinstance(value, Mapping):
        if set(value) != {"cases"}:
            raise NoArrayError(TableInside())
        one = entry_of(value["cases"])
        if not one.shape:
            raise NoArrayError(CasesUnlisted())
        return one.cases_last()
    if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
        return _of_array(value)
    cells: list[str] = []
    shape = _flattened(value, cells, 0)
    return from_cells(cells, shape)


def _of_array(value: Any) -> WrittenEntry:
    if hasattr(value, "detach"):
        value = value.detach()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        raise NoArrayError(ArrayUnread()) from None
    if array.dtype == object:
        return entry_of(array.tolist())
    if array.dtype.kind not in "iufb" or array.dtype.kind == "b":
        raise NoArrayError(NotReal(str(array.dtype)))
    return from_array(array)


def _flattened(value: Any, cells: list[str], depth: int) -> tuple[int, ...]:
    """The shape of nested lists, whose cells are added to `cells` in order, as text."""
    if not isinstance(value, list | tuple):
        cells.append(cell_text(value))
        return ()
    if depth >= DEEPEST:
        raise NoArrayError(TooDeep(DEEPEST))
    if value and not any(isinstance(v, list | tuple) for v in value):
        cells.extend([v if type(v) is str else cell_text(v) for v in value])
        return (len(value),)
    shapes = [_flattened(v, cells, depth + 1) for v in value]
    for position, shape in enumerate(shapes):
        if shape != shapes[0]:
            if len(shape) == len(shapes[0]) == 1:
                raise NoArrayError(RaggedMatrix(position + 1, shape[0], shapes[0][0]))
            raise NoArrayError(RaggedArray(position + 1))
    return (len(value), *(shapes[0] if shapes else ()))


def cell_text(value: Any) -> str:
    """The text of one cell, as it was written or as a program has it; empty where nothing was."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case None:
            return ""
        case int() | float() | Decimal() | Fraction():
            return str(value)
        case np.generic() | np.ndarray():
            return repr(value.item())
        case _:
            return str(value)[:60]


# -- JSON ----------------------------------------------------------------------------------------


def _json(text: str) -> tuple[dict[str, Any], Sequence[Unused]]:
    damaged: list[Unused] = []
    try:
        table = _loaded(text)
    except (ValueError, RecursionError) as error:
        at = getattr(error, "pos", len(text))
        table = None
        for cut in reversed(_ends(text[:at])[-ATTEMPTS:]):
            try:
                table = _loaded(cut)
            except (ValueError, RecursionError):
                continue
            # A line that the file ends with is no line of its own.
            line = text.count("\n", 0, min(at, len(text.rstrip()))) + 1
            damaged.append(DamagedJson(line))
            break
        if table is None:
            raise ValueError(f"is not valid JSON: {str(error)[:120]}") from None
    if not isinstance(table, dict):
        raise ValueError("a JSON answers file holds one object of names and figures")
    for name in ("answers", "values"):
        if isinstance(table.get(name), dict) and len(table) <= 3:
            table = {**table[name], **({"updated": table["updated"]} if "updated" in table else {})}
    return {k: v for k, v in table.items() if k not in ("schema", "$schema")}, damaged


def _loaded(text: str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def _ends(text: str) -> list[str]:
    """The text cut after each member of its object that is whole, with the brackets closed."""
    cuts: list[tuple[int, int]] = []
    brackets: list[str] = []
    quoted = escaped = False
    for position, letter in enumerate(text):
        if quoted:
            quoted = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            quoted = True
        elif letter in "{[":
            brackets.append(letter)
        elif letter in "}]":
            if brackets:
                brackets.pop()
            cuts.append((position + 1, len(brackets)))
        elif letter == "," and set(brackets) == {"{"}:
            cuts.append((position, len(brackets)))
    return [text[:at] + "}" * depth for at, depth in cuts]


# -- CSV -----------------------------------------------------------------------------------------


def _csv(text: str) -> tuple[dict[str, Any], Sequence[Unused]]:
    """A row begins with a quantity's name; rows without a name go on with its matrix.

    Cells are separated by commas, semicolons or tabs; a decimal comma stands in a quoted cell.
    """
    first = next((line for line in text.split("\n") if line.strip()), "")
    separator = ";" if ";" in first else "\t" if "\t" in first else ","
    table: dict[str, Any] = {}
    updated: dict[str, Any] = {}
    unread: list[Unused] = []
    rows: list[list[str]] | None = None
    section = False
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=separator), 1):
            name, *row = [cell.strip() for cell in cells] or [""]
            while row and not row[-1]:
                row.pop()
            if name.lower() in ("quantity", "name", "target") or (name.startswith("#")):
                continue
            if name.lower() in ("updated", "[updated]") and not row:
                section = True
                continue
            if name:
                rows = []
                (updated if section else table)[name] = rows
            if rows is None:
                if row:
                    unread.append(RowWithoutName(number))
                continue
            if row:
                rows.append(row)
    except csv.Error as error:
        unread.append(UnreadRow(number + 1, str(error)))
    result = {name: _matrix(rows) for name, rows in table.items()}
    if updated:
        result["updated"] = {name: _matrix(rows) for name, rows in updated.items()}
    return result, unread


def _matrix(rows: list[list[str]]) -> Any:
    if not rows:
        return ""
    if len(rows) == 1:
        return rows[0][0] if len(rows[0]) == 1 else rows[0]
    return [row[0] for row in rows] if all(len(r) == 1 for r in rows) else rows
