"""Numbers at kinks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np

from handgrad.expression import Call, Expression, Name, walk
from handgrad.graph.structure import Node, is_batched
from handgrad.operations import operation_of
from handgrad.page.blocks import NoteKind
from handgrad.record import record
from handgrad.solution.kinks import at_kink
from handgrad.solution.notes.note import MOST_NOTED, TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.notes.places import places
from handgrad.solution.structure import TraceLine
from handgrad.text import Text


@record
class AtKink(TraceNote):
    """Numbers that lie where an operation has no derivative; `words` say what is taken there.

    The entries are those of `of`: the operation's one argument, or its result. With many cases, the last
    index of an entry is its case.
    """

    kind: ClassVar = "kink"
    operation: str
    equation: str
    of: Expression
    entries: tuple[tuple[int, ...], ...]
    case_count: int
    words: str

    @classmethod
    def at_call(cls, seen: NotedRun, line: TraceLine, call: Call) -> Iterator[Self]:
        operation = operation_of(call)
        if not operation.kinks:
            return
        equation, batched = line.target.name, seen.graph.batched_leaves
        node = seen.graph.nodes.get(equation)
        if node is not None and _passed_by(node, call):
            return
        arrays = [seen.run.of(a) for a in call.arguments]
        for kink in operation.kinks:
            met = at_kink(kink, call, arrays, batched)
            if met.any() and len(call.arguments) > 1 and seen.beside:
                # Two sides that are equal at all numbers around have one slope: g ≥ max(g) of the largest.
                met = met & ~np.logical_and.reduce(
                    [
                        at_kink(kink, call, [there.of(a) for a in call.arguments], batched)
                        for there in seen.beside
                    ]
                )
            if met.any():
                whole = node is not None and call is node.computed
                result = Name(equation, shape=call.shape) if whole else call
                which = [is_batched(a, batched) for a in call.arguments]
                counts = [x.shape[-1] for x, cased in zip(arrays, which, strict=True) if cased]
                note = cls(
                    operation=call.operation,
                    equation=equation,
                    of=result if kink.of_result else call.arguments[0],
                    entries=tuple(map(tuple, np.argwhere(met)[:MOST_NOTED].tolist())),
                    case_count=max(counts, default=1),
                    words=kink.words,
                )
                seen.kept(cls, list[AtKink]).append(note)
                yield note

    @property
    def sign(self) -> NoteKind:
        return "warning"

    def text(self) -> Text:
        lie = "lies" if len(self.entries) == 1 else "lie"
        return (
            *places(self.of, self.case_count, self.entries),
            f" {lie} exactly at a kink: {self.words}.",
        )


def _passed_by(node: Node, call: Call) -> bool:
    """Whether a call of an equation is not there as it is differentiated: max(z, 0) of a softplus written out."""
    written, computed = node.written, node.computed
    if written is None or computed is None or computed == written:
        return False
    return call in walk(written) and call not in walk(computed)
