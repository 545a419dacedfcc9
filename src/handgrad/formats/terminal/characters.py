"""Characters in a terminal: their widths, scripts above and below, and ASCII in place of them."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple, TypeAlias

from handgrad.errors import printable

SUPERSCRIPTS = dict(zip("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ", strict=True))
SUBSCRIPTS = dict(
    zip(
        "0123456789+-−=()aehijklmnoprstuvxβγρφχ",
        "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ",
        strict=True,
    )
)
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}

_ASCII = {
    "−": "-", "–": "-", "—": "-", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=",
    "≈": "~", "×": "x", "·": "*", "⊙": "*", "⊘": "/", "…": "...", "⋯": "...", "’": "'", "‘": "'",
    "′": "'", "“": '"', "”": '"', "∂": "d", "√": "sqrt", "‖": "||", "∞": "inf", "⁄": "/",
    "∅": "none", "•": "*", "█": "#", "░": "-",
    "⌊": "floor(", "⌋": ")",
    "▁": "_", "▂": ".", "▃": ":", "▄": "-", "▅": "=", "▆": "+", "▇": "*",
}  # fmt: skip


def script(text: str, table: dict[str, str]) -> str | None:
    """The text in super- or subscript characters, or None where one is missing."""
    return "".join(table[c] for c in text) if all(c in table for c in text) else None


def clean(text: str, ascii_only: bool) -> str:
    """One line of text that is safe to print: composed, no control characters, ASCII if asked."""
    if text.isascii() and text.isprintable():
        return text
    spaced = "".join(" " if c.isspace() else c for c in text)
    composed = unicodedata.normalize("NFC", printable(spaced))
    # A variation selector would let a terminal draw its character at another width.
    composed = "".join(c for c in composed if not "\ufe00" <= c <= "\ufe0f")
    if not ascii_only:
        return composed
    # What is raised in running text: 10⁻⁶ is 10^-6 and eᶻ is e^z.
    runs = [(up, "".join(_ascii(c) for c in run)) for up, run in groupby(composed, _is_raised)]
    return "".join(f"^{run}" if up else run for up, run in runs)


def _is_raised(c: str) -> bool:
    return not c.isascii() and unicodedata.decomposition(c).startswith("<super>")


def _ascii(c: str) -> str:
    if c.isascii():
        return c
    if c in _ASCII:
        return _ASCII[c]
    name = unicodedata.name(c, "")
    if name.startswith("GREEK "):
        word = name.split(" LETTER ")[-1].split(" ")[0].replace("LAMDA", "LAMBDA").lower()
        return word if "SMALL" in name else word.capitalize()
    if unicodedata.combining(c):
        return ""
    plain = unicodedata.normalize("NFKD", c)
    if plain == c:
        return "?"
    return "".join(_ascii(p) for p in plain)


def graphemes(text: str) -> list[tuple[str, int]]:
    """The characters of a clean text with the columns each takes; marks go with their letter."""
    found: list[tuple[str, int]] = []
    for c in text:
        if unicodedata.category(c) in ("Mn", "Me"):
            base, columns = found.pop() if found else (" ", 1)
            found.append((base + c, columns))
        else:
            found.append((c, 2 if unicodedata.east_asian_width(c) in "WF" else 1))
    return found


@lru_cache(4096)
def columns(text: str) -> int:
    """The columns a clean text takes."""
    return len(text) if text.isascii() else sum(n for _, n in graphemes(text))


Bracket: TypeAlias = tuple[str, str, str, str]
"""One side of a fence: for a single row, and the top, middle and bottom of a tall one."""


class Glyphs(NamedTuple):
    """The signs that mathematics and pages are drawn with."""

    ascii_only: bool
    square: tuple[Bracket, Bracket]
    round: tuple[Bracket, Bracket]
    minus: str
    times: str
    dot: str
    entrywise: str
    divided: str
    partial: str
    delta: str
    transposed: str
    becomes: str
    bar: str
    rows_left_out: str
    columns_left_out: str
    remark: str
    rule: str
    double_rule: str
    cross: str
    vertical: str
    info: str
    gate: str
    warning: str
    check: str


UNICODE = Glyphs(
    ascii_only=False,
    square=(("[", "⎡", "⎢", "⎣"), ("]", "⎤", "⎥", "⎦")),
    round=(("(", "⎛", "⎜", "⎝"), (")", "⎞", "⎟", "⎠")),
    minus="−",
    times="×",
    dot="·",
    entrywise="⊙",
    divided="⊘",
    partial="∂",
    delta="δ",
    transposed="ᵀ",
    becomes="←",
    bar="─",
    rows_left_out="⋮",
    columns_left_out="⋯",
    remark="◁",
    rule="─",
    double_rule="═",
    cross="┼",
    vertical="│",
    info="•",
    gate="⚠",
    warning="▲",
    check="✓",
)

ASCII = Glyphs(
    ascii_only=True,
    square=(("[", "[", "|", "["), ("]", "]", "|", "]")),
    round=(("(", "(", "|", "("), (")", ")", "|", ")")),
    minus="-",
    times="*",
    dot="*",
    entrywise="*",
    divided="/",
    partial="d",
    delta="delta",
    transposed="^T",
    becomes="<-",
    bar="-",
    rows_left_out=":",
    columns_left_out="...",
    remark="<-",
    rule="-",
    double_rule="=",
    cross="+",
    vertical="|",
    info="*",
    gate="!!",
    warning="!",
    check="ok",
)
