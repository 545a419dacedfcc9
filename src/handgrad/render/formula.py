"""How a formula is read for print: signs, parentheses, what stands beside what.

The rules are here once; a `Pen` only draws what they decide. Two printers that share
them cannot disagree about a parenthesis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Generic, Literal, Protocol, TypeVar

from handgrad import expression as tree
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name
from handgrad.figures import figure
from handgrad.notation import (
    ATOM,
    COMPARISON,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    As,
    Comparison,
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
from handgrad.operations.ranks import divides_arrays, is_cased
from handgrad.record import record
from handgrad.render.arrays import Orientation
from handgrad.render.reading import (
    ProductSign,
    has_rows,
    index_text,
    is_column,
    is_entry,
    is_transposed,
    product_sign,
    spelled_out,
)
from handgrad.render.style import Style
from handgrad.symbol import Symbol, symbol

T = TypeVar("T")

JUXTAPOSED = 2.5
"""Factors side by side bind tighter than a product with a sign: a ⊙ W x is a ⊙ (W x)."""

GRADIENT = 3.5
"""∂L/∂W and stacked fractions: whole within products, not under a power."""


DEEPEST = 110
"""Levels drawn at most; nothing a reader could follow is deeper."""

Brackets = Literal["square", "round"]


@record
class Piece(Generic[T]):
    """A part of a formula as drawn.

    Arguments:
        level: how tightly it binds (`handgrad.notation`).
        signed: it begins with a minus sign.
        raised: it ends in a superscript.
        letter: a single letter, beside which another needs no space.
        number: a written number.
        inside: the same for a place after another sign, where a negative number that it
            begins with stands in parentheses; None where that makes no difference.
    """

    drawn: T
    level: float = ATOM
    signed: bool = False
    raised: bool = False
    letter: bool = False
    number: bool = False
    inside: T | None = None


class Pen(Protocol[T]):
    """What a printer of mathematics can draw."""

    @property
    def style(self) -> Style: ...

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

    def gradient(self, loss: Symbol, of: Symbol, index: str, through: Symbol | None) -> T:
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

    def sum(self, left: T, sign: str, right: T) -> T:
        """left sign right; the sign is + − or one of < ≤ > ≥."""

    def product(self, left: T, sign: ProductSign, right: T, tight: bool) -> T: ...

    def negation(self, part: T) -> T: ...

    def transpose(self, part: T) -> T: ...

    def power(self, base: T, exponent: T) -> T: ...

    def fraction(self, over: Piece[T], under: Piece[T]) -> Piece[T]: ...

    def begins_with_digit(self, part: T) -> bool: ...


class Formula(Generic[T]):
    """Draws formula trees with a pen, each name in them once."""

    def __init__(self, pen: Pen[T]) -> None:
        self.pen = pen
        self.style = pen.style
        self.depth = 0
        self._leaves: dict[Leaf, Piece[T]] = {}

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
            case Name() | Adjoint():
                return self._leaf(expression)
            case Call() if self.depth > DEEPEST:
                return Piece(self.pen.symbol(Symbol("…", name="..."), ""))
            case Call():
                self.depth += 1
                drawn = self._call(expression)
                self.depth -= 1
                return drawn
            case _:
                raise TypeError(f"not a formula: {expression!r}")

    # -- leaves -----------------------------------------------------------------------------

    def _number(self, literal: tree.Literal) -> Piece[T]:
        assert not isinstance(literal.value, tuple)
        # A constant of an equation stands as it was written, not rounded.
        written = literal.text if _PLAIN_NUMBER.fullmatch(literal.text) else ""
        text = written or figure(literal.value, self.style.decimals)
        signed, power = text.startswith("-"), "e" in text
        level = SIGN if signed else PRODUCT if power else ATOM
        return Piece(self.pen.number(text), level, signed, raised=power, number=True)

    def _leaf(self, leaf: Leaf) -> Piece[T]:
        known = self._leaves.get(leaf)
        if known is None:
            if isinstance(leaf, Name):
                known = self._symbol(self.style.symbol(leaf.name), "")
            else:
                known = self._adjoint(leaf, "")
            self._leaves[leaf] = known
        return known

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
        loss = self.style.loss_of(adjoint)
        return Piece(self.pen.gradient(loss, of, index, through), GRADIENT)

    # -- calls ------------------------------------------------------------------------------

    def _call(self, expression: Call) -> Piece[T]:
        pen, arguments = self.pen, expression.arguments
        match operation_of(expression).notation:
            case Product():
                return self._product(expression)
            case MatrixProduct():
                return self._matrix_product(expression)
            case As() | Unwritten():
                written = spelled_out(expression)
                return self._call(written) if isinstance(written, Call) else self.piece(written)
            case Sum() as notation:
                left, right = self._beside(arguments[0], arguments[1])
                loose = right.level <= SUM and notation.source != "+"
                second = self._after(right, right.signed or loose)
                whole = pen.sum(left.drawn, notation.symbol, second)
                inside = (
                    pen.sum(left.inside, notation.symbol, second)
                    if left.inside is not None
                    else None
                )
                return Piece(whole, SUM, left.signed, inside=inside)
            case Comparison() as notation:
                left, right = map(self.piece, arguments)
                sides = [self._in(p, p.level <= COMPARISON) for p in (left, right)]
                return Piece(pen.sum(sides[0], notation.symbol, sides[1]), COMPARISON, left.signed)
            case Fraction() if divides_arrays(expression):
                return self._quotient(expression)
            case Fraction():
                return pen.fraction(self.piece(arguments[0]), self.piece(arguments[1]))
            case Power():
                base = self.piece(arguments[0])
                loose = base.level < ATOM or base.raised
                exponent = self.draw(arguments[1])
                return Piece(pen.power(self._in(base, loose), exponent), POWER, raised=True)
            case Negation():
                part = self.piece(arguments[0])
                drawn = pen.negation(self._after(part, part.level < PRODUCT or part.signed))
                return Piece(drawn, min(SIGN, part.level), signed=True)
            case Transposition():
                # NumPy's vectors are neither rows nor columns: ᵀ says something in a product only.
                if len(expression.shape or ()) == 1:
                    return self.piece(arguments[0])
                return self._transposed(arguments[0])
            case Subscript():
                return self._entry(expression)
            case Fence() as notation:
                return Piece(pen.fence(notation, self.draw(arguments[0])))
            case Indicator(relation):
                only = arguments[0]
                if isinstance(only, tree.Literal) and is_column(only):
                    column = pen.array(only, "upright", "square", f" {relation}")
                    return Piece(pen.indicator(column, relation, True))
                return Piece(pen.indicator(self.draw(only), relation, False))
            case Function() as notation:
                return self._function(expression, notation)

    def _beside(self, a: Expression, b: Expression) -> tuple[Piece[T], Piece[T]]:
        """Two terms; a vector that is broadcast over the rows of a matrix is a row there."""
        pieces = []
        for one, other in ((a, b), (b, a)):
            rows = len(other.shape or ()) == 2 and not is_cased(other)
            plain = isinstance(one, tree.Literal) and not (one.cased or one.row)
            if rows and isinstance(one, tree.Literal) and plain and len(one.shape) == 1:
                pieces.append(Piece(self.pen.array(one, "transposed", "square")))
            else:
                pieces.append(self.piece(one))
        return pieces[0], pieces[1]

    def _in(self, part: Piece[T], parenthesised: bool) -> T:
        return self.pen.parentheses(part.drawn) if parenthesised else part.drawn

    def _after(self, part: Piece[T], parenthesised: bool) -> T:
        """The part to the right of a sign."""
        bare = part.drawn if part.inside is None else part.inside
        return self.pen.parentheses(part.drawn) if parenthesised else bare

    def _product(self, call: Call) -> Piece[T]:
        a, b = call.arguments
        left, right = self.piece(a), self.piece(b)
        sign = product_sign(a, b)
        second = self._after(
            right,
            right.level < PRODUCT or right.signed or (right.number and right.level < ATOM),
        )
        if sign == "none" and self.pen.begins_with_digit(second):
            sign = "dot"
        if left.number and left.signed:
            enclosed = self.pen.parentheses(left.drawn)
            drawn = self.pen.product(left.drawn, sign, second, False)
            return Piece(drawn, PRODUCT, inside=self.pen.product(enclosed, sign, second, False))
        first = self._in(left, left.level < PRODUCT or (left.number and left.level < ATOM))
        drawn = self.pen.product(first, sign, second, False)
        inside = (
            self.pen.product(left.inside, sign, second, False) if left.inside is not None else None
        )
        return Piece(drawn, PRODUCT, left.signed, inside=inside)

    def _quotient(self, call: Call) -> Piece[T]:
        """Arrays divided entry by entry: a ⊘ b."""
        left, right = map(self.piece, call.arguments)
        second = self._after(right, right.level <= PRODUCT or right.signed)
        first = self._in(left, left.level < PRODUCT)
        drawn = self.pen.product(first, "divided", second, False)
        return Piece(drawn, PRODUCT, left.signed)

    def _matrix_product(self, call: Call) -> Piece[T]:
        a, b = call.arguments
        left, right = self.piece(a), self.piece(b)
        shapes = a.shape, b.shape
        # NumPy's vector on the left is a row: aᵀ b.
        row = shapes[0] is not None and len(shapes[0]) == 1 and shapes[1] is not None
        if row:
            bare = isinstance(a, Call) and is_transposed(a)
            left = self._transposed(a.arguments[0] if isinstance(a, Call) and bare else a)
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
        is_leaf = isinstance(argument, Name | Adjoint) or is_entry(argument)
        loose = part.level < ATOM or (part.raised and not is_leaf)
        drawn = self.pen.transpose(self._in(part, loose))
        return Piece(drawn, raised=True, letter=part.letter)

    def _entry(self, call: Call) -> Piece[T]:
        inner, at = call.arguments[0], call.option("at")
        index = index_text(at, inner.shape)
        if isinstance(inner, Name | Adjoint):
            shown = self.style.symbol(inner.name)
            # A subscript or a text of the problem's own leaves no place for the index.
            if not shown.subscript and not shown.text:
                if isinstance(inner, Adjoint):
                    return self._adjoint(inner, index)
                return self._symbol(shown, index)
        part = self.piece(inner)
        return Piece(self.pen.entry(self._in(part, part.level < ATOM or part.raised), index))

    def _function(self, call: Call, notation: Function) -> Piece[T]:
        arguments = call.arguments
        options = self._options(call)
        if operation_of(call).family == "reduction" and (index := _axis_letter(call)):
            notation = replace(notation, index=index)
        only = arguments[0] if len(arguments) == 1 and not options else None
        enclosed = isinstance(only, tree.Literal) and has_rows(only)
        if enclosed and isinstance(only, tree.Literal):
            drawn = [self.pen.array(only, "upright", "round")]
        else:
            pieces = [self.piece(a) for a in arguments]
            drawn = [piece.drawn for piece in pieces]
            # √4 and √s: the sign itself says how far it reaches.
            enclosed = notation.symbol == "√" and all(
                p.level == ATOM and not p.signed and (p.letter or p.number) for p in pieces
            )
        return Piece(self.pen.function(notation, call.operation, drawn, options, enclosed))

    def _options(self, call: Call) -> list[tuple[Symbol, str]]:
        """The options worth showing: numbers other than the operation's own."""
        defaults = operation_of(call).options
        return [
            (symbol(name), figure(value, max(self.style.decimals, 4)))
            for name, value in call.options
            if not (name == "axis" and _axis_is_plain(call))
            and isinstance(value, int | float)
            and not isinstance(value, bool)
            and value != defaults.get(name)
        ]


def _axis_letter(call: Call) -> str:
    """The letter of the index that a reduction of a matrix runs along: i counts rows, j columns."""
    axis, rank = call.option("axis"), len(call.arguments[0].shape or ())
    if not isinstance(axis, int) or not 1 < rank <= len(LETTERS):
        return ""
    return LETTERS[axis % rank]


def _axis_is_plain(call: Call) -> bool:
    """Whether the axis need not be named: a vector has but one, and a reduction's has its letter."""
    shape = call.arguments[0].shape
    if shape is not None and len(shape) == 1:
        return True
    return operation_of(call).family == "reduction" and bool(_axis_letter(call))


LETTERS = "ijk"
"""The letters of indices, in the order of the axes."""

_PLAIN_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,12})?|\.\d{1,12}")
