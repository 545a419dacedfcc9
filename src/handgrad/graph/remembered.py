"""The graphs of the last problems: one with other numbers has the same, and is solved again and again.

A graph depends on the equations, the shapes and cases of what is given, and the data, whose targets are looked
at; not on the parameters' numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import wraps
from operator import is_
from typing import Generic, NamedTuple, TypeVar

from handgrad.expression import Shape
from handgrad.graph.structure import Graph
from handgrad.operations import BY_NAME
from handgrad.operations.operation import Operation
from handgrad.problem import Problem
from handgrad.problem.given import Given

MOST = 8
"""Graphs that are kept."""

LARGEST = 10_000
"""Numbers of the data beyond which they are not compared."""


class _Known(NamedTuple):
    problem: Problem
    operations: tuple[Operation, ...]
    graph: Graph


_known: deque[_Known] = deque(maxlen=MOST)


def remembered(problem: Problem) -> Graph | None:
    """The graph of a problem that differs in its parameters' numbers at most, if it is still known."""
    for known in tuple(_known):
        if _alike(known.problem, problem) and _of_today(known.operations):
            return known.graph
    return None


def remember(problem: Problem, graph: Graph) -> None:
    """Keeps the graph of a problem."""
    if sum(given.array.size for given in problem.data.values()) <= LARGEST:
        _known.append(_Known(problem, tuple(BY_NAME.values()), graph))


def _alike(one: Problem, other: Problem) -> bool:
    return (
        one.loss == other.loss
        and one.reduction == other.reduction
        and _kinds(one.parameters) == _kinds(other.parameters)
        and list(one.data) == list(other.data)
        and one.equations == other.equations
        and one.given == other.given
        and _kinds(one.upstream) == _kinds(other.upstream)
        and one.data == other.data
    )


def _kinds(givens: Mapping[str, Given]) -> list[tuple[str, Shape, bool]]:
    return [(name, given.shape, given.batched) for name, given in givens.items()]


def _of_today(operations: tuple[Operation, ...]) -> bool:
    """Whether the table of operations is still the same: one may be added, or put in another's place."""
    return len(operations) == len(BY_NAME) and all(map(is_, operations, BY_NAME.values()))


Made = TypeVar("Made")


class OfGraphs(Generic[Made]):
    """What was made of the last graphs, by the graph and a key.

    Arguments:
        most: how many are kept.
    """

    def __init__(self, most: int) -> None:
        self._known: deque[tuple[Graph, object, Made]] = deque(maxlen=most)

    def of(self, graph: Graph, key: object, make: Callable[[], Made]) -> Made:
        """What was made of this graph under the key, or what `make` makes of it now."""
        for known, told, made in tuple(self._known):
            if known is graph and told == key:
                return made
        made = make()
        self._known.append((graph, key, made))
        return made


def of_graph(function: Callable[[Graph], Made]) -> Callable[[Graph], Made]:
    """Keeps what a function of a graph alone gave for the last graphs; nobody may change it."""
    found: OfGraphs[Made] = OfGraphs(MOST)

    @wraps(function)
    def once(graph: Graph) -> Made:
        return found.of(graph, None, lambda: function(graph))

    return once
