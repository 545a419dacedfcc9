"""Where each number of a problem stands in its text, so that it can be changed there and nowhere else.

The text has been read as TOML before: what is scanned here is known to be well formed, and the
scanner only keeps account of places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import numpy as np

from handgrad.equations import plain_name
from handgrad.errors import HandgradError
from handgrad.expression import Adjoint
from handgrad.formats.markup import quantity
from handgrad.lab.grids import spelled as spelled_entry
from handgrad.problem import Problem
from handgrad.problem.given import Given, number
from handgrad.record import record

Place = tuple["str | int", ...]
"""The keys and the positions that lead to a value: ("parameters", "W1", 0, 1)."""

RATE = "eta"
"""What pages call the learning rate of the update."""


@record
class Standing:
    """A value in a text: characters `start` to `stop`, quotation marks included; `written` is what it says."""

    start: int
    stop: int
    written: str


def values_in(text: str) -> dict[Place, Standing]:
    """Where every value of a document stands that is no list and no table, by the keys that lead to it."""
    return dict(_Scanner(text).document())


def numbers_in(values: Mapping[Place, Standing], problem: Problem) -> dict[str, Standing]:
    """Which of the values of a problem's text are given numbers, by name: `W1[0,1]`, the case last; `eta` for the rate.

    Left out is what is not written number by number, or what the problem has no use for.
    """
    found: dict[str, Standing] = {}
    for table, name, spelled, given in _givens(values, problem):
        entries = _entries(values, (table, name), given)
        if entries is not None:
            found |= {spelled_entry(spelled, at): standing for at, standing in entries.items()}
    rate = values.get(("update", "rate"))
    computed = {equation.target for equation in problem.equations}
    if problem.update is not None and rate is not None and RATE not in {*problem.inputs, *computed}:
        found[RATE] = rate
    return found


def _givens(
    values: Mapping[Place, Standing], problem: Problem
) -> Iterator[tuple[str, str, str, Given]]:
    """Each name that the text gives numbers to: its table, its key, its spelling, its numbers."""
    homes = {
        "parameters": problem.parameters,
        "data": problem.data,
        "given": problem.data,
        "upstream": problem.upstream,
    }
    seen = dict.fromkeys((p[0], p[1]) for p in values if len(p) > 1 and p[0] in homes)
    for table, key in seen:
        name = plain_name(str(key))
        given = homes[str(table)].get(name)
        if given is not None:
            spelled = quantity(Adjoint(name)) if table == "upstream" else name
            yield str(table), str(key), spelled, given


def _entries(
    values: Mapping[Place, Standing], within: Place, given: Given
) -> dict[tuple[int, ...], Standing] | None:
    """The numbers of one name by their indices; None where they are not all written there."""
    within = (*within, "cases") if given.batched else within
    found: dict[tuple[int, ...], Standing] = {}
    for at in np.ndindex(given.array.shape):
        written = (*at[-1:], *at[:-1]) if given.batched else at
        standing = values.get((*within, *written))
        if standing is None:
            return None
        with suppress(HandgradError):
            if number(standing.written, "")[0] == given.array[at]:
                found[at] = standing
    return found if len(found) == given.array.size else None


class _Scanner:
    """Goes through a TOML document that is known to be well formed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def document(self) -> Iterator[tuple[Place, Standing]]:
        """Every value that is no list and no table, with the place that it has in the document."""
        table: Place = ()
        while True:
            self._blank(lines=True)
            if self.at >= len(self.text):
                return
            if self.text[self.at] == "[":
                opening = 2 if self.text.startswith("[[", self.at) else 1
                self.at += opening
                table = self._key()
                self.at += opening
            else:
                key = self._key()
                self._over("=")
                yield from self._value((*table, *key))

    def _blank(self, *, lines: bool) -> None:
        """Over blanks, and over line ends and comments where they mean nothing."""
        while self.at < len(self.text):
            c = self.text[self.at]
            if c == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif c in " \t" or (lines and c in "\r\n"):
                self.at += 1
            else:
                return

    def _over(self, sign: str) -> None:
        self._blank(lines=False)
        self.at += len(sign)
        self._blank(lines=False)

    def _key(self) -> Place:
        """A key, or several with points between them."""
        keys: list[str | int] = []
        while True:
            self._blank(lines=False)
            if self.text[self.at] in "\"'":
                keys.append(self._string().written)
            else:
                start = self.at
                while self.text[self.at] not in " \t.=]":
                    self.at += 1
                keys.append(self.text[start : self.at])
            self._blank(lines=False)
            if self.text[self.at] != ".":
                return tuple(keys)
            self.at += 1

    def _value(self, place: Place) -> Iterator[tuple[Place, Standing]]:
        match self.text[self.at]:
            case "[":
                self.at += 1
                yield from self._list(place)
            case "{":
                self.at += 1
                yield from self._inline(place)
            case '"' | "'":
                yield place, self._string()
            case _:
                start = self.at
                while self.at < len(self.text) and self.text[self.at] not in ",]}#\r\n":
                    self.at += 1
                written = self.text[start : self.at].rstrip()
                yield place, Standing(start, start + len(written), written)

    def _list(self, place: Place) -> Iterator[tuple[Place, Standing]]:
        position = 0
        while True:
            self._blank(lines=True)
            if self.text[self.at] == "]":
                self.at += 1
                return
            yield from self._value((*place, position))
            position += 1
            self._blank(lines=True)
            self.at += self.text[self.at] == ","

    def _inline(self, place: Place) -> Iterator[tuple[Place, Standing]]:
        while True:
            self._blank(lines=True)
            if self.text[self.at] == "}":
                self.at += 1
                return
            key = self._key()
            self._over("=")
            yield from self._value((*place, *key))
            self._blank(lines=True)
            self.at += self.text[self.at] == ","

    def _string(self) -> Standing:
        """A text in any of the four kinds of quotation marks; its escapes are left as they stand."""
        start, mark = self.at, self.text[self.at]
        marks = mark * 3 if self.text.startswith(mark * 3, start) else mark
        self.at += len(marks)
        while not self.text.startswith(marks, self.at):
            self.at += 2 if mark == '"' and self.text[self.at] == "\\" else 1
        if len(marks) == 3:
            # Up to two quotation marks may stand before those that end it.
            while self.text.startswith(mark, self.at + 3):
                self.at += 1
        inside = self.text[start + len(marks) : self.at]
        self.at += len(marks)
        return Standing(start, self.at, inside)
