"""The page of a problem in training: the loss, the units that are dead, and what killed each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from handgrad.expression import Literal, Name
from handgrad.operations import noun_of
from handgrad.page.blocks import Block, Figure, Heading, Inline, Note, Paragraph, Table, Text
from handgrad.picture import Drawing
from handgrad.picture.charts import Axis, Series, line_chart
from handgrad.running.reviving import Revivers
from handgrad.running.reviving_words import ways_text
from handgrad.saving import Page
from handgrad.solution.unit_words import unit_name
from handgrad.study.returning import Way
from handgrad.study.units import StudiedLayer, gates
from handgrad.text import joined, listed
from handgrad.updates import RULES

if TYPE_CHECKING:
    from handgrad.study.training import OverTraining, UnitEvent

ROWS = 12
"""Updates listed of a long training."""

EVENTS = 24
"""Deaths and revivals listed."""

DECADES = 100.0
"""A loss that falls by more than this is drawn by powers of ten."""


BEYOND = 2.0
"""Of a training that diverged, losses of so many times the largest of the others are not drawn."""


def training_page(study: OverTraining, decimals: int = 4) -> Page:
    """One training: what happened to the loss and to the units."""
    blocks: list[Block] = [
        Heading((f"Training: {_title(study)}",), 1),
        Paragraph(_what(study)),
        *_outcome(study),
        Heading(("The loss and the units",), 2),
        Figure(_losses([study], ["loss"]), _loss_caption(study)),
    ]
    if study.layers:
        blocks.append(Figure(_deaths(study), (f"The share of units that are {_dead(study)}.",)))
    blocks.append(_over_time(study))
    blocks += _events(study)
    return _page(study, blocks, decimals)


def _loss_caption(study: OverTraining) -> Text:
    first, last = Literal(float(study.losses[0])), Literal(float(study.losses[-1]))
    if not np.isfinite(last.value):
        return ("The loss over all the cases, ", first, " at the start.")
    return ("The loss over all the cases, from ", first, " to ", last, ".")


def training_comparison_page(studies: Sequence[OverTraining], decimals: int = 4) -> Page:
    """Trainings side by side, the first the problem as it is; then the first in full."""
    base = studies[0]
    blocks: list[Block] = [
        Heading((f"Training: {_title(base)}",), 1),
        Paragraph(_what(base)),
        *_outcome(base),
        Heading(("What keeps units alive",), 2),
        Paragraph(
            (
                "The same cases in the same order. Other activations start from the same parameters; "
                f"initialisations are drawn with seed {base.seed}. A unit that is off has no positive "
                f"pre-activation on any case; with {_gates(base)} it is dead, with the other activations "
                "it still gets a gradient.",
            )
        ),
        _comparison(studies),
        *_verdict(studies),
    ]
    for group in _groups(studies):
        names = [s.name for s in group]
        blocks.append(Figure(_losses(group, names), ("The loss over all the cases.",)))
        if base.units:
            caption = ("The share of units that are off on every case.",)
            blocks.append(Figure(_all_deaths(group), caption))
    blocks += [Heading(("As given: the loss and the units",), 2), _over_time(base), *_events(base)]
    return _page(base, blocks, decimals)


# -- in words -------------------------------------------------------------------------------


def _page(study: OverTraining, blocks: Sequence[Block], decimals: int) -> Page:
    return Page(
        title=f"Training: {_title(study)}",
        blocks=tuple(blocks),
        decimals=decimals,
        display=study.problem.display,
    )


def _title(study: OverTraining) -> str:
    return study.problem.title or "a problem"


def _what(study: OverTraining) -> Text:
    made = study.steps[-1]
    cases = f"{study.cases} case{'s' if study.cases > 1 else ''}"
    batches = f", in batches of {study.batch} drawn with seed {study.seed}" if study.batch else ""
    every = [b - a for a, b in pairwise(study.steps)]
    looked = f" The units are looked at every {every[0]} updates." if every and every[0] > 1 else ""
    words = f"{made} update{'s' if made > 1 else ''} by {RULES[study.update.rule].noun} at rate "
    rows: Text = (", the rows of ", *joined([(Name(n),) for n in study.rows])) if study.rows else ()
    if study.columns:
        rows = (", the columns of ", *joined([(Name(n),) for n in study.columns]))
    rest = f"{batches}.{looked}"
    if study.layers and study.gates:
        rest += (
            " A unit is dead when its pre-activation is at most 0 on every case: its gate is shut, and no "
            "gradient comes through it."
        )
    elif not study.layers:
        rest += f" No equation has a {_gates(study)}, so no unit can die."
    return (words, Literal(study.update.rate), f" on {cases}", *rows, rest)


def _gates(study: OverTraining) -> str:
    """What the activations of its units are called; where it has none, every gate."""
    used = dict.fromkeys(layer.call.operation for layer in study.layers)
    return listed([noun_of(operation) for operation in used or sorted(gates())], "or")


def _outcome(study: OverTraining) -> list[Block]:
    first, last = study.losses[0], study.losses[-1]
    if study.stopped is not None:
        text: Text = (
            f"After update {study.stopped} the loss was no longer finite. A smaller learning "
            "rate takes shorter steps.",
        )
        return [Note("warning", text)]
    fell = last < first
    loss: Text = (
        f"The loss {'fell' if fell else 'did not fall'}: ",
        Literal(first),
        " before the first update, ",
        Literal(last),
        " after the last.",
    )
    blocks: list[Block] = [Note("check" if fell else "warning", loss)]
    if not study.layers:
        return blocks
    before, after = len(study.started_dead), len(study.ended_dead)
    died = sum(e.kind == "died" for e in study.events)
    words = (
        f"{_count(after)} of {study.units} units {'is' if after == 1 else 'are'} {_dead(study)} at the end, "
        f"{before or 'none'} at the start: {_deaths_words(died)} on the way{_revivals(study)}."
    )
    blocks.append(Note("gate" if after else "check", (words,)))
    if after and study.gates:
        blocks += _for_good(study)
    if after == study.units and study.gates:
        text = ("All units are dead: none of them fires on any case.",)
        blocks.append(Note("warning", text))
    return blocks


def _deaths_words(died: int) -> str:
    return f"{died} died" if died else "none died"


def _revivals(study: OverTraining) -> str:
    """How many units fired again, and why: what would have been enough alone."""
    events = study.revivals
    if not events:
        return ""
    came = len({(e.layer, e.unit) for e in events})
    causes = Counter(e.cause for e in events)
    told = [f"{count} {CAUSES[cause]}" for cause, count in causes.most_common() if cause]
    times = "" if came == len(events) else f", {len(events)} times in all"
    why = "" if not study.gates else f" ({listed(told)})" if len(told) > 1 or came > 1 else ""
    if study.gates and came == len(events) == 1 and told:
        why = f" ({CAUSES[events[0].cause].replace('their', 'its')})"
    return f", and {came} fired again{times}{why}"


CAUSES: dict[str, str] = {
    "own": "by their own weights",
    "below": "by the layers below",
    "either": "by either of the two",
    "together": "by both together",
}

WAYS: dict[Way, str] = {
    "coasting": "coasting on earlier gradients",
    "decay": "weight decay",
    "penalty": "the penalty",
}


def _for_good(study: OverTraining) -> list[Block]:
    """Which of the units that are dead at the end can come back, as far as that was asked."""
    asked, never = len(study.revivers), len(study.never)
    if not asked:
        return []
    parts: list[Inline] = []
    if never:
        fixed = all(study.revivers[unit].fixed for unit in study.never)
        dead = len(study.ended_dead)
        if dead == 1:
            told = "The unit dead at the end never fires"
        elif never == dead:
            told = f"None of the {dead} units dead at the end ever fires"
        else:
            least = "At least " if dead > asked else ""
            told = (
                f"{least}{never} of the {dead} units dead at the end never fire{'s' * (never == 1)}"
            )
        its, they_are = ("its", "it is") if never == 1 else ("their", "they are")
        given = f"{its} input is fixed data" if fixed else f"nothing changes {its} input"
        parts.append(
            f"{told} again on these data: {given}, and nothing moves {its} weights while {they_are} off."
        )
    groups: dict[Revivers, int] = {}
    for revivers in study.revivers.values():
        if not revivers.never:
            groups[revivers] = groups.get(revivers, 0) + 1
    for revivers, count in groups.items():
        ways = joined(ways_text(revivers, many=count > 1), "or")
        lead = " " if parts else ""
        units = "unit is off now and comes" if count == 1 else "units are off now and come"
        least = "At least " if len(study.ended_dead) > asked else ""
        more = "more " if parts else ""
        parts += [f"{lead}{least}{count} {more}{units} back only if ", *ways, "."]
    return [Note("info", tuple(parts))]


def _count(number: int) -> str:
    return str(number) if number else "None"


def _dead(study: OverTraining) -> str:
    return "dead" if study.gates else "off on every case"


# -- tables ---------------------------------------------------------------------------------


def _over_time(study: OverTraining) -> Table:
    """The loss and the dead of each layer, at updates spread over the training."""
    count = len(study.steps)
    shown = sorted({round(k) for k in np.linspace(0, count - 1, min(ROWS, count))})
    names = _layer_names(study.layers)
    header: list[Text] = [("update",), ("loss",)]
    header += [(*names[layer.name], f" {_dead(study)}, of {layer.units}") for layer in study.layers]
    rows: list[tuple[Text, ...]] = []
    for k in shown:
        loss: Text = (
            (Literal(study.losses[k]),) if np.isfinite(study.losses[k]) else ("not finite",)
        )
        dead: list[Text] = [(str(study.dead[layer.name][k]),) for layer in study.layers]
        rows.append(((str(study.steps[k]),), loss, *dead))
    return Table(tuple(header), tuple(rows), "r" * len(header), ("Over time",))


def _events(study: OverTraining) -> list[Block]:
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
                "The largest pre-activation over the cases, before and after the update; and how much of the "
                "change, on the case where it was largest, came from the unit's own weights and bias and "
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
            why = "only its own weights could do that, because its input is fixed data"
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


def _comparison(studies: Sequence[OverTraining]) -> Table:
    header: tuple[Text, ...] = (
        ("",),
        ("final loss",),
        ("off at start",),
        ("off at end",),
        ("updates",),
    )
    rows: list[tuple[Text, ...]] = []
    for study in studies:
        loss: Text = (Literal(study.losses[-1]),)
        if study.stopped is not None:
            loss = ("not finite",)
        rows.append(
            (
                (study.name,),
                loss,
                (f"{len(study.started_dead)} of {study.units}",),
                (f"{len(study.ended_dead)} of {study.units}",),
                (str(study.steps[-1]),),
            )
        )
    return Table(header, tuple(rows), "lrrrr", ("Side by side",))


def _verdict(studies: Sequence[OverTraining]) -> list[Block]:
    """Which training ended with the smallest loss, and which kept every unit alive."""
    finished = [s for s in studies if s.stopped is None]
    if not finished:
        return [Note("warning", ("None of them stayed finite.",))]
    best = min(finished, key=lambda s: s.losses[-1])
    words: list[Inline] = [
        "The smallest loss at the end: ", best.name, ", ", Literal(best.losses[-1]), "."
    ]  # fmt: skip
    if studies[0].units:
        alive = [s.name for s in finished if s.gates and not s.ended_dead]
        if alive:
            words.append(
                f" With {_gates(studies[0])} no unit is dead at the end: {', '.join(alive)}."
            )
        else:
            words.append(f" Every run with {_gates(studies[0])} ended with dead units.")
    return [Note("info", tuple(words))]


# -- charts ---------------------------------------------------------------------------------


def _losses(studies: Sequence[OverTraining], names: Sequence[str]) -> Drawing:
    """The losses; a training that diverged leaves the chart, so that the others can be read."""
    kept = [v for s in studies if s.stopped is None for v in s.losses]
    highest = max(kept, default=np.inf) * BEYOND
    lines = [[v if v <= highest else np.nan for v in s.losses] for s in studies]
    drawn = [v for line in lines for v in line if np.isfinite(v)]
    falls = any(s.losses[0] > DECADES * min(s.losses) > 0 for s in studies)
    grows = max(drawn, default=0.0) > DECADES * max(s.losses[0] for s in studies)
    return line_chart(
        [Series(n, s.steps, y) for n, s, y in zip(names, studies, lines, strict=True)],
        title="Loss over training",
        x=Axis("update"),
        y=Axis("loss", logarithmic=(falls or grows) and min(drawn, default=0.0) >= 0),
    )


def _deaths(study: OverTraining) -> Drawing:
    series = [Series(layer.name, study.steps, study.share_dead(layer)) for layer in study.layers]
    return _shares(series, f"Share of units {_dead(study)}")


def _all_deaths(studies: Sequence[OverTraining]) -> Drawing:
    series = []
    for study in studies:
        counts = np.sum([study.dead[layer.name] for layer in study.layers], axis=0)
        series.append(Series(study.name, study.steps, (counts / study.units).tolist()))
    return _shares(series, "Share of units off on every case")


def _shares(series: Sequence[Series], title: str) -> Drawing:
    return line_chart(
        series,
        title=title,
        x=Axis("update"),
        y=Axis(title.lower(), style="percent", limits=(0.0, 1.0)),
        height=240,
    )


def _groups(studies: Sequence[OverTraining]) -> list[list[OverTraining]]:
    """The activations together, and the initialisations and rates; the problem as it is with both."""
    base, *others = studies
    swapped = [s for s in others if not s.gates]
    drawn = [s for s in others if s.gates]
    return [[base, *group] for group in (swapped, drawn) if group]


# -- names ----------------------------------------------------------------------------------


def _unit(layer: StudiedLayer, unit: tuple[int, ...]) -> Text:
    """A unit as it is called by its pre-activation, or its equation where that has no name."""
    named = layer.pre if isinstance(layer.pre, Name) else Name(layer.name.split(" ")[0])
    facts = layer.facts
    return unit_name(named, unit, axes=facts.axes, shape=facts.shape, matrix=facts.matrix)


def _layer_names(layers: Sequence[StudiedLayer]) -> dict[str, Text]:
    return {
        layer.name: (Name(layer.name),) if layer.name.isidentifier() else (layer.name,)
        for layer in layers
    }
