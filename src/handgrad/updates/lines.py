"""What an update is made of: its lines, and the terms that the lines of one parameter are written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from handgrad.expression import Expression, Name
from handgrad.record import record

Assignment: TypeAlias = Literal["memory", "let", "updated"]


@record
class UpdateLine:
    """One formula of an update.

    `assigns` says what becomes of it: a "memory" is kept for the next step, a "let" is used
    below, "updated" is the parameter's new value. On its right side a name is the value before
    the line, and a memory starts at 0.
    """

    target: Name
    formula: Expression
    assigns: Assignment


@record
class Terms:
    """What an update's formulas are made of.

    Arguments:
        parameter: what is updated.
        gradient: its gradient, clipped where the update clips.
        rate: the rate that holds for it in this update.
        named: the names of the settings.
        settings: their numbers.
    """

    parameter: Name
    gradient: Expression
    rate: Name
    named: Mapping[str, Name]
    settings: Mapping[str, float]

    def __getitem__(self, key: str) -> Name:
        return self.named[key]

    def own(self, letter: str) -> Name:
        """A name of this parameter's own, such as m of W1."""
        return own(letter, self.parameter.name)


def own(letter: str, parameter: str) -> Name:
    """A name of one parameter's own in an update, such as m of W1."""
    return Name(f"{letter}_{parameter}")
