"""How wide a formula is in LaTeX, and its pieces between which a line may end."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from handgrad.expression import Expression
from handgrad.figures import figure, mantissa_and_power
from handgrad.formats.latex import COLUMNS, ROWS, Latex
from handgrad.formats.mathematics import nodes
from handgrad.formats.mathematics.arrays import Grid, elided, grid, slices
from handgrad.formats.mathematics.formula import Formula
from handgrad.formats.mathematics.nodes import ROUND, Node, parts_of, pieces
from handgrad.formats.style import Style
from handgrad.symbol import Symbol

DIGIT, POINT, MINUS, LETTER = 0.5, 0.28, 0.78, 0.58
"""Widths in em of Computer Modern; a letter is about as wide as that."""

SIGN, GAP, BRACKET, SCRIPT = 1.25, 1.0, 0.65, 0.7
"""A sign with its space, the gap between columns, a tall bracket, and the size of a script."""

LINE = 37.0
"""The width of a line in em, with a little to spare."""


class Cut(NamedTuple):
    """A part of a formula before which a line may end, at a cost; its width in em."""

    cost: int
    tex: str
    width: float


class TexWriter:
    """Writes formulas for lines of a width in em, and measures what it writes."""

    def __init__(self, style: Style, line: float = LINE) -> None:
        self.style = style
        self.line = line
        self.formula = Formula(style)
        self.latex = Latex(style)

    def node(self, expression: Expression) -> Node:
        return self.formula.node(expression)

    def tex(self, node: Node) -> str:
        return str(self.latex.draw(node))

    def cuts(self, node: Node) -> list[Cut]:
        """The pieces between which a line may end: never within what is higher than a line."""
        found: list[Cut] = []
        for cost, parts in pieces(node, _opened):
            # What begins a line with a sign keeps the space of a sign between two terms.
            signed = isinstance(parts[0], nodes.Sign) and parts[0].cost is not None
            tex = "".join([str(self.latex.draw(part)) for part in parts])
            tex = tex if tex.endswith("\\ ") else tex.rstrip()
            width = sum([self.width(part) for part in parts])
            found.append(Cut(cost, "{}" + tex if signed else tex, width))
        return found

    def width(self, node: Node | nodes.Bracket) -> float:
        """The width in em."""
        match node:
            case nodes.Row(parts):
                return sum([self.width(part) for part in parts])
            case nodes.Sign(kind):
                return _SIGN_WIDTHS.get(kind, SIGN)
            case nodes.Identifier(symbol, index):
                return _name_width(symbol, index)
            case nodes.FigureText(text):
                return figure_width(text)
            case nodes.Fenced(brackets, part) if brackets is ROUND:
                return self.width(part) + (2 * BRACKET if is_tall(part) else 0.8)
            case nodes.Fenced(_, part):
                return self.width(part) + 2 * BRACKET
            case nodes.Array(literal, relation=relation):
                rows = grid(literal, node.orientation)
                if rows is None:
                    smaller = slices(literal)[: self.style.at_most(COLUMNS)]
                    return 1.0 + sum(self.width(nodes.Array(part)) + 0.5 for part in smaller)
                beside = (2.0 if relation else 0.0) + (1.8 if node.brackets is ROUND else 0.0)
                return self._grid_width(rows) + 2 * BRACKET + beside
            case nodes.Evaluated(part, marks):
                return self.width(part) + 0.3 * bool(marks)
            case nodes.Condition():
                return 1.3
            case nodes.Head(notation):
                return DIGIT * len(notation.symbol)
            case nodes.Bracket():
                return 0.4
            case nodes.Root(part):
                return self.width(part) + 2.3
            case nodes.Stacked(over, under):
                return 0.3 + max(self.width(over), self.width(under))
            case nodes.Raised(base, exponent):
                return self.width(base) + SCRIPT * self.width(exponent)
            case nodes.Transposed(part):
                return self.width(part) + 0.55
            case nodes.EntryOf(part, index):
                return self.width(part) + SCRIPT * DIGIT * len(index)
            case nodes.Through(part, through):
                return self.width(part) + 0.3 + SCRIPT * self.width(through)
            case nodes.Named(part):
                return self.width(part)
            case _:
                assert_never(node)

    def _grid_width(self, rows: Grid) -> float:
        shown = [i for i in elided(len(rows), self.style.at_most(ROWS)) if i is not None]
        widths: list[float] = []
        for j in elided(len(rows[0]) if rows else 0, self.style.at_most(COLUMNS)):
            texts = (
                [figure(rows[i][j], self.style.decimals) for i in shown] if j is not None else []
            )
            widths.append(max(map(figure_width, texts), default=1.2))
        return sum(widths) + GAP * (len(widths) - 1)


def _opened(node: Node) -> nodes.Fenced | None:
    match node:
        case nodes.Fenced(brackets, part) if brackets is ROUND and not is_tall(part):
            return node
        case _:
            return None


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


def figure_width(text: str) -> float:
    """The width in em of a figure in ASCII."""
    mantissa, e, exponent = mantissa_and_power(text)
    width = sum({"-": MINUS, ".": POINT}.get(c, DIGIT) for c in mantissa)
    return width + (1.8 + SCRIPT * DIGIT * len(exponent) if e else 0.0)


def _name_width(symbol: Symbol, index: str) -> float:
    shown = symbol.text or symbol.base
    above = len(symbol.superscript) + 2 * bool(symbol.superscript)
    scripts = max(above, len(symbol.subscript) + len(index))
    return LETTER * (1.4 if shown.isupper() else 1) * len(shown) + SCRIPT * DIGIT * scripts
