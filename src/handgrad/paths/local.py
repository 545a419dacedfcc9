"""Local derivatives between the entries of an equation, by the table's pull-backs alone.

A pull-back gives the gradient of the arguments for a gradient of the result. Fed with one unit
gradient for each entry of the result, all at once as many cases, it gives every derivative of the
equation: a Jacobian, entries of a name in the rows and entries of the result in the columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.arrays import Array
from handgrad.errors import OptionError
from handgrad.expression import (
    ONE,
    ZERO,
    Adjoint,
    Call,
    Expression,
    Leaf,
    Name,
    Shape,
    leaves,
    number,
    substitute,
    walk,
)
from handgrad.graph import Graph
from handgrad.graph.structure import is_batched
from handgrad.numbers import Interval, bounding
from handgrad.operations import operation_of
from handgrad.operations.annotate import application, tidied
from handgrad.operations.arithmetic import add, divide, multiply, negate, subtract
from handgrad.operations.elements import entry_of
from handgrad.operations.losses import one_hot
from handgrad.operations.operation import reduced_to
from handgrad.operations.structure import fill, place
from handgrad.running.evaluate import value_of
from handgrad.running.pulling_back import unlike_numbers

if TYPE_CHECKING:
    from handgrad.numbers.running import OtherRun

LARGEST = 50_000_000
"""Entries of one Jacobian, at most."""

WHOLE = 5_000_000
"""Of a larger Jacobian the one row that is wanted is computed alone."""

WIDEST = 128
"""A local derivative is not written out where an axis is longer: its formula would be a long sum."""

READABLE = 600
"""A local derivative whose formula is longer than this is not written out."""

Matrix = NDArray[np.float64]


def size(shape: Shape) -> int:
    """The number of entries of a shape."""
    return int(np.prod(shape, dtype=int))


def _of_any_class(node: Expression) -> Expression | None:
    """Ones for a one-hot vector: which class a number names is none of the structure."""
    if isinstance(node, Call) and node.operation == one_hot.name:
        return replace(fill(ONE, shape=node.shape), shape=node.shape)
    return None


@dataclass
class Local:
    """The derivatives of one equation's value, at given numbers of one case.

    Arguments:
        expression: the equation's right side, annotated.
        source: where given, the one entry of this name is all that is wanted of it.
        wanted: the names whose derivatives are wanted.
        names: by the formula that computes it, the name of a value.
        exact: the run in exact numbers, where derivatives are computed in these.
    """

    graph: Graph
    name: str
    expression: Expression
    source: tuple[str, tuple[int, ...]] | None = None
    wanted: frozenset[str] = frozenset()
    names: Mapping[Expression, str] = field(default_factory=dict)
    exact: OtherRun | None = None
    _count: int = field(default=0, init=False)

    def jacobians(self, values: Mapping[Leaf, Any]) -> dict[str, Matrix]:
        """By name, the derivative of every entry of the value with respect to every entry of the name.

        The `values` are exact numbers where there is a run in these; a derivative is then rounded once.
        """
        numbers = dict(values)
        found: dict[str, Matrix] = {}
        self._walk(self.expression, self._unit(numbers), numbers, found, structural=False)
        return found

    def structure(self) -> dict[str, NDArray[np.bool_]]:
        """The same, as whether an entry depends on another at all, whatever the numbers."""
        numbers: dict[Leaf, Array] = {}
        for position, leaf in enumerate(leaves(self.expression), start=1):
            shape = self._shape(leaf)
            numbers[leaf] = unlike_numbers(size(shape), position).reshape(shape)
        numbers[Name(self.name)] = np.asarray(value_of(self.expression, numbers, set()))
        found: dict[str, Matrix] = {}
        self._walk(self.expression, self._unit(numbers), numbers, found, structural=True)
        return {name: matrix != 0 for name, matrix in found.items()}

    def alike_in_cases(self, name: str) -> bool:
        """Whether the derivatives with respect to a name are the same in every case."""
        return not self._differs(self.expression, name)

    def _differs(self, expression: Expression, name: str) -> bool:
        """Whether a pull-back on the way to a name uses what differs from case to case."""
        if not isinstance(expression, Call):
            return False
        g = Adjoint(f"{self.name}′0", shape=expression.shape)
        for position, argument in enumerate(expression.arguments):
            if not any(leaf.name == name for leaf in leaves(argument)):
                continue
            formula = self._pullback(expression, position, g)
            if formula is not None and is_batched(formula, self.graph.batched_leaves):
                return True
            if self._differs(argument, name):
                return True
        return False

    # -- pulling back ---------------------------------------------------------------------------

    def _unit(self, numbers: dict[Leaf, Array]) -> Adjoint:
        shape = self.expression.shape or ()
        count = size(shape)
        if count * count > LARGEST:
            raise OptionError(
                f"{self.name} has {count} entries, too many to follow every path through",
                mend=f"at most {int(LARGEST**0.5)} entries can be followed",
            )
        unit: Any = np.eye(count).reshape(*shape, count)
        if self.exact is not None:
            unit = np.frompyfunc(self.exact.functions.own_number, 1, 1)(unit)
        return self._leaf(unit, shape, numbers)

    def _leaf(self, value: Array, shape: Shape, numbers: dict[Leaf, Array]) -> Adjoint:
        self._count += 1
        leaf = Adjoint(f"{self.name}′{self._count}", shape=shape)
        numbers[leaf] = value
        return leaf

    def _walk(
        self,
        expression: Expression,
        g: Adjoint,
        numbers: dict[Leaf, Array],
        found: dict[str, Matrix],
        structural: bool,
    ) -> None:
        if isinstance(expression, Name):
            self._add(expression.name, g, numbers, found)
        if not isinstance(expression, Call):
            return
        for position, argument in enumerate(expression.arguments):
            if not self._leads_to_wanted(argument):
                continue
            if structural:
                formula, interval = self._dependence(expression, position, g)
            else:
                formula, interval = self._pullback(expression, position, g), False
            if formula is None:
                continue
            if isinstance(argument, Name):
                self._add(argument.name, formula, numbers, found, interval)
                continue
            value = self._value(formula, numbers, interval)
            shape = argument.shape or ()
            self._walk(argument, self._leaf(value, shape, numbers), numbers, found, structural)

    def _leads_to_wanted(self, argument: Expression) -> bool:
        return any(isinstance(x, Name) and x.name in self.wanted for x in leaves(argument))

    def _pullback(self, call: Call, position: int, g: Expression) -> Expression | None:
        out: Expression = call
        if call is self.expression:
            out = Name(self.name, shape=call.shape)
        formula = operation_of(call).pullback(position, g, application(call, call.arguments, out))
        return None if formula is None else tidied(formula, self._shape)

    def _dependence(
        self, call: Call, position: int, g: Expression
    ) -> tuple[Expression | None, bool]:
        """A formula that is zero only where the result does not depend on the argument.

        Entry by entry, what meets is what depends. An operation with kinks takes another way at
        other numbers (a maximum): it is judged on intervals that hold them all.
        """
        formula = self._pullback(call, position, g)
        if formula is not None:
            formula = substitute(formula, _of_any_class)
        operation = operation_of(call)
        if formula is None or not operation.elementwise:
            return formula, bool(operation.kinks)
        shape = call.arguments[position].shape or ()
        met = fill(g, shape=call.shape) if g.shape != call.shape else g
        return tidied(reduced_to(met, shape, call.shape or ()), self._shape), False

    def _add(
        self,
        name: str,
        formula: Expression,
        numbers: dict[Leaf, Array],
        found: dict[str, Matrix],
        interval: bool = False,
    ) -> None:
        if name not in self.wanted:
            return
        shape = self.graph.nodes[name].shape
        columns = size(self.expression.shape or ())
        one = self.source is not None and self.source[0] == name
        if one and size(shape) * columns > WHOLE:
            assert self.source is not None
            formula, shape, one = entry_of(formula, self.source[1]), (), False
        value = np.asarray(self._value(formula, numbers, interval), dtype=float)
        if not is_batched(formula, {leaf for leaf in numbers if self._is_own(leaf)}):
            value = value[..., None]
        whole = np.broadcast_to(value, (*shape, columns))
        matrix = whole[self.source[1]] if one and self.source is not None else whole
        matrix = matrix.reshape(-1, columns)
        found[name] = found[name] + matrix if name in found else matrix

    def _value(self, formula: Expression, numbers: Mapping[Leaf, Array], interval: bool) -> Array:
        """Of intervals, 1 where the value may be other than zero."""
        batched: set[Leaf] = {leaf for leaf in numbers if self._is_own(leaf)}
        if not interval:
            if self.exact is not None:
                return value_of(formula, numbers, batched, self.exact.functions)
            return value_of(formula, numbers, batched)
        wide: dict[Leaf, Any] = {
            leaf: Interval.of(numbers[leaf])
            if leaf in batched
            else Interval(-np.ones_like(numbers[leaf]), np.ones_like(numbers[leaf]))
            for leaf in leaves(formula)
        }
        bounds = Interval.of(value_of(formula, wide, batched, bounding))
        return np.where((bounds.lower != 0) | (bounds.upper != 0), 1.0, 0.0)

    def _is_own(self, leaf: Leaf) -> bool:
        return isinstance(leaf, Adjoint) and leaf.name.startswith(f"{self.name}′")

    def _shape(self, leaf: Leaf) -> Shape:
        if self._is_own(leaf):
            return leaf.shape or ()
        return self.graph.nodes[leaf.name].shape

    # -- one derivative, as a formula --------------------------------------------------------------

    def formula(self, name: str, index: tuple[int, ...], out: tuple[int, ...]) -> Expression | None:
        """The derivative of entry `out` with respect to entry `index` of a name, as it would be written."""
        shape = self.expression.shape or ()
        if any(n > WIDEST for leaf in leaves(self.expression) for n in self._shape(leaf)):
            return None
        unit = tidied(place(ONE, shape=shape, at=out) if shape else ONE, self._shape)
        shares: list[Expression] = []
        try:
            self._collect(self.expression, unit, name, index, shares)
        except _TooLongError:
            return None
        total = shares[0]
        for share in shares[1:]:
            total = total + share
        simple = tidied(without_zeros(total), self._shape)
        return simple if sum(1 for _ in walk(simple)) <= READABLE // 10 else None

    def _collect(
        self,
        expression: Expression,
        g: Expression,
        name: str,
        index: tuple[int, ...],
        shares: list[Expression],
    ) -> None:
        if isinstance(expression, Name) and expression.name == name:
            shares.append(tidied(entry_of(g, index), self._shape))
        if not isinstance(expression, Call):
            return
        for position, argument in enumerate(expression.arguments):
            if not any(isinstance(x, Name) and x.name == name for x in leaves(argument)):
                continue
            formula = self._pullback(expression, position, g)
            if formula is None:
                continue
            formula = substitute(formula, self._named)
            if sum(1 for _ in walk(formula)) > READABLE:
                raise _TooLongError
            self._collect(argument, formula, name, index, shares)

    def _named(self, part: Expression) -> Expression | None:
        """The name of the value that an equation computes by this very formula."""
        name = self.names.get(part) if isinstance(part, Call) else None
        return None if name is None else Name(name, shape=self.graph.nodes[name].shape)


def without_zeros(formula: Expression) -> Expression:
    """A scalar formula without the terms that a factor 0 written in it makes zero."""
    if not isinstance(formula, Call):
        return formula
    arguments = tuple(without_zeros(a) for a in formula.arguments)
    zero = [number(a) == 0 for a in arguments]
    match formula.operation:
        case multiply.name if any(zero):
            return ZERO
        case divide.name if zero[0]:
            return ZERO
        case negate.name if zero[0]:
            return ZERO
        case subtract.name if zero[0]:
            return negate(arguments[1])
        case add.name if zero[0]:
            return arguments[1]
        case add.name | subtract.name if zero[1]:
            return arguments[0]
        case _:
            return Call(formula.operation, arguments, formula.options, shape=formula.shape)


class _TooLongError(Exception):
    """A formula that nobody would read."""
