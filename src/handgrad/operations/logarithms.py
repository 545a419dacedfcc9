"""Terms with one logarithm in them: −(1/m) Σ y ln p is a sign, a scale, a sum, a target and ln p."""

from __future__ import annotations

from collections.abc import Iterable

from handgrad.expression import Call, Expression, Literal, Name, number
from handgrad.operations.arithmetic import divide, multiply, negate
from handgrad.operations.functions import log
from handgrad.operations.linear import dot, matmul
from handgrad.operations.reductions import mean, sum_
from handgrad.operations.structure import transpose
from handgrad.operations.written_out import Sight
from handgrad.record import builder, record


@record
class Logarithm:
    """sign · outer · adding(inner · log).

    Arguments:
        adding: the sum, mean or product of vectors that stands around it; None where none does.
        passed: the equations that it was seen through.
    """

    sign: int
    outer: tuple[Expression, ...]
    adding: Call | None
    inner: tuple[Expression, ...]
    log: Expression
    passed: tuple[str, ...] = ()

    def scaled(self, sign: int, factors: tuple[Expression, ...]) -> Logarithm:
        """The same times a sign and some factors."""
        outer, inner = self.outer, self.inner
        if self.adding is None:
            inner = factors + inner
        else:
            outer = factors + outer
        return Logarithm(sign * self.sign, outer, self.adding, inner, self.log)

    def added_up(self, terms: Expression) -> Expression:
        """`terms`, which stand for inner · log, added up in the same way."""
        if self.adding is None:
            return terms
        if self.adding.operation in (sum_.name, mean.name):
            return Call(self.adding.operation, (terms,), self.adding.options)
        return sum_(terms, axis=1, keepdims=True) if self.adding.shape else sum_(terms)


@builder
class Logarithms:
    """Reads terms with one logarithm in them, seen through names."""

    sight: Sight

    def of(self, expression: Expression) -> Logarithm | None:
        """The formula as such a term; `sight` is left as it was."""
        before = len(self.sight.passed), len(self.sight.shifts)
        found = self._of(expression, adding=True)
        passed = tuple(self.sight.passed[before[0] :])
        del self.sight.passed[before[0] :], self.sight.shifts[before[1] :]
        if found is None:
            return None
        return Logarithm(found.sign, found.outer, found.adding, found.inner, found.log, passed)

    def _of(self, expression: Expression, adding: bool) -> Logarithm | None:
        sign, factors = factors_of(expression)
        for position, factor in enumerate(factors):
            found = self._factor(factor, adding)
            if found is not None:
                return found.scaled(sign, factors[:position] + factors[position + 1 :])
        return None

    def _factor(self, factor: Expression, adding: bool) -> Logarithm | None:
        def look() -> Logarithm | None:
            seen = self.sight.through(factor)
            if not isinstance(seen, Call):
                return None
            if seen.operation == log.name or self.sight.log_softmax(factor) is not None:
                return Logarithm(1, (), None, (), factor)
            if adding and seen.operation in (sum_.name, mean.name):
                (inner,) = seen.arguments
                while isinstance(inner, Call) and inner.operation == sum_.name and _is_total(seen):
                    (inner,) = inner.arguments
                found = self._of(inner, adding=False)
                return found and Logarithm(found.sign, (), seen, found.inner, found.log)
            if adding and seen.operation in (dot.name, matmul.name):
                return self._product(seen)
            if seen is not factor and seen.operation in PRODUCTS:
                return self._of(seen, adding)
            return None

        return self.sight.attempt(look)

    def _product(self, call: Call) -> Logarithm | None:
        """y ln p as a product of vectors, or of a row with a transposed row."""
        shapes = [a.shape or () for a in call.arguments]
        rows = len(shapes[0]) == len(shapes[1]) == 2 and call.shape == (1, 1)
        if not rows and [len(s) for s in shapes] != [1, 1]:
            return None
        sides = [_untransposed(a) if rows else a for a in call.arguments]
        if rows and sides[0].shape != sides[1].shape:
            return None
        sides = [_same_vector(side) for side in sides]
        for target, side in (sides, sides[::-1]):
            found = self._of(side, adding=False)
            if found is None:
                continue
            sign, factors = factors_of(target)
            factors = tuple(map(_same_vector, factors))
            return Logarithm(
                sign * found.sign,
                tuple([f for f in (*factors, *found.inner) if f.shape == ()]),
                call,
                tuple([f for f in (*factors, *found.inner) if f.shape != ()]),
                found.log,
            )
        return None


PRODUCTS = (multiply.name, divide.name, negate.name)


def factors_of(expression: Expression) -> tuple[int, tuple[Expression, ...]]:
    """A formula as a sign and factors that are neither signs nor products."""
    value = number(expression)
    if value is not None and value < 0:
        return -1, () if value == -1 else (Literal(-value),)
    if value == 1:
        return 1, ()
    if not isinstance(expression, Call):
        return 1, (expression,)
    match expression.operation:
        case negate.name:
            sign, factors = factors_of(expression.arguments[0])
            return -sign, factors
        case multiply.name:
            left, right = map(factors_of, expression.arguments)
            return left[0] * right[0], left[1] + right[1]
        case divide.name:
            over, under = expression.arguments
            sign, factors = factors_of(over)
            share = Call(divide.name, (Literal(1.0), under), shape=under.shape)
            return sign, (*factors, share)
        case _:
            return 1, (expression,)


def product_of(factors: Iterable[Expression]) -> Expression:
    """The product of some factors; 1 of none."""
    total: Expression | None = None
    for factor in factors:
        total = factor if total is None else total * factor
    return Literal(1.0) if total is None else total


def without(factors: tuple[Expression, ...], one: Expression) -> tuple[Expression, ...]:
    """The factors but for the first that is `one`."""
    where = factors.index(one)
    return factors[:where] + factors[where + 1 :]


def same_factors(a: tuple[Expression, ...], b: tuple[Expression, ...]) -> bool:
    """Whether two products have the same factors, in any order."""
    if len(a) != len(b):
        return False
    rest = list(b)
    for factor in a:
        if factor not in rest:
            return False
        rest.remove(factor)
    return True


def _is_total(call: Call) -> bool:
    """Whether it is a sum over every axis: sums within it make no difference."""
    return call.operation == sum_.name and call.option("axis") is None


def _untransposed(expression: Expression) -> Expression:
    """A row of a matrix product, whichever way it is turned."""
    if len(expression.shape or ()) == 2 and (expression.shape or ())[0] == 1:
        return expression
    if isinstance(expression, Call) and expression.operation == transpose.name:
        return expression.arguments[0]
    return expression


def _same_vector(expression: Expression) -> Expression:
    """A vector without a transposition, which does nothing to it."""
    if isinstance(expression, Call) and expression.operation == transpose.name:
        return expression.arguments[0] if len(expression.shape or ()) == 1 else expression
    return expression


def is_name(expression: Expression, name: str) -> bool:
    """Whether a formula is nothing but this name."""
    return isinstance(expression, Name) and expression.name == name and bool(name)
