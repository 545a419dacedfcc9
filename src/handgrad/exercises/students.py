"""Students and the numbers that are theirs alone: from one seed and each one's id."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handgrad.errors import OptionError

MOST = 10_000
"""Rows of a roster, at most."""

DELIMITERS = ",;\t|"

IDS = (
    *("id", "student id", "studentid", "student number", "student no", "student nr", "number"),
    *("sis user id", "sis id", "sis login id", "integration id", "matriculation number"),
    *("matric number", "matric no", "matrikelnummer", "user id", "userid", "id number"),
    *("netid", "net id", "uni", "uid", "uin", "puid", "emplid", "upi", "login", "login id"),
    *("username", "user name", "user", "email", "e mail", "mail", "email address"),
    *("e mail address", "student email"),
)
"""What a column of ids is called, the likelier first."""

NAMES = ("name", "full name", "fullname", "student name", "display name", "student", "names")

FIRST_NAMES = (
    "first name",
    "firstname",
    "first",
    "given name",
    "given names",
    "forename",
    "vorname",
)

LAST_NAMES = ("last name", "lastname", "last", "surname", "family name", "nachname")

NO_STUDENTS = re.compile(r"\s*points possible\b", re.IGNORECASE)
"""What some exports of gradebooks write under the header."""


@dataclass(frozen=True, slots=True)
class Student:
    """A row of a roster."""

    id: str
    name: str = ""


def own_seed(seed: int, student: str) -> int:
    """The seed of one student's numbers: 64 bits of SHA-256 over the seed and the id."""
    digest = hashlib.sha256(f"{seed}:{student}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def read_roster(path: Path) -> tuple[Student, ...]:
    """The students of a table in text: cells between commas, semicolons, tabs or bars, quoted or not.

    A first line of names says which column holds the ids (id, student id, netid, email, …) and
    which the names (name, or first and last name); without a column of ids the names are ids.
    Without such a line the first column holds the ids, and the second the names.

    Raises `OptionError`, with the line, for a file that cannot be read or has no students, for rows
    that do not fit the header, and for an id that is missing or there twice.
    """
    where = str(path)
    rows = _rows(_text(path), where)
    if not rows:
        raise OptionError("the roster has no students", where=where, mend="one row a student")
    columns = _Columns.of(rows[0][1])
    body = rows[1:] if columns is not None else rows
    if columns is None:
        _check_headerless(rows[0], where)
        columns = _Columns(id=0, name=1 if len(rows[0][1]) > 1 else None)
    students: dict[str, Student] = {}
    lines: dict[str, int] = {}
    width = len(rows[0][1])
    for line, cells in body:
        if NO_STUDENTS.match(cells[0]):
            continue
        if any(cells[width:]):
            raise OptionError(
                f"line {line} has {len(cells)} cells, and the first line {width}",
                where=where,
                mend="put quotes around a name with a comma in it",
            )
        student = columns.student(cells)
        if not student.id:
            raise OptionError(f"line {line} has no id", where=where)
        if student.id in students:
            raise OptionError(
                f"line {line}: the id {student.id[:40]} is there twice, in line "
                f"{lines[student.id]} already",
                where=where,
            )
        students[student.id], lines[student.id] = student, line
    if not students:
        raise OptionError("the roster has no students", where=where, mend="one row a student")
    if len(students) > MOST:
        raise OptionError(f"the roster has more than {MOST} students", where=where)
    return tuple(students.values())


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column holds what."""

    id: int | None = None
    name: int | None = None
    first: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, header: Sequence[str]) -> _Columns | None:
        """The columns by their names; None where no cell is one."""
        names = [" ".join(re.split(r"[\W_]+", cell.lower())).strip() for cell in header]

        def found(known: Sequence[str]) -> int | None:
            return next((names.index(n) for n in known if n in names), None)

        columns = cls(found(IDS), found(NAMES), found(FIRST_NAMES), found(LAST_NAMES))
        return columns if columns != cls() else None

    def student(self, cells: Sequence[str]) -> Student:
        def cell(at: int | None) -> str:
            return cells[at] if at is not None and at < len(cells) else ""

        parts = (cell(self.first), cell(self.last))
        name = cell(self.name) or " ".join(filter(None, parts))
        return Student(cell(self.id), name) if self.id is not None else Student(name, "")


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OptionError(f"the roster cannot be read: {error.strerror}", where=str(path)) from None
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise OptionError(
            f"the roster cannot be read: line {line} is not UTF-8 text",
            where=str(path),
            mend="save it as CSV UTF-8",
        ) from None


def _rows(text: str, where: str) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line it ends in."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    delimiter = max(DELIMITERS, key=bare.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            cells = [" ".join(cell.split()) for cell in row]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise OptionError(
            f"line {reader.line_num} of the roster cannot be read: {error}", where=where
        ) from None
    return rows


def _check_headerless(first: tuple[int, list[str]], where: str) -> None:
    """Raises `OptionError` for a first line that looks like names of columns, none of them known."""
    line, cells = first
    if len(cells) > 1 and not re.search(r"[\d@]", "".join(cells)):
        raise OptionError(
            f"line {line}: no column is called id, student id, netid, email or name",
            where=where,
            mend="name the columns in the first line",
        )
