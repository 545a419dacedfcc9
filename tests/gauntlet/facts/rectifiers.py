"""ReLU as people write it out: max(0, z), where(z > 0, z, 0), z·(z > 0)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from handgrad.expression import ONE, ZERO, Call, Expression, Literal, Name, walk

ADDING = frozenset(
    ["add", "subtract", "negate", "multiply", "divide", "power", "square", "sum", "mean", "max"]
)
"""What makes one loss of several terms."""

EXTREMES = frozenset(["max", "maximum"])


@dataclass(eq=False)
class Rectifying:
    """Of a problem's formulas, ReLU written out as a call of it: all but the hinges of its loss.

    Arguments:
        made: the equations' right sides.
        data: the names of the data.
        loss: what is differentiated.
    """

    made: Mapping[str, Expression]
    data: Collection[str]
    loss: str

    def of(self, formula: Expression, whole: Expression | None = None) -> Expression:
        """A formula with ReLU as a call of it; `whole` is the equation that it stands in."""
        if not isinstance(formula, Call):
            return formula
        whole = formula if whole is None else whole
        if formula.operation == "relu" and any(
            _is_rest(part, formula.arguments[0]) for part in walk(whole)
        ):
            return replace(formula, operation="maximum", arguments=(formula.arguments[0], ZERO))
        z = _rectified_by(formula)
        if (
            z is not None
            and not self._margin(z, formula in self._terms)
            and not sum(p == z for p in walk(whole)) > sum(p == z for p in walk(formula))
        ):
            return Call("relu", (self.of(z),), shape=formula.shape)
        return replace(formula, arguments=tuple(self.of(a, whole) for a in formula.arguments))

    @cached_property
    def _terms(self) -> list[Expression]:
        """What the loss adds up."""
        found: list[Expression] = []
        waiting: list[Expression] = [Name(self.loss)]
        while waiting:
            term = waiting.pop()
            found.append(term)
            if isinstance(term, Name) and term.name in self.made:
                waiting.append(self.made[term.name])
            if isinstance(term, Call) and term.operation in ADDING:
                waiting += term.arguments
        return found

    def _margin(self, z: Expression, term: bool, within: bool = False) -> bool:
        """Whether a number is added in, or the sign of a product is turned; of a term of the loss names are written out."""
        match z:
            case Name(name=name) if name in self.made:
                return term and self._margin(self.made[name], term, within)
            case Name(name=name):
                return term and within and name in self.data
            case Literal():
                return within
            case Call(operation="negate", arguments=(a,)):
                return not isinstance(a, Name) or self._margin(a, term, True)
            case Call(operation="multiply", arguments=(Call(operation="negate"), _)):
                return True
            case Call(operation="add" | "subtract", arguments=(a, b)):
                return self._margin(a, term, True) or self._margin(b, term, True)
        return False


def _is_rest(formula: Expression, z: Expression) -> bool:
    """Whether it is ln(1 + exp(−|z|)), which max(z, 0) is ln(1 + exp(z)) with."""
    match formula:
        case Call(operation="softplus", arguments=(inner,)):
            pass
        case Call(
            operation="log",
            arguments=(
                Call(operation="add", arguments=(one, Call(operation="exp", arguments=(inner,)))),
            ),
        ) if one == ONE:
            pass
        case _:
            return False
    return inner == Call("negate", (Call("abs", (z,)),))


def halved(formula: Expression) -> Iterator[Expression]:
    """Of what max(0, z) is taken: exactly at 0 half of a gradient passes."""
    if isinstance(formula, Call):
        z = _rectified_by(formula) if formula.operation in EXTREMES else None
        yield from (z,) if z is not None else ()
        for argument in formula.arguments:
            yield from halved(argument)


def _rectified_by(call: Call) -> Expression | None:
    match call:
        case Call(operation="max" | "maximum", arguments=(a, b)):
            return b if _is_zero(a) else a if _is_zero(b) else None
        case Call(operation="where", arguments=(condition, z, zero)) if _is_zero(zero):
            return z if _positive(condition) == z else None
        case Call(operation="multiply", arguments=(a, b)):
            return b if _positive(a) == b else a if _positive(b) == a else None
    return None


def _positive(formula: Expression) -> Expression | None:
    match formula:
        case Call(operation="greater", arguments=(z, zero)) if _is_zero(zero):
            return z
        case Call(operation="less", arguments=(zero, z)) if _is_zero(zero):
            return z
    return None


def _is_zero(formula: Expression) -> bool:
    return isinstance(formula, Literal) and formula.value == 0
