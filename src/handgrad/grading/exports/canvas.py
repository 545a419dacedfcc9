"""Canvas' student analysis of a quiz: a column for each question, headed by its number and its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from handgrad.errors import OptionError
from handgrad.grading.exports.export import AskedSheet, Tell
from handgrad.grading.tables import AnswerTable, SheetRows

_QUESTION = re.compile(r"\d+: ")


class CanvasAnalysis:
    """After Quizzes::QuizStatistics::StudentAnalysis of Canvas: what was typed stands below each question's text."""

    system = "a student analysis of Canvas"

    def fits(self, headings: Sequence[str], first: SheetRows) -> bool:
        """Whether questions have columns with their numbers."""
        return any(_QUESTION.match(h) for h in headings)

    def read(self, table: AnswerTable, asked: AskedSheet, tell: Tell) -> AnswerTable:
        """The figures by the formulas that the questions end in."""
        columns: dict[str, str] = {}
        for heading in filter(_QUESTION.match, table.headings):
            meant = asked.labelled(heading)
            if meant is not None and columns.setdefault(meant, heading) != heading:
                raise OptionError(
                    f"two questions ask for {meant}",
                    mend="export the quiz of each sheet by itself",
                )
        if set(columns) != set(asked.headings):
            raise asked.other_question(f"{len(columns)} of its questions are of this problem")
        return AnswerTable(asked.headings, self._blocks(table, columns))

    @staticmethod
    def _blocks(table: AnswerTable, columns: Mapping[str, str]) -> Iterator[SheetRows]:
        for rows in table.blocks:
            yield SheetRows(rows.places, rows.ids, {h: rows.cells[c] for h, c in columns.items()})
