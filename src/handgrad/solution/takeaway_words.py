"""What to remember of a worked solution, in sentences."""

from __future__ import annotations

from typing import assert_never

from handgrad.expression import Literal, Name
from handgrad.operations import noun_of
from handgrad.solution.notes.note import MOST_NOTED
from handgrad.solution.notes.noted import UNITS
from handgrad.solution.takeaways import (
    CasesReduced,
    GatesSeen,
    InputsZero,
    LossMoved,
    StepsBack,
    Takeaway,
    UnitOff,
)
from handgrad.text import Text, joined, listed

NAMED = 4
"""Units, inputs and cases that are named; of more, the count is said."""


def takeaway_title(takeaway: Takeaway) -> Text:
    """What a takeaway is about, in a few words."""
    match takeaway:
        case StepsBack():
            return ("The chain rule, one step at a time",)
        case GatesSeen():
            nouns = listed([noun_of(o) for o in takeaway.operations])
            return (f"{nouns} {'gates' if len(takeaway.operations) == 1 else 'gate'} gradients",)
        case InputsZero():
            return ("A weight learns from its input",)
        case CasesReduced():
            return ("One gradient for the whole batch",)
        case LossMoved():
            return ("The update",)
        case _:
            assert_never(takeaway)


def takeaway_text(takeaway: Takeaway) -> Text:
    """A takeaway as a sentence or two."""
    match takeaway:
        case StepsBack():
            return _steps_back(takeaway)
        case GatesSeen():
            return _gates(takeaway)
        case InputsZero():
            named = [(Name(n).entry(unit),) for n, unit in takeaway.inputs[:NAMED]]
            more = len(takeaway.inputs) - NAMED
            least = "at least " if len(takeaway.inputs) >= UNITS else ""
            inputs = joined([*named, *([(f"{least}{more} more",)] if more > 0 else [])])
            if len(takeaway.inputs) == 1:
                return (*inputs, " = 0, so the weights that multiply it got no gradient.")
            return (*inputs, " are 0, so the weights that multiply them got no gradient.")
        case CasesReduced():
            word = "mean" if takeaway.reduction == "mean" else "sum"
            return (
                Name(takeaway.cost), f" is the {word} of ", Name(takeaway.loss), f" over {takeaway.cases} cases, "
                f"and every parameter's gradient is the {word} over them too.",
            )  # fmt: skip
        case LossMoved():
            return _loss(takeaway)
        case _:
            assert_never(takeaway)


def _steps_back(takeaway: StepsBack) -> Text:
    steps = f"{takeaway.steps} step{'' if takeaway.steps == 1 else 's'}"
    ends = joined([(Name(n),) for n in takeaway.names])
    if len(takeaway.names) > NAMED:
        ends = (f"all {len(takeaway.names)} {'parameters' if takeaway.parameters else 'inputs'}",)
    return (
        f"{steps} led from ", Name(takeaway.cost), " back to ", *ends, ". Each used only gradients already known "
        "and values from the forward pass.",
    )  # fmt: skip


def _gates(takeaway: GatesSeen) -> Text:
    passes = "An open gate passes the gradient on; a shut one stops it. "
    if not takeaway.units:
        return (f"{passes}Every gate was open here.",)
    if takeaway.case_count == 1:
        return (passes, *_off(takeaway.units, ""), ".")
    parts: list[Text] = []
    if takeaway.always:
        parts.append(_off(takeaway.always, f" in all {takeaway.case_count} cases"))
    some = takeaway.sometimes
    if some and len(some) <= NAMED:
        parts += [_off((u,), f" in {_cases(u)}") for u in some]
    elif some:
        parts.append(_off(some, " in some of the cases but not in all"))
    return (passes, *joined(parts), ".")


def _off(units: tuple[UnitOff, ...], where: str) -> Text:
    if len(units) > NAMED:
        least = "at least " if len(units) >= MOST_NOTED else ""
        return (f"{least}{len(units)} units were off{where}",)
    named = joined([(u.pre_activation.entry(u.unit),) for u in units])
    return (*named, f" {'was' if len(units) == 1 else 'were'} off{where}")


def _cases(unit: UnitOff) -> str:
    word = "case" if len(unit.cases) == 1 else "cases"
    named = [str(c + 1) for c in unit.cases]
    if len(named) > 2 * NAMED:
        return f"{len(named)} {word}"
    return f"{word} {listed(named)}"


def _loss(takeaway: LossMoved) -> Text:
    word = "update" if takeaway.updates == 1 else f"{takeaway.updates} updates"
    after: Text = (f"After the {word} ", Name(takeaway.cost), " is ")
    if takeaway.after == takeaway.before:
        return (*after, "still ", Literal(takeaway.after), ".")
    way = "lower than" if takeaway.after < takeaway.before else "higher than"
    return (
        *after, Literal(takeaway.after), f": {way} the ", Literal(takeaway.before), " before.",
    )  # fmt: skip
