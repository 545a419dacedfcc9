"""A problem's text read and solved for the lab: from no file, and once for requests that follow each other."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from handgrad.checking.checking import Checker
from handgrad.expression import Adjoint
from handgrad.formats.live import Live
from handgrad.formats.markup import quantity
from handgrad.lab.standing import Place, Standing, numbers_in, values_in
from handgrad.problem import Problem, loads
from handgrad.running import Carry
from handgrad.solution import Trace, solve

Given = ParamSpec("Given")
Found = TypeVar("Found")

KEPT = 100_000
"""Letters of the texts whose solutions are kept: some two hundred small ones, since an answer mostly compares with the one before
it, of each who is editing."""

FEW = 4
"""Solutions that are kept however long their texts are."""


def kept(
    function: Callable[Concatenate[str, Given], Found],
) -> Callable[Concatenate[str, Given], Found]:
    """Keeps what a function of a text gave for the last texts."""
    found: OrderedDict[object, tuple[int, Found]] = OrderedDict()
    letters = 0

    @wraps(function)
    def once(text: str, /, *args: Given.args, **kwargs: Given.kwargs) -> Found:
        nonlocal letters
        key = (text, *args, *kwargs.items())
        if key not in found:
            found[key] = len(text), function(text, *args, **kwargs)
            letters += len(text)
            while letters > KEPT and len(found) > FEW:
                _, (length, _) = found.popitem(last=False)
                letters -= length
        found.move_to_end(key)
        return found[key][1]

    return once


@kept
def read(text: str) -> Problem:
    """The problem of a text. Raises `HandgradError`, also where it names a file."""
    return loads(text, files=False)


@kept
def solved(text: str, carry: Carry, decimals: int) -> Trace:
    """Its worked solution. Raises `HandgradError`."""
    return solve(read(text), carry=carry, decimals=decimals)


@kept
def checker(text: str) -> Checker:
    """What checks a person's figures for it."""
    return Checker(read(text))


@kept
def values(text: str) -> dict[Place, Standing]:
    """Where everything stands that is written in it."""
    return values_in(text)


@kept
def standing(text: str) -> dict[str, Standing]:
    """Where its numbers stand."""
    return numbers_in(values(text), read(text))


def live_markup(trace: Trace, text: str) -> Live:
    """What the page of a solution says of its figures."""
    batched = [name for name, node in trace.graph.nodes.items() if node.batched]
    return Live(
        inputs=frozenset(name.partition("[")[0] for name in standing(text)),
        batched=frozenset([*batched, *(quantity(Adjoint(name)) for name in batched)]),
    )
