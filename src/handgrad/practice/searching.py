"""The search for variants: candidates run many at once, those with every wanted event kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from handgrad.errors import OptionError
from handgrad.expression import Leaf
from handgrad.graph import Graph, build
from handgrad.operations.operation import Array
from handgrad.practice.drawing import Pool, Stream, drawn, numbers, pools, written
from handgrad.practice.events import check_possible, events
from handgrad.practice.wanted import Wanted
from handgrad.problem import Problem
from handgrad.problem.parts import with_named_activations
from handgrad.run import Plan

BLOCK = 4096
"""Candidates run at once."""

MOST = 1 << 20
"""Candidates drawn before the search is given up."""

MOST_ONE_BY_ONE = 1 << 13
"""The same for a problem of many cases, whose candidates are run one by one."""


@dataclass(frozen=True)
class Variants(Sequence[Problem]):
    """Problems with other numbers; each is made as it is asked for.

    `candidates` is how many were drawn to find them.
    """

    problem: Problem
    candidates: int
    _pools: Mapping[str, Pool]
    _places: Mapping[str, Array]

    def __len__(self) -> int:
        return int(next(iter(self._places.values())).shape[-1])

    @overload
    def __getitem__(self, position: int) -> Problem: ...

    @overload
    def __getitem__(self, position: slice) -> list[Problem]: ...

    def __getitem__(self, position: int | slice) -> Problem | list[Problem]:
        if isinstance(position, slice):
            return [self[k] for k in range(*position.indices(len(self)))]
        at = range(len(self))[position]
        values = {n: written(pool, self._places[n][..., at]) for n, pool in self._pools.items()}
        return self.problem.with_values(
            {n: _cases_first(self.problem, n, value) for n, value in values.items()}
        )

    def numbers(self, name: str) -> Array:
        """A given's numbers in every variant, along the last axis."""
        return numbers(self._pools[name], self._places[name])


def draw(problem: Problem, asked: Wanted, count: int, seed: int) -> Variants:
    """`count` variants of a problem that have what is asked for; the same for the same seed everywhere.

    Raises `OptionError` where that cannot be had, saying how often each event happened.
    """
    if seed < 0:
        raise OptionError(f"a seed is 0 or more, not {seed}", where="--seed")
    found = pools(problem, build(problem), asked)
    # The same computation with every activation under a name, so that inner gates are seen too.
    opened, _ = with_named_activations(problem)
    graph = build(opened)
    check_possible(graph, asked)
    running = _Running(opened, graph, found)
    stream = Stream(seed)
    kept: list[dict[str, Array]] = []
    happened: dict[str, int] = {}
    candidates = accepted = 0
    while accepted < count:
        if candidates >= running.most:
            raise _not_found(happened, candidates, accepted, count)
        places = drawn(found, stream, running.block)
        good = np.ones(running.block, bool)
        with np.errstate(all="ignore"):
            for words, flags in events(graph, running(places), tuple(problem.data), asked):
                happened[words] = happened.get(words, 0) + int(flags.sum())
                good &= flags
        chosen = np.flatnonzero(good)[: count - accepted]
        kept.append({n: p[..., chosen] for n, p in places.items()})
        accepted += len(chosen)
        candidates += running.block
    every = {n: np.concatenate([k[n] for k in kept], axis=-1) for n in found}
    return Variants(problem, candidates, found, every)


class _Running:
    """Runs candidates: all at once as an ensemble, or one by one where the problem has cases itself."""

    def __init__(self, problem: Problem, graph: Graph, found: Mapping[str, Pool]) -> None:
        self.found = found
        self.one_by_one = any(node.cased for node in graph.nodes.values())
        self.most = MOST_ONE_BY_ONE if self.one_by_one else MOST
        self.block = 64 if self.one_by_one else BLOCK
        self.plan = Plan(graph if self.one_by_one else build(_ensemble(problem)))

    def __call__(self, places: Mapping[str, Array]) -> dict[Leaf, Array]:
        values = {n: numbers(pool, places[n]) for n, pool in self.found.items()}
        if not self.one_by_one:
            shared = self.plan(values)
            return {
                leaf: _repeated(np.asarray(a), self.block, self.plan.graph.cased_leaves, leaf)
                for leaf, a in shared.items()
            }
        runs = [self.plan({n: v[..., k] for n, v in values.items()}) for k in range(self.block)]
        return {leaf: np.stack([np.asarray(r[leaf]) for r in runs], axis=-1) for leaf in runs[0]}


def _repeated(array: Array, count: int, cased: frozenset[Leaf], leaf: Leaf) -> Array:
    """An array with the candidates along its last axis, where it has none of its own."""
    if leaf in cased:
        return array
    return np.broadcast_to(array[..., None], (*array.shape, count))


def _ensemble(problem: Problem) -> Problem:
    """The problem with every number in cases: a network each."""
    two = {
        n: {"cases": np.stack([g.array, g.array])}
        for n, g in (*problem.parameters.items(), *problem.data.items())
    }
    return Problem(
        problem.equations,
        {n: two[n] for n in problem.parameters},
        {n: two[n] for n in problem.data},
        loss=problem.loss,
        reduction=problem.reduction,
    )


def _cases_first(problem: Problem, name: str, value: object) -> object:
    given = {**problem.parameters, **problem.data}[name]
    if not given.cased:
        return value
    return {"cases": np.moveaxis(np.array(value, object), -1, 0).tolist()}


def _not_found(happened: Mapping[str, int], candidates: int, found: int, count: int) -> OptionError:
    said = "; ".join(f"{words}: in {n / candidates:.2%}" for words, n in happened.items())
    some = f"only {found} of {count} variants were" if found else "no variant was"
    return OptionError(
        f"{some} found among {candidates} drawn ({said})",
        mend="ask for less, or for another grid or level",
    )
