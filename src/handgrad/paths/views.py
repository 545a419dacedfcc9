"""What is written in JSON of the records of `why` beside their fields."""

from __future__ import annotations

from handgrad.formats.json import Place, Views
from handgrad.paths.page import blame_text
from handgrad.paths.structure import Blame, Term
from handgrad.text import plain_text


def _text(blame: Blame, place: Place) -> str:
    around = place.above[-1]
    factor = blame.value if isinstance(around, Term) else around.value
    return plain_text(blame_text(blame, factor))


VIEWS: Views = {Blame: {"text": _text}}
"""By kind of record and by key."""
