"""Running text with formulas in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from handgrad.formats.typst.pen import Typ, TypstPen
from handgrad.formats.typst.source import LONGEST_WORD, words
from handgrad.page.blocks import Text
from handgrad.text import Proportion, unbroken


def content(text: Text, pen: TypstPen) -> str:
    """The text as a Typst content block: its words as strings, its formulas on one line."""
    linear = replace(pen, linear=True)
    layout = linear.formula()
    parts: list[str] = []
    for part in unbroken(text):
        match part:
            case Proportion():
                parts.append(f"share({100 * part.of_whole:.3g}%)")
            case str():
                parts.extend(_lettered(part))
            case _:
                parts.append(formula(linear.draw(layout.node(part))))
    return f"[{''.join(f'#{part}' for part in parts)}]"


def _lettered(text: str) -> Iterator[str]:
    """Words, and Greek letters among them as formulas have them: η of a text font is another sign."""
    end = 0
    for found in _LETTER.finditer(text):
        if found.start() > end:
            yield words(text[end : found.start()])
        below = found["below"] and f"_{ord(found['below']) - ord('₀')}"
        yield f"${found['letter']}{below}$"
        end = found.end()
    if end < len(text) or not text:
        yield words(text[end:])


_LETTER = re.compile(r"(?<!\w)(?P<letter>[α-ω])(?P<below>[₀-₉]?)(?![\w(⁽])")


def formula(drawn: Typ) -> str:
    """A formula in a line. No line ends within a name: a very long one is set smaller instead."""
    whole = str(drawn)
    return f"narrow(${whole}$)" if _LONG_NAME.search(whole) else f"${whole}$"


_LONG_NAME = re.compile(rf'"[^"]{{{LONGEST_WORD},}}"')
