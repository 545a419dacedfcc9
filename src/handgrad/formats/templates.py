"""Markup with holes where digits go: written once for all numbers that print with as many digits.

All that is decided about a formula with numbers in it (signs, parentheses, widths, where a line may end) depends on no
digit, but on how many there are, on signs, and on what is 0. So what is written with holes in the place of the numbers is a
template, which the digits of others are put into.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import NamedTuple

from handgrad.expression import Call, Expression, Literal, Nested
from handgrad.figures import Hole, exactly, figure
from handgrad.record import record

MOST = 96
"""Numbers of a template, at most: more of them seldom all have as many digits as others before."""

DIGITS, POWER, WHOLE = 0xE000, 0xE100, 0xE200
"""Letters for private use that stand for the digits of a number, those of its power of ten, and the number in full:
the number's place is added."""

_SHAPE = str.maketrans("0123456789", "#" * 10)
_HOLE = re.compile(r"([\ue000-\ue2ff])(?:\.?\1)*")


class Number(NamedTuple):
    """A number with the digits of its figure, those of its power of ten, and what it has in common with others."""

    value: float
    digits: str
    power: str
    shape: str


@lru_cache(maxsize=4096)
def _number(value: float, decimals: int) -> Number:
    text = figure(value, decimals)
    digits, _, power = text.partition("e")
    return Number(value, digits.lstrip("-"), power.lstrip("-"), text.translate(_SHAPE))


class FiguresFound:
    """The numbers of formulas in the order in which they stand there; 0, and what is not finite, is none of them."""

    def __init__(self, decimals: int) -> None:
        self.decimals = decimals
        self.found: list[Number] = []

    def shapes(self, value: Nested) -> Hashable:
        """What numbers have in common with those that fit into the same template."""
        if isinstance(value, tuple):
            return tuple(map(self.shapes, value))
        number = _number(value, self.decimals)
        if number.shape == "0" or "#" not in number.shape:
            return number.shape
        self.found.append(number)
        return number.shape


class Holes:
    """Puts a hole in the place of every number, in the same order."""

    def __init__(self, decimals: int) -> None:
        self.numbers = FiguresFound(decimals)

    def of(self, expression: Expression) -> Expression:
        """The formula with holes."""
        if isinstance(expression, Call):
            arguments = tuple(map(self.of, expression.arguments))
            return Call(
                expression.operation,
                arguments,
                expression.options,
                expression.span,
                expression.shape,
            )
        if not isinstance(expression, Literal) or expression.text or expression.whole is not None:
            return expression
        value = self._value(expression.value)
        return Literal(value, expression.batched, expression.row, gradient=expression.gradient)

    def _value(self, value: Nested) -> Nested:
        if isinstance(value, tuple):
            return tuple(map(self._value, value))
        place = len(self.numbers.found)
        self.numbers.shapes(value)
        if len(self.numbers.found) == place:
            return value
        (_, digits, power, shape) = self.numbers.found[-1]
        sign, _, _ = shape.partition("#")
        text = sign + "".join(c if c == "." else chr(DIGITS + place) for c in digits)
        if power:
            minus = "-" * ("e-" in shape)
            text += f"e{minus}{chr(POWER + place) * len(power)}"
        return Hole(value, text, chr(WHOLE + place))


@record
class Template:
    """Markup in pieces; every other one is the letter of a hole."""

    pieces: Sequence[str]

    @classmethod
    def of(cls, markup: str) -> Template:
        """The template that markup with holes is."""
        return cls(_HOLE.split(markup))

    def filled(self, numbers: Sequence[Number]) -> str:
        """The markup of these numbers."""
        pieces = list(self.pieces)
        for k in range(1, len(pieces), 2):
            letter = ord(pieces[k])
            number = numbers[letter & 0xFF]
            if letter < POWER:
                pieces[k] = number.digits
            else:
                pieces[k] = number.power if letter < WHOLE else exactly(number.value)
        return "".join(pieces)
