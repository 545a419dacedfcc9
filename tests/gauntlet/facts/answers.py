"""Answers to check: figures as they are written, and the numbers that they are computed from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import handgrad
from handgrad.checking.quantities import Quantity
from handgrad.expression import Adjoint, Call, Expression, Literal, Name
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.mistaken import About
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.updating import Updated, letters, rates_named, settings


@dataclass(eq=False)
class Sheet:
    """Figures as they are written, by what they are for."""

    figures: dict[str, Any]

    def but(self, target: str, figures: Any) -> Sheet:
        """With other figures for one quantity."""
        return Sheet({**self.figures, target: figures})

    @property
    def digits(self) -> str:
        """The format of its figures."""
        first = next(iter(self.figures.values()))
        while isinstance(first, list):
            first = first[0]
        return ".6e" if "e" in first else ".4f"

    def half(self, text: str) -> float:
        """Half a unit of a figure's last digit; of a 0, no more than that of most figures."""
        half = 0.5 * 10.0 ** -_decimals(text)
        return half if float(text) else min(half, 0.5 * 10.0**-self._commonest)

    @cached_property
    def _commonest(self) -> int:
        texts = [str(x) for figures in self.figures.values() for x in np.ravel(figures)]
        counts = Counter(_decimals(x) for x in texts if "." in x and float(x))
        return max(counts, key=lambda d: (counts[d], d), default=4)


def _decimals(text: str) -> int:
    plain, _, power = text.lower().partition("e")
    return len(plain.partition(".")[2]) - int(power or 0)


@dataclass(eq=False)
class Known:
    """A problem's quantities and PyTorch's numbers for them."""

    facts: Facts
    checker: handgrad.Checker
    _numbers: dict[Any, Any] = field(default_factory=dict)

    @property
    def quantities(self) -> Mapping[Any, Quantity]:
        """By what they are of."""
        return self.checker.work.structure.by_leaf

    def number(self, quantity: Quantity) -> Any:
        """PyTorch's number for a quantity, the cases last."""
        if quantity.leaf not in self._numbers:
            self._numbers[quantity.leaf] = self._number(quantity)
        return self._numbers[quantity.leaf]

    def _number(self, quantity: Quantity) -> Any:
        if quantity.phase == "update":
            if quantity.asked:
                return np.asarray(Updated.of(self.facts).after(1)[quantity.shown.name])
            return World(self, {}).value(quantity)
        return np.asarray(self.facts.values(quantity.shown, quantity.batched), dtype=float)

    @property
    def about(self) -> About:
        """What there is for rules to be about."""
        graph, oracle = self.facts.trace.graph, self.facts.oracle
        named = letters(oracle)
        data = frozenset(oracle.data)
        scalars = frozenset(n for n in data if not oracle.data[n].shape)
        given = {*scalars, *oracle.parameters}
        plain, penalties = set(given), set()
        for target in oracle.order:
            for term in _terms(self.facts.written(target)):
                used = {leaf.name for leaf in terms.leaves_of(term)}
                if used <= plain and used - scalars:
                    penalties.add(target)
            if oracle.uses[target] <= plain and oracle.uses[target] - scalars:
                plain.add(target)
        return About(
            Literal(0.0),
            frozenset(oracle.parameters),
            data,
            scalars,
            {act: Name(pre) for pre, act in graph.activations.items()},
            frozenset(rates_named(oracle)),
            {key: Name(name) for key, name in named.items()},
            frozenset(penalties),
            frozenset(f for t in oracle.order for f in _inner(self.facts.written(t), given)),
        )


def _terms(formula: Expression) -> list[Expression]:
    """The terms of a sum."""
    if isinstance(formula, Call) and formula.operation in ("add", "subtract"):
        return [t for a in formula.arguments for t in _terms(a)]
    return [formula]


def _inner(formula: Expression, given: Collection[str]) -> Iterator[Expression]:
    """The givens that are single numbers and a factor of a term in the argument of a function."""
    for call in terms.calls_of(formula):
        if len(call.arguments) != 1:
            continue
        for term in _terms(call.arguments[0]):
            if isinstance(term, Call) and term.operation == "multiply":
                names = (a for a in term.arguments if isinstance(a, Name) and a.name in given)
                yield from (a for a in names if a.shape in ((), None))


SIZED: Mapping[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "multiply": np.multiply,
    "divide": np.divide,
    "matmul": np.matmul,
    "outer": np.outer,
}


class World:
    """The numbers that a sheet is computed from: figures that were entered, and what follows from them.

    Arguments:
        entered: by quantity, the numbers that stand for it; what is missing in them follows.
        done: by quantity, the formula that it is computed by in place of the right one.
        rounded: what is made of a number that was not entered before others are computed from it.
    """

    def __init__(
        self,
        known: Known,
        entered: Mapping[Any, Any],
        done: Mapping[Any, Expression] = {},
        rounded: Callable[[Any], Any] = np.asarray,
    ) -> None:
        self.known, self.entered, self.done = known, dict(entered), dict(done)
        self.rounded = rounded
        self._found: dict[Any, Any] = {}

    def but(self, done: Mapping[Any, Expression]) -> World:
        """The same with some quantities computed otherwise, whatever was entered for them."""
        entered = {leaf: a for leaf, a in self.entered.items() if leaf not in done}
        return World(self.known, entered, {**self.done, **done})

    def keep(self, quantity: Quantity) -> None:
        """What uses a quantity has it as it should be."""
        self._found[quantity.leaf] = self.known.number(quantity)

    def value(self, quantity: Quantity, way: int = 0) -> Any:
        """What a quantity's formula gives here."""
        formula = self.done.get(quantity.leaf, quantity.ways[way].expression)
        return self.formula(formula, quantity.batched)

    def formula(self, formula: Expression, batched: bool) -> Any:
        """What any formula gives here."""
        facts = self.known.facts
        cases = range(facts.cases) if batched else (0,)
        each = [terms.value(formula, self._leaf, case, facts.cases) for case in cases]
        return np.stack(each, axis=-1) if batched else np.asarray(each[0])

    def added(self, formula: Expression, case: int) -> Any:
        """What a sum comes to in a case where each of its terms counts with its size."""
        cases = self.known.facts.cases
        match formula:
            case Call(operation="negate" | "transpose" as name, arguments=(a,)):
                return (
                    np.transpose(self.added(a, case))
                    if name == "transpose"
                    else self.added(a, case)
                )
            case Call(operation="add" | "multiply" | "divide" | "matmul" | "outer" as name):
                one, other = (self.added(a, case) for a in formula.arguments)
                return SIZED[name](one, other)
            case Call(operation="sum_over_cases" | "mean_over_cases", arguments=(a,)):
                return sum(self.added(a, c) for c in range(cases))
            case Call(operation="sum" | "mean" | "sum_to", arguments=(a,)):
                return np.sum(self.added(a, case))
            case _:
                return np.abs(terms.value(formula, self._leaf, case, cases))

    def _leaf(self, leaf: terms.Leaf, case: int) -> Any:
        quantity = self.known.quantities.get(leaf)
        if quantity is None:
            return self._given(leaf, case)
        if leaf not in self._found:
            # What a wrong formula takes from further on is as it should be.
            self._found[leaf] = self.known.number(quantity) if self.done else None
            value = self.entered.get(leaf)
            if value is None:
                value = self.rounded(self.value(quantity))
            elif np.isnan(value).any():
                value = np.where(np.isnan(value), self.value(quantity), value)
            self._found[leaf] = value
        found = self._found[leaf]
        return found[..., case] if quantity.batched else found

    def _given(self, leaf: terms.Leaf, case: int) -> Any:
        facts = self.known.facts
        if isinstance(leaf, Adjoint) or leaf.name in facts.at.values:
            return facts.leaf(leaf, case)
        if leaf.name in facts.trace.graph.lets:
            return facts.leaf(leaf, case)
        named = settings(facts.oracle)
        if leaf.name in named:
            return np.asarray(named[leaf.name])
        owner = leaf.name.partition("_")[2]
        return np.zeros_like(facts.oracle.parameters.get(owner, np.zeros(())))
