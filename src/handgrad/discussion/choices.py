"""Which entries of a gradient are zero as a choice takes another value: the other side of a maximum, a bound, another entry of a window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

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
    substitute,
    walk,
)
from handgrad.notation import Compared, Indicator, Inside
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated, signature_of, tidied
from handgrad.operations.operation import Application
from handgrad.operations.structure import fill
from handgrad.running.evaluate import value_of
from handgrad.running.pulling_back import unlike_numbers
from handgrad.running.units import Index
from handgrad.solution import Trace
from handgrad.solution.silencing import tied

WRITTEN_OUT = 4
"""Gradients on the way back that are written into one another, at most, to see the choices that they pass."""

LONGEST = 200
"""Nodes of a formula that is looked through, at most."""

CASES = 64
"""Cases that are looked at one by one, at most."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A call that takes one of several values, in the equation that it is part of."""

    call: Call
    equation: str


@dataclass
class Choices:
    """Finds the choices that make zeros in a worked solution's gradients."""

    trace: Trace
    _made: dict[tuple[str, Expression], list[Choice]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        graph = self.trace.graph
        self.formulas = {x.leaf: x.formula for x in graph.backward if isinstance(x.leaf, Adjoint)}
        for name in graph.equations:
            for call in walk(graph.nodes[name].written or Literal(0.0)):
                if isinstance(call, Call) and _chooses(call):
                    for way in _ways(call):
                        self._made.setdefault(self._known(way), []).append(Choice(call, name))

    def silenced(self, name: str, zero: set[Index]) -> Iterator[tuple[Choice, set[Index]]]:
        """The entries of a gradient, of those that are zero, that are so as one choice takes another value in every case."""
        graph = self.trace.graph
        if len(graph.gradients[name].parts) != 1:
            return
        gradient = graph.gradients[name]
        formula = self._written_out(gradient.per_case or gradient.parts[0].formula)
        if any(isinstance(n, Call) and operation_of(n).reduces_cases for n in walk(formula)):
            return  # what takes a mean over the cases has no value in one of them
        for way in dict.fromkeys(node for node in walk(formula) if _deciding(node)):
            assert isinstance(way, Call)
            choice = self._choice(name, way)
            gone = self._gone(formula, way) & zero if choice is not None else set()
            gone = gone & self._would_get(formula, way) if gone else gone
            if choice is not None and gone:
                zero = zero - gone
                yield choice, gone

    def _choice(self, name: str, way: Call) -> Choice | None:
        """The choice that an operation lets a gradient through for: of several, that of the value itself."""
        made = self._made.get(self._known(way), [])
        own = [choice for choice in made if Name(name) in leaves(choice.call)]
        if not own and any(operation_of(choice.call).picks for choice in made[1:]):
            return None  # by one number several are picked from
        return next(iter(own or made), None)

    def _written_out(self, formula: Expression) -> Expression:
        """A gradient's formula with those that it is made of written out, as far as that is not long."""
        for _ in range(WRITTEN_OUT):
            within = any(x in self.formulas for x in leaves(formula))
            longer = substitute(formula, self._formula_of)
            if not within or sum(1 for _ in walk(longer)) > LONGEST:
                break
            formula = longer
        return tidied(formula, self.trace.graph.shape)

    def _formula_of(self, x: Expression) -> Expression | None:
        return self.formulas.get(x) if isinstance(x, Adjoint) else None

    def _gone(self, formula: Expression, way: Call) -> set[Index]:
        """The entries that are zero at all numbers, while this choice is as it is here."""
        graph, run = self.trace.graph, self.trace.run
        deciding = [way.arguments[k] for k in _deciding(way)]
        numbers = [np.asarray(run.of(a), dtype=float) for a in deciding]
        many = [graph.batched(a) for a in deciding]
        count = max((n.shape[-1] for n, m in zip(numbers, many, strict=True) if m), default=1)
        if count > CASES:
            return set()
        stands = {
            a: Name(f"decides_{k}", shape=a.shape) for k, a in enumerate(dict.fromkeys(deciding))
        }
        held = way.of(
            [stands[a] if k in _deciding(way) else a for k, a in enumerate(way.arguments)]
        )
        looked = substitute(formula, lambda node: held if node == way else None)
        at = self._unlike(x for x in leaves(looked) if x not in stands.values())
        gone: set[Index] | None = None
        for case in range(count):
            for argument, array, cases in zip(deciding, numbers, many, strict=True):
                at[stands[argument]] = array[..., case] if cases else array
            value = np.asarray(value_of(looked, at, set()), dtype=float)
            found = {tuple(int(i) for i in entry) for entry in np.argwhere(value == 0)}
            gone = found if gone is None else gone & found
        return gone or set()

    def _would_get(self, formula: Expression, way: Call) -> set[Index]:
        """The entries that get a gradient at these numbers where the choice lets all of it through."""
        graph = self.trace.graph
        through = [a for k, a in enumerate(way.arguments) if k not in _deciding(way)]
        if through and operation_of(way).family == "helper":
            return self._may_get(formula, way)
        opened = substitute(formula, lambda node: fill(1, shape=way.shape) if node == way else None)
        return self._not_zero(annotated(opened, graph.shape))

    def _not_zero(self, formula: Expression) -> set[Index]:
        """The entries that are not zero in every case at these numbers."""
        values = {k: np.asarray(v, dtype=float) for k, v in self.trace.run.numbers.items()}
        batched = set(self.trace.graph.batched_leaves)
        value = np.asarray(value_of(formula, values, batched, clean=True), dtype=float)
        rank = len(formula.shape or ())
        found = np.abs(value).reshape(*value.shape[:rank], -1).max(axis=-1)
        return {tuple(int(i) for i in entry) for entry in np.argwhere(found)}

    def _may_get(self, formula: Expression, way: Call) -> set[Index]:
        """The entries that get a gradient at a tie of all: what spreads one over windows is no factor of it, and opened at ties."""
        opened = substitute(formula, lambda node: tied(way) if node == way else None)
        return self._not_zero(annotated(opened, self.trace.graph.shape))

    def _unlike(self, names: Iterable[Leaf]) -> dict[Leaf, Array]:
        """Numbers of one case for the leaves of a formula, no two of which are alike."""
        at: dict[Leaf, Array] = {}
        for number, leaf in enumerate(names):
            shape = self.trace.graph.shape(leaf)
            at[leaf] = unlike_numbers(int(np.prod(shape)), number + 1).reshape(shape)
        return at

    def _known(self, way: Call) -> tuple[str, Expression]:
        """What a choice and what lets gradient through to what it took have in common: what is compared, as the equations have it."""
        graph = self.trace.graph

        def of(x: Expression) -> Expression | None:
            let = graph.lets.get(x.name) if isinstance(x, Name) else None
            return let.written if let is not None else None

        return way.operation, substitute(way.arguments[_deciding(way)[0]], of)


def _chooses(call: Call) -> bool:
    """Whether a call takes one of several values; a flat activation that is no gate is saturated, and a loss flat."""
    operation = operation_of(call)
    several = operation.leaking is not None or operation.picks
    return operation.gate or (several and operation.family not in ("activation", "loss"))


def _ways(call: Call) -> Iterator[Call]:
    """What lets gradient through to what a choice took, in each of its pull-backs."""
    seen = Application(call.arguments, call, signature_of(call))
    for position in range(len(call.arguments)):
        formula = operation_of(call).pullback(position, Literal(1.0), seen)
        for node in walk(formula) if formula is not None else ():
            if isinstance(node, Call) and _deciding(node):
                yield node


def _deciding(node: Expression) -> tuple[int, ...]:
    """The arguments by which an operation lets a gradient through to what a choice took; none of another."""
    if not isinstance(node, Call):
        return ()
    operation = operation_of(node)
    if isinstance(operation.notation, Indicator | Compared | Inside):
        return tuple(range(len(node.arguments)))
    return operation.decided_by
