"""What is written in JSON of the records of a comparison beside their fields."""

from __future__ import annotations

from handgrad.comparison.structure import GateChange, StepPair
from handgrad.comparison.words import gate_text
from handgrad.formats.json import Views
from handgrad.solution.step_words import title
from handgrad.solution.views import VIEWS as OF_SOLUTIONS
from handgrad.text import plain_text

VIEWS: Views = {
    **OF_SOLUTIONS,
    GateChange: {"text": lambda change, place: plain_text(gate_text(change))},
    StepPair: {"title": lambda pair, place: plain_text(title(pair.step.trace, pair.step))},
}
"""By kind of record and by key."""
