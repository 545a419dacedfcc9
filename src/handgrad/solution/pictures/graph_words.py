"""A picture of a computation graph in sentences, for whoever cannot see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from handgrad.errors import printable
from handgrad.figures import figure
from handgrad.solution.pictures.numbers import ShownNumbers
from handgrad.text import listed

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

_FLOW = {
    "given": "Arrows lead from each value to what is computed from it.",
    "forward": "Each box holds a value or its shape.",
    "backward": "Gradients flow back from the loss; each box holds the gradient of its value as well.",
}

NAMED = 12
"""Equations that are named; of more, the first and the last are."""


def describe_graph(
    trace: Trace,
    phase: str,
    gates: Mapping[str, tuple[int, int]],
    equations: Sequence[str],
    note: str,
    shown: ShownNumbers,
) -> str:
    """What a computation graph shows: its values in order, what flows, and the gates that are shut."""
    names = [printable(n) for n in equations]
    if len(names) > NAMED:
        which = f"{len(names)} equations, from {names[0]} to {names[-1]}"
    else:
        which = f"{listed(names)}" if len(names) == 1 else f"{listed(names)}, in this order"
    loss = printable(trace.graph.cost)
    if phase != "given":
        loss += f", which is {figure(float(shown.value(trace.graph.cost)), trace.decimals)}"
    sentences = [
        f"A computation graph: what is given, then {which}.",
        f"It ends in the loss {loss}.",
        _FLOW[phase],
    ]
    if shown.cases > 1:
        sentences.append(f"Of {shown.cases} cases, the first is shown by itself.")
    for name, (shut, count) in gates.items():
        if shut:
            of = "The gate" if count == 1 else f"{shut} of the {count} gates"
            sentences.append(f"{of} of {printable(name)} {'is' if shut == 1 else 'are'} shut.")
    return " ".join([*sentences, *([note] if note else [])])
