"""Answer sheets on their way to be graded: out of files and tables, into batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.checking import Checker
from handgrad.checking.figures import WrittenEntry, is_blank
from handgrad.checking.matching import meant_by
from handgrad.checking.quantities import Quantity
from handgrad.checking.reading import Answers, read_content
from handgrad.checking.remark_words import unused_text
from handgrad.checking.remarks import WorkedInCode
from handgrad.errors import HandgradError, OptionError
from handgrad.exercises.asked import figure_heading
from handgrad.expression import Adjoint, Name
from handgrad.grading.batch import Batch
from handgrad.grading.columns import SheetColumns, columns_of
from handgrad.grading.exports import AskedSheet, exported
from handgrad.grading.found_files import FoundFile, found_files
from handgrad.grading.oddities import Oddities
from handgrad.grading.own_numbers import OwnNumbers
from handgrad.grading.tables import TABLES, AnswerTable, says_more

TOGETHER = 512
"""Files that are read before those of the same layout are graded together."""

SHEETS = (".csv", ".tsv")
"""Tables that may be a single student's answers as well, a row for each quantity."""

NOTEBOOK = ".ipynb"

NO_NUMBERS: Mapping[str, Array] = {}


@dataclass(frozen=True, eq=False)
class Portion:
    """A batch, and where each of its sheets stood: its number among all sheets, and its place in words."""

    batch: Batch
    columns: SheetColumns
    numbers: Sequence[int]
    places: Sequence[str]

    def answers(self, row: int) -> Answers:
        """One of the sheets."""
        return self.columns.sheet(self.batch, row)

    def own(self, row: int) -> Mapping[str, Array]:
        """The numbers that a student's problem has, where they are not the class's."""
        return {name: array[..., row] for name, array in self.batch.numbers.items()}


@dataclass(frozen=True)
class _Sheet:
    """A sheet from a file, laid out as a row of a table."""

    number: int
    id: str
    place: str
    cells: Mapping[str, Any]
    own: Mapping[str, Array]


@dataclass(eq=False)
class Intake:
    """Reads the sheets of a class, each once, and tells what of them is odd.

    Arguments:
        checker: the problem's.
        own: each student's own numbers; None where all have the problem's.
        student: the heading of a table's column that says whose a row is; found by its name unless given.
        blanks: what was left blank in a question of a learning system; all by default.
        odd: where what cannot be read or used is told.
    """

    checker: Checker
    own: OwnNumbers | None = None
    student: str | None = None
    blanks: Sequence[str] = ()
    odd: Oddities = field(default_factory=Oddities)

    def __post_init__(self) -> None:
        self._seen: dict[str, str] = {}
        self._layouts: dict[tuple[str, ...], SheetColumns | None] = {}
        self._count = 0
        self._asked = AskedSheet(self.checker, self.own, self.blanks)
        self._drawn = False

    @property
    def absent(self) -> tuple[str, ...]:
        """The students who have a problem, and no sheet, in the order of their names."""
        if self.own is None or self._drawn:
            return ()
        return tuple(name for name in self.own.files if name.casefold() not in self._seen)

    def portions(self, paths: Sequence[Path]) -> Iterator[Portion]:
        """The sheets in the files, folders, archives and tables named. Raises `OptionError` for one that is not there."""
        sheets: list[_Sheet] = []
        for file in found_files(paths, self.odd):
            try:
                table = self._table(file)
                if table is None:
                    sheets += self._of_file(file)
                else:
                    yield from self._of_table(table, file.where)
            except OptionError as error:
                self.odd.tell(file.where, _without_place(error, file.where), "file")
            if len(sheets) >= TOGETHER:
                yield from self._together(sheets)
                sheets = []
        yield from self._together(sheets)

    # -- tables ------------------------------------------------------------------------------

    def _table(self, file: FoundFile) -> AnswerTable | None:
        """The table of many students in a file; None where it is the sheet of one."""
        reader = TABLES.get(file.ending)
        table = reader(file, self.student) if reader is not None else None
        if table is None or self._columns(table.headings) is not None:
            return table
        found = exported(table, self._asked, self.odd.tell)
        # A sheet of one student may begin with a row of headings such as name and value.
        one = found is None and file.ending in SHEETS and self.student is None
        return None if one else found or table

    def _of_table(self, table: AnswerTable, where: str) -> Iterator[Portion]:
        columns = self._columns(table.headings)
        if columns is None:
            raise OptionError(
                "no column is called as a quantity of the problem",
                mend="call them z1[0], dW2[1,0], L",
            )
        for unused in columns.unused:
            if not says_more(getattr(unused, "name", "")):
                self.odd.tell(where, unused_text(unused), "part")
        used = [h for column in columns.all for h in column.headings if h is not None]
        for rows in table.blocks:
            kept: list[int] = []
            own: list[Mapping[str, Array]] = []
            for row, (id_, place) in enumerate(zip(rows.ids, rows.places, strict=True)):
                numbers = self._admitted(
                    id_, place, rows.problems[row] if rows.problems is not None else None
                )
                if numbers is None:
                    continue
                if all(_is_empty(rows.cells[h][row]) for h in used):
                    self._empty(place, id_)
                kept.append(row)
                own.append(numbers)
            if kept:
                batch = Batch(
                    tuple(rows.ids[k] for k in kept),
                    {h: [rows.cells[h][k] for k in kept] for h in used},
                    _stacked(own),
                )
                places = [rows.places[k] for k in kept]
                yield Portion(batch, columns, self._numbered(len(kept)), places)

    def _columns(self, headings: tuple[str, ...]) -> SheetColumns | None:
        """What headings are for; None where none is for anything of the problem."""
        if headings not in self._layouts:
            try:
                self._layouts[headings] = columns_of(self.checker.work, headings)
            except OptionError:
                self._layouts[headings] = None
        return self._layouts[headings]

    # -- files -------------------------------------------------------------------------------

    def _of_file(self, file: FoundFile) -> Iterator[_Sheet]:
        """A file that is one student's sheet."""
        raw = file.content()
        answers = read_content(raw, file.ending, file.where) if raw.strip() else Answers()
        if file.ending == NOTEBOOK:
            self._leave_out_helpers(answers)
        id_ = next((i for i in file.ids if self.own is not None and self.own.named(i)), file.ids[0])
        numbers = self._admitted(id_, file.where)
        if numbers is None:
            return
        for unused in answers.unused:
            self.odd.tell(file.where, unused_text(unused), "part")
        cells = dict(_cells(answers))
        if all(_is_empty(cell) for cell in cells.values()):
            self._empty(file.where, id_)
            first = self.checker.asked[0]
            cells = {
                figure_heading(first.target, (0,) * len(self.checker.shape(first.target))): None
            }
        yield _Sheet(self._numbered(1)[0], id_, file.where, cells, numbers)

    def _leave_out_helpers(self, answers: Answers) -> None:
        """Takes out of a notebook's answers the variables that are nothing of the problem: they are helpers."""

        def is_known(name: str) -> bool:
            return isinstance(meant_by(self.checker.work, name), Quantity | Name | Adjoint)

        answers.entries = {n: entry for n, entry in answers.entries.items() if is_known(n)}
        answers.unused = [
            u for u in answers.unused if not isinstance(u, WorkedInCode) or is_known(u.name)
        ]

    def _together(self, sheets: Sequence[_Sheet]) -> Iterator[Portion]:
        """Sheets from files, those of the same layout in one batch."""
        alike: dict[tuple[str, ...], list[_Sheet]] = {}
        for sheet in sheets:
            alike.setdefault(tuple(sheet.cells), []).append(sheet)
        for headings, group in alike.items():
            columns = self._columns(headings)
            if columns is None:
                for sheet in group:
                    self.odd.tell(sheet.place, "nothing in it is a quantity of the problem", "file")
                continue
            for sheet in group:
                for unused in columns.unused:
                    self.odd.tell(sheet.place, unused_text(unused), "part")
            batch = Batch(
                tuple(s.id for s in group),
                {h: [s.cells[h] for s in group] for h in headings},
                _stacked([s.own for s in group]),
            )
            yield Portion(batch, columns, [s.number for s in group], [s.place for s in group])

    # -- whose a sheet is --------------------------------------------------------------------

    def _admitted(
        self, id_: str, place: str, problem: str | None = None
    ) -> Mapping[str, Array] | None:
        """The numbers that a student's sheet is graded by; None, and why is told, where it is not graded.

        `problem` is what the student's problem is called, where that is not the id.
        """
        if not id_:
            self.odd.tell(place, "does not say whose it is, and is not graded", "nameless")
            return None
        name = id_
        numbers = NO_NUMBERS
        if self.own is not None:
            known = self.own.named(id_ if problem is None else problem)
            if known is None:
                self.odd.tell(
                    place, f"no problem belongs to {id_[:60]}: it is not graded", "stranger"
                )
                return None
            self._drawn |= problem is not None
            name = known if problem is None else id_
            try:
                numbers = self.own.numbers(known)
            except HandgradError as error:
                self.odd.tell(place, f"{error.what}: it is not graded", "numbers")
                return None
        key = name.casefold()
        if key in self._seen:
            self.odd.tell(
                place,
                f"a second sheet of {id_[:60]}: {self._seen[key]} is graded, this is not",
                "twice",
            )
            return None
        self._seen[key] = place
        return numbers

    def _empty(self, place: str, id_: str) -> None:
        self.odd.tell(place, f"the sheet of {id_[:60]} is empty: 0 marks", "empty")

    def _numbered(self, count: int) -> range:
        self._count += count
        return range(self._count - count, self._count)


def _cells(answers: Answers) -> Iterator[tuple[str, str | None]]:
    """The figures of a sheet under the headings that a table would have."""
    for name, entry in answers.entries.items():
        yield from _of_entry(name, entry)
    for name, entry in answers.updated.items():
        yield from _of_entry(f"updated.{name}", entry)


def _of_entry(name: str, entry: WrittenEntry) -> Iterator[tuple[str, str | None]]:
    for at in np.ndindex(entry.shape):
        figure = entry.figures.get(at)
        yield figure_heading(name, at), figure.text if figure is not None else entry.faults.get(at)


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and is_blank(cell))


def _stacked(own: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The numbers of several students, who lie along the last axis."""
    return {name: np.stack([each[name] for each in own], axis=-1) for name in own[0]} if own else {}


def _without_place(error: OptionError, where: str) -> str:
    """What an error says, without the file that is told beside it."""
    text = f"{error.what} ({error.mend})" if error.mend else error.what
    return text if error.where in ("", where) else f"{error.where}: {text}"
