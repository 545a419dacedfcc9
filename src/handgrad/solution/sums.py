"""The numbers of one place as sums of terms, in the formulas that compute them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import (
    Adjoint,
    Call,
    Expression,
    Leaf,
    Literal,
    Name,
    leaves,
    literal_of,
    substitute,
    walk,
)
from handgrad.graph import Graph
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated
from handgrad.operations.elements import entry_of
from handgrad.operations.operation import Operation
from handgrad.operations.summands import summands
from handgrad.running import Run
from handgrad.running.evaluate import value_of
from handgrad.solution.stable import told_by
from handgrad.solution.sum_lines import SumLine, Summand

ROUNDED = 1e-9
"""A sum of terms that misses the number on paper by a larger share of itself has something in it that rounding left."""

STEP = 1e-6
"""How far an entry is moved, for its size, to see which others move with it."""


def _reduces_cases(formula: Expression) -> bool:
    return any(
        isinstance(node, Call) and operation_of(node).reduces_cases is not None
        for node in walk(formula)
    )


def _opens(operation: Operation) -> bool:
    """What an entry is written out through: not a mean over thousands, which stays a number of its own."""
    return operation.family not in ("reduction", "normalisation", "loss")


@dataclass
class Sums:
    """Lines of one place.

    Arguments:
        graph: of the problem whose activations are named.
        run: its numbers.
        case: the case that is worked; None where nothing differs from case to case.
        top: how many terms are listed.
    """

    graph: Graph
    run: Run
    case: int | None
    top: int
    _known: dict[Leaf, Array] = field(default_factory=dict)

    @cached_property
    def lets(self) -> Mapping[Leaf, Expression]:
        """By the name, or the adjoint, of a part of an equation, its formula."""
        found: dict[Leaf, Expression] = {
            Name(let.name, shape=let.shape): let.formula for let in self.graph.lets.values()
        }
        for line in self.graph.backward:
            if line.leaf.name in self.graph.lets:
                found[line.leaf] = line.formula
        return found

    @cached_property
    def given(self) -> Mapping[str, str]:
        """By the name that stands for a gradient given upstream, the value that it arrives at."""
        return {seed: name for name, seed in self.graph.upstream.items()}

    def number(self, leaf: Leaf) -> Array:
        """A leaf's numbers in the case that is worked."""
        if leaf not in self._known:
            array = np.asarray(self.run.numbers[leaf], dtype=float)
            batched = leaf in self.graph.batched_leaves
            self._known[leaf] = array[..., self.case] if batched else array
        return self._known[leaf]

    def whole(self, formula: Expression) -> Expression:
        """A formula of named values alone, with every part of an equation written out in it."""
        lets = self.lets

        def opened(node: Expression) -> Expression | None:
            if isinstance(node, Name | Adjoint) and node in lets:
                return self.whole(lets[node])
            return None

        return annotated(substitute(formula, opened), self.graph.shape)

    # -- lines -----------------------------------------------------------------------------------

    def forward(self, name: str, index: tuple[int, ...]) -> SumLine:
        """A value's entry."""
        batched = self.graph.batched_leaves
        formula = told_by(name, self.graph, self.run.numbers, batched)
        target = Name(name, shape=self.graph.nodes[name].shape)
        return self.line(target, formula, index)

    def backward(self, name: str, index: tuple[int, ...]) -> list[SumLine]:
        """A gradient's entry: its shares, where several paths lead to it, and their sum."""
        gradient = self.graph.gradients[name]
        target = Adjoint(name, shape=self.graph.nodes[name].shape)
        if len(gradient.parts) == 1:
            (part,) = gradient.parts
            return [self.line(target, self.whole(part.formula), index, part.through)]
        lines = [
            self.line(
                replace(target, through=part.through),
                self.whole(part.formula),
                index,
                part.through,
            )
            for part in gradient.parts
        ]
        return [*lines, self.line(target, annotated(gradient.total, self.graph.shape), index)]

    def line(
        self, target: Leaf, formula: Expression, index: tuple[int, ...], through: str = ""
    ) -> SumLine:
        """An entry of what a formula computes, as the sum of its terms."""
        entry = entry_of(formula, index, _opens)
        parted = summands(entry)
        found = [self._value(term) for _, term in parted]
        if any(value.ndim for value in found):
            # Something in it has no formula entry by entry: it is one number.
            parted = [(1, formula.entry(index))]
            found = [self._value(parted[0][1])]
        values = [sign * float(value) for (sign, _), value in zip(parted, found, strict=True)]
        computed = float(self.number(target)[index]) if target in self.run.numbers else None
        if computed is not None and abs(sum(values) - computed) > ROUNDED * abs(sum(values)):
            # What rounding leaves of a term that is 0 on paper, where the sum on paper is without it.
            cleaned = [sign * float(self._value(term, clean=True)) for sign, term in parted]
            nearer = abs(sum(cleaned) - computed) < abs(sum(values) - computed)
            values = cleaned if nearer else values
        order = sorted(range(len(parted)), key=lambda k: -abs(values[k]))
        biases = [k for k in order if len(parted) > 1 and self._is_bias(parted[k][1])]
        listed = [k for k in order if k not in biases][: self.top]
        listed += [k for k in biases if k not in listed][: self.top]
        told = tuple(self.summand(*parted[k], values[k]) for k in listed)
        left = self._entry(target, index)
        return _summed(left, self._told(formula), told, values, through, computed)

    def over_cases(self, name: str, index: tuple[int, ...], mean: bool) -> SumLine:
        """An entry of a gradient over all cases, each of which has a term: its own case's gradient."""
        gradient = self.graph.gradients[name]
        target = Adjoint(name, shape=self.graph.nodes[name].shape)
        assert gradient.per_case is not None
        entry = entry_of(self.whole(gradient.per_case), index, _opens)
        batched = set(self.graph.batched_leaves)
        numbers = {leaf: np.asarray(self.run.numbers[leaf], dtype=float) for leaf in leaves(entry)}
        count = next(int(n.shape[-1]) for leaf, n in numbers.items() if leaf in batched)
        share = 1 / count if mean else 1.0
        each = np.broadcast_to(value_of(entry, numbers, batched), (count,)) * share
        order = np.argsort(-abs(each), kind="stable")[: self.top]
        told = []
        for case in map(int, order):
            own = replace(self, case=case, _known={})
            shared = Literal(1.0) / float(count) * entry if mean else entry
            value = float(each[case])
            told.append(replace(own.summand(1, shared, value), case=case))
        values = [float(x) for x in each]
        computed = float(self.number(target)[index])
        left = self._entry(target, index)
        formula = self._told(self.whole(gradient.total))
        line = _summed(left, formula, tuple(told), values, "", computed)
        return replace(line, cases=count)

    def spread(self, name: str, index: tuple[int, ...], through: str) -> SumLine | None:
        """A gradient's entry as the sum over the entries of the value that it comes through.

        Where a pull-back has no formula entry by entry, as that of a maximum over windows or of a normalisation: the
        entries of the value that move with this one each have a term, what their gradient alone would give.
        None where the gradient of that value is not in the formula.
        """
        part = next(p for p in self.graph.gradients[name].parts if p.through == through)
        formula = self.whole(part.formula)
        above = Adjoint(through)
        written = self.graph.nodes[through].written if through in self.graph.nodes else None
        if above not in leaves(formula) or written is None:
            return None
        numbers = {leaf: self.number(leaf) for leaf in (*leaves(formula), *leaves(written))}
        passed = numbers[above]
        formed = annotated(written, self.graph.shape)
        own = Name(name)
        size = STEP * max(1.0, abs(float(numbers[own][index])))
        before = np.asarray(value_of(formed, numbers, set()))
        moved = np.zeros(before.shape)
        for step in (size, -size):
            near = numbers[own].copy()
            near[index] += step
            after = np.asarray(value_of(formed, {**numbers, own: near}, set()))
            moved = np.maximum(moved, abs(after - before) / size)
        candidates = [tuple(map(int, at)) for at in np.argwhere(moved * abs(passed))]
        candidates.sort(key=lambda at: -moved[at] * abs(passed[at]))
        told = []
        for at in candidates[: self.top]:
            alone = np.zeros(passed.shape)
            alone[at] = passed[at]
            share = float(np.asarray(value_of(formula, {**numbers, above: alone}, set()))[index])
            slope = Literal(share / float(passed[at]))
            term = slope * self._entry(Adjoint(through, shape=before.shape), at)
            told.append(self.summand(1, term, share))
        if not told:
            return None
        told.sort(key=lambda term: -abs(term.value))
        value = (
            float(self.number(Adjoint(name))[index])
            if len(self.graph.gradients[name].parts) == 1
            else float(np.asarray(value_of(formula, numbers, set()))[index])
        )
        listed = sum(term.value for term in told)
        size_of_all = float(np.sum(moved * abs(passed)))
        left = len(candidates) - len(told)
        only = len(self.graph.gradients[name].parts) == 1
        target = Adjoint(name, "" if only else through, shape=self.graph.nodes[name].shape)
        return SumLine(
            target=self._entry(target, index),
            equation=self._told(formula),
            value=value + 0.0,
            terms=tuple(told),
            count=len(candidates),
            rest=(value - listed) + 0.0 if left else 0.0,
            covered=min(1.0, sum(abs(t.value) for t in told) / size_of_all) if left else 1.0,
            through=through,
        )

    # -- terms -----------------------------------------------------------------------------------

    def _entry(self, target: Leaf, index: tuple[int, ...]) -> Expression:
        return replace(target, shape=()).entry(index)

    def _numbers(self, formula: Expression) -> dict[Leaf, Any]:
        return {leaf: self.number(leaf) for leaf in leaves(formula)}

    def _value(self, formula: Expression, *, clean: bool = False) -> Array:
        """A formula's value: in the case that is worked, or over all of them where it reduces them."""
        if not _reduces_cases(formula):
            return np.asarray(value_of(formula, self._numbers(formula), set(), clean=clean))
        batched = set(self.graph.batched_leaves)
        numbers = {
            leaf: np.asarray(self.run.numbers[leaf], dtype=float) for leaf in leaves(formula)
        }
        return np.asarray(value_of(formula, numbers, batched, clean=clean))

    def _is_bias(self, term: Expression) -> bool:
        """Whether a term is an entry of a parameter alone."""
        named = term
        if isinstance(term, Call) and term.option("at") is not None:
            named = term.arguments[0]
        nodes = self.graph.nodes
        return isinstance(named, Name) and named.name in nodes and (
            nodes[named.name].kind == "parameter"
        )  # fmt: skip

    def summand(self, sign: int, term: Expression, value: float) -> Summand:
        """One term, told in the numbers of the case that is worked."""
        signed = -term if sign < 0 else term
        return Summand(self._told(signed), self._with_numbers(signed), value + 0.0)

    def _told(self, formula: Expression) -> Expression:
        """A formula as it is shown: what stands for a gradient given upstream, as that gradient."""
        if self.graph.has_loss:
            return formula

        def gradient(node: Expression) -> Expression | None:
            if isinstance(node, Name) and node.name in self.given:
                return Adjoint(self.given[node.name], shape=node.shape, of=self.graph.loss)
            return None

        return substitute(formula, gradient)

    def _with_numbers(self, formula: Expression) -> Expression:
        """A formula of one number with the number of every entry in its place."""

        def number(node: Expression) -> Expression | None:
            if isinstance(node, Literal):
                return None
            if isinstance(node, Call) and operation_of(node).reduces_cases is not None:
                return literal_of(self._value(node))
            if isinstance(node, Call) and node.option("at") is None:
                # A mean, or another number of a whole array, is a number of its own.
                if node.shape == () and not _opens(operation_of(node)):
                    return literal_of(value_of(node, self._numbers(node), set()))
                return None
            return literal_of(value_of(node, self._numbers(node), set()))

        return substitute(formula, number)


def _summed(
    target: Expression,
    equation: Expression,
    told: tuple[Summand, ...],
    values: Sequence[float],
    through: str,
    computed: float | None,
) -> SumLine:
    total = float(np.sum(values)) if computed is None else computed
    size = sum(abs(v) for v in values)
    listed = sum(abs(t.value) for t in told)
    rest = total - sum(t.value for t in told) if len(told) < len(values) else 0.0
    return SumLine(
        target=target,
        equation=equation,
        value=total + 0.0,
        terms=told,
        count=len(values),
        rest=rest + 0.0,
        covered=min(1.0, listed / size) if size else 1.0,
        through=through,
    )
