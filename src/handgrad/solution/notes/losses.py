"""Losses that may not be what was meant: targets that do not add up to 1, a mean within a sum."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Call, Expression, Literal, Name, walk
from handgrad.graph import Graph
from handgrad.operations import BY_NAME, operation_of
from handgrad.operations.operation import Operation, broadcast
from handgrad.page.blocks import NoteKind
from handgrad.record import record
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.structure import TraceLine
from handgrad.text import Inline, Text

SLACK = 1e-9
"""How far from 1 the sum of targets may be: thirds do not add up to 1 in floats."""


@record
class TargetSums(TraceNote):
    """Targets of a cross-entropy that do not add up to 1.

    `sums` are what they add up to, by row and case, as an array; `softmax` names the softmax that is
    compared with them, where it is one: the gradient with respect to its argument is then Σy · p − y.
    """

    kind: ClassVar = "target_sums"
    equation: str
    targets: Expression
    sums: Array
    softmax: str

    @classmethod
    def in_forward(cls, seen: NotedRun, line: TraceLine) -> Iterator[Self]:
        if line.role != "value":
            return
        equation = line.target.name
        for call in seen.graph.nodes[equation].losses:
            if operation_of(call).target != "class":
                continue
            at = operation_of(call).target_at
            targets, scores = call.arguments[at], call.arguments[1 - at]
            if targets.shape != scores.shape or not targets.shape:
                continue
            sums = seen.run.of(targets).sum(axis=len(targets.shape) - 1)
            if (np.abs(sums - 1) > SLACK).any():
                yield cls(equation, targets, sums, _activation(seen.graph, call))
                return

    @property
    def sign(self) -> NoteKind:
        return "warning"

    def text(self) -> Text:
        off = self.sums.ravel()[np.abs(self.sums.ravel() - 1) > SLACK]
        several = self.sums.size > 1
        parts: list[Inline] = ["The targets ", self.targets]
        parts += (
            [
                f" add up to 1 in only {self.sums.size - len(off)} of {self.sums.size} rows or cases; the first other sum is "
            ]
            if several
            else [" add up to "]
        )
        parts += [Literal(float(off[0])), "." if several else ", not to 1."]
        parts += [" The loss is computed all the same"]
        if self.softmax:
            p = Name(self.softmax)
            parts += [
                ", but the error signal of the softmax is then not ",
                p - self.targets,
                ": ",
                p,
                " is multiplied by what the targets add up to",
            ]
        return (*parts, ".")


def _activation(graph: Graph, loss: Call) -> str:
    """The equation of the activation that is computed as one with a loss; empty if its scores are no equation."""
    scores = loss.arguments[0]
    if not isinstance(scores, Name):
        return ""
    written = graph.nodes[scores.name].written
    fused = isinstance(written, Call) and written.operation in operation_of(loss).fuses
    return scores.name if fused else ""


@record
class MeanWithin(TraceNote):
    """A sum or mean of a loss that is one number already: the mean over `count` entries, or rows."""

    kind: ClassVar = "mean_within"
    equation: str
    outer: str
    loss: Expression
    operation: str
    count: int

    @classmethod
    def in_forward(cls, seen: NotedRun, line: TraceLine) -> Iterator[Self]:
        if line.role != "value":
            return
        for outer in walk(line.formula):
            if not isinstance(outer, Call) or not _adds_up(operation_of(outer)):
                continue
            inner = outer.arguments[0]
            if not isinstance(inner, Call) or operation_of(inner).family != "loss":
                continue
            shapes = [a.shape or () for a in inner.arguments]
            compared = broadcast(shapes) if operation_of(inner).compares else shapes[0][:-1]
            if (count := math.prod(compared)) > 1:
                yield cls(line.target.name, outer.operation, inner, inner.operation, count)

    @property
    def sign(self) -> NoteKind:
        return "warning"

    def text(self) -> Text:
        what = "entries" if BY_NAME[self.operation].target != "class" else "rows"
        times = (
            f" Write {self.count} times the loss for the sum over the {what}."
            if not BY_NAME[self.outer].averages
            else ""
        )
        return (
            self.loss, f" is one number already, the mean over the {self.count} {what} (as PyTorch's reduction=\"mean\"): "
            f"its {self.outer} is that number itself.{times}",
        )  # fmt: skip


def _adds_up(operation: Operation) -> bool:
    """Whether it sums or averages the entries of an array."""
    return operation.family == "reduction" and operation.sizes is not None
