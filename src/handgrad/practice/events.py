"""What happens in a run of many candidates: by event, in which of them it does.

The candidates lie along the last axis; where an exercise has many cases, those along the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from handgrad.errors import OptionError
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, leaves, walk
from handgrad.graph import Activation, Graph, activations
from handgrad.operations import operation_of
from handgrad.operations.operation import Array
from handgrad.practice.wanted import Wanted
from handgrad.trace.slopes import SATURATION, slopes_of

NEAREST = 1e-9
"""A pre-activation this near to 0 could be on either side after rounding; none is asked for."""

CARRIED = ("arithmetic", "linear", "structure", "reduction")
"""Families of operations that a person carries out in full, with plus, minus and times."""


def layers(graph: Graph) -> dict[int, Activation]:
    """The activations of values with names, by their layer, counted from 1."""
    named = (a for a in activations(graph) if a.alone and isinstance(a.pre_activation, Name))
    return dict(enumerate(named, start=1))


def check_possible(graph: Graph, asked: Wanted) -> None:
    """Raises `OptionError` where a problem cannot have what is asked for, whatever its numbers."""
    units = {
        number: int(np.prod(layer.pre_activation.shape or (), dtype=int))
        for number, layer in layers(graph).items()
        if layer.gate
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


def _name(layer: Activation) -> Name:
    assert isinstance(layer.pre_activation, Name)
    return layer.pre_activation


def _any(flags: Array) -> Array:
    return flags.reshape(-1, flags.shape[-1]).any(axis=0)


def _all(flags: Array) -> Array:
    return flags.reshape(-1, flags.shape[-1]).all(axis=0)


def _gates(
    graph: Graph, values: Mapping[Leaf, Array], asked: Wanted
) -> Iterator[tuple[str, Array]]:
    off: dict[int, Array] = {}
    clear: list[Array] = []
    for number, layer in layers(graph).items():
        if not layer.gate:
            continue
        z = values[_name(layer)]
        shut = z <= 0
        if z.ndim > len(layer.call.shape or ()) + 1:
            shut = shut.all(axis=-2)
        off[number] = shut.reshape(-1, shut.shape[-1]).sum(axis=0)
        clear.append(_all(np.abs(z) > NEAREST))
    if clear:
        yield "no pre-activation at exactly 0", np.all(clear, axis=0)
    for where, wanted in asked.off.items():
        total = sum(off.values()) if where is None else off[where]
        place = "" if where is None else f" in layer {where}"
        yield f"exactly {wanted} unit{'' if wanted == 1 else 's'} off{place}", total == wanted


def _unsaturated(graph: Graph, values: Mapping[Leaf, Array], count: int) -> Array:
    fine = np.ones(count, bool)
    for layer in layers(graph).values():
        steepest = operation_of(layer.call).saturation
        if steepest is None:
            continue
        z = values[_name(layer)]
        fine &= _all(slopes_of(layer.call, z, cased=True) >= SATURATION * steepest)
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
