"""A matrix gradient opened entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from handgrad.expression import Call, Expression, Leaf, Literal, Name, literal_of, substitute
from handgrad.graph.structure import is_batched
from handgrad.operations.annotate import annotated
from handgrad.operations.elements import entry_of
from handgrad.running.evaluate import value_of
from handgrad.solution.structure import TraceLine

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

ENTRIES = 64
"""More entries than this are not written out; the first ones are."""


@np.errstate(all="ignore")
def opened(
    trace: Trace, line: TraceLine, entries: Sequence[tuple[int, ...]] | None = None
) -> tuple[TraceLine, ...]:
    """A line of its own for each entry of a line's value, in entries of what it is made of.

    The first `ENTRIES` of them are opened unless it is said which.
    """
    formula = annotated(line.formula, trace.graph.shape)
    # What an update has besides numbers of the run, its rate and its memories, stands in its own numbers.
    numbers = line.substituted if line.role in ("updated", "memory") else formula
    if not line.shape:
        return ()
    lines = []
    if entries is None:
        entries = list(product(*map(range, line.shape)))[:ENTRIES]
    for index in entries:
        entry = entry_of(formula, index)
        lines.append(
            TraceLine(
                target=line.target,
                role=line.role,
                formula=entry,
                substituted=_with_entries(entry_of(numbers, index), trace),
                value=np.asarray(line.value)[index],
                shape=(),
                batched=line.batched,
                through=line.through,
                index=index,
            )
        )
    return tuple(lines)


def _with_entries(entry: Expression, trace: Trace) -> Expression:
    """The formula with the number of every entry in its place."""
    batched: set[Leaf] = set(trace.graph.batched_leaves)

    def number(node: Expression) -> Expression | None:
        is_index = isinstance(node, Call) and node.option("at") is not None
        if not is_index and (isinstance(node, (Call, Literal))):
            return None
        if isinstance(node, Name) and node not in trace.run.numbers:
            return None
        return literal_of(value_of(node, trace.run.numbers, batched), is_batched(node, batched))

    return substitute(entry, number)
