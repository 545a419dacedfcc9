"""Counters for every unit, filled block by block: the activations themselves are never held."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.equations import parse_equations, source
from handgrad.errors import NumberError
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, leaves, substitute, walk
from handgrad.finite import norm
from handgrad.graph import Graph, activations, build
from handgrad.operations import operation_of
from handgrad.operations.gates import opening
from handgrad.problem import Problem
from handgrad.problem.given import given
from handgrad.running.plan import Plan
from handgrad.running.units import LayerUnits
from handgrad.running.watching import Watch
from handgrad.solution import as_on_paper
from handgrad.solution.residues import MOST
from handgrad.solution.slopes import SATURATION, flattens_on_one_side, slopes_of


@dataclass(frozen=True, slots=True)
class Site:
    """An activation that is an equation of its own, `name = operation(pre)`."""

    name: str
    pre: str
    call: Call
    through: Adjoint
    shape: tuple[int, ...]
    layer: LayerUnits
    splits_ties: bool

    @property
    def units(self) -> tuple[int, ...]:
        """The shape of its units: one number for each axis along which they lie."""
        return self.layer.units

    @property
    def leaves(self) -> tuple[Leaf, Leaf, Leaf]:
        """The pre-activation, what arrives at its activation and what passes."""
        return Name(self.pre), Adjoint(self.name), self.through

    @property
    def gate(self) -> bool:
        return operation_of(self.call).gate


def sites_of(graph: Graph) -> tuple[Site, ...]:
    """The activations of a graph whose activations are all named.

    One that is differentiated as one with the loss is none: its slope multiplies nothing. What
    feeds no gate and no other activation, such as an output logit, is none either.
    """
    sites = []
    for activation in activations(graph):
        name, pre = activation.equation, activation.pre_activation
        if not activation.alone or activation.fused or not isinstance(pre, Name):
            continue
        shape = graph.nodes[name].shape
        if shape != graph.nodes[pre.name].shape:
            continue
        gradient = graph.gradients[pre.name]
        several = len(gradient.parts) > 1
        through = Adjoint(pre.name, through=name) if several else Adjoint(pre.name)
        if not any(p.through == name for p in gradient.parts):
            if graph.gradients[name].reached:
                continue  # the gradient passes it by: it is taken as one with entries of the loss
            through = Adjoint(
                name
            )  # nothing leads on from it: what arrives is zero, and so is this
        layer = LayerUnits(graph, Name(pre.name, shape=shape))
        sites.append(
            Site(name, pre.name, activation.call, through, shape, layer, activation.splits_ties)
        )
    return tuple(sites)


def silenced_by(graph: Graph, sites: Sequence[Site]) -> dict[str, tuple[str, ...]]:
    """By layer of gates, the layers before it from which every path to the loss leads through it."""
    found: dict[str, tuple[str, ...]] = {}
    for gate in (s for s in sites if s.gate):
        reaching = {graph.loss} - {gate.name}
        for name in reversed(graph.equations):
            users = graph.consumers.get(name, ())
            if name != gate.name and any(user in reaching for user in users):
                reaching.add(name)
        before = _ancestors(graph, gate.name)
        found[gate.name] = tuple(
            s.name for s in sites if s.name in before and s.name not in reaching
        )
    return found


def _ancestors(graph: Graph, name: str) -> set[str]:
    found: set[str] = set()
    for user in (*reversed(graph.equations),):
        if user == name or user in found:
            written = graph.nodes[user].written
            found |= {leaf.name for leaf in leaves(written)} if written is not None else set()
    return found


def gates_after(graph: Graph, sites: Sequence[Site]) -> dict[str, tuple[str, ...]]:
    """By layer, the gates that its values reach without another between; "" where they reach the loss."""
    gates = {s.name for s in sites if s.gate}
    reached: dict[str, set[str]] = {graph.loss: {""}}
    for name in reversed(graph.equations):
        found = reached.setdefault(name, set())
        for user in graph.consumers.get(name, ()):
            found |= {user} if user in gates else reached.get(user, set())
    return {s.name: tuple(sorted(reached[s.name])) for s in sites}


class Tally(NamedTuple):
    """What `Counts` has of one unit."""

    fired: int
    fired_at: int
    largest: float
    passing: float
    arriving: float
    blocked: float
    saturated: int
    heard: int


@dataclass
class Counts:
    """What is counted of one layer; arrays have the shape of its units, sums run over the cases.

    `fired` counts the cases in which a unit fires at some position, `fired_at` cases and positions;
    sizes of gradients are added up over the positions. `heard` counts the cases in which a unit
    fires and some gate after it is open, `shut` those in which no unit of the layer fires.
    """

    site: Site
    cases: int = 0
    fired: Any = 0
    fired_at: Any = 0
    largest: Any = -np.inf
    total: Any = 0.0
    passing: Any = 0.0
    arriving: Any = 0.0
    blocked: Any = 0.0
    saturated: Any = 0
    heard: Any = 0
    shut: int = 0
    norm_in: float = 0.0
    norm_out: float = 0.0
    scratch: dict[Any, Any] = field(default_factory=dict)

    def add(self, cases: int, arrays: Mapping[Leaf, Array], after: Mask | None) -> Mask:
        """Counts one block; gives the cases with an open gate. `after` are those with one after it."""
        site = self.site
        z, arriving, passing = (site.layer.apart(arrays[leaf]) for leaf in site.leaves)
        # What is the same in every case counts once for each.
        times = cases if z.shape[-1] != cases else 1
        open_ = self._scratch("open", opening(site.splits_ties), z, 0.0, kind=bool)
        fires = open_.any(axis=-2) if site.layer.positions > 1 else open_[..., 0, :]
        self.cases += cases
        self.fired = self.fired + np.count_nonzero(fires, axis=-1) * times
        self.fired_at = self.fired_at + np.count_nonzero(open_, axis=(-2, -1)) * times
        self.largest = np.maximum(self.largest, z.max(axis=(-2, -1)))
        self.total = self.total + z.sum(axis=(-2, -1), dtype=float) * times
        back = cases if passing.shape[-1] != cases else 1
        self.passing = self.passing + self._sizes(passing) * back
        sizes = self._scratch("sizes", np.abs, arriving)
        to = cases if arriving.shape[-1] != cases else 1
        self.arriving = self.arriving + sizes.sum(axis=(-2, -1), dtype=float) * to
        if site.gate:
            stopped = np.where(open_, 0.0, sizes) if sizes.shape != open_.shape else sizes
            if stopped is sizes:
                np.copyto(sizes, 0.0, where=open_)
            spread = cases if stopped.shape[-1] != cases else 1
            self.blocked = self.blocked + stopped.sum(axis=(-2, -1), dtype=float) * spread
        whole_in, whole_out = arrays[site.leaves[1]], arrays[site.leaves[2]]
        self.norm_in = math.hypot(self.norm_in, norm(whole_in) * math.sqrt(to))
        self.norm_out = math.hypot(self.norm_out, norm(whole_out) * math.sqrt(back))
        operation = operation_of(site.call)
        steepest, alone = operation.saturation, len(site.call.arguments) == 1
        if steepest is not None or (alone and flattens_on_one_side(operation)):
            slopes = slopes_of(site.call, z, batched=True)
            flat = slopes == 0 if steepest is None else slopes < SATURATION * steepest
            flat = flat.all(axis=-2)
            self.saturated = self.saturated + np.count_nonzero(flat, axis=-1) * times
        if after is not None:
            both = self._scratch("both", np.logical_and, fires, after, kind=bool)
            self.heard = self.heard + np.count_nonzero(both, axis=-1) * times
        some: Mask = fires.any(axis=tuple(range(fires.ndim - 1)))
        self.shut += int(np.count_nonzero(~some)) * times
        return some

    def _sizes(self, array: Array) -> Array:
        sizes: Array = self._scratch("sizes", np.abs, array).sum(axis=(-2, -1), dtype=float)
        return sizes

    def _scratch(
        self, key: str, function: Callable[..., Any], *arguments: Any, kind: Any = None
    ) -> Any:
        """A function's result in an array that is kept from block to block."""
        shape = np.broadcast_shapes(*(np.shape(a) for a in arguments))
        found = self.scratch.get((key, shape))
        if found is None:
            found = self.scratch[key, shape] = np.empty(shape, kind or arguments[0].dtype)
        return function(*arguments, out=found)

    # -- read off --------------------------------------------------------------------------------

    def each(self, values: Any) -> np.ndarray[Any, Any]:
        """A counter as an array of the shape of the layer's units."""
        return np.broadcast_to(np.asarray(values), self.site.units)

    def by_unit(self) -> Iterator[tuple[tuple[int, ...], Tally]]:
        """What is counted of each unit."""
        columns = [self.each(getattr(self, name)) for name in Tally._fields]
        for unit in np.ndindex(*self.site.units):
            yield unit, Tally(*(column[unit].item() for column in columns))


def _are_few(arrays: Mapping[Leaf, Array]) -> bool:
    return sum(int(a.size) for a in arrays.values()) <= MOST


def _has_rests(array: Array) -> bool:
    """Whether some number may be what floats leave of 0."""
    sizes = np.abs(array)
    return bool(((sizes > 0) & (sizes < REST)).any())


REST = 1e-12
"""Numbers under this are looked into."""


@dataclass(frozen=True)
class EachCase:
    """A problem in which every pre-activation differs from case to case, if the loss does.

    A layer that is the same in every case, such as z = W, has one gradient: the mean over the cases. What
    reaches it from each case's own loss is seen where a 0 that is given in cases is added.

    Arguments:
        problem: with these zeros.
        zero: the name of what is 0 in every case; empty where there is none.
        instead: by leaf of the problem itself, the one to look at.
    """

    problem: Problem
    zero: str = ""
    instead: Mapping[Leaf, Leaf] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem, graph: Graph, sites: Sequence[Site]) -> EachCase:
        """The same computation with zeros where they are needed."""
        same = {s.name: s for s in sites if Name(s.pre) not in graph.batched_leaves}
        counts = [g.array.shape[-1] for g in problem.fixed.values() if g.batched]
        if not same or not counts or not graph.nodes[graph.loss].batched:
            return cls(problem)
        zero = "zero"
        while any(name.startswith(zero) for name in graph.nodes):
            zero += "_"
        texts: list[str] = []
        instead: dict[Leaf, Leaf] = {}
        for equation in problem.equations:
            site = same.get(equation.target)
            if site is None:
                texts.append(equation.text)
                continue
            pre, moved = Name(site.pre), Name(f"{zero}{len(instead) + 1}")
            texts.append(f"{moved.name} = {source(pre + Name(zero))}")
            formula = _with(equation.expression, pre, moved)
            texts.append(f"{equation.target} = {source(formula)}")
            instead[site.through] = Adjoint(
                moved.name if site.through != Adjoint(site.name) else site.name
            )
        data = {**problem.data, zero: given({"cases": [0.0] * counts[0]}, zero)}
        changed = problem.with_parts(equations=parse_equations(texts), data=data)
        return cls(changed, zero, instead)

    def completed(self, block: Mapping[str, Array]) -> Mapping[str, Array]:
        """A block with a zero for each of its cases."""
        batched = [
            a for n, a in block.items() if n in self.problem.fixed and self.problem.fixed[n].batched
        ]
        if not self.zero or not batched:
            return block
        return {**block, self.zero: np.zeros(np.shape(batched[0])[-1])}


def _with(formula: Expression, old: Expression, new: Expression) -> Expression:
    return substitute(formula, lambda e: new if e == old else None)


@dataclass
class Counter:
    """A problem whose activations are named, ready to be counted on blocks of cases."""

    problem: Problem
    dtype: Any = np.float64

    def __post_init__(self) -> None:
        self.graph = build(self.problem)
        self.sites = sites_of(self.graph)
        self.after = gates_after(self.graph, self.sites)
        watched = dict.fromkeys(leaf for site in self.sites for leaf in site.leaves)
        self.each_case = EachCase.of(self.problem, self.graph, self.sites)
        looked_at = dict.fromkeys(self.each_case.instead.get(leaf, leaf) for leaf in watched)
        self._watched = tuple(watched)
        # Which of several numbers a gradient goes to may be a question of their last digits.
        backward = (c for line in self.graph.backward for c in walk(line.formula))
        self._may_tie = any(isinstance(c, Call) and operation_of(c).within for c in backward)
        self.watch = Watch(self.each_case.problem, tuple(looked_at), dtype=self.dtype)

    def look(
        self, block: Mapping[str, Array], *, trained: bool = False
    ) -> tuple[int, dict[Leaf, Array]]:
        """What is watched of a block; a few cases with the numbers of their worked solution.

        Floats open a gate that is shut on paper: 0.1 · 3 − 0.3 leaves 5.6e-17. Parameters that have been
        `trained` are no written numbers: their sums are without rounding residues.
        """
        block = self.each_case.completed(block)
        cases, arrays = self.watch.look(block)
        if self.dtype == np.float64 and _are_few(arrays):
            if not trained:
                arrays = self._on_paper(block, arrays)
            elif self._may_tie or any(map(_has_rests, arrays.values())):
                arrays = self._cleaned(block, arrays)
        instead = self.each_case.instead
        return cases, {leaf: arrays[instead.get(leaf, leaf)] for leaf in self._watched}

    def _cleaned(self, block: Mapping[str, Array], arrays: dict[Leaf, Array]) -> dict[Leaf, Array]:
        """The arrays of a run whose sums are without rounding residues."""
        graph = self.watch.graph
        given = self.each_case.problem
        own = {n: g.array for n, g in given.inputs.items()}
        with np.errstate(all="ignore"):
            numbers = Plan(graph, clean=True)(
                {**own, **{n: a for n, a in block.items() if n in own}}
            )
        return self._by_leaf(numbers, arrays)

    def _by_leaf(self, numbers: Mapping[Leaf, Any], leaves: Iterable[Leaf]) -> dict[Leaf, Array]:
        batched = self.watch.graph.batched_leaves
        found = {leaf: np.asarray(numbers[leaf], dtype=float) for leaf in leaves}
        return {leaf: a if leaf in batched else a[..., None] for leaf, a in found.items()}

    def _on_paper(self, block: Mapping[str, Array], arrays: dict[Leaf, Array]) -> dict[Leaf, Array]:
        """The arrays with the numbers of the worked solution, where that can be made."""
        given, graph = self.each_case.problem, self.watch.graph
        own = given.inputs
        others = {n: a for n, a in block.items() if n and not np.array_equal(own[n].array, a)}
        problem = given.with_values(
            {
                n: {"cases": np.moveaxis(a, -1, 0)} if graph.nodes[n].batched else a
                for n, a in others.items()
            }
        )
        try:
            numbers = as_on_paper(problem, graph).numbers
        except NumberError:
            return arrays
        return self._by_leaf(numbers, arrays)

    def count(self, blocks: Iterable[Mapping[str, Array]]) -> dict[str, Counts]:
        """By layer, what is counted over all the blocks."""
        return self.counted(map(self.look, blocks))

    def counted(self, looks: Iterable[tuple[int, Mapping[Leaf, Array]]]) -> dict[str, Counts]:
        """By layer, what is counted over all that was looked at. A sum past the largest float is infinite."""
        counts = {site.name: Counts(site) for site in self.sites}
        for cases, arrays in looks:
            some: dict[str, Mask] = {}
            for site in reversed(self.sites):
                after = [some[gate] for gate in self.after[site.name] if gate]
                heard = np.logical_or.reduce(np.broadcast_arrays(*after)) if after else None
                with np.errstate(all="ignore"):
                    some[site.name] = counts[site.name].add(cases, arrays, heard)
        return counts

    def pre_activation(
        self, block: Mapping[str, Array], site: Site, unit: tuple[int, ...]
    ) -> Array:
        """The pre-activation of one unit in every case: a row a position."""
        cases, arrays = self.look(block)
        z = site.layer.apart(arrays[Name(site.pre)])[unit]
        return np.broadcast_to(z, (z.shape[0], cases)).copy()
