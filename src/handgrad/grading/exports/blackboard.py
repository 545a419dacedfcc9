"""Blackboard's results of a test, downloaded by user: each question's text and the answer to it beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from handgrad.errors import OptionError
from handgrad.grading.exports.export import AskedSheet, Tell, in_columns
from handgrad.grading.tables import AnswerTable, SheetRows

_ANSWER = re.compile(r"Answer(?: (\d+))?")


class BlackboardResults:
    """A row a student has `Question 1`, `Answer 1`, …, in the order in which that student was asked."""

    system = "results of a Blackboard test"

    def fits(self, headings: Sequence[str], first: SheetRows) -> bool:
        """Whether there are questions with answers."""
        return "Question ID" in headings or {"Question 1", "Answer 1"} <= set(headings)

    def read(self, table: AnswerTable, asked: AskedSheet, tell: Tell) -> AnswerTable:
        """The figures by the formulas that the questions end in."""
        if "Question ID" in table.headings:
            raise OptionError(
                "has a row for each question",
                mend="download the results by user, a row for each student",
            )
        return AnswerTable(asked.headings, self._blocks(table, asked))

    @staticmethod
    def _blocks(table: AnswerTable, asked: AskedSheet) -> Iterator[SheetRows]:
        numbers = [m[1] for h in table.headings if (m := _ANSWER.fullmatch(h))]
        known: dict[str, str | None] = {}

        def sheet(rows: SheetRows, k: int) -> Mapping[str, str]:
            found: dict[str, str] = {}
            for number in numbers:
                text = str(rows.cells[f"Question {number}"][k] or "")
                if text not in known:
                    known[text] = asked.labelled(text)
                meant = known[text]
                if meant is not None:
                    found.setdefault(meant, str(rows.cells[f"Answer {number}"][k] or ""))
            return found

        for rows in table.blocks:
            sheets = [sheet(rows, k) for k in range(len(rows.ids))]
            if sheets and not any(sheets):
                raise asked.other_question("none of its questions is of this problem")
            yield in_columns(rows, asked.headings, iter(sheets))
