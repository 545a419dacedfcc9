"""What can still move a unit that is off on all the data: the layers below, or its own weights.

While its gate is shut on every case no gradient comes through a unit. Its pre-activation then moves
only where the layers below change what it is given, or where its own parameters move without it:
coasting on what the update rule remembers, by weight decay, by another path from them to the loss, such as
a penalty's, or because other units share them. Where nothing of all this is, the unit can be proved never to
fire again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.equations import parse_equations, source
from handgrad.expression import Adjoint, Expression, Leaf, Name
from handgrad.graph import Graph, activations, build
from handgrad.graph.updating import UpdatePass
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated
from handgrad.operations.leaky import leaky
from handgrad.problem import Problem
from handgrad.problem.given import given
from handgrad.problem.parts import with_named_activations
from handgrad.record import JsonForm, record
from handgrad.running.evaluate import value_of
from handgrad.running.penalties import Penalties
from handgrad.running.plan import Plan
from handgrad.running.units import Index, LayerUnits
from handgrad.updates import Update, names

DRAWS = (0.5, 1.0, 2.0)
"""Scales of the parameters at which other paths are looked for: one at which no gradient vanishes will do."""


TRIED = 8
"""Units of a layer of which it is asked what can move them, at most."""

CASES = 8
"""Cases on which other paths are looked for."""


@record
class Revivers:
    """What can still move the pre-activation of a unit that is off on all the data.

    Arguments:
        rule: the update rule; empty where the problem has none.
        fixed: whether what it is given is data, and no parameter of another layer enters there.
        below: parameters of the layers below, which may change what it is given.
        coasting: the rule goes on moving parameters when their gradient has become 0.
        decay: the rule shrinks parameters whatever their gradient.
        penalties: the equations through which its own have another path to the loss, made of parameters alone.
        shared: the equations in which its own parameters serve something else too.
    """

    rule: str
    fixed: bool = True
    below: tuple[str, ...] = ()
    coasting: bool = False
    decay: bool = False
    penalties: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    json: ClassVar = JsonForm(also=("never",))

    @property
    def moves(self) -> bool:
        """Whether something can move its pre-activation."""
        return bool(self.below or self.coasting or self.decay or self.penalties or self.shared)

    @property
    def never(self) -> bool:
        """Whether the rule can move nothing of all it depends on: it is off on these data for good."""
        return bool(self.rule) and not self.moves


def moves_without_gradient(update: Update) -> tuple[bool, bool]:
    """Whether a rule moves a parameter of gradient 0: by what it remembers, and by decay.

    Found with the rule's own formulas, at a rate that is not 0.
    """
    return bool(_coasting(update)), _moved(update, 0.0, frozenset(), decay=True)


def coasting_memories(update: UpdatePass, problem: Problem) -> tuple[str, ...]:
    """The memories of a training without which its parameters stand still when no gradient comes."""
    letters = _coasting(problem.update or Update())
    found = {f"{letter}_{name}" for letter in letters for name in problem.parameters}
    return tuple(m.name for m in update.memories if m.name in found)


def _coasting(update: Update) -> tuple[str, ...]:
    """The letters of the memories that move a parameter by themselves: v of momentum, m of Adam and Lion."""
    named = names(frozenset())
    parameter, gradient = Name("theta", shape=()), Adjoint("theta", shape=())
    # What clips a gradient of 0, and what the rate is, moves nothing.
    lines = update.bare().lines(parameter, gradient, named)
    letters = {
        line.target.name.removesuffix("_theta") for line in lines if line.assigns == "memory"
    }
    if not _moved(update, 1.0, frozenset(), decay=False):
        return ()
    return tuple(
        letter for letter in sorted(letters) if not _moved(update, 1.0, frozenset([letter]), decay=False)
    )  # fmt: skip


def _moved(update: Update, remembered: float, but: frozenset[str], *, decay: bool) -> bool:
    """Whether a parameter of gradient 0 moves where the rule remembers this; 0 of the memories in `but`."""
    named, update = names(frozenset()), update.bare()
    values: dict[Leaf, Array] = {named[k]: np.asarray(v) for k, v in update.settings.items()}
    values[named["step"]] = np.asarray(3.0)
    if not decay and named["weight_decay"] in values:
        values[named["weight_decay"]] = np.asarray(0.0)
    parameter, gradient = Name("theta", shape=()), Adjoint("theta", shape=())
    values[parameter], values[gradient] = np.asarray(1.0), np.asarray(0.0)
    lines = update.lines(parameter, gradient, named)
    for line in lines:
        if line.assigns == "memory":
            letter = line.target.name.removesuffix("_theta")
            values[line.target] = np.asarray(0.0 if letter in but else remembered)
    for line in lines:
        formula = annotated(line.formula, lambda leaf: ())
        values[line.target] = value_of(formula, values, set())
    return bool(values[parameter] != 1.0)


Key: TypeAlias = tuple[str, Index]
"""A unit: the equation of its gate, and its place among the layer's units."""

Moving: TypeAlias = Mapping[str, Mapping[str, Array]]
"""By parameter, and by the equation that it comes through, which entries have a gradient."""


@dataclass
class Reviving:
    """A problem, asked what can revive the units of its gates.

    Arguments:
        problem: each of its activations is an equation of its own; its update rule is used.
        graph: of the problem.
        layers: by the equation of its gate, the units of each layer.
    """

    problem: Problem
    graph: Graph
    layers: Mapping[str, LayerUnits]

    def of(self, off: Sequence[Key]) -> dict[Key, Revivers]:
        """What can move each of the units that are off on all the data.

        Those that nothing can move are found together: as long as all of them are off none gets a
        gradient from another, so that they stay so. From the units that are off those are taken away
        that something can move, until no more are.
        """
        still = list(off)
        while still:
            moving = self._moving(still)
            left = [key for key in still if not self._revivers(key, moving).moves]
            if len(left) == len(still):
                break
            still = left
        found: dict[Key, Revivers] = {}
        for key in off:
            found[key] = self._revivers(
                key, moving if key in still else self._moving([*still, key])
            )
        return found

    def of_layer(self, name: str) -> Revivers:
        """What can move a unit of a layer while it alone is off: of the first few units together."""
        places = itertools.islice(np.ndindex(*self.layers[name].units), TRIED)
        each = [self._revivers((name, u), self._moving([(name, u)])) for u in places]
        return Revivers(
            rule=each[0].rule,
            fixed=all(r.fixed for r in each),
            below=_each(r.below for r in each),
            coasting=any(r.coasting for r in each),
            decay=any(r.decay for r in each),
            penalties=_each(r.penalties for r in each),
            shared=_each(r.shared for r in each),
        )

    def _revivers(self, key: Key, moving: Moving) -> Revivers:
        layer = self.layers[key[0]]
        still = self.problem.frozen
        own = [one for one in layer.own(key[1]) if one.name not in still]
        update = self.problem.update
        coasting, decay = moves_without_gradient(update) if update is not None else (False, False)
        through: dict[str, None] = {}
        for one in own:
            for equation, entries in moving[one.name].items():
                if any(np.any(entries[e]) for e in one.entries):  # in some case
                    through[equation] = None
        penalties = tuple(n for n in through if self.penalties.hold(n, [one.name for one in own]))
        mine = {(one.name, e) for one in own for e in one.entries}
        below = tuple(
            name
            for name in layer.below
            if name not in still
            if coasting or decay or self._others_move(name, moving[name], mine)
        )
        return Revivers(
            rule=update.rule if update is not None else "",
            fixed=bool(layer.data) and not layer.below,
            below=below,
            coasting=coasting and bool(own),
            decay=decay and bool(own),
            penalties=penalties,
            shared=tuple(n for n in through if n not in penalties),
        )

    @staticmethod
    def _others_move(name: str, moving: Mapping[str, Array], mine: set[tuple[str, Index]]) -> bool:
        return any(
            (name, tuple(int(i) for i in e)) not in mine
            for entries in moving.values()
            for e in np.argwhere(entries)
        )

    @cached_property
    def _masked(self) -> _Masked:
        return _Masked.of(self.problem, tuple(self.layers))

    def _moving(self, shut: Sequence[Key]) -> Moving:
        """Which entries of parameters have a gradient, at some numbers, while these units are shut."""
        masks = {name: np.ones(layer.shape) for name, layer in self.layers.items()}
        for name, unit in shut:
            masks[name][self.layers[name].select(unit)] = 0.0
        return self._masked.moving(masks)

    @cached_property
    def penalties(self) -> Penalties:
        """The terms of the loss that are made of parameters alone."""
        return Penalties(self.graph)


def _each(names_: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Names, each once."""
    return tuple(dict.fromkeys(itertools.chain.from_iterable(names_)))


@record
class LayerRevivers:
    """What can move a unit of one layer while it alone is off on all the data.

    Arguments:
        layer: the equation that the gate stands in.
        revivers: of its units together, where they differ.
        parts: the names given to parts of equations, with their formulas.
    """

    layer: str
    revivers: Revivers
    parts: Mapping[str, Expression]


def layer_revivers(problem: Problem) -> tuple[LayerRevivers, ...]:
    """For each gate of a problem with an update, in order; none where there is no update."""
    if problem.update is None or not problem.parameters:
        return ()
    named, parts = with_named_activations(problem)
    graph = build(named)
    found = [a for a in activations(graph) if a.alone and a.gate and not a.fused]
    layers = {
        a.equation: LayerUnits(graph, a.pre_activation)
        for a in found
        if isinstance(a.pre_activation, Name) and operation_of(a.call).elementwise
    }
    reviving = Reviving(named, graph, layers)
    formulas = {name: part.formula for name, part in parts.items()}
    return tuple(
        LayerRevivers(
            parts[name].equation if name in parts else name, reviving.of_layer(name), formulas
        )
        for name in layers
    )


@dataclass
class _Masked:
    """The problem with each gate's output multiplied by a mask: 0 shuts a unit, and nothing else.

    Gates, maxima and the like are in their leaky forms: what is shut at some numbers may open at others.
    """

    problem: Problem
    graph: Graph
    plan: Plan
    masks: Mapping[str, str]

    @classmethod
    def of(cls, problem: Problem, activations: Sequence[str]) -> _Masked:
        taken = {*problem.inputs, *(e.target for e in problem.equations)}
        free = (n for n in (f"mask_{k}" for k in itertools.count()) if n not in taken)
        masks = dict(zip(activations, free, strict=False))
        texts = [
            f"{e.target} = {masks[e.target]}*({source(leaky(e.expression))})" if e.target in masks
            else f"{e.target} = {source(leaky(e.expression))}"
            for e in problem.equations
        ]  # fmt: skip
        nodes = build(problem).nodes
        ones = {mask: np.ones(nodes[name].shape) for name, mask in masks.items()}
        changed = problem.with_parts(
            equations=parse_equations(texts),
            data={**problem.data, **{n: given(a, n) for n, a in ones.items()}},
        )
        graph = build(changed)
        return cls(changed, graph, Plan(graph), masks)

    def moving(self, masks: Mapping[str, Array]) -> Moving:
        """By parameter and equation, the entries that have a gradient at some of the numbers drawn."""
        generator = np.random.default_rng(0)
        values = {n: g.array for n, g in self.problem.parameters.items()}
        for n, g in self.problem.fixed.items():
            values[n] = g.array[..., :CASES] if g.batched else g.array
        values.update({self.masks[n]: a for n, a in masks.items()})
        found: dict[str, dict[str, Array]] = {n: {} for n in self.problem.parameters}
        for scale in DRAWS:
            drawn = {
                n: scale * generator.normal(size=np.shape(values[n]))
                for n in self.problem.parameters
            }
            if scale != 1.0:
                drawn = {n: np.abs(a) for n, a in drawn.items()}
            with np.errstate(all="ignore"):
                numbers = self.plan({**values, **drawn})
            for name, through in found.items():
                gradient = self.graph.gradients[name]
                for part in gradient.parts:
                    several = len(gradient.parts) > 1
                    leaf = Adjoint(name, through=part.through) if several else Adjoint(name)
                    array = np.nan_to_num(np.asarray(numbers[leaf], dtype=float), nan=0.0)
                    moves = np.broadcast_to(array, np.shape(values[name])) != 0
                    through[part.through] = through.get(part.through, False) | moves
        return found
