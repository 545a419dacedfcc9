"""Comparisons in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import TYPE_CHECKING

from handgrad.comparison.structure import (
    EquationChange,
    GateChange,
    NumberChange,
    SettingChange,
    UnitState,
)
from handgrad.expression import Call, Expression, Literal, Name, literal_of
from handgrad.operations import BY_NAME, noun_of
from handgrad.operations.gates import activation_in
from handgrad.text import Text, joined
from handgrad.updates.settings import names

if TYPE_CHECKING:
    from handgrad.comparison.comparison import Comparison

LONG = 40
"""A longer title is not used as a label."""

SHORT = 8
"""Numbers of at most so many entries name a solution."""

BEFORE_AND_AFTER: tuple[Text, Text] = ("before",), ("after",)
FIRST_AND_SECOND: tuple[Text, Text] = ("first solution",), ("second solution",)
"""What two solutions are called where nothing shorter tells them apart."""

SETTINGS = {
    "rate": "the learning rate η",
    "rule": "the update rule",
    "loss": "the loss",
    "reduction": "the reduction over the cases",
    "weight_decay": "the weight decay λ",
    "momentum": "the momentum μ",
    "decay": "the decay ρ",
    "beta1": "β₁",
    "beta2": "β₂",
    "epsilon": "ε",
    "rate_decay": "the decay of the rate δ",
    "clip_norm": "the norm C at which gradients are clipped",
    "clip_value": "the entry c at which gradients are clipped",
    "schedule": "the schedule of the rate",
    "every": "the updates n from one rate to the next",
    "gamma": "the factor γ of the rate",
    "steps": "the updates T of the schedule",
    "rate_min": "the lowest rate η_min",
}
"""What each setting is called."""


def labels(comparison: Comparison) -> tuple[Text, Text]:
    """What to call the two solutions: by the one thing that differs, if it is one."""
    titles = comparison.left.problem.title, comparison.right.problem.title
    swapped = _swapped(comparison)
    match comparison.changes:
        case _ if titles[0] != titles[1] and all(0 < len(t) <= LONG for t in titles):
            return (titles[0],), (titles[1],)
        case _ if swapped is not None:
            return (f"with {noun_of(swapped[0])}",), (f"with {noun_of(swapped[1])}",)
        case (NumberChange(left=one, right=other) as change,) if (
            one is not None
            and other is not None
            and max(one.size, other.size) <= SHORT
            and not (change.left_batched or change.right_batched)
        ):
            name = Name(change.name)
            return (
                (name, " = ", literal_of(one)),
                (name, " = ", literal_of(other)),
            )
        case (SettingChange(name="rate", left=float(one), right=float(other)),):
            letter = "rate" if _is_taken("rate", taken(comparison)) else "η"
            return (f"{letter} = ", Literal(one)), (f"{letter} = ", Literal(other))
        case _ if titles[0] == titles[1]:
            return BEFORE_AND_AFTER
        case _:
            return FIRST_AND_SECOND


def _swapped(comparison: Comparison) -> tuple[str, str] | None:
    """The activation that every changed equation has another one for, if that is all that differs."""
    pairs: set[tuple[str, str]] = set()
    for change in comparison.changes:
        if not isinstance(change, EquationChange) or change.left is None or change.right is None:
            return None
        here, there = (list(_operations(e)) for e in (change.left, change.right))
        if len(here) != len(there):
            return None
        pairs |= {(a, b) for a, b in zip(here, there, strict=True) if a != b}
    found = pairs.pop() if len(pairs) == 1 else None
    if found and all(BY_NAME[o].family == "activation" for o in found):
        return found
    return None


def _operations(formula: Expression) -> Iterator[str]:
    """The operations of a formula, an activation written out as one."""
    call = activation_in(formula) or formula
    if isinstance(call, Call):
        yield call.operation
        for argument in call.arguments:
            yield from _operations(argument)


def gate_text(change: GateChange) -> Text:
    """A changed gate in a sentence: how it was, how it is, and what that does to the gradient."""
    return (
        f"{unit_text(change)} ", *_before(change.left), *_now(change.right), ": ",
        *(_opened(change) if change.left.shut else _closed(change)),
    )  # fmt: skip


def unit_text(change: GateChange) -> str:
    """Which unit, and in which case, as a sentence begins with it: "In case 2 unit 3 of layer 1"."""
    who = unit_words(change.unit, change.layer, change.time_step)
    if change.case is not None:
        return f"In case {change.case + 1} {who}"
    return f"{who[0].upper()}{who[1:]}"


def unit_words(index: tuple[int, ...], layer: int, time_step: int) -> str:
    """A unit by its place: "unit 3 of layer 1", "entry (1, 2) at time step 4"."""
    of = f" of layer {layer}" if layer else ""
    of = f" at time step {time_step}" if time_step else of
    if len(index) > 1:
        return f"entry ({', '.join(str(i + 1) for i in index)}){of}"
    return f"unit {index[0] + 1}{of}" if index else f"the unit{of}"


def _at(state: UnitState) -> Text:
    return (state.entry, " = ", Literal(state.z))


def _before(state: UnitState) -> Text:
    if state.gate:
        return (f"was {'off' if state.shut else 'on'} (", *_at(state), ") and ")
    noun = noun_of(state.operation)
    return ("had a slope of ", Literal(state.slope), f" with {noun} (", *_at(state), ") and ")


def _now(state: UnitState) -> Text:
    if state.gate:
        return (f"is {'off' if state.shut else 'on'} now (", *_at(state), ")")
    noun = noun_of(state.operation)
    return ("has a slope of ", Literal(state.slope), f" with {noun} (", *_at(state), ")")


def _opened(change: GateChange) -> Text:
    state = change.right
    if state.passing == 0:
        return ("but no gradient arrives there.",)
    where: Text = ()
    if change.reaches:
        where = (" and reaches ", *joined([z.text() for z in change.reaches]))
    return ("a gradient of ", Literal(state.passing), " passes it", *where, ".")


def _closed(change: GateChange) -> Text:
    if change.right.arriving == 0:
        stopped: Text = ("no gradient passes it (and none arrives there)",)
    else:
        stopped = ("the gradient of ", Literal(change.right.arriving), " that arrives is stopped")
    if not change.reaches:
        return (*stopped, ".")
    what = joined([z.text() for z in change.reaches])
    verb = "gets" if len(change.reaches) == 1 else "get"
    case = " from that case" if change.case is not None else ""
    return (*stopped, ", and ", *what, f" {verb} nothing{case}.")


def taken(comparison: Comparison) -> Set[str]:
    """The names that either problem has."""
    return comparison.left.graph.nodes.keys() | comparison.right.graph.nodes.keys()


def setting_name(name: str, taken: Set[str] = frozenset()) -> str:
    """What a setting is called: by its letter, where no name of the problem is that."""
    table, _, parameter = name.partition(".")
    if parameter:
        return f"the {table[:-1]} of {parameter}"
    return name if _is_taken(name, taken) else SETTINGS.get(name, name)


def _is_taken(setting: str, taken: Set[str]) -> bool:
    """Whether a problem has a name that is the letter of a setting."""
    usual = names(frozenset()).get(setting)
    return usual is not None and usual.name in taken
