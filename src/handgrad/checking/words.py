"""What is said of each mistake: one sentence, with the formulas in it."""

from __future__ import annotations

import re
from math import prod

from handgrad.checking.quantities import Quantity
from handgrad.checking.report import Places
from handgrad.checking.slips import Slip
from handgrad.expression import Expression, Literal, Name, number
from handgrad.operations.mistakes import Mistake
from handgrad.operations.operation import Misfit, broadcast, describe
from handgrad.text import Inline, Text

MISTAKES: dict[str, str] = {
    "gate_forgotten": "the gate {a} is left out: the gradient that arrives goes on unmasked",
    "slope_forgotten": "the slope of the activation, {a}, is left out",
    "before_gate": "{a} is used where {b} belongs: the gradient has not gone back through the activation (ReLU's gate, say)",
    "slope_on_shortcut": "the slope of the activation is multiplied in once more: prediction minus target already contains it",
    "softmax_diagonal": "softmax's Jacobian is taken as its diagonal, {a}; every score moves every probability, and what that brings is missing",
    "target_minus_prediction": "the difference is the wrong way round: it should be prediction minus target, {a} − {b}",
    "transpose_forgotten": "{a} is used where its transpose belongs",
    "transposed": "{a} is transposed, and should not be",
    "broadcast_axis": "{a} is laid over the matrix along the wrong axis: its rows and columns are exchanged",
    "outer_transposed": "the outer product is the wrong way round: rows belong to {a}, columns to {b}",
    "product_reversed": "the factors of the product stand in the wrong order: {a} comes first",
    "preactivation_used": "{a}, the pre-activation, is used where {b}, its activation, belongs",
    "activation_forgotten": "the activation is left out",
    "sigmoid_for_softmax": "the sigmoid is used in place of softmax: each score by itself, so the results need not add up to 1",
    "softmax_axis": "softmax runs along the wrong axis: the probabilities of one example's classes add up to 1, not those of one class",
    "mask_forgotten": "the mask {a} is left out: what it shuts out has a probability of 0",
    "limits_forgotten": "the limits are left out: {a} is not clipped",
    "gate_by_gradient": "the gate looks at the sign of the gradient, {a}; it is the pre-activation, {b}, that opens or shuts it",
    "gate_of_another_layer": "the gate is another layer's: it looks at {a} instead of {b}",
    "slope_of_another_layer": "the slope is another layer's: it is taken at {a} instead of {b}",
    "gate_on_wrong_side": "the gate {a} is applied before the weights; it belongs after them, on {b}",
    "slope_on_wrong_side": "the slope {a} is applied before the weights; it belongs after them, on {b}",
    "gate_inverted": "the gate is the wrong way round: it passes where {a} is 0 and stops where it is 1",
    "open_at_zero": "the slope at a kink is another: where {a} is exactly 0 the gate is shut here",
    "tie_decided": "a tie is decided otherwise: where {a} and {b} are equal, the gradient is shared equally here",
    "equal_left_out": "what is equal is left out, or all of it but the first: {a} holds wherever both sides are equal",
    "equal_counted": "what is equal is counted: {a} does not hold where both sides are equal",
    "choice_left_out": "the choice between two is left out: {a} is taken, also where it should be {b}",
    "updated_used": "{a} is taken as it is after its update; the backward pass uses the weights that the forward pass had",
    "penalty_left_out": "the penalty's part is left out: {a} belongs to the sum",
    "penalty_half": "the penalty's ½ is forgotten: {a} is counted twice",
    "penalty_two": "half of the penalty's part is missing, {a}: the 2 that its square brings down is forgotten",
    "penalty_factor": "the penalty's factor {a} is left out",
    "path_left_out": "one path is left out: {a} belongs to the sum",
    "bias_forgotten": "{a} is not added",
    "wrong_axis": "the sum runs along the wrong axis: add up over the examples, not over the units",
    "inner_factor_forgotten": "the chain rule's inner factor {a} is forgotten: it comes from the argument of {b}",
    "mean_forgotten": "{p} is {n} times too large: the mean is forgotten",
    "mean_for_sum": "{p} is {n} times too small: a mean is taken where there is a sum, or taken twice",
    "mean_not_taken": "these are the cases' own figures: {t} is their mean",
    "sum_not_taken": "these are the cases' own figures: {t} is their sum",
    "sum_forgotten": "only the first example counts: its gradients are not added up over the examples",
    "rate_forgotten": "the learning rate {a} is left out",
    "rate_of_another": "the rate is another parameter's: {a} is used instead of {b}",
    "clipping_forgotten": "the gradient is not clipped",
    "decay_forgotten": "the weight decay, {a}, is left out",
    "velocity_forgotten": "the velocity's part, {a}, is left out",
    "bias_correction_forgotten": "the correction for having started at 0 is left out: {a} is not divided by it",
    "sign_forgotten": "{a} itself is taken where its sign belongs",
    "plain_step": "it is the step of plain gradient descent, θ − η · ∂L/∂θ; the rule here is another",
    "update_sign": "the step goes the wrong way: subtract {a}, do not add it",
    "factor_two": "{p} is twice too large: a factor 2 of the squared error is counted once too often",
    "factor_half": "{p} is half as large as it should be: the factor 2 from the square is missing",
    "other_label": "the wrong probability is taken: the label is the other one",
    "logarithm_to_base_10": "the logarithm is to base 10; ln is to base e",
    "parameter_forgotten": "only the step is there: it is taken from {a}",
    "sign_lost": "the sign is wrong",
    "sign_within": "the sign of a part is wrong: {a} stands where {b} belongs",
    "difference_reversed": "the difference is the wrong way round: it should be {a} − {b}",
    "square_forgotten": "the square of {a} is forgotten",
    "term_left_out": "{a} is left out",
    "sign_of_term": "{a} is subtracted, and should be added",
    "factor_left_out": "the factor {a} is left out",
    "another_taken": "{a} is used where {b} belongs",
    "result_transposed": "it is transposed: rows and columns are exchanged",
}
"""By rule of the table of mistakes; {a} and {b} are what it is about, {t} the quantity and {p} the part of it that is off, or it."""

SLIPS: dict[str, str] = {
    "sign_lost": "the sign is wrong",
    "entries_swapped": "the right figures stand in the wrong places",
    "cut": "further digits were cut off where the figure should have been rounded",
    "last_digit": "the last digit is off",
    "decimal_point": "the decimal point is in the wrong place",
    "digit_slip": "one digit is wrong: {written} for {meant}",
    "digits_swapped": "two digits are exchanged: {written} for {meant}",
    "digit_left_out": "a digit is left out: {written} for {meant}",
    "scaled": "every entry is {written} times what it should be",
    "another_quantity": "these are the figures of {other}",
}

NAMED = 2
"""Entries that are named; of more, only what is wrong with them."""

OTHERS = ("rounded_early", "wrong_shape", "not_entered")
"""Rules with words of their own below."""

RULES = tuple(dict.fromkeys((*MISTAKES, *SLIPS, *OTHERS)))
"""Every rule that a diagnosis may name."""


def mistake_text(mistake: Mistake, quantity: Quantity, cases: int, step: str = "") -> Text:
    """What a mistake is, in words; `step` where it was made in another one."""
    place: Text = (f"in step {step}, for ", quantity.shown, ": ") if step else ()
    return (*place, *_filled(MISTAKES[mistake.rule], mistake, quantity, cases))


def pair_text(
    first: tuple[Mistake, Quantity], second: tuple[Mistake, Quantity], cases: int
) -> Text:
    """Two mistakes in a sentence."""
    same = first[1] is second[1]
    one = mistake_text(*first, cases, "" if same else first[1].step)
    two = mistake_text(*second, cases, "" if same else second[1].step)
    return ("two things: ", *one, "; and ", *two)


def _filled(template: str, mistake: Mistake, quantity: Quantity, cases: int) -> Text:
    parts: list[Inline] = []
    for piece in re.split(r"(\{[abtnp]\})", template):
        match piece:
            case "{a}" | "{b}":
                position = "ab".index(piece[1])
                if position < len(mistake.about):
                    parts.append(mistake.about[position])
            case "{t}":
                parts.append(quantity.shown)
            case "{p}":
                parts.append(mistake.part if mistake.part is not None else "it")
            case "{n}":
                parts.append(_count(mistake, cases))
            case "":
                pass
            case _:
                parts.append(piece)
    return tuple(parts)


def _count(mistake: Mistake, cases: int) -> Inline:
    """How many times too large or too small: the number that the mistake is about, or else that of cases."""
    counts = (number(part) for part in mistake.about if isinstance(part, Literal))
    return f"{next((n for n in counts if n is not None), cases):g}"


def slip_text(slip: Slip, quantity: Quantity, other: Expression | None = None) -> Text:
    """What a slip is, in words; of a sign alone, whose it is where others of the array are right.

    `other` is whose figures stand in this one's place.
    """
    if slip.rule == "sign_lost" and not quantity.batched:
        entries = [quantity.shown.entry(at) for at in slip.entries]
        if len(entries) <= NAMED and len(entries) < prod(quantity.shape):
            plural = len(entries) > 1
            listed = [part for e in entries for part in (e, " and ")][:-1]
            return (
                f"the sign{'s' if plural else ''} of ",
                *listed,
                " are wrong" if plural else " is wrong",
            )
    template = SLIPS[slip.rule].format(
        written=slip.written.replace("-", "−"), meant=slip.meant.replace("-", "−"), other="{other}"
    )
    before, _, after = template.partition("{other}")
    shown: tuple[Expression, ...] = (other,) if other is not None else ()
    return (before, *shown, *((after,) if after else ()))


def shape_text(
    quantity: Quantity, shape: tuple[int, ...], expected: tuple[int, ...], *, transposed: bool
) -> Text:
    """What is wrong with an entry's shape, and what would come of it in an update."""
    turned = "transposed: " if transposed else ""
    what = f"it is {turned}{describe(shape)}, and should be {describe(expected)}"
    return (what, *broadcast_text(quantity, shape, expected))


def broadcast_text(quantity: Quantity, shape: tuple[int, ...], expected: tuple[int, ...]) -> Text:
    """What would become of a parameter's shape in an update, where NumPy would let it."""
    if quantity.kind != "parameter_gradients" or not shape:
        return ()
    try:
        together = broadcast((shape, expected))
    except Misfit:
        return ()
    if together == expected:
        return ()
    return (
        "; ",
        Name(quantity.leaf.name),
        f" minus a {_size(shape, '-entry')} gradient would broadcast to {_size(together, ' entries')}",
    )


def _size(shape: tuple[int, ...], entries: str) -> str:
    return "×".join(map(str, shape)) if len(shape) > 1 else f"{shape[0]}{entries}"


def unread_text(places: Places, faulty: bool) -> Text:
    """That some cells hold no figure."""
    count = len(places)
    cells = "a cell holds" if count == 1 else f"{count} cells hold"
    what = "no number" if faulty else "nothing yet"
    return (f"{cells} {what}; the rest is right",)
