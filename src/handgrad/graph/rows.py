"""Which vectors lie along the rows of matrices: the b of X @ W + b, the γ and β of a normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handgrad.expression import Call, Expression, Name
from handgrad.graph.structure import Let, Node
from handgrad.operations import operation_of
from handgrad.operations.operation import normal_axes
from handgrad.operations.structure import fill


def row_vectors(
    nodes: Mapping[str, Node], equations: Sequence[str], lets: Mapping[str, Let]
) -> frozenset[str]:
    """The vectors, and parts of equations with a name of their own, that every use repeats over the rows of a matrix, directly or by another such vector.

    A vector that is multiplied as a column anywhere, or that is a column of each case, is none.
    A use that takes a single number of it, such as its sum, says nothing of how it lies.
    """
    said: dict[Expression, set[bool]] = {}
    for name in reversed(equations):
        node = nodes[name]
        if node.written is not None:
            ways = said.get(Name(name))
            _tell(node.written, ways == {True} if ways else None, said)
    named = [name for name, n in nodes.items() if not n.batched and said.get(Name(name)) == {True}]
    parts = [name for name, x in lets.items() if not x.batched and said.get(x.written) == {True}]
    return frozenset((*named, *parts))


def _tell(part: Expression, is_row: bool | None, said: dict[Expression, set[bool]]) -> None:
    """Notes how every vector in a part of an equation is used; `is_row` is None where nothing says."""
    if len(part.shape or ()) == 1 and is_row is not None:
        said.setdefault(part, set()).add(is_row)
    if isinstance(part, Call):
        for argument in part.arguments:
            _tell(argument, is_row_in(part, argument, is_row), said)


def is_row_in(call: Call, argument: Expression, is_row: bool | None) -> bool | None:
    """How a vector that is an argument of a call lies, where the call's own value lies so; None where nothing says.

    Spread over a matrix, it is a row that is repeated down the columns, or a column that is repeated along the rows.
    """
    rank, operation = len(call.shape or ()), operation_of(call)
    if call.operation == fill.name and rank > 1 and call.option("axis") is not None:
        return rank - 1 not in normal_axes(call.option("axis"), rank)
    if operation.elementwise:
        return True if rank > 1 else is_row
    if len(call.arguments) == 1:
        return is_row if call.shape == argument.shape else None
    return False
