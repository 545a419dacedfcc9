"""Watching a computation: chosen values and gradients of every case, a block of cases at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from handgrad.arrays import Array, Precision
from handgrad.expression import Leaf
from handgrad.problem import Problem
from handgrad.running.engine import Engine


class Watch(Engine):
    """A problem ready to be run on blocks of cases and looked into.

    Arguments:
        problem: its equations are run; its numbers stand for those that a call does not give.
        leaves: the values and gradients to look at.
        dtype: float64 or float32.

    Only what leads to the leaves is computed. A gradient of what differs from case to case is
    that of its own case's loss.
    """

    def __init__(
        self, problem: Problem, leaves: Sequence[Leaf], *, dtype: Precision = np.float64
    ) -> None:
        super().__init__(problem, dtype=dtype, wanted=(), loss=False)
        self._outputs = tuple(leaves)
        self._per_case = tuple(o for o in self._outputs if o in self.graph.batched_leaves)
        self._buffers: dict[Leaf, Array] = {}

    @property
    def block(self) -> int:
        """How many cases are best run at once."""
        return self._block_size()

    def look(self, values: Mapping[str, Any]) -> tuple[int, dict[Leaf, Array]]:
        """The number of cases and the leaves' arrays, the cases on the last axis.

        What is the same in every case has a last axis of length 1. The arrays are overwritten by
        the next call.
        """
        given, cases = self._given(values)
        if (cases, 0) not in self._programs:
            # The buffers of a block of another size, such as the last one's, come in place of the others.
            self._programs.clear()
            self._buffers.clear()
        filled = [] if cases is None else [self._buffer(leaf, cases) for leaf in self._per_case]
        with np.errstate(all="ignore"):
            results = self._program(cases, given).call(*given.values(), *filled)
        arrays = {
            leaf: np.asarray(result) if leaf in self._per_case else np.asarray(result)[..., None]
            for leaf, result in zip(self._outputs, results, strict=True)
        }
        return cases or 1, arrays

    def _buffer(self, leaf: Leaf, cases: int) -> Array:
        shape = (*self.graph.shape(leaf), cases)
        found = self._buffers.get(leaf)
        if found is None or found.shape != shape:
            found = self._buffers[leaf] = np.empty(shape, self.dtype)
        return found
