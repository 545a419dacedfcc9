"""A network picture in sentences, for whoever cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handgrad.errors import printable
from handgrad.figures import figure
from handgrad.operations import noun_of
from handgrad.solution.pictures.layers import Network
from handgrad.solution.pictures.numbers import ShownNumbers
from handgrad.text import all_of, listed

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

_FLOW = {
    "given": "The weights stand on the edges.",
    "forward": "Values stand in the units and weights on the edges.",
    "backward": "Gradients flow from right to left: those of the units' weighted sums stand in the "
    "units, those of the weights on the edges.",
}

NAMED = 6
"""Gated units of a layer that are named; of more, only the count is said."""


def describe_network(
    trace: Trace,
    network: Network,
    phase: str,
    off: Sequence[frozenset[int]],
    labelled: bool,
    shown: ShownNumbers,
    direction: str = "from left to right",
) -> str:
    """What a network picture shows: the layers, what flows, and the units that are off.

    `labelled` says that every edge has its number beside it.
    """
    loss = printable(trace.graph.loss)
    if phase != "given":
        loss += f" = {figure(float(shown.value(trace.graph.loss)), trace.decimals)}"
    sentences = [
        f"A network of layers, {direction}: {_layers(network)}, and the loss {loss}.",
        _FLOW[phase],
        *(() if labelled else ("Where there is no room for numbers, thicker edges are larger.",)),
        *_example(trace, network, shown, phase),
        *(_off(network, phase, off) if phase != "given" else ()),
    ]
    return " ".join(sentences)


def layer_name(network: Network, position: int) -> str:
    """What a layer is called in a sentence."""
    hidden = len(network.layers) - 1
    if position == hidden:
        return "the output layer"
    return "the hidden layer" if hidden == 1 else f"hidden layer {position + 1}"


def _layers(network: Network) -> str:
    count = network.layers[0].sum.inputs
    parts = [f"{count} input{'s' if count > 1 else ''} {printable(network.source)}"]
    for position, layer in enumerate(network.layers):
        units = layer.sum.units
        noun = noun_of(layer.operation) if layer.operation else "no activation"
        name = layer_name(network, position)
        parts.append(f"{name} of {units} unit{'s' if units > 1 else ''} with {noun}")
    return ", ".join(parts)


def _example(trace: Trace, network: Network, shown: ShownNumbers, phase: str) -> list[str]:
    if shown.cases > 1:
        word = "Case 1"
        total = shown.cases
    elif network.examples != "none":
        word = "Example 1"
        shape = trace.graph.nodes[network.source].shape
        total = shape[0] if network.examples == "rows" else shape[1]
    else:
        return []
    said = f"{word} of {total} is shown"
    if phase != "backward":
        return [f"{said}."]
    return [f"{said}, with what it alone adds to the gradients of the weights."]


def _off(network: Network, phase: str, off: Sequence[frozenset[int]]) -> list[str]:
    said = []
    for position, units in enumerate(off):
        if not units:
            continue
        name = layer_name(network, position)
        total = network.layers[position].sum.units
        if len(units) == total > 1:
            which = f"{all_of(total, 'units').capitalize()} of {name} are"
        elif len(units) > NAMED:
            which = f"{len(units)} of the {total} units of {name} are"
        else:
            numbers = listed([str(u + 1) for u in sorted(units)])
            plural = len(units) > 1
            which = f"Unit{'s' if plural else ''} {numbers} of {name} {'are' if plural else 'is'}"
        said.append(f"{which} gated off.")
    if said:
        said.append(
            "The edges that carry only zeros onward from there are dashed."
            if phase == "forward"
            else "The gradient that arrives stops at the bar, and the edges behind it are dashed."
        )
    return said
