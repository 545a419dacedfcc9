"""Answers in a table: a row for each student, a column for whose it is, and one for each figure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, TypeAlias

from handgrad.errors import MissingExtraError, OptionError, closest
from handgrad.exercises.students import FIRST_NAMES, IDS, LAST_NAMES, NAMES
from handgrad.grading.found_files import FoundFile

ROWS = 4096
"""Rows that are read at once."""

STUDENTS = ("student", *IDS, *NAMES)
"""What a column is called that says whose a row is, the likelier first."""

BESIDE = (
    *(*FIRST_NAMES, *LAST_NAMES, "section", "group", "class", "course", "attempt", "submission"),
    *("timestamp", "time", "date", "submitted", "submitted at", "started on", "completed", "state"),
    *("time taken", "grade", "score", "points", "marks", "comment", "comments", "institution"),
)
"""What columns are called that say more of a student, and hold no answers."""

LONGEST_HEADER = 1_000_000
"""Bytes of a text in which its headings are looked for."""

SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class SheetRows:
    """Some rows of a table.

    Arguments:
        places: where each stands.
        ids: whose it is.
        cells: by heading, those of the other columns.
        problems: what the problem of each is called, where that is not the student's id.
    """

    places: Sequence[str]
    ids: Sequence[str]
    cells: Mapping[str, Sequence[Any]]
    problems: Sequence[str] | None = None


@dataclass(frozen=True)
class AnswerTable:
    """A table: the headings of the columns that may have answers in them, and its rows, block by block."""

    headings: tuple[str, ...]
    blocks: Iterator[SheetRows]


TableReader: TypeAlias = Callable[[FoundFile, str | None], "AnswerTable | None"]
"""The table in a file, with the column of students where it is named; None for a file that has no such column.

Raises `OptionError` for a file that cannot be read.
"""


def csv_table(file: FoundFile, student: str | None) -> AnswerTable | None:
    """The table in a .csv or .tsv file: cells between commas, semicolons, tabs or bars, quoted or not."""
    with file.opened() as raw:
        start = raw.read(LONGEST_HEADER)
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = start.decode(encoding, errors="replace").lstrip("\r\n")
    # A heading in quotes may have lines and separators in it, as that of a question has.
    bare = re.sub(r'(?:^|(?<=[,;\t|\n]))"(?:[^"]|"")*"|\[[^\]\n]*\]', "", text)
    first = next((line for line in bare.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        header = next((row for row in rows if any(c.strip() for c in row)), [])
    except csv.Error:
        header = []
    header = [c.strip() for c in _joined(header)]
    column = student_column(header, student)
    if column is None:
        if student is not None:
            raise _no_column(header, student, file.where)
        return None
    return AnswerTable(_answering(header, column), _csv_rows(file, encoding, separator, column))


def _csv_rows(file: FoundFile, encoding: str, separator: str, column: int) -> Iterator[SheetRows]:
    with file.opened() as raw:
        # A file of Windows' own code page is read too: only ids have letters beyond ASCII in them.
        lines = io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="")
        reader = csv.reader(_without_nulls(lines), delimiter=separator)
        header: list[str] = []
        try:
            while not any(header):
                header = [c.strip() for c in _joined(next(reader))]
            while block := [(reader.line_num, row) for row in islice(reader, ROWS)]:
                block = [(line, row) for line, row in block if any(c.strip() for c in row)]
                yield _as_columns(header, block, column, f"{file.where}, line")
        except csv.Error as error:
            raise OptionError(
                f"line {reader.line_num} cannot be read: {error}", where=file.where
            ) from None


def _as_columns(
    header: Sequence[str], block: Sequence[tuple[int, list[str]]], column: int, where: str
) -> SheetRows:
    width = len(header)
    rows = []
    for _, row in block:
        cells = _joined(row) if len(row) != width else row
        rows.append([c.strip() for c in cells[:width]] + [""] * (width - len(cells)))
    columns: list[Sequence[str]] = list(zip(*rows, strict=True)) if rows else [()] * width
    return SheetRows(
        [f"{where} {line}" for line, _ in block],
        [_windows(name) for name in columns[column]],
        {h: columns[header.index(h)] for h in _answering(header, column)},
    )


def parquet_table(file: FoundFile, student: str | None) -> AnswerTable | None:
    """The table in a .parquet file."""
    polars = _polars(file)
    if file.member:
        with file.opened() as raw:
            content = io.BytesIO(raw.read())
        try:
            return _framed(file, polars.read_parquet(content).lazy(), student)
        except polars.exceptions.PolarsError as error:
            raise _unreadable(file, error) from None
    return _framed(file, polars.scan_parquet(file.place), student)


def excel_table(file: FoundFile, student: str | None) -> AnswerTable | None:
    """The table in the first sheet of an .xlsx file."""
    polars = _polars(file)
    try:
        frame = polars.read_excel(io.BytesIO(file.content()), infer_schema_length=0)
    except ModuleNotFoundError:
        raise MissingExtraError(
            "reading .xlsx needs polars and fastexcel", mend="pip install 'handgrad[tables]'"
        ) from None
    except Exception as error:
        raise _unreadable(file, error) from None
    # As Excel counts rows, those with figures begin with the second.
    return _framed(file, frame.lazy(), student, begins=2)


def _polars(file: FoundFile) -> Any:
    try:
        import polars
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"reading {file.ending} needs polars", mend="pip install 'handgrad[tables]'"
        ) from None
    return polars


def _framed(file: FoundFile, frame: Any, student: str | None, begins: int = 1) -> AnswerTable:
    """The table in a frame of polars, whose first row is called by the number with which it `begins`."""
    try:
        header = frame.collect_schema().names()
    except Exception as error:
        raise _unreadable(file, error) from None
    column = student_column(header, student)
    if column is None:
        raise _no_column(header, student, file.where)
    headings = _answering(header, column)
    return AnswerTable(headings, _slices(file, frame, header[column], headings, begins))


def _slices(
    file: FoundFile, frame: Any, student: str, headings: Sequence[str], begins: int
) -> Iterator[SheetRows]:
    for first in range(0, 2**62, ROWS):
        try:
            part = frame.slice(first, ROWS).collect()
        except Exception as error:
            raise _unreadable(file, error) from None
        if not len(part):
            return
        names = part[student].to_list()
        yield SheetRows(
            [f"{file.where}, row {first + k + begins}" for k in range(len(part))],
            ["" if n is None else str(n).strip() for n in names],
            {h: part[h].to_list() for h in headings},
        )


def _unreadable(file: FoundFile, error: Exception) -> OptionError:
    reason = (str(error).splitlines() or ["it is damaged"])[0]
    return OptionError(f"cannot be read: {reason[:120]}", where=file.where)


TABLES: dict[str, TableReader] = {
    ".csv": csv_table,
    ".tsv": csv_table,
    ".parquet": parquet_table,
    ".xlsx": excel_table,
}
"""The readers of tables, by the endings of their files."""


# -- columns ----------------------------------------------------------------------------------


def student_column(header: Sequence[str], wanted: str | None) -> int | None:
    """The column that says whose a row is: the one that is named, or the first that is called so."""
    if wanted is not None:
        return next((k for k, h in enumerate(header) if h.strip() == wanted.strip()), None)
    names = [_words(h) for h in header]
    return next((names.index(n) for n in STUDENTS if n in names), None)


def says_more(heading: str) -> bool:
    """Whether a column that is no quantity says more of the students, by what it is called, and is expected."""
    return _words(heading) in {*STUDENTS, *BESIDE}


def _answering(header: Sequence[str], column: int) -> tuple[str, ...]:
    """The headings of the columns that may have answers in them, each once."""
    return tuple(dict.fromkeys(h for k, h in enumerate(header) if k != column and h.strip()))


def _words(heading: str) -> str:
    return " ".join(re.split(r"[\W_]+", heading.lower())).strip()


def _no_column(header: Sequence[str], wanted: str | None, where: str) -> OptionError:
    if wanted is None:
        return OptionError(
            "no column says whose each row is",
            where=where,
            mend="call it student, id or email, or name it with --student",
        )
    near = closest(wanted, header)
    return OptionError(
        f"there is no column {wanted[:40]!r}",
        where=where,
        mend=f"did you mean {near[:40]}?" if near else f"it has {', '.join(header[:6])[:120]}",
    )


def _joined(cells: Sequence[str]) -> list[str]:
    """Cells that a separator within brackets has cut, such as dW2[1,0], put together again."""
    found: list[str] = []
    depth = 0
    for cell in cells:
        if depth > 0:
            found[-1] += f",{cell}"
        else:
            found.append(cell)
        depth = max(0, depth + cell.count("[") - cell.count("]"))
    return found


def _without_nulls(lines: IO[str]) -> Iterator[str]:
    for line in lines:
        yield line.replace("\0", "")


def _windows(text: str) -> str:
    """A cell as it was meant: what is no UTF-8 is of Windows' code page."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("cp1252", errors="replace")
    return text
