"""Runs of many candidates at once: each a network of its own, in each of the problem's cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np

from handgrad.arrays import Array, Indices
from handgrad.exercises.random_numbers import Pool
from handgrad.expression import Leaf, Name
from handgrad.graph import Graph, build
from handgrad.problem import Problem
from handgrad.problem.given import Given
from handgrad.running import Plan


class Candidates:
    """Numbers of many candidates: what is drawn, and what is held.

    The candidates lie on the last axis of every array, the problem's cases on the one before.
    """

    def __init__(
        self, problem: Problem, found: Mapping[str, Pool], places: Mapping[str, Indices], count: int
    ) -> None:
        self.problem = problem
        self.count = count
        self._pools = found
        self._places = places

    def __getitem__(self, name: str) -> Array:
        if name in self._pools:
            return self._pools[name].filled(self._places[name])
        held = self.problem.inputs[name].array
        return np.broadcast_to(held[..., None], (*held.shape, self.count))

    def chosen(self, at: Indices) -> Candidates:
        """Some of the candidates."""
        places = {n: p[..., at] for n, p in self._places.items()}
        return Candidates(self.problem, self._pools, places, len(at))

    @property
    def places(self) -> Mapping[str, Indices]:
        """What was drawn."""
        return self._places


class Ensemble:
    """A problem's graph, ready to be run on the numbers of many candidates.

    Every candidate in every case is a case of the ensemble. What the cases of a problem share is put
    together again after the run: a gradient as the mean over its cases, or their sum.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.givens = problem.inputs
        self.cases = next((g.array.shape[-1] for g in self.givens.values() if g.batched), None)

    @cached_property
    def graph(self) -> Graph:
        """The graph of the problem itself."""
        return build(self.problem)

    def as_cases(self, candidates: Candidates | None = None) -> Problem:
        """The problem with every number in cases; with the numbers of two candidates, if given."""
        flat = (
            self.flat(candidates)
            if candidates is not None
            else {
                n: (
                    g.array
                    if g.batched
                    else np.repeat(g.array[..., None], self.cases or 2, axis=-1)
                )
                for n, g in self.givens.items()
            }
        )
        return self.problem.with_inputs({n: Given(a, True) for n, a in flat.items()})

    @cached_property
    def plan(self) -> Plan:
        """The plan of the problem with every number in cases."""
        return Plan(self._batched_graph)

    @cached_property
    def _forward_plan(self) -> Plan:
        return Plan(self._batched_graph, lines=self._batched_graph.forward)

    @cached_property
    def _batched_graph(self) -> Graph:
        return build(self.as_cases())

    def flat(self, candidates: Candidates) -> dict[str, Array]:
        """The givens with every candidate in every case on the last axis."""
        found: dict[str, Array] = {}
        for name, given in self.givens.items():
            array = candidates[name]
            if self.cases is not None:
                if not given.batched:
                    spread = (*array.shape[:-1], self.cases, candidates.count)
                    array = np.broadcast_to(array[..., None, :], spread)
                array = array.reshape(*array.shape[:-2], -1)
            found[name] = array
        return found

    def run(self, candidates: Candidates, *, backward: bool = True) -> dict[Leaf, Array]:
        """The values and gradients of the problem's names; the values alone where it is not `backward`."""
        plan = self.plan if backward else self._forward_plan
        values = plan(self.flat(candidates))
        names = self.graph.nodes
        return {
            leaf: self.settled(leaf, np.asarray(a), leaf in plan.graph.batched_leaves, candidates)
            for leaf, a in values.items()
            if leaf.name in names and leaf.name in plan.graph.nodes
        }

    def settled(self, leaf: Leaf, array: Array, batched: bool, candidates: Candidates) -> Array:
        """A result with the candidates on its last axis, and the cases before where it has cases."""
        if not batched:
            total = (self.cases or 1) * candidates.count
            array = np.broadcast_to(array[..., None], (*array.shape, total))
        if self.cases is None:
            return array
        array = array.reshape(*array.shape[:-1], self.cases, candidates.count)
        node = self.graph.nodes.get(leaf.name)
        if node is None or node.batched or (leaf.name == self.graph.loss):
            return array
        if isinstance(leaf, Name):
            return array[..., 0, :]
        summed = self.problem.reduction == "sum"
        return np.asarray(array.sum(axis=-2) if summed else array.mean(axis=-2))

    @property
    def numbers(self) -> int:
        """How many numbers the run of one candidate takes."""
        graph = self.plan.graph
        sizes: Iterable[int] = (
            int(np.prod(graph.shape(leaf), dtype=int)) for leaf in graph.batched_leaves
        )
        return max(1, sum(sizes)) * (self.cases or 1)
