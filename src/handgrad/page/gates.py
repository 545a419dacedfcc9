"""The page of an audit of gates."""

from __future__ import annotations

from handgrad.equations import source
from handgrad.explain.text import joined
from handgrad.explain.words import WORDS
from handgrad.expression import Literal, Name
from handgrad.gates.structure import EXPLODING, VANISHING, Audit, Layer, Unit
from handgrad.gates.words import (
    FLOWS,
    VERDICTS,
    box_text,
    remedy_text,
    result_text,
    unit_formula,
    unit_text,
)
from handgrad.page.blocks import Block, Figure, Heading, Note, Page, Paragraph, Table, Text
from handgrad.picture.charts import Bar, bar_chart, gate_map
from handgrad.trace.slopes import SATURATION

WIDE = 16
"""A layer with more units lists only those that are not alive."""

LISTED = 24
"""Units of one layer that are listed, at most."""

TOLD = 16
"""Units that are told of one by one, at most."""

BAR = 8
"""Characters of a bar of how often a unit fires."""


def gates_page(audit: Audit, decimals: int = 4) -> Page:
    """Which units fire, which are off, why, what that silences, and what would revive them."""
    title = audit.problem.title or "A network"
    told = [u for u in audit.units if u.verdict != "alive"]
    blocks: list[Block] = [
        Heading((f"Gates: {title}",), 1),
        Paragraph(_introduction(audit)),
        *_remarks(audit),
        Heading(("Layers",), 2),
        _layers(audit),
        Paragraph(_flow_words(audit)),
        *_figures(audit),
        Heading(("Units",), 2),
    ]
    for layer in audit.layers:
        blocks += _units(audit, layer)
    if audit.over:
        blocks += _over(audit)
    if told:
        blocks += [Heading(("What is off, and what would revive it",), 2)]
        blocks += [b for u in told[:TOLD] for b in _told(audit, u)]
        if len(told) > TOLD:
            text = f"{len(told) - TOLD} more units are not told of one by one; --json has them all."
            blocks.append(Note("info", (text,)))
    else:
        blocks.append(Note("check", ("Every unit is alive.",)))
    shown = {name: source(formula) for name, formula in audit.parts.items()}
    return Page(
        title=f"Gates: {title}",
        blocks=tuple(blocks),
        decimals=decimals,
        display={**audit.problem.display, **shown},
        loss=audit.problem.loss,
    )


def _introduction(audit: Audit) -> Text:
    many: Text = (f"{audit.cases} cases" if audit.cases > 1 else "One example",)
    if audit.rows:
        many = (*many, ", the rows of ", *joined([(Name(n),) for n in audit.rows]))
    gates = {layer.gate for layer in audit.layers}
    fires = (
        " A unit with a gate fires where its pre-activation is positive." if True in gates else ""
    )
    flat = (
        " A unit without a gate is saturated where its slope is under "
        f"{SATURATION:g} of the steepest."
        if False in gates
        else ""
    )
    return (
        *many,
        f".{fires}{flat} Gradients are of each case's own loss, sizes are means over the cases. "
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
        if audit.rows:
            text = (*names, f" {'is' if len(audit.fixed) == 1 else 'are'} the same for every row.")
        notes.append(Note("info", text))
    return notes


def _layers(audit: Audit) -> Table:
    header: tuple[Text, ...] = (
        ("layer",), ("activation",), ("units",), ("off",), ("fire",), ("gradient in",), ("out",), ("flow",),
    )  # fmt: skip
    rows: list[tuple[Text, ...]] = []
    for layer in audit.layers:
        rows.append(
            (
                (Name(layer.name),),
                (_bare(WORDS[layer.operation].noun),),
                (f"{layer.units}",),
                (f"{layer.dead}" if layer.gate else "—",),
                (_percent(layer.firing) if layer.gate else "—",),
                (Literal(layer.gradient_in),),
                (Literal(layer.gradient_out),),
                (FLOWS[layer.flow],),
            )
        )
    return Table(header, tuple(rows), "llrrrrrl")


def _flow_words(audit: Audit) -> Text:
    return (
        f"Gradients vanish where the norm that passes is under {VANISHING:g} of the last layer's, and explode "
        f"where it is over {EXPLODING:g} times that.",
    )


def _figures(audit: Audit) -> list[Block]:
    figures: list[Block] = []
    gates = [layer for layer in audit.layers if layer.gate]
    if audit.sample and gates:
        drawing = gate_map(
            audit.sample,
            title="Which gates are open",
            groups=[(layer.name, layer.units) for layer in gates],
        )
        states = [open_ for row in audit.sample for open_ in row]
        told = f"{sum(states)} of {len(states)} gates are open."
        if audit.cases > 1:
            first = "" if len(audit.sample) == audit.cases else "first "
            told = (
                f"Over the {first}{len(audit.sample)} cases, gates are open "
                f"{sum(states)} of {len(states)} times."
            )
        figures.append(Figure(drawing, (told,)))
    if audit.cases > 1 and gates:
        bars = [
            Bar(
                (unit_formula(layer, u.unit),),
                u.fired / u.cases,
                remark="" if u.fired else "never",
                role="series1" if u.fired else "off",
            )
            for layer in gates
            for u in audit.of(layer.name)
        ]
        drawing = bar_chart(
            bars, title="How often each unit fires", value_label="share of the cases",
            style="percent", limits=(0.0, 1.0),
        )  # fmt: skip
        figures.append(Figure(drawing))
    if len(audit.layers) > 1:
        bars = [Bar((Name(layer.name),), layer.gradient_out) for layer in audit.layers]
        drawing = bar_chart(bars, title="Gradient by layer", value_label="norm of what passes")
        figures.append(Figure(drawing))
    return figures


def _units(audit: Audit, layer: Layer) -> list[Block]:
    units = audit.of(layer.name)
    ailing = [u for u in units if u.verdict != "alive"]
    shown = list(units) if len(units) <= WIDE else ailing[:LISTED]
    alive = len(units) - len(ailing)
    blocks: list[Block] = []
    if len(units) > WIDE:
        rates = sorted(u.fired / u.cases for u in units)
        does = "fire" if layer.gate else "have a positive pre-activation"
        text: Text = (
            Name(layer.name), f": {alive} of {len(units)} units are alive. They {does} on {_percent(rates[0])} to {_percent(rates[-1])} of the cases, half of them on more than {_percent(rates[len(rates) // 2])}.",
        )  # fmt: skip
        blocks.append(Paragraph(text))
    if not shown:
        return blocks
    header: tuple[Text, ...] = (
        ("unit",), ("fires" if layer.gate else "positive",), ("largest",), ("gradient",), ("verdict",),
    )  # fmt: skip
    rows = tuple(_row(layer, u) for u in shown)
    caption: Text = (
        Name(layer.name),
        f" = {WORDS[layer.operation].noun} of ",
        layer.pre_activation,
    )
    if len(shown) < len(units) and len(ailing) > LISTED:
        caption = (*caption, f"; the first {LISTED} of {len(ailing)} that are not alive")
    return [*blocks, Table(header, rows, "llrrl", caption)]


def _row(layer: Layer, unit: Unit) -> tuple[Text, ...]:
    share = unit.fired / unit.cases
    return (
        (unit_formula(layer, unit.unit),),
        (f"{_bar(share)} {unit.fired} of {unit.cases}",),
        (Literal(unit.max_preactivation),),
        (Literal(unit.gradient),),
        (VERDICTS[unit.verdict],),
    )


def _bar(share: float) -> str:
    """A bar that is empty for nothing only, and full for everything only."""
    filled = round(BAR * share)
    if 0 < share < 1:
        filled = min(max(filled, 1), BAR - 1)
    return "█" * filled + "░" * (BAR - filled)


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
                (unit_formula(layers[unit.layer], unit.unit),),
                (Literal(certificate.upper),),
                (words[certificate.decided] + split,),
                witness,
            )
        )
    header: tuple[Text, ...] = (("unit",), ("bound",), ("verdict",), ("example",))
    dead = sum(u.certificate is not None and u.certificate.decided == "dead" for u in known)
    open_ = sum(u.certificate is not None and u.certificate.decided == "undecided" for u in known)
    text = (
        f"Of {len(known)} gates, {dead} provably never fire in the box and {len(known) - dead - open_} do "
        f"somewhere in it; {open_} are undecided. A bound is an upper bound of the pre-activation, "
        "rounded outward."
    )
    return [
        Heading((f"Over {box_text(audit)}",), 2),
        Paragraph((text,)),
        Table(header, tuple(rows), "lrll"),
    ]


def _told(audit: Audit, unit: Unit) -> list[Block]:
    layer = next(x for x in audit.layers if x.name == unit.layer)
    blocks: list[Block] = [
        Heading((unit_formula(layer, unit.unit), f": {VERDICTS[unit.verdict]}"), 3),
        Note("gate", unit_text(audit, layer, unit)),
    ]
    if unit.remedies:
        header: tuple[Text, ...] = (("tried",), ("result",), ("revived",))
        rows = tuple(
            (
                (remedy_text(r),),
                result_text(r, unit.verdict),
                ("yes" if r.works else "no",),
            )
            for r in unit.remedies
        )
        caption: Text = ()
        if audit.trial_cases < audit.cases:
            caption = (f"Measured on the first {audit.trial_cases} cases",)
        blocks.append(Table(header, rows, "lll", caption))
    return blocks
