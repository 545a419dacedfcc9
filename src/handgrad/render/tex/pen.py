"""Formulas as LaTeX that knows how wide it is and where a line may end within it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handgrad import expression as tree
from handgrad.expression import Expression
from handgrad.figures import figure, mantissa_and_power
from handgrad.notation import Fence, Function
from handgrad.render.arrays import Orientation, elided, grid, place_in_grid, slices
from handgrad.render.formula import Brackets, Formula, Piece
from handgrad.render.latex import COLUMNS, ROWS, LatexPen, Tex, head_of
from handgrad.render.reading import ProductSign
from handgrad.render.style import Style
from handgrad.symbol import Symbol

DIGIT, POINT, MINUS, LETTER = 0.5, 0.28, 0.78, 0.58
"""Widths in em of Computer Modern; a letter is about as wide as that."""

SIGN, GAP, BRACKET, SCRIPT = 1.25, 1.0, 0.65, 0.7
"""A sign with its space, the gap between columns, a tall bracket, and the size of a script."""

SUM_BREAK, PRODUCT_BREAK, DEEPER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a formula before which a line may end, at a cost; its width in em."""

    cost: int
    tex: str
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """LaTeX with its width in em; `cuts` where a line may end, `tall` if higher than a line."""

    tex: Tex
    width: float
    cuts: tuple[Cut, ...] = ()
    tall: bool = False

    @property
    def parts(self) -> tuple[Cut, ...]:
        """The parts between which a line may end; one where there are none."""
        return self.cuts or (Cut(SUM_BREAK, str(self.tex), self.width),)


LINE = 37.0
"""The width of a line in em, with a little to spare."""


class RowPen:
    """Draws with a `LatexPen`, and measures what it draws; a line is `line` em wide."""

    def __init__(self, style: Style, line: float = LINE) -> None:
        self.style = style
        self.line = line
        self.latex = LatexPen(style)

    def draw(self, expression: Expression) -> Row:
        """A whole formula."""
        return Formula(self).draw(expression)

    def number(self, text: str) -> Row:
        return Row(self.latex.number(text), figure_width(text))

    def array(
        self,
        literal: tree.Literal,
        orientation: Orientation,
        brackets: Brackets,
        relation: str = "",
    ) -> Row:
        tex = self.latex.array(literal, orientation, brackets, relation)
        rows = grid(literal, orientation)
        if rows is None:
            return Row(tex, self._slices_width(literal, orientation), tall=True)
        width = self._grid_width(rows) + 2 * BRACKET
        return Row(tex, width + (2.0 if relation else 0.0), tall=len(rows) > 1)

    def _slices_width(self, literal: tree.Literal, orientation: Orientation) -> float:
        parts = slices(literal)[:COLUMNS]
        return 1.0 + sum(self.array(s, orientation, "square").width + 0.5 for s in parts)

    def _grid_width(self, rows: Sequence[Sequence[float]]) -> float:
        shown = [i for i in elided(len(rows), self.style.at_most(ROWS)) if i is not None]
        widths: list[float] = []
        for j in elided(len(rows[0]) if rows else 0, self.style.at_most(COLUMNS)):
            texts = (
                [figure(rows[i][j], self.style.decimals) for i in shown] if j is not None else []
            )
            widths.append(max(map(figure_width, texts), default=1.2))
        return sum(widths) + GAP * (len(widths) - 1)

    def symbol(self, symbol: Symbol, index: str) -> Row:
        shown = symbol.text or symbol.base
        scripts = max(
            len(symbol.superscript) + 2 * bool(symbol.superscript),
            len(symbol.subscript) + len(index),
        )
        width = LETTER * (1.4 if shown.isupper() else 1) * len(shown) + SCRIPT * DIGIT * scripts
        return Row(self.latex.symbol(symbol, index), width)

    def gradient(self, loss: Symbol, of: Symbol, index: str, through: Symbol | None) -> Row:
        tex = self.latex.gradient(loss, of, index, through)
        width = 0.9 + max(self.symbol(loss, "").width, self.symbol(of, index).width)
        return Row(tex, width + self._through(through), tall=True)

    def error_signal(self, of: Symbol, index: str, through: Symbol | None) -> Row:
        tex = self.latex.error_signal(of, index, through)
        return Row(tex, self.symbol(of, index).width + self._through(through))

    def _through(self, through: Symbol | None) -> float:
        return 0.3 + SCRIPT * self.symbol(through, "").width if through else 0.0

    def entry(self, part: Row, index: str) -> Row:
        tex = self.latex.entry(part.tex, index)
        return Row(tex, part.width + SCRIPT * DIGIT * len(index), tall=part.tall)

    def parentheses(self, part: Row) -> Row:
        whole = self.latex.parentheses(part.tex)
        width = part.width + (2 * BRACKET if part.tall else 0.8)
        if part.tall or len(part.parts) < 2:
            return Row(whole, width, tall=part.tall)
        first, *rest = [Cut(c.cost + DEEPER, c.tex, c.width) for c in part.parts]
        cuts = [Cut(first.cost, f"({first.tex}", first.width + 0.4), *rest]
        last = cuts[-1]
        cuts[-1] = Cut(last.cost, f"{last.tex})", last.width + 0.4)
        return Row(whole, width, tuple(cuts))

    def fence(self, notation: Fence, part: Row) -> Row:
        return Row(self.latex.fence(notation, part.tex), part.width + BRACKET, tall=part.tall)

    def indicator(self, part: Row, relation: str, enclosed: bool) -> Row:
        tex = self.latex.indicator(part.tex, relation, enclosed)
        return Row(tex, part.width + (0.6 if enclosed else 3.2), tall=part.tall)

    def function(
        self,
        notation: Function,
        name: str,
        arguments: Sequence[Row],
        options: Sequence[tuple[Symbol, str]],
        enclosed: bool,
    ) -> Row:
        tex = self.latex.function(notation, name, [a.tex for a in arguments], options, enclosed)
        head = DIGIT * len(notation.symbol)
        tall = any(a.tall for a in arguments)
        inside = sum(a.width + 0.5 for a in arguments) + 3.0 * len(options)
        if len(arguments) == 1 and not options and not enclosed and notation.latex != r"\sqrt":
            return _after(Row(Tex(head_of(notation)), head), self.parentheses(arguments[0]), tex)
        return Row(tex, head + inside + 2 * BRACKET, tall=tall)

    def sum(self, left: Row, sign: str, right: Row) -> Row:
        tex = self.latex.sum(left.tex, sign, right.tex)
        return _joined(left, right, tex, SUM_BREAK, str(self.latex.sum(Tex("{}"), sign, Tex(""))))

    def product(self, left: Row, sign: ProductSign, right: Row, tight: bool) -> Row:
        tex = self.latex.product(left.tex, sign, right.tex, tight)
        between = str(self.latex.product(Tex("{}"), sign, Tex(""), tight))
        return _joined(left, right, tex, PRODUCT_BREAK, "" if sign == "none" else between)

    def negation(self, part: Row) -> Row:
        return _after(Row(Tex("-"), MINUS), part, self.latex.negation(part.tex))

    def transpose(self, part: Row) -> Row:
        return Row(self.latex.transpose(part.tex), part.width + 0.55, tall=part.tall)

    def power(self, base: Row, exponent: Row) -> Row:
        tex = self.latex.power(base.tex, exponent.tex)
        return Row(tex, base.width + SCRIPT * exponent.width, tall=base.tall)

    def fraction(self, over: Piece[Row], under: Piece[Row]) -> Piece[Row]:
        rows = over.drawn, under.drawn
        pieces = [Piece(p.drawn.tex, p.level, p.signed, p.raised) for p in (over, under)]
        drawn = self.latex.fraction(*pieces)
        return Piece(Row(drawn.drawn, 0.3 + max(r.width for r in rows), tall=True), drawn.level)

    def begins_with_digit(self, part: Row) -> bool:
        return self.latex.begins_with_digit(part.tex)

    # -- whole results ------------------------------------------------------------------------

    def result(self, literal: tree.Literal, marks: Mapping[tuple[int, ...], str]) -> Row:
        """A literal standing alone, what is special about its entries marked, its cases named."""
        drawn = self.draw(literal)
        rows = grid(literal) if isinstance(literal.value, tuple) else None
        tex = str(drawn.tex)
        if rows is None:
            mark = marks.get((), "")
            return Row(Tex(rf"\hg{mark}{{{tex}}}"), drawn.width) if mark else drawn
        if marks:
            placed = {place_in_grid(literal, index): mark for index, mark in marks.items()}
            tex = self._marked(rows, placed)
        if literal.cased:
            count = len(rows[0]) if rows else 0
            words = f"cases 1 to {count}" if count > 1 else "case 1"
            tex = rf"\hgcases{{{words}}}{{{tex}}}"
        return Row(Tex(tex), drawn.width + 0.3 * bool(marks), tall=True)

    def _marked(self, rows: Sequence[Sequence[float]], marks: Mapping[tuple[int, int], str]) -> str:
        lines: list[str] = []
        for i in elided(len(rows), self.style.at_most(ROWS)):
            cells: list[str] = []
            for j in elided(len(rows[0]) if rows else 0, self.style.at_most(COLUMNS)):
                if i is None or j is None:
                    cells.append(r"\ddots" if i is j else r"\vdots" if i is None else r"\cdots")
                    continue
                number = str(self.latex.number(figure(rows[i][j], self.style.decimals)))
                mark = marks.get((i, j), "")
                cells.append(rf"\hg{mark}{{{number}}}" if mark else number)
            lines.append(" & ".join(cells))
        body = r" \\ ".join(lines)
        return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def figure_width(text: str) -> float:
    """The width in em of a figure in ASCII."""
    mantissa, e, exponent = mantissa_and_power(text)
    width = sum({"-": MINUS, ".": POINT}.get(c, DIGIT) for c in mantissa)
    return width + (1.8 + SCRIPT * DIGIT * len(exponent) if e else 0.0)


def _joined(left: Row, right: Row, tex: Tex, cost: int, sign: str) -> Row:
    wide = SIGN if sign else 0.2
    first, *rest = right.parts
    begun = Cut(cost, f"{sign}{first.tex}", first.width + wide)
    width = left.width + right.width + wide
    return Row(tex, width, (*left.parts, begun, *rest), left.tall or right.tall)


def _after(head: Row, part: Row, tex: Tex) -> Row:
    """What stands before a part, never parted from its beginning."""
    first, *rest = part.parts
    cuts = (Cut(SUM_BREAK, f"{head.tex}{first.tex}", head.width + first.width), *rest)
    return Row(tex, head.width + part.width, cuts if rest else (), part.tall)
