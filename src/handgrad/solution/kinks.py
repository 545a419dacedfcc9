"""Which of a call's entries lie where its operation has no derivative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.expression import Call, Leaf, walk
from handgrad.graph import Graph
from handgrad.graph.structure import is_batched
from handgrad.operations import operation_of
from handgrad.operations.annotate import signature_of
from handgrad.operations.operation import Kink


def kinked_calls(graph: Graph) -> Iterator[Call]:
    """The calls of the forward pass that have kinks."""
    for line in graph.forward:
        for call in walk(line.formula):
            if isinstance(call, Call) and operation_of(call).kinks:
                yield call


def at_kink(kink: Kink, call: Call, arguments: Sequence[Array], batched: Set[Leaf]) -> Mask:
    """By entry, whether it lies at a kink of a call; of many cases, with the case on the last axis.

    Arguments:
        kink: where an operation has no derivative.
        call: the call of it.
        arguments: the numbers of the call's arguments.
        batched: the leaves that carry cases.
    """
    which = [is_batched(a, batched) for a in call.arguments]
    cases = next((x.shape[-1] for x, c in zip(arguments, which, strict=True) if c), 1)
    options: Mapping[str, object] = signature_of(call).options
    hits = [
        np.asarray(
            kink.at(
                np,
                *[x[..., k] if c else x for x, c in zip(arguments, which, strict=True)],
                **options,
            )
        )
        for k in range(cases)
    ]
    return np.stack(hits, axis=-1) if any(which) else hits[0]
