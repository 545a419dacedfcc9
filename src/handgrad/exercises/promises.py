"""What holds of every sheet of a run: typed records, from which errors and JSON are made."""

from __future__ import annotations

from typing import Literal, TypeAlias

from handgrad.record import record

PromiseKind: TypeAlias = Literal[
    "finite",
    "units_off",
    "off_blocks",
    "zero_input",
    "path_sum",
    "clear_of_kink",
    "layer_open",
    "gate_blocks",
    "answer_not_zero",
    "rule_shows",
    "few_digits",
    "unsaturated",
    "both_signs",
]


@record
class Promise:
    """One thing that holds of every sheet.

    Arguments:
        kind: what holds.
            "finite": every value is finite.
            "units_off": exactly `count` units are off, in every case: in `layer`, or in all layers.
            "off_blocks": through every unit that is off a gradient of at least `size` would pass; but
                for those before a layer that is off as a whole.
            "zero_input": an input is 0.
            "path_sum": a gradient adds up at least two paths that are not 0.
            "clear_of_kink": no pre-activation of a gate is nearer to 0 than `size`.
            "layer_open": not every unit of the layer `about` is off.
            "gate_blocks": some gate that is shut, in some case, blocks at least `size`.
            "answer_not_zero": some figure of the answer `about` is not 0 as shown.
            "rule_shows": the wrong `rule` gives another answer than the right one for `about`, or for some answer.
            "few_digits": the value `about` has at most `count` decimals and the size `size` at most.
            "unsaturated": no unit of the layer `about` lies on its flat end.
            "both_signs": the matrix `about` has both signs.
        about: what it holds of, by its name in answers files: "h1", "W2", "dW2".
        layer: a layer's number, counted from 1, where one was asked for.
        wish: the option that asks for it; empty for what every sheet has where it can be had.
    """

    kind: PromiseKind
    about: str = ""
    layer: int | None = None
    count: int = 0
    size: float = 0.0
    rule: str = ""
    wish: str = ""


def words(promise: Promise) -> str:
    """A promise in a few words."""
    of = promise.about
    match promise.kind:
        case "finite":
            return "every number finite"
        case "units_off":
            place = "" if promise.layer is None else f" in layer {promise.layer}"
            return f"exactly {promise.count} unit{'' if promise.count == 1 else 's'} off{place}"
        case "off_blocks":
            return f"a gradient of {promise.size:g} or more blocked by every unit that is off"
        case "zero_input":
            return "an input that is zero"
        case "path_sum":
            return "a gradient that adds up two paths"
        case "clear_of_kink":
            return "no pre-activation at 0"
        case "layer_open":
            return f"a unit of {of} that fires"
        case "gate_blocks":
            return "a gate that blocks a gradient"
        case "answer_not_zero":
            return f"{of} not zero"
        case "rule_shows":
            return f"{of} other than by the wrong rule {promise.rule}"
        case "few_digits":
            return f"few digits in {of}"
        case "unsaturated":
            return f"no unit of {of} saturated"
        case "both_signs":
            return f"both signs in {of}"
