"""What each question asks, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from handgrad.discussion.phrases import (
    cases_words,
    entry_value,
    plain_rule,
    sides,
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
from handgrad.operations import BY_NAME, noun_of
from handgrad.solution import Zeroed
from handgrad.solution.note_words import zeroed_text
from handgrad.solution.numbers import literal_of
from handgrad.text import Text, joined, listed
from handgrad.updates import RULES

SHORT = 8
"""An input of at most so many entries is written out in a sentence."""


TITLES = {
    "zero_rows_columns": "Zero gradients",
    "gate_swap": "Another activation",
    "other_input": "Another input",
    "updated_value": "The updated value",
    "largest_move": "The largest move",
    "input_scaling": "Gradients and inputs",
    "bias_gradient": "A gradient that is passed on",
    "sum_over_paths": "The sum over paths",
    "longer_step": "A longer step",
    "case_shares": "The cases' shares",
    "small_change": "A small change",
    "most_sensitive": "The most sensitive number",
}
"""By kind, what a question is about in a few words."""


def question_text(question: Question) -> Text:
    """What is asked."""
    match question:
        case ZeroEntries():
            return _ask_zeros(question)
        case GateSwap():
            return _ask_swap(question)
        case OtherInput():
            return (
                "If ", *_as_input(question),
                ", which units would go off, and which would come on? Try to predict before computing.",
            )  # fmt: skip
        case UpdatedValue():
            plain: Text = ("each parameter θ becomes θ − η · ", Adjoint("theta"))
            said = (
                plain
                if plain_rule(question)
                else (f"{RULES[question.rule].noun} updates every parameter",)
            )
            return (
                "After the backward pass ", *said, ". With η = ", Literal(question.rate),
                ", what is the updated value of ", entry_value(question.entry), "?",
            )  # fmt: skip
        case LargestMove():
            return (
                "Which of the parameters' numbers moves furthest in the update? Do any stay the same?",
            )
        case InputScaling():
            first, second = (Adjoint(question.name).entry(e) for e in question.entries)
            return (
                first, " is ", Literal(question.gradients[0]), " and ", second, " is ",
                Literal(question.gradients[1]), ". Where does their ratio of ",
                Literal(question.gradients[0] / question.gradients[1]), " come from?",
            )  # fmt: skip
        case BiasGradient():
            return ("What does ", Adjoint(question.name), " equal, and why?")
        case SumOverPaths():
            places = joined([(Name(s.through),) for s in question.shares])
            return (
                Name(question.name), " is used in the equations of ", *places, ". How is ",
                Adjoint(question.name), " put together, and what if one path were forgotten?",
            )  # fmt: skip
        case LongerStep():
            return (
                "What would the loss after the update be with a rate of ",
                Literal(question.rate * question.times), " instead of ", Literal(question.rate),
                "? Try to predict whether it falls further or rises.",
            )  # fmt: skip
        case CaseShares():
            return (
                "Which case pulls hardest on the parameters, and is it the one with the largest loss?",
            )
        case SmallChange():
            return (
                "If ", entry_value(question.entry), " rose by ", Literal(question.by),
                ", by how much would the loss change? Predict it with the gradient.",
            )  # fmt: skip
        case MostSensitive():
            return (
                "To which of the given numbers is the result most sensitive, and which way would you "
                "change each to raise it?",
            )  # fmt: skip
        case _:
            assert_never(question)


def _ask_zeros(question: ZeroEntries) -> Text:
    in_training = (
        f" What does that mean in general for training deep networks with {sides(question.gates)}?"
        if question.gates
        else ""
    )
    if not question.parts:
        return (f"Did any entry of the gradients come out zero? Why, or why not?{in_training}",)
    first = question.parts[0]
    where: Text = (f" in {cases_words(first.cases)}",) if first.cases else ()
    return (
        "Why did ", *zeroed_text(_telling(first.zeroed)), " come out zero", *where,
        f"? Find every other zero among the gradients, with its reason.{in_training}",
    )  # fmt: skip


def _telling(zeroed: Sequence[Zeroed]) -> Zeroed:
    """The part to ask about: a row if there is one."""
    return next((z for z in zeroed if z.part == "row"), zeroed[0])


def _ask_swap(question: GateSwap) -> Text:
    new = sides([s.operation for s in question.swaps])
    kept: Text = ()
    if question.kept:
        kept = (" (", *joined([(Name(n),) for n in question.kept]), " keeps its own)")
    change = (
        f"how would step{'s' if len(question.steps) > 1 else ''} {listed(question.steps)} change"
        if question.steps
        else "what would change on the way back"
    )
    gate = BY_NAME[question.operation].gate
    ask = "Would a unit still block the gradient?" if gate else "Would any unit be shut?"
    return (
        f"If {noun_of(question.operation)} were replaced by {new}",
        *kept,
        f", {change}? {ask}",
    )


def _as_input(question: OtherInput) -> Text:
    name = Name(question.name)
    if question.value.size <= SHORT and not question.batched:
        return (
            name,
            " were ",
            literal_of(question.value),
            " instead of ",
            literal_of(question.before),
        )
    if not question.value.any():
        return (name, " were 0 everywhere")
    return ("every entry of ", name, " had the opposite sign")
