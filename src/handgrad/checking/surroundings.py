"""What every quantity's formula may be confused with: other layers, other ends, other counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from handgrad.checking.subjects import Subjects
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, leaves, substitute
from handgrad.graph.structure import activation_of
from handgrad.graph.updating import UpdatePass
from handgrad.operations.arithmetic import divide
from handgrad.operations.surroundings import Penalty, Surroundings
from handgrad.operations.update_parts import UpdateParts
from handgrad.running.plan import after
from handgrad.updates import RULES, names, own

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
        later = self._not_before(quantity)
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
            update=self._parts(target) if quantity.phase == "update" else None,
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
        if quantity.phase != "backward" or self._clips_all:
            return {}
        return {
            leaf: self.updated[leaf]
            for leaf in quantity.formula.leaves
            if isinstance(leaf, Name)
            and leaf in self.updated
            and quantity.leaf not in self._before(Adjoint(leaf.name))
        }

    @property
    def _clips_all(self) -> bool:
        """Whether an update needs the norm of all gradients, so that none can be made before the last of them."""
        update = self.structure.update
        return update is not None and update.update.clips == "clip_norm"

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

    def _not_before(self, quantity: Quantity) -> frozenset[Leaf]:
        """What is computed no earlier than a quantity, which nobody can have taken to compute it."""
        order = [q.leaf for q in self.structure.quantities]
        return frozenset(order[order.index(quantity.leaf) :])

    def _parts(self, target: Leaf) -> UpdateParts:
        """What the update that a quantity belongs to is made of."""
        update = self.structure.update
        assert update is not None
        owner = update.owner(Name(target.name))
        mine = {update.rates[owner]} if owner else set(update.rates.values())
        lets = [line for line in update.lines.get(owner, ()) if line.assigns == "let"]
        rates = mine | {
            line.target
            for line in lets
            if mine & set(leaves(line.formula)) and not line.target.shape
        }
        return UpdateParts(
            rates=frozenset(rates),
            other_rates=tuple(r for r in dict.fromkeys(update.rates.values()) if r not in mine),
            settings=self.named,
            corrected=_corrected(update, owner),
            plain=self._plain(update, target),
        )

    def _plain(self, update: UpdatePass, target: Leaf) -> tuple[Expression, ...]:
        """The steps of plain gradient descent from a parameter, clipped and not, by a rule that makes others.

        What is remembered of a parameter takes no step.
        """
        if not isinstance(target, Name) or not self._is_parameter(target.name):
            return ()
        if RULES[update.update.rule].adds_up:
            return ()
        gradient, rate = Adjoint(target.name), update.rates[target.name]
        given = [line.target for line in update.lines[target.name] if line.assigns == "let"]
        whole = [name for name in given if name == own("g", target.name)]
        return tuple([target - rate * g for g in (gradient, *whole)])

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


def _corrected(update: UpdatePass, parameter: str) -> dict[Leaf, Leaf]:
    """By a let that is a memory divided by what it misses of 1, that memory after the update."""
    found: dict[Leaf, Leaf] = {}
    for line in update.lines.get(parameter, ()):
        formula = line.formula
        if line.assigns == "let" and isinstance(formula, Call) and formula.operation == divide.name:
            mean = formula.arguments[0]
            if isinstance(mean, Name) and mean in update.memories:
                found[line.target] = after(mean)
    return found


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
