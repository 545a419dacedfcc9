"""What is off in a network, and what would revive it: the units one by one, then what was tried for several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from handgrad.audit.structure import Remedy, Unit
from handgrad.audit.words import remedy_text, result_text, unit_name, unit_text, verdict_text
from handgrad.page.blocks import Block, Heading, Note, Table, Text
from handgrad.text import joined

if TYPE_CHECKING:
    from handgrad.audit.audit import Audit

TOLD = 16
"""The most units that are described one by one."""

Change: TypeAlias = tuple[object, ...]


def revival_blocks(audit: Audit) -> list[Block]:
    """The units that are not alive, each with why and with what was tried, and a note if all are."""
    told = sorted((u for u in audit.units if u.verdict != "alive"), key=_told_order(audit))
    if not told:
        return [Note("check", ("Every unit is alive.",))]
    together = _together(told)
    blocks: list[Block] = [Heading(("What is off, and what would revive it",), 2)]
    blocks += [b for u in told[:TOLD] for b in _told(audit, u, together)]
    if len(told) > TOLD:
        more = len(told) - TOLD
        units = "unit is" if more == 1 else "units are"
        text = f"{more} more {units} not described one by one; --json has them all."
        blocks.append(Note("info", (text,)))
    off = sum(u.verdict not in ("alive", "nearly_dead") for u in told)
    if 0 < audit.tried < off:
        text = f"Remedies were tried on {audit.tried} of these {off} units: a trial runs the network again."
        blocks.append(Note("info", (text,)))
    return [*blocks, *_tried_together(audit, together)]


def _told_order(audit: Audit) -> Callable[[Unit], tuple[object, ...]]:
    """Units that silence all before them first; then the deadest."""
    silencer = audit.silencer
    first = silencer.name if silencer is not None else ""
    return lambda unit: (unit.layer != first, *unit.deadness)


def _together(units: Sequence[Unit]) -> dict[Change, list[tuple[Unit, Remedy]]]:
    """Changes that were tried for several units at once, each with what came of it for each."""
    found: dict[Change, list[tuple[Unit, Remedy]]] = {}
    for unit in units:
        for remedy in unit.remedies:
            if remedy.kind not in ("redraw", "shrink"):
                found.setdefault(remedy.change, []).append((unit, remedy))
    return {change: each for change, each in found.items() if len(each) > 1}


def _told(
    audit: Audit, unit: Unit, together: Mapping[Change, Sequence[tuple[Unit, Remedy]]]
) -> list[Block]:
    layer = next(x for x in audit.layers if x.name == unit.layer)
    blocks: list[Block] = [
        Heading((*unit_name(layer, unit.unit), f": {verdict_text(audit, unit.verdict)}"), 3),
        Note("gate", unit_text(audit, layer, unit)),
    ]
    alone = [r for r in unit.remedies if r.change not in together]
    if alone:
        header: tuple[Text, ...] = (("tried",), ("result",), ("revived",))
        rows = tuple(
            (
                (remedy_text(r),),
                result_text(r, unit.verdict),
                ("yes" if r.works else "no",),
            )
            for r in alone
        )
        blocks.append(Table(header, rows, "lll", _measured_on(audit)))
    return blocks


def _measured_on(audit: Audit) -> Text:
    if audit.trial_cases < audit.cases:
        return (f"Measured on the first {audit.trial_cases} cases",)
    return ()


def _tried_together(
    audit: Audit, together: Mapping[Change, Sequence[tuple[Unit, Remedy]]]
) -> list[Block]:
    """What was tried for several units at once: which it revives, and which it does not."""
    if not together:
        return []
    layers = {layer.name: layer for layer in audit.layers}
    rows: list[tuple[Text, ...]] = []
    for each in together.values():
        revived = [unit_name(layers[u.layer], u.unit) for u, r in each if r.works]
        rest = [unit_name(layers[u.layer], u.unit) for u, r in each if not r.works]
        first = each[0][1]
        text = remedy_text(first)
        if first.kind == "go_on":
            most = max(r.updates for _, r in each)
            text = f"{text}: {most} update{'s' * (most != 1)}"
            revived = [
                (*unit_name(layers[u.layer], u.unit), f" (by update {r.updates})")
                for u, r in each
                if r.works
            ]
        rows.append(((text,), _listed_units(revived), _listed_units(rest)))
    header: tuple[Text, ...] = (("tried for all of them at once",), ("revived",), ("not revived",))
    return [Table(header, tuple(rows), "lll", _measured_on(audit))]


def _listed_units(names: Sequence[Text]) -> Text:
    if not names:
        return ("none",)
    return joined(names)
