"""Which equations make up a forward step, as a lab would group them."""

from __future__ import annotations

from handgrad.expression import Name
from handgrad.graph import Graph
from handgrad.graph.remembered import of_graph
from handgrad.graph.structure import activation_of


@of_graph
def forward_groups(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """The equations in groups: a layer is a pre-activation and its activation.

    The loss joins the layer that feeds it, where that layer ends in an activation.
    """
    groups: list[list[str]] = []
    for name in graph.equations:
        last = groups[-1] if groups else []
        if last and (_activates(graph, name, last[-1]) or _loss_of(graph, name, last)):
            last.append(name)
        else:
            groups.append([name])
    return tuple(tuple(g) for g in groups)


def led_to(graph: Graph) -> list[str]:
    """The equations that the loss is made of, and its own, in order."""
    return [n for n in graph.equations if n == graph.loss or graph.gradients[n].reached]


def forward_steps(graph: Graph) -> dict[str, str]:
    """The number of the forward step that computes each value: 1.1, 1.2, …."""
    return {
        name: f"1.{number}"
        for number, group in enumerate(forward_groups(graph), start=1)
        for name in group
    }


def _activates(graph: Graph, name: str, previous: str) -> bool:
    call = activation_of(graph.nodes[name].written)
    if call is None or activation_of(graph.nodes[previous].written) is not None:
        return False
    return (
        bool(call.arguments)
        and isinstance(call.arguments[0], Name)
        and call.arguments[0].name == previous
    )


def _loss_of(graph: Graph, name: str, group: list[str]) -> bool:
    ends_in_activation = activation_of(graph.nodes[group[-1]].written) is not None
    return name == graph.loss and ends_in_activation and name in graph.consumers.get(group[-1], ())
