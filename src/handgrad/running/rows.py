"""Examples in the rows of a matrix, as in X @ W, or in its columns, as in W @ X: a case for each.

That they are examples is not read off the equations but found out: run as cases of their own, they
must give the same loss and the same gradients, at the problem's numbers and at others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import HandgradError
from handgrad.graph import Graph, build
from handgrad.graph.weighted import weighted_sums
from handgrad.problem import Problem
from handgrad.record import record
from handgrad.running.plan import Plan, Run
from handgrad.running.targets import targets_of

How: TypeAlias = Literal["rows", "columns"]

SAME = 1e-9
"""How far results may differ, relative to the largest of them, for rows to be cases."""

SCALES = ((0.5, 1.0), (1.0, 1.0), (2.0, 1.0), (10.0, 1.0), (0.5, 1e-3))
"""Standard deviations of the parameters that are drawn, and of how far the data are moved: at zeros, where no gate
is open, or where a mask of −10³ decides a softmax alone, the loss of pooled rows may happen to be that of rows
apart."""


@record
class Examples:
    """A problem with a case for each example.

    Arguments:
        problem: of one row is a vector; of one column, a matrix of that column alone.
        rows, columns: the data whose rows, or columns, are now cases; one of the two, or neither.
    """

    problem: Problem
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def examples_as_cases(problem: Problem) -> Examples:
    """The problem with a case for each row, or column, of its data.

    The problem itself where it has cases already or its rows and columns are no examples.
    Raises `HandgradError` where the graph of the problem cannot be built.
    """
    if any(g.batched for g in problem.inputs.values()):
        return Examples(problem)
    graph = build(problem)
    for names, how in _candidates(problem, graph):
        for reduction in ("mean", "sum"):
            try:
                if how == "rows":
                    split = problem.with_rows_as_cases(names, reduction)
                else:
                    split = problem.with_columns_as_cases(names, reduction)
                both = _Both(problem, names, how, graph, build(split), reduction == "mean")
            except HandgradError:
                continue
            if both.alike():
                return Examples(split, **{how: names})
    return Examples(problem)


def _candidates(problem: Problem, graph: Graph) -> Iterator[tuple[tuple[str, ...], How]]:
    """Data of as many rows, or columns, as a weighted sum has examples: with the vectors of that length,
    and without."""
    sums = weighted_sums(graph, shared=True)
    hows: tuple[tuple[How, int], ...] = (("rows", 0), ("columns", -1))
    for how, axis in hows:
        counts = [s.of.shape[axis] for s in sums if s.examples == how and s.of.shape]
        for count in dict.fromkeys(counts):
            found = tuple(n for n, g in problem.data.items() if g.shape and g.shape[axis] == count)
            matrices = tuple(n for n in found if len(problem.data[n].shape) > 1)
            if count > 1 and matrices:
                for names in dict.fromkeys((found, matrices)):
                    yield names, how


@dataclass
class _Both:
    """A problem, and the same with the rows, or columns, of the data in `names` as cases."""

    problem: Problem
    names: tuple[str, ...]
    how: How
    whole: Graph
    split: Graph
    averaged: bool

    def alike(self) -> bool:
        """Whether they have the same results at the problem's own numbers, and at all that are drawn."""
        own = {n: g.array for n, g in self.problem.inputs.items()}
        plans = Plan(self.whole), Plan(self.split)
        drawn = [self._same(plans, values) for values in self._draws(own)]
        compared = [same for same in drawn if same is not None]
        return self._same(plans, own) is not False and bool(compared) and all(compared)

    def _draws(self, own: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
        generator = np.random.default_rng(0)
        targets = targets_of(self.whole)
        for scale, moved in SCALES:
            values = dict(own)
            for name in self.problem.parameters:
                values[name] = scale * generator.normal(size=np.shape(own[name]))
            for name in self.names:
                if name not in targets:
                    values[name] = own[name] + moved * generator.normal(size=np.shape(own[name]))
            yield values

    def _in_cases(self, array: Array) -> Array:
        """Rows as vectors, or columns as matrices of one column, on a last axis of cases."""
        return np.moveaxis(array, 0, -1) if self.how == "rows" else array[..., None, :]

    def _same(self, plans: tuple[Plan, Plan], values: Mapping[str, Array]) -> bool | None:
        """Whether the results are the same at some numbers; None where that says nothing: where they are
        not finite, or no row or column moves the loss, as none of a mask does."""
        in_cases = {n: self._in_cases(a) if n in self.names else a for n, a in values.items()}
        with np.errstate(all="ignore"):
            whole = Run(self.whole, plans[0](values))
            split = Run(self.split, plans[1](in_cases))
        pairs = [(np.asarray(whole.loss), np.asarray(split.loss))]
        moving = False
        for name in values:
            ours, theirs = whole.gradient(name), split.gradient(name)
            if name in self.names:
                # Of its own case's loss: one of so many that are averaged.
                ours = self._in_cases(ours)
                moving = moving or bool(np.any(ours))
                theirs = theirs / (theirs.shape[-1] if self.averaged else 1)
            pairs.append((ours, theirs))
        if not moving or not all(np.isfinite(a).all() for a, _ in pairs):
            return None
        if not all(np.isfinite(b).all() for _, b in pairs):
            return False
        largest = max(float(np.max(np.abs(x), initial=0.0)) for pair in pairs for x in pair)
        return all(
            np.shape(a) == np.shape(b)
            and float(np.max(np.abs(a - b), initial=0.0)) <= SAME * largest
            for a, b in pairs
        )
