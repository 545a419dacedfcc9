"""Whole numbers inside names and indices: the t - 1 of h{t-1}."""

from __future__ import annotations

import re
from collections.abc import Mapping

from handgrad.errors import nearest

MOST = 10**6
"""Larger numbers are no index of a name."""

_PIECE = re.compile(r"\s*(?:(?P<number>\d+)|(?P<name>[^\W\d]\w*)|(?P<sign>[-−+*()]))")
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"\.{2,3}|…")


class IndexMistake(Exception):  # noqa: N818 - it becomes an EquationError, with its place
    """A text that is no whole number; `mend` says what to write."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.what, self.mend = what, mend


def whole(text: str, known: Mapping[str, int]) -> int:
    """The value of a whole-number formula, such as t - 1 or 2*t; `known` are the numbers with names.

    Raises `IndexMistake` for anything else.
    """
    pieces: list[str] = []
    position = 0
    stripped = text.strip()
    while position < len(stripped):
        found = _PIECE.match(stripped, position)
        if found is None:
            raise IndexMistake(f"{stripped[:40]!r} is no whole number", "write {t} or {t-1}")
        pieces.append(found.group().strip().replace("−", "-"))
        position = found.end()
    if not pieces or len(pieces) > 50:
        raise IndexMistake("a whole number is missing", "write {t} or {t-1}")
    reader = _Reader(pieces, known, stripped)
    value = reader.sum()
    if reader.position < len(pieces):
        raise IndexMistake(f"{stripped[:40]!r} is no whole number", "write {t} or {t-1}")
    return value


class _Reader:
    def __init__(self, pieces: list[str], known: Mapping[str, int], text: str) -> None:
        self.pieces, self.known, self.text, self.position = pieces, known, text, 0

    def at(self, *signs: str) -> bool:
        return self.position < len(self.pieces) and self.pieces[self.position] in signs

    def take(self) -> str:
        if self.position == len(self.pieces):
            raise IndexMistake(f"{self.text[:40]!r} ends where a number is missing")
        self.position += 1
        return self.pieces[self.position - 1]

    def sum(self) -> int:
        value = self.product()
        while self.at("+", "-"):
            sign = self.take()
            value += self.product() if sign == "+" else -self.product()
        return self.checked(value)

    def product(self) -> int:
        value = self.one()
        while self.at("*"):
            self.take()
            value = self.checked(value * self.one())
        return value

    def one(self) -> int:
        piece = self.take()
        if piece == "-":
            return -self.one()
        if piece == "(":
            value = self.sum()
            if not self.at(")"):
                raise IndexMistake(f"')' is missing in {self.text[:40]!r}")
            self.take()
            return value
        if piece.isdecimal():
            return self.checked(int(piece) if len(piece) < 10 else MOST + 1)
        if piece in self.known:
            return self.known[piece]
        if piece[0].isalpha() or piece[0] == "_":
            raise IndexMistake(
                f"{piece} is no whole number here",
                nearest(piece, self.known)
                or f"give it under [data], {piece} = 5, or count it in a line of its own above, for {piece} in 1..5:",
            )
        raise IndexMistake(f"{self.text[:40]!r} is no whole number", "write {t} or {t-1}")

    def checked(self, value: int) -> int:
        if abs(value) > MOST:
            raise IndexMistake(f"{self.text[:40]!r} is more than {MOST}")
        return value


def is_range(name: str) -> bool:
    """Whether a name stands for several, as h{1..3} does."""
    return any(_RANGE.search(part) for part in _BRACES.findall(name))


def numbered(name: str, known: Mapping[str, int]) -> tuple[str, ...]:
    """The name with the numbers put in: h{t-1} is h2 at t = 3. With a range, h{1..3}, each of its names.

    Raises `IndexMistake` for what is no whole number, one below 0, and a range of none.
    """
    ranged = [part for part in _BRACES.findall(name) if _RANGE.search(part)]
    if len(ranged) > 1:
        raise IndexMistake(f"{name} has two ranges", "one range stands in a name")
    values = range(1)
    if ranged:
        first, last = ends(ranged[0], known)
        if last < first:
            raise IndexMistake(f"{ranged[0]} counts no number", "a range counts up, as in 1..3")
        if last - first > 10_000:
            raise IndexMistake(f"{ranged[0]} counts more than 10000 numbers")
        values = range(first, last + 1)

    def put(value: int) -> str:
        return _BRACES.sub(
            lambda braces: str(value if _RANGE.search(braces[1]) else _counted(braces[1], known)),
            name,
        )

    if values[0] < 0:
        raise IndexMistake(f"{name} would have the number {values[0]}", "numbers of names are not negative")  # fmt: skip
    return tuple(map(put, values))


def _counted(text: str, known: Mapping[str, int]) -> int:
    value = whole(text, known)
    if value < 0:
        raise IndexMistake(f"{{{text}}} is {value} here", "numbers of names are not negative")
    return value


def ends(text: str, known: Mapping[str, int]) -> tuple[int, int]:
    """The first and the last number of a range, 1..5."""
    parts = _RANGE.split(text)
    if len(parts) != 2:
        raise IndexMistake(f"{text.strip()[:40]!r} is no range", "write 1..5")
    return whole(parts[0], known), whole(parts[1], known)
