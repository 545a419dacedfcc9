"""What a watched loop's report says of a unit, of who died and of who fires again, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from handgrad.expression import Literal
from handgrad.formats.json import Place, Views
from handgrad.running.reviving import Revivers
from handgrad.text import Inline, Text, joined, plain_text
from handgrad.updates import RULES
from handgrad.watching.records import (
    UnitTurn,
    WatchedUnit,
    WatchedVerdict,
    ZeroGradient,
)

if TYPE_CHECKING:
    from handgrad.watching.watched import Watched

WATCHED: dict[WatchedVerdict, str] = {
    "alive": "alive",
    "gated_off": "gated off in the one case",
    "dead_on_data": "dead",
    "starved": "alive but starved",
    "nearly_dead": "nearly dead",
    "saturated": "saturated",
    "not_finite": "not finite",
}


def place_text(unit: tuple[int, ...]) -> str:
    """A place as PyTorch writes it; nothing for the one unit of a layer."""
    return f"[{', '.join(map(str, unit))}]" if unit else ""


def named(unit: WatchedUnit | UnitTurn) -> str:
    """A unit as its weight's entry: fc1.weight[7]."""
    return f"{unit.weight or unit.layer}{place_text(unit.unit)}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 case, 12 800 cases."""
    told = f"{number:,}".replace(",", "\u202f") if number >= 10_000 else str(number)
    return f"{told} {noun}{'' if number == 1 else 's'}"


def watched_text(report: Watched, unit: WatchedUnit) -> Text:
    """The verdict on a unit: its numbers, what it zeroes, and what can move it."""
    name = named(unit)
    parts: list[Inline]
    cases = counted(unit.cases, "case")
    match unit.verdict:
        case "alive":
            return (f"{name} is alive.",)
        case "gated_off":
            parts = [f"{name} is gated off: in the one case its largest pre-activation is ", Literal(unit.max_preactivation), "."]  # fmt: skip
        case "dead_on_data" if unit.last_fired == 0:
            parts = [f"{name} is dead: it fired in none of {cases}; its largest pre-activation was ", Literal(unit.max_preactivation), "."]  # fmt: skip
        case "dead_on_data":
            parts = [
                f"{name} is dead since step {unit.dead_since}: until then it fired, in {unit.fired} cases, and has not "
                "since."
            ]
        case "starved":
            parts = [f"{name} fires, in {unit.recent_fired} of the last {counted(unit.recent_cases, 'case')}, but it is starved: no gradient passed it."]  # fmt: skip
        case "nearly_dead":
            parts = [f"{name} is nearly dead: it fired in {unit.recent_fired} of the last {counted(unit.recent_cases, 'case')}."]  # fmt: skip
        case "saturated":
            parts = [f"{name} is saturated in all of {cases}."]
        case "not_finite":
            parts = [f"Nothing is said of {name}: its pre-activation was not a number."]
        case _:
            assert_never(unit.verdict)
    if unit.zeros:
        parts += [" ", *zeros_text(unit.zeros)]
    if unit.revivers is not None:
        parts += [" ", *revival_text(unit.revivers, unit)]
    return tuple(parts)


def zeros_text(zeros: Sequence[ZeroGradient]) -> Text:
    """The parts of gradients that are 0: row 7 of the gradient of fc1.weight, …"""
    told = []
    for number, zero in enumerate(zeros):
        if zero.part == "entry":
            told.append(f"entry {zero.position} of that of {zero.name}" if number else f"entry {zero.position} of the gradient of {zero.name}")  # fmt: skip
        elif number:
            told.append(f"{zero.part} {zero.position} of that of {zero.name}")
        else:
            told.append(f"{zero.part} {zero.position} of the gradient of {zero.name}")
    first, *others = joined([(t,) for t in told])
    start = f"{str(first)[0].upper()}{str(first)[1:]}"
    verb = " is therefore zero." if len(zeros) == 1 else " are therefore zero."
    return (start, *others, verb)


def revival_text(revivers: Revivers, unit: WatchedUnit) -> Text:
    """What can bring a unit back, by the update rule that was seen."""
    noun = RULES[revivers.rule].noun if revivers.rule else "the optimizer"
    ways: list[Text] = []
    if revivers.below:
        ways.append(("the layers before it change its input",))
    if revivers.coasting:
        ways.append(("what the optimizer remembers still moves its weights far enough",))
    if revivers.decay:
        ways.append(("weight decay shrinks its weights far enough",))
    if unit.elsewhere:
        ways.append(("the gradient that its weights get by another way moves them far enough",))
    if not ways:
        return (
            f"Its input is data, and {noun} moves nothing of its own while it is off: it fires again only on a case "
            "unlike those that it was given.",
        )
    data = "Its input is data. " if revivers.fixed else ""
    return (f"{data}With {noun} it comes back only if ", *joined(ways, "or"), ".")


def turn_text(turn: UnitTurn) -> Text:
    """One death, or one return, in a sentence or two."""
    if turn.kind == "died":
        before = f"step {turn.step - 1}" if turn.step > 2 else "the first step"
        return (f"{named(turn)} died at step {turn.step}: it last fired in {before}.",)
    told = f"{named(turn)} fires again at step {turn.step}; it had not since step {turn.after}. "
    by = turn.by
    if turn.moved and by is not None:
        ways = [w for w, is_so in (("by what the optimizer remembers", by.coasting), ("by weight decay", by.decay)) if is_so]  # fmt: skip
        how = f", {' or '.join(ways)}" if ways else ", though not by a gradient through it"
        return (f"{told}Its own weights moved in between{how}.",)
    if turn.moved is False:
        return (f"{told}Its own weights were the same whenever they were looked at in between.",)
    if by is not None and not by.coasting and not by.decay:
        what = (
            "the layers before it give it something else"
            if not by.fixed
            else "it was given a new case"
        )
        return (
            f"{told}The optimizer moves no weights that get no gradient: {what}, or its weights were written to.",
        )
    return (told.rstrip(),)


def _unit(unit: WatchedUnit, place: Place) -> str:
    report: Watched = place.above[0]
    return plain_text(watched_text(report, unit))


VIEWS: Views = {
    WatchedUnit: {"text": _unit},
    UnitTurn: {"text": lambda turn, place: plain_text(turn_text(turn))},
}
"""By kind of record and by key."""
