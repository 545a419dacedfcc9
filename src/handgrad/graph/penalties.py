"""The part of a parameter's gradient that comes of a penalty on the parameter itself, such as λW."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, leaves, substitute
from handgrad.graph.structure import Graph, Line
from handgrad.operations.arithmetic import divide, multiply, negate, ratio
from handgrad.operations.functions import sign

LONGEST = 64
"""Gradients in a penalty's term that are spelled out one within the other, at most."""


def penalty_term(
    graph: Graph, made: Mapping[Leaf, Expression], name: str, term: Expression
) -> tuple[Expression, Expression] | None:
    """A term of a parameter's gradient in the parameter and constants alone, and the factor with the parameter.

    Arguments:
        graph: that of the problem.
        made: by gradient, the formula that computes it.
        name: the parameter.
        term: one term of its gradient.

    None where more than the parameter and constants is in it, or something else than the parameter
    itself, its signs or its direction W/‖W‖.
    """
    spelled = _spelled(graph, made, name, term, LONGEST)
    if spelled is None:
        return None
    own = [f for f in factors(spelled) if any(leaf.name == name for leaf in leaves(f))]
    if len(own) != 1:
        return None
    slope = isinstance(own[0], Call) and own[0].operation in (sign.name, ratio.name)
    return (spelled, own[0]) if isinstance(own[0], Name) or slope else None


def is_penalty(graph: Graph, line: Line) -> bool:
    """Whether a share of a parameter's gradient comes of a penalty on it."""
    if graph.nodes[line.leaf.name].kind != "parameter":
        return False
    made = {other.leaf: other.formula for other in graph.backward}
    return penalty_term(graph, made, line.leaf.name, line.formula) is not None


def is_given_scalar(graph: Graph, name: str) -> bool:
    """Whether a name is that of one number that is given, such as λ."""
    node = graph.nodes.get(name)
    return node is not None and node.kind != "value" and not node.shape and not node.batched


def factors(formula: Expression) -> Iterator[Expression]:
    """What a product, a quotient or a negative is made of."""
    if isinstance(formula, Call) and formula.operation in (
        multiply.name,
        divide.name,
        negate.name,
    ):
        for part in formula.arguments:
            yield from factors(part)
    else:
        yield formula


def _spelled(
    graph: Graph, made: Mapping[Leaf, Expression], name: str, term: Expression, room: int
) -> Expression | None:
    """A term in a parameter and constants alone; None where there is more in it."""
    inside: dict[Expression, Expression] = {}
    for leaf in leaves(term):
        if isinstance(leaf, Adjoint):
            formula = made.get(leaf)
            found = _spelled(graph, made, name, formula, room - 1) if formula and room else None
            if found is None:
                return None
            inside[leaf] = found
        elif leaf.name != name and not is_given_scalar(graph, leaf.name):
            return None
    return substitute(term, inside.get)
