"""What each question's answer says, in paragraphs."""

from __future__ import annotations

import math
from typing import assert_never

import numpy as np

from handgrad.discussion.gate_answers import (
    other_input_text,
    swap_in_general,
    swap_text,
    zeros_text,
)
from handgrad.discussion.phrases import (
    LISTED,
    cited,
    entry_gradient,
    entry_value,
    plain_rule,
)
from handgrad.discussion.structure import (
    BiasGradient,
    CaseShares,
    GateSwap,
    InputScaling,
    LargestMove,
    LongerStep,
    MostSensitive,
    OtherInput,
    Question,
    SmallChange,
    SumOverPaths,
    UpdatedValue,
    ZeroEntries,
)
from handgrad.expression import Adjoint, Literal, Name
from handgrad.figures import figure
from handgrad.text import Inline, Text, joined

FINE, FINEST = 3, 12
"""Digits of a small change that are told; and decimals, at most, in which they may lie."""


def answer_text(question: Question) -> tuple[Text, ...]:
    """The answer in paragraphs."""
    match question:
        case ZeroEntries():
            return zeros_text(question)
        case GateSwap():
            return (*(swap_text(swap) for swap in question.swaps), *swap_in_general(question))
        case OtherInput():
            return other_input_text(question)
        case UpdatedValue():
            return _updated(question)
        case LargestMove():
            return _largest_move(question)
        case InputScaling():
            return _scaling(question)
        case BiasGradient():
            return _bias(question)
        case SumOverPaths():
            return _paths(question)
        case LongerStep():
            return _longer(question)
        case CaseShares():
            return _cases(question)
        case SmallChange():
            return _small_change(question)
        case MostSensitive():
            return _most_sensitive(question)
        case _:
            assert_never(question)


# -- the update -----------------------------------------------------------------------------


def _updated(question: UpdatedValue) -> tuple[Text, ...]:
    value = entry_value(question.entry)
    moved = question.after - question.before
    result: Text = (value, " becomes ", Literal(question.after), f"{cited(question.steps)}.")
    if moved == 0:
        return (result, ("Its value does not change.",))
    way = "up" if moved > 0 else "down"
    if not plain_rule(question):
        return (result, (f"It goes {way} from ", Literal(question.before), "."))
    sign = "negative" if question.gradient < 0 else "positive"
    return (
        result,
        (
            entry_gradient(question.entry), " = ", Literal(question.gradient),
            f" is {sign}, and the step goes against the gradient: the value goes {way}.",
        ),
    )  # fmt: skip


def _largest_move(question: LargestMove) -> tuple[Text, ...]:
    moved = question.after - question.before
    first: list[Inline] = [
        entry_value(question.entry),
        " goes from ",
        Literal(question.before),
        " to ",
        Literal(question.after),
        ", by ",
        Literal(moved),
    ]
    tied: Text = ()
    if question.ties:
        others = [(entry_value(e),) for e in question.ties[:LISTED]]
        more = [(f"{len(question.ties) - LISTED} more",)] if len(question.ties) > LISTED else []
        move = "moves" if len(question.ties) == 1 else "move"
        tied = (" ", *joined([*others, *more]), f" {move} just as far.")
    first += [f"{cited(question.steps)}. Its gradient is ", Literal(question.gradient), ".", *tied]
    still = (
        f"{question.still} of the {question.total} numbers {'does' if question.still == 1 else 'do'} not move at all."
        if question.still
        else f"All {question.total} numbers move."
        if question.total > 1
        else "It is the only number that can move."
    )
    return (tuple(first), (still,))


def _longer(question: LongerStep) -> tuple[Text, ...]:
    loss, after, other = question.loss, question.after, question.other_after
    first: Text = (
        "With a rate of ",
        Literal(question.rate),
        " the loss goes from ",
        Literal(loss),
        " to ",
        Literal(after),
        f"{cited(question.steps)}.",
    )
    rate = Literal(question.rate * question.times)
    if other is None:
        return (
            first,
            (
                "With a rate of ",
                rate,
                " the new loss is not a finite number: the step is far too long.",
            ),
        )
    second: list[Inline] = ["With a rate of ", rate, " it goes to ", Literal(other), ". "]
    if other > loss:
        second.append("The longer step overshoots: the gradient shows the way down only close by.")
    elif other == loss:
        second.append("The loss is where it was.")
    elif other == after:
        second.append("The longer step gets exactly as far down.")
    elif other < after:
        second.append(
            "The longer step gets further down; the gradient alone cannot tell how long a step may be."
        )
    else:
        second.append(
            "That is lower than at the start, but higher than after the shorter step: the longer one has gone "
            "past a minimum."
        )
    return (first, tuple(second))


# -- how a gradient is made -----------------------------------------------------------------


def _bias(question: BiasGradient) -> tuple[Text, ...]:
    gradient, signal = Adjoint(question.name), question.signal
    where = cited(question.steps)
    here: Text = (
        "In the equation of ",
        Name(question.equation),
        " the local derivative with respect to ",
        Name(question.name),
        " is 1",
    )
    match question.how:
        case "equal":
            return (
                (gradient, " equals ", signal, f"{where}, the gradient that arrives there."),
                (*here, ": a sum passes its gradient on unchanged."),
            )
        case "mean":
            return (
                (gradient, " is the mean of ", signal, f" over the {question.cases} cases{where}."),
                (
                    *here,
                    " in every case, so each case hands its gradient on unchanged. The loss is the mean over the cases, and so is the gradient.",
                ),
            )
        case "sum":
            return (
                (
                    gradient,
                    " is the sum of the entries of ",
                    signal,
                    f" to which it was added{where}.",
                ),
                (
                    *here,
                    " for every entry to which it is added, and the gradients of all its uses add up.",
                ),
            )
        case _:
            assert_never(question.how)


def _scaling(question: InputScaling) -> tuple[Text, ...]:
    first, second = question.inputs
    return (
        (
            "Both are ", question.signal, " (", Literal(question.signal_value), ") times an input: ",
            first, " = ", Literal(question.values[0]), " for the one, ", second, " = ",
            Literal(question.values[1]), f" for the other{cited(question.steps)}. The ratio of the gradients is the ratio of the inputs.",
        ),
        (
            "So each entry of ", Adjoint(question.name), " is proportional to its input: with twice the input, and the "
            "same gradient arriving, it would be twice as large, and with an input of 0 it would be 0.",
        ),
    )  # fmt: skip


def _paths(question: SumOverPaths) -> tuple[Text, ...]:
    count = len(question.shares)
    missing = max(question.shares, key=lambda s: float(np.abs(s.value).max()))
    place = tuple(
        int(i) for i in np.unravel_index(np.abs(missing.value).argmax(), missing.value.shape)
    )
    total = float(question.gradient[place])
    rest = float(sum(s.value[place] for s in question.shares if s is not missing))
    return (
        (
            f"Each use is a path to the loss, and the gradient is the sum of the {count} shares{cited(question.steps)}.",
        ),
        (
            "Without the path through ", Name(missing.through), ", ", Adjoint(question.name).entry(place), " would be ",
            Literal(rest), " instead of ", Literal(total), ".",
        ),
    )  # fmt: skip


def _cases(question: CaseShares) -> tuple[Text, ...]:
    k = question.largest
    worst = int(np.argmax(question.losses))
    word = "mean" if question.reduction == "mean" else "sum"
    same = (
        "It is also the case with the largest loss."
        if question.losses[k] == question.losses[worst]
        else f"The largest loss is that of case {worst + 1}."
    )
    return (
        (f"Case {k + 1}: the gradient of its own loss with respect to all parameters has the largest norm, ", Literal(question.lengths[k]), f"{cited(question.steps)}. {same}"),
        (
            f"The norm of the {word} of the gradients of all cases is ", Literal(question.length),
            ": where cases pull in different directions, they partly cancel.",
        ),
    )  # fmt: skip


# -- how strongly the loss depends on a number ----------------------------------------------


def _small_change(question: SmallChange) -> tuple[Text, ...]:
    size = abs(question.happened)
    decimals = FINE - math.floor(math.log10(size)) if size else 0
    decimals = min(max(decimals, FINE), FINEST)

    def fine(number: float) -> Literal:
        return Literal(number, text=figure(number, decimals))

    left = "The gradient is the slope at one point; any difference between the two comes from the curvature of the loss."
    if not question.close:
        left = "The two differ a lot: the loss bends so sharply here that this change is not small."
    return (
        (
            "The gradient predicts ", entry_gradient(question.entry), " times ", Literal(question.by), " = ",
            fine(question.foretold), f"{cited(question.steps)}.",
        ),
        (
            "The forward pass run again gives ", fine(question.other_loss), " instead of ", fine(question.loss),
            ": a change of ", fine(question.happened), f". {left}",
        ),
    )  # fmt: skip


def _most_sensitive(question: MostSensitive) -> tuple[Text, ...]:
    (first, gradient), *_ = question.entries
    up = "raises" if gradient > 0 else "lowers"
    return (
        (
            "To ", entry_value(first), ": ", entry_gradient(first), " = ", Literal(gradient), " is the largest in size",
            f"{cited(question.steps)}. Raising it a little {up} the result by about ", Literal(abs(gradient)), " times as much.",
        ),
        ("A positive gradient says: raise the number to raise the result; a negative one: lower it; 0: a small change does nothing.",),
    )  # fmt: skip
