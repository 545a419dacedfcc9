"""Moodle's responses to a quiz: a column for each question, with all that was typed into it in one cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from handgrad.grading.exports.export import AskedSheet, Tell, in_columns
from handgrad.grading.tables import AnswerTable, SheetRows

NOTHING = ("", "-")
"""What stands in the cell of a student who has not answered."""

_PART = re.compile(r"(?:^|; )([^\W\d][^:;]{0,40}?) (\d+): ?")
_INPUT = re.compile(r"(?:^|; )ans(\d+): (.*?) \[(?:blank|valid|invalid|score)\]", re.DOTALL)
_RESPONSE = re.compile(r"Response \d+")
_RIGHT = re.compile(r"Right answer \d+")


def cloze_parts(cell: str) -> list[str]:
    """What was typed into the gaps of a Cloze question; none where a cell is of another kind.

    Moodle writes `part 1: 0.6; part 2: 0.1`, the word in the site's language.
    """
    marks: list[re.Match[str]] = []
    for mark in _PART.finditer(cell):
        if int(mark[2]) == len(marks) + 1 and (not marks or mark[1] == marks[0][1]):
            marks.append(mark)
    if not marks or marks[0].start() != 0:
        return []
    ends = [*(m.start() for m in marks[1:]), len(cell)]
    return [cell[m.end() : end].strip() for m, end in zip(marks, ends, strict=True)]


def stack_inputs(cell: str, count: int) -> list[str]:
    """What was typed into the inputs ans1, ans2, … of a STACK question; none where a cell is of another kind.

    STACK writes `Seed: 1; ans1: 0.6 [score]; prt1: # = 1 | prt1-1-T`, without the inputs that were left blank.
    """
    if not cell.startswith("Seed: "):
        return []
    found = {int(m[1]): m[2].strip() for m in _INPUT.finditer(cell)}
    return [found.get(k + 1, "") for k in range(max(count, *found, 0))]


class MoodleResponses:
    """After the responses report of Moodle's quizzes: questions of Cloze, of STACK, and with one numerical answer."""

    system = "responses of a Moodle quiz"

    def fits(self, headings: Sequence[str], first: SheetRows) -> bool:
        """Whether there are columns of responses, by their headings or by what stands in them."""
        return any(_RESPONSE.fullmatch(h) or _met(first, h, cloze_parts) for h in headings)

    def read(self, table: AnswerTable, asked: AskedSheet, tell: Tell) -> AnswerTable:
        """The figures in the order in which the question asks for them."""
        return AnswerTable(asked.headings, self._blocks(table, asked, tell))

    def _blocks(self, table: AnswerTable, asked: AskedSheet, tell: Tell) -> Iterator[SheetRows]:
        response, right = "", ""
        read: Callable[[str], list[str]] | None = None
        for rows in table.blocks:
            if read is None:
                response, right, read = _columns(table.headings, rows, asked)
            sheets = [_sheet(str(cell or "").strip(), read, asked) for cell in rows.cells[response]]
            problems = None
            if right and asked.own is not None:
                problems = [
                    asked.problem_of(read(str(cell or "").strip())) or id_
                    for cell, id_ in zip(rows.cells[right], rows.ids, strict=True)
                ]
            for place, sheet, cell in zip(rows.places, sheets, rows.cells[response], strict=True):
                if sheet is None:
                    tell(place, f"the answers cannot be told apart: {str(cell)[:40]}", "file")
            yield in_columns(rows, asked.headings, iter(sheets), problems)


def _sheet(
    cell: str, read: Callable[[str], list[str]], asked: AskedSheet
) -> Mapping[str, str] | None:
    if cell in NOTHING:
        return {}
    parts = read(cell)
    return (
        dict(zip(asked.headings, parts, strict=True)) if len(parts) == len(asked.headings) else None
    )


def _columns(
    headings: Sequence[str], rows: SheetRows, asked: AskedSheet
) -> tuple[str, str, Callable[[str], list[str]]]:
    """The column of responses, that of right answers where there is one, and how both are read."""
    count = len(asked.headings)

    def inputs(cell: str) -> list[str]:
        return stack_inputs(cell, count)

    for read in (cloze_parts, inputs):
        by_heading = {h: _met(rows, h, read) for h in headings}
        fitting = [h for h, met in by_heading.items() if met == count]
        if fitting:
            right = next((h for h in headings if _RIGHT.fullmatch(h)), "")
            answered = [h for h in fitting if h != right]
            # Without English headings: Moodle has what is right behind what was typed.
            return answered[0], right or next(iter(answered[1:]), ""), read
    met = max((_met(rows, h, cloze_parts) for h in headings), default=0)
    if count == 1 and not met:
        response = next(h for h in headings if _RESPONSE.fullmatch(h))
        right = next((h for h in headings if _RIGHT.fullmatch(h)), "")
        return response, right, lambda cell: [cell]
    raise asked.other_question(f"its question has {met} parts" if met else "it has no parts")


def _met(rows: SheetRows, heading: str, read: Callable[[str], list[str]]) -> int:
    """How many parts the cells of a column have, in the first row that has some."""
    return next((n for c in rows.cells[heading] if (n := len(read(str(c or "").strip())))), 0)
