"""Functions written out in arithmetic, known for what they are: softmax, log-sum-exp, the sigmoid.

exp(z − max z) / Σ exp(z − max z) is softmax(z), whether it stands in one formula or in several
equations; 1/(1 + exp(−z)) is σ(z); max z + ln Σ exp(z − max z) is ln Σ exp(z).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TypeVar

from handgrad.expression import Call, Expression, Literal, Name, Shape, number
from handgrad.operations.activations import sigmoid
from handgrad.operations.arithmetic import add, divide, multiply, negate, power, subtract
from handgrad.operations.exponentials import log_softmax, logsumexp, softmax
from handgrad.operations.functions import exp, log
from handgrad.operations.operation import normal_axes
from handgrad.operations.reductions import maximum_of, sum_
from handgrad.operations.structure import index
from handgrad.record import builder, record

T = TypeVar("T")


@record
class WrittenActivation:
    """An activation, as it stands in a formula: of which scores, and by which name it goes.

    `axis` is that of softmax, counted from 0; None for the sigmoid, which works entry by entry.
    """

    of: Expression
    axis: int | None = None
    name: str = ""


@builder
class Sight:
    """Sees formulas through the names of the equations in `definitions`.

    `passed` are the names of those that it has looked through, and `shifts` what softmax's scores
    were shifted by: its largest entry, as a rule.
    """

    definitions: Mapping[str, Expression]
    passed: list[str] = field(default_factory=list)
    shifts: list[Expression] = field(default_factory=list)

    def attempt(self, look: Callable[[], T | None]) -> T | None:
        """What `look` finds; where it finds nothing, nothing has been looked through."""
        marks = len(self.passed), len(self.shifts)
        found = look()
        if found is None:
            del self.passed[marks[0] :], self.shifts[marks[1] :]
        return found

    def through(self, expression: Expression) -> Expression:
        """What the equations say in place of a name; other formulas as they are."""
        while isinstance(expression, Name) and expression.name in self.definitions:
            self.passed.append(expression.name)
            expression = self.definitions[expression.name]
        return expression

    def call(self, expression: Expression, operation: str) -> Call | None:
        """The formula as a call of an operation, seen through names, if it is one."""

        def look() -> Call | None:
            seen = self.through(expression)
            return seen if isinstance(seen, Call) and seen.operation == operation else None

        return self.attempt(look)

    def same(self, a: Expression, b: Expression) -> bool:
        """Whether two formulas are the same, seen through names."""
        return self.attempt(lambda: self._same(a, b) or None) is not None

    def _same(self, a: Expression, b: Expression) -> bool:
        if a == b:
            return True
        for one in (a, b):
            known = isinstance(one, Name) and one.name in self.definitions
            if known and self._same_within(one, b if one is a else a):
                return True
        return (
            isinstance(a, Call)
            and isinstance(b, Call)
            and (a.operation, a.options) == (b.operation, b.options)
            and len(a.arguments) == len(b.arguments)
            and all(map(self._same, a.arguments, b.arguments))
        )

    def _same_within(self, name: Expression, other: Expression) -> bool:
        """The same, with the name seen through."""
        return self.attempt(lambda: self._same(self.through(name), other) or None) is not None

    # -- softmax and what belongs to it -------------------------------------------------------

    def softmax(self, expression: Expression) -> WrittenActivation | None:
        """The softmax that a formula is, if it is one."""
        name = expression.name if isinstance(expression, Name) else ""

        def look() -> WrittenActivation | None:
            seen = self.through(expression)
            if not isinstance(seen, Call):
                return None
            match seen.operation:
                case softmax.name:
                    return self._scores(seen.arguments[0], _option(seen, "axis", -1), name)
                case divide.name:
                    return self._quotient(seen, name)
                case exp.name:
                    inner = self.log_softmax(seen.arguments[0])
                    return inner and WrittenActivation(inner.of, inner.axis, name)
            return None

        return self.attempt(look)

    def _scores(self, scores: Expression, axis: int, name: str) -> WrittenActivation | None:
        rank = len(scores.shape or ())
        if not rank:
            return None
        (one,) = normal_axes(axis, rank)
        return WrittenActivation(self._unshifted(scores, one), one, name)

    def _quotient(self, call: Call, name: str) -> WrittenActivation | None:
        """exp(u) / Σ exp(u), where each sum meets the entries that it adds up."""
        over, under = call.arguments
        top, total = self.call(over, exp.name), self.call(under, sum_.name)
        if top is None or total is None:
            return None
        bottom = self.call(total.arguments[0], exp.name)
        if bottom is None or not self.same(top.arguments[0], bottom.arguments[0]):
            return None
        axis = _summed_axis(total)
        scores = top.arguments[0]
        if axis is None or not _aligned(total, scores.shape or (), axis):
            return None
        return WrittenActivation(self._unshifted(scores, axis), axis, name)

    def _unshifted(self, scores: Expression, axis: int) -> Expression:
        """The scores without a shift that is the same for all that are compared."""

        def look() -> Expression | None:
            seen = self.through(scores)
            if not isinstance(seen, Call) or seen.operation != subtract.name:
                return None
            inner, shift = seen.arguments
            return inner if self._is_shift(shift, inner, axis) else None

        found = self.attempt(look)
        return scores if found is None else found

    def _is_shift(self, shift: Expression, scores: Expression, axis: int) -> bool:
        def look() -> bool | None:
            seen = self.through(shift)
            if number(seen) is not None:
                return True
            if not isinstance(seen, Call) or seen.operation != maximum_of.name:
                return None
            # The largest of all, or of those that are compared with each other.
            rank = len(scores.shape or ())
            axes = normal_axes(seen.option("axis"), rank)
            kept = bool(seen.option("keepdims"))
            if axes != tuple(range(rank)) and (axes != (axis,) or not (kept or axis == 0)):
                return None
            return True if self.same(seen.arguments[0], scores) else None

        if self.attempt(look) is None:
            return False
        self.shifts.append(shift)
        return True

    def log_sum_exp(self, expression: Expression) -> Call | None:
        """The ln Σ exp(z) that a formula is, as `logsumexp(z)` with its options, if it is one."""

        def look() -> Call | None:
            seen = self.through(expression)
            if not isinstance(seen, Call):
                return None
            match seen.operation:
                case logsumexp.name:
                    return seen
                case log.name:
                    total = self.call(seen.arguments[0], sum_.name)
                    inner = total and self.call(total.arguments[0], exp.name)
                    if total and inner:
                        return Call(
                            logsumexp.name, inner.arguments, total.options, None, seen.shape
                        )
                case add.name:
                    for shift, rest in (seen.arguments, seen.arguments[::-1]):
                        found = self._shifted_log_sum_exp(shift, rest)
                        if found is not None and found.shape == seen.shape:
                            return found
            return None

        return self.attempt(look)

    def _shifted_log_sum_exp(self, shift: Expression, rest: Expression) -> Call | None:
        """c + ln Σ exp(z − c)."""

        def look() -> Call | None:
            inner = self.log_sum_exp(rest)
            scores = inner and self.call(inner.arguments[0], subtract.name)
            if not inner or not scores or not self._may_be_a_shift(shift, scores.arguments[0]):
                return None
            if not self.same(scores.arguments[1], shift):
                return None
            self.shifts.append(scores.arguments[1])
            return Call(logsumexp.name, scores.arguments[:1], inner.options, None, inner.shape)

        return self.attempt(look)

    def _may_be_a_shift(self, shift: Expression, scores: Expression) -> bool:
        """Whether it is one number for all the scores, or a number for each of their rows."""
        return shift.shape == () or number(shift) is not None or shift.shape != scores.shape

    def log_softmax(self, expression: Expression) -> WrittenActivation | None:
        """The ln softmax(z) that a formula is, if it is one."""

        def look() -> WrittenActivation | None:
            seen = self.through(expression)
            if not isinstance(seen, Call):
                return None
            match seen.operation:
                case log_softmax.name:
                    return self._scores(seen.arguments[0], _option(seen, "axis", -1), "")
                case log.name:
                    return self.softmax(seen.arguments[0])
                case subtract.name:
                    scores, total = seen.arguments
                    sums = self.log_sum_exp(total)
                    if sums is not None and self.same(scores, sums.arguments[0]):
                        axis = _summed_axis(sums)
                        if axis is not None and _aligned(sums, scores.shape or (), axis):
                            return WrittenActivation(self._unshifted(scores, axis), axis)
            return None

        return self.attempt(look)

    # -- the sigmoid ---------------------------------------------------------------------------

    def sigmoid(self, expression: Expression) -> WrittenActivation | None:
        """The sigmoid that a formula is, if it is one."""
        name = expression.name if isinstance(expression, Name) else ""

        def look() -> WrittenActivation | None:
            seen = self.through(expression)
            if not isinstance(seen, Call):
                return None
            if seen.operation == sigmoid.name:
                return WrittenActivation(seen.arguments[0], None, name)
            if seen.operation == power.name and number(seen.arguments[1]) == -1:
                over, under = Literal(1.0), seen.arguments[0]
            elif seen.operation == divide.name:
                over, under = seen.arguments  # type: ignore[assignment]
            else:
                return None
            of = self._logistic(over, under)
            return None if of is None else WrittenActivation(of, None, name)

        return self.attempt(look)

    def _logistic(self, over: Expression, under: Expression) -> Expression | None:
        """z, where over/under is 1/(1 + exp(−z)) or exp(z)/(1 + exp(z))."""
        total = self.call(under, add.name)
        if total is None:
            return None
        for one, other in (total.arguments, total.arguments[::-1]):
            growing = self.call(other, exp.name) if number(one) == 1 else None
            if growing is None:
                continue
            power_of_e = growing.arguments[0]
            if number(over) == 1:
                return self._negated(power_of_e)
            if self.same(over, other):
                return power_of_e
        return None

    def _negated(self, expression: Expression) -> Expression:
        """−u, without two signs in a row."""

        def look() -> Expression | None:
            seen = self.through(expression)
            if isinstance(seen, Call) and seen.operation == negate.name:
                return seen.arguments[0]
            if isinstance(seen, Call) and seen.operation == multiply.name:
                for one, other in (seen.arguments, seen.arguments[::-1]):
                    if number(one) == -1:
                        return other
                    if isinstance(one, Call) and one.operation == negate.name:
                        factors = (one.arguments[0], other)
                        return Call(multiply.name, factors, shape=seen.shape)
            return None

        found = self.attempt(look)
        return Call(negate.name, (expression,), shape=expression.shape) if found is None else found

    # -- single entries ------------------------------------------------------------------------

    def entry(self, expression: Expression) -> tuple[Expression, tuple[int, ...]] | None:
        """What a formula picks one entry of, and which; None where it does not."""

        def look() -> tuple[Expression, tuple[int, ...]] | None:
            seen = self.through(expression)
            if not isinstance(seen, Call) or seen.operation != index.name or seen.shape != ():
                return None
            at = seen.option("at")
            whole = seen.arguments[0].shape or ()
            places = at if isinstance(at, tuple) else ()
            if any(not isinstance(i, int) for i in places) or len(places) != len(whole):
                return None
            return seen.arguments[0], tuple(
                int(i) % n for i, n in zip(places, whole, strict=True) if isinstance(i, int)
            )

        return self.attempt(look)


def _option(call: Call, name: str, usual: int) -> int:
    given = call.option(name)
    return usual if given is None or not isinstance(given, int) else given


def _summed_axis(total: Call) -> int | None:
    """The one axis that a sum is over, counted from 0; None where there are more."""
    axes = normal_axes(total.option("axis"), len(total.arguments[0].shape or ()))
    return axes[0] if len(axes) == 1 else None


def _aligned(total: Call, shape: Shape, axis: int) -> bool:
    """Whether entries of `shape` meet their own sum in arithmetic with `total`.

    Sums along rows without `keepdims` lie along the columns of a matrix: each entry meets another's.
    """
    return len(shape) == 1 or bool(total.option("keepdims")) or axis == 0
