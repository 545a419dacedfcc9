"""What of a class's answers could not be read or used, each told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

from handgrad.record import JsonForm, record

Oddity: TypeAlias = Literal["file", "empty", "stranger", "twice", "nameless", "numbers", "part"]
"""A file that cannot be read, a sheet without a figure, one whose id no problem has, a second one of a
student, one without an id, one whose own numbers cannot be used, and a part of a sheet that was not used."""

LISTED = 1000
"""Oddities that are listed, at most; all are counted."""

UNGRADED: tuple[Oddity, ...] = ("file", "stranger", "twice", "nameless", "numbers")
"""Those for which a whole sheet, or file, is not graded."""


@record
class UnreadSheet:
    """Something that could not be read, or was left out: where it stands, and why."""

    where: str
    why: str
    oddity: Oddity
    json: ClassVar = JsonForm(also=("graded",))

    @property
    def graded(self) -> bool:
        """Whether the sheet has marks all the same, for the rest of it."""
        return self.oddity not in UNGRADED

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


@record
class OddityCount:
    """How many oddities there are of a kind."""

    oddity: Oddity
    count: int


class Oddities:
    """All of them, in the order in which they were met; of very many the first."""

    def __init__(self) -> None:
        self.listed: list[UnreadSheet] = []
        self.counts: Counter[Oddity] = Counter()

    def tell(self, where: str, why: str, oddity: Oddity) -> None:
        """One more."""
        self.counts[oddity] += 1
        if len(self.listed) < LISTED:
            self.listed.append(UnreadSheet(where, why, oddity))

    def ordered(self) -> Sequence[UnreadSheet]:
        """Those that are listed, each whole sheet before parts of sheets, by where they stand."""
        return sorted(self.listed, key=lambda u: (u.graded, u.where, u.why))
