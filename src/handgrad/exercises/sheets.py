"""Numbered sheets: variants with what each is called, for a count or for the students of a roster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from handgrad.arrays import Array
from handgrad.exercises.requirements import Requirements
from handgrad.exercises.searching import Search, Variants, draw
from handgrad.exercises.students import Student, own_seed
from handgrad.problem import Problem
from handgrad.record import JsonForm, record
from handgrad.running import Carry
from handgrad.saving import Page, Result

if TYPE_CHECKING:
    from handgrad.exercises.worked import WorkedSheets


@dataclass(frozen=True, slots=True)
class Sheet:
    """A variant, what it is called, and the seed from which `draw` gives it.

    `number` counts from 1; `position` is the variant's place among those of its seed.
    """

    number: int
    label: str
    variants: Variants
    seed: int
    position: int = 0
    student: Student | None = None
    json: ClassVar = JsonForm(
        without=("variants", "student"),
        also=("student=student.id", "parameters", "data"),
    )

    @property
    def problem(self) -> Problem:
        """The variant itself, made as it is asked for."""
        return self.variants[self.position]

    @property
    def parameters(self) -> Mapping[str, Array]:
        """The numbers of its parameters."""
        return self._numbers(self.variants.problem.parameters)

    @property
    def data(self) -> Mapping[str, Array]:
        """The numbers of its data."""
        return self._numbers(self.variants.problem.data)

    def _numbers(self, names: Iterable[str]) -> Mapping[str, Array]:
        drawn = self.variants.drawn
        return {name: drawn[name][..., self.position] for name in names}


@record
class SheetSet(Result):
    """Sheets of one problem; `draw` gives each again from its seed and position."""

    sheets: tuple[Sheet, ...]
    json: ClassVar = JsonForm(
        "practice",
        also=(
            "title=variants.problem.title",
            "meanings=variants.meanings",
            "promises=variants.promises",
        ),
    )

    @property
    def variants(self) -> Variants:
        """The variants that the first of them is one of; the others have the same meanings and promises."""
        return self.sheets[0].variants

    def __iter__(self) -> Iterator[Sheet]:
        return iter(self.sheets)

    def __len__(self) -> int:
        return len(self.sheets)

    def worked(self, *, carry: Carry = "exact", decimals: int = 4) -> WorkedSheets:
        """The sheets worked out, for their pages and keys.

        Arguments:
            carry: full precision, or every figure "rounded" as it is shown.
            decimals: digits shown after the point.
        """
        from handgrad.exercises.worked import WorkedSheets

        return WorkedSheets.of(self, carry, decimals)

    def page(self, blanks: Sequence[str] = ()) -> Page:
        """The sheets, with room for every step; `worked` has their keys.

        Arguments:
            blanks: phases, kinds of step, steps or names that are left blank; all by default.
        """
        return self.worked().page(blanks)

    def __repr__(self) -> str:
        return f"<SheetSet of {len(self.sheets)} sheets>"


def numbered(problem: Problem, asked: Requirements, count: int, seed: int) -> tuple[Sheet, ...]:
    """`count` sheets from one seed. Raises `OptionError` where what is asked for cannot be had."""
    variants = draw(problem, asked, count, seed)
    return tuple(Sheet(k + 1, f"sheet {k + 1}", variants, seed, k) for k in range(count))


def for_students(
    problem: Problem, asked: Requirements, students: Sequence[Student], seed: int
) -> tuple[Sheet, ...]:
    """A sheet for each student, its numbers from the seed and the student's id alone."""
    search = Search(problem, asked)
    sheets = []
    for number, student in enumerate(students, start=1):
        own = own_seed(seed, student.id)
        label = f"{student.name} ({student.id})" if student.name else student.id
        sheets.append(Sheet(number, label, search.draw(1, own), own, 0, student))
    return tuple(sheets)
