"""What is worth pointing out at a loss: targets that add up to something else than 1, a mean within a sum."""

from __future__ import annotations

import math

import numpy as np

from handgrad.expression import Call, Expression, Name, walk
from handgrad.graph import Graph
from handgrad.operations import operation_of
from handgrad.operations.operation import broadcast
from handgrad.run import Run
from handgrad.trace.structure import MeanWithin, TargetSums

CROSS_ENTROPY, SOFTMAX, REDUCTIONS = "cross_entropy", "softmax", ("sum", "mean")

SLACK = 1e-9
"""How far from 1 the sum of targets may be: thirds do not add up to 1 in floats."""


def target_sums(graph: Graph, run: Run, equation: str) -> list[TargetSums]:
    """The cross-entropy of an equation whose targets do not add up to 1, row by row and case by case."""
    for call in graph.nodes[equation].losses:
        if call.operation != CROSS_ENTROPY:
            continue
        scores, targets = call.arguments
        if targets.shape != scores.shape or not targets.shape:
            continue
        sums = run.of(targets).sum(axis=len(targets.shape) - 1)
        if (np.abs(sums - 1) > SLACK).any():
            return [TargetSums("target_sums", equation, targets, sums, _softmax(graph, scores))]
    return []


def _softmax(graph: Graph, scores: Expression) -> str:
    """The equation that is a softmax, where the scores are one."""
    if not isinstance(scores, Name):
        return ""
    written = graph.nodes[scores.name].written
    return scores.name if isinstance(written, Call) and written.operation == SOFTMAX else ""


def means_within(equation: str, formula: Expression) -> list[MeanWithin]:
    """Sums and means, in a formula, of a loss of several entries, which is their mean already."""
    found = []
    for outer in walk(formula):
        if not isinstance(outer, Call) or outer.operation not in REDUCTIONS:
            continue
        inner = outer.arguments[0]
        if not isinstance(inner, Call) or operation_of(inner).family != "loss":
            continue
        shapes = [a.shape or () for a in inner.arguments]
        compared = broadcast(shapes) if operation_of(inner).compares else shapes[0][:-1]
        if (count := math.prod(compared)) > 1:
            found.append(
                MeanWithin("mean_within", equation, outer.operation, inner, inner.operation, count)
            )
    return found
