"""What a problem has for a mistake to be about: squares, means, penalties, functions of a multiple.

A mistake is named only where its subject exists: nobody forgets the mean of a loss that has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from handgrad.expression import (
    Adjoint,
    Call,
    Expression,
    Leaf,
    Literal,
    Name,
    leaves,
    number,
    walk,
)
from handgrad.graph import Graph
from handgrad.graph.penalties import factors, is_given_scalar, penalty_term
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import add, divide, multiply, negate, power, subtract
from handgrad.operations.averaging import averaged_by, averages_in
from handgrad.operations.linear import dot, matmul
from handgrad.operations.losses import mse
from handgrad.operations.reductions import norm, sum_
from handgrad.operations.surroundings import Penalty
from handgrad.problem import Problem


class Subjects:
    """The subjects of one problem.

    Arguments:
        problem, graph: the problem, and its graph.
        made: by value or gradient, the formula that computes it.
    """

    def __init__(self, problem: Problem, graph: Graph, made: Mapping[Leaf, Expression]) -> None:
        self.problem, self.graph, self.made = problem, graph, made
        self.written = {n.name: n.written for n in graph.nodes.values() if n.written is not None}
        self.data = frozenset(n.name for n in graph.nodes.values() if n.kind == "data")
        self._led: dict[str, frozenset[str]] = {}

    # -- what leads where ----------------------------------------------------------------------------

    def leads_to(self, leaf: Leaf) -> frozenset[str]:
        """The equations that lie between a value, or a share of its gradient, and the loss."""
        if isinstance(leaf, Adjoint) and leaf.through:
            return self._from(leaf.through) | {leaf.through}
        let = self.graph.lets.get(leaf.name)
        if let is not None:
            return self._from(let.equation) | {let.equation}
        return self._from(leaf.name)

    def _from(self, name: str) -> frozenset[str]:
        if name not in self._led:
            found: set[str] = set()
            stack = list(self.graph.consumers.get(name, ()))
            while stack:
                equation = stack.pop()
                if equation not in found:
                    found.add(equation)
                    stack.extend(self.graph.consumers.get(equation, ()))
            self._led[name] = frozenset(found)
        return self._led[name]

    def is_constant(self, expression: Expression) -> bool:
        """Whether an expression is made of numbers and given scalars alone."""
        return all(
            isinstance(leaf, Name) and is_given_scalar(self.graph, leaf.name)
            for leaf in leaves(expression)
        ) and not (expression.shape or ())

    # -- squares ---------------------------------------------------------------------------------------

    def squared(self, leaf: Leaf) -> bool:
        """Whether a square lies between a value and the loss."""
        return any(True for _ in self._squares_above(leaf))

    def squared_error(self, leaf: Leaf) -> bool:
        """Whether the square of an error lies between a value and the loss."""
        return any(error for _, error in self._squares_above(leaf))

    def _squares_above(self, leaf: Leaf) -> Iterator[tuple[frozenset[str], bool]]:
        equations = self.leads_to(leaf)
        on_the_way = self._within(leaf) | equations
        for equation in equations:
            for names, error in self._squares.get(equation, ()):
                if names & on_the_way:
                    yield names, error

    def _within(self, leaf: Leaf) -> frozenset[str]:
        """The names that a value goes by in equations: its own, or those in a part of one."""
        let = self.graph.lets.get(leaf.name)
        return frozenset((leaf.name,) if let is None else (n.name for n in leaves(let.written)))

    @cached_property
    def _squares(self) -> dict[str, list[tuple[frozenset[str], bool]]]:
        """By equation, the names in what it squares, parameters alone aside, and whether it is an error."""
        found: dict[str, list[tuple[frozenset[str], bool]]] = {}
        for name, written in self.written.items():
            for call in walk(written):
                if isinstance(call, Call) and (base := _squared(call)) is not None:
                    if isinstance(base, Name) and self._is_parameter(base.name):
                        continue
                    error = operation_of(call) is mse or self._is_error(base)
                    names = frozenset(leaf.name for leaf in leaves(base))
                    found.setdefault(name, []).append((names, error))
        return found

    def _is_parameter(self, name: str) -> bool:
        node = self.graph.nodes.get(name)
        return node is not None and node.kind == "parameter"

    def _is_error(self, base: Expression) -> bool:
        """Whether it is the difference of a prediction from what is given."""
        if isinstance(base, Name) and base.name in self.written:
            base = self.written[base.name]
        if not (isinstance(base, Call) and base.operation == subtract.name):
            return False
        given = [all(leaf.name in self.data for leaf in leaves(a)) for a in base.arguments]
        return given[0] != given[1] and all(leaves(a) for a in base.arguments)

    # -- means -----------------------------------------------------------------------------------------

    def averaged(self, leaf: Leaf) -> tuple[int, ...]:
        """How many the loss averages over between a value and itself: cases, examples, entries."""
        counts: dict[int, None] = {}
        if self.graph.cost != self.graph.loss:
            for given in self.problem.inputs.values():
                if given.batched:
                    counts[given.array.shape[-1]] = None
        counts.update(dict.fromkeys(self.averaged_within(leaf)))
        return tuple(n for n in counts if n > 1)

    def averaged_within(self, leaf: Leaf, *, batches: bool = False) -> tuple[int, ...]:
        """The same without cases that are declared; only of matrices where `batches`."""
        counts = [
            count
            for equation in self.leads_to(leaf)
            for count, rank in self._means.get(equation, ())
            if rank > 1 or not batches
        ]
        return tuple(dict.fromkeys(n for n in counts if n > 1))

    @cached_property
    def _means(self) -> dict[str, tuple[tuple[int, int], ...]]:
        """By equation, what it averages over: the number, and the axes of the array."""
        return {n: tuple(self._means_in(n, written)) for n, written in self.written.items()}

    def _means_in(self, name: str, written: Expression) -> Iterator[tuple[int, int]]:
        for call in walk(written):
            if not isinstance(call, Call):
                continue
            if averages_in(call):
                yield averaged_by(call), len(call.arguments[0].shape or ())
            else:
                yield from self._divided_sum(name, call)

    def _divided_sum(self, name: str, call: Call) -> Iterator[tuple[int, int]]:
        """A sum divided by the number of what it adds up: −(1/m) Σ …"""
        errors = any(error for _, error in self._squares.get(name, ()))
        for divisor, rest in self._divisors(call):
            counts = self._counts(divisor, errors)
            for part in walk(rest):
                if not (isinstance(part, Call) and part.operation in SUMS):
                    continue
                shapes = [a.shape or () for a in part.arguments]
                lengths = {n for s in shapes for n in s}
                lengths |= {int(np.prod(s, dtype=int)) for s in shapes}
                for count in counts:
                    if count in lengths:
                        yield count, max(map(len, shapes))
                        return

    def _counts(self, divisor: Expression, errors: bool) -> tuple[int, ...]:
        """The numbers that a sum may be divided by for its mean; the 2 of ½ Σ (ŷ − y)² is none."""
        found: list[float] = []
        for factor in factors(divisor):
            value = self._value(factor)
            if value is not None and not (errors and number(factor) == 2):
                found += [value, value / 2] if errors else [value]
        return tuple(int(v) for v in found if v > 1 and v == int(v))

    def _divisors(self, call: Call) -> Iterator[tuple[Expression, Expression]]:
        a, b = call.arguments if len(call.arguments) == 2 else (call, call)
        if call.operation == divide.name and self.is_constant(b):
            yield b, a
        if call.operation == multiply.name:
            for one, other in ((a, b), (b, a)):
                one = _without_sign(one)
                if not (isinstance(one, Call) and one.operation == divide.name):
                    continue
                if number(_without_sign(one.arguments[0])) == 1:
                    yield one.arguments[1], other

    def _value(self, constant: Expression) -> float | None:
        if isinstance(constant, Name):
            given = self.problem.data.get(constant.name)
            return float(given.array) if given is not None and given.array.ndim == 0 else None
        return number(constant)

    # -- functions of a multiple -------------------------------------------------------------------------

    def inner(self, equation: str) -> tuple[tuple[Expression, Call], ...]:
        """The constants by which an equation multiplies the arguments of functions."""
        written = self.written.get(equation)
        if written is None:
            return ()
        found: list[tuple[Expression, Call]] = []
        for call in walk(written):
            if isinstance(call, Call) and _bends(call):
                found += [(factor, call) for factor in self._factors_in(call.arguments[0])]
        return tuple(found)

    def _factors_in(self, argument: Expression) -> Iterator[Expression]:
        """The constants that the terms of a function's argument are multiplied or divided by."""
        if not isinstance(argument, Call):
            return
        parts = argument.arguments
        if argument.operation in (add.name, subtract.name, negate.name):
            for part in parts:
                yield from self._factors_in(part)
        elif argument.operation in (multiply.name, divide.name):
            constants = [p for p in parts if self.is_constant(p)]
            if len(constants) == 1 and not (
                argument.operation == divide.name and constants[0] is parts[0]
            ):
                yield constants[0]

    # -- penalties -----------------------------------------------------------------------------------------

    def penalties(self, target: Leaf, formula: Expression) -> tuple[Penalty, ...]:
        """The terms of a parameter's gradient that come of a penalty on it, where that is not all."""
        if not (isinstance(target, Adjoint) and self._is_parameter(target.name)):
            return ()
        terms = list(_terms(formula))
        found = [p for term in terms if (p := self._penalty(target.name, term)) is not None]
        alone = len(found) == len(terms) and not target.through
        return () if alone else tuple(found)

    def _penalty(self, name: str, term: Expression) -> Penalty | None:
        found = penalty_term(self.graph, self.made, name, term)
        if found is None:
            return None
        spelled, own = found
        square = isinstance(own, Name)
        constants = [leaf for leaf in leaves(spelled) if leaf.name != name]
        numbers = [
            e
            for e in walk(spelled)
            if isinstance(e, Literal) and number(e) not in (None, 0.0, 1.0, -1.0, 2.0, 0.5)
        ]
        constant = (*constants, *dict.fromkeys(numbers))
        return Penalty(term, spelled, constant, square, square and self._halved(name))

    def _halved(self, name: str) -> bool:
        """Whether a half stands before the square of a parameter on its way to the loss."""
        return any(
            _is_half(factor)
            for equation in self._from(name)
            for factor in self._before_square(equation, name)
        )

    def _before_square(self, equation: str, name: str) -> Iterator[Expression]:
        written = self.written[equation]
        for call in walk(written):
            base = _squared(call) if isinstance(call, Call) else None
            if isinstance(base, Name) and base.name == name:
                yield from _factors_before(written, call)
                yield from self._factors_after(equation)

    def _factors_after(self, equation: str) -> Iterator[Expression]:
        """The factors by which later equations multiply an equation's value."""
        for later in self.graph.consumers.get(equation, ()):
            written = self.written[later]
            for leaf in leaves(written):
                if leaf.name == equation:
                    yield from _factors_before(written, leaf)
            yield from self._factors_after(later)


SUMS = frozenset((sum_.name, matmul.name, dot.name))


def _squared(call: Call) -> Expression | None:
    """What a call squares, or None."""
    if operation_of(call) is mse:
        return call
    if call.operation == power.name and number(call.arguments[1]) == 2:
        base = call.arguments[0]
        # ‖W‖² is the sum of the squares.
        return base.arguments[0] if isinstance(base, Call) and base.operation == norm.name else base
    if call.operation in (multiply.name, dot.name) and call.arguments[0] == call.arguments[1]:
        return call.arguments[0]
    return None


def _bends(call: Call) -> bool:
    """Whether a function of one argument is not linear, so that its slope is multiplied by the argument's."""
    operation = operation_of(call)
    if operation is power:
        return number(call.arguments[1]) not in (None, 1.0)
    if len(call.arguments) != 1 or operation in (negate,):
        return False
    return operation.family in ("activation", "elementwise", "normalisation")


def _without_sign(expression: Expression) -> Expression:
    while isinstance(expression, Call) and expression.operation == negate.name:
        expression = expression.arguments[0]
    return expression


def _terms(formula: Expression) -> Iterator[Expression]:
    """The terms of a sum, without their signs."""
    if isinstance(formula, Call) and formula.operation in (add.name, subtract.name, negate.name):
        for part in formula.arguments:
            yield from _terms(part)
    else:
        yield formula


def _factors_before(expression: Expression, part: Expression) -> Iterator[Expression]:
    """The factors that stand before a part of an expression, divisors as what they divide by."""
    while expression != part and isinstance(expression, Call):
        inside = [a for a in expression.arguments if any(e == part for e in walk(a))]
        if not inside:
            return
        for argument in expression.arguments:
            if argument is not inside[0]:
                if expression.operation == multiply.name:
                    yield argument
                elif expression.operation == divide.name:
                    yield divide(1, argument)
        expression = inside[0]


def _is_half(factor: Expression) -> bool:
    """Whether a factor holds a ½: 0.5, 1/2, λ/2, 1/(2m)."""
    for part in walk(factor):
        if number(part) == 0.5:
            return True
        if (
            isinstance(part, Call)
            and part.operation == divide.name
            and any(number(f) == 2 for f in factors(part.arguments[1]))
        ):
            return True
    return False
