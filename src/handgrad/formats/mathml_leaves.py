"""What stands in a formula of MathML by itself: figures, names, the names of functions.

The same stand on a page many times, and are written once.
"""

from __future__ import annotations

from functools import lru_cache

from handgrad.figures import BLANK, UNDEFINED, mantissa_and_power
from handgrad.formats.markup import Math, plain, subscript
from handgrad.notation import Function
from handgrad.symbol import Symbol

_ACCENTS = {"hat": "ˆ", "bar": "¯", "tilde": "˜"}


@lru_cache(maxsize=4096)
def drawn_number(text: str) -> str:
    """A figure that is written in ASCII."""
    mantissa, e, exponent = mantissa_and_power(text)
    if text == BLANK:
        return '<mspace class="blank" width="4.6em" height="1.5em" depth="0.3em"/>'
    if text == UNDEFINED:
        return f"<mtext>{text}</mtext>"
    words = {"inf": "∞", "-inf": "−∞"}
    shown = words.get(text) or mantissa.replace("-", "−")
    if not e:
        return f"<mn>{shown}</mn>"
    power = f"<mn>{exponent.replace('-', '−')}</mn>"
    return f"<mn>{shown}</mn><mo>·</mo><msup><mn>10</mn>{power}</msup>"


@lru_cache(maxsize=4096)
def drawn_name(symbol: Symbol, index: str) -> Math:
    """A name with the index of an entry."""
    if symbol.text:
        letter = len(symbol.text) == 1
        base = (
            f"<mi>{plain(symbol.text)}</mi>" if letter else f"<mtext>{plain(symbol.text)}</mtext>"
        )
    else:
        base = f"<mi>{plain(symbol.base)}</mi>"
    if symbol.accent:
        accent = f'<mo stretchy="false">{_ACCENTS[symbol.accent]}</mo>'
        base = f'<mover accent="true">{base}{accent}</mover>'
    below = ",".join(part for part in (symbol.subscript, index) if part)
    above = f"<mtext>({plain(symbol.superscript)})</mtext>" if symbol.superscript else ""
    return Math(base, subscript(below), above)


@lru_cache(maxsize=4096)
def called_name(symbol: Symbol, index: str, quantity: str) -> str:
    """The same, marked with what code calls it."""
    drawn = drawn_name(symbol, index)
    return str(Math(drawn.base, drawn.sub, drawn.sup, quantity))


def drawn_head(notation: Function) -> str:
    """A function's name."""
    word = plain(notation.symbol)
    upright = ' mathvariant="normal"' if len(word) == 1 and word.isupper() else ""
    written = f"<mtext>{word}</mtext>" if " " in word else f"<mi{upright}>{word}</mi>"
    return f"<msub>{written}<mi>{notation.index}</mi></msub>" if notation.index else written
