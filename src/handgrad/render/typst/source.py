"""Pieces of Typst source that are safe whatever text they are made of.

Text reaches Typst as string literals only, never as markup, so that no `#`, `$` or bracket in
a title means anything.
"""

from __future__ import annotations

from handgrad.errors import printable

LONGEST_WORD = 24
"""A longer run without a blank may be broken anywhere."""

_ESCAPES = {"\\": "\\\\", '"': '\\"'}


def string(text: str) -> str:
    """The text, made printable, as a Typst string literal."""
    shown = printable(" ".join(text.split("\n")))
    return '"' + "".join(_ESCAPES.get(c, c) for c in shown) + '"'


def words(text: str) -> str:
    """Running text as a Typst string literal; words longer than a line may be broken."""
    if len(text) <= LONGEST_WORD:
        return string(text)
    return string(" ".join(_breakable(word) for word in text.replace("\n", " ").split(" ")))


def _breakable(word: str) -> str:
    if len(word) <= LONGEST_WORD:
        return word
    return printable(word).replace("", "\u200b").strip("\u200b")


def array(items: list[str]) -> str:
    """Typst expressions as an array of any length."""
    return "(" + "".join(f"{item}, " for item in items) + ")"
