"""The time steps of a recurrent network: told by parameters that the same activation takes up again.

h1 = tanh(W @ h0 + U @ x1) and h2 = tanh(W @ h1 + U @ x2) are one layer at two times. A matrix that two
layers share, with no input of its own at the second, is not told from two layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from handgrad.expression import Name, leaves
from handgrad.graph.remembered import of_graph
from handgrad.graph.structure import Graph, activation_of
from handgrad.record import record


@record
class _Uses:
    """What an activation takes: parameters and data up to the activations before it, and all that lies before."""

    parameters: frozenset[str]
    data: frozenset[str]
    before: frozenset[str]


@of_graph
def time_steps(graph: Graph) -> Mapping[str, int]:
    """By name of an activation's value, the time step that computes it, from 1; no other names.

    Activations with the same parameters are a recurrence where each depends on the one before and
    takes data too. Others that share their parameters, such as the gates of an LSTM's cell or the
    outputs of each time, belong to the last time step before them where that is another for each.
    """
    uses = _uses(graph)
    families: dict[tuple[object, ...], list[str]] = {}
    for name, used in uses.items():
        applied = activation_of(graph.nodes[name].written)
        assert applied is not None
        key = (used.parameters, applied.operation, graph.nodes[name].shape)
        families.setdefault(key, []).append(name)
    times: dict[str, int] = {}
    shared = [names for names in families.values() if len(names) > 1]
    for names in shared:
        follows = all(one in uses[after].before for one, after in pairwise(names))
        if follows and uses[names[0]].parameters and all(uses[n].data for n in names[1:]):
            times |= {name: number for number, name in enumerate(names, 1)}
    recurrent = dict(times)
    for names in shared:
        if names[0] not in recurrent:
            last = [max((recurrent.get(b, 0) for b in uses[n].before), default=0) for n in names]
            if 0 not in last and len(set(last)) == len(last):
                times |= dict(zip(names, last, strict=True))
    return times


def _uses(graph: Graph) -> dict[str, _Uses]:
    """Of each activation what it takes, in the order of the equations."""
    found: dict[str, _Uses] = {}
    reach: dict[str, _Uses] = {}
    for name in graph.equations:
        written = graph.nodes[name].written
        taken = {leaf.name for leaf in leaves(written) if isinstance(leaf, Name)} if written else ()
        kinds = {n: graph.nodes[n].kind for n in taken}
        values = [n for n in taken if n in reach]
        near = [reach[n] for n in values if n not in found]
        uses = _Uses(
            frozenset(n for n in taken if kinds[n] == "parameter").union(
                *(u.parameters for u in near)
            ),
            frozenset(n for n in taken if kinds[n] == "data").union(*(u.data for u in near)),
            frozenset(values).union(*(reach[n].before for n in values)),
        )
        reach[name] = uses
        if activation_of(written) is not None:
            found[name] = uses
    return found
