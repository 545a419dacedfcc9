"""A formula as the text of an equation; reading it back gives the same tree."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from handgrad.errors import printable
from handgrad.expression import Adjoint, Call, Expression, Literal, Name, Nested, Option, Slice
from handgrad.figures import figure, full
from handgrad.notation import (
    ATOM,
    COMPARISON,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Inequality,
    Letter,
    MatrixProduct,
    Negation,
    Picked,
    Power,
    Product,
    Subscript,
    Sum,
    Transposition,
)
from handgrad.notation import Fraction as Division
from handgrad.operations import BY_NAME, operation_of
from handgrad.operations.operation import Operation

_A, _B = Name("a"), Name("b")
_WRITTEN_AS_OPERATORS = frozenset(
    call.operation
    for call in (
        *(_A + _B, _A - _B, _A * _B, _A / _B, _A**_B, _A @ _B, -_A, _A.T, _A.mT),
        *(_A < _B, _A <= _B, _A > _B, _A >= _B),
    )
)
"""What the operators of the language build; other operations may share their notation."""


ENDS = 3
"""Numbers written at each end of an axis of an array that is too large to be written whole."""


@cache
def _sign(operation: str) -> tuple[str, int] | None:
    """The sign that groups from the left, and how tightly it binds; None for other operations."""
    if operation not in _WRITTEN_AS_OPERATORS:
        return None
    match BY_NAME[operation].notation:
        case Sum(sign, _):
            return sign, SUM
        case Product():
            return "*", PRODUCT
        case MatrixProduct():
            return "@", PRODUCT
        case Division():
            return "/", PRODUCT
        case _:
            return None


def source(expression: Expression, decimals: int | None = None) -> str:
    """The expression in the language of equations, with no more parentheses than it needs.

    Numbers are written at full precision, or rounded to `decimals` digits after the point.
    """
    return Writer(decimals).source(expression)


class Writer:
    """Writes formulas of one document: what `source` writes, each literal of them once."""

    def __init__(self, decimals: int | None = None) -> None:
        self._number: Callable[..., str] = (
            full if decimals is None else partial(figure, decimals=decimals)
        )
        self._written: dict[int, tuple[Literal, str]] = {}

    def source(self, expression: Expression) -> str:
        """The expression in the language of equations."""
        return self.write(expression)[0]

    def write(self, expression: Expression) -> tuple[str, int]:
        """The text, and how tightly it binds."""
        match expression:
            case Literal():
                text = self._literal(expression)
                return text, SIGN if text.startswith("-") else ATOM
            case Name():
                return printable(expression.name), ATOM
            case Adjoint():
                through = f"_via_{expression.through}" if expression.through else ""
                return printable(f"d{expression.name}{through}"), ATOM
            case Call():
                return self._call(expression)
            case _:
                raise TypeError(f"not a formula: {expression!r}")

    def _call(self, call: Call) -> tuple[str, int]:
        arguments = call.arguments
        known = _sign(call.operation)
        if known is not None and not call.options:
            sign, level = known
            return self._infix(arguments[0], sign, arguments[1], level), level
        notation = operation_of(call).notation
        if isinstance(notation, Letter):
            return notation.source, ATOM
        if isinstance(notation, Subscript):
            return f"{self._within(arguments[0], ATOM)}[{_index(call.option('at'))}]", ATOM
        if isinstance(notation, Picked) and not isinstance(arguments[1], Literal):
            return f"{self._within(arguments[0], ATOM)}[{self.source(arguments[1])}]", ATOM
        if call.operation in _WRITTEN_AS_OPERATORS and not call.options:
            match notation, arguments:
                case Inequality(sign, _), (a, b):
                    return f"{self._within(a, SUM)} {sign} {self._within(b, SUM)}", COMPARISON
                case Power(), (a, b):
                    # The exponent may carry a sign or a power of its own: 2**-x**y.
                    return f"{self._within(a, ATOM)}**{self._within(b, SIGN)}", POWER
                case Negation(), (a,):
                    return f"-{self._within(a, POWER)}", SIGN
                case Transposition(), (a,):
                    attribute = "T" if call.operation == _A.T.operation else "mT"
                    return f"{self._before_dot(a)}.{attribute}", ATOM
        record = operation_of(call)
        heading = record.heading
        options = [
            f"{name}={_option(v)}" for name, v in call.options if v is not None and name != heading
        ]
        inside = [self._argument(record, k, a) for k, a in enumerate(arguments)] + options
        if heading:
            inside.insert(0, _option(call.option(heading)))
        return f"{call.operation}({', '.join(inside)})", ATOM

    def _argument(self, record: Operation, k: int, argument: Expression) -> str:
        """The text of an argument; by its name where a number in its place would be read as an option."""
        text, _ = self.write(argument)
        optional = record.positional and k >= record.arity[0]
        if optional and not text.lstrip("([-")[:1].isalpha():
            return f"{record.argument_names[k]}={text}"
        return text

    def _infix(self, a: Expression, sign: str, b: Expression, level: int) -> str:
        """Two operands with a sign between them that groups from the left."""
        left, own = self.write(a)
        if own < level or (level == PRODUCT and left.startswith("-") and isinstance(a, Literal)):
            left = f"({left})"
        right, own = self.write(b)
        if own <= level or right.startswith("-"):
            right = f"({right})"
        return f"{left} {sign} {right}"

    def _within(self, expression: Expression, level: int) -> str:
        """The text, in parentheses where it binds less tightly than `level`."""
        text, own = self.write(expression)
        return text if own >= level else f"({text})"

    def _before_dot(self, expression: Expression) -> str:
        text = self._within(expression, ATOM)
        # A digit before the point would read as part of the number.
        return f"({text})" if text[-1:].isdigit() and isinstance(expression, Literal) else text

    def _literal(self, literal: Literal) -> str:
        known = self._written.get(id(literal))
        if known is None:
            text = self._value(literal.value, literal.whole is not None)
            known = literal, f"cases({text})" if literal.batched else text
            # With the literal itself, so that no other one takes its place in memory.
            self._written[id(literal)] = known
        return known[1]

    def _value(self, value: Nested, large: bool = False) -> str:
        """Numbers, nested; of a `large` array the first and the last along each axis."""
        if not isinstance(value, tuple):
            return self._number(value)
        if large:
            ends = len(value) > 2 * ENDS
            shown = (*value[:ENDS], *value[-ENDS:]) if ends else value
            texts = [self._value(v, large) for v in shown]
            return f"[{', '.join([*texts[:ENDS], '…', *texts[ENDS:]] if ends else texts)}]"
        rows = bool(value) and isinstance(value[0], tuple)
        return f"[{', '.join(map(self._value if rows else self._number, value))}]"


def _index(at: Option) -> str:
    entries = at if isinstance(at, tuple) else (at,)
    return ", ".join(_slice(i) if isinstance(i, Slice) else str(i) for i in entries)


def _slice(s: Slice) -> str:
    start, stop = ("" if i is None else str(i) for i in (s.start, s.stop))
    return f"{start}:{stop}" + ("" if s.step is None else f":{s.step}")


def _option(value: Option) -> str:
    match value:
        case str():
            return f'"{value}"'
        case bool():
            return "true" if value else "false"
        case tuple():
            entries = _index(value)
            return f"({entries},)" if len(value) == 1 else f"({entries})"
        case int():
            return str(value)
        case float():
            return full(value)
        case None:
            return "none"
