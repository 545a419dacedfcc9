"""Units and entries as notes call them."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.expression import Expression
from handgrad.solution.notes.note import MOST_NOTED
from handgrad.text import Text, joined, ordinal

FEW = 4
"""Entries that are called by their names in a sentence."""


def unit_words(unit: tuple[int, ...]) -> str:
    """A unit as it is called at the beginning of a sentence's clause: "the second unit"."""
    if not unit:
        return "this unit"
    return (
        f"the {ordinal(unit[0])} unit" if len(unit) == 1 else f"entry {tuple(i + 1 for i in unit)}"
    )


def places(of: Expression, case_count: int, entries: Sequence[tuple[int, ...]]) -> Text:
    """The entries by their names; of many the first few, and how many more."""
    named = [_place(of, case_count, entry) for entry in entries[:FEW]]
    if more := len(entries) - len(named):
        least = "at least " if len(entries) == MOST_NOTED else ""
        named.append((f"{least}{more} more",))
    return joined(named)


def _place(of: Expression, case_count: int, entry: tuple[int, ...]) -> Text:
    # Of a name without its shape, the case is the last index where there are several.
    rank = len(entry) - (case_count > 1) if of.shape is None else len(of.shape)
    index = entry[:rank]
    return (of.entry(index), *((f" in case {entry[-1] + 1}",) if case_count > 1 else ()))
