"""Students and the numbers that are theirs alone: from one seed and each one's id."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from handgrad.errors import OptionError

MOST = 10_000
"""Rows of a roster, at most."""


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
    """The students of a CSV file: a column `id` (or the first), and `name` where there is one.

    Raises `OptionError` for a file that cannot be read, has no students, or an id twice.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise OptionError(f"the roster cannot be read: {reason}", where=str(path)) from None
    try:
        rows = [row for row in csv.reader(text.splitlines()) if any(c.strip() for c in row)]
    except csv.Error as error:
        raise OptionError(f"the roster is no CSV: {error}", where=str(path)) from None
    header = [c.strip().lower() for c in rows[0]] if rows else []
    at = header.index("id") if "id" in header else 0
    named = header.index("name") if "name" in header else None
    body = rows[1:] if "id" in header or named is not None else rows
    students = tuple(
        Student(
            row[at].strip() if at < len(row) else "",
            row[named].strip() if named is not None and named < len(row) else "",
        )
        for row in body
    )
    if not students:
        raise OptionError("the roster has no students", where=str(path), mend="one row a student")
    if len(students) > MOST:
        raise OptionError(f"the roster has more than {MOST} rows", where=str(path))
    seen: set[str] = set()
    for number, student in enumerate(students, start=len(rows) - len(body) + 1):
        if not student.id:
            raise OptionError(f"row {number} has no id", where=str(path))
        if student.id in seen:
            raise OptionError(
                f"row {number}: the id {student.id[:40]} is there twice", where=str(path)
            )
        seen.add(student.id)
    return students
