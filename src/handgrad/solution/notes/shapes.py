"""Unlike shapes that are broadcast, mostly by mistake."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import ClassVar, Self

from handgrad.expression import Call, Expression, Literal, Shape
from handgrad.operations import operation_of
from handgrad.operations.operation import broadcast, describe
from handgrad.page.blocks import NoteKind
from handgrad.record import record
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.structure import TraceLine
from handgrad.text import Text, sentence


@record
class UnlikeShapes(TraceNote):
    """Two parts of an equation, compared or combined entry by entry, that are broadcast to `whole`.

    Mostly what is meant is one entry with one: a prediction with its target.
    """

    kind: ClassVar = "unlike_shapes"
    operation: str
    equation: str
    arguments: tuple[Expression, ...]
    shapes: tuple[Shape, ...]
    whole: Shape

    @classmethod
    def at_call(cls, seen: NotedRun, line: TraceLine, call: Call) -> Iterator[Self]:
        """Of a loss, each entry of one paired with several of the other; elsewhere, each of both."""
        operation = operation_of(call)
        if not operation.elementwise and not operation.compares:
            return
        for pair in combinations(call.arguments, 2):
            shapes = pair[0].shape or (), pair[1].shape or ()
            if shapes[0] == shapes[1]:
                continue
            whole = broadcast(shapes)
            pairs, counts = math.prod(whole), [math.prod(shape) for shape in shapes]
            # A single number may be meant for every entry, where it is written as one.
            if operation.compares and any(isinstance(a, Literal) and not a.shape for a in pair):
                continue
            if pairs > (min(counts) if operation.compares else max(counts)):
                yield cls(operation.name, line.target.name, pair, shapes, whole)
                return

    @property
    def sign(self) -> NoteKind:
        return "warning"

    def text(self) -> Text:
        a, b = self.arguments[:2]
        described = [describe(shape) for shape in self.shapes]
        return sentence(
            a, f" is {described[0]} and ", b, f" is {described[1]}: broadcasting makes ",
            f"{math.prod(self.whole)} pairs of them, {describe(self.whole)}. Where each entry of one belongs to ",
            "one of the other, give both the same shape.",
        )  # fmt: skip
