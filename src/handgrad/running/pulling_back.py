"""One formula differentiated at given numbers, by the table's own pull-backs."""

from __future__ import annotations

from collections.abc import Container, Mapping

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Call, Expression, Leaf, Literal, Name, Shape, walk
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated, application, signature_of
from handgrad.running.evaluate import value_of


def unlike_numbers(count: int, number: int) -> Array:
    """Numbers between ¼ and ¾ that look drawn at random, the same every time.

    None is a simple function of others, such as their mean, so that a derivative is zero at them only where
    it is zero everywhere.

    Arguments:
        count: how many.
        number: another one gives others.
    """
    scattered: Array = np.sin(np.arange(1, count + 1) + np.sqrt(2.0) * number) * 43758.5453
    return 0.25 + 0.5 * (scattered % 1)


def with_parts(formula: Expression, values: dict[Expression, Array]) -> dict[Expression, Array]:
    """The values of a formula's leaves, with those of all its parts."""
    for node in walk(formula):
        if isinstance(node, Call) and node not in values:
            arguments = [_value(a, values) for a in node.arguments]
            which = (False,) * len(node.arguments)
            kernel = operation_of(node).kernel(signature_of(node, which))
            with np.errstate(all="ignore"):
                values[node] = np.asarray(kernel(np, *arguments), dtype=float)
    return values


def _value(expression: Expression, values: Mapping[Expression, Array]) -> Array:
    if isinstance(expression, Literal):
        return expression.numbers
    return values[expression]


def gradients(
    formula: Expression,
    start: Array,
    values: Mapping[Expression, Array],
    shapes: Mapping[str, Shape],
) -> dict[str, Array]:
    """By name, the gradient that a gradient at a formula's value gives it.

    Arguments:
        formula: an annotated formula.
        start: the gradient at its value.
        values: those of all its parts, as `with_parts` gives them.
        shapes: by name, the shapes of those that are asked for.
    """
    adjoints: dict[int, Array] = {id(formula): start}
    found = {name: np.zeros(shape) for name, shape in shapes.items()}
    nodes = list(walk(formula))
    leading: set[int] = set()
    """The parts in which one of the names is: into no other does a gradient have to be pulled back."""
    for node in nodes:
        inside = isinstance(node, Call) and any(id(a) in leading for a in node.arguments)
        if inside or (isinstance(node, Name) and node.name in found):
            leading.add(id(node))
    for node in reversed(nodes):
        adjoint = adjoints.get(id(node))
        if adjoint is None:
            continue
        if isinstance(node, Name) and node.name in found:
            found[node.name] = found[node.name] + adjoint
        elif isinstance(node, Call):
            adjoints.pop(id(node))
            for argument, share in zip(
                node.arguments, _pulled_back(node, values, adjoint, leading), strict=True
            ):
                if share is None or isinstance(argument, Literal):
                    continue
                if isinstance(argument, Call):
                    known = adjoints.get(id(argument))
                    adjoints[id(argument)] = share if known is None else known + share
                elif isinstance(argument, Name) and argument.name in found:
                    found[argument.name] = found[argument.name] + share
    return found


def _pulled_back(
    call: Call, values: Mapping[Expression, Array], adjoint: Array, asked: Container[int]
) -> list[Array | None]:
    """The gradient with respect to each argument of a call that is asked for, by the table's own formulas."""
    names = tuple(
        a if isinstance(a, Literal) else Name(f"argument {k}", shape=a.shape)
        for k, a in enumerate(call.arguments)
    )
    out, g = Name("result", shape=call.shape), Name("g", shape=call.shape)
    known: dict[Leaf, Array] = {g: adjoint, out: values[call]}
    for name, argument in zip(names, call.arguments, strict=True):
        if isinstance(name, Name):
            known[name] = values[argument]
    found: list[Array | None] = []
    for position, argument in enumerate(call.arguments):
        if isinstance(argument, Literal) or id(argument) not in asked:
            found.append(None)
            continue
        formula = operation_of(call).pullback(position, g, application(call, names, out))
        if formula is None:
            found.append(None)
            continue
        formula = annotated(formula, lambda leaf: leaf.shape or ())
        with np.errstate(all="ignore"):
            value = value_of(formula, known, set())
        found.append(np.broadcast_to(np.asarray(value, dtype=float), argument.shape or ()))
    return found
