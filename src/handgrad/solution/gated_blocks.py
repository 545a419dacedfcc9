"""The shut gates of a step as blocks: one by one, or for a batch as a map of units and cases."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from handgrad.expression import Literal
from handgrad.operations import noun_of
from handgrad.page.blocks import Block, Note, Table, Text
from handgrad.solution.notes.gated_off import GatedOff
from handgrad.solution.notes.note import MOST_NOTED
from handgrad.solution.notes.places import unit_words
from handgrad.text import Inline, all_of, joined, listed, sentence

FEW = 2
"""The most gated entries of a matrix that get a note each; more share one, as do more than `UNITS` of a vector."""

MANY, NAMED = 16, 4
"""The most gated entries that are listed, and the most units off in every case that get a sentence each."""

UNITS, CASES = 12, 8
"""The most units and cases of a map; if there are more cases, each unit's are counted in the last column."""


def gated_blocks(notes: Sequence[GatedOff]) -> list[Block]:
    """What a step says about its shut gates.

    For a batch, the forward pass shows them beside the rows of the matrix, and the backward pass in a
    map of what each stops; only units that are off in every case get a sentence.
    """
    if not notes:
        return []
    if notes[0].case_count > 1:
        backward = notes[0].phase == "backward"
        # A vector's gates are told of beside its rows, where all of these are shown.
        if not backward and all(len(n.unit) == 1 and n.unit[0] < UNITS for n in notes):
            return []
        told: list[Block] = []
        if backward or _always_off(notes):
            told.append(Note("gate", _cases_text(notes)))
        whole = backward or any(len(n.unit) > 1 for n in notes)
        return [*told, _map(notes)] if whole else told
    blocks: list[Block] = []
    for _, each in groupby(notes, key=lambda n: (n.activation, n.pre_activation)):
        together = list(each)
        if len(together) > (FEW if len(together[0].unit) > 1 else UNITS):
            blocks.append(Note("gate", _entries_text(together)))
        else:
            blocks += [Note("gate", n.text()) for n in together]
    return blocks


def _map(notes: Sequence[GatedOff]) -> Table:
    """A table of units by cases: the gradient that a shut gate stops there, or "open"."""
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


def _always_off(notes: Sequence[GatedOff]) -> tuple[GatedOff, ...]:
    """The units of a batch that are off in every case."""
    return tuple(n for n in notes if len(n.cases) == n.case_count)


def _entries_text(notes: Sequence[GatedOff]) -> Text:
    """One sentence for the gated entries of a matrix, or the gated units of a wide layer."""
    first = notes[0]
    places = [_numbered(n.unit) for n in notes[:MANY]]
    which = listed(places) if len(notes) <= MANY else ", ".join([*places, "…"])
    counted = f"At least {len(notes)}" if len(notes) == MOST_NOTED else f"{len(notes)}"
    what = "units" if len(first.unit) == 1 else "entries"
    parts: list[Inline] = [f"{counted} {what} are gated off (", first.pre_activation]
    parts.append(f" ≤ 0): {which}.")
    if first.phase == "backward":
        blocked = max((n.blocked or 0.0 for n in notes), key=abs)
        parts += (
            [" They block gradients of up to ", Literal(abs(blocked)), "."]
            if blocked
            else [" No gradient arrived at them, so they block none."]
        )
    return tuple(parts)


def _numbered(unit: tuple[int, ...]) -> str:
    """The number of a unit or an entry, counted from 1, without a place to break the line."""
    if len(unit) == 1:
        return str(unit[0] + 1)
    return str(tuple(i + 1 for i in unit)).replace(" ", "\u00a0")


def _cases_text(notes: Sequence[GatedOff]) -> Text:
    """The units of a batch that are off: those that are off in every case, by name.

    Which unit is off in which case is shown beside the matrix of the forward pass, and in the table after
    a backward step.
    """
    first = notes[0]
    noun = noun_of(first.operation)
    always = _always_off(notes)
    sentences: list[Text] = []
    if first.phase == "backward":
        sentences.append(("A shut gate stops the gradient that arrives at it in that case.",))
        if not always:
            sentences.append(("None of these units is off in every case.",))
    for note in always[:NAMED]:
        z = note.pre_activation.entry(note.unit)
        start: Text = (
            unit_words(note.unit),
            f" is off in {all_of(note.case_count, 'cases')}",
        )
        if note.phase == "forward":
            told: Text = (
                " (",
                z,
                " ≤ ",
                Literal(note.value),
                f"), so {noun} gives 0 for every one.",
            )
        elif note.around:
            told = (f": no gradient passes {noun}; what arrives at ", z, " comes by another way.")
        elif note.zeroes:
            zeroed = joined([z.text() for z in note.zeroes])
            told = (": no gradient passes it and it gives 0, which zeroes ", *zeroed, ".")
        else:
            told = (": no gradient passes it.",)
        sentences.append(sentence(*start, *told))
    more = len(always) - NAMED
    if more > 0:
        sentences.append(
            (f"{more} more {'is' if more == 1 else 'are'} off in every case as well.",)
        )
    return tuple(part for k, said in enumerate(sentences) for part in ((" ", *said) if k else said))
