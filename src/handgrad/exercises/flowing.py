"""Where the numbers of a given go through the equations, and between which numbers what is computed lies."""

from __future__ import annotations

import numpy as np

from handgrad.exercises.givens import GivenNumbers, Reading, is_loss
from handgrad.exercises.uses import Use, taken
from handgrad.expression import Call, Expression, Name, number
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import power


def takes_positive(call: Call, position: int) -> bool:
    """Whether an operation takes, as that argument, not every number: a logarithm, a root, a divisor."""
    operation = operation_of(call)
    if is_loss(call):
        return False
    if operation is power:
        exponent = number(call.arguments[1])
        if position == 0 and exponent is None:
            return True
        if exponent is not None and (exponent != int(exponent) or exponent < 0):
            return True
    return any(d.argument == position for d in operation.domain)


def ends_positive(given: GivenNumbers, use: Use) -> bool:
    """Whether numbers go, with others that are not negative, to where only positive ones may stand.

    They may be added to others and multiplied with them on the way, through any number of equations:
    q in `P = a*p*a + q`, `K = P/(P + r)`. Where they are multiplied with themselves their sign is free.
    """
    return _ends(given.reading, given.name, use, set())


def _ends(reading: Reading, name: str, use: Use, seen: set[str]) -> bool:
    position = use.position
    for level, call in enumerate((use.call, *use.within)):
        if level:
            position = call.arguments.index((use.call, *use.within)[level - 1])
            if operation_of(call).elementwise and takes_positive(call, position):
                return True
        others = (*call.arguments[:position], *call.arguments[position + 1 :])
        if not _stays_positive(call, position):
            return False
        if any(name in reading.named(o) or not reading.never_negative(o) for o in others):
            return False
    if use.equation in seen:
        return False
    seen.add(use.equation)
    return any(
        (operation_of(u.call).elementwise and takes_positive(u.call, u.position))
        or _ends(reading, name, u, seen)
        for u in taken(reading.graph, use.equation)
    )


def _stays_positive(call: Call, position: int) -> bool:
    operation = operation_of(call)
    return operation.keeps_positive or (
        operation.family == "structure" and position in operation.carries
    )


def bounds_of(reading: Reading, formula: Expression) -> tuple[float, float] | None:
    """Between which numbers a formula's entries lie whatever it is computed from, where the table tells."""
    while True:
        if isinstance(formula, Name) and formula.name in reading.graph.nodes:
            written = reading.graph.nodes[formula.name].written
            if written is None:
                return None
            formula = written
        elif isinstance(formula, Call) and operation_of(formula).family == "structure":
            formula = formula.arguments[0]
        else:
            break
    if not isinstance(formula, Call):
        return None
    operation = operation_of(formula)
    if operation.logarithm:
        # That of a probability is at most 0, whether softmax and the logarithm are one operation or two.
        inner = (
            (0.0, 1.0)
            if operation.family == "activation"
            else bounds_of(reading, formula.arguments[0])
        )
        return (-np.inf, 0.0) if inner is not None and inner[1] <= 1 else None
    return operation.bounds
