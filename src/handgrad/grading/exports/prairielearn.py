"""PrairieLearn's submissions: a row for each, with what the question recorded of the figures as they were typed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from handgrad.errors import OptionError
from handgrad.exercises.asked import figure_heading
from handgrad.grading.exports.export import AskedSheet, Tell, in_columns
from handgrad.grading.tables import AnswerTable, SheetRows

ENTERED = "entered"
"""In a submission's feedback, by quantity the figures; in a variant's parameters SHEET is what its problem is called."""

SHEET = "sheet"


class PrairieLearnSubmissions:
    """After instructorAssessmentDownloads of PrairieLearn: `final_submissions.csv`, `best_…` or `all_…`."""

    system = "submissions of PrairieLearn"

    def fits(self, headings: Sequence[str], first: SheetRows) -> bool:
        """Whether the columns of a submission are there."""
        return {"Params", "Submitted answer", "Feedback"} <= set(headings)

    def read(self, table: AnswerTable, asked: AskedSheet, tell: Tell) -> AnswerTable:
        """The figures that each submission's feedback has."""
        targets = {array.quantity.target for array in asked.arrays}
        headings = [h for array in asked.arrays for h in map(array.heading, array.places)]
        return AnswerTable(tuple(headings), self._blocks(table, asked, targets, headings, tell))

    @staticmethod
    def _blocks(
        table: AnswerTable,
        asked: AskedSheet,
        targets: set[str],
        headings: Sequence[str],
        tell: Tell,
    ) -> Iterator[SheetRows]:
        others: set[str] = set()
        sheets_met: set[str] = set()
        for rows in table.blocks:
            sheets: list[Mapping[str, str] | None] = []
            problems: list[str] = []
            for k, place in enumerate(rows.places):
                entered = _object(rows.cells["Feedback"][k]).get(ENTERED)
                params = _object(rows.cells["Params"][k])
                name = str(params.get(SHEET, ""))
                problems.append(name)
                if not isinstance(entered, dict) or not targets & entered.keys():
                    question = str(rows.cells.get("Question", [""] * len(rows.ids))[k])
                    if SHEET in params:
                        tell(place, "the submission was not graded, and says nothing", "file")
                    elif question not in others:
                        others.add(question)
                        tell(place, f"{question[:60] or 'a question'} is another question", "part")
                    sheets.append(None)
                    continue
                sheets_met.add(name)
                sheets.append(
                    {h: f for t in targets & entered.keys() for h, f in _figures(t, entered[t])}
                )
            if asked.own is None and len(sheets_met) > 1:
                raise OptionError(
                    "its students had different numbers",
                    mend="name the folder of their problems with --problems",
                )
            yield in_columns(rows, headings, iter(sheets), problems)


def _figures(target: str, entered: Any) -> Iterator[tuple[str, str]]:
    array = np.array(entered, dtype=object)
    for at in np.ndindex(array.shape):
        yield figure_heading(target, at), str(array[at])


def _object(cell: Any) -> dict[str, Any]:
    """A cell of JSON; an empty object where it is none."""
    try:
        found = json.loads(str(cell or "{}"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
