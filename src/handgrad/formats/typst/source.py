"""Pieces of Typst source that are safe whatever text they are made of.

Text reaches Typst as string literals only, never as markup, so that no `#`, `$` or bracket in
a title means anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from handgrad.errors import printable

LONGEST_WORD = 18
"""A longer run without a blank may be broken anywhere."""

NO_BREAK, ANYWHERE = "\u00a0", "\u200b"
"""A blank at which no line ends, and a place without one at which it may."""

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})


def string(text: str) -> str:
    """The text on one line, made printable, as a Typst string literal."""
    return f'"{_printable(text).translate(_ESCAPES)}"'


def words(text: str) -> str:
    """Running text as a Typst string literal; words longer than a line may be broken."""
    literal = string(text)
    if len(literal) <= LONGEST_WORD:
        return literal
    return f'"{" ".join(map(_breakable, literal[1:-1].split(" ")))}"'


def _printable(text: str) -> str:
    """Blanks as blanks, and other characters that do not print made visible."""
    if text.isprintable():
        return text
    spaced = "".join(" " if c.isspace() and c != NO_BREAK else c for c in text)
    return NO_BREAK.join(printable(part) for part in spaced.split(NO_BREAK))


def _breakable(word: str) -> str:
    if len(word) <= LONGEST_WORD:
        return word
    return ANYWHERE.join(re.findall(r"\\.|.", word))


def array(items: Iterable[str]) -> str:
    """Typst expressions as an array of any length."""
    return "(" + "".join(f"{item}, " for item in items) + ")"
