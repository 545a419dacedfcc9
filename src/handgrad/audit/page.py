"""The page of an audit of gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from handgrad.audit.revival_blocks import revival_blocks
from handgrad.audit.structure import EXPLODING, MAPPED, NEARLY, VANISHING, Layer, Unit, mapped
from handgrad.audit.words import (
    FLOWS,
    box_text,
    fires_text,
    nothing_arrives_text,
    silencer_text,
    unit_name,
    verdict_text,
)
from handgrad.equations import source
from handgrad.expression import Expression, Literal, Name
from handgrad.operations import BY_NAME, noun_of
from handgrad.page.blocks import Block, Heading, Note, Paragraph, Table, Text
from handgrad.page.charts import chart
from handgrad.picture.charts import Axis, Bar, bar_chart, gate_map
from handgrad.problem.page import origin
from handgrad.saving import Page
from handgrad.solution.slopes import SATURATION, flattens_on_one_side
from handgrad.text import Proportion, joined

if TYPE_CHECKING:
    from handgrad.audit.audit import Audit

WIDE = 16
"""A layer with more units lists only those that are not alive."""

LISTED = 24
"""Units of one layer that are listed, at most."""


def gates_page(audit: Audit, decimals: int = 4) -> Page:
    """Which units fire, which are off, why, what that silences, and what would revive them."""
    title = audit.problem.title or "A network"
    blocks: list[Block] = [
        Heading((f"Gates: {title}",), 1),
        *_abstract(audit),
        Paragraph(_introduction(audit)),
        *map(Paragraph, origin(audit.problem)),
        *_remarks(audit),
        *_silencer(audit),
        Heading((_called(audit),), 2),
        _layers(audit),
        Paragraph(_flow_words(audit)),
        *_figures(audit),
        Heading(("Units",), 2),
    ]
    for layer in audit.layers:
        blocks += _units(audit, layer)
    if audit.over:
        blocks += _over(audit)
    blocks += revival_blocks(audit)
    shown = {name: source(formula) for name, formula in audit.parts.items()}
    return Page(
        title=f"Gates: {title}",
        blocks=tuple(blocks),
        decimals=decimals,
        display={**audit.problem.display, **shown},
        loss=audit.problem.loss,
    )


def _abstract(audit: Audit) -> list[Block]:
    """How many of the units fare how."""
    counts = Counter(unit.verdict for unit in audit.units)
    total = sum(counts.values())
    alive = counts.pop("alive", 0)
    timed = any(layer.time_step for layer in audit.layers)
    each = ", each counted at every time step," if timed else ""
    if not counts:
        every = f"The one unit{each} is" if total == 1 else f"All {total} units{each} are"
        return [Note("check", (f"{every} alive.",))] if total else []
    if total == 1:
        (verdict,) = counts
        return [Note("gate", (f"The one unit{each} is {verdict_text(audit, verdict)}.",))]
    if alive:
        counts["alive"] = alive  # told last
    told = [
        (f"{n} {'is' if n == 1 else 'are'} {verdict_text(audit, v)}",) for v, n in counts.items()
    ]
    return [Note("gate", (f"Of {total} units{each} ", *joined(told), "."))]


def _silencer(audit: Audit) -> list[Block]:
    silencer = audit.silencer
    if silencer is not None:
        return [Note("gate", silencer_text(audit, silencer))]
    return [Note("gate", nothing_arrives_text(audit))] if audit.nothing_arrives else []


def _saturated(audit: Audit) -> str:
    """Where a unit without a gate is saturated, also one that flattens on one side only."""
    plain = {layer.operation for layer in audit.layers if not layer.gate}
    nouns = [noun_of(name) for name in sorted(plain) if flattens_on_one_side(BY_NAME[name])]
    flat = "is saturated only where its slope is 0 in double precision."
    if plain and len(nouns) == len(plain):
        return f" A unit of {' or '.join(nouns)} {flat}"
    steepest = f" A unit without a gate is saturated where its slope is under {SATURATION:g} of the steepest"
    return f"{steepest}; one of {' or '.join(nouns)} {flat}" if nouns else f"{steepest}."


def _introduction(audit: Audit) -> Text:
    alone = f"A batch of {audit.batch} examples" if audit.batch > 1 else "One example"
    many: Text = (f"{audit.cases} cases" if audit.cases > 1 else alone,)
    if audit.rows:
        many = (*many, ", the rows of ", *joined([(Name(n),) for n in audit.rows]))
    if audit.columns:
        many = (*many, ", the columns of ", *joined([(Name(n),) for n in audit.columns]))
    gates = {layer.gate for layer in audit.layers}
    fires = ""
    if True in gates:
        at_ties = any(x.splits_ties for x in audit.layers)
        also = ", or 0 where it is max(0, z), which lets half of the gradient through there"
        fires = f" A unit with a gate fires where its pre-activation is positive{also * at_ties}."
    if True in gates and audit.cases * NEARLY >= 1:
        fires += (
            f" It is nearly dead where it fires on at most {100 * NEARLY:g} % of the cases: more than half of all "
            "random batches of 64 then have no case on which it fires."
        )
    if audit.tried:
        fires += (
            f" {'It' if fires else 'A unit'} counts as revived when a gradient above the noise of rounding reaches "
            "its own parameters through it."
        )
    flat = _saturated(audit) if False in gates else ""
    layers = _layer_noun(audit)
    sizes = (
        " Gradients are those of each case's own loss. A unit's is the mean of its sizes over the cases, "
        f"a {layers}'s the root of the mean square of its norms."
        if audit.cases > 1
        else f" A {layers}'s gradient is the norm of what arrives at its outputs, and of what passes."
    )
    return (
        *many,
        f".{fires}{flat}{sizes} "
        "Units are counted from 1 here; names such as b2[1] are spelled as in commands and count from 0.",
    )


def _remarks(audit: Audit) -> list[Block]:
    notes: list[Block] = []
    if audit.skipped:
        rows = "row was" if audit.skipped == 1 else "rows were"
        notes.append(Note("warning", (f"{audit.skipped} bad {rows} left out.",)))
    if audit.fixed:
        names: list[str | Name] = []
        for position, name in enumerate(audit.fixed):
            names += [", "] * bool(position) + [Name(name)]
        text: Text = ("The data do not give ", *names, ": the problem's own numbers stand for every case.")  # fmt: skip
        if audit.own_data:
            each = "row" if audit.rows else "column" if audit.columns else "case"
            text = (
                *names,
                f" {'is' if len(audit.fixed) == 1 else 'are'} the same for every {each}.",
            )
        notes.append(Note("info", text))
    return notes


GRADIENT_BY = {
    "Layers": "Gradient by layer",
    "Time steps": "Gradient by time step",
    "Layers and time steps": "Gradient by layer and time step",
}


def _called(audit: Audit) -> str:
    """What the layers are called: the time steps of a recurrent network are no layers."""
    times = [layer.time_step > 0 for layer in audit.layers]
    return "Time steps" if all(times) else "Layers and time steps" if any(times) else "Layers"


def _layer_noun(audit: Audit) -> str:
    """What one of them is called, where time steps alone are no layers."""
    return "time step" if _called(audit) == "Time steps" else "layer"


def _layers(audit: Audit) -> Table:
    times = all(layer.time_step for layer in audit.layers)
    first = _layer_noun(audit)
    header: tuple[Text, ...] = (
        (first,), ("activation",), ("units",), ("off",), ("fire",), ("gradient in",), ("out",), ("flow",),
    )  # fmt: skip
    rows: list[tuple[Text, ...]] = []
    for layer in audit.layers:
        rows.append(
            (
                _layer_name(audit.called(layer.name), layer, times),
                (_bare(noun_of(layer.operation)),),
                (f"{layer.units}",),
                (f"{layer.dead}" if layer.gate else "—",),
                (_percent(layer.firing) if layer.gate else "—",),
                (Literal(layer.gradient_in),),
                (Literal(layer.gradient_out),),
                (FLOWS[layer.flow],),
            )
        )
    return Table(header, tuple(rows), "llrrrrrl")


def _layer_name(called: Expression, layer: Layer, times: bool) -> Text:
    """A layer's name in the table; a time step's with its number."""
    if not layer.time_step:
        return (called,)
    return (f"{'' if times else 'time step '}{layer.time_step}: ", called)


def _flow_words(audit: Audit) -> Text:
    last = "the last time step's" if audit.layers[-1].time_step else "the last layer's"
    if not audit.layers[-1].gradient_out:
        last = "that of the last that passes any"
    return (
        f"Gradients vanish where the norm that passes is under {VANISHING:g} of {last}, and explode "
        f"where it is over {EXPLODING:g} times that.",
    )


def _figures(audit: Audit) -> list[Block]:
    figures: list[Block] = []
    gates = [layer for layer in audit.layers if layer.gate]
    seen = [layer for layer in gates if mapped(layer.units, layer.positions)]
    many = _not_drawn([audit.called(layer.name) for layer in gates if layer not in seen])
    at_positions = any(layer.positions != 1 for layer in gates)
    if audit.sample and seen:
        fires = partial(
            gate_map,
            audit.sample,
            title="Which gates are open" if at_positions else "Which units fire",
            groups=[(layer.name, layer.units * layer.positions) for layer in seen],
        )
        states = [open_ for row in audit.sample for open_ in row]
        told = f"{sum(states)} of {len(states)} units {'fires' if sum(states) == 1 else 'fire'}."
        if len(states) == 1:
            told = f"The one unit {'fires' if states[0] else 'is off'}."
        if at_positions:
            told = f"{sum(states)} of {len(states)} gates are open: a unit has one at each of its positions."
        elif audit.cases > 1:
            first = "" if len(audit.sample) == audit.cases else "first "
            told = (
                f"Over the {first}{len(audit.sample)} cases, units fire "
                f"{sum(states)} of {len(states)} times."
            )
        figures.append(chart(fires, (told, *((" ", *many) if many else ()))))
    elif many:
        figures.append(Paragraph(many))
    if audit.cases > 1 and gates:
        bars = [
            Bar(
                unit_name(layer, u.unit),
                u.fired_at / (u.cases * layer.positions),
                remark="" if u.fired else "never",
                role="series1" if u.fired else "off",
            )
            for layer in gates
            for u in audit.of(layer.name)
        ]
        where = "cases and positions at" if at_positions else "cases in"
        share = f"share of the {where} which it fires"
        often = partial(
            bar_chart,
            bars,
            title="How often each unit fires",
            length=Axis(share, style="percent", limits=(0.0, 1.0)),
        )
        figures.append(chart(often))
    if len(audit.layers) > 1:
        bars = [Bar((audit.called(layer.name),), layer.gradient_out) for layer in audit.layers]
        passes = partial(
            bar_chart,
            bars,
            title=GRADIENT_BY[_called(audit)],
            length=Axis("norm of what passes"),
        )
        figures.append(chart(passes))
    return figures


def _not_drawn(layers: Sequence[Expression]) -> Text:
    """That the gates of these layers are too many to be looked at one by one."""
    if not layers:
        return ()
    verb = "has" if len(layers) == 1 else "have"
    names = joined([(called,) for called in layers])
    return (*names, f" {verb} more than {MAPPED} gates, too many to be drawn one by one.")


def _units(audit: Audit, layer: Layer) -> list[Block]:
    units = audit.of(layer.name)
    ailing = sorted((u for u in units if u.verdict != "alive"), key=lambda u: u.deadness)
    living = [u for u in units if u.verdict == "alive"]
    shown = sorted(units, key=lambda u: u.deadness) if len(units) <= WIDE else ailing[:LISTED]
    blocks: list[Block] = []
    if len(units) > WIDE:
        text: Text = (
            audit.called(layer.name),
            f": {len(living)} of {len(units)} units {'is' if len(living) == 1 else 'are'} alive.",
        )
        if len(living) > 1:
            # Of those that are alive, and of no others.
            rates = sorted(u.fired_at / (u.cases * layer.positions) for u in living)
            does = "fire" if layer.gate else "have a positive pre-activation"
            of = "positions" if layer.positions > 1 else "cases"
            half = rates[(len(rates) - 1) // 2]
            text = (
                *text, f" Those {does} on {_percent(rates[0])} to {_percent(rates[-1])} of the {of}, half of them on {_percent(half)} or less.",
            )  # fmt: skip
        blocks.append(Paragraph(text))
    if not shown:
        return blocks
    header: tuple[Text, ...] = (
        ("unit",), ("fires" if layer.gate else "positive",), ("largest",), ("gradient",), ("verdict",),
    )  # fmt: skip
    rows = tuple(_row(audit, layer, u) for u in shown)
    caption: Text = (
        audit.called(layer.name),
        f" = {noun_of(layer.operation)} of ",
        layer.pre_activation,
    )
    if layer.positions > 1:
        where = "in every case" if audit.cases > 1 else "in the example"
        if layer.examples > 1 and audit.cases == 1:
            where = f"in the {layer.examples} examples"
        caption = (*caption, f"; each unit stands at {layer.positions} positions {where}")
    if len(shown) < len(units) and len(ailing) > LISTED:
        caption = (*caption, f"; the first {LISTED} of {len(ailing)} that are not alive")
    return [*blocks, Table(header, rows, "llrrl", caption)]


def _row(audit: Audit, layer: Layer, unit: Unit) -> tuple[Text, ...]:
    share = unit.fired_at / (unit.cases * layer.positions)
    return (
        unit_name(layer, unit.unit),
        (Proportion(share), f"\u00a0{fires_text(layer, unit)}".replace(" of ", "\u00a0of\u00a0")),
        (Literal(unit.max_preactivation),),
        (Literal(unit.gradient),),
        (verdict_text(audit, unit.verdict),),
    )


def _bare(noun: str) -> str:
    """A noun as the entry of a table: without its article."""
    return noun.removeprefix("the ")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _over(audit: Audit) -> list[Block]:
    """What holds over the box, for the units that there is something to say of."""
    rows: list[tuple[Text, ...]] = []
    layers = {layer.name: layer for layer in audit.layers}
    words = {"dead": "never fires in the box", "fires": "can fire", "undecided": "undecided"}
    known = [u for u in audit.units if u.certificate is not None]
    for unit in [u for u in known if u.certificate is not None][: LISTED * 2]:
        certificate = unit.certificate
        assert certificate is not None
        witness: Text = ()
        for name, value in (certificate.witness or {}).items():
            numbers = value if isinstance(value, tuple) else (value,)
            if len(numbers) <= 4:
                witness = (*witness, f"at {name} = ", Literal(value), " ")
        split = f", in {certificate.boxes} parts" if certificate.boxes > 1 else ""
        rows.append(
            (
                unit_name(layers[unit.layer], unit.unit),
                (Literal(certificate.upper),),
                (words[certificate.decided] + split,),
                witness,
            )
        )
    header: tuple[Text, ...] = (("unit",), ("bound",), ("verdict",), ("example",))
    dead = sum(u.certificate is not None and u.certificate.decided == "dead" for u in known)
    open_ = sum(u.certificate is not None and u.certificate.decided == "undecided" for u in known)
    fire = len(known) - dead - open_
    text = (
        f"Of {len(known)} {'gate' if len(known) == 1 else 'gates'}, {dead} {'is' if dead == 1 else 'are'} proved never to open in the box, {fire} "
        f"open{'s' * (fire == 1)} somewhere in it, and {open_} {'is' if open_ == 1 else 'are'} undecided. "
        "A bound is an upper bound of the pre-activation, "
        "rounded outward."
    )
    return [
        Heading((f"Over {box_text(audit)}",), 2),
        Paragraph((text,)),
        Table(header, tuple(rows), "lrll"),
    ]
