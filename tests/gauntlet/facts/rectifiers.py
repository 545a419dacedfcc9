"""ReLU as people write it out: max(0, z), where(z > 0, z, 0), z·(z > 0)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from handgrad.expression import Call, Expression, Literal, Name

EXTREMES = frozenset(["max", "maximum"])


@dataclass(frozen=True)
class Rectifying:
    """Of a problem's formulas, ReLU written out as a call of it: all but the hinges of its loss.

    Arguments:
        made: the equations' right sides.
        data: the names of the data.
    """

    made: Mapping[str, Expression]
    data: Collection[str]

    def of(self, formula: Expression) -> Expression:
        """A formula with ReLU as a call of it."""
        if not isinstance(formula, Call):
            return formula
        z = _rectified_by(formula)
        if z is not None and not self._margin(z):
            return Call("relu", (self.of(z),), shape=formula.shape)
        return replace(formula, arguments=tuple(self.of(a) for a in formula.arguments))

    def _margin(self, z: Expression, within: bool = False) -> bool:
        """Whether a number or a datum is added in, or the sign of a product is turned, names written out."""
        match z:
            case Name(name=name) if name in self.made:
                return self._margin(self.made[name], within)
            case Name(name=name):
                return within and name in self.data
            case Literal():
                return within
            case Call(operation="negate", arguments=(a,)):
                return not isinstance(a, Name) or self._margin(a, True)
            case Call(operation="multiply", arguments=(Call(operation="negate"), _)):
                return True
            case Call(operation="add" | "subtract", arguments=(a, b)):
                return self._margin(a, True) or self._margin(b, True)
        return False


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
