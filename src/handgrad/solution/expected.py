"""What a verb about worked solutions is given in Python, where another kind of thing is a likely mistake."""

from __future__ import annotations

from handgrad.errors import OptionError
from handgrad.problem import Problem
from handgrad.solution.trace import Trace


def expect_trace(thing: object) -> None:
    """Raises `OptionError`, with the mend, for what is no worked solution."""
    if isinstance(thing, Trace):
        return
    raise OptionError(
        f"a worked solution is expected, not a {type(thing).__name__}",
        mend="solve the problem first: handgrad.solve(problem)"
        if isinstance(thing, Problem)
        else "give what handgrad.solve returns",
    )
