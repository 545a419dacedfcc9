"""What is written in JSON of the records of an audit beside their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.audit.structure import Remedy, Unit
from handgrad.audit.words import remedy_text, unit_text
from handgrad.formats.json import Place, Views
from handgrad.text import plain_text

if TYPE_CHECKING:
    from handgrad.audit.audit import Audit


def _text(unit: Unit, place: Place) -> str:
    audit: Audit = place.above[0]
    layer = next(layer for layer in audit.layers if layer.name == unit.layer)
    return plain_text(unit_text(audit, layer, unit))


VIEWS: Views = {
    Unit: {"text": _text},
    Remedy: {"text": lambda remedy, place: remedy_text(remedy)},
}
"""By kind of record and by key."""
