"""Whether a graph is a network of layers, and what its layers are.

A layer is a weighted sum, with or without a bias, and an activation or none. It is told by
the operations' families and notations, whatever things are called: `W @ x + b`, `X @ W.T`,
`relu(w.T @ h + b)` alike.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from handgrad.expression import Expression, Name, Shape, leaves
from handgrad.graph import Graph
from handgrad.graph.structure import activation_of
from handgrad.graph.weighted import Examples, Index, WeightedSum, weighted_sum
from handgrad.operations import operation_of
from handgrad.operations.gates import splits_ties


@dataclass(frozen=True, slots=True)
class NetworkLayer:
    """A weighted sum under the name `pre`, and the activation's value under the name `out`.

    `pre` is empty where the sum has no name of its own; `out` is `pre` where there is no
    activation. `gate` is what the activation is applied to, where it is a gate, and `splits_ties`
    says whether it lets half of the gradient through at 0.
    """

    sum: WeightedSum
    pre: str
    out: str
    operation: str
    gate: Expression | None
    splits_ties: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in order, the data that enter, and the equations after the last layer."""

    source: str
    layers: tuple[NetworkLayer, ...]
    tail: tuple[str, ...]
    examples: Examples

    def index(self, shape: Shape, unit: int) -> Index:
        """Where a unit's number stands in an array of this shape: the first example's."""
        match self.examples, shape:
            case _, ():
                return ()
            case "none", _:
                return (unit,)
            case _, (_,):
                return (0,)
            case "rows", _:
                return (0, unit)
            case _:
                return (unit, 0)


_KNOWN: deque[tuple[Graph, Network | None]] = deque(maxlen=8)
"""Networks of the last graphs: each picture of a page asks for them several times."""


def network_of(graph: Graph) -> Network | None:
    """The layers of a graph, or None where it is no network of layers."""
    for known, network in tuple(_KNOWN):
        if known is graph:
            return network
    network = _found(graph)
    _KNOWN.append((graph, network))
    return network


def _found(graph: Graph) -> Network | None:
    layers: list[NetworkLayer] = []
    seen: set[str] = set()
    for name in graph.equations:
        if name in seen:
            continue
        layer = _layer(graph, name)
        if layer is None:
            continue
        expected = layers[-1].out if layers else layer.sum.source
        is_data = layers or graph.nodes[layer.sum.source].kind == "data"
        if layer.sum.source != expected or not is_data:
            return None
        if layers and layer.sum.examples != layers[0].sum.examples:
            return None
        layers.append(layer)
        seen |= {layer.pre, layer.out}
    tail = tuple(n for n in graph.equations if n not in seen)
    if not layers or graph.loss not in tail:
        return None
    names = [n for layer in layers for n in (layer.pre, layer.out) if n]
    most = 1 if layers[0].sum.examples == "none" else 2
    if any(len(graph.nodes[n].shape) > most for n in names):
        return None  # W @ h + c with c of another shape is no layer's vector
    hidden = {n for layer in layers for n in (layer.pre, layer.out)}
    hidden -= {layers[-1].pre, layers[-1].out}
    used = {leaf.name for n in tail for leaf in leaves(_written(graph, n))}
    reached = used & {layers[-1].pre, layers[-1].out}
    if used & hidden or not reached or _branches(graph, layers):
        return None
    drawn = {name for layer in layers for name in (layer.sum.weights, layer.sum.bias)}
    if any(graph.nodes[n].kind == "parameter" for n in used - drawn):
        return None  # what comes after the last layer has weights of its own
    return Network(layers[0].sum.source, tuple(layers), tail, layers[0].sum.examples)


def _branches(graph: Graph, layers: list[NetworkLayer]) -> bool:
    """Whether a pre-activation goes anywhere but into its activation."""
    return any(
        set(graph.consumers.get(layer.pre, ())) - {layer.out}
        for layer in layers[:-1]
        if layer.pre and layer.pre != layer.out
    )


def _written(graph: Graph, name: str) -> Expression:
    written = graph.nodes[name].written
    assert written is not None
    return written


def _layer(graph: Graph, name: str) -> NetworkLayer | None:
    """The layer that begins with the equation of this name."""
    written = _written(graph, name)
    applied = activation_of(written)
    if applied is not None:
        inner = _named_sum(graph, applied.arguments[0])
        if inner is None:
            return None
        gate = applied.arguments[0] if operation_of(applied).gate else None
        return NetworkLayer(inner, "", name, applied.operation, gate, splits_ties(written))
    weighted = _named_sum(graph, written)
    if weighted is None:
        return None
    out = graph.activations.get(name, name)
    call = activation_of(_written(graph, out)) if out != name else None
    gate = Name(name) if call is not None and operation_of(call).gate else None
    tied = out != name and splits_ties(_written(graph, out))
    operation = call.operation if call is not None else ""
    return NetworkLayer(weighted, name, out, operation, gate, tied)


def _named_sum(graph: Graph, expression: Expression) -> WeightedSum | None:
    """A weighted sum of a value with a name."""
    found = weighted_sum(graph, expression)
    return found if found is not None and found.source else None
