"""What is worth pointing out at a loss: targets that add up to something else than 1, a mean within a sum."""

from __future__ import annotations

import math

import numpy as np

from handgrad.expression import Call, Expression, Name, walk
from handgrad.graph import Graph
from handgrad.operations import operation_of
from handgrad.operations.operation import Operation, broadcast
from handgrad.running import Run
from handgrad.solution.structure import MeanWithin, TargetSums

SLACK = 1e-9
"""How far from 1 the sum of targets may be: thirds do not add up to 1 in floats."""


def target_sums(graph: Graph, run: Run, equation: str) -> list[TargetSums]:
    """The cross-entropy of an equation whose targets do not add up to 1, row by row and case by case."""
    for call in graph.nodes[equation].losses:
        if operation_of(call).target != "class":
            continue
        scores, targets = call.arguments
        if targets.shape != scores.shape or not targets.shape:
            continue
        sums = run.of(targets).sum(axis=len(targets.shape) - 1)
        if (np.abs(sums - 1) > SLACK).any():
            return [TargetSums(equation, targets, sums, _activation(graph, call))]
    return []


def _activation(graph: Graph, loss: Call) -> str:
    """The equation that is the activation computed as one with a loss, where its scores are one."""
    scores = loss.arguments[0]
    if not isinstance(scores, Name):
        return ""
    written = graph.nodes[scores.name].written
    fused = isinstance(written, Call) and written.operation in operation_of(loss).fuses
    return scores.name if fused else ""


def _adds_up(operation: Operation) -> bool:
    """Whether it is a sum or a mean of an array's entries."""
    return operation.family == "reduction" and operation.sizes is not None


def means_within(equation: str, formula: Expression) -> list[MeanWithin]:
    """Sums and means, in a formula, of a loss of several entries, which is their mean already."""
    found = []
    for outer in walk(formula):
        if not isinstance(outer, Call) or not _adds_up(operation_of(outer)):
            continue
        inner = outer.arguments[0]
        if not isinstance(inner, Call) or operation_of(inner).family != "loss":
            continue
        shapes = [a.shape or () for a in inner.arguments]
        compared = broadcast(shapes) if operation_of(inner).compares else shapes[0][:-1]
        if (count := math.prod(compared)) > 1:
            found.append(MeanWithin(equation, outer.operation, inner, inner.operation, count))
    return found
