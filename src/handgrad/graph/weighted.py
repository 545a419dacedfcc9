"""Weighted sums in a graph: W x + b, told by the operations' families and notations, whatever things are called."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from typing import Literal, TypeAlias, TypeGuard

from handgrad.errors import ShapeError
from handgrad.expression import Call, Expression, Name, leaves, walk
from handgrad.graph.structure import Graph
from handgrad.notation import As, MatrixProduct, Sum, Transposition
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated
from handgrad.record import record

Examples: TypeAlias = Literal["none", "rows", "columns"]
"""How examples lie in the arrays themselves: not at all, in rows, or in columns."""

Index: TypeAlias = tuple[int, ...]


@record
class WeightedSum:
    """W x + b: which parameter and which value, and how an entry of W is found.

    `flipped` says that the weight from input i to unit u stands at [i, u]; a `vector` of weights
    is one unit's. `bias` is empty where nothing is added.
    """

    weights: str
    flipped: bool
    of: Expression
    bias: str
    units: int
    inputs: int
    examples: Examples
    vector: bool

    @property
    def source(self) -> str:
        """The name of the value that is weighted; empty where it has none."""
        return self.of.name if isinstance(self.of, Name) else ""

    def weight(self, unit: int, source: int) -> Index:
        """The index of the weight that leads from an input to a unit."""
        if self.vector:
            return (source,)
        return (source, unit) if self.flipped else (unit, source)


def products(formula: Expression) -> tuple[Call, ...]:
    """The products of vectors or matrices in a formula; a convolution is none."""
    calls = (part for part in walk(formula) if isinstance(part, Call))
    return tuple(call for call in calls if operation_of(call).multiplies)


def is_weighted(graph: Graph, formula: Expression, name: str = "") -> bool:
    """Whether a factor of a product in a formula is made of parameters, of one in which a name stands if given."""
    return any(
        leaf.name in graph.nodes and graph.nodes[leaf.name].kind == "parameter"
        for product in products(formula)
        if not name or any(leaf.name == name for leaf in leaves(product))
        for factor in product.arguments
        if not products(factor)
        for leaf in leaves(factor)
    )


def multiplies_values(graph: Graph, formula: Expression) -> bool:
    """Whether a product in a formula is one of two factors that are computed or given, as attention's are: no weights."""

    def varies(factor: Expression) -> bool:
        names = [leaf.name for leaf in leaves(factor) if leaf.name in graph.nodes]
        return any(graph.nodes[name].kind != "parameter" for name in names)

    return any(all(map(varies, product.arguments)) for product in products(formula))


def weighted_sum(graph: Graph, expression: Expression) -> WeightedSum | None:
    """A formula as one weighted sum, or None where it is none: one product, and at most one bias."""
    products: list[Call] = []
    biases: list[str] = []
    for term in _terms(graph, expression):
        if _is_parameter(term, graph):
            biases.append(term.name)
        elif isinstance(term, Call) and isinstance(operation_of(term).notation, MatrixProduct):
            products.append(term)
        else:
            return None
    if len(products) != 1 or len(biases) > 1:
        return None
    left, right = products[0].arguments
    bias = biases[0] if biases else ""
    return _product(graph, left, right, bias, True) or _product(graph, right, left, bias, False)


def weighted_sums(graph: Graph, *, shared: bool = False) -> tuple[WeightedSum, ...]:
    """The weighted sums of a graph whose weights are used once, in the order of the equations.

    With `shared` also those whose weights are used elsewhere too. A bias may be added in an
    equation of its own, where the sum goes nowhere else.
    """
    found: list[WeightedSum] = []
    uses: dict[str, int] = {}
    for equation in graph.equations:
        written = graph.nodes[equation].written
        assert written is not None
        for node in walk(written):
            if isinstance(node, Name):
                uses[node.name] = uses.get(node.name, 0) + 1
        pending = [written]
        while pending:
            expression = pending.pop()
            known = weighted_sum(graph, expression)
            if known is None:
                pending += reversed(expression.arguments) if isinstance(expression, Call) else []
                continue
            if not known.bias and expression is written:
                known = replace(known, bias=_bias_after(graph, equation, known.units))
            found.append(known)
            pending.append(known.of)
    return tuple(known for known in found if shared or uses[known.weights] == 1)


def _is_parameter(expression: Expression, graph: Graph) -> TypeGuard[Name]:
    return isinstance(expression, Name) and graph.nodes[expression.name].kind == "parameter"


def _bias_after(graph: Graph, equation: str, units: int) -> str:
    """The parameter, a number for each unit, that is added to a value where that is used."""
    match graph.consumers.get(equation, ()):
        case (after,):
            written = graph.nodes[after].written
        case _:
            return ""
    for node in walk(written) if written is not None else ():
        terms = _terms(graph, node)
        if len(terms) == 2 and Name(equation) in terms:
            biases = [t.name for t in terms if _is_parameter(t, graph)]
            return next((b for b in biases if math.prod(graph.nodes[b].shape) == units), "")
    return ""


def _product(
    graph: Graph, matrix: Expression, value: Expression, bias: str, first: bool
) -> WeightedSum | None:
    """The product of a parameter and a value; `first` where the parameter is on the left."""
    transposed = isinstance(matrix, Call) and isinstance(
        operation_of(matrix).notation, Transposition
    )
    weights = matrix.arguments[0] if isinstance(matrix, Call) and transposed else matrix
    if not _is_parameter(weights, graph) or _is_parameter(value, graph):
        return None
    shape, given = matrix.shape, value.shape
    if not shape or not given or len(shape) > 2 or len(given) > 2:
        return None
    units = 1 if len(shape) == 1 else shape[0] if first else shape[1]
    inputs = shape[-1] if first else shape[0]
    examples: Examples = "none" if len(given) == 1 else "columns" if first else "rows"
    flipped = (not first) != transposed
    vector = len(shape) == 1
    return WeightedSum(weights.name, flipped, value, bias, units, inputs, examples, vector)


def _terms(graph: Graph, expression: Expression) -> list[Expression]:
    """The terms of a sum; a function of linear algebra as the product that it is written as."""
    if isinstance(expression, Call):
        record = operation_of(expression)
        match record.notation:
            case Sum("+"):
                return [t for a in expression.arguments for t in _terms(graph, a)]
            case As(formula) if record.family == "linear":
                # x yᵀ of two vectors is written so, and is no product of theirs.
                with suppress(ShapeError):
                    product = annotated(formula(*expression.arguments), graph.shape)
                    if product.shape == expression.shape:
                        return _terms(graph, product)
            case _:
                pass
    return [expression]
