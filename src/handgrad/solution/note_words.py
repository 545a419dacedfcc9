"""Notes in sentences."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import assert_never

import numpy as np

from handgrad.expression import Adjoint, Expression, Literal, Name
from handgrad.finite import all_finite
from handgrad.operations import BY_NAME, noun_of
from handgrad.operations.operation import describe
from handgrad.solution import (
    MOST_NOTED,
    AtKink,
    Broadcast,
    Diverged,
    GatedOff,
    LossChange,
    MeanWithin,
    Note,
    RoundedAway,
    RoundingResidue,
    Saturated,
    SeveralPaths,
    ShortcutTaken,
    TargetSums,
    UnaskedGradient,
    UnlikeShapes,
    Unreached,
    Zeroed,
    ZeroInput,
)
from handgrad.solution.losses import SLACK
from handgrad.solution.numbers import literal_of
from handgrad.text import Inline, Text, joined, listed, ordinal, sentence

MANY = 16
"""Gated entries that are listed."""

FEW = 4
"""Entries that are called by their names in a sentence."""


def note_text(note: Note) -> Text:
    """A note as a sentence or two, with its formulas."""
    match note:
        case GatedOff():
            return _gated_off(note)
        case ZeroInput():
            return (
                "Because ", Name(note.name).entry(note.unit), " = 0, ",
                *joined([zeroed_text(z) for z in note.zeroes]),
                " is zero." if len(note.zeroes) == 1 else " are zero.",
            )  # fmt: skip
        case Saturated():
            return sentence(
                f"{noun_of(note.operation)} is saturated at ",
                note.pre_activation.entry(note.unit), " = ", Literal(note.value),
                ": its slope there is ",
                *(("only ", Literal(note.slope)) if note.slope else ("0 in floats",)),
                f" (under {note.threshold:g}), so little gradient passes.",
            )  # fmt: skip
        case SeveralPaths():
            return _several_paths(note)
        case Broadcast():
            return (
                f"Broadcasting: {describe(note.shape)} is repeated to {describe(note.repeated)} on the way from ",
                Name(note.name), " to ", Name(note.through),
                f". {'Each entry' if note.shape else 'It'} is used {note.times} times, and its gradient is the sum "
                f"of the {note.times} gradients that arrive.",
            )  # fmt: skip
        case ShortcutTaken():
            return (
                "The long way, one factor at a time",
                *((", goes through ", Name(note.inner)) if note.inner else ()),
                f" ({_agreement(note)}):",
            )  # fmt: skip
        case AtKink():
            lie = "lies" if len(note.entries) == 1 else "lie"
            return (
                *_places(note.of, note.case_count, note.entries),
                f" {lie} exactly at a kink: {note.words}.",
            )
        case UnlikeShapes():
            return _unlike_shapes(note)
        case RoundingResidue():
            return _rounding_residue(note)
        case RoundedAway():
            return _rounded_away(note)
        case UnaskedGradient():
            return _unasked_gradient(note)
        case TargetSums():
            return _target_sums(note)
        case MeanWithin():
            return _mean_within(note)
        case Unreached():
            return (
                "No path leads from ",
                Name(note.name),
                " to the loss, so its gradient is 0.",
            )
        case LossChange():
            return _loss_change(note)
        case Diverged():
            return _diverged(note)
        case _:
            assert_never(note)


def _unit(unit: tuple[int, ...], expression: Expression) -> str:
    if not unit:
        return "this unit"
    return (
        f"the {ordinal(unit[0])} unit" if len(unit) == 1 else f"entry {tuple(i + 1 for i in unit)}"
    )


def gated_entries_text(notes: Sequence[GatedOff]) -> Text:
    """The gated entries of a matrix, or units of a wide layer, told together."""
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
    """A unit's number, or an entry's, counted from 1; it is not broken into two lines."""
    if len(unit) == 1:
        return str(unit[0] + 1)
    return str(tuple(i + 1 for i in unit)).replace(" ", "\u00a0")


def always_off(notes: Sequence[GatedOff]) -> tuple[GatedOff, ...]:
    """The units of a batch that are off in every case."""
    return tuple(n for n in notes if len(n.cases) == n.case_count)


def gated_cases_text(notes: Sequence[GatedOff]) -> Text:
    """The units of a batch that are off, told together: in words those that are off in every case.

    Which is off in which case stands beside the matrix of the forward pass, and in the table after
    a backward step.
    """
    first = notes[0]
    noun = noun_of(first.operation)
    always = always_off(notes)
    sentences: list[Text] = []
    if first.phase == "backward":
        sentences.append(("A shut gate stops the gradient that arrives at it in that case.",))
        if not always:
            sentences.append(("No unit is off in every case.",))
    for note in always[:FEW]:
        z = note.pre_activation.entry(note.unit)
        start: Text = (
            _unit(note.unit, note.pre_activation),
            f" is off in all {note.case_count} cases",
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
            zeroed = joined([zeroed_text(z) for z in note.zeroes])
            told = (": no gradient passes it, which zeroes ", *zeroed, ".")
        else:
            told = (": no gradient passes it.",)
        sentences.append(sentence(*start, *told))
    more = len(always) - FEW
    if more > 0:
        sentences.append(
            (f"{more} more {'is' if more == 1 else 'are'} off in every case as well.",)
        )
    return tuple(part for k, said in enumerate(sentences) for part in ((" ", *said) if k else said))


def _gated_off(note: GatedOff) -> Text:
    z = note.pre_activation.entry(note.unit)
    noun = noun_of(note.operation)
    if note.cases and len(note.cases) < note.case_count:
        more = [f"{len(note.cases) - 8} more"] if len(note.cases) > 8 else []
        which = listed([*(str(c + 1) for c in note.cases[:8]), *more])
        cases = f"case{'s' if len(note.cases) > 1 else ''} {which} of {note.case_count}"
        tail = (
            (
                f"no gradient passes {noun} there, and what arrives comes by another way"
                if note.around
                else "no gradient passes it there"
            )
            if note.phase == "backward"
            else f"{noun} shuts it off there"
        )
        return sentence(
            _unit(note.unit, note.pre_activation), " is off in ", f"{cases} (", z, f" ≤ 0): {tail}."
        )
    everywhere = f" in all {note.case_count} cases" if note.case_count > 1 else ""
    if note.phase == "forward":
        relation = " = " if not everywhere else " ≤ "
        sign = " < 0" if note.value < 0 else ""
        return sentence(
            _unit(note.unit, note.pre_activation), " is gated off", everywhere, ": ", z, relation,
            Literal(note.value), f"{sign if not everywhere else ''}, so {noun} gives 0.",
        )  # fmt: skip
    parts: list[Inline] = list(
        sentence(
            _unit(note.unit, note.pre_activation), " is gated off", everywhere, " (", z, " ≤ 0): "
        )
    )
    if note.blocked == 0:
        parts += ["it stops whatever arrives, and what arrives here is 0."]
    elif note.blocked is not None:
        parts += ["it blocks a gradient of size ", Literal(note.blocked), "."]
    elif note.around:
        parts += [f"no gradient passes {noun}; what arrives at ", z, " comes by another way."]
    else:
        parts += ["no gradient passes it."]
    if note.zeroes:
        parts += [" That zeroes ", *joined([zeroed_text(z) for z in note.zeroes]), "."]
        if not everywhere:
            parts += [" Those weights learn nothing from this example."]
    return tuple(parts)


def zeroed_text(zeroed: Zeroed) -> Text:
    """Where the entries lie: row 2 of a gradient, an entry, all of it."""
    gradient = Adjoint(zeroed.name)
    if zeroed.entries == ((),):
        return (gradient,)
    match zeroed.part:
        case "row":
            return (f"row {zeroed.position + 1} of ", gradient)
        case "column":
            return (f"column {zeroed.position + 1} of ", gradient)
        case "entry":
            return (f"entry {zeroed.position + 1} of ", gradient)
        case "all":
            return ("all of ", gradient)
        case "entries":
            shown = [f"({', '.join(str(i + 1) for i in e)})" for e in zeroed.entries[:4]]
            if more := len(zeroed.entries) - len(shown):
                shown.append(f"{more} more")
            return (f"{'entry' if len(shown) == 1 else 'entries'} {listed(shown)} of ", gradient)


def _unlike_shapes(note: UnlikeShapes) -> Text:
    a, b = note.arguments[:2]
    described = [describe(shape) for shape in note.shapes]
    return sentence(
        a, f" is {described[0]} and ", b, f" is {described[1]}: broadcasting makes ",
        f"{math.prod(note.whole)} pairs of them, {describe(note.whole)}. Where each entry of one belongs to ",
        "one of the other, give both the same shape.",
    )  # fmt: skip


def _rounding_residue(note: RoundingResidue) -> Text:
    return (
        *_places(note.of, note.case_count, note.entries), f" {'is' if len(note.entries) == 1 else 'are'} exactly 0. Binary numbers cannot hold every "
        "decimal: a program that computes with them would be left with ", Literal(note.left[0]),
        " here." if len(note.entries) == 1 else " in the first.",
    )  # fmt: skip


def _place(of: Expression, case_count: int, entry: tuple[int, ...]) -> Text:
    # Of a name without its shape, the case is the last index where there are several.
    rank = len(entry) - (case_count > 1) if of.shape is None else len(of.shape)
    index = entry[:rank]
    return (of.entry(index), *((f" in case {entry[-1] + 1}",) if case_count > 1 else ()))


def _places(of: Expression, case_count: int, entries: Sequence[tuple[int, ...]]) -> Text:
    """The entries by their names; of many the first few, and how many more."""
    places = [_place(of, case_count, entry) for entry in entries[:FEW]]
    if more := len(entries) - len(places):
        least = "at least " if len(entries) == MOST_NOTED else ""
        places.append((f"{least}{more} more",))
    return joined(places)


def _agreement(note: ShortcutTaken) -> str:
    if note.agrees:
        return "and it agrees"
    if all(all_finite(line.value) for line in note.long):
        return "but floats lose its digits on the way"
    return "but floats have no number for it here"


_ROUNDED: Mapping[float, Text] = {
    0.0: (
        "smaller than ",
        literal_of(np.asarray(sys.float_info.min)),
        ", the smallest number that floats hold with all their digits",
    ),
    1.0: ("nearer to 1 than any other float",),
}
"""What the true value is of an entry that floats round to this."""


def _rounded_away(note: RoundedAway) -> Text:
    """Which entries, what they are in floats and why, and what the stable form gives."""
    name = Name(note.name)
    alike = note.values[0] if len(set(note.values)) == 1 else math.nan
    parts: list[Inline] = [*_places(name, note.case_count, note.entries)]
    parts += [" is " if len(note.entries) == 1 else " are "]
    rounded = alike in _ROUNDED
    if rounded:
        parts += [Literal(alike), " in floats"]
    else:
        parts += ["too near to 0 or 1 for floats"]
    if note.phase == "forward":
        parts += [": the true value is ", *_ROUNDED[alike]] if rounded else []
        parts += [". As it is written, the loss would be infinite or undefined; worked out from "]
        parts += [Name(note.pre_activation), " in its stable form, it is "]
        shown: Inline = Name(note.loss)
    else:
        divisor: list[Inline] = ["it"] if alike == 0 else ["1 − ", name]
        parts += [", and the long way divides by ", *divisor] if rounded else []
        parts += [". The shortcut divides by nothing: "]
        shown = Adjoint(note.pre_activation)
    return (*parts, shown, " = ", literal_of(note.stable, note.batched), ".")


def _target_sums(note: TargetSums) -> Text:
    off = note.sums.ravel()[np.abs(note.sums.ravel() - 1) > SLACK]
    several = note.sums.size > 1
    parts: list[Inline] = ["The targets ", note.targets]
    parts += (
        [
            f" add up to 1 in only {note.sums.size - len(off)} of {note.sums.size} rows or cases; the first other sum is "
        ]
        if several
        else [" add up to "]
    )
    parts += [Literal(float(off[0])), "." if several else ", not to 1."]
    parts += [" The loss is computed all the same"]
    if note.softmax:
        p = Name(note.softmax)
        parts += [
            ", but the error signal of the softmax is then not ",
            p - note.targets,
            ": ",
            p,
            " is multiplied by what the targets add up to",
        ]
    return (*parts, ".")


def _mean_within(note: MeanWithin) -> Text:
    what = "entries" if BY_NAME[note.operation].target != "class" else "rows"
    times = (
        f" Write {note.count} times the loss for the sum over the {what}."
        if not BY_NAME[note.outer].averages
        else ""
    )
    return (
        note.loss, f" is one number already, the mean over the {note.count} {what} (as PyTorch's reduction=\"mean\"): "
        f"its {note.outer} is that number itself.{times}",
    )  # fmt: skip


def _unasked_gradient(note: UnaskedGradient) -> Text:
    infinite = [e for e in note.entries if e not in note.undefined]
    gradient = Adjoint(note.name)
    said: list[Text] = []
    for entries, word in ((infinite, "infinite"), (note.undefined, "undefined")):
        if entries:
            verb = "is" if len(entries) == 1 else "are"
            said.append((*_places(gradient, note.case_count, entries), f" {verb} {word}"))
    return (
        *joined(said), " at these numbers. No parameter's gradient needs ",
        "it" if len(note.entries) == 1 else "them", ", so nothing else changes.",
    )  # fmt: skip


def _several_paths(note: SeveralPaths) -> Text:
    if all(getattr(value, "ndim", 1) == 0 for _, value in note.parts):
        shares: list[Text] = [
            (literal_of(value), " through ", Name(name)) for name, value in note.parts
        ]
    else:
        shares = [("one through ", Name(name)) for name, _ in note.parts]
    count = {2: "two", 3: "three", 4: "four"}.get(len(note.parts), str(len(note.parts)))
    return (
        Name(note.name), f" is used in {count} places, so its gradient is the sum over {count} paths: ",
        *joined(shares), ".",
    )  # fmt: skip


def _diverged(note: Diverged) -> Text:
    first: Inline = Adjoint(note.name) if note.gradient else Name(note.name)
    place = f" (equation {note.equation})" if note.equation else ""
    return (
        f"After update {note.update} the numbers are too large to go on: ", first,
        f"{place} is the first that is no longer finite. A smaller learning rate takes shorter steps.",
    )  # fmt: skip


def _loss_change(note: LossChange) -> Text:
    if note.after < note.before:
        word = "fell"
    elif note.after > note.before:
        word = "rose"
    else:
        return ("The loss is unchanged at ", Literal(note.after), ".")
    return (f"The loss {word} from ", Literal(note.before), " to ", Literal(note.after), ".")
