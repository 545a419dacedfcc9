"""An example of an operation: a call on arrays that it takes, and the gradients that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from handgrad.arrays import Array
from handgrad.equations import source
from handgrad.errors import HandgradError
from handgrad.expression import Adjoint, Call, Expression, Name, Option, Shape
from handgrad.graph import Graph, build
from handgrad.operations.operation import Misfit, Operation
from handgrad.problem import Problem
from handgrad.record import record

NAMES = {1: ("z",), 2: ("a", "b"), 3: ("c", "a", "b")}

SHAPES: tuple[Shape, ...] = ((2,), (2, 3), (3,), (4, 4), (2, 2), (1, 4, 4), (1, 1, 2, 2), ())
"""The shapes that are tried for an example; the first that an operation takes are shown."""

OPTIONS: tuple[dict[str, Option], ...] = (
    {},
    {"shape": (2, 1)},
    {"at": (0,)},
    {"subscripts": "ij,j->i"},
    {"groups": 2},
    {"axes": (1, 0)},
    {"low": 0, "high": 1},
)
"""The options that are tried: what a reshape, an entry, an einsum and a clip cannot do without."""


@record
class Example:
    """A call on arrays, and the problem of the sum of its squares with its graph."""

    call: Call
    problem: Problem
    graph: Graph

    @property
    def gradients(self) -> list[tuple[Adjoint, Expression]]:
        """The formulas of the gradients with respect to the arguments that have one, in that of the result r."""
        by_leaf = {line.leaf: line.formula for line in self.graph.backward}
        adjoints = [Adjoint(a.name) for a in self.call.arguments if isinstance(a, Name)]
        return [(adjoint, by_leaf[adjoint]) for adjoint in adjoints if adjoint in by_leaf]


def example_of(operation: Operation) -> Example | None:
    """An operation on arrays of the first shapes that it takes; None of what takes no arrays of names alone."""
    count = max(operation.arity[0], 2 if operation.arity[1] is None else 1)
    for options, shapes in product(OPTIONS, product(SHAPES, repeat=count)):
        names = [Name(n, shape=s) for n, s in zip(NAMES[count], shapes, strict=True)]
        call = Call(operation.name, tuple(names), tuple(options.items()))
        if operation.elementwise and len(set(shapes)) > 1:
            continue
        try:
            operation.shape(shapes, {**operation.options, **options})
        except (Misfit, TypeError, ValueError, IndexError, KeyError):
            continue
        given = {n.name: _numbers(operation, i, shapes) for i, n in enumerate(names)}
        if operation.picks and shapes[0]:
            given[names[1].name] = np.indices(shapes[1]).sum(axis=0) % shapes[0][0]
        try:
            problem = Problem([f"r = {source(call)}", "L = sum(r**2)"], given)
            graph = build(problem)
        except (HandgradError, TypeError, KeyError):
            continue
        written = graph.nodes["r"].written
        if isinstance(written, Call) and (operation.means or written.operation == operation.name):
            return Example(written, problem, graph)
    return None


def _numbers(operation: Operation, argument: int, shapes: Sequence[Shape]) -> Array:
    """Numbers for an argument: between 0 and 1, or what else its domain has."""
    shape = shapes[argument]
    size = int(np.prod(shape, dtype=int))
    between = (0.2 + 0.5 * np.arange(1, size + 1) / (size + 1)).reshape(shape)
    if len(shape) == 2 and shape[0] == shape[1]:
        between = between + np.eye(shape[0])  # of a large diagonal the determinant is positive
    held = [d for d in operation.domain if d.argument == argument]
    tried = (between, -between, np.ones(shape))
    return next((a for a in tried if all(d.holds(np, a, shapes).all() for d in held)), between)
