"""What an audit says of a unit and of what was tried on it, in sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

import numpy as np

from handgrad.explain.notes import zeroed_text
from handgrad.explain.text import Inline, Text, joined, ordinal
from handgrad.explain.words import WORDS
from handgrad.expression import Expression, Literal
from handgrad.figures import figure
from handgrad.gates.structure import Audit, Flow, Layer, Remedy, Unit, Verdict

FEW = 4
"""Sides of a box that are written out."""

VERDICTS: dict[Verdict, str] = {
    "alive": "alive",
    "gated_off": "gated off on this example",
    "dead_on_data": "dead on this data set",
    "provably_dead": "provably dead over the box",
    "starved": "alive but starved",
    "saturated": "saturated",
}

FLOWS: dict[Flow, str] = {
    "steady": "steady",
    "vanishing": "vanishing",
    "exploding": "exploding",
    "blocked": "none passes",
}


def unit_formula(layer: Layer, unit: tuple[int, ...]) -> Expression:
    """The pre-activation of one unit."""
    return replace(layer.pre_activation.at(unit), shape=()) if unit else layer.pre_activation


def unit_text(audit: Audit, layer: Layer, unit: Unit) -> Text:
    """The verdict on a unit that is not alive: its numbers, and what it silences."""
    z = unit_formula(layer, unit.unit)
    name = _named(unit, layer)
    cases = f"all {unit.cases} cases" if unit.cases > 1 else "this example"
    parts: list[Inline]
    match unit.verdict:
        case "alive":
            parts = [name, " is alive."]
        case "gated_off":
            parts = [
                name, " is gated off on this example: ", z, " = ", Literal(unit.max_preactivation),
                " is not positive.",
            ]  # fmt: skip
        case "dead_on_data":
            parts = [
                name, f" is dead on this data set: its gate is shut in {cases}; the largest ", z,
                " is ", Literal(unit.max_preactivation), ".",
            ]  # fmt: skip
        case "provably_dead":
            assert unit.certificate is not None
            parts = [
                name, f" is provably dead over {box_text(audit)}: nowhere in it is ", z, " above ",
                Literal(unit.certificate.upper), _parts(unit.certificate.boxes), ".",
            ]  # fmt: skip
        case "starved":
            why = (
                "every gate after it is shut whenever it fires"
                if unit.starved_by == "gates"
                else "what arrives at it is exactly 0"
            )
            parts = [
                name,
                f" fires on {unit.fired} of {unit.cases} cases, but it is starved: {why}.",
            ]
        case "saturated":
            noun = WORDS[layer.operation].noun
            parts = [
                name, f" is saturated in {cases}: the slope of {noun} is under {audit.threshold:g} of its largest.",
            ]  # fmt: skip
        case _:
            assert_never(unit.verdict)
    if unit.blocked:
        mean = " on average" if unit.cases > 1 else ""
        parts += [" It blocks a gradient of size ", Literal(unit.blocked), f"{mean}."]
    if unit.silences:
        parts += [" That zeroes ", *joined([zeroed_text(z) for z in unit.silences]), "."]
    return tuple(parts)


def _named(unit: Unit, layer: Layer) -> str:
    if not unit.unit:
        return "The unit"
    if len(unit.unit) == 1:
        return f"The {ordinal(unit.unit[0])} unit"
    return f"Entry {tuple(i + 1 for i in unit.unit)}"


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
        case "ajar":
            return f"set every gate ajar: {WORDS[remedy.operation].noun}"
        case "redraw":
            return f"draw its weights anew (He), bias 0: {remedy.draws} times"
        case "smaller_rate":
            return f"a smaller rate, {figure(remedy.rate)}: {remedy.updates} updates"
        case _:
            assert_never(remedy.kind)


def result_text(remedy: Remedy, verdict: Verdict) -> Text:
    """What came of it, measured."""
    through: Text = (", gradient through it ", Literal(remedy.gradient))
    cases = f"of {remedy.cases} case{'s' * (remedy.cases != 1)}"
    if verdict == "saturated":
        return (f"saturated on {_count(remedy.saturated)} {cases}", *through)
    if verdict == "starved" or remedy.kind == "ajar":
        return ("gradient through it ", Literal(remedy.gradient))
    match remedy.kind:
        case "redraw":
            return (f"fires in {remedy.draws_firing} of {remedy.draws} draws", *through)
        case "smaller_rate":
            own = f"; at the problem's own rate on {_count(remedy.fired_otherwise)}"
            return (f"then fires on {_count(remedy.fired)} {cases}{own}",)
        case _:
            return (f"fires on {_count(remedy.fired)} {cases}", *through)


def _count(number: float) -> str:
    return f"{number:.0f}" if number == round(number) else f"{number:.1f}"
