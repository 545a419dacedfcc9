"""What checks answers to itself. How that is done is known on the floors above: the door says it once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_found: list[Callable[..., Any]] = []


def checked_by(check: Callable[..., Any]) -> None:
    """Says what checks answers to a problem."""
    _found[:] = [check]


class Checked:
    """Checks a student's figures."""

    __slots__ = ()

    def check(self, answers: Any = None, **given: Any) -> Any:
        """The report on answers, as `handgrad.check` gives it: `problem.check(dW2=[[…]])`."""
        return _found[0](self, answers, **given)
