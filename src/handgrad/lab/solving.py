"""A problem's text read and solved for the lab: from no file, and once for requests that follow each other."""

from __future__ import annotations

from functools import lru_cache

from handgrad.checking.checking import Checker
from handgrad.expression import Adjoint
from handgrad.formats.live import Live
from handgrad.formats.markup import quantity
from handgrad.lab.standing import Standing, numbers_in
from handgrad.problem import Problem, loads
from handgrad.running import Carry
from handgrad.solution import Trace, solve

KEPT = 8
"""Solutions kept: an answer mostly compares with the one before it."""


@lru_cache(KEPT)
def read(text: str) -> Problem:
    """The problem of a text. Raises `HandgradError`, also where it names a file."""
    return loads(text, files=False)


@lru_cache(KEPT)
def solved(text: str, carry: Carry, decimals: int) -> Trace:
    """Its worked solution. Raises `HandgradError`."""
    return solve(read(text), carry=carry, decimals=decimals)


@lru_cache(KEPT)
def checker(text: str) -> Checker:
    """What checks a person's figures for it."""
    return Checker(read(text))


@lru_cache(KEPT)
def standing(text: str) -> dict[str, Standing]:
    """Where its numbers stand."""
    return numbers_in(text, read(text))


def live_markup(trace: Trace, text: str) -> Live:
    """What the page of a solution says of its figures."""
    batched = [name for name, node in trace.graph.nodes.items() if node.batched]
    return Live(
        inputs=frozenset(name.partition("[")[0] for name in standing(text)),
        batched=frozenset([*batched, *(quantity(Adjoint(name)) for name in batched)]),
    )
