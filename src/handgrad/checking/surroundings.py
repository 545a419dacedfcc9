"""What every quantity's formula may be confused with: other layers, other ends, other counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from handgrad.checking.subjects import Subjects
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, leaves, substitute
from handgrad.graph.structure import activation_of
from handgrad.graph.updating import UpdatePass
from handgrad.operations.rewrites import Penalty, Surroundings
from handgrad.updates import Update, names

if TYPE_CHECKING:
    from handgrad.checking.quantities import Quantity, Structure


class Around:
    """The surroundings of the quantities of one structure."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        graph = structure.graph
        self._known_before: dict[Adjoint, frozenset[Leaf]] = {}
        self.before = {act: pre for pre, act in graph.activations.items()}
        self.data = frozenset(n.name for n in graph.nodes.values() if n.kind == "data")
        self.shortcuts = {s.pre_activation: s for s in graph.shortcuts}
        self.made = {q.leaf: q.formula.expression for q in structure.quantities}
        self.subjects = Subjects(structure.problem, graph, self.made)
        update = structure.update
        self.named = names(graph.nodes.keys() | graph.lets.keys())
        self.rate = self.named["rate"] if update is not None else None
        self.updated = _updated(update) if update is not None else {}

    def of(self, quantity: Quantity) -> Surroundings:
        graph = self.structure.graph
        target = quantity.shown
        through = graph.nodes.get(quantity.through)
        fused = None
        if isinstance(target, Adjoint) and target.name in self.shortcuts:
            inner = self.shortcuts[target.name].inner
            written = graph.nodes[inner].written if inner else None
            fused = (written, inner) if isinstance(written, Call) else None
        later = self._computed_from(quantity)
        alike = {
            leaf: tuple(other for other in self._alike(leaf) if other not in later)
            for way in quantity.ways
            for leaf in leaves(way.expression)
        }
        penalties, inner_factors = self._of_formulas(quantity)
        whole = len(penalties) == 1 and penalties[0].term == quantity.formula.expression
        about = self.subjects
        return Surroundings(
            target=target,
            activation=activation_of(through.written) if through is not None else None,
            before=self.before,
            alike=alike,
            batched=graph.batched_leaves,
            data=self.data,
            made=self.made,
            fused=fused,
            averaged=() if whole else about.averaged(quantity.leaf),
            squared=not whole and about.squared(quantity.leaf),
            squared_error=not whole and about.squared_error(quantity.leaf),
            inner=inner_factors,
            penalties=penalties,
            stale=self._stale(quantity),
            rate=self.rate if quantity.phase == "update" else None,
            plain=self._plain(target) if quantity.phase == "update" else None,
        )

    def _of_formulas(
        self, quantity: Quantity
    ) -> tuple[tuple[Penalty, ...], tuple[tuple[Expression, Call], ...]]:
        """The penalties in a quantity's formulas, and the functions of multiples that they lead through."""
        if quantity.phase != "backward":
            return (), ()
        found: dict[Expression, Penalty] = {}
        for way in quantity.ways:
            for penalty in self.subjects.penalties(quantity.leaf, way.expression):
                found.setdefault(penalty.term, penalty)
        return tuple(found.values()), self.subjects.inner(quantity.through)

    def _stale(self, quantity: Quantity) -> dict[Name, Expression]:
        """The parameters in a backward formula as their updates leave them, where those come before it."""
        if quantity.phase != "backward":
            return {}
        return {
            leaf: self.updated[leaf]
            for leaf in quantity.formula.leaves
            if isinstance(leaf, Name)
            and leaf in self.updated
            and quantity.leaf not in self._before(Adjoint(leaf.name))
        }

    def _before(self, gradient: Adjoint) -> frozenset[Leaf]:
        """The gradients that a gradient is computed from, itself among them."""
        found = self._known_before.get(gradient)
        if found is None:
            wanted: set[Leaf] = set()
            stack: list[Leaf] = [gradient]
            while stack:
                leaf = stack.pop()
                if leaf not in wanted and isinstance(leaf, Adjoint):
                    wanted.add(leaf)
                    formula = self.made.get(leaf)
                    stack.extend(leaves(formula) if formula is not None else ())
            found = self._known_before[gradient] = frozenset(wanted)
        return found

    def _computed_from(self, quantity: Quantity) -> frozenset[Leaf]:
        """What needs a quantity's number, which nobody can have taken to compute it."""
        found = {quantity.leaf}
        for each in self.structure.quantities:
            if not found.isdisjoint(each.formula.leaves):
                found.add(each.leaf)
        return frozenset(found)

    def _plain(self, target: Leaf) -> Expression | None:
        """The step of plain gradient descent from a parameter; what is remembered of one takes no step."""
        if not (isinstance(target, Name) and self._is_parameter(target.name)):
            return None
        (line,) = Update().lines(target, Adjoint(target.name), self.named)
        return line.formula

    def _alike(self, leaf: Leaf) -> tuple[Leaf, ...]:
        """Other leaves of the same kind and shape: another layer's, or the gradient on the other
        side of an activation."""
        graph, shapes, batched = self.structure.graph, self.structure.shapes, self.structure.batched
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
            and (other in batched) == (leaf in batched)
            and (
                self._kind(other.name) == kind
                if isinstance(leaf, Name)
                else graph.nodes[other.name].kind == graph.nodes[leaf.name].kind
            )
        )

    def _is_parameter(self, name: str) -> bool:
        node = self.structure.graph.nodes.get(name)
        return node is not None and node.kind == "parameter"

    def _kind(self, name: str) -> str:
        """Pre-activations, parameters, or what a layer takes in."""
        graph = self.structure.graph
        if name in graph.activations:
            return "before"
        return "parameter" if self._is_parameter(name) else "input"


def _updated(update: UpdatePass) -> dict[Name, Expression]:
    """Every parameter after its update, spelled out in its gradient, its memories and the settings."""
    found: dict[Name, Expression] = {}
    for name, lines in update.lines.items():
        known: dict[Expression, Expression] = {}
        for line in lines:
            formula = substitute(line.formula, known.get)
            if line.assigns == "updated":
                found[Name(name)] = formula
            else:
                known[line.target] = formula
    return found
