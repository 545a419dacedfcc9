"""Examples in the rows of a matrix, as in X @ W: the same problem with a case for each row.

That rows are examples is not read off the equations but found out: run as cases of their own, they
must give the same loss and the same gradients of all parameters.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from handgrad.errors import HandgradError
from handgrad.graph import build
from handgrad.problem import Problem
from handgrad.run.plan import Run, run

SAME = 1e-9
"""How far results may differ, relative to the largest entry, for rows to be cases."""


def rows_as_cases(problem: Problem) -> tuple[Problem, tuple[str, ...]]:
    """The problem with a case for each row of its data, and the names of those data.

    The problem itself, and no names, where it has cases already or its rows are no examples.
    Raises `HandgradError` where the problem itself cannot be run.
    """
    if any(g.cased for g in (*problem.parameters.values(), *problem.data.values())):
        return problem, ()
    whole = None
    for names in _candidates(problem):
        for reduction in ("mean", "sum"):
            whole = whole or run(problem, build(problem))
            try:
                split = problem.with_rows_as_cases(names, reduction)
                parts = run(split, build(split))
            except HandgradError:
                continue
            if _alike(problem, whole, parts):
                return split, names
    return problem, ()


def _candidates(problem: Problem) -> Iterator[tuple[str, ...]]:
    """Data of as many rows, a matrix among them; with the vectors of that length, and without."""
    matrices = {n: g.shape[0] for n, g in problem.data.items() if len(g.shape) > 1}
    for count in dict.fromkeys(matrices.values()):
        if count < 2:
            continue
        rows = tuple(n for n, g in problem.data.items() if g.shape[:1] == (count,))
        yield rows
        alone = tuple(n for n in rows if n in matrices)
        if alone != rows:
            yield alone


def _alike(problem: Problem, whole: Run, parts: Run) -> bool:
    pairs = [(whole.loss, parts.loss)]
    pairs += [(whole.gradient(n), parts.gradient(n)) for n in problem.parameters]
    return all(
        np.shape(a) == np.shape(b)
        and np.max(np.abs(a - b)) <= SAME * max(1.0, float(np.max(np.abs(a))))
        for a, b in pairs
    )
