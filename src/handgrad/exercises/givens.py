"""The numbers of one given: what they look like, and how the equations use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from re import compile as pattern

import numpy as np

from handgrad.arrays import Array
from handgrad.exercises.reasons import HUGE
from handgrad.exercises.uses import Use, feeding, opened
from handgrad.expression import Call, Expression, Leaf, Name, leaves, number, walk
from handgrad.graph import Graph
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import divide, multiply, negate, subtract
from handgrad.operations.functions import dropout, sqrt
from handgrad.operations.operation import Operation, Target
from handgrad.problem import Problem
from handgrad.problem.given import Given
from handgrad.running import Plan
from handgrad.running.evaluate import value_of

STATE = pattern(r"[A-Za-z](\w*\D)?(0|prev|init)")
"""What a state to start from is called: h0, c_prev."""


@dataclass(frozen=True)
class Reading:
    """A problem whose givens are read."""

    problem: Problem
    graph: Graph

    @cached_property
    def feeding(self) -> dict[str, frozenset[str]]:
        """By name, the givens that it depends on."""
        return feeding(self.graph)

    def learned(self, formula: Expression) -> bool:
        """Whether a formula's value depends on a parameter; on other data, where there is none."""
        return bool(self.named(formula) & set(self.problem.asked))

    @cached_property
    def _values(self) -> Mapping[Leaf, Array]:
        """Every value at the problem's own numbers."""
        givens = {n: g.array for n, g in self.problem.inputs.items()}
        with np.errstate(all="ignore"):
            return Plan(self.graph, lines=self.graph.forward)(givens)

    def never_negative(self, formula: Expression) -> bool:
        """Whether no entry of a formula is below 0 at the problem's own numbers."""
        value = value_of(formula, self._values, set(self.graph.batched_leaves))
        return bool((np.asarray(value) >= 0).all())

    def named(self, formula: Expression) -> frozenset[str]:
        """The givens that a formula depends on."""
        found = (self.feeding.get(leaf.name, frozenset()) for leaf in leaves(formula))
        return frozenset().union(*found)


@dataclass(frozen=True)
class GivenNumbers:
    """The numbers of one given, with every place where an equation uses them."""

    reading: Reading
    name: str
    given: Given
    uses: tuple[Use, ...]

    @property
    def array(self) -> Array:
        """The numbers."""
        return self.given.array

    @property
    def shape(self) -> tuple[int, ...]:
        """Their shape in one case."""
        return self.given.shape

    # -- what they look like -------------------------------------------------------------------

    def among(self, *numbers: float) -> bool:
        """Whether each is one of these."""
        return bool(np.isin(self.array, numbers).all())

    @property
    def whole(self) -> bool:
        """Whether all are whole numbers."""
        return bool(np.all(self.array == np.rint(self.array)))

    @property
    def binary(self) -> bool:
        """Whether all are 0 or 1."""
        return self.among(0, 1)

    @property
    def signed(self) -> bool:
        """Whether all are −1 or 1, and some −1."""
        return self.among(-1, 1) and bool((self.array == -1).any())

    def axes_to_one(self) -> tuple[int, ...]:
        """The axes along which the numbers, none of them negative, add up to 1."""
        if (self.array < 0).any():
            return ()
        return tuple(
            axis
            for axis, length in enumerate(self.shape)
            if length > 1 and np.all(np.abs(self.array.sum(axis=axis) - 1) < 1e-9)
        )

    # -- how they are used ---------------------------------------------------------------------

    def used(self, operation: Operation, position: int | None = None) -> tuple[Use, ...]:
        """Where an operation takes them, as any of its arguments or as that one."""
        return tuple(
            u
            for u in self.uses
            if operation_of(u.call) is operation and position in (None, u.position)
        )

    @cached_property
    def losses(self) -> tuple[Use, ...]:
        """Where a loss of the table compares a prediction with them."""
        return tuple(
            u for u in self.uses if is_loss(u.call) and u.position == operation_of(u.call).target_at
        )

    def in_losses(self, target: Target) -> tuple[Use, ...]:
        """Where a loss of that kind of target compares a prediction with them."""
        return tuple(u for u in self.losses if operation_of(u.call).target == target)

    @cached_property
    def weighed_logarithms(self) -> tuple[Use, ...]:
        """Where they multiply the logarithm of what is computed: y log p, w y log p."""
        return tuple(
            u
            for u in self.used(multiply)
            if any(
                operation_of(c).logarithm and self.reading.learned(c)
                for other in u.cofactors
                for c in opened(self.reading.graph, other, 2)
            )
        )

    @cached_property
    def compared(self) -> tuple[Use, ...]:
        """Where they are subtracted from what is computed, or it from them."""
        return tuple(
            u
            for u in self.uses
            if (operation_of(u.call) is subtract or operation_of(u.call).compares)
            and self.reading.learned(u.others[0])
            and u.plain
        )

    @cached_property
    def inputs(self) -> tuple[Use, ...]:
        """Where they are weighted: in a product of matrices, or multiplied with a parameter itself."""
        return tuple(
            u
            for u in self.uses
            if (operation_of(u.call).family == "linear" and u.others)
            or (operation_of(u.call) is multiply and self.is_parameter(u.others[0]))
        )

    @cached_property
    def state_of_zeros(self) -> tuple[Use, ...]:
        """Where a state to start from, all 0, goes in: weighted, or, called as such, a factor of what is computed."""
        if self.array.any() or self.name[0] in "xX":
            return ()
        if self.shape and self.inputs:
            return self.inputs
        target = self.losses or self.compared or self.weighed_logarithms
        return (*self.inputs, *self.factors) if STATE.fullmatch(self.name) and not target else ()

    @cached_property
    def divisors(self) -> tuple[Use, ...]:
        """Where they divide, themselves or their square root."""
        return self.used(divide, 1) + tuple(
            u
            for u in self.used(sqrt)
            if u.within
            and operation_of(u.within[0]) is divide
            and u.within[0].arguments[1] == u.call
        )

    @cached_property
    def of_penalties(self) -> tuple[Use, ...]:
        """Where they are a factor of a term in which one parameter stands twice and no other given: C w·w."""
        return tuple(u for u in self.inputs if self._penalizes(u))

    def _penalizes(self, use: Use) -> bool:
        term = use.call
        for call in use.within:
            if (
                operation_of(call) not in (multiply, negate)
                and operation_of(call).family != "linear"
            ):
                break
            term = call
        others = self.reading.named(term) - {self.name}
        named = [node.name for node in walk(term) if isinstance(node, Name)]
        return others <= self.reading.problem.parameters.keys() and any(
            named.count(name) > 1 for name in others
        )

    @cached_property
    def shares(self) -> tuple[Use, ...]:
        """Where one number between 0 and 1 stands as 1 less itself, if it does and stands as itself too."""
        if self.shape or not ((self.array > 0) & (self.array < 1)).all():
            return ()
        flipped = tuple(u for u in self.uses if u.complement)
        return flipped if len(flipped) < len(self.uses) else ()

    def is_parameter(self, formula: Expression) -> bool:
        """Whether a formula is a parameter, or some of its entries."""
        while isinstance(formula, Call) and _is_part(formula):
            formula = formula.arguments[0]
        return isinstance(formula, Name) and formula.name in self.reading.problem.parameters

    @cached_property
    def factors(self) -> tuple[Use, ...]:
        """Where they multiply, entry by entry, what is computed."""
        return tuple(
            u
            for u in (*self.used(multiply), *self.used(dropout, 1))
            if u not in self.weighed_logarithms
            and u not in self.inputs
            and self.reading.learned(u.others[0])
        )

    @cached_property
    def dividends(self) -> tuple[Use, ...]:
        """Where they are divided, entry by entry, by what is computed and no parameter itself."""
        return tuple(
            u
            for u in self.used(divide, 0)
            if self.reading.learned(u.others[0]) and not self.is_parameter(u.others[0])
        )

    @cached_property
    def adding_up(self) -> tuple[Use, ...]:
        """Where they, all of them 1, add up what is computed: K @ 1."""
        if not self.shape or self.array.size < 2 or not (self.array == 1).all():
            return ()
        linear = tuple(
            u
            for u in self.uses
            if operation_of(u.call).family == "linear"
            and len(u.others) == 1
            and not self._weighs(u.others[0])
        )
        return linear if len(linear) == len(self.uses) else ()

    def _weighs(self, formula: Expression) -> bool:
        """Whether a formula is a given, some of its entries, or a product of matrices: the weights of a layer."""
        while isinstance(formula, Call) and _is_part(formula):
            formula = formula.arguments[0]
        node = self.reading.graph.nodes.get(formula.name) if isinstance(formula, Name) else None
        if node is not None:
            return node.written is None or self._weighs(node.written)
        return isinstance(formula, Call) and operation_of(formula).family == "linear"

    @cached_property
    def times_huge(self) -> tuple[Use, ...]:
        """Where they multiply a number such as −1e9, as 1 − M does before it is added to scores."""
        return tuple(
            u
            for u in self.uses
            if any(
                call.operation == multiply.name
                and any(map(self._is_huge, call.arguments))
                and self.name in self.reading.named(call)
                for argument in u.call.arguments
                for call in (u.call, *opened(self.reading.graph, argument, 2))
            )
        )

    def _is_huge(self, formula: Expression) -> bool:
        """Whether a factor is a huge number, written or given."""
        given = self.reading.problem.data
        if isinstance(formula, Call) and formula.operation == negate.name:
            (formula,) = formula.arguments
        if isinstance(formula, Name) and formula.name in given:
            return bool((np.abs(given[formula.name].array) >= HUGE).all())
        value = number(formula)
        return value is not None and abs(value) >= HUGE


def _is_part(call: Call) -> bool:
    """Whether its entries are some of its argument's, in whatever place."""
    return operation_of(call).family == "structure" and bool(operation_of(call).carries)


def is_loss(call: Call) -> bool:
    """Whether it is a loss of the table, which has targets."""
    return operation_of(call).target is not None
