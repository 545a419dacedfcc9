"""Why a gradient is zero of what is used in several equations: each use gives it none, or what they give cancels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TypeAlias

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.discussion.zero_part import ZeroPart, ZeroShare
from handgrad.expression import Adjoint, Expression, Leaf, leaves, literal_of
from handgrad.graph import Line
from handgrad.running.units import Index
from handgrad.solution import Trace
from handgrad.solution.silencing import Silencing

UNITS = 32
"""The most zero entries of one quantity whose effect on the gradients is worked out."""

ADDED = 4
"""Shares that cancel are written out where they are no more."""

Reason: TypeAlias = Callable[[Leaf, Index], ZeroPart]


@dataclass
class Shares:
    """Explains zeros of gradients that have several shares.

    Arguments:
        trace: of the solution.
        silencing: finds which entries of a share vanish with an entry of a value.
        never: which entries of a value are zero in every case.
        reason: why an entry of a value is.
    """

    trace: Trace
    silencing: Silencing
    never: Callable[[Leaf], Mask]
    reason: Reason

    def of(self, name: str, zero: set[Index]) -> Iterator[tuple[ZeroPart, set[Index]]]:
        """The zero entries of a gradient by the reasons of all its shares."""
        parts = self.trace.graph.gradients[name].parts
        shares = [self._array(name, part) for part in parts]
        silent = [{e for e in zero if not np.any(share[e])} for share in shares]
        reasons = [
            self._reasons(name, part, entries) for part, entries in zip(parts, silent, strict=True)
        ]
        groups: dict[ZeroPart, set[Index]] = {}
        for entry in sorted(zero):
            if all(entry in entries for entries in silent):
                told = tuple([found[entry] for found in reasons])
                if all(share.cause == "at_these_numbers" for share in told):
                    continue
                part = ZeroPart((), "no_share", shares=told)
            elif self.trace.graph.nodes[name].batched:
                continue
            else:
                numbers = [share[entry] for share in shares if share[entry] != 0]
                part = ZeroPart((), "shares_cancel", _sum(numbers))
            groups.setdefault(part, set()).add(entry)
        yield from groups.items()

    def _array(self, name: str, part: Line) -> Array:
        """A share's numbers, in the shape of the gradient."""
        run = self.trace.run
        share = np.asarray(run.numbers[Adjoint(name, through=part.through)], dtype=float)
        return np.broadcast_to(share, np.shape(run.gradient(name)))

    def _reasons(self, name: str, part: Line, zero: set[Index]) -> dict[Index, ZeroShare]:
        """By entry, the first reason for which a share is zero there."""
        found: dict[Index, ZeroShare] = {}
        for leaf in leaves(part.formula):
            for unit in np.argwhere(self.never(leaf))[:UNITS]:
                index = tuple(int(i) for i in unit)
                gone = self.silencing.of_share(name, part.through, leaf, index) & zero
                if gone - found.keys():
                    why = self.reason(leaf, index)
                    share = ZeroShare(
                        part.through, why.cause, why.about, why.value, why.operation, why.step
                    )
                    found.update({e: share for e in gone if e not in found})
        plain = ZeroShare(part.through, "at_these_numbers")
        return {entry: found.get(entry, plain) for entry in zero}


def _sum(numbers: list[Array]) -> Expression | None:
    """The numbers added, where they are few."""
    if len(numbers) > ADDED:
        return None
    return reduce(add, [literal_of(number) for number in numbers])
