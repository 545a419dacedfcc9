"""How the meaning of given numbers was found: as a fact, and in words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypeAlias

from handgrad.exercises.uses import Use
from handgrad.record import record

HUGE = 100.0
"""Numbers of this size are no inputs: −1e9 is added to what a mask leaves out."""

ReasonKind: TypeAlias = Literal[
    "asked_for",
    "named_mask",
    "chooses",
    "huge",
    "times_huge",
    "mixes",
    "factor",
    "state_of_zeros",
    "adding_up",
    "divided",
    "weighs",
    "named_setting",
    "divides",
    "penalty_factor",
    "exponent",
    "next_to_nothing",
    "cross_entropy_target",
    "binary_target",
    "complement",
    "counted",
    "margin_target",
    "held_target",
    "compared",
    "named_target",
    "whole_numbers",
    "picks",
    "numbers_entries",
    "adds_up",
    "prediction",
    "positive_place",
    "positive_part",
    "numbers",
    "given_instead",
    "arrives",
]
"""How the meaning of numbers was found: by what they are used for, by their name, or by what they look like."""

TARGET_REASONS = frozenset(["cross_entropy_target", "binary_target", "margin_target"])
"""Those that say what a loss compares with a prediction."""

REASONS: dict[ReasonKind, str] = {
    "asked_for": "asked for",
    "named_mask": "by its name",
    "chooses": "chooses between two values",
    "huge": f"has numbers of {HUGE:g} and more",
    "times_huge": "multiplies a number that leaves out what it is added to",
    "mixes": "mixes what is computed",
    "factor": "multiplies what is computed, entry by entry",
    "state_of_zeros": "all zero: a state to start from",
    "adding_up": "all one: adds up what is computed",
    "divided": "divided by what is computed, entry by entry",
    "weighs": "weighs a logarithm",
    "named_setting": "a setting by its name",
    "divides": "a count that is divided by",
    "penalty_factor": "the factor of a penalty",
    "exponent": "an exponent",
    "next_to_nothing": "next to nothing",
    "cross_entropy_target": "the target of cross-entropy",
    "binary_target": "the target of binary cross-entropy",
    "complement": "used with 1 less itself",
    "counted": "counted: whole numbers times a logarithm",
    "margin_target": "the target of a margin",
    "held_target": "the target of a loss that does not take every number",
    "compared": "compared with what is computed",
    "named_target": "multiplies what is computed, entry by entry, and called as a target is",
    "whole_numbers": "whole numbers from 0",
    "picks": "picks rows or columns",
    "numbers_entries": "the numbers of entries that are picked",
    "adds_up": "adds up to 1",
    "prediction": "the prediction of a loss",
    "positive_place": "under a logarithm or a root, or divided by",
    "positive_part": "part of what stands under a logarithm or a root, or is divided by",
    "numbers": "by its numbers",
    "given_instead": "given instead of computed",
    "arrives": "a gradient that arrives",
}
"""What is said of each."""


@record
class Reason:
    """How the meaning of a given was found.

    `equation` is the one whose use of it tells, by its target; empty where a name or the numbers alone do.
    """

    kind: ReasonKind
    equation: str = ""


def by(kind: ReasonKind, uses: Collection[Use] = ()) -> Reason:
    """A reason; the first of some uses is the one that tells."""
    return Reason(kind, next((u.equation for u in uses), ""))
