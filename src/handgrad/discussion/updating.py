"""The questions about the update."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from handgrad.discussion.gates import solved_alike
from handgrad.discussion.structure import (
    Index,
    LargestMove,
    LongerStep,
    QuestionedEntry,
    UpdatedValue,
)
from handgrad.discussion.zeros import (
    at_entry,
    index_of,
    step_of,
    total_gradient,
)
from handgrad.expression import Name
from handgrad.operations.annotate import annotated
from handgrad.operations.elements import entry_of
from handgrad.solution import Step, Trace, TraceLine

MOST_TIES = 12
"""Entries that move as far as the one that is told."""

TIED = 1e-5
"""Moves that differ by no more than this share are told as the same: Adam's first all but are."""

TIMES = 10
"""How many times as long the longer step is."""


def update_step(trace: Trace) -> Step | None:
    """The first update; None where there is none of one network."""
    if np.ndim(trace.run.loss):
        return None
    return next((s for s in trace.steps if s.kind == "update"), None)


def updated_value(trace: Trace) -> UpdatedValue | None:
    """The new value of the last bias, or else of the entry whose gradient is largest."""
    step = update_step(trace)
    update = trace.problem.update
    if step is None or update is None:
        return None
    scalars = [n for n, g in trace.problem.parameters.items() if not g.array.ndim]
    name = scalars[-1] if scalars else list(trace.problem.parameters)[-1]
    gradient = total_gradient(trace, name)
    index = tuple(int(i) for i in np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
    own = [line for line in step.lines if _owner(trace, step, line) == name]
    lines = tuple(_entry_line(trace, line, index) for line in own)
    return UpdatedValue(
        entry=QuestionedEntry(name, index),
        lines=lines,
        rule=update.rule,
        rate=update.rate,
        before=at_entry(trace.problem.parameters[name].array, index),
        gradient=at_entry(gradient, index),
        after=float(lines[-1].value),
        steps=(*step_of(trace, name), step.id),
    )


def _owner(trace: Trace, step: Step, line: TraceLine) -> str:
    """The parameter that a line of an update belongs to: the one whose new value comes next."""
    following = step.lines[step.lines.index(line) :]
    return next(after.target.name for after in following if after.role == "updated")


def _entry_line(trace: Trace, line: TraceLine, index: Index) -> TraceLine:
    """An update's line for one entry."""
    if not line.shape:
        return line

    def known(leaf: Any) -> tuple[int, ...]:
        graph = trace.graph
        if leaf.name in graph.nodes:
            return graph.nodes[leaf.name].shape
        return leaf.shape or ()

    return replace(
        line,
        formula=entry_of(annotated(line.formula, known), index),
        substituted=entry_of(annotated(line.substituted, known), index),
        value=np.asarray(line.value)[index],
        shape=(),
        index=index,
    )


def largest_move(trace: Trace) -> LargestMove | None:
    """The entry of the parameters that the first update moves furthest."""
    step = update_step(trace)
    if step is None:
        return None
    moves = {
        line.target.name: np.abs(line.value - trace.problem.parameters[line.target.name].array)
        for line in step.lines
        if line.role == "updated"
    }
    name = max(moves, key=lambda n: float(moves[n].max()))
    far, total = float(moves[name].max()), sum(m.size for m in moves.values())
    if far == 0 or total < 2:
        return None
    where = QuestionedEntry(name, index_of(moves[name], int(moves[name].argmax())))
    as_far = (
        QuestionedEntry(n, tuple(int(i) for i in place))
        for n, moved in moves.items()
        for place in np.argwhere(np.isclose(moved, far, rtol=TIED, atol=0))
    )
    after = next(line.value for line in step.lines if line.target == Name(name))
    return LargestMove(
        entry=where,
        ties=tuple(islice((e for e in as_far if e != where), MOST_TIES)),
        before=at_entry(trace.problem.parameters[where.name].array, where.index),
        gradient=at_entry(total_gradient(trace, where.name), where.index),
        after=at_entry(after, where.index),
        still=sum(int((m == 0).sum()) for m in moves.values()),
        total=total,
        steps=(*step_of(trace, where.name), step.id),
    )


def longer_step(trace: Trace) -> LongerStep | None:
    """The loss after one update at ten times the rate."""
    step = next((s for s in trace.steps if s.kind == "loss_after"), None)
    update = trace.problem.update
    if step is None or update is None or update.rate == 0:
        return None
    other = solved_alike(trace, trace.problem.with_values({"rate": update.rate * TIMES}))
    if other is None:
        return None
    return LongerStep(
        rate=update.rate,
        times=TIMES,
        loss=float(trace.training[0].before),
        after=float(step.lines[0].value),
        other_after=other.loss_after,
        steps=(step.id,),
    )
