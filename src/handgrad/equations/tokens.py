"""The tokens of one equation: numbers, names, signs, with the spellings of mathematics read."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from handgrad.errors import EquationError, Span
from handgrad.operations.elsewhere import MENDS

LONGEST = 20_000
"""Characters in one equation, at most."""


LONGEST_TEXT = 60
"""Characters between quotes, at most."""


class Token(NamedTuple):
    kind: str
    text: str
    span: Span


_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d](?:(?![ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉])\w)*)"
    r"|(?P<sign>\*\*|==|<=|>=|!=|[-+*/@()\[\],:=.^<>])"
    r"|(?P<space>\s+)"
)
_TEXT = re.compile(rf"([\"'])([A-Za-z,.> -]{{0,{LONGEST_TEXT}}})\1")
"""Letters of axes, or the name of a padding."""
_REST = re.compile(r"(?:(?![ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉])\w)*")
_SIGNS = {
    "−": "-",
    "–": "-",
    "·": "*",
    "×": "*",
    "⊙": "*",
    "⊘": "/",
    "∗": "*",
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
}
_FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75"}
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SUBSCRIPT = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_RAISED = re.compile(r"(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_DECORATED = re.compile(r"⁽([⁰¹²³⁴⁵⁶⁷⁸⁹]+)⁾|([₀₁₂₃₄₅₆₇₈₉]+)")


def tokens(source: str) -> list[Token]:
    if len(source) > LONGEST:
        raise EquationError(
            f"an equation of {len(source)} characters is longer than {LONGEST}",
            source=source[:200],
            mend="split it: give its parts names of their own",
        )
    found: list[Token] = []
    position = 0
    while position < len(source):
        character = source[position]
        if character in _SIGNS:
            found.append(Token("sign", _SIGNS[character], Span(position, position + 1)))
            position += 1
            continue
        if character in "ᵀ⊤":
            found.append(Token("transpose", character, Span(position, position + 1)))
            position += 1
            continue
        if raised := _RAISED.match(source, position):
            # a² and a⁻¹ are powers; a name's own number stands in brackets, as in z⁽¹⁾.
            span = Span(position, raised.end())
            minus = [Token("sign", "-", span)] if raised[1] else []
            number = Token("number", raised[2].translate(_SUPERSCRIPT), span)
            found += [Token("sign", "**", span), *minus, number]
            position = raised.end()
            continue
        match = _TOKEN.match(source, position)
        span = Span(position, position + 1)
        if character in "'’" and found and (found[-1].kind == "name" or found[-1].text in ")]"):
            raise EquationError(
                f"the sign {character!r} means nothing here",
                source=source,
                span=span,
                mend=MENDS["'"],
            )
        if character in "\"'`":
            text = _TEXT.match(source, position)
            if text is None:
                raise EquationError(
                    "equations hold names and numbers, no texts",
                    source=source,
                    span=span,
                    mend=f'in quotes stand letters alone, as in einsum("ij,jk->ik", A, B), and {LONGEST_TEXT} characters at most',
                )
            found.append(Token("text", text[2], Span(position, text.end())))
            position = text.end()
            continue
        if character in _FRACTIONS:
            found.append(Token("number", _FRACTIONS[character], span))
            position += 1
            continue
        if match is None:
            raise EquationError(
                f"the sign {character!r} means nothing here",
                source=source,
                span=span,
                mend=MENDS.get(character, ""),
            )
        kind = match.lastgroup or ""
        end = match.end()
        if kind == "name":
            name, end = _name(source, match.group(), end)
            braces, end = _braces(source, end)
            found.append(Token("name", name + braces, Span(position, end)))
        elif kind != "space":
            found.append(Token(kind, match.group(), Span(position, end)))
        position = end
    found.append(Token("end", "", Span(len(source), len(source) + 1)))
    return found


@lru_cache(maxsize=512)
def shifted(source: str, offset: int = 0) -> tuple[Token, ...]:
    """The tokens of a text that begins at `offset`: a line that is repeated is read once."""
    found = tokens(source)
    if not offset:
        return tuple(found)
    return tuple(t._replace(span=Span(t.span.start + offset, t.span.stop + offset)) for t in found)


def plain_name(text: str) -> str:
    """A name with its marks read, as in equations: ŷ is yhat. A text that is no name is given back."""
    try:
        first, *rest = tokens(text)
    except EquationError:
        return text
    return first.text if first.kind == "name" and [t.kind for t in rest] == ["end"] else text


def _braces(source: str, end: int) -> tuple[str, int]:
    """The numbers inside a name, as they are written: {t-1}, and what follows of the name."""
    start = end
    while source[end : end + 1] == "{":
        closing = source.find("}", end)
        if closing < 0:
            raise EquationError(
                "'}' is missing after the number in a name",
                source=source,
                span=Span(end, len(source)),
                mend="write h{t-1}",
            )
        rest = _REST.match(source, closing + 1)
        end = closing + 1 if rest is None else rest.end()
    return source[start:end], end


def _name(source: str, text: str, end: int) -> tuple[str, int]:
    """A name with its marks read: ŷ is yhat, z⁽¹⁾ is z1, w₁₂ is w_12."""
    while end < len(source) and (
        unicodedata.combining(source[end]) or _DECORATED.match(source, end)
    ):
        decorated = _DECORATED.match(source, end)
        if decorated is None:
            text += source[end]
            end += 1
            continue
        over, under = decorated.groups()
        text += over.translate(_SUPERSCRIPT) if over else f"_{under.translate(_SUBSCRIPT)}"
        end = decorated.end()
    plain = unicodedata.normalize("NFD", text)
    plain = plain.replace("\u0302", "hat")
    return unicodedata.normalize("NFKC", plain), end
