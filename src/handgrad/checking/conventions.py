"""Conventions in which a sheet is right as a whole, though its figures are not those of the worked solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from handgrad.checking.judging import judged
from handgrad.checking.matching import Matched
from handgrad.checking.quantities import Quantity
from handgrad.checking.report import Judged, MeanLeft
from handgrad.checking.work import Work
from handgrad.expression import Adjoint, Leaf


def judged_in_convention(
    work: Work, found: Matched, *, rounded_unseen: bool = True
) -> tuple[Judged, ...]:
    """The verdicts; with the 1/m of a mean left to the gradients of the parameters, if that is the
    convention by which fewer of the figures are wrong.

    Many write dZ = A − Y, and dW = 1/m · dZ Aᵀ (Ng, Deep Learning Specialization, course 1).
    For `rounded_unseen` see `handgrad.checking.judging.judged`.
    """
    best = plain = judged(work, found, rounded_unseen=rounded_unseen)
    wrong = [j for j in plain if j.verdict == "wrong" and j.entry is not None]
    late = {m: n for j in wrong for m, n in _late(work, j.quantity).items()}
    for count, certain in late.items():
        on_the_way = _from_first(work, found, plain, count)
        entries = {
            leaf: entry.scaled(1 / count) if leaf in on_the_way else entry
            for leaf, entry in found.entries.items()
        }
        scaled = replace(found, entries=entries)
        other = judged(work, scaled, rounded_unseen=rounded_unseen)
        if _tells(other, best, on_the_way, certain):
            best = tuple(
                _in_convention(j, found, count) if j.quantity.leaf in on_the_way else j
                for j in other
            )
    return best


def _tells(
    other: Sequence[Judged], best: Sequence[Judged], on_the_way: Sequence[Leaf], certain: bool
) -> bool:
    """Whether a sheet is in the convention of `other`, rather than that of the best until now."""
    by_leaf = {j.quantity.leaf: j for j in other}
    if not on_the_way or by_leaf[on_the_way[0]].verdict == "wrong":
        return False
    shares = [j for j in other if j.quantity.kind == "parameter_gradients" and np.any(j.expected)]
    right = any(j.verdict == "right" for j in shares)
    if _faults(other) < _faults(best):
        return certain or right or any(j.verdict == "consistent" for j in shares)
    # As many where 1/m is forgotten in one of them after all: those that have it tell.
    return right and _faults(other) == _faults(best)


def _faults(judged: Sequence[Judged]) -> int:
    return sum(j.verdict == "wrong" for j in judged)


def _late(work: Work, quantity: Quantity) -> dict[int, bool]:
    """The counts whose 1/m a gradient on the way may be without; whether they count examples for certain."""
    leaf, graph = quantity.leaf, work.structure.graph
    if not isinstance(leaf, Adjoint) or quantity.phase != "backward":
        return {}
    node = graph.nodes.get(leaf.name)
    if node is not None and node.kind != "value":
        return {}
    about = work.structure.subjects
    batches = about.averaged_within(leaf, batches=True)
    return {m: m in batches for m in about.averaged_within(leaf)}


def may_be_late(work: Work, quantity: Quantity) -> bool:
    """Whether a quantity's figures may be in a convention of their own."""
    return bool(_late(work, quantity))


def _from_first(work: Work, answers: Matched, plain: Sequence[Judged], count: int) -> list[Leaf]:
    """The gradients on the way that were entered, from the first that is wrong as it stands."""
    found: list[Leaf] = []
    for one in plain:
        begun = bool(found) or one.verdict == "wrong"
        if begun and one.quantity.leaf in answers.entries and count in _late(work, one.quantity):
            found.append(one.quantity.leaf)
    return found


def _in_convention(one: Judged, found: Matched, count: int) -> Judged:
    """A verdict on figures that were divided by m, as one on the figures themselves."""
    if one.verdict == "missing" or one.entry is None:
        return one
    # What was read as a share of the mean over cases is so still.
    shares = round(one.entry.factor * count)
    following = one.following * count if one.following is not None else None
    return replace(
        one,
        verdict="consistent" if one.verdict == "right" else one.verdict,
        entry=found.whole(one.quantity.leaf).scaled(shares),
        following=following,
        convention=MeanLeft(count),
    )
