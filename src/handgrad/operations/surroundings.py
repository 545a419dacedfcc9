"""What a formula stands among, which mistakes in it may confuse its parts with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TypeAlias

from handgrad.expression import Call, Expression, Leaf, Name
from handgrad.operations.update_parts import UpdateParts
from handgrad.record import record


@record
class Penalty:
    """A term of a parameter's gradient that comes of a penalty on the parameter itself, such as λW.

    Arguments:
        term: the term, as the formula has it.
        spelled: the same in the parameter and constants alone.
        factors: the constants in it, such as λ.
        square: whether it is the square that is penalised, whose slope brings a 2 along.
        halved: whether the penalty is written with a ½, which that 2 cancels.
    """

    term: Expression
    spelled: Expression
    factors: tuple[Expression, ...]
    square: bool
    halved: bool


@record
class Surroundings:
    """What a mistake may confuse a formula's parts with.

    Arguments:
        target: what the formula computes.
        activation: the activation that a backward formula leads through, as its equation has it.
        before: by activation's value, the pre-activation it is applied to.
        alike: by leaf, the others of its kind and shape.
        batched: the leaves whose values differ from case to case.
        data: the names of the data; a target among them is what a prediction is compared with.
        made: by gradient, the formula it is computed by.
        fused: where the formula is that of an activation and its loss in one, the activation
            as its equation has it, and the name of its value.
        averaged: the numbers of cases and of entries that the loss averages over, where over 1.
        squared: whether a square is differentiated.
        squared_error: whether that is the square of an error.
        inner: constants that an equation multiplies the argument of a function by, and the function's call.
        penalties: the terms that come of penalties.
        stale: by parameter, what it is after its update, where a backward formula might have it.
        update: what the formulas of an update are made of.
    """

    target: Leaf
    activation: Call | None = None
    before: Mapping[str, str] = field(default_factory=dict)
    alike: Mapping[Leaf, tuple[Leaf, ...]] = field(default_factory=dict)
    batched: frozenset[Leaf] = frozenset()
    data: frozenset[str] = frozenset()
    made: Mapping[Leaf, Expression] = field(default_factory=dict)
    fused: tuple[Call, str] | None = None
    averaged: tuple[int, ...] = ()
    squared: bool = False
    squared_error: bool = False
    inner: tuple[tuple[Expression, Call], ...] = ()
    penalties: tuple[Penalty, ...] = ()
    stale: Mapping[Name, Expression] = field(default_factory=dict)
    update: UpdateParts | None = None


Found: TypeAlias = tuple[str, Expression, tuple[Expression, ...]]
"""A rule, what is written in the node's place, and what the mistake is about."""

Rewrite: TypeAlias = Callable[[Call, Surroundings], Iterator[Found]]
