"""How a formula is laid out: signs, parentheses, what stands beside what.

The rules are here once, and make a tree (`handgrad.formats.mathematics.nodes`) that each format
draws. Two formats cannot disagree about a parenthesis.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from handgrad import expression as tree
from handgrad import notation
from handgrad.expression import Adjoint, Call, Expression, Leaf, Literal, Nested
from handgrad.figures import figure
from handgrad.formats.mathematics import nodes
from handgrad.formats.mathematics.arrays import elided
from handgrad.formats.mathematics.nodes import (
    LIST,
    ROUND,
    SQUARE,
    Array,
    Condition,
    EntryOf,
    Fenced,
    FigureText,
    Head,
    Identifier,
    Named,
    Node,
    Root,
    Row,
    Sign,
    SignKind,
    Through,
    Transposed,
    begins_with_digit,
    separated,
)
from handgrad.formats.mathematics.reading import (
    has_rows,
    index_text,
    is_column,
    is_entry,
    is_transposed,
    product_sign,
    spelled_out,
)
from handgrad.formats.mathematics.repetition import written_out
from handgrad.formats.style import Style
from handgrad.notation import ATOM, COMPARISON, POWER, PRODUCT, SIGN, SUM, Function
from handgrad.operations import operation_of
from handgrad.operations.ranks import divides_arrays, reduced_letter
from handgrad.record import record
from handgrad.symbol import GREEK, Symbol, symbol

JUXTAPOSED = 2.5
"""Factors side by side bind tighter than a product with a sign: a ⊙ W x is a ⊙ (W x)."""

GRADIENT = 3.5
"""∂L/∂W and stacked fractions: whole within products, not under a power."""

DEEPEST = 110
"""Levels laid out at most; nothing a reader could follow is deeper."""

LISTED = 8
"""Entries of an array shown on a single line."""


@record
class Piece:
    """A part of a formula as laid out.

    Arguments:
        level: how tightly it binds (`handgrad.notation`).
        signed: it begins with a minus sign.
        raised: it ends in a superscript.
        letter: a single letter, beside which another needs no space.
        number: a written number.
        inside: the same for a place after another sign, where a negative number that it
            begins with stands in parentheses; None where that makes no difference.
    """

    node: Node
    level: float = ATOM
    signed: bool = False
    raised: bool = False
    letter: bool = False
    number: bool = False
    inside: Node | None = None


class Formula:
    """Lays formulas out, each name in them once.

    Arguments:
        linear: for running text, where nothing is taller than a line.
        flat: says of a part that it takes a single line; a fraction of two such parts then
            stands on one line too. Without it every fraction is stacked.
        named: what code calls a part of a formula; empty for what it has no name for.
    """

    def __init__(
        self,
        style: Style,
        linear: bool = False,
        flat: Callable[[Node], bool] | None = None,
        named: Callable[[Expression], str] | None = None,
    ) -> None:
        self.style = style
        self.linear = linear
        self.flat = flat
        self.named = named
        self.depth = 0
        self._leaves: dict[Leaf, Piece] = {}

    def node(self, expression: Expression) -> Node:
        """The whole formula."""
        return self.piece(expression).node

    def piece(self, expression: Expression) -> Piece:
        """The formula as a part of a larger one."""
        match expression:
            case Literal(value=tuple()):
                return Piece(self._array(Array(expression)))
            case Literal():
                return self._known(self._number(expression), expression)
            case tree.Name() | Adjoint():
                return self._known(self._leaf(expression), expression)
            case Call() if self.depth > DEEPEST:
                return Piece(Identifier(Symbol("…", name="...")))
            case Call():
                self.depth += 1
                laid_out = self._call(expression)
                self.depth -= 1
                return self._known(laid_out, expression)
            case _:
                raise TypeError(f"not a formula: {expression!r}")

    def _known(self, piece: Piece, expression: Expression) -> Piece:
        """The piece, with the name that code has for what it is."""
        name = self.named(expression) if self.named else ""
        if not name:
            return piece
        node, letter, number = Named(piece.node, name), piece.letter, piece.number
        return Piece(node, piece.level, piece.signed, piece.raised, letter, number)

    # -- leaves -----------------------------------------------------------------------------

    def _number(self, literal: Literal) -> Piece:
        assert not isinstance(literal.value, tuple)
        # A constant of an equation stands as it was written, not rounded.
        written = literal.text if _PLAIN_NUMBER.fullmatch(literal.text) else ""
        text = written or figure(literal.value, self.style.decimals)
        signed, power = text.startswith("-"), "e" in text
        level = SIGN if signed else PRODUCT if power else ATOM
        return Piece(FigureText(text, literal.value), level, signed, raised=power, number=True)

    def _array(self, array: Array) -> Node:
        """An array; on a single line, its entries listed: [0.5, −0.3], rows in brackets too."""
        if not self.linear:
            node: Node = array
        elif array.brackets is SQUARE:
            node = self._listed(array.literal.value)
        else:
            node = Fenced(array.brackets, self._listed(array.literal.value))
        name = self.named(array.literal) if self.named else ""
        return Named(node, name) if name else node

    def _listed(self, value: Nested) -> Node:
        if not isinstance(value, tuple):
            return FigureText(figure(value, self.style.decimals))
        shown = elided(len(value), LISTED)
        entries = (Sign("dots") if i is None else self._listed(value[i]) for i in shown)
        return Fenced(LIST, separated(entries))

    def _leaf(self, leaf: Leaf) -> Piece:
        known = self._leaves.get(leaf)
        if known is None:
            known = self._leaves[leaf] = self._name(leaf, "")
        return known

    def _name(self, leaf: Leaf, index: str) -> Piece:
        shown = self.style.symbol(leaf.name)
        if isinstance(leaf, Adjoint):
            return self._adjoint(leaf, shown, index)
        raised = bool(shown.superscript) or bool(shown.text)
        return Piece(
            Identifier(shown, index), raised=raised, letter=not (shown.upright or shown.text)
        )

    def _adjoint(self, adjoint: Adjoint, of: Symbol, index: str) -> Piece:
        if adjoint.name in self.style.error_signals and not of.text:
            typed = f"delta{of.name[len(_GREEK_NAMES.get(of.base, of.base)) :]}"
            delta = replace(of, base="δ", accent="", upright=False, name=typed)
            signal = self._through(Identifier(delta, index), adjoint)
            return Piece(signal, raised=bool(of.superscript), letter=not adjoint.through)
        over = Row((Sign("partial"), Identifier(self.style.loss_of(adjoint))))
        under = Row((Sign("partial"), Identifier(of, index)))
        stacked = not self.linear and self.flat is None
        gradient = nodes.Stacked(over, under) if stacked else Row((over, Sign("slash"), under))
        return Piece(self._through(gradient, adjoint), GRADIENT)

    def _through(self, node: Node, adjoint: Adjoint) -> Node:
        return (
            Through(node, Identifier(self.style.symbol(adjoint.through)))
            if adjoint.through
            else node
        )

    # -- calls ------------------------------------------------------------------------------

    def _call(self, expression: Call) -> Piece:
        arguments = expression.arguments
        match operation_of(expression).notation:
            case notation.Product():
                return self._product(expression)
            case notation.MatrixProduct():
                return self._matrix_product(expression)
            case notation.Unwritten() if self.depth == 1 and arguments[0].shape:
                whole = written_out(expression)
                return self.piece(arguments[0] if whole is expression else whole)
            case notation.As() | notation.Unwritten():
                written = spelled_out(expression)
                return self._call(written) if isinstance(written, Call) else self.piece(written)
            case notation.Sum(source, sign):
                left, right = map(self.piece, arguments)
                loose = right.level <= SUM and source != "+"
                second = _after(right, right.signed or loose)
                return _joined(left, left.node, cast(SignKind, sign), second, SUM)
            case notation.Inequality(symbol=sign):
                row = self._compared(arguments, cast(SignKind, sign))
                return Piece(row, COMPARISON, self.piece(arguments[0]).signed)
            case notation.Fraction() if divides_arrays(expression):
                return self._quotient(expression)
            case notation.Fraction():
                return self._fraction(self.piece(arguments[0]), self.piece(arguments[1]))
            case notation.Power():
                base = self.piece(arguments[0])
                loose = base.level < ATOM or base.raised
                exponent = self.node(arguments[1])
                return Piece(nodes.Raised(_in(base, loose), exponent), POWER, raised=True)
            case notation.Negation():
                part = self.piece(arguments[0])
                row = Row((Sign("negative"), _after(part, part.level < PRODUCT or part.signed)))
                return Piece(row, min(SIGN, part.level), signed=True)
            case notation.Transposition():
                # NumPy's vectors are neither rows nor columns: ᵀ says something in a product only.
                if len(expression.shape or ()) == 1:
                    return self.piece(arguments[0])
                return self._transposed(arguments[0])
            case notation.Subscript():
                return self._entry(expression)
            case notation.Picked():
                part = self.piece(arguments[0])
                held = _in(part, part.level < ATOM or part.raised)
                numbers = arguments[1]
                if isinstance(numbers, Literal) and len(numbers.shape) == 1 and not numbers.batched:
                    return Piece(Row((held, self._listed(numbers.value))))
                return Piece(Row((held, Fenced(SQUARE, self.node(numbers)))))
            case notation.Fence() as brackets:
                fenced = Fenced(brackets, self.node(arguments[0]))
                return Piece(EntryOf(fenced, brackets.below) if brackets.below else fenced)
            case notation.Indicator(relation):
                only = arguments[0]
                if not self.linear and isinstance(only, Literal) and is_column(only):
                    inside = self._array(Array(only, relation=relation))
                else:
                    inside = Fenced(SQUARE, Row((self.node(only), Condition(relation))))
                return Piece(Row((Sign("one"), inside)))
            case notation.Compared(symbol=sign):
                inside = self._compared(arguments, cast(SignKind, sign))
                return Piece(Row((Sign("one"), Fenced(SQUARE, inside))))
            case notation.Inside(sign):
                return self._inside(expression, cast(SignKind, sign))
            case notation.Letter(name):
                return Piece(Identifier(symbol(name)), letter=True)
            case Function() as function:
                return self._function(expression, function)

    def _compared(self, sides: Sequence[Expression], sign: SignKind) -> Row:
        """a > b."""
        left, right = (_in(p, p.level <= COMPARISON) for p in map(self.piece, sides))
        return Row((left, Sign(sign), right))

    def _product(self, call: Call) -> Piece:
        a, b = call.arguments
        left, right = map(self.piece, call.arguments)
        sign = product_sign(a, b)
        loose = right.level < PRODUCT or (right.number and right.level < ATOM)
        second = _after(right, right.signed or loose)
        if sign == "none" and begins_with_digit(second):
            sign = "dot"
        kind: SignKind = "space" if sign == "none" else sign
        if left.number and left.signed:
            enclosed = Row((Fenced(ROUND, left.node), Sign(kind), second))
            return Piece(Row((left.node, Sign(kind), second)), PRODUCT, inside=enclosed)
        first = _in(left, left.level < PRODUCT or (left.number and left.level < ATOM))
        return _joined(left, first, kind, second, PRODUCT)

    def _quotient(self, call: Call) -> Piece:
        """Arrays divided entry by entry: a ⊘ b."""
        left, right = map(self.piece, call.arguments)
        second = _after(right, right.level <= PRODUCT or right.signed)
        row = Row((_in(left, left.level < PRODUCT), Sign("divided"), second))
        return Piece(row, PRODUCT, left.signed)

    def _fraction(self, over: Piece, under: Piece) -> Piece:
        simple = all(p.level >= POWER or p.number for p in (over, under))
        if not (
            self.linear or (self.flat and simple and all(map(self.flat, (over.node, under.node))))
        ):
            return Piece(nodes.Stacked(over.node, under.node), GRADIENT)
        first = _in(over, over.level < PRODUCT and not over.number)
        second = _in(under, under.level < POWER)
        return Piece(Row((first, Sign("slash"), second)), PRODUCT, over.signed)

    def _matrix_product(self, call: Call) -> Piece:
        a, b = map(written_out, call.arguments)
        left, right = self.piece(a), self.piece(b)
        # NumPy's vector on the left is a row: aᵀ b.
        if a.shape is not None and len(a.shape) == 1 and b.shape is not None:
            bare = isinstance(a, Call) and is_transposed(a)
            left = self._transposed(a.arguments[0] if isinstance(a, Call) and bare else a)
        first = _in(left, left.level < JUXTAPOSED or (left.signed and left.number))
        second = _in(right, right.level < JUXTAPOSED or right.signed)
        between = Sign("tight" if left.letter and right.letter else "space")
        return Piece(Row((first, between, second)), JUXTAPOSED, left.signed and not left.number)

    def _transposed(self, argument: Expression) -> Piece:
        if isinstance(argument, Literal) and not argument.batched:
            if isinstance(argument.value, tuple) and len(argument.shape) < 3:
                return Piece(self._array(Array(argument, "transposed")))
            if not argument.shape:
                return self.piece(argument)
        part = self.piece(argument)
        is_leaf = isinstance(argument, tree.Name | Adjoint) or is_entry(argument)
        loose = part.level < ATOM or (part.raised and not is_leaf)
        return Piece(Transposed(_in(part, loose)), raised=True, letter=part.letter)

    def _entry(self, call: Call) -> Piece:
        inner, at = call.arguments[0], call.option("at")
        index = index_text(at, inner.shape)
        taken = False
        if isinstance(inner, tree.Name | Adjoint):
            shown = self.style.symbol(inner.name)
            # A subscript or a text of the problem's own leaves no place for the index.
            taken = bool(shown.subscript or shown.text)
            if not taken:
                return self._name(inner, index)
        part = self.piece(inner)
        return Piece(EntryOf(_in(part, part.level < ATOM or part.raised or taken), index))

    def _inside(self, call: Call, sign: SignKind) -> Piece:
        """1[low < a < high], with one of the two signs where only one bound is given."""
        part = self.piece(call.arguments[0])
        parts: list[Node] = [_in(part, part.level <= COMPARISON)]
        for name in ("low", "high"):
            bound = call.option(name)
            if isinstance(bound, int | float):
                written = FigureText(figure(bound, max(self.style.decimals, 4)))
                turned: SignKind = cast(SignKind, {"<": ">", "≤": "≥"}[sign])
                if name == "low" and call.option("high") is None:
                    parts += [Sign(turned), written]
                elif name == "low":
                    parts = [written, Sign(sign), *parts]
                else:
                    parts += [Sign(sign), written]
        return Piece(Row((Sign("one"), Fenced(SQUARE, Row(tuple(parts))))))

    def _function(self, call: Call, function: Function) -> Piece:
        arguments, options = call.arguments, list(self._options(call))
        if index := reduced_letter(call):
            function = replace(function, index=index)
        only = arguments[0] if len(arguments) == 1 and not options else None
        if not self.linear and isinstance(only, Literal) and has_rows(only):
            inside = self._array(Array(only, brackets=ROUND))
            if function.symbol == "√":
                return Piece(Root(inside, True, call.operation))
            return Piece(Row((Head(function, call.operation), inside)))
        pieces = [self.piece(a) for a in arguments]
        if function.symbol == "√":
            (part,) = pieces
            clear = part.level == ATOM and not part.signed and (part.letter or part.number)
            return Piece(Root(part.node, clear, call.operation))
        inside = separated(piece.node for piece in pieces)
        if heading := call.option(operation_of(call).heading):
            inside = separated(
                (_text(str(heading).replace("->", " → ").strip()), inside), "semicolon"
            )
        if options:
            inside = separated((inside, separated(options)), "semicolon")
        return Piece(Row((Head(function, call.operation), Fenced(ROUND, inside))))

    def _options(self, call: Call) -> Iterator[Node]:
        """The options worth showing: numbers other than the operation's own, and several where they are told of."""
        record = operation_of(call)
        defaults, notation_of = record.options, record.notation
        shown = notation_of.shown if isinstance(notation_of, Function) else ()
        for name, value in call.options:
            told = (name in record.words.options or name in shown) and name != record.heading
            if told and isinstance(value, str | tuple) and value != ():
                several = value if isinstance(value, str) else _tuple(value)
                yield Row((Identifier(symbol(name)), Sign("equals"), _text(several)))
                continue
            if not isinstance(value, int | float) or isinstance(value, bool):
                continue
            plain = name == "axis" and _axis_is_plain(call)
            if not plain and value != defaults.get(name):
                written = figure(value, max(self.style.decimals, 4))
                yield Row((Identifier(symbol(name)), Sign("equals"), FigureText(written)))


def _tuple(value: tuple[object, ...]) -> str:
    """(2, −1); of a single length the number."""
    told = ", ".join(map(str, value)).replace("-", "−")
    return told if len(value) == 1 else f"({told})"


def _text(text: str) -> Node:
    """The value of an option that is no number."""
    return Identifier(Symbol(base=text, text=text, upright=True))


def _in(part: Piece, parenthesised: bool) -> Node:
    return Fenced(ROUND, part.node) if parenthesised else part.node


def _after(part: Piece, parenthesised: bool) -> Node:
    """The part to the right of a sign."""
    return _in(part, parenthesised) if parenthesised or part.inside is None else part.inside


def _joined(left: Piece, first: Node, sign: SignKind, second: Node, level: float) -> Piece:
    """Two parts and the sign between them; where more stands before, as what begins with a sign."""
    row = Row((first, Sign(sign), second))
    inside = None if left.inside is None else Row((left.inside, Sign(sign), second))
    return Piece(row, level, left.signed, inside=inside)


def _axis_is_plain(call: Call) -> bool:
    """Whether the axis need not be named: a vector has but one, and a reduction's has its letter."""
    shape = call.arguments[0].shape
    if shape is not None and len(shape) == 1:
        return True
    return bool(reduced_letter(call))


_PLAIN_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,12})?|\.\d{1,12}")
_GREEK_NAMES = {letter: word for word, letter in GREEK.items()}
