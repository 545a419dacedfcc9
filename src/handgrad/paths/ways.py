"""The largest ways by which an entry of a gradient comes, of a network with too many for all of them to be followed.

A way leads from gradient to gradient, by one of those in the terms of every sum. What comes by it is the product of the
shares that these terms have in their sums, times the gradient asked about: of all ways together it is that gradient. At each
sum the largest ways so far are followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from handgrad.paths.structure import Entry
from handgrad.record import record

KEPT = 3
"""Ways that are followed at once."""

LONGEST = 400
"""Sums that a way leads through, at most."""

Place: TypeAlias = "tuple[Entry, int | None]"
"""An entry, and the case in which it is looked at; None where nothing differs from case to case, or before one is chosen."""


@record
class Way:
    """One way from the entry asked about towards the loss.

    Arguments:
        through: the entries whose gradients it leads through, the one asked about first.
        value: what of the gradient comes by it.
        case: the case that it lies in; None where nothing differs from case to case.
    """

    through: tuple[Entry, ...]
    value: float
    case: int | None = None


@dataclass(frozen=True, slots=True)
class Onward:
    """One term of a gradient's sum, by which a way may go on.

    Arguments:
        value: the term's.
        place: the gradient in it; None where there is none.
    """

    value: float
    place: Place | None


@dataclass
class Ways:
    """Follows several ways at once.

    Arguments:
        onwards: of the gradient at a place its value, and the terms of its sum.
    """

    onwards: Callable[[Place], tuple[float, Sequence[Onward]]]
    _known: dict[Place, tuple[float, Sequence[Onward]]] = field(default_factory=dict)

    def largest(self, entry: Entry, case: int | None) -> tuple[Way, ...]:
        """The largest that are found from an entry, the largest first."""
        start: Place = (entry, case)
        value, _ = self._at(start)
        going, ended = [(Way((entry,), value, case), start)], list[Way]()
        for _ in range(LONGEST):
            grown = [longer for way, place in going for longer in self._longer(way, place)]
            grown.sort(key=lambda found: -abs(found[0].value))
            going = []
            for way, place in grown[:KEPT]:
                if place is None:
                    ended.append(way)
                else:
                    going.append((way, place))
            if not going:
                break
        ended.sort(key=lambda way: -abs(way.value))
        return tuple(ended[:KEPT])

    def _longer(self, way: Way, place: Place) -> Iterator[tuple[Way, Place | None]]:
        """A way by one sum further, by each of its terms; the place is None where it has come to its end."""
        whole, terms = self._at(place)
        for term in terms:
            if not (whole and term.value):
                continue
            comes = way.value * term.value / whole
            if term.place is None:
                yield Way(way.through, comes, way.case), None
            else:
                entry, case = term.place
                yield Way((*way.through, entry), comes, case), term.place

    def _at(self, place: Place) -> tuple[float, Sequence[Onward]]:
        if place not in self._known:
            whole, terms = self.onwards(place)
            # Terms with the same gradient in them are one way, as the two of p − y are.
            values: dict[Place | None, float] = {}
            for term in terms:
                values[term.place] = values.get(term.place, 0.0) + term.value
            self._known[place] = whole, [Onward(v, k) for k, v in values.items()]
        return self._known[place]
