"""A formula as Typst mathematics, with the places where a line may end within it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from handgrad import expression as tree
from handgrad.expression import Expression
from handgrad.figures import BLANK, figure, mantissa_and_power
from handgrad.notation import PRODUCT, Fence, Function
from handgrad.render.arrays import Orientation, elided, grid, place_in_grid, slices
from handgrad.render.formula import GRADIENT, Brackets, Formula, Piece
from handgrad.render.reading import ProductSign
from handgrad.render.style import Style
from handgrad.render.typst.parts import (
    PRODUCT_BREAK,
    SUM_BREAK,
    TALL,
    Typ,
    after,
    fenced,
    joined,
    square,
)
from handgrad.render.typst.source import string
from handgrad.symbol import Symbol

BLANK_WIDTH = 5.0
"""The width in em of a place to write a figure in (`blank` in mathematics.typ)."""

ROWS, COLUMNS = 16, 12
"""Larger arrays are elided."""

LISTED = 8
"""Entries of an array shown in running text."""

Mark: TypeAlias = str

_SUM_SIGNS = {"+": "+", "−": "−", "<": "lt", ">": "gt", "≤": "lt.eq", "≥": "gt.eq"}
_PRODUCT_SIGNS = {
    "times": "×",
    "dot": "dot.op",
    "entrywise": "dot.o",
    "divided": 'class("binary", ⊘)',
}
_ACCENTS = {"hat": "hat", "bar": "macron", "tilde": "tilde"}
_FENCES = {"|": "bar.v", "‖": "bar.v.double"}


@dataclass(frozen=True, slots=True)
class TypstPen:
    """Draws the parts of a formula as Typst mathematics.

    Arguments:
        columns_shown: columns of an array, or cases, shown at most.
        linear: on a single line, for running text.
    """

    style: Style
    columns_shown: int = COLUMNS
    linear: bool = False

    def draw(self, expression: Expression) -> Typ:
        """A whole formula."""
        return Formula(self).draw(expression)

    # -- numbers ------------------------------------------------------------------------------

    def number(self, text: str) -> Typ:
        if text == BLANK:
            return Typ("blank")
        mantissa, e, exponent = mantissa_and_power(_written(text))
        power = f' dot.op attach("10", t: {string(exponent)})' if e else ""
        return Typ(f"{string(mantissa)}{power}")

    def array(
        self,
        literal: tree.Literal,
        orientation: Orientation,
        brackets: Brackets,
        relation: str = "",
    ) -> Typ:
        if self.linear:
            inside = self._listed(literal.value)
            if relation:
                inside = f"{inside} {_relation(relation)}"
            if brackets == "square" and not relation:
                return Typ(inside)
            return self.parentheses(Typ(inside)) if brackets == "round" else square(Typ(inside))
        rows = grid(literal, orientation)
        if rows is None:
            return self._slices(literal)
        return self.matrix(rows, brackets, relation=relation)

    def matrix(
        self,
        rows: Sequence[Sequence[float]],
        brackets: Brackets,
        marks: Mapping[tuple[int, int], Mark] | None = None,
        relation: str = "",
        headers: Sequence[str] = (),
    ) -> Typ:
        """A grid of numbers, their decimal points under each other, headers over its columns."""
        shown_rows = elided(len(rows), self.style.at_most(ROWS))
        shown_columns = elided(len(rows[0]) if rows else 0, self.style.at_most(self.columns_shown))
        columns: list[list[str]] = []
        heads: list[str] = []
        for j in shown_columns:
            header = "" if not headers else headers[j] if j is not None else "⋯"
            cells, width = self._column(rows, shown_rows, j, marks or {}, header)
            columns.append(cells)
            heads.append(f"({width:.3f}em, {string(header)})")
        if relation:
            said = _relation(relation)
            columns[-1] = [
                f"{cell} {said}" if i is not None else cell
                for i, cell in zip(shown_rows, columns[-1], strict=True)
            ]
        lines = "; ".join(", ".join(cells) for cells in zip(*columns, strict=True))
        delim = '"["' if brackets == "square" else '"("'
        drawn = f"mat(delim: #{delim}, {lines})"
        height = max(len(shown_rows), TALL) + bool(headers)
        if headers:
            drawn = f"attach(limits({drawn}), t: #case-heads({', '.join(heads)}))"
        return Typ(drawn, rows=height)

    def _column(
        self,
        rows: Sequence[Sequence[float]],
        shown: Sequence[int | None],
        j: int | None,
        marks: Mapping[tuple[int, int], Mark],
        header: str,
    ) -> tuple[list[str], float]:
        """The cells of a column, all of one width, and that width in em."""
        if j is None:
            return ["dots.h.c" if i is not None else "dots.down" for i in shown], 1.0
        figures = {i: figure(rows[i][j], self.style.decimals) for i in shown if i is not None}
        extents = {i: _extent(text) for i, text in figures.items()}
        left = max((a for a, _ in extents.values()), default=0.5)
        right = max((b for _, b in extents.values()), default=0.0)
        spare = max(0.0, 0.36 * len(header) - left - right)
        cells: list[str] = []
        for i in shown:
            if i is None:
                cells.append("dots.v")
                continue
            before, after = left - extents[i][0] + spare / 2, right - extents[i][1] + spare / 2
            cell = str(self.number(figures[i]))
            mark = marks.get((i, j), "")
            cell = f"{mark}mark({cell})" if mark else cell
            cells.append(f"{_space(before)}{cell}{_space(after)}")
        return cells, left + right + spare

    def _slices(self, literal: tree.Literal, headers: bool = False) -> Typ:
        """An array that is no grid: its parts in braces, or under their cases."""
        parts = slices(literal)
        cuts: list[tuple[int, str]] = []
        height = 1.0
        for i in elided(len(parts), max(2, self.style.at_most(self.columns_shown))):
            drawn = Typ("dots.h.c") if i is None else self.array(parts[i], "upright", "square")
            height = max(height, drawn.rows)
            shown = str(drawn)
            if headers and i is not None:
                shown = f"attach(limits({shown}), t: #case-heads((0em, {string(f'case {i + 1}')})))"
                height += 1
            elif cuts:
                cuts[-1] = (cuts[-1][0], f"{cuts[-1][1]} comma")
            cuts.append((PRODUCT_BREAK, f"thick {shown}" if headers and cuts else shown))
        inside = " ".join(shown for _, shown in cuts)
        if headers:
            return Typ(inside, cuts=tuple(cuts), rows=height)
        return fenced("brace.l", Typ(inside, cuts=tuple(cuts), rows=height), "brace.r")

    def _listed(self, value: tree.Nested) -> str:
        """An array in running text: [0.5, −0.3], rows in brackets of their own."""
        if not isinstance(value, tuple):
            return str(self.number(figure(value, self.style.decimals)))
        entries = [
            "dots.h" if i is None else self._listed(value[i]) for i in elided(len(value), LISTED)
        ]
        return f"bracket.l {' comma '.join(entries)} bracket.r"

    # -- names --------------------------------------------------------------------------------

    def symbol(self, symbol: Symbol, index: str) -> Typ:
        own = _subscript(symbol.subscript)
        below = (
            f"{own} comma {string(index)}" if own and index else own or (index and string(index))
        )
        above = string(f"({symbol.superscript})") if symbol.superscript else ""
        return Typ(_letters(symbol), below, above)

    def gradient(self, loss: Symbol, of: Symbol, index: str, through: Symbol | None) -> Typ:
        over, under = f"∂ {self.symbol(loss, '')}", f"∂ {self.symbol(of, index)}"
        if self.linear:
            return self._through(Typ(f"{over} slash {under}"), through)
        return self._through(Typ(f"frac({over}, {under})", rows=1.8), through)

    def error_signal(self, of: Symbol, index: str, through: Symbol | None) -> Typ:
        delta = replace(of, base="δ", accent="", upright=False, text="")
        return self._through(self.symbol(delta, index), through)

    def _through(self, whole: Typ, through: Symbol | None) -> Typ:
        if through is None:
            return whole
        # An opening sign that stands for nothing: only pairs grow to the height between them.
        return Typ(f"lr(zws {whole} bar.v)", sub=str(self.symbol(through, "")), rows=whole.rows)

    def entry(self, part: Typ, index: str) -> Typ:
        if part.sub or part.sup:
            part = Typ(str(part), rows=part.rows)
        return replace(part, sub=string(index), cuts=())

    # -- signs --------------------------------------------------------------------------------

    def parentheses(self, part: Typ) -> Typ:
        return fenced("paren.l", part, "paren.r")

    def fence(self, notation: Fence, part: Typ) -> Typ:
        return fenced(_FENCES[notation.left], part, _FENCES[notation.right])

    def indicator(self, part: Typ, relation: str, enclosed: bool) -> Typ:
        if enclosed:
            return Typ(f'bold("1") {part}', rows=part.rows)
        return after(
            Typ('bold("1")'),
            square(replace(part, base=f"{part} {_relation(relation)}", sub="", sup="", cuts=())),
        )

    def function(
        self,
        notation: Function,
        name: str,
        arguments: Sequence[Typ],
        options: Sequence[tuple[Symbol, str]],
        enclosed: bool,
    ) -> Typ:
        if notation.symbol == "√":
            return Typ(f"sqrt({arguments[0]})", rows=arguments[0].rows)
        shown = notation.symbol
        head = Typ(shown if len(shown) == 1 and shown.isalpha() else f"op({string(shown)})")
        if notation.index:
            head = Typ(f"{head}_{notation.index}")
        if enclosed:
            return Typ(f"{head} {arguments[0]}", rows=arguments[0].rows)
        inside = arguments[0] if arguments else Typ("")
        for argument in arguments[1:]:
            inside = joined(inside, "comma", PRODUCT_BREAK, argument, sign_first=False)
        for k, (symbol, value) in enumerate(options):
            given = Typ(f"{self.symbol(symbol, '')} eq {self.number(value)}")
            sign = "comma" if k else "semi"
            inside = joined(inside, sign, PRODUCT_BREAK, given, sign_first=False)
        return after(head, self.parentheses(inside))

    def sum(self, left: Typ, sign: str, right: Typ) -> Typ:
        return joined(left, _operator(sign), SUM_BREAK, right)

    def product(self, left: Typ, sign: ProductSign, right: Typ, tight: bool) -> Typ:
        if sign == "none":
            return joined(left, "" if tight else "thin", PRODUCT_BREAK, right, sign_first=False)
        return joined(left, _PRODUCT_SIGNS[sign], PRODUCT_BREAK, right)

    def negation(self, part: Typ) -> Typ:
        return after(Typ("−"), part)

    def transpose(self, part: Typ) -> Typ:
        # Within one string it stands as close as the figures do.
        above = f'{part.sup[:-1]}⊤"' if part.sup.endswith('"') else f'{part.sup} "⊤"'.strip()
        return replace(part, sup=above, cuts=())

    def power(self, base: Typ, exponent: Typ) -> Typ:
        whole = Typ(str(base), rows=base.rows) if base.sup else base
        return replace(whole, sup=str(exponent), cuts=())

    def fraction(self, over: Piece[Typ], under: Piece[Typ]) -> Piece[Typ]:
        if self.linear:
            first = (
                over.drawn if over.level >= PRODUCT or over.number else self.parentheses(over.drawn)
            )
            second = under.drawn if under.level > PRODUCT + 1 else self.parentheses(under.drawn)
            return Piece(Typ(f"{first} slash {second}"), PRODUCT, over.signed)
        rows = over.drawn.rows + under.drawn.rows
        # Fractions and matrices in a fraction would be set smaller.
        shown = [f"display({p.drawn})" if p.drawn.rows > 1 else str(p.drawn) for p in (over, under)]
        return Piece(Typ(f"frac({', '.join(shown)})", rows=rows), GRADIENT)

    def begins_with_digit(self, part: Typ) -> bool:
        text = part.base.removeprefix("attach(").removeprefix("bold(")
        return text[:1] == '"' and text[1:2].isdigit()

    # -- whole results ------------------------------------------------------------------------

    def result(self, literal: tree.Literal, marks: Mapping[tuple[int, ...], Mark]) -> Typ:
        """A literal standing alone: its cases under headers, what is special about entries marked."""
        if not isinstance(literal.value, tuple):
            drawn = self.draw(literal)
            mark = marks.get((), "")
            return Typ(f"{mark}mark({drawn})") if mark else drawn
        rows = grid(literal)
        if rows is None:
            return self._slices(literal, headers=literal.cased)
        placed = {place_in_grid(literal, index): mark for index, mark in marks.items()}
        headers = [f"case {c + 1}" for c in range(len(rows[0]))] if literal.cased and rows else []
        return self.matrix(rows, "square", placed, headers=headers)

    def leaves_out(self, literal: tree.Literal) -> bool:
        """Whether a literal is too large to be shown whole."""
        rows = grid(literal) if isinstance(literal.value, tuple) else None
        return rows is not None and any(
            len(each) > self.style.at_most(most)
            for each, most in ((rows, ROWS), (rows[0] if rows else (), self.columns_shown))
        )


def _written(text: str) -> str:
    """A figure with the signs of print: −0.17, ∞; a power of ten still as e−9."""
    return text.replace("inf", "∞").replace("-", "−")


def _extent(text: str) -> tuple[float, float]:
    """The widths in em of a figure before its decimal point and from there on."""
    if text == BLANK:
        return BLANK_WIDTH, 0.0
    mantissa, e, exponent = mantissa_and_power(text)
    whole, point, decimals = mantissa.partition(".")
    left = 0.778 * whole.startswith("-") + 0.5 * len(whole.removeprefix("-"))
    right = (0.278 + 0.5 * len(decimals) if point else 0.0) + (
        1.72 + 0.35 * len(exponent) if e else 0
    )
    return left, right


def _space(em: float) -> str:
    return f" #h({em:.3f}em) " if em > 0 else ""


def _relation(relation: str) -> str:
    """`> 0` as written after what it is said of."""
    sign, _, number = relation.strip().partition(" ")
    return f"{_SUM_SIGNS[sign]} {string(number)}"


def _operator(sign: str) -> str:
    # A sign at the start of a line keeps the space of a sign between two terms.
    return f'class("binary", {sign})' if sign in "+−" else _SUM_SIGNS[sign]


def _letters(symbol: Symbol) -> str:
    """The base with its accent: `hat(y)`, `"net"`, or the text a problem gives for it."""
    base = symbol.text or symbol.base
    if len(base) == 1 and base.isalpha():
        return f"{_ACCENTS[symbol.accent]}({base})" if symbol.accent else base
    return "dots.h" if base == "…" else string(base)


def _subscript(text: str) -> str:
    """Letters and figures as they are, words upright."""
    parts = re.findall(r"[^\W\d_]{2,}|.", text)
    return " ".join(
        "comma" if p == "," else p if len(p) == 1 and p.isalpha() else string(p) for p in parts
    )
