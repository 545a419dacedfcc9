"""What happens in a run of many candidates: by event, in which of them it does.

The candidates lie along the last axis; where an exercise has many cases, those along the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from handgrad.errors import OptionError
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, leaves, shape_of, walk
from handgrad.graph import Graph
from handgrad.graph.structure import activation_of
from handgrad.operations import operation_of
from handgrad.operations.operation import Array
from handgrad.practice.wanted import Wanted
from handgrad.trace.slopes import SATURATION, slopes_of

NEAREST = 1e-9
"""A pre-activation this near to 0 could be on either side after rounding; none is asked for."""

CARRIED = ("arithmetic", "linear", "structure", "reduction")
"""Families of operations that a person carries out in full, with plus, minus and times."""


@dataclass(frozen=True, slots=True)
class Gate:
    """An activation: its layer counted from 1, the name it is applied to, and its call."""

    layer: int
    pre: Name
    call: Call


def activations(graph: Graph) -> tuple[Gate, ...]:
    """The activations in the order of the forward pass, one for each layer."""
    found: list[Gate] = []
    for name in graph.equations:
        call = activation_of(graph.nodes[name].written)
        if call is not None and isinstance(call.arguments[0], Name):
            found.append(Gate(len(found) + 1, call.arguments[0], call))
    return tuple(found)


def check_possible(graph: Graph, asked: Wanted) -> None:
    """Raises `OptionError` where a problem cannot have what is asked for, whatever its numbers."""
    units = {
        g.layer: int(np.prod(shape_of(g.call.arguments[0]) or (), dtype=int))
        for g in activations(graph)
        if operation_of(g.call).gate
    }
    for layer, count in asked.off.items():
        place = "the problem" if layer is None else f"layer {layer}"
        there = sum(units.values()) if layer is None else units.get(layer, 0)
        if count > there:
            what = f"{place} has {there} unit{'' if there == 1 else 's'} with a gate, not {count}"
            gated = ", ".join(f"layer {k}: {n}" for k, n in units.items())
            raise OptionError(what, where="--off", mend=f"units with gates: {gated or 'none'}")


def events(
    graph: Graph, values: Mapping[Leaf, Array], data: tuple[str, ...], asked: Wanted
) -> Iterator[tuple[str, Array]]:
    """Each event that is asked for, in words, and the candidates in which it happens."""
    count = next(iter(values.values())).shape[-1]
    yield from _gates(graph, values, asked)
    if not asked.saturated:
        yield "no unit saturated", _unsaturated(graph, values, count)
    yield "few digits", _few_digits(graph, values, asked, count)
    if asked.zero_input:
        zero = [_any(values[Name(n)] == 0) for n in data if values[Name(n)].ndim > 1]
        yield "an input that is zero", np.any(zero, axis=0) if zero else np.zeros(count, bool)
    if asked.signs:
        matrices = [
            a
            for n, node in graph.nodes.items()
            if node.kind == "parameter" and (a := values[Name(n)]).ndim > 2
        ]
        mixed = [_any(a > 0) & _any(a < 0) for a in matrices if a.size > a.shape[-1]]
        yield "both signs in every matrix", np.all(mixed, axis=0) if mixed else np.ones(count, bool)
    if asked.path_sum:
        yield "a sum of two paths", _path_sum(graph, values, count)


def _any(flags: Array) -> Array:
    return flags.reshape(-1, flags.shape[-1]).any(axis=0)


def _all(flags: Array) -> Array:
    return flags.reshape(-1, flags.shape[-1]).all(axis=0)


def _gates(
    graph: Graph, values: Mapping[Leaf, Array], asked: Wanted
) -> Iterator[tuple[str, Array]]:
    off: dict[int, Array] = {}
    clear: list[Array] = []
    for gate in activations(graph):
        if not operation_of(gate.call).gate:
            continue
        z = values[gate.pre]
        shut = z <= 0
        if z.ndim > len(gate.call.shape or ()) + 1:
            shut = shut.all(axis=-2)
        off[gate.layer] = shut.reshape(-1, shut.shape[-1]).sum(axis=0)
        clear.append(_all(np.abs(z) > NEAREST))
    if clear:
        yield "no pre-activation at exactly 0", np.all(clear, axis=0)
    for layer, wanted in asked.off.items():
        total = sum(off.values()) if layer is None else off[layer]
        place = "" if layer is None else f" in layer {layer}"
        yield f"exactly {wanted} unit{'' if wanted == 1 else 's'} off{place}", total == wanted


def _unsaturated(graph: Graph, values: Mapping[Leaf, Array], count: int) -> Array:
    fine = np.ones(count, bool)
    for gate in activations(graph):
        steepest = operation_of(gate.call).saturation
        if steepest is None:
            continue
        z = values[gate.pre]
        fine &= _all(slopes_of(gate.call, z, cased=True) >= SATURATION * steepest)
    return fine


def _few_digits(graph: Graph, values: Mapping[Leaf, Array], asked: Wanted, count: int) -> Array:
    fine = np.ones(count, bool)
    in_full = {n for n, node in graph.nodes.items() if node.kind != "value"}
    scale = 10.0**asked.decimals
    for name in graph.equations:
        written = graph.nodes[name].written
        assert written is not None
        value = values[Name(name)]
        fine &= _all(np.isfinite(value))
        if not all(leaf.name in in_full for leaf in leaves(written)) or not _carried(written):
            continue
        in_full.add(name)
        fine &= _all(np.abs(value) <= asked.bound)
        if asked.decimals < 15:
            fine &= _all(np.abs(value * scale - np.rint(value * scale)) < 1e-6)
    return fine


def _carried(formula: Expression) -> bool:
    return all(
        operation_of(node).family in CARRIED or operation_of(node).gate
        for node in walk(formula)
        if isinstance(node, Call)
    )


def _path_sum(graph: Graph, values: Mapping[Leaf, Array], count: int) -> Array:
    """A gradient passed back that adds at least two products which are not zero."""
    found = np.zeros(count, bool)
    for gradient in graph.gradients.values():
        if len(gradient.parts) > 1:
            shares = [_any(values[Adjoint(gradient.name, p.through)] != 0) for p in gradient.parts]
            found |= np.sum(shares, axis=0) > 1
    for line in graph.backward:
        for call in walk(line.formula):
            if not isinstance(call, Call) or operation_of(call).family != "linear":
                continue
            for argument in call.arguments:
                node = graph.nodes.get(line.leaf.name)
                if not isinstance(argument, Adjoint) or node is None or node.kind != "value":
                    continue
                # Units that are reached, in each case that there is; one case with two will do.
                units = tuple(range(len(graph.shape(argument))))
                found |= _any((np.sum(values[argument] != 0, axis=units) > 1)[None])
    return found
