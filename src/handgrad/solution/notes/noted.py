"""A run whose steps are given notes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Call, Expression, Leaf, Name
from handgrad.graph import Activation, Graph, activations
from handgrad.graph.asked import unasked
from handgrad.graph.structure import Shortcut
from handgrad.operations.gates import activations_in
from handgrad.record import builder
from handgrad.running import Run
from handgrad.running.plan import plan_carrying
from handgrad.solution.long_way import long_way
from handgrad.solution.residues import Residues
from handgrad.solution.silencing import silencing
from handgrad.solution.structure import TraceLine

T = TypeVar("T")

UNITS = 32
"""The most units of a layer whose notes say what they zero; more would bury the page."""


HAIR = 1e-6
"""How far numbers are moved, as a share of their size, to see whether what is equal stays so."""


@builder
class NotedRun:
    """A run whose steps are given notes, with what the kinds of note look up and remember.

    `frozen` are the parameters that no update moves; `framework` is that of the model which a problem was read from.
    """

    graph: Graph
    run: Run
    residues: Residues
    frozen: frozenset[str] = frozenset()
    framework: str = ""

    def __post_init__(self) -> None:
        self.unasked = unasked(self.graph)
        self.silencing = silencing(self.graph)
        self.introduced: set[Leaf] = set()
        """The parts of equations that some line has defined."""
        self._kept: dict[type, Any] = {}
        self._long_ways: dict[Shortcut, tuple[TraceLine, ...]] = {}
        self._in_formula: tuple[Expression, dict[Call, Call]] | None = None

    def kept(self, kind: type, make: Callable[[], T]) -> T:
        """What a kind of note remembers for the whole run, made when first asked for."""
        if kind not in self._kept:
            self._kept[kind] = make()
        found: T = self._kept[kind]
        return found

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """The activations of the graph."""
        return tuple(activations(self.graph))

    @cached_property
    def beside(self) -> tuple[Run, ...]:
        """The same run at numbers a hair to either side; whole numbers of the data, which may say which entry is meant, stay.

        Empty where it cannot be made.
        """
        draws = np.random.default_rng(0)
        here: dict[str, Array] = {}
        hair: dict[str, Array] = {}
        for node in self.graph.nodes.values():
            if node.kind in ("parameter", "data"):
                given = here[node.name] = np.asarray(self.run.numbers[Name(node.name)], dtype=float)
                stays = node.kind == "data" and bool((np.rint(given) == given).all())
                share = np.where(stays, 0.0, HAIR * draws.uniform(0.5, 1.5, given.shape))
                hair[node.name] = share * (1 + np.abs(given))
        plan = plan_carrying(self.graph, "exact", 0)
        sides = [{n: a + s * hair[n] for n, a in here.items()} for s in (1, -1)]
        try:
            with np.errstate(all="ignore"):
                return tuple([Run(self.graph, plan(side)) for side in sides])
        except (ValueError, IndexError, ArithmeticError):
            return ()

    def activations_in(self, formula: Expression) -> dict[Call, Call]:
        """The activations in a formula: by the call as written, the activation that it is."""
        if self._in_formula is None or self._in_formula[0] is not formula:
            self._in_formula = formula, dict(activations_in(formula))
        return self._in_formula[1]

    def long_way(self, shortcut: Shortcut) -> tuple[TraceLine, ...]:
        """The lines of a shortcut's long way."""
        found = self._long_ways.get(shortcut)
        if found is None:
            found = self._long_ways[shortcut] = long_way(shortcut, self.graph, self.run)
        return found
