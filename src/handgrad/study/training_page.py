"""The page of a problem in training: the loss, the units that are dead, and what killed each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from handgrad.expression import Literal, Name
from handgrad.operations import noun_of
from handgrad.page.blocks import Block, Heading, Inline, Note, NoteKind, Paragraph, Table, Text
from handgrad.page.charts import chart
from handgrad.running.reviving import Revivers
from handgrad.running.reviving_words import ways_text
from handgrad.running.training import RUN_AWAY
from handgrad.saving import Page
from handgrad.study.events_page import event_blocks
from handgrad.study.training_charts import (
    comparison_chart,
    dead_or_off,
    deaths_chart,
    groups,
    losses_chart,
)
from handgrad.study.units import StudiedLayer, gates
from handgrad.text import joined, listed
from handgrad.updates import RULES, Update

if TYPE_CHECKING:
    from handgrad.study.over_training import OverTraining

ROWS = 12
"""Updates listed of a long training."""


def training_page(study: OverTraining, decimals: int = 4) -> Page:
    """One training: what happened to the loss and to the units."""
    blocks: list[Block] = [
        Heading((f"Training: {_title(study)}",), 1),
        Paragraph(_what(study)),
        *_outcome(study),
        Heading(("The loss and the units",), 2),
        chart(partial(losses_chart, [study], ["loss"]), _loss_caption(study)),
    ]
    if study.layers:
        blocks.append(
            chart(
                partial(deaths_chart, study),
                (f"The share of units that are {dead_or_off(study)}.",),
            )
        )
    blocks.append(_over_time(study))
    blocks += event_blocks(study)
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
    for group in groups(studies):
        names = [s.name for s in group]
        blocks.append(chart(partial(losses_chart, group, names), ("The loss over all the cases.",)))
        if base.units:
            caption = ("The share of units that are off on every case.",)
            blocks.append(chart(partial(comparison_chart, group), caption))
    blocks += [
        Heading(("As given: the loss and the units",), 2),
        _over_time(base),
        *event_blocks(base),
    ]
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
    # Of a single look that came early, or at the end, the interval is nobody's wish.
    every = [b - a for a, b in pairwise(study.steps)]
    looked = (
        f" The units are looked at every {every[0]} updates."
        if len(every) > 1 and every[0] > 1
        else ""
    )
    words = f"{made} update{'s' if made > 1 else ''} by {RULES[study.update.rule].noun} at rate "
    rows: Text = (", the rows of ", *joined([(Name(n),) for n in study.rows])) if study.rows else ()
    if study.columns:
        rows = (", the columns of ", *joined([(Name(n),) for n in study.columns]))
    rest = f"{batches}.{looked}"
    if study.layers and study.gates:
        rest += (
            " A unit is dead when its gate is shut on every case: its pre-activation is at most 0 there, and no "
            "gradient comes through it."
        )
    elif not study.layers:
        rest += f" No equation has a {_gates(study)}, so no unit can die."
    return (words, Literal(study.update.rate), *_beside(study.update), f" on {cases}", *rows, rest)


def _beside(update: Update) -> Text:
    """What an update has beside its rule and its rate."""
    told: list[Text] = []
    if update.schedule:
        told.append((f"on the schedule “{update.schedule}”",))
    if update.rates:
        told.append(("with rates of their own for ", *joined([(Name(n),) for n in update.rates])))
    if update.clips:
        what = {
            "clip_norm": "with the norm of all gradients",
            "clip_value": "with gradients' entries",
        }
        told.append((f"{what[update.clips]} clipped at ", Literal(update.options[update.clips])))
    return tuple([part for each in told for part in (", ", *each)]) + ((",",) if told else ())


def _gates(study: OverTraining) -> str:
    """What the activations of its units are called; where it has none, every gate."""
    used = dict.fromkeys(layer.call.operation for layer in study.layers)
    return listed([noun_of(operation) for operation in used or sorted(gates())], "or")


def _outcome(study: OverTraining) -> list[Block]:
    first, last = study.losses[0], study.losses[-1]
    if study.stopped == 0:
        return [Note("warning", ("The loss is not finite before the first update: none is made.",))]
    if study.stopped is not None:
        text: Text = (
            f"After update {study.stopped} the loss was no longer finite. A smaller learning "
            "rate takes shorter steps.",
        )
        return [Note("warning", text)]
    fell = last < first and study.ran_away is None
    what = "" if study.ran_away is not None else " fell" if fell else " did not fall"
    loss: Text = (
        f"The loss{what}: ",
        Literal(first),
        " before the first update, ",
        Literal(last),
        " after the last.",
    )
    highest = int(np.argmax(study.losses))
    if study.losses[highest] > max(first, last):
        loss += (
            " It was highest after update ",
            str(highest),
            ": ",
            Literal(study.losses[highest]),
            ".",
        )
    dead = bool(study.layers) and len(study.ended_dead) == study.units and bool(study.gates)
    # A loss that fell while every unit died is no success.
    sign: NoteKind = "info" if not what or (fell and dead) else "check" if fell else "warning"
    blocks: list[Block] = [Note(sign, loss)]
    if study.ran_away is not None:
        text = (
            f"After update {study.ran_away} the loss is more than ",
            Literal(10.0) ** Literal(math.log10(RUN_AWAY)),
            " times what it was at first: the training has run away. From there on rounding may decide what is shown, as double precision "
            "carries some 16 digits. A smaller learning rate takes shorter steps.",
        )
        blocks.insert(0, Note("warning", text))
    if not study.layers:
        return blocks
    before, after = len(study.started_dead), len(study.ended_dead)
    died = sum(e.kind == "died" for e in study.events)
    words = (
        f"{_count(after)} of {study.units} units {'is' if after == 1 else 'are'} {dead_or_off(study)} at the end, "
        f"{before or 'none'} at the start: {_deaths_words(died)} on the way{_revivals(study)}."
    )
    if study.units == 1:
        words = (
            f"The one unit is {'' if after else 'not '}{dead_or_off(study)} at the end, and was "
            f"{'' if before else 'not '}so at the start{_revivals(study)}."
        )
    blocks.append(Note("gate" if after else "check", (words,)))
    if after and study.gates:
        blocks += _for_good(study)
    if dead:
        every = "The one unit is dead: it fires on no case."
        text = (
            "All units are dead: none of them fires on any case." if study.units > 1 else every,
        )
        blocks.insert(0, Note("warning", text))
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
    if study.units == 1:
        times = "" if len(events) == 1 else f" {len(events)} times"
    why = "" if not study.gates else f" ({listed(told)})" if len(told) > 1 or came > 1 else ""
    if study.gates and came == len(events) == 1 and told:
        why = f" ({CAUSES[events[0].cause].replace('their', 'its')})"
    return f", and {'in between it' if study.units == 1 else came} fired again{times}{why}"


CAUSES: dict[str, str] = {
    "own": "by their own weights",
    "below": "by the layers below",
    "either": "by either of the two",
    "together": "by both together",
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
        ways = joined(ways_text(revivers, study.parts, many=count > 1), "or")
        lead = " " if parts else ""
        units = "unit is off now and comes" if count == 1 else "units are off now and come"
        least = "At least " if len(study.ended_dead) > asked else ""
        more = "more " if parts else ""
        parts += [f"{lead}{least}{count} {more}{units} back only if ", *ways, "."]
    return [Note("info", tuple(parts))]


def _count(number: int) -> str:
    return str(number) if number else "None"


# -- tables ---------------------------------------------------------------------------------


def _over_time(study: OverTraining) -> Table:
    """The loss and the dead of each layer: when their number changes, and at updates spread over the training."""
    count = len(study.steps)
    of = list(zip(*study.dead.values(), strict=True)) or [()] * count
    changes = [k for k in range(1, count) if of[k] != of[k - 1]]
    found = {0, count - 1, *changes[: ROWS - 2]}
    spread = np.linspace(0, count - 1, max(2, ROWS - len(found) + 2))
    shown = sorted(found | {round(k) for k in spread})
    names = _layer_names(study.layers)
    header: list[Text] = [("update",), ("loss",)]
    header += [
        (*names[layer.name], f" {dead_or_off(study)}, of {layer.units}") for layer in study.layers
    ]
    rows: list[tuple[Text, ...]] = []
    for k in shown:
        loss: Text = (
            (Literal(study.losses[k]),) if np.isfinite(study.losses[k]) else ("not finite",)
        )
        dead: list[Text] = [(str(study.dead[layer.name][k]),) for layer in study.layers]
        rows.append(((str(study.steps[k]),), loss, *dead))
    return Table(tuple(header), tuple(rows), "r" * len(header), ("Over time",))


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
        elif study.ran_away is not None:
            loss = ("ran away",)
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
    finished = [s for s in studies if s.stopped is None and s.ran_away is None]
    if not finished:
        return [Note("warning", ("The loss of each of them ran away, or did not stay finite.",))]
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


# -- names ----------------------------------------------------------------------------------


def _layer_names(layers: Sequence[StudiedLayer]) -> dict[str, Text]:
    return {
        layer.name: (Name(layer.name),) if layer.name.isidentifier() else (layer.name,)
        for layer in layers
    }
