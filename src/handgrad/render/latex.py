"""A formula as LaTeX mathematics; needs only amsmath."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from handgrad import expression as tree
from handgrad.errors import printable
from handgrad.expression import Expression
from handgrad.figures import BLANK, UNDEFINED, figure, mantissa_and_power
from handgrad.notation import Fence, Function
from handgrad.record import record
from handgrad.render.arrays import Orientation, elided, grid, slices
from handgrad.render.formula import GRADIENT, Brackets, Formula, Piece
from handgrad.render.reading import ProductSign
from handgrad.render.style import Style
from handgrad.symbol import GREEK, Symbol

ROWS, COLUMNS = 12, 10
"""Larger arrays are elided; ten columns is what amsmath's matrices take."""

_COMMANDS = {letter: f"\\{word}" for word, letter in GREEK.items()} | {
    "…": r"\ldots",
    "ε": r"\varepsilon",
    "ο": "o",
    "φ": r"\varphi",
}
_ACCENTS = {"hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde"}
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\^{}", "~": r"\textasciitilde{}",
}  # fmt: skip
_SIGNS = {
    "times": r" \times ",
    "dot": r" \cdot ",
    "entrywise": r" \odot ",
    "divided": r" \oslash ",
    "none": " ",
}


def latex(expression: Expression, *, style: Style) -> str:
    """The expression as LaTeX, for use in mathematics mode."""
    return str(Formula(LatexPen(style)).draw(expression))


def escaped(text: str) -> str:
    """Running text with LaTeX's special characters made harmless."""
    return "".join(_SPECIAL.get(c, c) for c in printable(text))


@record
class Tex:
    """LaTeX with the scripts of its last symbol still open: W^{(2)} may yet become W^{(2)⊤}."""

    base: str
    sub: str = ""
    sup: str = ""
    end: str = ""

    def __str__(self) -> str:
        if not (self.sub or self.sup or self.end):
            return self.base
        sub = f"_{{{self.sub}}}" if self.sub else ""
        sup = f"^{{{self.sup}}}" if self.sup else ""
        return f"{self.base}{sub}{sup}{self.end}"


_SUM_SIGNS = {"−": "-", "≤": r"\le", "≥": r"\ge"}


def head_of(notation: Function) -> str:
    """A function's command, with the index that it runs along."""
    return f"{notation.latex}_{{{notation.index}}}" if notation.index else notation.latex


class LatexPen:
    """Draws the parts of a formula as LaTeX."""

    def __init__(self, style: Style) -> None:
        self.style = style

    def number(self, text: str) -> Tex:
        mantissa, e, exponent = mantissa_and_power(text)
        words = {
            "inf": r"\infty",
            "-inf": r"-\infty",
            BLANK: r"\underline{\rule{0pt}{3.2ex}\hspace{4.6em}}",
            UNDEFINED: r"\text{undefined}",
        }
        if text in words:
            return Tex(words[text])
        return Tex(rf"{mantissa} \cdot 10", sup=exponent) if e else Tex(text)

    def array(
        self,
        literal: tree.Literal,
        orientation: Orientation,
        brackets: Brackets,
        relation: str = "",
    ) -> Tex:
        rows = grid(literal, orientation)
        if rows is None:
            parts = [str(self.array(s, orientation, "square")) for s in slices(literal)[:COLUMNS]]
            return Tex(r"\left\{" + ", ".join(parts) + r"\right\}")
        shown_rows = elided(len(rows), ROWS)
        shown_columns = elided(len(rows[0]) if rows else 0, COLUMNS)
        lines = [
            " & ".join(self._entry(rows, i, j) for j in shown_columns)
            + (relation if i is not None else "")
            for i in shown_rows
        ]
        kind = "bmatrix" if brackets == "square" else "pmatrix"
        return Tex(rf"\begin{{{kind}}} " + r" \\ ".join(lines) + rf" \end{{{kind}}}")

    def _entry(self, rows: Sequence[Sequence[float]], i: int | None, j: int | None) -> str:
        if i is None:
            return r"\ddots" if j is None else r"\vdots"
        return r"\cdots" if j is None else str(self.number(figure(rows[i][j], self.style.decimals)))

    def symbol(self, symbol: Symbol, index: str) -> Tex:
        return _symbol(symbol, index)

    def gradient(self, loss: Symbol, of: Symbol, index: str, through: Symbol | None) -> Tex:
        whole = rf"\frac{{\partial {self.symbol(loss, '')}}}{{\partial {self.symbol(of, index)}}}"
        return self._through(whole, through)

    def error_signal(self, of: Symbol, index: str, through: Symbol | None) -> Tex:
        delta = self.symbol(replace(of, base="δ", accent="", upright=False, text=""), index)
        return self._through(str(delta), through) if through else delta

    def _through(self, whole: str, through: Symbol | None) -> Tex:
        if through is None:
            return Tex(whole)
        return Tex(rf"\left.{whole}\right|", sub=str(self.symbol(through, "")))

    def entry(self, part: Tex, index: str) -> Tex:
        if part.sup or part.end or part.sub:
            # An empty atom keeps TeX from taking the braces off a single accented letter.
            return Tex(f"{{{part}{{}}}}", sub=index)
        return replace(part, sub=index)

    def parentheses(self, part: Tex) -> Tex:
        text = str(part)
        tall = any(command in text for command in (r"\begin", r"\frac", r"\left"))
        return Tex(rf"\left({text}\right)" if tall else f"({text})")

    def fence(self, notation: Fence, part: Tex) -> Tex:
        return Tex(f"{notation.latex_left} {part} {notation.latex_right}")

    def indicator(self, part: Tex, relation: str, enclosed: bool) -> Tex:
        if enclosed:
            return Tex(rf"\mathbf{{1}}{part}")
        inside = f"{part} {relation}"
        tall = r"\begin" in inside or r"\frac" in inside
        return Tex(rf"\mathbf{{1}}\left[{inside}\right]" if tall else rf"\mathbf{{1}}[{inside}]")

    def function(
        self,
        notation: Function,
        name: str,
        arguments: Sequence[Tex],
        options: Sequence[tuple[Symbol, str]],
        enclosed: bool,
    ) -> Tex:
        if notation.latex == r"\sqrt":
            return Tex(rf"\sqrt{{{arguments[0]}}}")
        head = head_of(notation)
        if enclosed:
            return Tex(f"{head}{arguments[0]}")
        inside = ", ".join(map(str, arguments))
        if options:
            given = ", ".join(f"{self.symbol(s, '')} = {self.number(v)}" for s, v in options)
            inside = f"{inside};\\ {given}"
        return Tex(f"{head}{self.parentheses(Tex(inside))}")

    def sum(self, left: Tex, sign: str, right: Tex) -> Tex:
        return Tex(f"{left} {_SUM_SIGNS.get(sign, sign)} {right}")

    def product(self, left: Tex, sign: ProductSign, right: Tex, tight: bool) -> Tex:
        return Tex(f"{left}{_SIGNS[sign]}{right}")

    def negation(self, part: Tex) -> Tex:
        return Tex(f"-{part}")

    def transpose(self, part: Tex) -> Tex:
        if part.end:
            return Tex(f"{{{part}}}", sup=r"\top")
        return Tex(part.base, part.sub, rf"{part.sup}\top")

    def power(self, base: Tex, exponent: Tex) -> Tex:
        return Tex(f"{{{base}}}" if base.sup else str(base), sup=str(exponent))

    def fraction(self, over: Piece[Tex], under: Piece[Tex]) -> Piece[Tex]:
        return Piece(Tex(rf"\frac{{{over.drawn}}}{{{under.drawn}}}"), GRADIENT)

    def begins_with_digit(self, part: Tex) -> bool:
        text = str(part)
        return text[:1].isdigit() or text.startswith(r"\mathbf{1}")


@cache
def _symbol(symbol: Symbol, index: str) -> Tex:
    base, own = _letters(symbol), _subscript(symbol.subscript)
    sup = f"({symbol.superscript})" if symbol.superscript else ""
    return Tex(base, own if not index else f"{own},{index}" if own else index, sup)


def _letters(symbol: Symbol) -> str:
    """The base with its accent: `\\hat{y}`, `\\mathrm{net}`, or the text a problem gives for it."""
    if symbol.text:
        text = _COMMANDS.get(symbol.text, escaped(symbol.text))
        return text if len(symbol.text) == 1 else rf"\text{{{text}}}"
    base = _COMMANDS.get(symbol.base, escaped(symbol.base))
    if symbol.accent:
        return f"{_ACCENTS[symbol.accent]}{{{base}}}"
    return rf"\mathrm{{{base}}}" if symbol.upright else base


@cache
def _subscript(text: str) -> str:
    """Letters and figures as they are, words upright."""
    parts = re.findall(r"[A-Za-z]{2,}|.", text)
    return "".join(
        rf"\mathrm{{{p}}}" if len(p) > 1 else _COMMANDS.get(p, escaped(p)) for p in parts
    )
