"""How wide a formula is, about, in ems of its type, wherever it is set."""

from __future__ import annotations

from functools import lru_cache
from typing import assert_never

from handgrad.figures import BLANK, figure, mantissa_and_power
from handgrad.formats.mathematics import nodes
from handgrad.formats.mathematics.arrays import Grid, elided, grid, slices
from handgrad.formats.mathematics.nodes import ROUND, Node, parts_of
from handgrad.record import record
from handgrad.symbol import Symbol

DIGIT, POINT, MINUS, LETTER = 0.5, 0.28, 0.78, 0.58
"""Widths in em of Computer Modern; a letter is about as wide as that."""

PLACE = 4.6
"""The width of a place to fill in."""

SIGN, GAP, BRACKET, SCRIPT = 1.25, 1.0, 0.65, 0.7
"""A sign with its space, the gap between columns, a tall bracket, and the size of a script."""


@record
class Widths:
    """Measures formulas whose arrays are shown with so many rows and columns at most."""

    rows: int
    columns: int
    decimals: int

    def of(self, node: Node | nodes.Bracket) -> float:
        """The width in em."""
        match node:
            case nodes.Named(part):
                return self.of(part)
            case nodes.Row(parts):
                return sum(map(self.of, parts))
            case nodes.Sign(kind):
                return _SIGN_WIDTHS.get(kind, SIGN)
            case nodes.Identifier(symbol, index):
                return _name_width(symbol, index)
            case nodes.FigureText(text):
                return figure_width(text)
            case nodes.Fenced(brackets, part) if brackets is ROUND:
                return self.of(part) + (2 * BRACKET if is_tall(part) else 0.8)
            case nodes.Fenced(_, part):
                return self.of(part) + 2 * BRACKET
            case nodes.Array(literal, relation=relation):
                rows = grid(literal, node.orientation)
                if rows is None:
                    smaller = slices(literal)[: self.columns]
                    return 1.0 + sum(self.of(nodes.Array(part)) + 0.5 for part in smaller)
                beside = (2.0 if relation else 0.0) + (1.8 if node.brackets is ROUND else 0.0)
                width = _grid_width(rows, self.rows, self.columns, self.decimals)
                return width + 2 * BRACKET + beside
            case nodes.Evaluated(part, marks):
                return self.of(part) + 0.3 * bool(marks)
            case nodes.Condition():
                return 1.3
            case nodes.Head(notation):
                return DIGIT * len(notation.symbol)
            case nodes.Bracket():
                return 0.4
            case nodes.Root(part):
                return self.of(part) + 2.3
            case nodes.Stacked(over, under):
                return 0.3 + max(self.of(over), self.of(under))
            case nodes.Raised(base, exponent):
                return self.of(base) + SCRIPT * self.of(exponent)
            case nodes.Transposed(part):
                return self.of(part) + 0.55
            case nodes.EntryOf(part, index):
                return self.of(part) + SCRIPT * DIGIT * len(index)
            case nodes.Through(part, through):
                return self.of(part) + 0.3 + SCRIPT * self.of(through)
            case _:
                assert_never(node)


@lru_cache(maxsize=1024)
def _grid_width(rows: Grid, most_rows: int, most_columns: int, decimals: int) -> float:
    """The width of a grid, which stands in several formulas."""
    shown = [i for i in elided(len(rows), most_rows) if i is not None]
    widths: list[float] = []
    for j in elided(len(rows[0]) if rows else 0, most_columns):
        texts = [figure(rows[i][j], decimals) for i in shown] if j is not None else []
        widths.append(max(map(figure_width, texts), default=1.2))
    return sum(widths) + GAP * (len(widths) - 1)


_SIGN_WIDTHS = {
    "space": 0.2, "tight": 0.2, "comma": 0.5, "semicolon": 0.5, "negative": MINUS, "one": 0.6,
    "partial": 0.6, "dots": 1.2,
}  # fmt: skip


def is_tall(node: Node) -> bool:
    """Whether it is higher than a line."""
    match node:
        case nodes.Array(literal):
            rows = grid(literal, node.orientation)
            return rows is None or len(rows) > 1
        case nodes.Stacked():
            return True
        case _:
            return any(map(is_tall, parts_of(node)))


@lru_cache(maxsize=4096)
def figure_width(text: str) -> float:
    """The width in em of a figure in ASCII; of a place to fill in, what is left for it."""
    if text == BLANK:
        return PLACE
    mantissa, e, exponent = mantissa_and_power(text)
    width = sum({"-": MINUS, ".": POINT}.get(c, DIGIT) for c in mantissa)
    return width + (1.8 + SCRIPT * DIGIT * len(exponent) if e else 0.0)


@lru_cache(maxsize=4096)
def _name_width(symbol: Symbol, index: str) -> float:
    shown = symbol.text or symbol.base
    above = len(symbol.superscript) + 2 * bool(symbol.superscript)
    scripts = max(above, len(symbol.subscript) + len(index))
    return LETTER * (1.4 if shown.isupper() else 1) * len(shown) + SCRIPT * DIGIT * scripts
