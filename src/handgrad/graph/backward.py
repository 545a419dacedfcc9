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
    substitute,
    walk,
)
from handgrad.graph.structure import Gradient, Let, Line, Node, Shortcut, is_cased
from handgrad.notation import Unwritten
from handgrad.operations import operation_of
from handgrad.operations.annotate import application, tidied
from handgrad.operations.operation import Array, Fusion
from handgrad.operations.reductions import mean_over_cases, sum_over_cases

SHORT = 2
"""A formula with at most this many names and numbers is written into the next one."""


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
    lets: dict[str, Let] = field(default_factory=dict)
    gradients: dict[str, Gradient] = field(default_factory=dict)
    shortcuts: list[Shortcut] = field(default_factory=list)
    _chain: list[Line] = field(default_factory=list)
    _emitted: list[Line] = field(default_factory=list)
    _contributions: dict[str, list[Line]] = field(default_factory=dict)
    _long: dict[str, Line] = field(default_factory=dict)
    _named: dict[Expression, Expression] = field(default_factory=dict)
    _fused: dict[Call, tuple[Call, Call, str]] = field(default_factory=dict)
    _references: dict[Call, Expression] = field(default_factory=dict)
    _users: dict[str, list[str]] = field(default_factory=dict)
    _same_part: dict[Expression, list[Let]] = field(default_factory=dict)
    _letter: str = ""

    def differentiate(self) -> None:
        """Fills `gradients`, `lets` and `shortcuts`."""
        self._letter = self._free_letter()
        for name in self.order:
            written = self.nodes[name].written
            assert written is not None
            for leaf in leaves(written):
                self._users.setdefault(leaf.name, []).append(name)
            if isinstance(written, Call):
                self._named.setdefault(self._part(written, name), Name(name, shape=written.shape))
        # Until here a part could not be called by the name of an equation after it.
        self._references.clear()
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
        self._keep_used_lets()

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
        references = tuple(self._reference(a, equation) for a in call.arguments)
        root = self.nodes[equation].computed is call
        if call in self._fused:
            self._long_way(call, g, equation)
        out = Name(equation, shape=call.shape) if root else self._reference(call, equation)
        seen = application(call, references, out)
        for position, argument in enumerate(call.arguments):
            if not leaves(argument):
                continue
            formula = operation_of(call).pullback(position, g, seen)
            if formula is None:
                continue
            formula = self._tidied(formula)
            if isinstance(argument, Call) and not _is_short(formula):
                formula = self._own_line(argument, formula, equation)
            self._into(argument, formula, equation)

    def _own_line(self, part: Call, formula: Expression, equation: str) -> Adjoint:
        """Gives the adjoint of a part of an equation a line of its own."""
        let = self._let(part, equation, distinct=True)
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
        references = tuple(self._reference(a, equation) for a in call.arguments)
        seen = application(call, references, self._reference(call, equation))
        to_inner = operation_of(call).pullback(0, g, seen)
        node = self.nodes[inner]
        value = Name(inner, shape=node.shape)
        argument = self._reference(activation.arguments[0], inner)
        through = application(activation, (argument,), value)
        to_argument = operation_of(activation).pullback(0, self._adjoint_leaf(inner), through)
        if to_inner is None or to_argument is None:
            return
        self._long[inner] = Line(self._adjoint_leaf(inner), self._tidied(to_inner), equation)
        if isinstance(argument, Name) and argument.name in self.nodes:
            second = Line(self._adjoint_leaf(argument.name), self._tidied(to_argument), inner)
            self.shortcuts.append(
                Shortcut(
                    loss=equation,
                    inner=inner,
                    pre_activation=argument.name,
                    activation=activation.operation,
                    operation=call.operation,
                    long=(self._long[inner], second),
                )
            )

    # -- references to parts of equations ---------------------------------------------------

    def _reference(self, expression: Expression, equation: str) -> Expression:
        """How a formula refers to a part of an equation: its name, the part itself, or a let."""
        if not isinstance(expression, Call):
            return expression
        found = self._references.get(expression)
        if found is None:
            part = self._part(expression, equation)
            found = self._named.get(part, part)
            if found is part and not _is_short(part, calls=SHORT):
                let = self._let(expression, equation)
                found = Name(let.name, shape=let.shape)
            self._references[expression] = found
        return found

    def _part(self, call: Call, equation: str) -> Call:
        return call.of([self._reference(a, equation) for a in call.arguments])

    def _let(self, expression: Call, equation: str, distinct: bool = False) -> Let:
        """The let that names a part; `distinct` for one whose adjoint has no line yet."""
        part = self._part(expression, equation)
        taken = {line.leaf.name for line in self._chain} if distinct else set()
        same = self._same_part.setdefault(part, [])
        for let in same:
            if let.name not in taken:
                return let
        name = f"{self._letter}_{len(self.lets) + 1}"
        let = Let(name, expression, part, part.shape or (), is_cased(part, self.cased), equation)
        self.lets[name] = let
        same.append(let)
        if let.cased:
            self.cased.add(Name(name))
        return let

    def _free_letter(self) -> str:
        """A letter that no name of the problem numbers: u₁, u₂, … or another."""
        for letter in "uvqrstmnk":
            if not any(n.startswith(f"{letter}_") for n in self.nodes):
                return letter
        return "part"

    def _keep_used_lets(self) -> None:
        """Drops the lets that no formula refers to and numbers the rest in order of appearance."""
        used: dict[str, None] = {}
        for line in self._emitted:
            self._need(line.formula, used)
            self._need(line.leaf, used)
        for shortcut in self.shortcuts:
            for line in shortcut.long:
                self._need(line.formula, used)
        kept = {leaf for leaf in self.cased if leaf.name not in self.lets or leaf.name in used}
        self.cased.clear()
        self.cased.update(kept)
        self.lets = {old: self.lets[old] for old in used}
        new = {old: f"{self._letter}_{k}" for k, old in enumerate(used, start=1)}
        if any(old != name for old, name in new.items()):
            self._rename(new)

    def _need(self, expression: Expression, used: dict[str, None]) -> None:
        """Adds the lets that a formula refers to, each after those that it refers to itself."""
        for leaf in leaves(expression):
            if leaf.name in self.lets and leaf.name not in used:
                self._need(self.lets[leaf.name].formula, used)
                used[leaf.name] = None

    def _rename(self, new: Mapping[str, str]) -> None:
        """Gives lets their new names, wherever they are referred to."""

        def leaf(old: Leaf) -> Leaf:
            return replace(old, name=new[old.name]) if old.name in new else old

        def formula(old: Expression) -> Expression:
            if not any(leaf.name in new for leaf in leaves(old)):
                return old
            return substitute(old, lambda e: leaf(e) if isinstance(e, Name | Adjoint) else None)

        def line(old: Line) -> Line:
            target, written = leaf(old.leaf), formula(old.formula)
            same = target is old.leaf and written is old.formula
            return old if same else Line(target, written, old.through)

        cased = [leaf(old) for old in self.cased]
        self.cased.clear()
        self.cased.update(cased)
        self.lets = {
            new[old]: replace(let, name=new[old], formula=formula(let.formula))
            for old, let in self.lets.items()
        }
        self._emitted = [line(old) for old in self._emitted]
        self.shortcuts = [
            replace(s, long=(line(s.long[0]), line(s.long[1]))) for s in self.shortcuts
        ]
        self.gradients = {
            name: Gradient(
                name,
                tuple(line(part) for part in g.parts),
                formula(g.total),
                None if g.per_case is None else formula(g.per_case),
            )
            for name, g in self.gradients.items()
        }

    # -- shapes ----------------------------------------------------------------------------

    def _adjoint_leaf(self, name: str) -> Adjoint:
        return Adjoint(name, shape=self.nodes[name].shape)

    def _leaf_shape(self, leaf: Leaf) -> Shape:
        return (
            self.nodes[leaf.name].shape if leaf.name in self.nodes else self.lets[leaf.name].shape
        )

    def _tidied(self, formula: Expression) -> Expression:
        return self._folded(tidied(formula, self._leaf_shape))

    def _folded(self, formula: Expression) -> Expression:
        """The formula with every part that an equation computes called by its name."""
        if not isinstance(formula, Call):
            return formula
        named = self._named.get(formula)
        if named is not None:
            return named
        return formula.of([self._folded(a) for a in formula.arguments])

    def _note_cased(self, leaf: Leaf, formula: Expression) -> None:
        if is_cased(formula, self.cased):
            self.cased.add(leaf)


def _sum(parts: Sequence[Expression]) -> Expression:
    """The parts added up, halves first: a tree as shallow as it can be, written without parentheses."""
    if len(parts) == 1:
        return parts[0]
    half = (len(parts) + 1) // 2
    return _sum(parts[:half]) + _sum(parts[half:])


def _is_short(formula: Expression, calls: int | None = None) -> bool:
    """Whether a formula is written into the next one; of at most so many `calls`, where that counts."""
    nodes = list(walk(formula))
    inner = [n for n in nodes if isinstance(n, Call)]
    if len(nodes) - len(inner) > SHORT or (calls is not None and len(inner) > calls):
        return False
    return all(map(_plain, inner))


def _plain(call: Call) -> bool:
    """Whether a call reads well inside another formula."""
    operation = operation_of(call)
    return (
        operation.elementwise
        or isinstance(operation.notation, Unwritten)
        or (operation.family == "structure" and operation.arity == (1, 1))
    )
