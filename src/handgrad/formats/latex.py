"""A formula as LaTeX mathematics; needs only amsmath."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import assert_never

from handgrad.errors import printable
from handgrad.expression import Expression
from handgrad.figures import BLANK, UNDEFINED, figure, mantissa_and_power
from handgrad.formats.mathematics import nodes
from handgrad.formats.mathematics.arrays import Grid, grid, positions_shown
from handgrad.formats.mathematics.formula import Formula
from handgrad.formats.mathematics.nodes import (
    BRACES,
    SQUARE,
    Mark,
    Node,
    SignKind,
    row_numbers,
    rows_shown,
    separated,
    sliced,
)
from handgrad.formats.style import Style
from handgrad.notation import Fence as Brackets
from handgrad.record import record
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
_SIGNS: Mapping[SignKind, str] = {
    "+": " + ", "−": " - ", "<": " < ", "≤": r" \le ", ">": " > ", "≥": r" \ge ", "equals": " = ",
    "times": r" \times ", "dot": r" \cdot ", "entrywise": r" \odot ", "divided": r" \oslash ",
    "space": " ", "tight": " ", "comma": ", ", "semicolon": ";\\ ", "slash": "/", "negative": "-",
    "partial": r"\partial ", "one": r"\mathbf{1}", "dots": r"\ldots",
}  # fmt: skip
_NUMBERS = {
    "inf": r"\infty",
    "-inf": r"-\infty",
    BLANK: r"\underline{\rule{0pt}{3.2ex}\hspace{4.6em}}",
    UNDEFINED: r"\text{undefined}",
}


def latex(expression: Expression, *, style: Style) -> str:
    """The expression as LaTeX, for use in mathematics mode."""
    return latex_writer(style)(expression)


def latex_writer(style: Style) -> Callable[[Expression], str]:
    """Writes the formulas of one document so; each name in them is laid out once."""
    formulas, pen = Formula(style), Latex(style)
    return lambda expression: pen.text(formulas.node(expression))


def escaped(text: str) -> str:
    """Running text with LaTeX's special characters made harmless."""
    return "".join(_SPECIAL.get(c, c) for c in printable(text))


@record
class Tex:
    """LaTeX with the scripts of its last symbol still open: W^{(2)} may yet become W^{(2)⊤}."""

    base: str
    sub: str = ""
    sup: str = ""

    def __str__(self) -> str:
        if not (self.sub or self.sup):
            return self.base
        sub = f"_{{{self.sub}}}" if self.sub else ""
        sup = f"^{{{self.sup}}}" if self.sup else ""
        return f"{self.base}{sub}{sup}"


@record
class Latex:
    """Writes laid-out formulas as LaTeX; with zeros of gradients `marked` where they are put in, as LaTeX pages do."""

    style: Style
    marked: bool = False

    def text(self, node: Node | nodes.Bracket) -> str:
        """A formula, or a part of one; what stands in most of them by a shorter way."""
        if isinstance(node, nodes.Row):
            return "".join(map(self.text, node.parts))
        if isinstance(node, nodes.Sign):
            return _SIGNS[node.kind]
        if isinstance(node, nodes.Fenced):
            return _fenced(node.brackets, self.text(node.part))
        if isinstance(node, nodes.Array):
            return self._array(node)
        if isinstance(node, nodes.Stacked):
            return rf"\frac{{{self.text(node.over)}}}{{{self.text(node.under)}}}"
        return str(self.draw(node))

    def draw(self, node: Node | nodes.Bracket) -> Tex:
        """The same, its scripts still open."""
        match node:
            case nodes.Identifier(symbol, index):
                return _symbol(symbol, index)
            case nodes.FigureText(text):
                return _number(text)
            case nodes.Row() | nodes.Sign() | nodes.Fenced() | nodes.Array() | nodes.Stacked():
                return Tex(self.text(node))
            case nodes.Evaluated():
                return Tex(self._result(node))
            case nodes.Condition(text):
                return Tex(f" {text}")
            case nodes.Head(notation):
                index = notation.index
                return Tex(f"{notation.latex}_{{{index}}}" if index else notation.latex)
            case nodes.Bracket(of, closing):
                return Tex(of.brackets.latex_right if closing else of.brackets.latex_left)
            case nodes.Root(part):
                return Tex(rf"\sqrt{{{self.draw(part)}}}")
            case nodes.Raised(base, exponent):
                drawn = self.draw(base)
                return Tex(
                    f"{{{drawn}}}" if drawn.sup else str(drawn), sup=str(self.draw(exponent))
                )
            case nodes.Transposed(part):
                drawn = self.draw(part)
                return Tex(drawn.base, drawn.sub, rf"{drawn.sup}\top")
            case nodes.EntryOf(part, index):
                drawn = self.draw(part)
                # An empty atom keeps TeX from taking the braces off a single accented letter.
                scripts = drawn.sup or drawn.sub
                below = index.replace("∞", r"\infty")
                return Tex(f"{{{drawn}{{}}}}" if scripts else drawn.base, sub=below)
            case nodes.Through(part, through):
                return Tex(rf"\left.{self.draw(part)}\right|", sub=str(self.draw(through)))
            case nodes.Named(part):
                return self.draw(part)
            case _:
                assert_never(node)

    def _array(
        self,
        array: nodes.Array,
        marks: Mapping[tuple[int, int], Mark] | None = None,
        told: Collection[int] = (),
    ) -> str:
        rows = grid(array.literal, array.orientation)
        if rows is None:
            return str(
                self.draw(
                    nodes.Fenced(BRACES, separated(sliced(array, self.style.at_most(COLUMNS))))
                )
            )
        most = self.style.at_most(ROWS), self.style.at_most(COLUMNS)
        marks = marks or (array.zeros if self.marked else {})
        shown_rows, shown_columns = positions_shown(rows, most, marks, told)
        condition = f" {array.relation}" if array.relation else ""
        lines = [
            " & ".join(self._entry(rows, i, j, marks) for j in shown_columns)
            + (condition if i is not None else "")
            for i in shown_rows
        ]
        kind = "bmatrix" if array.brackets is SQUARE else "pmatrix"
        return rf"\begin{{{kind}}} " + r" \\ ".join(lines) + rf" \end{{{kind}}}"

    def _entry(
        self,
        rows: Grid,
        i: int | None,
        j: int | None,
        marks: Mapping[tuple[int, int], Mark],
    ) -> str:
        if i is None:
            return r"\ddots" if j is None else r"\vdots"
        if j is None:
            return r"\cdots"
        return _marked(_number(figure(rows[i][j], self.style.decimals)), marks.get((i, j)))

    def _result(self, result: nodes.Evaluated) -> str:
        """A literal standing alone, its entries marked, its cases named."""
        if isinstance(result.part, nodes.FigureText):
            return _marked(_number(result.part.text), result.marks.get(()))
        literal = result.part.literal
        rows = grid(literal)
        if rows is None:
            return self._array(result.part)
        whole = self._array(result.part, result.placed, result.remarks)
        most = self.style.at_most(ROWS), self.style.at_most(COLUMNS)
        if numbers := row_numbers(rows_shown(result, most)):
            lines = r" \\ ".join(rf"\scriptstyle\text{{{n}}}" if n else "" for n in numbers)
            whole += rf"\begin{{matrix}} {lines} \end{{matrix}}"
        if not literal.batched:
            return whole
        count = literal.lengths[-1] if rows else 0
        words = f"cases 1 to {count}" if count > 1 else "case 1"
        return rf"\hgcases{{{words}}}{{{whole}}}"


def _number(text: str) -> Tex:
    if text in _NUMBERS:
        return Tex(_NUMBERS[text])
    mantissa, e, exponent = mantissa_and_power(text)
    return Tex(rf"{mantissa} \cdot 10", sup=exponent) if e else Tex(text)


def _marked(tex: Tex, mark: Mark | None) -> str:
    return rf"\hg{mark}{{{tex}}}" if mark else str(tex)


def _fenced(brackets: Brackets, inside: str) -> str:
    left, right = brackets.latex_left, brackets.latex_right
    if left.startswith("\\"):
        return f"{left} {inside} {right}" if brackets is not BRACES else f"{left}{inside}{right}"
    tall = any(command in inside for command in (r"\begin", r"\frac", r"\left"))
    return rf"\left{left}{inside}\right{right}" if tall else f"{left}{inside}{right}"


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
