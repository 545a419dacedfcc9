"""What is written in JSON of the records of a check beside their fields."""

from __future__ import annotations

from handgrad.checking.report import Diagnosis
from handgrad.formats.json import Place, Views


def _step(diagnosis: Diagnosis, place: Place) -> str:
    return diagnosis.step or str(place.above[-1].quantity.step)


VIEWS: Views = {Diagnosis: {"text": lambda diagnosis, place: str(diagnosis), "step": _step}}
"""By kind of record and by key."""
