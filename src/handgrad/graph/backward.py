"""The backward pass: from the loss back through every equation, by the table's pull-backs.

Walking an equation from its root, every argument's gradient is the pull-back's formula of
the gradient above it. A short formula is written into the next one; a longer one becomes a
line of its own, the adjoint of that part of the equation, so that the chain can be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from handgrad.expression import (
    ONE,
    ZERO,
    Adjoint,
    Call,
    Expression,
    Leaf,
    Literal,
    Name,
    Shape,
    leaves,
)
from handgrad.graph.numbering import Numbering
from handgrad.graph.parts import Parts, Referring, is_short
from handgrad.graph.structure import Gradient, Let, Line, Node, Shortcut, is_cased
from handgrad.operations import operation_of
from handgrad.operations.annotate import application, tidied
from handgrad.operations.operation import Array, Fusion
from handgrad.operations.reductions import mean_over_cases, sum_over_cases


@dataclass
class Backward:
    """Differentiates the equations in `order` (those that reach the loss, topologically).

    `values` are the numbers of the data, for the conditions of fusions; `summed` says that
    cases are added up rather than averaged.
    """

    nodes: dict[str, Node]
    order: tuple[str, ...]
    loss: str
    cased: set[Leaf]
    summed: bool
    values: Mapping[str, Array]
    gradients: dict[str, Gradient] = field(default_factory=dict)
    shortcuts: list[Shortcut] = field(default_factory=list)
    _chain: list[Line] = field(default_factory=list)
    _emitted: list[Line] = field(default_factory=list)
    _contributions: dict[str, list[Line]] = field(default_factory=dict)
    _long: dict[str, Line] = field(default_factory=dict)
    _fused: dict[Call, tuple[Call, Call, str]] = field(default_factory=dict)
    _users: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._parts = Parts(self.nodes, self.cased)

    @property
    def lets(self) -> dict[str, Let]:
        """The parts of equations that the formulas refer to under names of their own."""
        return self._parts.lets

    def differentiate(self) -> None:
        """Fills `gradients`, `lets` and `shortcuts`."""
        for name in self.order:
            written = self.nodes[name].written
            assert written is not None
            for leaf in leaves(written):
                self._users.setdefault(leaf.name, []).append(name)
        self._parts.name(self.order)
        for name in reversed(self.order):
            self._finish(name)
            computed = self.nodes[name].computed
            assert computed is not None
            computed = self._fuse(computed, name)
            if computed is not self.nodes[name].computed:
                self.nodes[name] = replace(self.nodes[name], computed=computed)
            if name not in self._long:
                self._into(computed, ONE if name == self.loss else self._adjoint_leaf(name), name)
            self._finish_givens(name)
        for name in self.nodes:
            self._finish(name)
        self._number_lets()

    def lines(self) -> tuple[Line, ...]:
        """Every line of the backward pass, in the order in which it is computed."""
        return tuple(self._emitted)

    # -- one equation -----------------------------------------------------------------

    def _into(self, expression: Expression, g: Expression, equation: str) -> None:
        """Pulls `g`, the gradient with respect to `expression`, back to the names in it."""
        match expression:
            case Name():
                self._contribute(expression.name, g, equation)
            case Call():
                self._into_call(expression, g, equation)
            case _:
                pass

    def _into_call(self, call: Call, g: Expression, equation: str) -> None:
        if call in self._fused:
            self._long_way(call, g, equation)
        root = self.nodes[equation].computed is call
        seen = Referring(self._parts, call, equation, root)
        for position, argument in enumerate(call.arguments):
            if not leaves(argument):
                continue
            formula = operation_of(call).pullback(position, g, seen)
            if formula is None:
                continue
            formula = self._tidied(formula)
            if isinstance(argument, Call) and not is_short(formula):
                formula = self._own_line(argument, formula, equation)
            self._into(argument, formula, equation)

    def _own_line(self, part: Call, formula: Expression, equation: str) -> Adjoint:
        """Gives the adjoint of a part of an equation a line of its own."""
        let = self._parts.let(part, equation, taken={line.leaf.name for line in self._chain})
        leaf = Adjoint(let.name, shape=let.shape)
        self._note_cased(leaf, formula)
        line = Line(leaf, formula, equation)
        self._chain.append(line)
        self._emitted.append(line)
        return leaf

    def _contribute(self, name: str, formula: Expression, equation: str) -> None:
        shares = self._contributions.setdefault(name, [])
        for position, share in enumerate(shares):
            if share.through == equation:
                formula = self._tidied(share.formula + formula)
                shares[position] = replace(share, formula=formula)
                return
        shares.append(Line(Adjoint(name, through=equation), formula, equation))

    # -- one name -------------------------------------------------------------------------

    def _finish(self, name: str) -> None:
        """Adds up the shares of a value all of whose uses have been pulled back."""
        if name in self.gradients:
            return
        node = self.nodes[name]
        leaf = Adjoint(name, shape=node.shape)
        shares = self._contributions.get(name, [])
        if name == self.loss:
            total: Expression = ONE
        elif name in self._long:
            total = self._long[name].formula
        elif not shares:
            total = replace(ZERO * Name(name, shape=node.shape), shape=node.shape)
        else:
            self._finish_shares(node, shares)
            return
        self._note_cased(leaf, total)
        self.gradients[name] = Gradient(name, (), total)
        self._emitted.append(Line(leaf, total))

    def _finish_shares(self, node: Node, shares: list[Line]) -> None:
        leaf = Adjoint(node.name, shape=node.shape)
        per_case = [s.formula for s in shares]
        if not node.cased:
            shares = [Line(s.leaf, self._over_cases(s), s.through) for s in shares]
        if len(shares) == 1:
            total = shares[0].formula
        else:
            parts = [Adjoint(node.name, s.through, shape=node.shape) for s in shares]
            for part, share in zip(parts, shares, strict=True):
                self._note_cased(part, share.formula)
                self._emitted.append(Line(part, share.formula, share.through))
            total = self._tidied(_sum(parts))
        self._note_cased(leaf, total)
        reduced = len(shares) == 1 and total is not per_case[0]
        self.gradients[node.name] = Gradient(
            node.name, tuple(shares), total, per_case[0] if reduced else None
        )
        self._emitted.append(Line(leaf, total, shares[0].through if len(shares) == 1 else ""))

    def _over_cases(self, share: Line) -> Expression:
        """A share of a value that is the same in every case, from the shares of each case."""
        formula = share.formula
        if is_cased(formula, self.cased):
            return self._tidied(
                sum_over_cases(formula) if self.summed else mean_over_cases(formula)
            )
        if self.summed and Name(share.through) in self.cased:
            # The same in every case, but counted once for each: 0·L has an entry a case.
            return self._tidied(sum_over_cases(formula + 0 * Name(self.loss)))
        return formula

    def _finish_givens(self, equation: str) -> None:
        """Finishes the parameters and data that no earlier equation uses."""
        written = self.nodes[equation].written
        assert written is not None
        for leaf in leaves(written):
            if self.nodes[leaf.name].kind != "value" and self._users[leaf.name][0] == equation:
                self._finish(leaf.name)

    # -- fusing a loss with the activation before it ------------------------------------------

    def _fuse(self, expression: Expression, equation: str) -> Expression:
        """The formula with every loss(activation(z), y) as the operation that computes both."""
        if not isinstance(expression, Call):
            return expression
        call = expression.of([self._fuse(a, equation) for a in expression.arguments])
        if not operation_of(call).fuses:
            return call
        first, target = call.arguments[:2]
        inner = self.nodes[first.name] if isinstance(first, Name) else None
        activation = inner.written if inner is not None else first
        if not isinstance(activation, Call) or activation.options:
            return call
        fusion = operation_of(call).fuses.get(activation.operation)
        if fusion is None or not self._stands(fusion, target):
            return call
        if inner is not None and not self._only_use(inner.name, equation):
            return call
        joined = Call(fusion.operation, (activation.arguments[0], target), shape=call.shape)
        if inner is not None:
            self._fused[joined] = (call, activation, inner.name)
        return joined

    def _stands(self, fusion: Fusion, target: Expression) -> bool:
        if fusion.allowed is None:
            return True
        shape = target.shape or ()
        if isinstance(target, Name) and target.name in self.values:
            return fusion.allowed(self.values[target.name], shape)
        return isinstance(target, Literal) and fusion.allowed(np.asarray(target.value), shape)

    def _only_use(self, name: str, equation: str) -> bool:
        return self._users[name] == [equation]

    def _long_way(self, joined: Call, g: Expression, equation: str) -> None:
        """The gradient through the activation's value, beside the fused operation's."""
        call, activation, inner = self._fused[joined]
        to_inner = operation_of(call).pullback(0, g, Referring(self._parts, call, equation))
        node = self.nodes[inner]
        value = Name(inner, shape=node.shape)
        before = activation.arguments[0]
        argument = self._parts.reference(before, inner)
        through = application(activation, (argument,), value)
        to_argument = operation_of(activation).pullback(0, self._adjoint_leaf(inner), through)
        if to_inner is None or to_argument is None:
            return
        to = Line(self._adjoint_leaf(inner), self._tidied(to_inner), equation)
        self._long[inner] = to if node.cased else replace(to, formula=self._over_cases(to))
        # An equation of its own that computes the same is not on the way.
        if isinstance(before, Name):
            second = Line(self._adjoint_leaf(before.name), self._tidied(to_argument), inner)
            self.shortcuts.append(
                Shortcut(
                    loss=equation,
                    inner=inner,
                    pre_activation=before.name,
                    activation=activation.operation,
                    operation=call.operation,
                    long=(self._long[inner], second),
                )
            )

    # -- lets --------------------------------------------------------------------------------

    def _number_lets(self) -> None:
        """Keeps the lets that a formula refers to, numbered in order of appearance."""
        numbering = Numbering(self.lets, self._parts.letter)
        self._emitted = [numbering.line(line) for line in self._emitted]
        self.shortcuts = [numbering.shortcut(shortcut) for shortcut in self.shortcuts]
        self.gradients = {n: numbering.gradient(g) for n, g in self.gradients.items()}
        kept = [x for x in self.cased if x.name not in self.lets or x.name in numbering.new]
        self.cased.clear()
        self.cased.update(map(numbering.leaf, kept))
        self._parts.lets = numbering.numbered()

    # -- shapes ----------------------------------------------------------------------------

    def _adjoint_leaf(self, name: str) -> Adjoint:
        return Adjoint(name, shape=self.nodes[name].shape)

    def _leaf_shape(self, leaf: Leaf) -> Shape:
        return (
            self.nodes[leaf.name].shape if leaf.name in self.nodes else self.lets[leaf.name].shape
        )

    def _tidied(self, formula: Expression) -> Expression:
        return self._parts.folded(tidied(formula, self._leaf_shape))

    def _note_cased(self, leaf: Leaf, formula: Expression) -> None:
        if is_cased(formula, self.cased):
            self.cased.add(leaf)


def _sum(parts: Sequence[Expression]) -> Expression:
    """The parts added up, halves first: a tree as shallow as it can be, written without parentheses."""
    if len(parts) == 1:
        return parts[0]
    half = (len(parts) + 1) // 2
    return _sum(parts[:half]) + _sum(parts[half:])
