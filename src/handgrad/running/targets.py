"""Whether values that a call gives are such as the problem's losses are made for: BCE of a target −1 is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import NumberError
from handgrad.expression import Name
from handgrad.graph import Graph
from handgrad.operations import operation_of
from handgrad.operations.annotate import signature_of
from handgrad.operations.operation import Domain, Signature

Targets: TypeAlias = "Mapping[str, Sequence[tuple[Domain, Signature]]]"
"""By the name of a given value, what losses require of it, each with the signature of the call."""


def targets_of(graph: Graph) -> Targets:
    """What the losses of a graph require of the values that it is given."""
    found: dict[str, list[tuple[Domain, Signature]]] = {}
    for node in graph.nodes.values():
        for call in node.held:
            for domain in operation_of(call).domain:
                argument = call.arguments[domain.argument]
                if isinstance(argument, Name) and graph.nodes[argument.name].kind != "value":
                    required = domain, signature_of(call)
                    found.setdefault(argument.name, []).append(required)
    return found


def fitting_cases(values: Mapping[str, Array], targets: Targets) -> Array:
    """Which cases, on the last axis of the values, the losses are made for."""
    count = next(array.shape[-1] for array in values.values())
    fitting = np.ones(count, dtype=bool)
    for name in values.keys() & targets.keys():
        for domain, signature in targets[name]:
            holds = np.broadcast_to(domain.met(np, values[name], signature), values[name].shape)
            fitting &= holds.reshape(-1, count).all(axis=0)
    return fitting


def check_targets(values: Mapping[str, Array], targets: Targets, first: int | None = None) -> None:
    """Raises `NumberError` for a value that a loss is not made for.

    Cases lie along the last axis; the error names the case where `first` is the number of the first.
    """
    for name in sorted(values.keys() & targets.keys()):
        for domain, signature in targets[name]:
            holds = np.broadcast_to(domain.met(np, values[name], signature), values[name].shape)
            if not holds.all():
                entry = tuple(np.argwhere(~holds)[0])
                raise NumberError(
                    f"{name} must be {domain.said(signature.shapes)}, but here it is {float(values[name][entry]):g}",
                    where="" if first is None else f"case {first + int(entry[-1])}",
                )
