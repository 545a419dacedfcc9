"""The dot between two vectors, w·x, is their scalar product; between anything else it multiplies entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from handgrad.equations import Equation, source
from handgrad.errors import HandgradError
from handgrad.expression import Call, Expression, Leaf, Shape, leaves
from handgrad.operations.annotate import annotated
from handgrad.operations.arithmetic import multiply
from handgrad.operations.linear import matmul

DOT = "·"


def with_scalar_products(
    equations: tuple[Equation, ...], given: Mapping[str, Shape]
) -> tuple[Equation, ...]:
    """The equations with w @ x where w·x is written and both are vectors.

    Arguments:
        equations: as they were read, where the dot multiplies.
        given: the shapes of what is given, of one case.
    """
    if not any(DOT in equation.written for equation in equations):
        return equations
    shapes = dict(given)
    found: dict[str, Equation] = {}
    waiting = list(equations)
    while waiting:
        ready = [e for e in waiting if all(x.name in shapes for x in leaves(e.expression))]
        for equation in ready:
            found[equation.target] = _read(equation, shapes)
            try:
                shapes[equation.target] = _shape(found[equation.target].expression, shapes)
            except HandgradError:
                continue  # it is told with its place when the graph is built
        if not ready:
            break  # the rest uses what nobody gives
        waiting = [e for e in waiting if e.target not in found]
    return tuple(found.get(e.target, e) for e in equations)


def _read(equation: Equation, shapes: Mapping[str, Shape]) -> Equation:
    dotted = {id(call) for call in equation.written_with(DOT)}

    def read(node: Expression) -> Expression:
        if not isinstance(node, Call):
            return node
        new = tuple(map(read, node.arguments))
        if id(node) in dotted and node.operation == multiply.name:
            try:
                ranks = [len(_shape(a, shapes)) for a in new]
            except HandgradError:
                return node
            if ranks == [1, 1]:
                return replace(node, operation=matmul.name, arguments=new)
        return node if new == node.arguments else replace(node, arguments=new)

    expression = read(equation.expression)
    if expression is equation.expression:
        return equation
    text = equation.text
    if equation.origin is not None:
        text = f"{equation.target} = {source(expression)}"
    return replace(equation, expression=expression, text=text)


def _shape(expression: Expression, shapes: Mapping[str, Shape]) -> Shape:
    def of(leaf: Leaf) -> Shape:
        return shapes[leaf.name]

    return annotated(expression, of).shape or ()
