"""The answers about gates: zeros, another activation, another input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from handgrad.discussion.phrases import (
    LISTED,
    cases_words,
    cited,
    count,
    entry_gradient,
    in_case,
    raised,
    sides,
)
from handgrad.discussion.structure import (
    Filled,
    GateSwap,
    OtherInput,
    Swap,
    UnitAt,
    ZeroEntries,
    ZeroPart,
)
from handgrad.expression import Literal, Name
from handgrad.operations import BY_NAME, noun_of
from handgrad.running.reviving_words import layers_text
from handgrad.solution.note_words import zeroed_text
from handgrad.text import Inline, Text, joined, listed, ordinal

FEW = 3
"""Changed gates that have a sentence each."""


# -- zeros ----------------------------------------------------------------------------------


def zeros_text(question: ZeroEntries) -> tuple[Text, ...]:
    answer: list[Text] = []
    if question.zero == 0:
        nothing = (
            "The entry is not"
            if question.total == 1
            else f"None of the {question.total} entries is"
        )
        answer.append((f"{nothing} zero{_why_none(question)}",))
    elif question.zero == question.total:
        answer.append(("Every entry is zero: the parameters learn nothing here.",))
    else:
        verb = "is" if question.zero == 1 else "are"
        answer.append((f"{question.zero} of the {question.total} entries {verb} zero.",))
    some = [p for p in question.parts if p.cause == "shut_gate" and p.cases]
    parts = [p for p in question.parts if p not in some] if len(some) > 1 else question.parts
    answer += [_zero_part(part) for part in parts[:LISTED]]
    if len(parts) > LISTED:
        more = len(parts) - LISTED
        there = "is one more reason" if more == 1 else f"are {more} more reasons"
        answer.append((f"There {there} of these kinds.",))
    if len(some) > 1:
        answer.append(_shut_in_some(some, bool(question.zero)))
    if question.untold:
        answer.append(
            (
                f"{count(question.untold, 'more zero')} {'is' if question.untold == 1 else 'are'} not explained one by one.",
            )
        )
    if question.zero == 0 and question.smallest is not None:
        answer.append(
            ("The smallest in size is ", entry_gradient(question.smallest), " = ", Literal(question.smallest_value), ".")
        )  # fmt: skip
    if question.gates:
        noun = sides(question.gates)
        answer.append(
            (
                f"In general: where {noun} is shut, no gradient flows through the unit. Its bias, the weights into "
                "it and the weights out of it learn nothing from that example, unless other units share them. A "
                "unit that is shut for every example is dead. ",
                *_revivers(question),
                "The deeper the network, the more gates every gradient has to pass.",
            )
        )  # fmt: skip
    return tuple(answer)


def _revivers(question: ZeroEntries) -> Text:
    return (*layers_text(question.revivers), " ") if question.revivers else ()


def _shut_in_some(parts: Sequence[ZeroPart], besides: bool) -> Text:
    """Gates that are shut in some cases only, told together."""
    told = [
        (*((p.about,) if p.about is not None else ()), f" in {cases_words(p.cases)}")
        for p in parts[:LISTED]
    ]
    if len(parts) > LISTED:
        more = len(parts) - LISTED
        told.append((f"{more} more unit{'s' if more > 1 else ''}",))
    noun = listed([noun_of(o) for o in dict.fromkeys(p.operation for p in parts)])
    where = cited([p.step for p in parts if p.step])
    return (
        f"{noun[:1].upper()}{noun[1:]} is shut in some of the cases{' as well' if besides else ''}{where}: ", *joined(told),
        ". In those cases these units let no gradient through.",
    )  # fmt: skip


def _why_none(question: ZeroEntries) -> str:
    each = "it" if question.total == 1 else "each of them"
    if question.parts:
        return " in the total, though some are in single cases:"
    if question.gates:
        return f": {each} gets gradient along a path on which no gate is shut."
    smooth = [a for a in question.activations if BY_NAME[a].saturation]
    never = f" (the slope of {sides(smooth)} is never exactly 0)" if smooth else ""
    return f": {each} gets gradient along at least one path{never}."


def _zero_part(part: ZeroPart) -> Text:
    what = joined([zeroed_text(z) for z in part.zeroed])
    several = len(part.zeroed) > 1 or (
        part.zeroed[0].part == "entries" and len(part.zeroed[0].entries) > 1
    )
    verb = "are" if several else "is"
    where, shown = cited([part.step] if part.step else []), cited(part.shown_in)
    about: Text = (part.about,) if part.about is not None else ()
    match part.cause:
        case "shut_gate":
            noun = noun_of(part.operation)
            if part.cases:
                return (
                    f"In {cases_words(part.cases)} ", *about, f" ≤ 0{where}, so {noun} is shut: in the gradient of "
                    f"{'that case' if len(part.cases) == 1 else 'those cases'} ", *what,
                    f" {verb} zero{shown}. Only the other cases count there.",
                )  # fmt: skip
            number: Text = (" = ", Literal(part.value)) if part.value is not None else ()
            every = "" if part.value is not None else " in every case"
            sign = " ≤ 0" if part.value is None or part.value < 0 else ""
            return (
                *about, *number, f"{sign}{every}{where}, so {noun} is shut: it gives 0 and lets no gradient "
                "through. That is why ", *what, f" {verb} zero{shown}.",
            )  # fmt: skip
        case "zero_input":
            return (
                *about, " = 0, and a weight's gradient has its input as a factor: ", *what,
                f" {verb} zero{shown}.",
            )  # fmt: skip
        case "zero_value":
            return (*about, f" = 0{where} is a factor of ", *what, f", which {verb} zero{shown}.")
        case "nothing_arrives":
            because: Text = (
                (", because every gate of ", Name(part.behind), " is shut") if part.behind else ()
            )
            return (
                "No gradient arrives here: ", *about, f" = 0{where}", *because, ". So ", *what,
                f" {verb} zero{shown}.",
            )  # fmt: skip
        case "zero_factor":
            return (
                "The local derivative ", *about, f" is 0{where}, so ", *what,
                f" {verb} zero: with these numbers a small change here changes nothing.",
            )  # fmt: skip
        case "unreached":
            return ("No path leads from ", *about, " to the loss: ", *what, f" {verb} zero.")
        case "at_these_numbers":
            return (*raised(what), f" {verb} zero at these numbers{shown}.")
        case _:
            assert_never(part.cause)


# -- another activation ---------------------------------------------------------------------


def swap_text(swap: Swap) -> Text:
    noun = noun_of(swap.operation)
    slopes = [u.other_slope for u in swap.units]
    shut = [u for u in swap.units if u.other_slope == 0]
    parts: list[Inline] = [f"With {noun}{_setting(swap.operation)}: "]
    if shut:
        if len(slopes) == 1:
            number = "the"
        else:
            number = "every" if len(shut) == len(slopes) else f"{len(shut)} of the {len(slopes)}"
        units = f"unit{'s' * (len(shut) < len(slopes))} would be shut"
        parts += [f"{number} {units}: ", *_listed_units(shut), ". "]
    elif len(set(slopes)) > 1:
        parts += [
            "every slope lies between ", Literal(min(slopes)), " and ", Literal(max(slopes)),
            ", so no gradient would be blocked. ",
        ]  # fmt: skip
    elif slopes:
        the = "the" if len(slopes) == 1 else "every"
        parts += [f"{the} slope is ", Literal(slopes[0]), ", so no gradient would be blocked. "]
    else:
        parts += ["no unit changes. "]
    if filled := swap.filled[:LISTED]:
        parts += ["Instead of 0, ", *joined([_filled(f) for f in filled]), ". "]
    emptied = [z for p in swap.emptied if not p.cases for z in p.zeroed]
    if emptied:
        parts += [*raised(joined([zeroed_text(z) for z in emptied[:LISTED]])), " would be zero. "]
    if swap.other_loss == swap.loss:
        parts += ["The loss would stay at ", Literal(swap.loss), "."]
    else:
        loss: Text = (Literal(swap.other_loss), " instead of ", Literal(swap.loss), ".")
        parts += ["The loss would be ", *loss]
    return tuple(parts)


def _filled(filled: Filled) -> Text:
    """A part of a gradient that was zero: its new value, or how large its entries become."""
    what = zeroed_text(filled.zeroed)
    if len(filled.zeroed.entries) == 1:
        return (*what, " would be ", Literal(filled.largest))
    return (*what, " would have entries of up to ", Literal(abs(filled.largest)), " in size")


def swap_in_general(question: GateSwap) -> tuple[Text, ...]:
    saturating = [s.operation for s in question.swaps if BY_NAME[s.operation].saturation]
    if not saturating:
        return ()
    slope = max(BY_NAME[o].saturation or 0.0 for o in saturating)
    block, shrink = ("blocks", "shrinks") if len(saturating) == 1 else ("block", "shrink")
    return (
        (
            f"In general {listed([noun_of(o) for o in saturating])} never {block} a gradient completely, but "
            f"{shrink} it: no slope is above {slope:g}, and far from 0 every slope is near 0. Over many layers the gradient "
            "can still vanish.",
        ),
    )


def _setting(operation: str) -> str:
    """The slope of a leaky activation's other side, in parentheses."""
    alpha = BY_NAME[operation].options.get("alpha")
    return f" (α = {alpha:g})" if isinstance(alpha, float) else ""


def _listed_units(units: Sequence[UnitAt]) -> Text:
    shown: list[Text] = [
        (u.entry, " = ", Literal(u.other_z), *in_case(u.case)) for u in units[:LISTED]
    ]
    if len(units) > LISTED:
        shown.append((f"{len(units) - LISTED} more",))
    return joined(shown)


# -- another input --------------------------------------------------------------------------


def other_input_text(question: OtherInput) -> tuple[Text, ...]:
    answer: list[Text] = []
    answer += _changed_gates(question.off, "goes off", "go off")
    answer += _changed_gates(question.on, "comes on", "come on")
    changed = len(question.off) + len(question.on)
    if not changed:
        answer.append(("No gate changes: every pre-activation keeps its sign.",))
    rest = question.count - changed
    said = ""
    if changed and rest:
        said = (
            "The other gate stays as it was. "
            if rest == 1
            else f"The other {rest} gates stay as they were. "
        )
    shut = f"{question.shut} of {question.count} gates {'is' if question.shut == 1 else 'are'} shut"
    if question.count == 1:
        shut = f"the gate is {'shut' if question.shut else 'open'}"
    answer.append(
        (
            f"{said}With this input {shut}, and the loss is ",
            Literal(question.other_loss), " instead of ", Literal(question.loss), f" (compare step{'s' if len(question.steps) > 1 else ''} {listed(question.steps)}).",
        )
    )  # fmt: skip
    return tuple(answer)


def _changed_gates(units: Sequence[UnitAt], does: str, do: str) -> list[Text]:
    """Few gates in a sentence each, many in one list."""
    if len(units) <= FEW:
        return [
            (
                *_unit(u), f" {does}: ", u.entry, f" {'falls' if u.other_z < u.z else 'rises'} from ",
                Literal(u.z), " to ", Literal(u.other_z), ".",
            )
            for u in units
        ]  # fmt: skip
    shown: list[Text] = [
        (u.entry, *in_case(u.case), " (", Literal(u.z), " to ", Literal(u.other_z), ")")
        for u in units[:LISTED]
    ]
    if len(units) > LISTED:
        shown.append((f"{len(units) - LISTED} more",))
    number = len(units)
    many = f"{number} units {do}"
    if units[0].case is not None:
        many = f"Over the cases, units {do} {number} times"
    return [(f"{many}: ", *joined(shown), ".")]


def _unit(unit: UnitAt) -> Text:
    index = unit.unit
    where = f" of layer {unit.layer}" if unit.layer else ""
    where = f" at time step {unit.time_step}" if unit.time_step else where
    case = f"In case {unit.case + 1} " if unit.case is not None else ""
    if len(index) == 1:
        the = "the" if case else "The"
        return (f"{case}{the} {ordinal(index[0])} unit{where}",)
    if not index:
        return (f"{case}{'the' if case else 'The'} unit{where}",)
    return (f"{case}{'entry' if case else 'Entry'} {tuple(i + 1 for i in index)}{where}",)
