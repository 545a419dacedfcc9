"""What every quantity's formula may be confused with: other layers, other ends, other counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, leaves, walk
from handgrad.graph.structure import activation_of
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import power
from handgrad.operations.losses import mse
from handgrad.operations.mistakes import Surroundings
from handgrad.operations.reductions import mean
from handgrad.updates import Update, names

if TYPE_CHECKING:
    from handgrad.check.work import Quantity, Structure


class Around:
    """The surroundings of the quantities of one structure."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        graph = structure.graph
        self.before = {act: pre for pre, act in graph.activations.items()}
        self.data = frozenset(n.name for n in graph.nodes.values() if n.kind == "data")
        self.shortcuts = {s.pre_activation: s for s in graph.shortcuts}
        self.made = {q.leaf: q.formula.expression for q in structure.quantities}
        self.squared = any(
            isinstance(e, Call) and _squares(e)
            for n in graph.nodes.values()
            if n.written is not None
            for e in walk(n.written)
        )
        self.averaged = self._averaged()
        update = structure.update
        self.named = names(graph.nodes.keys() | graph.lets.keys())
        self.rate = self.named["rate"] if update is not None else None

    def _averaged(self) -> tuple[int, ...]:
        """What a loss may be averaged over: its cases, and the entries that it compares."""
        structure = self.structure
        counts: dict[int, None] = {}
        for given in (*structure.problem.parameters.values(), *structure.problem.data.values()):
            if given.cased and structure.graph.cost != structure.graph.loss:
                counts[given.array.shape[-1]] = None
        for node in structure.graph.nodes.values():
            for part in walk(node.written) if node.written is not None else ():
                if isinstance(part, Call) and _averages(part):
                    shape = part.arguments[0].shape or ()
                    counts[int(np.prod(shape, dtype=int))] = None
                    counts.update(dict.fromkeys(shape))
        return tuple(n for n in counts if n > 1)

    def of(self, quantity: Quantity) -> Surroundings:
        graph = self.structure.graph
        target = quantity.shown
        through = graph.nodes.get(quantity.through)
        fused = None
        if isinstance(target, Adjoint) and target.name in self.shortcuts:
            inner = self.shortcuts[target.name].inner
            written = graph.nodes[inner].written
            fused = (written, inner) if isinstance(written, Call) else None
        alike = {
            leaf: self._alike(leaf) for way in quantity.ways for leaf in leaves(way.expression)
        }
        return Surroundings(
            target=target,
            activation=activation_of(through.written) if through is not None else None,
            before=self.before,
            alike=alike,
            data=self.data,
            made=self.made,
            fused=fused,
            averaged=self.averaged,
            squared=self.squared,
            rate=self.rate if quantity.phase == "update" else None,
            plain=self._plain(target) if quantity.phase == "update" else None,
        )

    def _plain(self, target: Leaf) -> Expression | None:
        """The step of plain gradient descent from a parameter."""
        if not isinstance(target, Name):
            return None
        (line,) = Update().lines(target, Adjoint(target.name), self.named)
        return line.formula

    def _alike(self, leaf: Leaf) -> tuple[Leaf, ...]:
        """Other leaves of the same kind and shape: another layer's, or the gradient on the other
        side of an activation."""
        graph, shapes, cased = self.structure.graph, self.structure.shapes, self.structure.cased
        if leaf.name not in graph.nodes or not shapes[leaf]:
            return ()
        kind = self._kind(leaf.name)
        return tuple(
            replace(other, shape=shapes[other])
            for other in shapes
            if other != leaf
            and type(other) is type(leaf)
            and other.name in graph.nodes
            and not (isinstance(other, Adjoint) and other.through)
            and shapes[other] == shapes[leaf]
            and (other in cased) == (leaf in cased)
            and (
                self._kind(other.name) == kind
                if isinstance(leaf, Name)
                else graph.nodes[other.name].kind == graph.nodes[leaf.name].kind
            )
        )

    def _kind(self, name: str) -> str:
        """Pre-activations, parameters, or what a layer takes in."""
        graph = self.structure.graph
        if name in graph.activations:
            return "before"
        return "parameter" if graph.nodes[name].kind == "parameter" else "input"


def _squares(call: Call) -> bool:
    return operation_of(call) in (mse, power)


def _averages(call: Call) -> bool:
    operation = operation_of(call)
    return operation.family == "loss" or operation is mean
