"""The gates that are shut in a step, as blocks: told one by one, or of a batch as a map of unit and case."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from handgrad.expression import Literal
from handgrad.page.blocks import Block, Note, Table, Text
from handgrad.solution import MOST_NOTED, GatedOff
from handgrad.solution.note_words import (
    always_off,
    gated_cases_text,
    gated_entries_text,
    note_text,
)

FEW = 2
"""Gated entries of a matrix that have a note each; more are told together, as more than `UNITS` of a vector are."""

UNITS, CASES = 12, 8
"""Units and cases of a map at most; where there are more cases, each unit's are counted beside it."""


def gated_blocks(notes: Sequence[GatedOff]) -> list[Block]:
    """What a step says of the gates that are shut in it.

    Of a batch the forward pass has them beside the rows of the matrix, and the backward pass in a
    map of what each stops; only the units that are off in every case are told in words.
    """
    if not notes:
        return []
    if notes[0].case_count > 1:
        backward = notes[0].phase == "backward"
        # A vector's gates are told of beside its rows, where all of these are shown.
        if not backward and all(len(n.unit) == 1 and n.unit[0] < UNITS for n in notes):
            return []
        told: list[Block] = []
        if backward or always_off(notes):
            told.append(Note("gate", gated_cases_text(notes)))
        whole = backward or any(len(n.unit) > 1 for n in notes)
        return [*told, _map(notes)] if whole else told
    blocks: list[Block] = []
    for _, each in groupby(notes, key=lambda n: (n.activation, n.pre_activation)):
        together = list(each)
        if len(together) > (FEW if len(together[0].unit) > 1 else UNITS):
            blocks.append(Note("gate", gated_entries_text(together)))
        else:
            blocks += [Note("gate", note_text(n)) for n in together]
    return blocks


def _map(notes: Sequence[GatedOff]) -> Table:
    """Units by cases: the gradient that a shut gate stops there, or that the gate is open."""
    count = notes[0].case_count
    counted = count > CASES
    shown = range(min(count, CASES))
    header: list[Text] = [("unit",), *((f"case {c + 1}",) for c in shown)]
    header += [("…",), ("off in",)] if counted else []
    rows: list[tuple[Text, ...]] = []
    for note in notes[:UNITS]:
        stopped = dict(zip(note.cases, note.stopped, strict=False))
        cells: list[Text] = [(note.pre_activation.entry(note.unit),)]
        for case in shown:
            if case not in note.cases:
                cells.append(("open",))
            else:
                cells.append((Literal(stopped[case]),) if case in stopped else ("shut",))
        cells += [("…",), (f"{len(note.cases)} of {count}",)] if counted else []
        rows.append(tuple(cells))
    least = "at least " if len(notes) == MOST_NOTED else ""
    some = f" (the first {UNITS} of {least}{len(notes)} units)" if len(notes) > UNITS else ""
    known = any(note.stopped for note in notes)
    what = "What the shut gates stop, by unit and case" if known else "Shut gates, by unit and case"
    return Table(tuple(header), tuple(rows), "l" + "r" * (len(header) - 1), (f"{what}{some}",))
