"""A reason for which entries of gradients are zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from handgrad.expression import Expression
from handgrad.solution import Zeroed

Cause: TypeAlias = Literal[
    "shut_gate",  # the gate of a unit is shut
    "zero_input",  # a given number is 0
    "zero_value",  # a computed value is 0
    "nothing_arrives",  # no gradient comes back this far
    "zero_factor",  # a local derivative is 0
    "other_taken",  # a choice takes another value, as a maximum its other side
    "factor_in_each_case",  # in each case one of the factors is 0, not in all the same
    "no_share",  # of several uses none gives it a share
    "shares_cancel",  # what its uses give it adds up to 0
    "unreached",  # no path leads to the loss
    "at_these_numbers",  # none of these: the figures happen to give 0
]
"""Why entries of a gradient are zero."""

CAUSES: tuple[Cause, ...] = get_args(Cause)
"""The reasons in the order in which they are given."""


@dataclass(frozen=True, slots=True)
class ZeroShare:
    """Why the share that a gradient gets through one equation is zero; fields as in `ZeroPart`."""

    through: str
    cause: Cause
    about: Expression | None = None
    value: float | None = None
    operation: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class ZeroPart:
    """Entries of gradients that are zero for one reason.

    Arguments:
        about: what is 0 or shut: a pre-activation, an input, a gradient or a factor; or the choice that takes another value.
        value: its value; None if it is an array.
        operation: the gate, if one is shut, or the choice.
        step: the step that computes `about`; empty if it is given.
        shown_in: the steps that show the zeros.
        cases: the cases in which it holds; empty for all.
        of: the loss of one case, where it holds in some cases alone: the gradients are that one's.
        apart: whether the gradients differ from case to case, so that in others they may be what they like.
        behind: if no gradient arrives, the next activation, all of whose gates are shut.
        shares: of what is used in several equations, why the share through each is zero.
    """

    zeroed: tuple[Zeroed, ...]
    cause: Cause
    about: Expression | None = None
    value: float | None = None
    operation: str = ""
    step: str = ""
    cases: tuple[int, ...] = ()
    of: str = ""
    apart: bool = False
    behind: str = ""
    shares: tuple[ZeroShare, ...] = ()
    shown_in: tuple[str, ...] = ()
