"""What is written in JSON of the records of a solution beside their fields: the words of notes."""

from __future__ import annotations

from handgrad.formats.json import Place, Views
from handgrad.formats.latex import latex_writer
from handgrad.solution.notes import NOTES
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.structure import TraceLine
from handgrad.text import plain_text


def _text(note: TraceNote, place: Place) -> str:
    return plain_text(note.text())


def _latex(line: TraceLine, place: Place) -> str:
    return place.once(latex_writer)(line.formula)


VIEWS: Views = {
    TraceLine: {"latex": _latex},
    **{kind: {"text": _text} for kind in NOTES},
}
"""By kind of record and by key."""
