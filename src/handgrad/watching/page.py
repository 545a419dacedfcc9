"""The page of a watched loop."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from handgrad.audit.structure import NEARLY
from handgrad.expression import Literal
from handgrad.page.blocks import Block, Heading, Note, Paragraph, Table, Text
from handgrad.page.charts import chart
from handgrad.picture import Drawing
from handgrad.picture.charts import Axis, Bar, Series, bar_chart, line_chart
from handgrad.saving import Page
from handgrad.solution.slopes import SATURATION
from handgrad.text import Proportion, joined
from handgrad.watching.history import OVERDUE
from handgrad.watching.records import RANKING, UnitTurn, WatchedLayer, WatchedUnit
from handgrad.watching.words import (
    WATCHED,
    counted,
    named,
    place_text,
    turn_text,
    watched_text,
)

if TYPE_CHECKING:
    from handgrad.watching.watched import Watched

LISTED = 16
"""Units of a layer that are listed, at most."""

FEW = 8
"""A layer with at most so many units lists all of them."""

TOLD = 3
"""Dead units of a layer that are told of in sentences, at most."""

TURNS = 16
"""Deaths and returns listed, at most."""

SHOWN = 6
"""Units of one layer that die together and are named, at most."""

LINES = 6
"""Layers in a chart, at most: those with the most dead units."""


def watched_page(report: Watched, decimals: int = 4) -> Page:
    """Which units fire, which are dead and since when, what that zeroes, and what would revive them."""
    title = f"Gates watched: {report.model}"
    blocks: list[Block] = [
        Heading((title,), 1),
        *_abstract(report),
        *_remarks(report),
        Paragraph(_introduction(report)),
    ]
    if report.layers:
        blocks += [Heading(("Layers",), 2), _layers(report), *_charts(report)]
        blocks += _turns(report)
        blocks.append(Heading(("Units",), 2))
        for layer in report.layers:
            blocks += _units(report, layer)
    return Page(title=title, blocks=tuple(blocks), decimals=decimals)


def _abstract(report: Watched) -> list[Block]:
    counts = Counter(u.verdict for u in report.units)
    total = len(report.units)
    if not total:
        return [Note("warning", ("No gates were seen.",))]
    if counts["alive"] == total:
        return [Note("check", (f"All {counted(total, 'unit')} are alive." if total > 1 else "The one unit is alive.",))]  # fmt: skip
    order = sorted(counts, key=RANKING.index)
    told = [(f"{counts[v]} {'is' if counts[v] == 1 else 'are'} {WATCHED[v]}",) for v in order]
    return [Note("gate", (f"Of {counted(total, 'unit')} ", *joined(told), "."))]


def _remarks(report: Watched) -> list[Block]:
    notes: list[Block] = [Note("warning", (f"Not seen: {what}.",)) for what in report.unseen]
    notes += [Note("info", (note,)) for note in report.notes]
    if report.processes > 1:
        notes.append(Note("info", (f"Counted by {report.processes} processes together: a unit is dead where it is in all of them.",)))  # fmt: skip
    return notes


def _introduction(report: Watched) -> Text:
    steps = counted(report.steps, "step")
    which = "" if report.every == 1 else f"; one in {report.every} was watched"
    updates = (
        f", with {counted(report.updates, 'update')} before the last" if report.updates else ""
    )
    gates = any(layer.gate for layer in report.layers)
    told = f"{steps}{updates}{which}."
    if gates:
        told += (
            " A unit with a gate fires where its pre-activation is positive; a case is an example in one call of its "
            "layer, and a unit that has several positions in a case fires in it where it does at one of them."
        )
        if report.updates:
            told += (
                " It is dead where it never fired, or where it has not for so long that, at the rate at which it fired "
                f"before, {OVERDUE:g} firings are overdue;"
            )
        else:
            told += " It is dead where it never fired;"
        told += f" it is nearly dead where it fires in at most {100 * NEARLY:g} % of the cases since step {report.recent}."
    if not all(layer.gate for layer in report.layers):
        told += f" A unit without a gate is saturated where its slope is under {SATURATION:g} of the steepest."
    told += (
        " Gradients are sizes added up over the cases, the mean over the backward passes. "
        "Units are counted from 0, as PyTorch does, and steps from 1."
    )
    return (told,)


def _number(number: float) -> Text:
    return ("—",) if math.isnan(number) else (Literal(number),)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _layers(report: Watched) -> Table:
    header: tuple[Text, ...] = (
        ("layer",), ("gate",), ("units",), ("dead",), ("fire",), ("gradient in",), ("out",),
    )  # fmt: skip
    rows: list[tuple[Text, ...]] = [
        (
            (layer.name,),
            (layer.operation,),
            (str(layer.units),),
            (str(layer.dead) if layer.gate else "—",),
            (_percent(layer.firing) if layer.gate else "—",),
            _number(layer.gradient_in),
            _number(layer.gradient_out),
        )
        for layer in report.layers
    ]
    return Table(header, tuple(rows), "llrrrrr")


def _charts(report: Watched) -> list[Block]:
    gates = [layer for layer in report.layers if layer.gate]
    found: list[Block] = []
    moving = [x for x in gates if len({n for _, n in x.dead_at}) > 1]
    if moving:
        shown = sorted(moving, key=lambda x: -x.dead_share)[:LINES]
        more = len(gates) - len(shown)
        rest = f"{counted(more, 'layer')} whose number of dead units did not change, or changed less, {'is' if more == 1 else 'are'} left out." if more else ""  # fmt: skip
        found.append(chart(partial(_over_time, shown), (rest,) if rest else ()))
    if len(gates) > 1 and any(x.dead for x in gates):
        most = sorted(gates, key=lambda x: -x.dead_share)[:24]
        bars = [
            Bar((x.name,), x.dead_share, remark=f"{x.dead} of {x.units}")
            for x in gates
            if x in most
        ]
        found.append(
            chart(
                partial(
                    bar_chart,
                    bars,
                    title="Share of each layer's units that are dead now",
                    length=Axis("share of units", style="percent", limits=(0.0, 1.0)),
                )
            )
        )
    return found


def _over_time(layers: Sequence[WatchedLayer], *, width: float) -> Drawing:
    series = [
        Series(x.name, [s for s, _ in x.dead_at], [n / x.units for _, n in x.dead_at])
        for x in layers
    ]
    return line_chart(
        series,
        title="Share of units dead",
        x=Axis("step"),
        y=Axis("share of units dead", style="percent", limits=(0.0, 1.0)),
        height=240,
        width=width,
    )


def _turns(report: Watched) -> list[Block]:
    """Who died at which step, and who fires again."""
    if not report.turns:
        return []
    kinds = {t.kind for t in report.turns}
    heading = "Who died, and who fires again" if len(kinds) > 1 else "Who died" if "died" in kinds else "Who fires again"  # fmt: skip
    died = sum(t.kind == "died" for t in report.turns)
    again = len(report.turns) - died
    counts = [(counted(died, "death"),)] * bool(died) + [(counted(again, "return"),)] * bool(again)
    groups: dict[tuple[int, str, str, int], list[UnitTurn]] = {}
    for turn in report.turns:
        groups.setdefault((turn.step, turn.kind, turn.weight or turn.layer, turn.after), []).append(
            turn
        )
    rows = tuple(
        (
            (str(step),),
            (_together(name, turns),),
            ("died",)
            if kind == "died"
            else (f"fires again, after {counted(step - after, 'step')}",),
        )
        for (step, kind, name, after), turns in [*groups.items()][:TURNS]
    )
    listed = "" if len(groups) <= TURNS else " The first are listed; all are in the JSON."
    blocks: list[Block] = [
        Heading((heading,), 2),
        Paragraph((*joined(counts), f".{listed}")),
        Table((("step",), ("units",), ("",)), rows, "rll"),
    ]
    for kind, note in (("died", "gate"), ("revived", "check")):
        first = next((t for t in report.turns if t.kind == kind), None)
        if first is not None:
            blocks.append(Note("gate" if note == "gate" else "check", turn_text(first)))
    return blocks


def _together(name: str, turns: Sequence[UnitTurn]) -> str:
    """Units of one layer as one name: fc1.weight[7, 15, 26 and 3 more]."""
    if len(turns) == 1 or any(len(t.unit) != 1 for t in turns):
        first = named(turns[0])
        return first if len(turns) == 1 else f"{first} and {len(turns) - 1} more"
    places = sorted(t.unit[0] for t in turns)
    shown = ", ".join(map(str, places[:SHOWN]))
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return f"{name}[{shown}{more}]"


def _units(report: Watched, layer: WatchedLayer) -> list[Block]:
    units = report.of(layer.name)
    ailing = sorted((u for u in units if u.verdict != "alive"), key=lambda u: u.deadness)
    shown = sorted(units, key=lambda u: u.deadness) if len(units) <= FEW else ailing[:LISTED]
    alive = len(units) - len(ailing)
    blocks: list[Block] = [
        Paragraph((f"{layer.name}: {alive} of {counted(len(units), 'unit')} {'is' if alive == 1 else 'are'} alive.",))
    ]  # fmt: skip
    if shown:
        fires = "fires" if layer.gate else "not saturated"
        header: tuple[Text, ...] = (
            ("unit",), (fires,), ("largest",), ("gradient",), ("verdict",),
        )  # fmt: skip
        single = len(layer.weights) == 1
        rows = tuple(_row(u, single) for u in shown)
        of = layer.weights[0] if single else layer.name
        caption = f"{layer.operation} of what {of} makes"
        if len(shown) < len(ailing):
            caption += f"; the first {LISTED} of {len(ailing)} that are not alive"
        blocks.append(Table(header, rows, "llrrl", (caption,)))
    told = [u for u in ailing if u.verdict == "not_finite"][:1] + [u for u in ailing if u.dead][
        :TOLD
    ]
    told = told or ailing[:1]
    for unit in told:
        blocks.append(Note("gate" if unit.dead else "info", watched_text(report, unit)))
    return blocks


def _row(unit: WatchedUnit, single: bool) -> tuple[Text, ...]:
    share = unit.fired / unit.cases if unit.cases else 0.0
    since = f" since step {unit.dead_since}" if unit.dead and unit.last_fired else ""
    name = place_text(unit.unit) or "all" if single else named(unit)
    return (
        (name,),
        (Proportion(share), f"\u00a0{unit.fired}\u00a0of\u00a0{unit.cases}"),
        _number(unit.max_preactivation),
        _number(unit.gradient),
        (f"{WATCHED[unit.verdict]}{since}",),
    )
