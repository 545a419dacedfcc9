"""What an edit did, in a sentence: the gates that turned, the gradients that woke or died, the loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from handgrad.comparison import turned_gates, unit_text
from handgrad.comparison.structure import GateChange
from handgrad.expression import Literal
from handgrad.solution import Trace
from handgrad.solution.silencing import Zeroed
from handgrad.text import Inline, Text, joined, listed

FEW = 3
"""Gates, and parts of gradients, that are told one by one; of more how many there are."""


def told(before: Trace, after: Trace) -> Text:
    """What an edit did, as one sentence."""
    clauses = [*_gates(turned_gates(before, after)), *_zeros(before, after), *_loss(before, after)]
    if not clauses:
        return (
            "The figures changed; no gate turned, and no gradient came to be zero or ceased to be.",
        )
    sentence: list[Inline] = []
    for position, clause in enumerate(clauses):
        sentence += ["; ", *clause] if position else clause
    first = sentence[0]
    if isinstance(first, str):
        sentence[0] = first[0].upper() + first[1:]
    return (*sentence, ".")


def _gates(changes: Sequence[GateChange]) -> Iterator[Text]:
    """The gates that turned; where one is no gate in one of the solutions, its slope is another matter."""
    turned = [c for c in changes if c.left.gate and c.right.gate]
    for opened in (True, False):
        which = [c for c in turned if c.left.shut == opened]
        if not which:
            continue
        verb = f"switched {'on' if opened else 'off'}"
        if len(which) <= FEW:
            yield (f"{listed([_lower(c) for c in which])} {verb}",)
        else:
            many = (
                "gates" if all(c.case is None for c in which) else "gates, counted in every case,"
            )
            yield (f"{len(which)} {many} {verb}",)


def _lower(change: GateChange) -> str:
    who = unit_text(change)
    return who[0].lower() + who[1:]


def _zeros(before: Trace, after: Trace) -> Iterator[Text]:
    """The parts of the gradients asked for that are zero in one of the solutions only."""
    here, there = _zero_parts(before), _zero_parts(after)
    known = {n for n in before.problem.asked if n in after.problem.asked}
    for parts, others, singular, plural in (
        (here, there, "is no longer zero", "are no longer zero"),
        (there, here, "is zero now", "are zero now"),
    ):
        new = [z for z in parts if z not in others and z.name in known]
        if not new:
            continue
        verb = singular if len(new) == 1 else plural
        if len(new) <= FEW:
            yield (*joined([z.text() for z in new]), f" {verb}")
        else:
            yield (f"{len(new)} rows and entries of gradients {plural}",)


def _zero_parts(trace: Trace) -> dict[Zeroed, None]:
    """By row, or whole, what is zero of the gradients asked for; of a vector its entries."""
    found: dict[Zeroed, None] = {}
    for name in trace.problem.asked:
        gradient = np.asarray(trace.run.gradient(name), dtype=float)
        if gradient.ndim == 0:
            if gradient == 0:
                found[Zeroed(name, "all", 0, ((),))] = None
            continue
        for row in np.flatnonzero(~gradient.reshape(len(gradient), -1).any(axis=1)):
            at = tuple((int(row), *rest) for rest in np.ndindex(gradient.shape[1:]))
            found[Zeroed(name, "entry" if gradient.ndim == 1 else "row", int(row), at)] = None
    return found


def _loss(before: Trace, after: Trace) -> Iterator[Text]:
    """Where the loss went, and how far."""
    if not (before.graph.has_loss and after.graph.has_loss):
        return
    if (
        before.graph.cost != after.graph.cost
        or np.ndim(before.run.total)
        or np.ndim(after.run.total)
    ):
        return
    was, now = float(before.run.loss), float(after.run.loss)
    if not np.isfinite((was, now)).all():
        return
    if was == now:
        yield ("the loss stayed at ", Literal(now))
        return
    moved = abs(now - was)
    yield (f"the loss {'fell' if now < was else 'rose'} by ", Literal(moved), " to ", Literal(now))
