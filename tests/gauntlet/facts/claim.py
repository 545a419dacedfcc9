"""Claims: what a statement says, whether it holds, and the count of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from handgrad import HandgradError


class Claim(NamedTuple):
    """One thing that a statement says. `kind` is that of the statement, such as "note gated_off".

    `derived` is what was derived in its place, as words with figures; `message` has the statement too.
    """

    kind: str
    holds: bool
    message: str
    derived: str = ""


Claims: TypeAlias = Iterator[Claim]


class FalseStatement(NamedTuple):
    """A claim that does not hold, and the problem that it was made about."""

    kind: str
    message: str
    text: str


@dataclass
class Report:
    """How many claims were re-derived, by the kind of statement, and those that are false.

    `undecided` are claims of which floats do not tell whether they hold; they are not among `counts`.
    """

    counts: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    false: list[FalseStatement] = field(default_factory=list)

    def take(self, claims: Iterable[Claim], text: str, undecided: Collection[int] = ()) -> None:
        """Counts claims; keeps the false ones with the text of their problem.

        Arguments:
            undecided: the places of claims that are counted as that.
        """
        for place, claim in enumerate(claims):
            if place in undecided:
                self.undecided[claim.kind] += 1
                continue
            self.counts[claim.kind] += 1
            if not claim.holds:
                self.false.append(FalseStatement(claim.kind, claim.message, text))

    def add(self, other: Report) -> None:
        """Takes over what another report has counted."""
        self.counts.update(other.counts)
        self.undecided.update(other.undecided)
        self.false += other.false

    def __str__(self) -> str:
        lines = [f"{count:>9}  {kind}" for kind, count in sorted(self.counts.items())]
        lines.append(f"{self.counts.total():>9}  in all, {len(self.false)} false")
        lines += [
            f"{count:>9}  undecided: {kind}" for kind, count in sorted(self.undecided.items())
        ]
        return "\n".join(lines)


Found: TypeAlias = Iterable[tuple[Any, str]]
"""What a record says, each with whether it holds."""


def claims_of(kind: str, found: Found, about: Any = "") -> Claims:
    """Claims of one kind. A statement about what there is not, such as a name that no equation has, is false."""
    said = str(about)
    try:
        for holds, message in found:
            yield Claim(kind, bool(holds), f"{message}: {said}"[:LONGEST], message)
    except (KeyError, IndexError, ValueError, AssertionError, HandgradError) as error:
        yield Claim(kind, False, f"it cannot be looked up ({error!r}): {said}"[:LONGEST])


LONGEST = 600
"""Characters of a message."""


def close(ours: Any, theirs: Any, tolerance: float = 1e-9) -> bool:
    """Whether two arrays have one shape and agree, to a share of the larger of 1 and the largest entry."""
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if a.shape != b.shape:
        return False
    both = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(a[~both], b[~both], equal_nan=True):
        return False
    scale = max(1.0, float(np.abs(b[both]).max(initial=0.0)))
    return float(np.abs(a[both] - b[both]).max(initial=0.0)) <= tolerance * scale


def near(ours: float, theirs: float, tolerance: float = 1e-9) -> bool:
    """Whether two numbers agree, to a share of the larger of them, or to 1e-12."""
    ours, theirs = float(ours), float(theirs)
    if not (np.isfinite(ours) and np.isfinite(theirs)):
        return ours == theirs
    return abs(ours - theirs) <= tolerance * max(abs(ours), abs(theirs)) + 1e-12
