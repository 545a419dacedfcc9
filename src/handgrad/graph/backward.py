"""The backward pass: from the loss back through every equation, by the table's pull-backs.

Walking an equation from its root, every argument's gradient is the pull-back's formula of
the gradient above it. A short formula is written into the next one; a longer one becomes a
line of its own, the adjoint of that part of the equation, so that the chain can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import field, replace

from handgrad.expression import (
    ONE,
    ZERO,
    Adjoint,
    Call,
    Expression,
    Leaf,
    Name,
    Shape,
    leaves,
    substitute,
)
from handgrad.graph.numbering import Numbering
from handgrad.graph.parts import Parts, Referring, is_short
from handgrad.graph.recognising import Recognition, contains
from handgrad.graph.structure import Gradient, Let, Line, Node, Shortcut, is_batched
from handgrad.notation import Transposition
from handgrad.operations import operation_of
from handgrad.operations.annotate import tidied
from handgrad.operations.recognised import Recognised
from handgrad.operations.reductions import mean_over_cases, sum_over_cases
from handgrad.record import builder


@builder
class Backward:
    """Differentiates the equations in `order` (those that reach the loss, topologically).

    `recognition` are the losses that are computed as one with an activation; `summed` says that
    cases are added up rather than averaged.
    """

    nodes: dict[str, Node]
    order: tuple[str, ...]
    loss: str
    batched: set[Leaf]
    summed: bool
    recognition: Recognition
    gradients: dict[str, Gradient] = field(default_factory=dict)
    shortcuts: list[Shortcut] = field(default_factory=list)
    _chain: list[Line] = field(default_factory=list)
    _emitted: list[Line] = field(default_factory=list)
    _contributions: dict[str, list[Line]] = field(default_factory=dict)
    _terms: dict[tuple[str, str], list[Expression]] = field(default_factory=dict)
    _aside: tuple[Recognised, ...] = ()
    _short: dict[Recognised, Line] = field(default_factory=dict)
    _arrived: dict[Recognised, list[Expression]] = field(default_factory=dict)
    _detour: list[Line] = field(default_factory=list)
    _users: dict[str, list[str]] = field(default_factory=dict)
    _taken: Counter[Recognised] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._parts = Parts(self.nodes, self.batched)
        several = self.recognition.found.items()
        self._fused = {one.fused: one for _, found in several for one in found}

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
        for found in self._fused.values():
            if found.name:
                self._parts.call(found.value, found.name)
        for name in reversed(self.order):
            self._finish(name)
            computed = self.nodes[name].computed
            assert computed is not None
            # What is added to the loss as it is has the gradient 1, which no product needs.
            is_one = self.gradients[name].total == ONE and self.nodes[name].shape == ()
            g = ONE if is_one else self._adjoint_leaf(name)
            if name in self.recognition.aside:
                self._through(name)
            elif name == self.loss or self._contributions.get(name):
                # Nothing is pulled back through a value whose gradient is 0 whatever the numbers.
                self._into(computed, g, name)
            if name in self.recognition.found:
                self._long_way(name, g)
            self._finish_givens(name)
        for name in self.nodes:
            self._finish(name)
        self._shortcuts()
        self._number_lets()

    def lines(self) -> tuple[Line, ...]:
        """Every line of the backward pass, in the order in which it is computed."""
        return tuple(self._emitted)

    # -- one equation -----------------------------------------------------------------

    def _into(self, expression: Expression, g: Expression, equation: str) -> None:
        """Pulls `g`, the gradient with respect to `expression`, back to the names in it."""
        if self._aside and self._is_on_the_long_way(expression, g, equation):
            return
        match expression:
            case Name():
                self._contribute(expression.name, g, equation)
            case Call():
                self._into_call(expression, g, equation)
            case _:
                pass

    def _into_call(self, call: Call, g: Expression, equation: str) -> None:
        fused = None if self._aside else self._fused.get(call)
        root = self.nodes[equation].computed is call
        seen = Referring(self._parts, call, equation, root)
        for position, argument in enumerate(call.arguments):
            if not leaves(argument):
                continue
            formula = operation_of(call).pullback(position, g, seen)
            if formula is None:
                continue
            formula = self._tidied(formula)
            if fused is not None and position == 0:
                formula = self._short_way(fused, formula, equation)
            elif self._aside and self._is_on_the_long_way(argument, formula, equation):
                continue
            elif isinstance(argument, Call) and not (
                is_short(formula) or self._parts.is_factor(formula)
            ):
                formula = self._own_line(argument, formula, equation)
            self._into(argument, formula, equation)

    def _own_line(self, part: Call, formula: Expression, equation: str) -> Adjoint:
        """Gives the adjoint of a part of an equation a line of its own."""
        let = self._parts.let(part, equation, taken={line.leaf.name for line in self._chain})
        leaf = Adjoint(let.name, shape=let.shape)
        self._note_batched(leaf, formula)
        line = Line(leaf, formula, equation)
        self._chain.append(line)
        self._emit(line)
        return leaf

    def _emit(self, line: Line) -> None:
        self._emitted.append(line)
        if self._aside or line.leaf.name in self.recognition.aside:
            self._detour.append(line)

    def _contribute(self, name: str, formula: Expression, equation: str) -> None:
        if self.nodes[name].kind == "upstream":
            return
        shares = self._contributions.setdefault(name, [])
        self._terms.setdefault((name, equation), []).append(formula)
        for position, share in enumerate(shares):
            if share.through == equation:
                formula = self._tidied(share.formula + formula)
                shares[position] = replace(share, formula=formula)
                return
        shares.append(Line(Adjoint(name, through=equation), formula, equation))

    # -- one name -------------------------------------------------------------------------

    def _finish(self, name: str) -> None:
        """Adds up the shares of a value all of whose uses have been pulled back."""
        if name in self.gradients or self.nodes[name].kind == "upstream":
            return
        node = self.nodes[name]
        leaf = Adjoint(name, shape=node.shape)
        shares = self._contributions.get(name, [])
        if name == self.loss:
            total: Expression = ONE
        elif not shares:
            total = replace(ZERO * Name(name, shape=node.shape), shape=node.shape)
        else:
            self._finish_shares(node, shares)
            return
        self._note_batched(leaf, total)
        self.gradients[name] = Gradient(name, (), total)
        self._emit(Line(leaf, total))

    def _finish_shares(self, node: Node, shares: list[Line]) -> None:
        leaf = Adjoint(node.name, shape=node.shape)
        per_case = [s.formula for s in shares]
        if not node.batched:
            shares = [Line(s.leaf, self._over_cases(s), s.through) for s in shares]
        if len(shares) == 1:
            total = shares[0].formula
        else:
            parts = [Adjoint(node.name, s.through, shape=node.shape) for s in shares]
            for part, share in zip(parts, shares, strict=True):
                self._note_batched(part, share.formula)
                self._emit(Line(part, share.formula, share.through))
            total = self._tidied(_sum(parts))
        self._note_batched(leaf, total)
        reduced = len(shares) == 1 and total is not per_case[0]
        self.gradients[node.name] = Gradient(
            node.name, tuple(shares), total, per_case[0] if reduced else None
        )
        self._emit(Line(leaf, total, shares[0].through if len(shares) == 1 else ""))

    def _over_cases(self, share: Line) -> Expression:
        """A share of a value that is the same in every case, from the shares of each case."""
        formula = share.formula
        if is_batched(formula, self.batched):
            return self._tidied(
                sum_over_cases(formula) if self.summed else mean_over_cases(formula)
            )
        if self.summed and Name(share.through) in self.batched:
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

    # -- a loss and the activation before it ---------------------------------------------------

    def _short_way(self, found: Recognised, formula: Expression, equation: str) -> Expression:
        """Pulls the gradient back to the scores in one step; it gets a line of its own."""
        scores = found.scores
        if isinstance(scores, Call):
            named = self._parts.reference(scores, equation)
            # An equation of its own that computes the same is not on the way.
            if isinstance(named, Name) and named.name in self.nodes:
                return formula
            formula = self._own_line(scores, formula, equation)
            self._taken[found] += 1
            self._short[found] = next(x for x in self._chain if x.leaf == formula)
        elif isinstance(scores, Name):
            self._short[found] = Line(self._adjoint_leaf(scores.name), formula, equation)
        return formula

    def _long_way(self, equation: str, g: Expression) -> None:
        """Pulls the gradient back to what the short way passes by, and through it to the scores."""
        self._aside = self.recognition.found[equation]
        self._to_sites(self.recognition.plain[equation], g, equation)
        self._aside = ()

    def _to_sites(self, expression: Expression, g: Expression, equation: str) -> None:
        """Pulls `g` back to the losses that a formula has in it, and on through these."""
        sites = [found.plain for found in self._aside]
        if expression in sites:
            self._into(expression, g, equation)
        elif isinstance(expression, Call):
            seen = Referring(self._parts, expression, equation)
            for position, argument in enumerate(expression.arguments):
                if not contains(argument, sites):
                    continue
                formula = operation_of(expression).pullback(position, g, seen)
                if formula is not None:
                    self._to_sites(argument, self._tidied(formula), equation)

    def _through(self, name: str) -> None:
        """Pulls the gradient of an equation that the short way passes by back to what it uses."""
        self._aside = next(
            found
            for found in self.recognition.found.values()
            if any(name in one.passed for one in found)
        )
        formula = self.recognition.direct.get(name, self.nodes[name].written)
        assert formula is not None
        self._into(formula, self._adjoint_leaf(name), name)
        self._aside = ()

    def _is_on_the_long_way(self, expression: Expression, g: Expression, equation: str) -> bool:
        """Takes up what arrives at the scores of a loss, or at a shift of them, on the long way."""
        for found in self._aside:
            if expression in found.shifts:
                return True
            if expression == found.scores:
                self._arrived.setdefault(found, []).append(g)
                return True
        return isinstance(expression, Name) and expression.name not in self.recognition.aside

    def _shortcuts(self) -> None:
        """The ways that were found, short and long."""
        for equation, several in self.recognition.found.items():
            for found in dict.fromkeys(several):
                short, arrived = self._short.get(found), self._arrived.get(found)
                if short is None or arrived is None:
                    continue
                alike = [
                    line
                    for one in several
                    if one.scores == found.scores
                    if (line := self._short.get(one)) is not None
                ]
                if any(line.leaf != short.leaf for line in alike) or self._taken[found] > 1:
                    continue  # the long way is one for all of them, and no name has what they add up to
                short, whole = self._whole_share(short, _sum(arrived), alike)
                last = Line(short.leaf, self._tidied(whole), found.name or equation)
                if not is_batched(found.scores, self.batched):
                    short, last = [
                        replace(line, formula=self._over_cases(line)) for line in (short, last)
                    ]
                self.shortcuts.append(
                    Shortcut(
                        loss=equation,
                        inner=found.name,
                        pre_activation=short.leaf.name,
                        activation=found.activation,
                        operation=found.loss,
                        aside=found.passed,
                        long=(*self._lines_for(last), last),
                        short=short,
                        fused=found.fused,
                        plain=self.recognition.plain[equation],
                        whole=found.whole,
                    )
                )

    def _whole_share(
        self, short: Line, long: Expression, alike: Sequence[Line]
    ) -> tuple[Line, Expression]:
        """All that reaches the scores through the loss's equation, of which the short way may be one term.

        So `p − y + a` where `a` is penalised there too; and by the name of one path's share where
        there are several paths. The same with the long way's formula in the short one's place, and
        in that of all short ways from losses of these scores, which it leads back together.
        """
        name = short.leaf.name
        terms = self._terms.get((name, short.through), [])
        share = next(
            (s for s in self._contributions.get(name, ()) if s.through == short.through), None
        )
        if share is None or short.formula not in terms:
            return short, long
        several = len(self._contributions[name]) > 1
        leaf = Adjoint(name, short.through, shape=short.leaf.shape) if several else short.leaf
        short_ways = [line.formula for line in alike]
        place = terms.index(short.formula)
        rest = [(k, term) for k, term in enumerate(terms) if term not in short_ways]
        before, after = [t for k, t in rest if k < place], [t for k, t in rest if k > place]
        whole = _sum([*before, long, *after])
        return Line(leaf, share.formula, short.through), whole

    def _lines_for(self, last: Line) -> list[Line]:
        """The lines of the long way that lead to its last one, in order."""
        needed = set(leaves(last.formula))
        lines: list[Line] = []
        for line in reversed(self._detour):
            if line.leaf in needed:
                lines.insert(0, line)
                needed |= set(leaves(line.formula))
        return lines

    # -- lets --------------------------------------------------------------------------------

    def _number_lets(self) -> None:
        """Keeps the lets that a formula refers to, numbered in order of appearance."""
        self._write_out_repeats()
        numbering = Numbering(self.lets, self._parts.letter)
        # Those that no step shows come after the rest, so that the shown ones have no gaps.
        shown = self._shown()
        beside: dict[Leaf, list[Line]] = {}
        for shortcut in self.shortcuts:
            beside.setdefault(shortcut.short.leaf, []).extend(shortcut.long)
        numbering.number(
            told
            for line in self._emitted
            if line.leaf in shown
            for told in (line, *beside.get(line.leaf, ()))
        )
        self._emitted = [numbering.line(line) for line in self._emitted]
        self.shortcuts = [numbering.shortcut(shortcut) for shortcut in self.shortcuts]
        self.gradients = {n: numbering.gradient(g) for n, g in self.gradients.items()}
        kept = [x for x in self.batched if x.name not in self.lets or x.name in numbering.new]
        self.batched.clear()
        self.batched.update(map(numbering.leaf, kept))
        self._parts.lets = numbering.numbered()

    def _write_out_repeats(self) -> None:
        """Lets a gradient that is that of a part of an equation, and nothing else is made of, be its formula.

        ∂L/∂u = … and then ∂L/∂w = ∂L/∂u would say one thing twice; and of u = Wᵀ, ∂L/∂u = x δᵀ and then
        ∂L/∂W = ∂L/∂uᵀ takes two lines for δ xᵀ.
        """
        users: dict[Leaf, list[Line]] = {}
        for line in self._emitted:
            for leaf in leaves(line.formula):
                users.setdefault(leaf, []).append(line)
        kept = {x.leaf for s in self.shortcuts for x in (s.short, *s.long)}
        kept |= {leaf for s in self.shortcuts for x in s.long for leaf in leaves(x.formula)}
        written: dict[Expression, Expression] = {}
        for line in self._emitted:
            uses = users.get(line.leaf, [])
            if len(uses) != 1 or line.leaf.name not in self.lets or line.leaf in kept:
                continue
            formula = written.get(line.formula, line.formula)
            if uses[0].formula == line.leaf or self._is_turned_back(uses[0], line.leaf, formula):
                written[line.leaf] = formula
        if not written:
            return

        def whole(formula: Expression) -> Expression:
            """A formula with these gradients written out in it."""
            found = written.get(formula)
            if found is not None:
                return found
            if written.keys().isdisjoint(leaves(formula)):
                return formula
            return self._tidied(substitute(formula, written.get))

        self._emitted = [
            replace(line, formula=whole(line.formula))
            for line in self._emitted
            if line.leaf not in written
        ]
        for name, gradient in self.gradients.items():
            self.gradients[name] = Gradient(
                name,
                tuple(replace(p, formula=whole(p.formula)) for p in gradient.parts),
                whole(gradient.total),
                None if gradient.per_case is None else whole(gradient.per_case),
            )

    def _is_turned_back(self, use: Line, leaf: Leaf, formula: Expression) -> bool:
        """Whether a gradient is used transposed, and its formula is no longer when that is done in it."""
        turned = use.formula
        if isinstance(turned, Call) and operation_of(turned).reduces_cases is not None:
            turned = turned.arguments[0]
        if not isinstance(turned, Call) or turned.arguments != (leaf,):
            return False
        if not isinstance(operation_of(turned).notation, Transposition):
            return False
        done = self._tidied(turned.of([formula]))
        return isinstance(done, Call) and isinstance(formula, Call) and (
            done.operation == formula.operation
        )  # fmt: skip

    def _shown(self) -> set[Leaf]:
        """What the gradients of values, and of parameters where there are any, are computed from."""
        kinds = {node.kind for node in self.nodes.values()}
        hidden = "data" if kinds & {"parameter", "given"} else ""
        shown: set[Leaf] = set()
        for line in reversed(self._emitted):
            node = self.nodes.get(line.leaf.name)
            if line.leaf in shown or (node is not None and node.kind != hidden):
                shown |= {line.leaf, *leaves(line.formula)}
        return shown

    # -- shapes ----------------------------------------------------------------------------

    def _adjoint_leaf(self, name: str) -> Adjoint:
        return Adjoint(name, shape=self.nodes[name].shape)

    def _leaf_shape(self, leaf: Leaf) -> Shape:
        return (
            self.nodes[leaf.name].shape if leaf.name in self.nodes else self.lets[leaf.name].shape
        )

    def _tidied(self, formula: Expression) -> Expression:
        return self._parts.folded(tidied(formula, self._leaf_shape))

    def _note_batched(self, leaf: Leaf, formula: Expression) -> None:
        if is_batched(formula, self.batched):
            self.batched.add(leaf)


def _sum(parts: Sequence[Expression]) -> Expression:
    """The parts added up, halves first: a tree as shallow as it can be, written without parentheses."""
    if len(parts) == 1:
        return parts[0]
    half = (len(parts) + 1) // 2
    return _sum(parts[:half]) + _sum(parts[half:])
