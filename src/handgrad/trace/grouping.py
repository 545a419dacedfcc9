"""Which equations make up a forward step, as a lab would group them."""

from __future__ import annotations

from handgrad.expression import Call, Expression, Name
from handgrad.graph import Graph
from handgrad.operations import operation_of


def activation_of(expression: Expression | None) -> Call | None:
    """The activation that an equation applies at its root, if it does."""
    if isinstance(expression, Call) and operation_of(expression).family == "activation":
        return expression
    return None


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
    return name == graph.loss and ends_in_activation and name in graph.consumers(group[-1])


def pre_activations(graph: Graph) -> dict[str, str]:
    """By the name of each pre-activation, the name of the activation's value."""
    found: dict[str, str] = {}
    for name in graph.equations:
        call = activation_of(graph.nodes[name].written)
        if call is not None and isinstance(call.arguments[0], Name):
            argument = call.arguments[0].name
            if graph.nodes[argument].kind == "value":
                found.setdefault(argument, name)
    return found
