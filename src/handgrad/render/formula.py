"""How a formula is read for print: signs, parentheses, what stands beside what.

The rules are here once; a `Pen` only draws what they decide. Two printers that share
them cannot disagree about a parenthesis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, Protocol, TypeVar

from handgrad import expression as tree
from handgrad.expression import Adjoint, Call, Expression, Index, Name, Option, Slice, shape_of
from handgrad.figures import figure
from handgrad.notation import (
    ATOM,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    As,
    Fence,
    Fraction,
    Function,
    Indicator,
    MatrixProduct,
    Negation,
    Power,
    Product,
    Subscript,
    Sum,
    Transposition,
    Unwritten,
)
from handgrad.operations import operation_of
from handgrad.render.arrays import Orientation, grid
from handgrad.render.style import Style
from handgrad.symbol import Symbol, symbol

T = TypeVar("T")

JUXTAPOSED = 2.5
"""Factors side by side bind tighter than a product with a sign: a ⊙ W x is a ⊙ (W x)."""

GRADIENT = 3.5
"""∂L/∂W and stacked fractions: whole within products, not under a power."""

ProductSign = Literal["times", "dot", "entrywise", "none"]

Brackets = Literal["square", "round"]


@dataclass(frozen=True, slots=True)
class Piece(Generic[T]):
    """A part of a formula as drawn.

    Arguments:
        level: how tightly it binds (`handgrad.notation`).
        signed: it begins with a minus sign.
        raised: it ends in a superscript.
        letter: a single letter, beside which another needs no space.
        number: a written number.
    """

    drawn: T
    level: float = ATOM
    signed: bool = False
    raised: bool = False
    letter: bool = False
    number: bool = False


class Pen(Protocol[T]):
    """What a printer of mathematics can draw."""

    style: Style

    def number(self, text: str) -> T:
        """A figure in ASCII: `-0.3654`, `1.23e-9`."""

    def array(
        self,
        literal: tree.Literal,
        orientation: Orientation,
        brackets: Brackets,
        relation: str = "",
    ) -> T:
        """An array of numbers; `round` brackets stand for a function's own parentheses.

        `relation` is written after every entry of a column.
        """

    def symbol(self, symbol: Symbol, index: str) -> T:
        """A name, with the index of an entry below it."""

    def gradient(self, of: Symbol, index: str, through: Symbol | None) -> T:
        """∂L/∂name, or one path's share of it."""

    def error_signal(self, of: Symbol, index: str, through: Symbol | None) -> T:
        """δ with the name's superscript and subscript."""

    def entry(self, part: T, index: str) -> T:
        """An entry of something that is no name."""

    def parentheses(self, part: T) -> T: ...

    def fence(self, notation: Fence, part: T) -> T: ...

    def indicator(self, part: T, relation: str, enclosed: bool) -> T:
        """1[part relation]; `enclosed` where the part has its brackets and relations already."""

    def function(
        self,
        notation: Function,
        name: str,
        arguments: Sequence[T],
        options: Sequence[tuple[Symbol, str]],
        enclosed: bool,
    ) -> T:
        """A function of its arguments; `enclosed` where the argument brings its own parentheses."""

    def sum(self, left: T, sign: str, right: T) -> T: ...

    def product(self, left: T, sign: ProductSign, right: T, tight: bool) -> T: ...

    def negation(self, part: T) -> T: ...

    def transpose(self, part: T) -> T: ...

    def power(self, base: T, exponent: T) -> T: ...

    def fraction(self, over: Piece[T], under: Piece[T]) -> Piece[T]: ...

    def begins_with_digit(self, part: T) -> bool: ...


class Formula(Generic[T]):
    """Draws formula trees with a pen."""

    def __init__(self, pen: Pen[T]) -> None:
        self.pen = pen
        self.style = pen.style

    def draw(self, expression: Expression) -> T:
        """The whole formula."""
        return self.piece(expression).drawn

    def piece(self, expression: Expression) -> Piece[T]:
        """The formula as a part of a larger one."""
        match expression:
            case tree.Literal(value=tuple()):
                return Piece(self.pen.array(expression, "upright", "square"))
            case tree.Literal():
                return self._number(expression)
            case Name():
                return self._symbol(self.style.symbol(expression.name), "")
            case Adjoint():
                return self._adjoint(expression, "")
            case Call():
                return self._call(spelled_out(expression))
            case _:
                raise TypeError(f"not a formula: {expression!r}")

    # -- leaves -----------------------------------------------------------------------------

    def _number(self, literal: tree.Literal) -> Piece[T]:
        assert not isinstance(literal.value, tuple)
        # A constant of an equation stands as it was written, not rounded.
        written = literal.text if _PLAIN_NUMBER.fullmatch(literal.text) else ""
        text = written or figure(literal.value, self.style.decimals)
        level = SIGN if text.startswith("-") else PRODUCT if "e" in text else ATOM
        return Piece(
            self.pen.number(text), level, signed=text.startswith("-"), raised="e" in text, number=True
        )

    def _symbol(self, shown: Symbol, index: str) -> Piece[T]:
        drawn = self.pen.symbol(shown, index)
        raised = bool(shown.superscript) or bool(shown.text)
        return Piece(drawn, raised=raised, letter=not shown.upright and not shown.text)

    def _adjoint(self, adjoint: Adjoint, index: str) -> Piece[T]:
        of = self.style.symbol(adjoint.name)
        through = self.style.symbol(adjoint.through) if adjoint.through else None
        if adjoint.name in self.style.error_signals and not of.text:
            drawn = self.pen.error_signal(of, index, through)
            return Piece(drawn, raised=bool(of.superscript), letter=through is None)
        return Piece(self.pen.gradient(of, index, through), GRADIENT)

    # -- calls ------------------------------------------------------------------------------

    def _call(self, expression: Expression) -> Piece[T]:
        if not isinstance(expression, Call):
            return self.piece(expression)
        pen, arguments = self.pen, expression.arguments
        match operation_of(expression).notation:
            case Sum() as notation:
                left, right = (self.piece(a) for a in arguments)
                loose = right.level <= SUM and notation.source != "+"
                whole = pen.sum(left.drawn, notation.symbol, self._in(right, right.signed or loose))
                return Piece(whole, SUM, left.signed)
            case Product():
                return self._product(expression)
            case MatrixProduct():
                return self._matrix_product(expression)
            case Fraction():
                return pen.fraction(self.piece(arguments[0]), self.piece(arguments[1]))
            case Power():
                base = self.piece(arguments[0])
                loose = base.level < ATOM or base.raised
                exponent = self.draw(arguments[1])
                return Piece(pen.power(self._in(base, loose), exponent), POWER, raised=True)
            case Negation():
                part = self.piece(arguments[0])
                drawn = pen.negation(self._in(part, part.level < PRODUCT or part.signed))
                return Piece(drawn, min(SIGN, part.level), signed=True)
            case Transposition():
                return self._transposed(arguments[0])
            case Subscript():
                return self._entry(expression)
            case Fence() as notation:
                return Piece(pen.fence(notation, self.draw(arguments[0])))
            case Indicator(relation):
                only = arguments[0]
                if isinstance(only, tree.Literal) and _is_column(only):
                    column = pen.array(only, "upright", "square", f" {relation}")
                    return Piece(pen.indicator(column, relation, True))
                return Piece(pen.indicator(self.draw(only), relation, False))
            case Function() as notation:
                return self._function(expression, notation)
            case As() | Unwritten():
                raise AssertionError("spelled out before it is drawn")

    def _in(self, part: Piece[T], parenthesised: bool) -> T:
        return self.pen.parentheses(part.drawn) if parenthesised else part.drawn

    def _product(self, call: Call) -> Piece[T]:
        a, b = call.arguments
        left, right = self.piece(a), self.piece(b)
        sign = product_sign(a, b)
        first = self._in(left, left.level < PRODUCT or (left.number and left.level < ATOM))
        second = self._in(
            right,
            right.level < PRODUCT or right.signed or (right.number and right.level < ATOM),
        )
        if sign == "none" and self.pen.begins_with_digit(second):
            sign = "dot"
        signed = left.signed and not left.number
        return Piece(self.pen.product(first, sign, second, False), PRODUCT, signed)

    def _matrix_product(self, call: Call) -> Piece[T]:
        a, b = call.arguments
        left, right = self.piece(a), self.piece(b)
        shapes = shape_of(a), shape_of(b)
        # NumPy's vector on the left is a row: aᵀ b.
        row = shapes[0] is not None and len(shapes[0]) == 1 and shapes[1] is not None
        if row and not _is_transposed(a):
            left = self._transposed(a)
        first = self._in(left, left.level < JUXTAPOSED or (left.signed and left.number))
        second = self._in(right, right.level < JUXTAPOSED or right.signed)
        tight = left.letter and right.letter
        drawn = self.pen.product(first, "none", second, tight)
        return Piece(drawn, JUXTAPOSED, left.signed and not left.number)

    def _transposed(self, argument: Expression) -> Piece[T]:
        if isinstance(argument, tree.Literal) and not argument.cased:
            if isinstance(argument.value, tuple) and len(argument.shape) < 3:
                return Piece(self.pen.array(argument, "transposed", "square"))
            if not argument.shape:
                return self.piece(argument)
        part = self.piece(argument)
        is_leaf = isinstance(argument, Name | Adjoint) or _is_entry(argument)
        loose = part.level < ATOM or (part.raised and not is_leaf)
        drawn = self.pen.transpose(self._in(part, loose))
        return Piece(drawn, raised=True, letter=part.letter)

    def _entry(self, call: Call) -> Piece[T]:
        inner, at = call.arguments[0], call.option("at")
        index = index_text(at, shape_of(inner))
        match inner:
            case Name() if not (shown := self.style.symbol(inner.name)).subscript and not shown.text:
                return self._symbol(shown, index)
            case Adjoint() if not (of := self.style.symbol(inner.name)).subscript and not of.text:
                return self._adjoint(inner, index)
        part = self.piece(inner)
        return Piece(self.pen.entry(self._in(part, part.level < ATOM or part.raised), index))

    def _function(self, call: Call, notation: Function) -> Piece[T]:
        arguments = call.arguments
        options = self._options(call)
        only = arguments[0] if len(arguments) == 1 and not options else None
        enclosed = isinstance(only, tree.Literal) and _has_rows(only)
        if enclosed and isinstance(only, tree.Literal):
            drawn = [self.pen.array(only, "upright", "round")]
        else:
            drawn = [self.draw(a) for a in arguments]
        return Piece(self.pen.function(notation, call.operation, drawn, options, enclosed))

    def _options(self, call: Call) -> list[tuple[Symbol, str]]:
        """The options worth showing: numbers other than the operation's own."""
        defaults = operation_of(call).options
        return [
            (symbol(name), figure(value, max(self.style.decimals, 4)))
            for name, value in call.options
            if isinstance(value, int | float)
            and not isinstance(value, bool)
            and value != defaults.get(name)
        ]


_PLAIN_NUMBER = re.compile(r"\d{1,12}(\.\d{1,12})?|\.\d{1,12}")


def spelled_out(expression: Expression) -> Expression:
    """The formula as it is written: `outer(a, b)` as a bᵀ, `fill(g)` as g."""
    while isinstance(expression, Call):
        match operation_of(expression).notation:
            case As(formula):
                written = formula(*expression.arguments)
                is_call = isinstance(written, Call)
                expression = replace(written, shape=expression.shape) if is_call else written
            case Unwritten():
                expression = expression.arguments[0]
            case _:
                return expression
    return expression


def product_sign(left: Expression, right: Expression) -> ProductSign:
    """What stands between the factors of an elementwise product."""
    ranks = display_rank(left), display_rank(right)
    numeric = is_numeric(left), is_numeric(right)
    if min(ranks) > 0:
        # A number per case beside a column: one factor is a row, the other a column.
        per_case = [rank_of(e) == 0 for e in (left, right)]
        plain = [not is_cased(e) for e in (left, right)]
        crossed = (per_case[0] and plain[1]) or (per_case[1] and plain[0])
        return "dot" if crossed else "entrywise"
    if max(ranks) == 0 and all(numeric):
        return "times"
    if isinstance(left, tree.Literal) and ranks[0] == 0 and not numeric[1]:
        return "none"
    return "dot"


def is_numeric(expression: Expression) -> bool:
    """Whether no name is left in it."""
    return not tree.leaves(expression)


def is_cased(expression: Expression) -> bool:
    """Whether a number in it differs from case to case."""
    return any(isinstance(node, tree.Literal) and node.cased for node in tree.walk(expression))


def rank_of(expression: Expression) -> int:
    """The number of axes of one case; for a tree without shapes, the most that its parts have."""
    shape = shape_of(expression)
    if shape is not None:
        return len(shape)
    if isinstance(expression, Call) and operation_of(expression).elementwise:
        return max((rank_of(a) for a in expression.arguments), default=0)
    return 0


def display_rank(expression: Expression) -> int:
    """The number of axes shown: those of one case, and the cases."""
    return rank_of(expression) + is_cased(expression)


def index_text(at: Option, shape: tuple[int, ...] | None) -> str:
    """An index as mathematics writes it, counted from 1: `12`, `10,2`, `2,:`."""
    entries: tuple[Index, ...] = at if isinstance(at, tuple) else ()
    if shape is not None:
        entries = (*entries, *[Slice()] * (len(shape) - len(entries)))
    texts = [
        _index_entry(entry, shape[axis] if shape is not None else None)
        for axis, entry in enumerate(entries)
    ]
    short = all(len(text) == 1 and text.isdigit() for text in texts)
    return ("" if short else ",").join(texts)


def _index_entry(entry: Index, length: int | None) -> str:
    if isinstance(entry, int):
        if entry >= 0:
            return str(entry + 1)
        if length is not None:
            return str(entry + length + 1)
        return "end" if entry == -1 else f"end{entry + 1}"
    if entry == Slice():
        return ":"
    if length is None:
        start, stop = entry.start, entry.stop
        first = "" if start is None else str(start + 1) if start >= 0 else f"end{start + 1}"
        last = "" if stop is None else str(stop) if stop >= 0 else f"end{stop}"
        return f"{first}:{last}" + (f":{entry.step}" if entry.step not in (None, 1) else "")
    where = entry.positions(length)
    if len(where) == length and where.step == 1:
        return ":"
    if len(where) == 1:
        return f"{where[0] + 1}:{where[0] + 1}"
    text = f"{where[0] + 1}:{where[-1] + 1}" if where else "∅"
    return text if where.step == 1 else f"{text}:{where.step}"


def _has_rows(literal: tree.Literal) -> bool:
    """Whether it is shown as a column or a matrix of more than one row."""
    rows = grid(literal) if isinstance(literal.value, tuple) else None
    return rows is not None and len(rows) > 1


def _is_column(literal: tree.Literal) -> bool:
    return _has_rows(literal) and display_rank(literal) == 1


def _is_transposed(expression: Expression) -> bool:
    return isinstance(expression, Call) and isinstance(
        operation_of(expression).notation, Transposition
    )


def _is_entry(expression: Expression) -> bool:
    return isinstance(expression, Call) and isinstance(operation_of(expression).notation, Subscript)
