"""How a name is shown: `z1` as z⁽¹⁾, `yhat` as ŷ, `w_12` as w₁₂, `alpha` as α.

A `Symbol` is data; each printer draws it in its own way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Literal, TypeAlias

from handgrad.record import record

Accent: TypeAlias = Literal["", "hat", "bar", "tilde"]

_LOWER = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "final",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
]
_CAPITALS = [
    "Gamma",
    "Delta",
    "Theta",
    "Lambda",
    "Xi",
    "Pi",
    "Sigma",
    "Upsilon",
    "Phi",
    "Psi",
    "Omega",
]
_FROM_ALPHA = {word: position for position, word in enumerate(_LOWER) if word != "final"}

GREEK: dict[str, str] = {
    **{word: chr(ord("α") + position) for word, position in _FROM_ALPHA.items()},
    **{word: chr(ord("Α") + _FROM_ALPHA[word.lower()]) for word in _CAPITALS},
}
"""Greek letters by the names they are typed with; capitals where they differ from Latin ones."""

_NAME = re.compile(r"(?P<letters>[^\W\d_]+)(?P<digits>\d*)(?P<rest>(?:_\w+)?)")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_LETTER_BELOW = re.compile(r"(?P<letter>[^\W\d_])_(?P<below>[^\W_]+)")
_LAYER = re.compile(r"\((\w+)\)")
_ACCENTS: tuple[Accent, ...] = ("hat", "bar", "tilde")


@record
class Symbol:
    """A name taken apart.

    Arguments:
        base: the letter or letters, Greek ones as Greek letters.
        accent: what stands over the letter.
        superscript: the layer or number, shown in parentheses.
        subscript: what stands below, such as "12" or "prev".
        upright: a word rather than a letter, set upright.
        text: the whole symbol where the problem itself says how to show it.
        name: the name as it is typed.
    """

    base: str
    accent: Accent = ""
    superscript: str = ""
    subscript: str = ""
    upright: bool = False
    text: str = ""
    name: str = ""

    def __hash__(self) -> int:
        return hash(self.name)


def symbol(name: str, display: Mapping[str, str] | None = None) -> Symbol:
    """The symbol for a name; `display` says how to show it where the usual reading does not do.

    A letter with something below, such as "W_q" or "Θ₁", and a layer above it, such as "z⁽¹⁾", are read as such,
    and LaTeX's Greek letters as what they stand for; any other text is shown as it is.
    """
    if display and name in display:
        text = _COMMAND.sub(lambda found: GREEK.get(found[1], found[0]), display[name])
        if lowered := _LETTER_BELOW.fullmatch(text):
            return Symbol(base=lowered["letter"], subscript=lowered["below"], name=name)
        if (scripted := _scripted(text)) is not None:
            return replace(scripted, name=name)
        return Symbol(base=text, text=text, name=name)
    return _read(name)


def _scripted(text: str) -> Symbol | None:
    """A letter and what is written with it in Unicode's own small characters, which few fonts have."""
    letter, below, above = text[:1], "", ""
    for character in text[1:]:
        kind, _, code = unicodedata.decomposition(character).partition(" ")
        if kind == "<sub>":
            below += chr(int(code, 16))
        elif kind == "<super>":
            above += chr(int(code, 16))
        else:
            return None
    layer = _LAYER.fullmatch(above)
    if not letter.isalpha() or not (below or above) or (above and layer is None):
        return None
    return Symbol(base=letter, superscript=layer[1] if layer else "", subscript=below)


@lru_cache(maxsize=4096)
def _read(name: str) -> Symbol:
    """The usual reading of a name."""
    found = _NAME.fullmatch(name)
    if found is None:
        return Symbol(base=name, upright=True, name=name)
    base, accent = _accented(found["letters"])
    return Symbol(
        base=GREEK.get(base, base),
        accent=accent,
        superscript=found["digits"],
        subscript=",".join(GREEK.get(part, part) for part in found["rest"].split("_") if part),
        upright=len(GREEK.get(base, base)) > 1,
        name=name,
    )


def _accented(letters: str) -> tuple[str, Accent]:
    """A letter and what stands over it: only a single letter, Latin or Greek, takes an accent."""
    for accent in _ACCENTS:
        base = letters.removesuffix(accent)
        if base != letters and (len(base) == 1 or base in GREEK):
            return base, accent
    return letters, ""
