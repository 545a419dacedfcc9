"""Verdicts on units from what was counted of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from handgrad.audit.structure import NEARLY
from handgrad.running.reviving import Revivers
from handgrad.watching.counters import WatchedGate
from handgrad.watching.gradients import Zeros
from handgrad.watching.history import History, Recent
from handgrad.watching.provenance import UnitsOf
from handgrad.watching.records import (
    DEAD,
    UnitTurn,
    WatchedLayer,
    WatchedUnit,
    WatchedVerdict,
    ZeroGradient,
)
from handgrad.watching.watched import Watched

FEWEST = 100
"""Cases under which no unit is called nearly dead."""


def judged(  # noqa: PLR0913 - what a report is made of, by keyword
    histories: Mapping[WatchedGate, History],
    *,
    model: str,
    every: int,
    rule: Mapping[str, Any],
    zeros: Zeros | None,
    notes: tuple[str, ...],
    unseen: tuple[str, ...],
    ranks: int,
    forwards: int,
) -> Watched:  # fmt: skip
    """The report of what was counted."""
    layers: list[WatchedLayer] = []
    units: list[WatchedUnit] = []
    turns: list[UnitTurn] = []
    for site, history in histories.items():
        if not history.recent:
            continue
        of_layer = [*_units(site, history, rule, zeros)]
        units += of_layer
        turns += _turns(site, history, rule)
        layers.append(_layer(site, history, of_layer))
    return Watched(
        model=model,
        layers=tuple(layers),
        units=tuple(units),
        turns=tuple(sorted(turns, key=lambda t: t.step)),
        every=every,
        steps=max((h.last for h in histories.values()), default=0),
        updates=max((h.updates for h in histories.values()), default=0),
        forwards=forwards,
        recent=max((h.recent[0].first for h in histories.values() if h.recent), default=0),
        rule=rule.get("rule", ""),
        notes=notes,
        unseen=unseen,
        processes=ranks,
    )


def places(site: WatchedGate) -> list[tuple[UnitsOf, tuple[int, ...]]]:
    """By column of a layer's counters, the weight that makes the unit, and its place there."""
    every: list[tuple[UnitsOf, tuple[int, ...]]] = []
    for part in site.parts:
        every += [(part, _shifted(unit, part.start)) for unit in np.ndindex(*part.shape)]
    return [every[i] for i in site.ids]


def _shifted(unit: tuple[int, ...], start: int) -> tuple[int, ...]:
    return (unit[0] + start,) if start and len(unit) == 1 else unit


def _units(
    site: WatchedGate, history: History, rule: Mapping[str, Any], zeros: Zeros | None
) -> Iterator[WatchedUnit]:
    now, dead = history.now(), history.dead
    for column, (part, unit) in enumerate(places(site)):
        verdict = _verdict(site, history, now, column, bool(dead[column]))
        backs = history.backs
        passing = float(history.passing[column])
        arriving = float(history.arriving[column])
        off = verdict in DEAD
        since = 0
        if off:
            since = int(history.since[column]) or 1
        yield WatchedUnit(
            layer=site.name,
            weight=part.weight,
            unit=unit,
            fired=int(history.fired[column]),
            cases=history.cases,
            max_preactivation=float(history.largest[column]),
            gradient=passing / backs if backs else math.nan,
            blocked=max(0.0, arriving - passing) / backs if backs else math.nan,
            verdict=verdict,
            recent_fired=int(now.fired[column]),
            recent_cases=now.cases,
            last_fired=int(history.fired_at[column]),
            dead_since=since,
            zeros=_zero_parts(site, part, unit, zeros, since) if off and zeros else (),
            revivers=_revivers(site, part, rule) if off and rule else None,
            own=part.own,
            elsewhere=off and zeros is not None and _elsewhere(part, unit, zeros, since),
        )


def _verdict(
    site: WatchedGate, history: History, now: Recent, column: int, dead: bool
) -> WatchedVerdict:
    if math.isnan(now.largest[column]):
        return "not_finite"
    fired = now.fired[column]
    if site.flat is not None:
        return "saturated" if history.fired[column] == 0 or (now.cases and fired == 0) else "alive"
    if dead:
        return "gated_off" if history.cases == 1 else "dead_on_data"
    if now.backs and now.taught[column] > 0 and now.passing[column] == 0:
        return "starved"
    if now.cases >= FEWEST and fired <= NEARLY * now.cases:
        return "nearly_dead"
    return "alive"


def _zero_parts(
    site: WatchedGate, part: UnitsOf, unit: tuple[int, ...], zeros: Zeros, since: int
) -> tuple[ZeroGradient, ...]:
    if len(unit) != 1:
        return ()
    (place,) = unit
    found = []
    if part.weight and part.axis >= 0 and zeros.at((part.weight, part.axis), place, since):
        wide = zeros.ranks[part.weight] > 2
        along = "filter" if wide else "row" if part.axis == 0 else "column"
        along = "entry" if zeros.ranks[part.weight] == 1 else along
        found.append(ZeroGradient(part.weight, along, place))  # type: ignore[arg-type]
    for name in part.own:
        if zeros.at((name, 0), place, since) and zeros.ranks[name] == 1:
            found.append(ZeroGradient(name, "entry", place))
    if len(site.parts) == 1:
        for name, axis in site.following.items():
            if zeros.at((name, axis), place - part.start, since):
                wide = zeros.ranks[name] > 2
                across = "input channel" if wide else "column" if axis == 1 else "row"
                found.append(ZeroGradient(name, across, place - part.start))  # type: ignore[arg-type]
    return tuple(found)


def _elsewhere(part: UnitsOf, unit: tuple[int, ...], zeros: Zeros, since: int) -> bool:
    """Whether a dead unit's own weights were found to have a gradient."""
    if len(unit) != 1 or part.axis < 0:
        return False
    key = (part.weight, part.axis)
    return zeros.steps.get(key, 0) >= max(1, since) and not zeros.at(key, unit[0], since)


def _revivers(site: WatchedGate, part: UnitsOf, rule: Mapping[str, Any]) -> Revivers:
    return Revivers(
        rule=rule["rule"],
        fixed=not site.before,
        below=site.before,
        coasting=bool(rule["coasting"]),
        decay=bool(rule["decay"]),
    )


def _turns(site: WatchedGate, history: History, rule: Mapping[str, Any]) -> Iterator[UnitTurn]:
    if site.flat is not None:
        return
    known = places(site)
    for turn in history.turns:
        part, unit = known[turn.unit]
        again = turn.kind == "revived"
        by = _revivers(site, part, rule) if again and rule else None
        yield UnitTurn(
            turn.kind, site.name, part.weight, unit, turn.step, turn.after, turn.moved, by
        )


def _layer(site: WatchedGate, history: History, units: list[WatchedUnit]) -> WatchedLayer:
    backs = history.backs
    return WatchedLayer(
        name=site.name,
        weights=tuple(dict.fromkeys(p.weight for p in site.parts if p.weight)),
        operation=site.kind,
        gate=site.flat is None,
        units=len(units),
        dead=sum(u.dead for u in units),
        firing=float(history.fired.sum() / (history.cases * history.width)) if history.cases else 0.0,
        cases=history.cases,
        gradient_in=float(history.arriving.sum()) / backs if backs else math.nan,
        gradient_out=float(history.passing.sum()) / backs if backs else math.nan,
        dead_at=tuple(history.looks) if site.flat is None else (),
    )  # fmt: skip


def dead_shares(histories: Mapping[WatchedGate, History]) -> dict[str, float]:
    """Scalars for a logger: by layer the share of dead units, and that of all."""
    gates = {s: h for s, h in histories.items() if s.flat is None and h.recent}
    found = {f"gates/{s.name}/dead": float(h.dead.mean()) for s, h in gates.items()}
    for site, history in gates.items():
        now = history.recent[-1]
        found[f"gates/{site.name}/firing"] = float(now.fired.sum() / (now.cases * history.width))
    step = max((h.last for h in gates.values()), default=0)
    units = sum(h.width for h in gates.values())
    dead = sum(int(h.dead.sum()) for h in gates.values())
    return {**found, "gates/dead": dead / units if units else 0.0, "gates/step": float(step)}
