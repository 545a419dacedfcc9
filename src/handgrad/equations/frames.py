"""Where a line of a block is written out: its steps, its call, and what names stand for there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from handgrad.equations.lines import SourceLine
from handgrad.expression import Expression
from handgrad.record import record

_NAME = re.compile(r"(?P<letters>[^\W\d_]+)(?P<digits>\d*)(?P<rest>(?:_\w+)?)")


@record
class Expanded:
    """An equation that a line stands for.

    Arguments:
        line: the line that it was made from.
        within: the call and the step that it was made in, in words.
        target: the name that it computes.
        expression: its formula, with spans into the lines, one after the other.
        changed: whether it is another equation than the line.
    """

    line: SourceLine
    within: str
    target: str
    expression: Expression
    changed: bool


@dataclass(frozen=True)
class Frame:
    """Where a line is written out.

    Arguments:
        numbers: the whole numbers with names that count: those given, steps, and arguments.
        steps: the repeats around it, outermost first, and the step that each is at.
        bound: what stands for a name, an argument or a line of a definition, and how long it is.
        names: what each line of a definition is called in this call.
        calls: the definitions that are being called, outermost first.
        called: the calls in words, innermost first.
        depth: levels of brackets and calls.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    steps: tuple[tuple[str, int], ...] = ()
    bound: Mapping[str, tuple[Expression, int]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    depth: int = 0

    @property
    def within(self) -> str:
        """The step and the call, in words, innermost first."""
        told = self.called if len(self.called) < 4 else (*self.called[:2], "…", self.called[-1])
        return ", ".join((*self.at, *told))

    @property
    def at(self) -> tuple[str, ...]:
        """The step, in words."""
        steps = ", ".join(f"{name} = {count}" for name, count in self.steps)
        return (f"at {steps}",) if steps else ()


def numbered_as(name: str, target: str) -> str:
    """The name of a line of a definition that is called for `target`: z is z2 for h2, z2_1 for h2_1."""
    mine, theirs = _NAME.fullmatch(name), _NAME.fullmatch(target)
    if theirs is None or not theirs["digits"] + theirs["rest"]:
        return name
    digits, rest = theirs["digits"], theirs["rest"]
    if mine is None:
        return f"{name}_{digits}{rest}" if digits else name + rest
    if mine["digits"] and digits:
        digits = f"_{digits}"
        return f"{name}{digits}{rest}"
    return f"{mine['letters']}{mine['digits']}{digits}{mine['rest']}{rest}"
