"""The numbers a picture shows: of one example, and of one case where there are many.

Everything in a picture speaks of that case: of many cases the first is solved by itself, so that
the gradients of the weights are its own as well, not the mean over all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Expression, Leaf, Literal
from handgrad.graph import Graph, build
from handgrad.running import Run, run
from handgrad.solution.residues import as_on_paper

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

CASE = 0
"""The case that is shown."""


@dataclass(frozen=True, slots=True)
class ShownNumbers:
    """Values and gradients of the case shown.

    `graph` and `run` are those of that case alone; the solution's own where there is only one. What was asked
    for is `known`: the pictures of a page ask for the same.
    """

    trace: Trace
    graph: Graph = field(init=False, repr=False)
    run: Run = field(init=False, repr=False)
    known: dict[tuple[str, str] | Expression, Array] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        trace = self.trace
        graph, figures = trace.graph, trace.run
        alone = trace.problem.of_case(CASE)
        if alone is not trace.problem:
            graph = build(alone)
            if figures.carry == "exact":
                figures = as_on_paper(alone, graph)
            else:
                figures = run(alone, graph, figures.carry, trace.decimals)
        object.__setattr__(self, "graph", graph)
        object.__setattr__(self, "run", figures)

    @property
    def alone(self) -> bool:
        """Whether the solution is of one case, and is shown as it is."""
        return self.graph is self.trace.graph

    @property
    def cases(self) -> int:
        """How many cases there are; 1 where nothing is given in cases."""
        return case_count(self.trace)

    @property
    def of(self) -> str:
        """The loss whose gradients are shown, to be named where that is not the one of the page."""
        graph = self.trace.graph
        return graph.loss if graph.loss != graph.cost and not self.alone else ""

    def value(self, name: str) -> Array:
        """A named value."""
        return self._once(("value", name), lambda: self._of_case(name, self.trace.run.value(name)))

    def gradient(self, name: str) -> Array:
        """The gradient of a named value, of the loss of the case shown."""
        return self._once(("gradient", name), lambda: self._gradient(name))

    def _gradient(self, name: str) -> Array:
        if self.trace.graph.nodes[name].batched:
            return self._of_case(name, self.trace.run.gradient(name))
        return np.asarray(self.run.gradient(name), dtype=float)

    def share(self, name: str, through: str) -> Array:
        """The part of a value's gradient that arrives through one equation."""
        graph = self.graph
        parts = graph.gradients[name].parts if name in graph.gradients else ()
        several = len(parts) > 1 and any(p.through == through for p in parts)
        leaf: Leaf = Adjoint(name, through) if several else Adjoint(name)
        return np.asarray(self.run.numbers[leaf], dtype=float)

    def formula(self, expression: Expression) -> Array:
        """The value of an annotated formula."""
        return self._once(expression, lambda: self._formula(expression))

    def _once(self, key: tuple[str, str] | Expression, compute: Callable[[], Array]) -> Array:
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = compute()
        return found

    def _formula(self, expression: Expression) -> Array:
        value = self.trace.run.of(expression)
        return value[..., CASE] if self.trace.graph.batched(expression) else value

    def spelling(self, name: str, index: tuple[int, ...] = (), gradient: bool = False) -> str:
        """An entry as code and JSON spell it, counted from 0: `z2[1]`, `dW2[1,0]`.

        Of many cases the last index is the case's; the gradient of what they share is then that
        of all of them, which is not the one shown, so that it has no spelling.
        """
        if self.trace.graph.nodes[name].batched:
            index = (*index, CASE)
        elif gradient and not self.alone:
            return ""
        at = f"[{','.join(map(str, index))}]" if index else ""
        return whole(name, gradient) + at

    def _of_case(self, name: str, array: Array) -> Array:
        value = np.asarray(array, dtype=float)
        return value[..., CASE] if self.trace.graph.nodes[name].batched else value


def case_count(trace: Trace) -> int:
    """How many cases a solution has; 1 where nothing is given in cases."""
    name = next((n for n, node in trace.graph.nodes.items() if node.batched), None)
    return 1 if name is None else int(np.shape(trace.run.value(name))[-1])


def whole(name: str, gradient: bool = False) -> str:
    """A whole value, or its gradient, as code and JSON spell it: `W2`, `dW2`."""
    return f"d{name}" if gradient else name


def number(value: Array | float) -> Literal:
    """A number as a formula."""
    return Literal(float(value))
