"""The numbers to check against: a problem's quantities, worked out exactly and as programs may have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking.quantities import Quantity, Structure, structure_of
from handgrad.expression import (
    Adjoint,
    Leaf,
)
from handgrad.graph import build
from handgrad.numbers import Interval, bounding
from handgrad.problem import Problem
from handgrad.running import Run
from handgrad.solution import as_on_paper

BESIDE = 16
"""Runs with moved last digits, at most: each puts every residue of 0 on one side or the other."""

SURE = 1e-8
"""How far off, as a share of itself, a number may be whose digits are held to be known."""

REST = 1e-15
"""How far a run beside the exact one moves a number, as a share of it: some units of a float's last place."""

DYADIC = 2.0**20
"""Numbers that are whole multiples of its inverse are taken as exact in floats."""


class Work:
    """A problem's worked solution to compare answers with: the structure, and its exact numbers.

    Arguments:
        problem: the problem.
        structure: that of a problem with the same equations and shapes, to share it.
    """

    def __init__(self, problem: Problem, structure: Structure | None = None) -> None:
        self.structure = structure or structure_of(problem)
        givens = {n: g.array for n, g in problem.inputs.items()}
        own = self.structure.problem is problem
        self._run(givens, self.structure.trace.run if own else as_on_paper(problem, build(problem)))

    def at(self, values: Mapping[str, object]) -> Work:
        """The same problem with other numbers for some of its names, in their shapes."""
        other = object.__new__(Work)
        other.structure = self.structure
        arrays = {n: np.asarray(v, dtype=float) for n, v in values.items()}
        other._run({**self.givens, **arrays})
        return other

    def _run(self, givens: Mapping[str, Array], run: Run | None = None) -> None:
        """Works out every quantity, from the run where there is one already."""
        structure = self.structure
        self.givens = dict(givens)
        self._beside: list[Mapping[Leaf, Array]] = []
        with np.errstate(all="ignore"):
            numbers = run.numbers if run is not None else structure.plan(givens)
            self.exact: dict[Leaf, Array] = dict(numbers)
            update = structure.update
            if update is not None:
                self.exact.update({n: np.asarray(v) for n, v in update.settings.items()})
                for memory, shape in update.memories.items():
                    cases = next(
                        (
                            a.shape[-1:]
                            for n, a in givens.items()
                            if structure.graph.nodes[n].batched
                        ),
                        (),
                    )
                    whole = (*shape, *cases) if memory in update.batched else shape
                    self.exact[memory] = np.zeros(whole)
            self.given_leaves = frozenset(
                leaf for leaf in self.exact if leaf not in structure.by_leaf
            )
            for quantity in structure.quantities:
                if quantity.leaf not in self.exact or quantity.phase == "update":
                    self.exact[quantity.leaf] = quantity.formula(
                        self.exact, clean=quantity.phase == "update"
                    )
        for leaf, value in self.exact.items():
            self.exact[leaf] = np.asarray(value, dtype=float)

    @cached_property
    def floats(self) -> Mapping[Leaf, Array]:
        """The same numbers as a program has them, with the residues that binary numbers leave: where a
        kink is on paper, it may lie on one side."""
        with np.errstate(all="ignore"):
            run = self.structure.plan(self.givens)
        return {leaf: np.asarray(run.get(leaf, value)) for leaf, value in self.exact.items()}

    def sure(self, leaf: Leaf) -> Mask:
        """By entry, whether floats have a number to all of its digits: a program has the same, and bounds on it
        are no farther apart. Of 1 − p, where p is 1 in floats, they have none."""
        exact = self.exact[leaf]
        bounds = self._bounds[leaf]
        with np.errstate(all="ignore"):
            apart = np.fmax(bounds.upper - exact, exact - bounds.lower)
            off = np.abs(self.floats[leaf] - exact)
            found: Mask = np.fmax(apart, off) <= SURE * np.abs(exact)
        return found

    @cached_property
    def _bounds(self) -> Mapping[Leaf, Interval]:
        """Bounds on every number, each of what those before it may be."""
        found = {leaf: Interval.of(self.exact[leaf]) for leaf in self.given_leaves}
        with np.errstate(all="ignore"):
            for quantity in self.structure.quantities:
                found[quantity.leaf] = Interval.of(quantity.formula(found, bounding))
        return found

    def beside(self) -> Iterator[Mapping[Leaf, Array]]:
        """The numbers as other programs may have them: every inexact one moved in its last digits.

        What is 0 on paper has there a rest of the one sign or the other, by the order in which a
        library adds; what exact numbers such as 0.5 and 2 make is the same in every program.
        """
        for draw in range(BESIDE):
            if draw == len(self._beside):
                self._beside.append(self._moved(np.random.default_rng(draw)))
            yield self._beside[draw]

    def _moved(self, draws: np.random.Generator) -> dict[Leaf, Array]:
        def moved(value: Array) -> Array:
            inexact = np.isfinite(value) & (np.rint(value * DYADIC) != value * DYADIC)
            share = REST * draws.choice((-1.0, 1.0), value.shape)
            return np.where(inexact, value * (1 + share), value)

        with np.errstate(all="ignore"):
            numbers = {leaf: moved(self.exact[leaf]) for leaf in self.given_leaves}
            for quantity in self.structure.quantities:
                value = np.asarray(quantity.formula(numbers), dtype=float)
                numbers[quantity.leaf] = moved(value)
        return numbers

    @cached_property
    def largest_gradient(self) -> float:
        """The largest size of a finite entry of a gradient, named or on the way."""
        sizes = [np.abs(v) for leaf, v in self.exact.items() if isinstance(leaf, Adjoint)]
        return max((float(np.max(s[np.isfinite(s)], initial=0.0)) for s in sizes), default=0.0)

    @property
    def cases(self) -> int:
        """The number of cases; 1 where there are none."""
        nodes = self.structure.graph.nodes
        return next((a.shape[-1] for n, a in self.givens.items() if nodes[n].batched), 1)

    def full_shape(self, quantity: Quantity) -> tuple[int, ...]:
        """The shape of a quantity's array, cases included."""
        shape: tuple[int, ...] = np.shape(self.exact[quantity.leaf])
        return shape
