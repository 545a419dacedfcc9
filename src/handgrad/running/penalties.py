"""Penalties: the terms of the loss that are made of parameters alone, such as λ‖W‖².

A bias that is added to another layer's pre-activation stands there alone too, and is none: what it is a term of
is not a term of the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from handgrad.expression import Call, Expression, Name, leaves, literal
from handgrad.graph import Graph
from handgrad.notation import Sum
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import divide, multiply, negate


@dataclass
class Penalties:
    """The penalties in a graph."""

    graph: Graph

    def hold(self, equation: str, parameters: Iterable[str]) -> bool:
        """Whether all that these parameters do in an equation is to stand in penalties."""
        used = [name for name in parameters if name in self._used_in(equation)]
        return bool(used) and all(self._in_penalty(equation, name) for name in used)

    def _in_penalty(self, equation: str, name: str) -> bool:
        """Whether all that a name does in an equation is to stand in such terms."""
        used = [_names(t) for t in self._terms(equation)]
        if not all(u <= self._alone for u in used if name in u):
            return False
        if equation in self._added:
            return True
        users = [e for e in self.graph.consumers.get(equation, ()) if e in self._reaching]
        return equation in self._alone and all(self._in_penalty(e, equation) for e in users)

    def _used_in(self, equation: str) -> set[str]:
        written = self.graph.nodes[equation].written
        return _names(written) if written is not None else set()

    def _terms(self, equation: str) -> list[Expression]:
        written = self.graph.nodes[equation].written
        return [] if written is None else list(_terms(written, self._is_factor))

    @cached_property
    def _added(self) -> set[str]:
        """The loss, and the values that are terms of it."""
        found: set[str] = set()
        waiting = [self.graph.loss]
        while waiting:
            name = waiting.pop()
            if name in self.graph.equations and name not in found:
                found.add(name)
                waiting += [t.name for t in self._terms(name) if isinstance(t, Name)]
        return found

    @cached_property
    def _reaching(self) -> set[str]:
        """The loss, and what it depends on."""
        found: set[str] = set()
        waiting = [self.graph.loss]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._used_in(name)
        return found

    def _is_factor(self, expression: Expression) -> bool:
        """Whether it is a number that no parameter and no case enters, such as λ/2."""
        return _names(expression) <= self._plain

    @cached_property
    def _plain(self) -> set[str]:
        nodes = self.graph.nodes
        found = {
            n for n, node in nodes.items()
            if node.kind == "data" and not node.shape and not node.batched
        }  # fmt: skip
        for name in self.graph.equations:
            if self._used_in(name) <= found and not nodes[name].shape:
                found.add(name)
        return found

    @cached_property
    def _alone(self) -> set[str]:
        """The parameters, and the values that are made of them alone.

        A factor such as λ is one before a term of the loss: in w x the data of one example is a number as well.
        """
        found = {n for n, node in self.graph.nodes.items() if node.kind == "parameter"}
        for name in self.graph.equations:
            if name not in self._plain and self._used_in(name) <= found:
                found.add(name)
        return found

    def left_out(self, expression: Expression) -> Expression:
        """A formula with its terms of parameters alone multiplied by 0."""

        def without(term: Expression) -> Expression:
            names = _names(term)
            return literal(0.0) * term if names and names <= self._alone else term

        return _with_terms(expression, self._is_factor, without)


def _names(expression: Expression) -> set[str]:
    return {leaf.name for leaf in leaves(expression)}


def _terms(expression: Expression, is_factor: Callable[[Expression], bool]) -> Iterator[Expression]:
    """The terms of a sum, without the factors before them."""
    found: list[Expression] = []

    def seen(term: Expression) -> Expression:
        found.append(term)
        return term

    _with_terms(expression, is_factor, seen)
    return iter(found)


def _with_terms(
    expression: Expression,
    is_factor: Callable[[Expression], bool],
    changed: Callable[[Expression], Expression],
) -> Expression:
    """A sum with its terms changed, the factors before them left as they are."""
    if not isinstance(expression, Call):
        return changed(expression)
    arguments = list(expression.arguments)
    if isinstance(operation_of(expression).notation, Sum) or expression.operation == negate.name:
        places = range(len(arguments))
    elif expression.operation in (multiply.name, divide.name) and is_factor(arguments[1]):
        places = range(1)
    elif expression.operation == multiply.name and is_factor(arguments[0]):
        places = range(1, 2)
    else:
        return changed(expression)
    for place in places:
        arguments[place] = _with_terms(arguments[place], is_factor, changed)
    return expression.of(arguments)
