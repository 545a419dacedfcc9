"""Formulas in LaTeX, in pieces between which a line may end, with the width of each."""

from __future__ import annotations

from typing import NamedTuple

from handgrad.expression import Expression
from handgrad.formats.latex import COLUMNS, ROWS, Latex
from handgrad.formats.mathematics import nodes
from handgrad.formats.mathematics.formula import Formula
from handgrad.formats.mathematics.nodes import ROUND, Node, pieces
from handgrad.formats.mathematics.widths import Widths, is_tall
from handgrad.formats.style import Style

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
        self.latex = Latex(style, marked=True)
        self.width = Widths(style.at_most(ROWS), style.at_most(COLUMNS), style.decimals).of

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
            width = sum(map(self.width, parts))
            found.append(Cut(cost, "{}" + tex if signed else tex, width))
        return found


def _opened(node: Node) -> nodes.Fenced | None:
    match node:
        case nodes.Fenced(brackets, part) if brackets is ROUND and not is_tall(part):
            return node
        case _:
            return None
