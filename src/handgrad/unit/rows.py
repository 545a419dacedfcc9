"""A unit in the graph: the equations from its weighted sum to its activation, and where an entry of a parameter is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from handgrad.arrays import Array, Indices
from handgrad.expression import Call, Expression, Leaf, Name, leaves, walk
from handgrad.graph import Activation, Graph, activations
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated
from handgrad.running.evaluate import value_of
from handgrad.running.pulling_back import gradients, unlike_numbers, with_parts

Index: TypeAlias = tuple[int, ...]

LONGEST = 8
"""Equations between a weighted sum and its activation, at most."""


@dataclass(frozen=True)
class UnitRow:
    """A unit's own equations.

    Arguments:
        names: from the one that is applied an activation, or that is asked about, down to its weighted sum.
        activation: what is applied to the first of them; None where nothing is, or it is one with the loss.
    """

    names: tuple[str, ...]
    activation: Activation | None

    @property
    def pre(self) -> str:
        """The value that the activation is applied to."""
        return self.names[0]

    @property
    def value(self) -> str:
        """What the unit gives."""
        return self.names[0] if self.activation is None else self.activation.equation


def row_of(graph: Graph, name: str) -> UnitRow:
    """The row that a value stands in: as an activation, what that is applied to, or on the way to it."""
    applied = [a for a in activations(graph) if a.alone and isinstance(a.pre_activation, Name)]
    kept = [a for a in applied if not a.fused and _same_shape(graph, a)]
    kept = [a for a in kept if graph.nodes[_pre(a)].written is not None]
    for each in kept:
        if each.equation == name:
            return UnitRow(chain(graph, _pre(each)), each)
    for each in kept:
        names = chain(graph, _pre(each))
        if name in names:
            return UnitRow(names, each)
    return UnitRow(chain(graph, name), None)


def _pre(activation: Activation) -> str:
    assert isinstance(activation.pre_activation, Name)
    return activation.pre_activation.name


def _same_shape(graph: Graph, activation: Activation) -> bool:
    shape = graph.nodes[activation.equation].shape
    return shape == graph.nodes[_pre(activation)].shape


def chain(graph: Graph, pre: str) -> tuple[str, ...]:
    """The equations from a value down to the weighted sum that it is made of, entry by entry."""
    found = _down(graph, pre, {a.equation for a in activations(graph)}, LONGEST)
    return found or (pre,)


def _down(graph: Graph, name: str, cut: set[str], left: int) -> tuple[str, ...]:
    written = graph.nodes[name].written
    if written is None or left == 0:
        return ()
    if weighs(graph, written):
        return (name,)
    shape = graph.nodes[name].shape
    for leaf in leaves(written):
        node = graph.nodes.get(leaf.name)
        if node is None or node.kind != "value" or node.shape != shape or leaf.name in cut:
            continue
        below = _down(graph, leaf.name, cut, left - 1)
        if below:
            return (name, *below)
    return ()


def weighs(graph: Graph, formula: Expression) -> bool:
    """Whether a parameter multiplies something in a product or a convolution of a formula."""
    return any(
        isinstance(node, Call)
        and operation_of(node).family == "linear"
        and any(
            leaf.name in graph.nodes and graph.nodes[leaf.name].kind == "parameter"
            for argument in node.arguments
            for leaf in leaves(argument)
        )
        for node in walk(formula)
    )


def used_at(graph: Graph, parameter: str, entry: Index) -> Iterator[tuple[str, Indices]]:
    """By equation that uses an entry of a parameter, the entries of its value that do; the equations in order.

    They are those that differ where the entry does, at numbers of which no two are alike.
    """
    for name in graph.consumers.get(parameter, ()):
        formula = _formula(graph, name)
        values = _numbers(graph, formula)
        before = np.asarray(value_of(formula, values, set()))
        differs = np.zeros(before.shape, dtype=bool)
        for step in (1.0, -1.0):  # the larger of two shows one of them alone
            moved = values[Name(parameter)].copy()
            moved[entry] += step
            after = np.asarray(value_of(formula, {**values, Name(parameter): moved}, set()))
            differs |= after != before
        yield name, np.argwhere(differs)


def own_entries(graph: Graph, name: str, at: tuple[Any, ...]) -> dict[str, tuple[Index, ...]]:
    """By parameter, its entries that some entries of an equation's value depend on, directly in that equation.

    They are those that these entries have a slope in, at numbers of which no two are alike.
    """
    formula = _formula(graph, name)
    nodes = graph.nodes
    shapes = {
        leaf.name: nodes[leaf.name].shape
        for leaf in leaves(formula)
        if leaf.name in nodes and nodes[leaf.name].kind == "parameter"
    }
    if not shapes:
        return {}
    start = np.zeros(nodes[name].shape)
    start[at] = 1.0
    values: dict[Expression, Array] = dict(_numbers(graph, formula).items())
    slopes = gradients(formula, start, with_parts(formula, values), shapes)
    return {
        parameter: tuple(tuple(entry) for entry in np.argwhere(slopes[parameter] != 0).tolist())
        for parameter in shapes
        if parameter in slopes and slopes[parameter].any()
    }


def _formula(graph: Graph, name: str) -> Expression:
    written = graph.nodes[name].written
    assert written is not None
    return annotated(written, graph.shape)


def _numbers(graph: Graph, formula: Expression) -> dict[Leaf, Array]:
    """Numbers for the leaves of a formula, of which no two are alike."""
    found: dict[Leaf, Array] = {}
    for number, leaf in enumerate(leaves(formula), start=1):
        shape = graph.shape(leaf)
        found[leaf] = unlike_numbers(int(np.prod(shape, dtype=int)), number).reshape(shape)
    return found
