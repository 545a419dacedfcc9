"""A formula on a single line as runs of text: letters, upright or slanted, and scripts.

For formats that set text but no mathematics, such as SVG.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, assert_never

from handgrad.errors import printable
from handgrad.expression import Expression
from handgrad.figures import mantissa_and_power
from handgrad.formats.mathematics import nodes
from handgrad.formats.mathematics.formula import Formula
from handgrad.formats.mathematics.nodes import ROUND, Node, SignKind
from handgrad.formats.style import Style
from handgrad.record import record
from handgrad.symbol import Symbol

Level: TypeAlias = Literal["line", "above", "below"]
Face: TypeAlias = Literal["text", "figure", "letter", "word", "sign"]
"""Running text, a figure, a letter of mathematics (slanted), a word of it (upright), and a sign
that only mathematical fonts have."""

_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
_SIGNS: Mapping[SignKind, str] = {
    "times": " × ", "dot": " · ", "space": " ", "tight": "", "comma": ", ", "semicolon": "; ",
    "equals": " = ", "slash": "/", "negative": "−", "partial": "∂", "one": "1", "dots": "…",
}  # fmt: skip


@record
class TextRun:
    """A piece of text in one face, on the line or raised above it or lowered below it."""

    text: str
    face: Face = "text"
    level: Level = "line"


Runs: TypeAlias = tuple[TextRun, ...]


def inline_runs(text: Sequence[str | Expression], style: Style) -> Runs:
    """Running text with its formulas as runs, equal neighbours joined."""
    formula = Formula(style, linear=True)
    joined: list[TextRun] = []
    for part in text:
        runs = (TextRun(cleaned(part)),) if isinstance(part, str) else _runs(formula.node(part))
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
    return (TextRun(text, "word"),)


def _runs(node: Node) -> Runs:
    """A formula laid out for a single line, or a part of one."""
    match node:
        case nodes.Row(parts):
            return tuple([run for part in parts for run in _runs(part)])
        case nodes.Sign("entrywise"):
            return (TextRun(" ⊙ ", "sign"),)
        case nodes.Sign("divided"):
            return (TextRun(" ⊘ ", "sign"),)
        case nodes.Sign(kind):
            return _word(_SIGNS.get(kind, f" {kind} "))
        case nodes.Identifier(symbol, index):
            return _name(symbol, index)
        case nodes.FigureText(text):
            return _number(text)
        case nodes.Fenced(brackets, part):
            return (*_word(brackets.left), *_runs(part), *_word(brackets.right))
        case nodes.Array() | nodes.Evaluated() | nodes.Stacked():
            raise TypeError(f"a {type(node).__name__} takes more than a line")
        case nodes.Condition(text):
            return _word(f" {text}")
        case nodes.Head(notation):
            below = (TextRun(notation.index, "letter", "below"),) if notation.index else ()
            return (*_word(notation.symbol), *below)
        case nodes.Root(part, clear):
            return (*_word("√"), *_runs(part if clear else nodes.Fenced(ROUND, part)))
        case nodes.Raised(base, exponent):
            raised = _runs(exponent)
            if any(run.level != "line" for run in raised):
                return (*_runs(base), *_word("^("), *raised, *_word(")"))
            return (*_runs(base), *(replace(run, level="above") for run in raised))
        case nodes.Transposed(part):
            return (*_runs(part), TextRun("T", "word", "above"))
        case nodes.EntryOf(part, index):
            return (*_runs(part), TextRun(index, "word", "below"))
        case nodes.Through(part, through):
            return (*_runs(part), *_word("|"), *_runs(through))
        case nodes.Named(part):
            return _runs(part)
        case _:
            assert_never(node)


def _number(text: str) -> Runs:
    mantissa, e, exponent = mantissa_and_power(text)
    figures = mantissa.replace("inf", "∞").replace("-", "−")
    if not e:
        return (TextRun(figures, "figure"),)
    return (
        TextRun(f"{figures}·10", "figure"),
        TextRun(exponent.replace("-", "−"), "figure", "above"),
    )


def _name(symbol: Symbol, index: str) -> Runs:
    letter = symbol.base
    if symbol.accent:
        letter = unicodedata.normalize("NFC", letter + _ACCENTS[symbol.accent])
    upright = symbol.upright or bool(symbol.text)
    below = ",".join(part for part in (symbol.subscript, index) if part)
    runs = [TextRun(cleaned(letter), "word" if upright else "letter")]
    if below:
        runs.append(TextRun(cleaned(below), "word", "below"))
    if symbol.superscript:
        runs.append(TextRun(f"({symbol.superscript})", "word", "above"))
    return tuple(runs)
