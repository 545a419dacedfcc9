"""A formula as MathML Core, its quantities marked with the names that code gives them.

Every name, gradient and entry carries `data-q`, its spelling in code counted from 0: `z2`,
`z2[1]`, `dW2[1,0]`. So does a number that stands where a formula has a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape

from handgrad import expression as tree
from handgrad.expression import Expression
from handgrad.figures import BLANK, UNDEFINED, figure, mantissa_and_power
from handgrad.notation import POWER, PRODUCT, Fence, Function
from handgrad.render.arrays import Orientation, elided, grid, place_in_grid, slices
from handgrad.render.formula import GRADIENT, Brackets, Formula, Piece
from handgrad.render.markup import (
    Index,
    Math,
    Shown,
    attributes_of,
    blank_space,
    entry_name,
    fenced,
    one,
    plain,
    quantity,
    relation_after,
    remark_beside,
    subscript,
    tail_width,
)
from handgrad.render.reading import ProductSign
from handgrad.render.style import Style
from handgrad.symbol import Symbol

ROWS, COLUMNS = 12, 12
"""Larger arrays are elided."""

CASES = 8
"""Matrices shown beside each other at most, one for each case."""

_SIGNS = {
    "times": "<mo>×</mo>",
    "dot": "<mo>·</mo>",
    "entrywise": "<mo>⊙</mo>",
    "divided": "<mo>⊘</mo>",
}
_ACCENTS = {"hat": "ˆ", "bar": "¯", "tilde": "˜"}
_SLASH = '<mo lspace="0" rspace="0">/</mo>'
_GAP = '<mspace width="0.2em"/>'
_TAG = re.compile("<[^>]*>")


@dataclass(frozen=True, slots=True)
class MathmlPen:
    """Draws the parts of a formula as MathML.

    Arguments:
        inline: for running text, where nothing is taller than a line.
        names: by the identity of a literal, what its numbers are called.
    """

    style: Style
    inline: bool = False
    names: Mapping[int, str] = field(default_factory=dict)

    def draw(self, expression: Expression) -> str:
        """A whole formula, without the `math` element around it."""
        return str(_Named(self).draw(expression))

    # -- numbers ------------------------------------------------------------------------------

    def number(self, text: str) -> Math:
        mantissa, e, exponent = mantissa_and_power(text)
        if text == BLANK:
            return Math('<mspace class="blank" width="4.6em" height="1.5em" depth="0.3em"/>')
        if text == UNDEFINED:
            return Math(f"<mtext>{text}</mtext>")
        words = {"inf": "∞", "-inf": "−∞"}
        shown = words.get(text) or mantissa.replace("-", "−")
        if not e:
            return Math(f"<mn>{shown}</mn>")
        power = f"<mn>{exponent.replace('-', '−')}</mn>"
        return Math(f"<mn>{shown}</mn><mo>·</mo><msup><mn>10</mn>{power}</msup>")

    def figure(self, x: float) -> str:
        """A number of an array, rounded."""
        return str(self.number(figure(x, self.style.decimals)))

    def array(
        self,
        literal: tree.Literal,
        orientation: Orientation,
        brackets: Brackets,
        relation: str = "",
    ) -> Math:
        name = self.names.get(id(literal), "")
        if self.inline:
            listed = self._listed(literal.value) + (relation_after(relation) if relation else "")
            whole = brackets == "square" and not relation
            return Math(listed if whole else fenced(listed, brackets), quantity=name)
        rows = grid(literal, orientation)
        if rows is None:
            return Math(self._slices(literal, name), quantity=name)
        inside = self._table(literal, orientation, name, Shown(), relation)
        return Math(fenced(inside, brackets), quantity=name)

    def _listed(self, value: tree.Nested) -> str:
        """An array in running text: [0.5, −0.3], rows in brackets of their own."""
        if not isinstance(value, tuple):
            return self.figure(value)
        parts = [
            "<mo>…</mo>" if i is None else self._listed(value[i]) for i in elided(len(value), 8)
        ]
        return fenced("<mo>,</mo>".join(parts), "square")

    def _slices(self, literal: tree.Literal, name: str) -> str:
        """An array that is no grid: its parts in braces."""
        parts = slices(literal)
        drawn = [
            "<mo>…</mo>" if i is None else self._slice(parts[i], literal.cased, name, i)
            for i in elided(len(parts), self.style.at_most(CASES))
        ]
        return f"<mo>{{</mo>{'<mo>,</mo>'.join(drawn)}<mo>}}</mo>"

    def _slice(self, part: tree.Literal, cased: bool, name: str, position: int) -> str:
        if not isinstance(part.value, tuple):
            return self.figure(part.value)
        prefix = () if cased else (position,)
        rows = grid(part)
        if rows is None:
            return self._slices(part, "")
        return f"<mrow>{fenced(self._table(part, 'upright', name, Shown(), '', prefix), 'square')}</mrow>"

    def _table(
        self,
        literal: tree.Literal,
        orientation: Orientation,
        name: str,
        shown: Shown,
        relation: str = "",
        prefix: Index = (),
        headers: bool = False,
    ) -> str:
        """The entries of a grid, every column aligned at the decimal point."""
        rows = grid(literal, orientation)
        assert rows is not None
        shown_rows = elided(len(rows), self.style.at_most(ROWS))
        shown_columns = elided(len(rows[0]) if rows else 0, self.style.at_most(COLUMNS))
        figures = {
            (i, j): figure(rows[i][j], self.style.decimals)
            for i in shown_rows
            for j in shown_columns
            if i is not None and j is not None
        }
        tails = {
            j: max(tail_width(text) for (_, column), text in figures.items() if column == j)
            for j in shown_columns
            if j is not None
        }
        marks = {place_in_grid(literal, index): mark for index, mark in shown.marks.items()}
        lines: list[str] = []
        for position, i in enumerate(shown_rows):
            cells: list[str] = []
            for j in shown_columns:
                if i is None or j is None:
                    dots = "⋱" if i is None and j is None else "⋮" if i is None else "⋯"
                    cells.append(f'<mtd class="dots"><mo>{dots}</mo></mtd>')
                    continue
                text = figures[i, j]
                space = blank_space(tails[j] - tail_width(text))
                label = (
                    f'<mtext class="case">case {j + 1}</mtext>' if headers and not position else ""
                )
                attributes = attributes_of(
                    entry_name(literal, orientation, name, prefix, i, j), marks.get((i, j), "")
                )
                cells.append(f"<mtd{attributes}>{label}{self.number(text)}{space}</mtd>")
            if relation:
                cells.append(
                    f'<mtd class="beside">{relation_after(relation) if i is not None else ""}</mtd>'
                )
            lines.append(f"<mtr>{''.join(cells)}</mtr>")
        kind = ' class="cases"' if headers else ""
        return f"<mtable{kind}>{''.join(lines)}</mtable>"

    # -- names --------------------------------------------------------------------------------

    def symbol(self, symbol: Symbol, index: str) -> Math:
        if symbol.text:
            letter = len(symbol.text) == 1
            base = (
                f"<mi>{plain(symbol.text)}</mi>"
                if letter
                else f"<mtext>{plain(symbol.text)}</mtext>"
            )
        else:
            base = f"<mi>{plain(symbol.base)}</mi>"
        if symbol.accent:
            accent = f'<mo stretchy="false">{_ACCENTS[symbol.accent]}</mo>'
            base = f'<mover accent="true">{base}{accent}</mover>'
        below = ",".join(part for part in (symbol.subscript, index) if part)
        above = f"<mtext>({plain(symbol.superscript)})</mtext>" if symbol.superscript else ""
        return Math(base, subscript(below), above)

    def gradient(self, loss: Symbol, of: Symbol, index: str, through: Symbol | None) -> Math:
        over = f"<mi>∂</mi>{self.symbol(loss, '')}"
        under = f"<mi>∂</mi>{self.symbol(of, index)}"
        if self.inline:
            return self._through(f"{over}{_SLASH}{under}", through)
        return self._through(f"<mfrac><mrow>{over}</mrow><mrow>{under}</mrow></mfrac>", through)

    def error_signal(self, of: Symbol, index: str, through: Symbol | None) -> Math:
        delta = self.symbol(replace(of, base="δ", accent="", upright=False, text=""), index)
        return self._through(str(delta), through) if through else delta

    def _through(self, whole: str, through: Symbol | None) -> Math:
        if through is None:
            return Math(whole)
        bar = '<mo form="postfix" fence="true" stretchy="true">|</mo>'
        return Math(f"{whole}{bar}", sub=str(self.symbol(through, "")))

    def entry(self, part: Math, index: str) -> Math:
        bare = part.sub or part.sup or part.quantity
        return Math(str(part) if bare else part.base, sub=subscript(index))

    # -- signs --------------------------------------------------------------------------------

    def parentheses(self, part: Math) -> Math:
        return Math(fenced(str(part), "round"))

    def fence(self, notation: Fence, part: Math) -> Math:
        fences = [
            f'<mo form="{form}" fence="true" stretchy="true">{plain(sign)}</mo>'
            for form, sign in (("prefix", notation.left), ("postfix", notation.right))
        ]
        return Math(f"<mrow>{fences[0]}{part}{fences[1]}</mrow>")

    def indicator(self, part: Math, relation: str, enclosed: bool) -> Math:
        inside = str(part) if enclosed else fenced(f"{part}{relation_after(relation)}", "square")
        return Math(f"<mn>𝟏</mn>{inside}")

    def function(
        self,
        notation: Function,
        name: str,
        arguments: Sequence[Math],
        options: Sequence[tuple[Symbol, str]],
        enclosed: bool,
    ) -> Math:
        if notation.latex == r"\sqrt":
            return Math(f"<msqrt>{arguments[0]}</msqrt>")
        word = plain(notation.symbol)
        upright = ' mathvariant="normal"' if len(word) == 1 and word.isupper() else ""
        head = f"<mtext>{word}</mtext>" if " " in word else f"<mi{upright}>{word}</mi>"
        if notation.index:
            head = f"<msub>{head}<mi>{notation.index}</mi></msub>"
        if enclosed:
            return Math(f"{head}{arguments[0]}")
        inside = "<mo>,</mo>".join(map(str, arguments))
        if options:
            given = [f"{self.symbol(s, '')}<mo>=</mo>{self.number(v)}" for s, v in options]
            inside += f"<mo>;</mo>{'<mo>,</mo>'.join(given)}"
        return Math(f"{head}{fenced(inside, 'round')}")

    def sum(self, left: Math, sign: str, right: Math) -> Math:
        return Math(f"{left}<mo>{escape(sign)}</mo>{right}")

    def product(self, left: Math, sign: ProductSign, right: Math, tight: bool) -> Math:
        between = _SIGNS.get(sign) or ("" if tight else _GAP)
        return Math(f"{left}{between}{right}")

    def negation(self, part: Math) -> Math:
        return Math(f'<mo form="prefix">−</mo>{part}')

    def transpose(self, part: Math) -> Math:
        return replace(part, sup=f"{part.sup}<mi>⊤</mi>")

    def power(self, base: Math, exponent: Math) -> Math:
        return Math(str(base), sup=str(exponent))

    def fraction(self, over: Piece[Math], under: Piece[Math]) -> Piece[Math]:
        if not self.inline:
            parts = one(str(over.drawn)), one(str(under.drawn))
            return Piece(Math(f"<mfrac>{parts[0]}{parts[1]}</mfrac>"), GRADIENT)
        first = self._whole(over, over.level < PRODUCT and not over.number)
        second = self._whole(under, under.level < POWER)
        return Piece(Math(f"{first}{_SLASH}{second}"), PRODUCT, over.signed)

    def _whole(self, part: Piece[Math], parenthesised: bool) -> Math:
        return self.parentheses(part.drawn) if parenthesised else part.drawn

    def begins_with_digit(self, part: Math) -> bool:
        return _TAG.sub("", str(part))[:1].isdigit()

    # -- whole parts --------------------------------------------------------------------------

    def result(self, literal: tree.Literal, name: str, shown: Shown) -> tuple[str, bool]:
        """A literal standing alone: cases under headers, marked entries, remarks beside rows.

        Says as well whether anything was left out.
        """
        if not isinstance(literal.value, tuple):
            number = self.draw(literal)
            attributes = attributes_of(name, shown.marks.get((), ""))
            remark = "".join(remark_beside(text) for text in shown.remarks.values())
            return f"<mrow{attributes}>{number}</mrow>{remark}", False
        rows = grid(literal)
        if rows is None:
            return self._cases_of_matrices(literal, name), False
        most = self.style.at_most(ROWS), self.style.at_most(COLUMNS)
        left_out = len(rows) > most[0] or len(rows[0] if rows else ()) > most[1]
        table = self._table(literal, "upright", name, shown, headers=literal.cased)
        whole = f"<mrow{attributes_of(name, '')}>{fenced(table, 'square')}</mrow>"
        if shown.remarks:
            at = [-1 if i is None else i for i in elided(len(rows), self.style.at_most(ROWS))]
            beside = [remark_beside(shown.remarks[i]) if i in shown.remarks else "" for i in at]
            lines = "".join(f"<mtr><mtd>{remark}</mtd></mtr>" for remark in beside)
            whole += f'<mtable class="remarks">{lines}</mtable>'
        return whole, left_out

    def column(self, numbers: Sequence[tree.Literal], names: Sequence[str]) -> list[str]:
        """Numbers of a table's column, padded to their decimal points."""
        texts = [
            figure(x, self.style.decimals) for n in numbers if (x := tree.number(n)) is not None
        ]
        longest = max(map(tail_width, texts), default=0.0)
        return [
            f"<mrow{attributes_of(name, '')}>{self.number(text)}</mrow>{blank_space(longest - tail_width(text))}"
            for text, name in zip(texts, names, strict=True)
        ]

    def _cases_of_matrices(self, literal: tree.Literal, name: str) -> str:
        parts = slices(literal)
        drawn: list[str] = []
        for c in elided(len(parts), self.style.at_most(CASES)):
            if c is None:
                drawn.append("<mo>⋯</mo>")
                continue
            matrix = self._slice(parts[c], literal.cased, name, c)
            head = f"<mtext>case {c + 1}</mtext>" if literal.cased else ""
            drawn.append(f'<mover class="case">{matrix}{head}</mover>' if head else matrix)
        return _GAP.join(drawn)


class _Named(Formula[Math]):
    """Draws formulas whose names, and the numbers put in for them, know what they are."""

    pen: MathmlPen

    def piece(self, expression: Expression) -> Piece[Math]:
        piece = super().piece(expression)
        name = self.pen.names.get(id(expression), "") or quantity(expression)
        return replace(piece, drawn=replace(piece.drawn, quantity=name)) if name else piece
