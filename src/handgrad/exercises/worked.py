"""Sheets worked out: their pages and their keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handgrad.exercises.page import (
    Exercise,
    blank_targets,
    keys_page,
    sheets_page,
    short_key_page,
)
from handgrad.running import Carry
from handgrad.saving import Page
from handgrad.solution import solve

if TYPE_CHECKING:
    from handgrad.exercises.sheets import SheetSet


@dataclass(frozen=True, slots=True)
class WorkedSheets:
    """Sheets, each with its worked solution.

    Arguments:
        sheets: the sheets themselves.
        exercises: their solutions, in the same order.
    """

    sheets: SheetSet
    exercises: tuple[Exercise, ...]

    @classmethod
    def of(cls, sheets: SheetSet, carry: Carry, decimals: int) -> WorkedSheets:
        """The sheets, worked out."""
        return cls(
            sheets,
            tuple(
                Exercise(
                    solve(s.problem, carry=carry, decimals=decimals),
                    s.label,
                    s.student.name if s.student else "",
                )
                for s in sheets
            ),
        )

    def __iter__(self) -> Iterator[WorkedSheets]:
        """Each sheet by itself."""
        for sheet, exercise in zip(self.sheets, self.exercises, strict=True):
            yield WorkedSheets(replace(self.sheets, sheets=(sheet,)), (exercise,))

    def page(
        self, blanks: Sequence[str] = (), *, formulas: bool = False, room: int | None = None
    ) -> Page:
        """The sheets.

        Arguments:
            blanks: phases, kinds of step, steps or names that are left blank; all by default.
            formulas: whether the formula of each blank is given.
            room: empty lines below each step; by default as many as its work takes.
        """
        return sheets_page(self.exercises, blanks, formulas=formulas, room=room)

    def keys(self) -> Page:
        """The worked solutions."""
        return keys_page(self.exercises)

    def short_key(self, blanks: Sequence[str] = ()) -> Page:
        """The answers alone."""
        return short_key_page(self.exercises, blanks)

    def targets(self, blanks: Sequence[str] = ()) -> frozenset[str]:
        """The quantities that are left blank, by their names in an answers file."""
        return blank_targets(self.exercises[0].trace, blanks)
