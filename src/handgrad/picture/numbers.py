"""The numbers a picture shows: of one example, and of one case where there are many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.expression import Adjoint, Expression, Leaf, Literal, Name
from handgrad.operations.operation import Array
from handgrad.trace import Trace

CASE = 0
"""The case that is shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Values and gradients of the case shown."""

    trace: Trace

    @property
    def cases(self) -> int:
        """How many cases there are; 1 where nothing is given in cases."""
        graph = self.trace.graph
        name = next((n for n, node in graph.nodes.items() if node.cased), None)
        return 1 if name is None else int(np.shape(self.trace.run.value(name))[-1])

    def value(self, name: str) -> Array:
        """A named value."""
        return self._of_case(name, self.trace.run.value(name))

    def gradient(self, name: str) -> Array:
        """The gradient of a named value."""
        return self._of_case(name, self.trace.run.gradient(name))

    def share(self, name: str, through: str) -> Array:
        """The part of a value's gradient that arrives through one equation."""
        graph = self.trace.graph
        parts = graph.gradients[name].parts if name in graph.gradients else ()
        several = len(parts) > 1 and any(p.through == through for p in parts)
        leaf: Leaf = Adjoint(name, through) if several else Adjoint(name)
        return np.asarray(self.trace.run.numbers[leaf], dtype=float)

    def formula(self, expression: Expression) -> Array:
        """The value of an annotated formula."""
        value = self.trace.run.of(expression)
        return value[..., CASE] if self.trace.graph.cased(expression) else value

    def spelling(self, name: str, index: tuple[int, ...] = (), gradient: bool = False) -> str:
        """An entry as code and JSON spell it, counted from 0: `z2[1]`, `dW2[1,0]`.

        Of many cases the last index is the case's.
        """
        if self.trace.graph.nodes[name].cased:
            index = (*index, CASE)
        at = f"[{','.join(map(str, index))}]" if index else ""
        return whole(name, gradient) + at

    def _of_case(self, name: str, array: Array) -> Array:
        value = np.asarray(array, dtype=float)
        return value[..., CASE] if self.trace.graph.nodes[name].cased else value


def whole(name: str, gradient: bool = False) -> str:
    """A whole value, or its gradient, as code and JSON spell it: `W2`, `dW2`."""
    return f"d{name}" if gradient else name


def entry(name: str, index: tuple[int, ...]) -> Expression:
    """An entry of a named value as a formula; the value itself where it is a scalar."""
    return Name(name).at(index) if index else Name(name)


def adjoint_entry(name: str, index: tuple[int, ...]) -> Expression:
    """An entry of a gradient as a formula."""
    return Adjoint(name).at(index) if index else Adjoint(name)


def number(value: Array | float) -> Literal:
    """A number as a formula."""
    return Literal(float(value))
