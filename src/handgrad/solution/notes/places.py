"""What notes call units and entries."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.expression import Expression, Literal
from handgrad.operations.elements import entry_of
from handgrad.operations.structure import index as part_of
from handgrad.solution.notes.note import MOST_NOTED
from handgrad.text import Text, few, ordinal

FEW = 4
"""The most entries that a sentence names."""


def unit_words(unit: tuple[int, ...]) -> str:
    """What a unit is called: "the second unit", "entry (1, 2)"."""
    if not unit:
        return "this unit"
    return (
        f"the {ordinal(unit[0])} unit" if len(unit) == 1 else f"entry {tuple(i + 1 for i in unit)}"
    )


def places(of: Expression, case_count: int, entries: Sequence[tuple[int, ...]]) -> Text:
    """The entries by name: the first few, and how many more there are."""
    least = "at least " if len(entries) == MOST_NOTED else ""
    return few(entries, FEW, lambda entry: place(of, case_count, entry), least)


def place(
    of: Expression, case_count: int, entry: tuple[int, ...], value: float | None = None
) -> Text:
    """An entry by name, with its value where it is given: z₁ = 3 in case 2."""
    # Of a name without its shape, the case is the last index where there are several.
    rank = len(entry) - (case_count > 1) if of.shape is None else len(of.shape)
    index = entry[:rank]
    case = f" in case {entry[-1] + 1}" if case_count > 1 else ""
    # Of a part of an array, s[1:], an entry is one of the array's own.
    known = of.shape is not None
    entry_named = entry_of(of, index, lambda o: o is part_of) if known else of.entry(index)
    return (entry_named, *(() if value is None else (" = ", Literal(value))), case)
