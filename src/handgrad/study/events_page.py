"""The updates that killed a unit or revived one: a table, and one of each in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from handgrad.expression import Literal, Name
from handgrad.page.blocks import Block, Heading, Note, Paragraph, Table, Text
from handgrad.solution.unit_words import unit_name
from handgrad.study.returning import Way
from handgrad.study.units import StudiedLayer
from handgrad.text import listed

if TYPE_CHECKING:
    from handgrad.study.over_training import OverTraining, UnitEvent


EVENTS = 24
"""Deaths and revivals listed."""


WAYS: dict[Way, str] = {
    "coasting": "coasting on earlier gradients",
    "decay": "weight decay",
    "penalty": "the penalty",
}


def event_blocks(study: OverTraining) -> list[Block]:
    """The update that killed each unit, and those that revived one."""
    if not study.events:
        return []
    by_name = {layer.name: layer for layer in study.layers}
    rows: list[tuple[Text, ...]] = []
    for event in study.events[:EVENTS]:
        unit = _unit(by_name[event.layer], event.unit)
        when = (
            str(event.step) if event.step - event.since == 1 else f"{event.since + 1}–{event.step}"
        )
        rows.append(
            (
                (when,),
                unit,
                ("died" if event.kind == "died" else "fires again",),
                (Literal(event.before),),
                (Literal(event.after),),
                (Literal(event.own),),
                (Literal(event.below),),
            )
        )
    header: tuple[Text, ...] = (
        ("update",),
        ("unit",),
        ("",),
        ("largest before",),
        ("largest after",),
        ("by its own weights",),
        ("by the layers below",),
    )
    blocks: list[Block] = [
        Heading((_heading(study),), 2),
        Paragraph(
            (
                "The largest pre-activation over the cases, before and after the update, which need not be of one case; "
                "and how much of the change, on the case where it was largest before, came from the unit's own weights and bias and "
                "how much from what the layers below gave it.",
            )
        ),
        Table(header, tuple(rows), "rllrrrr"),
    ]
    if len(study.events) > EVENTS:
        more = len(study.events) - EVENTS
        blocks.append(Paragraph((f"{more} more such updates are in the JSON.",)))
    deaths = [e for e in study.events if e.kind == "died"]
    if deaths:
        blocks.append(Note("gate", _told(study, by_name, deaths[0])))
    caused = [e for e in study.revivals if e.cause]
    if caused and study.gates:
        blocks.append(Note("check", _told_again(by_name, caused[0])))
    return blocks


def _heading(study: OverTraining) -> str:
    kinds = {event.kind for event in study.events}
    if kinds == {"died"}:
        return "What killed each unit"
    return "What revived each unit" if kinds == {"revived"} else "What killed and revived each unit"


def _told_again(layers: Mapping[str, StudiedLayer], event: UnitEvent) -> Text:
    """One revival in a sentence or two: what would have been enough alone."""
    when = f"After update {event.step}"
    if event.step - event.since > 1:
        when = f"After one of the updates {event.since + 1} to {event.step}"
    own = "its new weights would have made it fire on the old output of the layers below"
    below = "the new output of the layers below would have made it fire with its old weights"
    match event.cause:
        case "own" if layers[event.layer].facts.below:
            why = f"{own}; its old weights would not have on the new output"
        case "own":
            given = (
                "its input is fixed data" if layers[event.layer].facts.data else "it has no input"
            )
            why = f"only its own weights could do that, because {given}"
        case "below":
            why = f"{below}; its new weights would not have on the old output"
        case "either":
            why = f"{own}, and {below}"
        case _:
            why = "neither its new weights nor the new output of the layers below would have been enough alone"
    moved = ""
    if event.own_by and event.own_by[0] in ("gradient", "sharing"):
        moved = f" {SENTENCES[event.own_by[0]]}"
    elif event.own_by:
        named = listed([WAYS[way] for way in event.own_by])
        moved = f" What moved its weights without a gradient through it: {named}."
    return (f"{when} ", *_unit(layers[event.layer], event.unit), f" fires again: {why}.{moved}")


SENTENCES: dict[Way, str] = {
    "gradient": "It fired in between, and a gradient that came through it moved its weights.",
    "sharing": "Its weights are used elsewhere too, and got their gradient there.",
}


def _told(study: OverTraining, layers: Mapping[str, StudiedLayer], event: UnitEvent) -> Text:
    """One death in a sentence."""
    unit = _unit(layers[event.layer], event.unit)
    case = f" on case {event.case + 1}" if study.cases > 1 else ""
    when = f"Update {event.step}"
    if event.step - event.since > 1:
        when = f"One of the updates {event.since + 1} to {event.step}"
    return (
        f"{when} killed ",
        *unit,
        ": its largest pre-activation was ",
        Literal(event.before),
        f"{case}, where it then became ",
        Literal(event.to_value),
        "; it no longer fires on any case.",
    )


def _unit(layer: StudiedLayer, unit: tuple[int, ...]) -> Text:
    """A unit as it is called by its pre-activation, or its equation where that has no name."""
    named = layer.pre if isinstance(layer.pre, Name) else Name(layer.name.split(" ")[0])
    facts = layer.facts
    return unit_name(named, unit, axes=facts.axes, shape=facts.shape, matrix=facts.matrix)
