"""What an audit says of a unit and of what was tried on it, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import numpy as np

from handgrad.audit.structure import Flow, Layer, Remedy, Unit, Verdict
from handgrad.expression import Expression, Literal
from handgrad.figures import figure
from handgrad.operations import noun_of
from handgrad.running.reviving_words import revivers_text
from handgrad.solution import unit_words as units
from handgrad.text import Inline, Text, all_of, joined, ordinal

if TYPE_CHECKING:
    from handgrad.audit.audit import Audit

FEW = 4
"""Sides of a box that are written out."""

VERDICTS: dict[Verdict, str] = {
    "alive": "alive",
    "gated_off": "gated off",
    "dead_on_data": "dead on this data set",
    "provably_dead": "provably dead over the box",
    "starved": "alive but starved",
    "nearly_dead": "nearly dead",
    "saturated": "saturated",
}

FLOWS: dict[Flow, str] = {
    "steady": "steady",
    "vanishing": "vanishing",
    "exploding": "exploding",
    "blocked": "none passes",
}


def unit_formula(layer: Layer, unit: tuple[int, ...]) -> Expression:
    """The pre-activation of one unit; all of it, or the leading entries, where it has positions."""
    whole = layer.axes == tuple(range(len(layer.axes)))
    if not unit or not whole or len(unit) < len(layer.shape):
        return layer.pre_activation
    return layer.pre_activation.entry(unit)


def unit_name(layer: Layer, unit: tuple[int, ...]) -> Text:
    """A unit as it is called: its pre-activation's entry, or a row, a column or a channel of it."""
    return units.unit_name(
        layer.pre_activation, unit, axes=layer.axes, shape=layer.shape, matrix=layer.matrix
    )


def verdict_text(audit: Audit, verdict: Verdict) -> str:
    """A verdict in a few words, as a table has it."""
    where = f" on {_this(audit)}" if verdict == "gated_off" else ""
    return f"{VERDICTS[verdict]}{where}"


def _this(audit: Audit) -> str:
    """What the one case is called."""
    return "this example" if audit.batch == 1 else "this batch"


def fires_text(layer: Layer, unit: Unit) -> str:
    """On how many cases, or at how many positions in them, a unit fires."""
    if layer.positions == 1:
        return f"{unit.fired} of {unit.cases}"
    return f"{unit.fired_at} of {unit.cases * layer.positions}"


def unit_text(audit: Audit, layer: Layer, unit: Unit) -> Text:
    """The verdict on a unit that is not alive: its numbers, what it silences, and what can move it."""
    z: Text = (unit_formula(layer, unit.unit),)
    largest: Text = ("the largest ", *z)
    if len(unit.unit) < len(layer.shape):
        z, largest = ("any entry of it",), ("its largest entry",)
    name = _named(unit, layer)
    cases = all_of(unit.cases, "cases") if unit.cases > 1 else _this(audit)
    parts: list[Inline]
    match unit.verdict:
        case "alive":
            parts = [*name, " is alive."]
        case "gated_off" if len(unit.unit) < len(layer.shape):
            places = f", at all {layer.positions} positions" if layer.positions > 1 else ""
            parts = [
                *name, f" is gated off on {_this(audit)}{places}: its largest entry, ",
                Literal(unit.max_preactivation), ", is not positive.",
            ]  # fmt: skip
        case "gated_off":
            parts = [
                *name, f" is gated off on {_this(audit)}: ", *z, " = ", Literal(unit.max_preactivation),
                " is not positive.",
            ]  # fmt: skip
        case "dead_on_data":
            where = f", at all {layer.positions} positions" if layer.positions > 1 else ""
            parts = [
                *name, f" is dead on this data set: its gate is shut in {cases}{where}; ", *largest,
                " is ", Literal(unit.max_preactivation), ".",
            ]  # fmt: skip
        case "provably_dead":
            assert unit.certificate is not None
            parts = [
                *name, f" is provably dead over {box_text(audit)}: nowhere in it is ", *z, " above ",
                Literal(unit.certificate.upper), _parts(unit.certificate.boxes), ".",
            ]  # fmt: skip
        case "starved":
            why = (
                "every gate after it is shut whenever it fires"
                if unit.starved_by == "gates"
                else "what arrives at it is 0 in double precision"
            )
            on = f" {_on(layer, unit)}" if unit.cases * layer.positions > 1 else ""
            parts = [*name, f" fires{on}, but it is starved: {why}."]
        case "nearly_dead":
            parts = [*name, f" fires {_on(layer, unit)}: most batches teach it nothing."]
        case "saturated":
            noun = noun_of(layer.operation)
            parts = [
                *name, f" is saturated in {cases}: the slope of {noun} is under {audit.threshold:g} of its largest.",
            ]  # fmt: skip
        case _:
            assert_never(unit.verdict)
    if unit.blocked:
        mean = " on average" if unit.cases > 1 else ""
        gives = " and gives 0" if unit.silences else ""
        parts += [" It blocks a gradient of size ", Literal(unit.blocked), f"{mean}{gives}."]
    if unit.silences:
        parts += [" That zeroes ", *joined([z.text() for z in unit.silences]), "."]
    if unit.revivers is not None:
        parts += [" ", *revivers_text(unit.revivers, audit.parts)]
    return tuple(parts)


def silencer_text(audit: Audit, layer: Layer) -> Text:
    """That no unit of a layer fires, and what gets no gradient because of it."""
    cases = all_of(audit.cases, "cases") if audit.cases > 1 else _this(audit)
    gates = "The gate" if layer.units == 1 else f"Every one of the {layer.units} gates"
    return (
        f"{gates} of ", audit.called(layer.name), f" is shut in {cases}, and every path from ",
        *joined([(audit.called(n),) for n in layer.silences]), " to the loss leads through it: no gradient reaches "
        "anything before it. Whatever is done to the units before it, they stay starved until it opens.",
    )  # fmt: skip


def nothing_arrives_text(audit: Audit) -> Text:
    """That what comes back from the loss is 0 before it reaches any layer."""
    cases = f"in {all_of(audit.cases, 'cases')}" if audit.cases > 1 else f"in {_this(audit)}"
    return (
        "No gradient arrives at ", *joined([(audit.called(layer.name),) for layer in audit.layers]),
        f": {cases} what comes back from the loss is 0 in double precision before it reaches "
        f"{'them' if len(audit.layers) > 1 else 'it'}. As long as it is, none passes "
        f"{'their' if len(audit.layers) > 1 else 'its'} gates, open or shut.",
    )  # fmt: skip


def _on(layer: Layer, unit: Unit) -> str:
    if layer.positions > 1:
        return f"at {fires_text(layer, unit)} positions"
    return f"on {unit.fired} of {unit.cases} case{'s' * (unit.cases != 1)}"


def _named(unit: Unit, layer: Layer) -> Text:
    if len(unit.unit) == len(layer.shape):
        if not unit.unit:
            return ("The unit",)
        if len(unit.unit) == 1:
            return (f"The {ordinal(unit.unit[0])} unit",)
        return (f"Entry {tuple(i + 1 for i in unit.unit)}",)
    name = unit_name(layer, unit.unit)
    if isinstance(name[0], str):
        return (name[0][0].upper() + name[0][1:], *name[1:])
    return ("The unit",)


def _parts(boxes: int) -> str:
    return f" (the box split into {boxes} parts)" if boxes > 1 else ""


def box_text(audit: Audit) -> str:
    """The box, as it may be written: x in [−1, 1]^2."""
    texts = []
    for name, (low, high) in audit.over.items():
        sides = list(zip(np.ravel(low), np.ravel(high), strict=True))
        shown = [f"[{figure(a)}, {figure(b)}]".replace("-", "−") for a, b in sides]
        if len(shown) > 1 and len(set(shown)) == 1:
            texts.append(f"{name} in {shown[0]}^{len(shown)}")
        else:
            more = " × …" if len(shown) > FEW else ""
            texts.append(f"{name} in {' × '.join(shown[:FEW])}{more}")
    return " and ".join(texts) or "the box"


def remedy_text(remedy: Remedy) -> str:
    """What was tried; entries count from 0, as in commands."""
    match remedy.kind:
        case "bias_shift":
            where = f"[{','.join(map(str, remedy.entry))}]" if remedy.entry else ""
            name = f"{remedy.parameter}{where}"
            if remedy.saturated or remedy.amount == remedy.tried:
                verb = "raise" if remedy.tried >= 0 else "lower"
                return f"{verb} {name} by {figure(abs(remedy.tried))}"
            return (
                f"raise {name} by more than {figure(remedy.amount)} (tried: {figure(remedy.tried)})"
            )
        case "shrink":
            if not remedy.tried:
                return "shrink its weights, as a penalty on them does: all the way to 0"
            if remedy.amount == remedy.tried:
                return f"shrink its weights, as a penalty on them does: to {figure(remedy.tried)} of what they are"
            return (
                "shrink its weights, as a penalty on them does: to less than "
                f"{figure(remedy.amount)} of what they are (tried: {figure(remedy.tried)})"
            )
        case "leaky_form":
            return f"let every gate leak: {noun_of(remedy.operation)}"
        case "redraw":
            return f"redraw its weights (He), with bias 0: {remedy.draws} times"
        case "smaller_rate":
            rate = (
                f"a smaller rate, {figure(remedy.rate)}" if remedy.rate else "a tenth of every rate"
            )
            return f"{rate}: {remedy.updates} update{'s' * (remedy.updates != 1)}"
        case "go_on":
            return "go on training, with the problem's own rule"
        case _:
            assert_never(remedy.kind)


def result_text(remedy: Remedy, verdict: Verdict) -> Text:
    """What came of it, measured."""
    through: Text = (", gradient through it ", Literal(remedy.gradient))
    after = f"after {remedy.updates} update{'s' * (remedy.updates != 1)} "
    starved = ", but no gradient reaches it" if remedy.missing == "starved" else ""
    if verdict == "saturated" and remedy.kind != "redraw":
        when = after if remedy.kind == "go_on" else ""
        return (f"{when}{_met('saturated', 'not saturated', remedy.saturated, remedy)}", *through)
    if verdict == "starved" or remedy.kind == "leaky_form":
        when = after if remedy.kind == "go_on" else ""
        return (f"{when}gradient through it ", Literal(remedy.gradient))
    match remedy.kind:
        case "redraw":
            fires = f"fires in {remedy.draws_firing} of {remedy.draws} draws"
            if remedy.draws_working == remedy.draws_firing:
                return (fires, *through)
            return (f"{fires}, revived in {remedy.draws_working}", *through)
        case "smaller_rate":
            own = ", as at the problem's own rate"
            if _count(remedy.fired) != _count(remedy.fired_otherwise):
                own = f"; at the problem's own rate it {_fires(remedy.fired_otherwise, remedy)}"
            return (f"then {_fires(remedy.fired, remedy)}{own}{starved}",)
        case "go_on":
            return (f"{after}{_fires(remedy.fired, remedy)}{starved}",)
        case _:
            fires = _fires(remedy.fired, remedy)
            return (f"{fires}{starved}",) if starved else (fires, *through)


def _fires(fired: float, remedy: Remedy) -> str:
    return _met("fires", "does not fire", fired, remedy)


def _met(so: str, otherwise: str, count: float, remedy: Remedy) -> str:
    """In how many cases something is so; of a single case, whether it is."""
    if remedy.cases == 1 and count in (0, 1):
        return so if count else otherwise
    return f"{so} on {_count(count)} of {remedy.cases} cases"


def _count(number: float) -> str:
    return f"{number:.0f}" if number == round(number) else f"{number:.1f}"
