"""A formula on a single line as runs of text: letters, upright or slanted, and scripts.

For formats that set text but no mathematics, such as SVG.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from handgrad import expression as tree
from handgrad.errors import printable
from handgrad.expression import Expression
from handgrad.figures import figure, mantissa_and_power
from handgrad.notation import POWER, PRODUCT, Fence, Function
from handgrad.render.arrays import Orientation, elided
from handgrad.render.formula import Brackets, Formula, Piece
from handgrad.render.reading import ProductSign
from handgrad.render.style import Style
from handgrad.symbol import Symbol

Level: TypeAlias = Literal["line", "above", "below"]
Face: TypeAlias = Literal["text", "figure", "letter", "word", "sign"]
"""Running text, a figure, a letter of mathematics (slanted), a word of it (upright), and a sign
that only mathematical fonts have."""

LISTED = 8
"""Entries of an array that are written out."""

_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
_SIGNS = {"times": " × ", "dot": " · "}


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text in one face, on the line or raised above it or lowered below it."""

    text: str
    face: Face = "text"
    level: Level = "line"


Runs: TypeAlias = tuple[Run, ...]


def inline_runs(text: Sequence[str | Expression], style: Style) -> Runs:
    """Running text with its formulas as runs, equal neighbours joined."""
    pen = InlinePen(style)
    joined: list[Run] = []
    for part in text:
        runs = (Run(cleaned(part)),) if isinstance(part, str) else Formula(pen).draw(part)
        for run in runs:
            if joined and (joined[-1].face, joined[-1].level) == (run.face, run.level):
                joined[-1] = replace(run, text=joined[-1].text + run.text)
            elif run.text:
                joined.append(run)
    return tuple(joined)


def cleaned(text: str) -> str:
    """One line of text without control characters, composed."""
    spaced = "".join(" " if c.isspace() else c for c in text)
    return unicodedata.normalize("NFC", printable(spaced))


def _word(text: str) -> Runs:
    return (Run(text, "word"),)


class InlinePen:
    """Draws the parts of a formula as runs of text."""

    def __init__(self, style: Style) -> None:
        self.style = style

    def number(self, text: str) -> Runs:
        mantissa, e, exponent = mantissa_and_power(text)
        figures = mantissa.replace("inf", "∞").replace("-", "−")
        if not e:
            return (Run(figures, "figure"),)
        return (
            Run(f"{figures}·10", "figure"),
            Run(exponent.replace("-", "−"), "figure", "above"),
        )

    def array(
        self,
        literal: tree.Literal,
        orientation: Orientation,
        brackets: Brackets,
        relation: str = "",
    ) -> Runs:
        inside = self._listed(literal.value)
        if relation:
            inside = (*inside, *_word(relation))
        return inside if brackets == "square" and not relation else self.parentheses(inside)

    def _listed(self, value: tree.Nested) -> Runs:
        if not isinstance(value, tuple):
            return self.number(figure(value, self.style.decimals))
        parts: list[Run] = []
        for i in elided(len(value), LISTED):
            parts += _word(", ") if parts else ()
            parts += _word("…") if i is None else self._listed(value[i])
        return (*_word("["), *parts, *_word("]"))

    def symbol(self, symbol: Symbol, index: str) -> Runs:
        letter = symbol.base
        if symbol.accent:
            letter = unicodedata.normalize("NFC", letter + _ACCENTS[symbol.accent])
        upright = symbol.upright or bool(symbol.text)
        below = ",".join(part for part in (symbol.subscript, index) if part)
        runs = [Run(cleaned(letter), "word" if upright else "letter")]
        if below:
            runs.append(Run(cleaned(below), "word", "below"))
        if symbol.superscript:
            runs.append(Run(f"({symbol.superscript})", "word", "above"))
        return tuple(runs)

    def gradient(self, loss: Symbol, of: Symbol, index: str, through: Symbol | None) -> Runs:
        whole = (*_word("∂"), *self.symbol(loss, ""), *_word("/∂"), *self.symbol(of, index))
        return self._through(whole, through)

    def error_signal(self, of: Symbol, index: str, through: Symbol | None) -> Runs:
        delta = replace(of, base="δ", accent="", upright=False, text="")
        return self._through(self.symbol(delta, index), through)

    def _through(self, drawn: Runs, through: Symbol | None) -> Runs:
        return (*drawn, *_word("|"), *self.symbol(through, "")) if through else drawn

    def entry(self, part: Runs, index: str) -> Runs:
        return (*part, Run(index, "word", "below"))

    def parentheses(self, part: Runs) -> Runs:
        return (*_word("("), *part, *_word(")"))

    def fence(self, notation: Fence, part: Runs) -> Runs:
        return (*_word(notation.left), *part, *_word(notation.right))

    def indicator(self, part: Runs, relation: str, enclosed: bool) -> Runs:
        inside = part if enclosed else (*_word("["), *part, *_word(f" {relation}]"))
        return (*_word("1"), *inside)

    def function(
        self,
        notation: Function,
        name: str,
        arguments: Sequence[Runs],
        options: Sequence[tuple[Symbol, str]],
        enclosed: bool,
    ) -> Runs:
        below = (Run(notation.index, "letter", "below"),) if notation.index else ()
        head = (*_word(notation.symbol), *below)
        if enclosed:
            return (*head, *arguments[0])
        inside: list[Run] = []
        for argument in arguments:
            inside += [*(_word(", ") if inside else ()), *argument]
        for k, (shown, value) in enumerate(options):
            inside += [*_word(", " if k else "; "), *self.symbol(shown, "")]
            inside += [*_word(" = "), *self.number(value)]
        return (*head, *self.parentheses(tuple(inside)))

    def sum(self, left: Runs, sign: str, right: Runs) -> Runs:
        return (*left, *_word(f" {sign} "), *right)

    def product(self, left: Runs, sign: ProductSign, right: Runs, tight: bool) -> Runs:
        if sign == "entrywise":
            return (*left, Run(" ⊙ ", "sign"), *right)
        if sign == "divided":
            return (*left, Run(" ⊘ ", "sign"), *right)
        between = ("" if tight else " ") if sign == "none" else _SIGNS[sign]
        return (*left, *_word(between), *right)

    def negation(self, part: Runs) -> Runs:
        return (*_word("−"), *part)

    def transpose(self, part: Runs) -> Runs:
        return (*part, Run("T", "word", "above"))

    def power(self, base: Runs, exponent: Runs) -> Runs:
        flat = all(run.level == "line" for run in exponent)
        if not flat:
            return (*base, *_word("^"), *self.parentheses(exponent))
        return (*base, *(replace(run, level="above") for run in exponent))

    def fraction(self, over: Piece[Runs], under: Piece[Runs]) -> Piece[Runs]:
        first = over.drawn if over.level >= PRODUCT or over.number else self.parentheses(over.drawn)
        second = under.drawn if under.level >= POWER else self.parentheses(under.drawn)
        return Piece((*first, *_word("/"), *second), PRODUCT, over.signed)

    def begins_with_digit(self, part: Runs) -> bool:
        return bool(part) and part[0].text[:1].isdigit()
