"""The parts of a laid-out formula: a small closed tree, drawn by one mapping for each format.

What there is to decide about a formula (parentheses, signs, what stands beside, above or below
what, where a line may end) has been decided when there is a node for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import Literal as Choice
from typing import TypeAlias, assert_never

from handgrad.expression import Literal
from handgrad.formats.mathematics.arrays import (
    Orientation,
    Positions,
    elided,
    grid,
    place_in_grid,
    positions_shown,
    slices,
)
from handgrad.notation import Fence as Brackets
from handgrad.notation import Function
from handgrad.record import record
from handgrad.symbol import Symbol

SUM_BREAK, PRODUCT_BREAK, DEEPER = 0, 1, 2
"""What it costs to end a line at a sum's sign, at a product's, and more for each bracket around."""

ROUND = Brackets("(", ")", "(", ")")
SQUARE = Brackets("[", "]", "[", "]")
LIST = Brackets("[", "]", "[", "]")
BRACES = Brackets("{", "}", r"\left\{", r"\right\}")

Mark: TypeAlias = Choice["off", "zeroed", "changed"]
SignKind: TypeAlias = Choice[
    "+", "−", "<", "≤", ">", "≥", "times", "dot", "entrywise", "divided", "space", "tight",
    "comma", "semicolon", "equals", "slash", "negative", "partial", "one", "dots",
]  # fmt: skip

SUM_SIGNS: tuple[SignKind, ...] = ("+", "−", "<", "≤", ">", "≥")

_COSTS: Mapping[SignKind, int] = {
    **dict.fromkeys(SUM_SIGNS, SUM_BREAK),
    **dict.fromkeys(("times", "dot", "entrywise", "divided", "space", "tight"), PRODUCT_BREAK),
    **dict.fromkeys(("comma", "semicolon"), PRODUCT_BREAK),
}


_ENDING = ("comma", "semicolon", "space", "tight")
"""Signs that stand at the end of a line, where others begin one."""


@record
class FigureText:
    """A figure in ASCII: `-0.3654`, `1.23e-9`; and the number that it is of, at full precision."""

    text: str
    value: float | None = field(default=None, compare=False)


@record
class Array:
    """An array of numbers.

    Arguments:
        brackets: `ROUND` ones stand for a function's own parentheses.
        relation: written after every entry of a column, such as "> 0".
        within: of a part of an array, where in the whole it stands.
        case: of one case's part, the case, counted from 0.
    """

    literal: Literal
    orientation: Orientation = "upright"
    brackets: Brackets = SQUARE
    relation: str = ""
    within: tuple[int, ...] = ()
    case: int | None = None

    @property
    def zeros(self) -> dict[tuple[int, int], Mark]:
        """The zeros of a gradient that is put in, by the row and column where they are drawn."""
        rows = grid(self.literal, self.orientation) if self.literal.gradient else None
        cells = ((i, j, x) for i, row in enumerate(rows or ()) for j, x in enumerate(row))
        return {(i, j): "zeroed" for i, j, x in cells if x == 0}


@record
class Evaluated:
    """What a relation comes to: cases under headers, marked entries, remarks beside rows.

    `shape` is said, in words, where some of the entries are left out; `tone` is what the remarks are about.
    """

    part: FigureText | Array
    marks: Mapping[tuple[int, ...], Mark]
    remarks: Mapping[int, str]
    shape: str = ""
    tone: Mark = "off"

    @property
    def placed(self) -> dict[tuple[int, int], Mark]:
        """The marks of an array that is a grid, by row and column."""
        assert isinstance(self.part, Array)
        return {place_in_grid(self.part.literal, at): mark for at, mark in self.marks.items()}


@record
class Identifier:
    """A name, with the index of an entry below it."""

    symbol: Symbol
    index: str = ""


@record
class Sign:
    """A sign between, before or in place of other parts; "space" and "tight" part factors."""

    kind: SignKind

    @property
    def cost(self) -> int | None:
        """What it costs to end a line here; None where none may end."""
        return _COSTS.get(self.kind)


@record
class Condition:
    """A relation to a number after what it is said of: `> 0`."""

    text: str


@record
class Head:
    """A function's name before its parentheses; `operation` is what the table calls it."""

    notation: Function
    operation: str


@record
class Row:
    """Parts beside each other."""

    parts: tuple[Node, ...]


@record
class Fenced:
    """A part between brackets or bars."""

    brackets: Brackets
    part: Node


@record
class Root:
    """A square root; the sign of a `clear` one says by itself how far it reaches."""

    part: Node
    clear: bool
    operation: str


@record
class Stacked:
    """One part over another."""

    over: Node
    under: Node


@record
class Raised:
    base: Node
    exponent: Node


@record
class Transposed:
    part: Node


@record
class EntryOf:
    """An entry of something that is no plain name."""

    part: Node
    index: str


@record
class Through:
    """The share of a gradient that comes through one quantity: a bar after it, the name below."""

    part: Node
    through: Identifier


@record
class Named:
    """A part with the name that code has for what it is; laid out only for who asks for names."""

    part: Node
    name: str


Node: TypeAlias = (
    FigureText
    | Array
    | Evaluated
    | Identifier
    | Sign
    | Condition
    | Head
    | Row
    | Fenced
    | Root
    | Stacked
    | Raised
    | Transposed
    | EntryOf
    | Through
    | Named
)


def separated(parts: Iterable[Node], sign: SignKind = "comma") -> Row:
    """Parts with a sign between each two."""
    found: list[Node] = []
    for part in parts:
        found += [Sign(sign), part] if found else [part]
    return Row(tuple(found))


def slices_shown(literal: Literal, limit: int) -> Positions:
    """Which of the smaller arrays that one without a grid is drawn as are shown, None for dots; of a large one the first."""
    return elided(len(slices(literal)), limit if literal.whole is None else min(limit, 2))


def sliced(array: Array, limit: int) -> Iterator[Node]:
    """An array without a grid as smaller ones, at most `limit` with dots in place of others."""
    parts = slices(array.literal)
    for i in slices_shown(array.literal, limit):
        if i is None:
            yield Sign("dots")
        else:
            literal = array.literal
            batched = literal.batched
            at = literal.position(len(literal.shape) if batched else 0, i)
            within = array.within if batched else (*array.within, at)
            yield Array(parts[i], within=within, case=at if batched else array.case)


def titled(array: Array, limit: int) -> Iterator[tuple[str, Node]]:
    """The same, each with the case that it is of above it, if it is of any."""
    literal = array.literal
    shown = slices_shown(literal, limit)
    for c, part in zip(shown, sliced(array, limit), strict=True):
        title = ""
        if c is not None and literal.batched:
            title = f"case {literal.position(len(literal.shape), c) + 1}"
        yield title, part


LEAVES = frozenset((FigureText, Identifier, Sign, Condition, Head))
"""Parts that no array is in."""


def parts_of(node: Node) -> tuple[Node, ...]:
    """The parts that a part is made of."""
    match node:
        case Row(parts):
            return parts
        case Stacked(one, other) | Raised(one, other):
            return one, other
        case Evaluated(part) | Fenced(part=part) | Root(part) | Transposed(part) | EntryOf(part):
            return (part,)
        case Through(part) | Named(part):
            return (part,)
        case FigureText() | Array() | Identifier() | Sign() | Condition() | Head():
            return ()
        case _:
            assert_never(node)


def arrays(node: Node) -> list[Array]:
    """Every array in a formula, from left to right."""
    if isinstance(node, Array):
        return [node]
    found: list[Array] = []
    for part in parts_of(node):
        kind = type(part)
        if kind not in LEAVES:
            found += (part,) if isinstance(part, Array) else arrays(part)
    return found


def columns(array: Array) -> int:
    """The columns of an array, or how many smaller ones it is shown as, if those are more."""
    rows = grid(array.literal, array.orientation)
    if rows is not None:
        return len(rows[0]) if rows else 0
    parts = slices(array.literal)
    return max(len(parts), columns(Array(parts[0])) if parts else 0)


def rows_shown(result: Evaluated, most: tuple[int, int]) -> Positions:
    """Which rows of a result stand on the page where there is room for so many rows and columns."""
    if not isinstance(result.part, Array):
        return (0,)
    rows = grid(result.part.literal)
    if rows is None:
        return ()
    return positions_shown(rows, most, result.placed, result.remarks)[0]


def row_numbers(shown: Positions) -> tuple[str, ...]:
    """What stands beside the rows of a result of which some are left out: which those next to a gap are, from 1 on."""
    if None not in shown:
        return ()
    around = zip((0, *shown), shown, (*shown[1:], 0), strict=False)
    return tuple(
        f"row {i + 1}" if i is not None and None in (before, after) else ""
        for before, i, after in around
    )


def leaves_out(result: Evaluated, most_rows: int, most_columns: int) -> bool:
    """Whether a result is too large to be shown whole."""
    rows = grid(result.part.literal) if isinstance(result.part, Array) else None
    return rows is not None and (len(rows) > most_rows or len(rows[:1] and rows[0]) > most_columns)


def begins_with_digit(node: Node) -> bool:
    """Whether a digit comes first, so that a number before it would run into it."""
    match node:
        case FigureText(text):
            return text[:1].isdigit() or not text.isascii()  # a hole's
        case Identifier(symbol):
            return symbol.base[:1].isdigit()
        case Sign(kind):
            return kind == "one"
        case Fenced() | Root():
            return False
        case _:
            return any(map(begins_with_digit, parts_of(node)[:1]))


@record
class Bracket:
    """One side of brackets whose two sides may come to stand on different lines."""

    of: Fenced
    closing: bool = False


Piece: TypeAlias = tuple[int, tuple["Node | Bracket", ...]]
"""What stands between two places where a line may end, and what it costs to end one before it."""


def pieces(node: Node, opened: Callable[[Node], Fenced | None]) -> list[Piece]:
    """A formula in the pieces between which a line may end.

    `opened` gives the brackets that a part stands in, if a line may end within it.
    """
    match node:
        case Row(parts):
            found: list[Piece] = [(SUM_BREAK, ())]
            for part in parts:
                cost, last = found[-1]
                if isinstance(part, Sign) and part.cost is not None:
                    if part.kind in _ENDING:
                        found[-1:] = [(cost, (*last, part)), (part.cost, ())]
                    else:
                        found.append((part.cost, (part,)))
                else:
                    (_, first), *rest = pieces(part, opened)
                    found[-1:] = [(cost, (*last, *first)), *rest]
            return found
        case _ if (fence := opened(node)) and len(inner := pieces(fence.part, opened)) > 1:
            found = [(cost + DEEPER, piece) for cost, piece in inner]
            found[0] = (SUM_BREAK, (Bracket(fence), *found[0][1]))
            found[-1] = (found[-1][0], (*found[-1][1], Bracket(fence, closing=True)))
            return found
        case _:
            return [(SUM_BREAK, (node,))]
