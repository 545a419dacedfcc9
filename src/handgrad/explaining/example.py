"""An example of an operation: a call on arrays that it takes, and the gradients that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

import numpy as np

from handgrad.arrays import Array
from handgrad.equations import source
from handgrad.errors import HandgradError
from handgrad.expression import (
    Adjoint,
    Call,
    Expression,
    Name,
    Option,
    Shape,
    number,
    substitute,
    walk,
)
from handgrad.formats.inline import Runs, inline_runs
from handgrad.formats.style import Style
from handgrad.graph import Graph, build
from handgrad.operations.operation import Misfit, Operation, describe
from handgrad.problem import Problem
from handgrad.record import record
from handgrad.text import listed

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

LENGTHS = ((7, 11, 13), (17, 19, 23))
"""Lengths of axes in place of an example's own, twice: primes, which no other number of a formula is taken for."""

RANKS = {0: "a number", 1: "a vector", 2: "a matrix"}

COUNT = Name("n", shape=())
"""The number of entries of the first argument, in formulas that hold for any."""


@record
class Example:
    """A call on arrays, and the problem of the sum of its squares with its graph."""

    operation: Operation
    call: Call
    problem: Problem
    graph: Graph
    shapes: tuple[Shape, ...]
    options: Mapping[str, Option]

    @property
    def gradients(self) -> list[tuple[Adjoint, Expression]]:
        """The formulas of the gradients with respect to the arguments that have one, in that of the result r."""
        by_leaf = {line.leaf: line.formula for line in self.graph.backward}
        adjoints = [Adjoint(a.name) for a in self.call.arguments if isinstance(a, Name)]
        return [(adjoint, by_leaf[adjoint]) for adjoint in adjoints if adjoint in by_leaf]

    @property
    def count(self) -> int:
        """The number of entries of the first argument."""
        return prod(self.shapes[0])

    def of_lengths(self, lengths: Sequence[int]) -> Example | None:
        """The same call on arrays of other lengths; None where it takes none of those."""
        own = sorted({n for shape in self.shapes for n in shape if n > 1})
        other = dict(zip(own, lengths, strict=False))
        shapes = tuple(tuple(other.get(n, n) for n in shape) for shape in self.shapes)
        return _example(self.operation, shapes, self.options)


@record
class General:
    """An example with the formulas of its gradients.

    Arguments:
        example: the example.
        gradients: its formulas; a number that stands for the number of entries is `COUNT` in them.
        any_size: whether they are the same, as they are shown, for arrays of other lengths.
    """

    example: Example
    gradients: list[tuple[Adjoint, Expression]]
    any_size: bool

    @property
    def counts(self) -> bool:
        """Whether the number of entries stands in a formula."""
        return any(COUNT in walk(formula) for _, formula in self.gradients)

    @property
    def arrays(self) -> str:
        """What arrays the formulas are those of, in a sentence; empty where it is any, entry by entry."""
        if self.example.operation.elementwise or not self.gradients:
            return ""
        kinds = [self._kind(shape) for shape in self.example.shapes]
        names = NAMES[len(kinds)]
        if len(set(kinds)) == 1:
            words = f"{names[0]} is {kinds[0]}" + "".join(f", and so is {n}" for n in names[1:])
        else:
            words = listed([f"{n} is {kind}" for n, kind in zip(names, kinds, strict=True)])
        return f"Here {words}."

    def _kind(self, shape: Shape) -> str:
        if not self.any_size:
            return describe(shape)
        rank = RANKS.get(len(shape), f"an array of {len(shape)} axes")
        return f"{rank} of n entries" if self.counts else rank


def general(example: Example) -> General:
    """The formulas of an example, with the number of entries as a letter where they hold for any so.

    What differs between the formulas of two sizes is what depends on the size.
    """
    sizes = [example.of_lengths(lengths) for lengths in LENGTHS]
    found = [_counted(each) for each in sizes if each is not None]
    own = example.gradients
    if len(found) < len(sizes) or _shown(found[0]) != _shown(found[1]):
        return General(example, own, any_size=False)
    if _shown(own) == _shown(found[0]):
        return General(example, own, any_size=True)
    assert sizes[0] is not None
    return General(sizes[0], found[0], any_size=True)


def _counted(example: Example) -> list[tuple[Adjoint, Expression]]:
    def as_letter(part: Expression) -> Expression | None:
        return COUNT if number(part) == example.count else None

    return [(adjoint, substitute(f, as_letter)) for adjoint, f in example.gradients]


def _shown(gradients: Sequence[tuple[Adjoint, Expression]]) -> list[Runs]:
    return [inline_runs((adjoint, " = ", formula), Style()) for adjoint, formula in gradients]


def example_of(operation: Operation) -> Example | None:
    """An operation on arrays of the first shapes that it takes; None of what takes no arrays of names alone."""
    count = max(operation.arity[0], 2 if operation.arity[1] is None else 1)
    every = product(OPTIONS, product(SHAPES, repeat=count))
    tried = (_example(operation, shapes, options) for options, shapes in every)
    return next((example for example in tried if example is not None), None)


def _example(
    operation: Operation, shapes: tuple[Shape, ...], options: Mapping[str, Option]
) -> Example | None:
    """The call on arrays of some shapes; None where it does not take them."""
    names = [Name(n, shape=s) for n, s in zip(NAMES[len(shapes)], shapes, strict=True)]
    call = Call(operation.name, tuple(names), tuple(options.items()))
    if operation.elementwise and len(set(shapes)) > 1:
        return None
    try:
        operation.shape(shapes, {**operation.options, **options})
    except (Misfit, TypeError, ValueError, IndexError, KeyError):
        return None
    given = {n.name: _numbers(operation, i, shapes) for i, n in enumerate(names)}
    if operation.picks and shapes[0]:
        given[names[1].name] = np.indices(shapes[1]).sum(axis=0) % shapes[0][0]
    try:
        problem = Problem([f"r = {source(call)}", "L = sum(r**2)"], given)
        graph = build(problem)
    except (HandgradError, TypeError, KeyError):
        return None
    written = graph.nodes["r"].written
    if isinstance(written, Call) and (operation.means or written.operation == operation.name):
        return Example(operation, written, problem, graph, shapes, options)
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
