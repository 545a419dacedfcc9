"""Text that a plain pdfLaTeX can set: its special characters harmless, all of it ASCII."""

from __future__ import annotations

import re
import unicodedata

from handgrad.formats.latex import escaped, latex
from handgrad.formats.style import Style
from handgrad.page.blocks import Text
from handgrad.symbol import GREEK
from handgrad.text import Proportion, unbroken

_MATHEMATICS = {
    "−": "-", "×": r"\times", "·": r"\cdot", "⋅": r"\cdot", "⊙": r"\odot", "⊘": r"\oslash", "≤": r"\le",
    "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "∞": r"\infty", "∂": r"\partial", "√": r"\surd",
    "←": r"\leftarrow", "→": r"\rightarrow", "∅": r"\emptyset", "‖": r"\|", "Σ": r"\Sigma",
    "⋯": r"\cdots", "⋮": r"\vdots", "′": "'", "±": r"\pm", "÷": r"\div",
    "∈": r"\in", "⊤": r"\top", "½": r"\tfrac12", "¼": r"\tfrac14", "¾": r"\tfrac34",
    **{letter: f"\\{word}" for word, letter in GREEK.items()},
    "ε": r"\varepsilon", "ο": "o", "φ": r"\varphi",
}  # fmt: skip
_WORDS = {
    "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\ldots{}",
    "•": r"\textbullet{}", "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}",
    "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "œ": r"\oe{}", "©": r"\copyright{}",
    "⁄": "/", "°": r"\textdegree{}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d",
    "\u0327": "c",
}  # fmt: skip
# What Computer Modern's text fonts have other signs for.
_OTHER_IN_OT1 = {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''"}
_BLANKS = {"\u00a0": "~", "\u200b": "", "\u2009": r"\,"}


def content(text: Text, style: Style) -> str:
    """Running text with formulas in it."""
    parts: list[str] = []
    for part in unbroken(text):
        match part:
            case Proportion():
                parts.append(rf"\makebox[4em][l]{{\rule{{{4 * part.of_whole:.3g}em}}{{1.2ex}}}}")
            case str():
                parts.append(words(part))
            case _:
                parts.append(f"${latex(part, style=style)}$")
    return "".join(parts)


def words(text: str) -> str:
    """Text without formulas."""
    # The blanks that are kept stand apart from `printable`, which would spell them out.
    spaced = "".join(" " if c.isspace() and c not in _BLANKS else c for c in text)
    pieces = [escaped(piece) for piece in re.split(f"([{''.join(_BLANKS)}])", spaced)[::2]]
    blanks = re.findall(f"[{''.join(_BLANKS)}]", spaced)
    whole = "".join(piece + blank for piece, blank in zip(pieces, [*blanks, ""], strict=True))
    return "".join(_OTHER_IN_OT1.get(c, c) for c in whole)


def ascii_only(document: str) -> str:
    """The document with commands in place of everything that is not ASCII, good in either mode."""
    if document.isascii():
        return document
    composed = unicodedata.normalize("NFC", document)
    return "".join(c if c.isascii() else _command(c) for c in composed)


def _harmless(letter: str) -> str:
    shown = escaped(letter)
    return shown if shown == letter else rf"\text{{{shown}}}"


def _command(c: str) -> str:
    if c in _MATHEMATICS:
        return rf"\ensuremath{{{_MATHEMATICS[c]}}}"
    if c in _BLANKS:
        return _BLANKS[c]
    if c in _WORDS:
        return rf"\text{{{_WORDS[c]}}}"
    kind, _, codes = unicodedata.decomposition(c).rpartition("> ")
    letters = [chr(int(code, 16)) for code in codes.split()]
    if len(letters) == 2 and letters[1] in _ACCENTS and letters[0].isascii():
        base = {"i": r"\i", "j": r"\j"}.get(letters[0], letters[0])
        return rf"\text{{\{_ACCENTS[letters[1]]}{{{base}}}}}"
    if letters and kind:
        # A full-width ＼ or ｛ stands for a sign that must not become one of TeX's own.
        inside = ascii_only("".join(_harmless(letter) for letter in letters))
        script = {"<super": "textsuperscript", "<sub": "textsubscript"}.get(kind)
        return rf"\text{{\{script}{{{inside}}}}}" if script else inside
    if c in _ACCENTS:
        return ""
    return rf"\text{{\small[U+{ord(c):04X}]}}"
