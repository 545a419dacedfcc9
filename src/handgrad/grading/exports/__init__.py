"""What learning systems export of students' answers, a file for each system."""

from __future__ import annotations

from handgrad.grading.exports.blackboard import BlackboardResults
from handgrad.grading.exports.canvas import CanvasAnalysis
from handgrad.grading.exports.export import AskedSheet as AskedSheet
from handgrad.grading.exports.export import Export, Tell, peeked
from handgrad.grading.exports.moodle import MoodleResponses
from handgrad.grading.exports.prairielearn import PrairieLearnSubmissions
from handgrad.grading.tables import AnswerTable

EXPORTS: tuple[Export, ...] = (
    PrairieLearnSubmissions(),
    CanvasAnalysis(),
    BlackboardResults(),
    MoodleResponses(),
)
"""The exports that are known; the first that a table fits is meant."""


def exported(table: AnswerTable, asked: AskedSheet, tell: Tell) -> AnswerTable | None:
    """The answers in a system's export; None where a table is none of those that are known.

    Raises `OptionError` where it is one, of another question.
    """
    first, whole = peeked(table)
    for export in EXPORTS:
        if export.fits(whole.headings, first):
            return export.read(whole, asked, tell)
    return None
