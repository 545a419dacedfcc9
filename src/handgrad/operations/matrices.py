"""Functions of square matrices: trace, inverse, determinant and its logarithm.

Derivatives: Petersen and Pedersen, "The Matrix Cookbook" (2012), sections 2.1, 2.2 and 2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handgrad.arrays import AnyArray, Array, Mask, Namespace
from handgrad.expression import ZERO, Call, Expression, Literal, Shape
from handgrad.notation import As, Function
from handgrad.operations import minors
from handgrad.operations.functions import log
from handgrad.operations.operation import (
    Application,
    Domain,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
)
from handgrad.operations.reductions import total
from handgrad.operations.words import Words

EXPANDED = 3
"""Rows of a matrix whose determinant is written out, entry by entry, at most."""


def _size(shapes: Sequence[Shape], name: str) -> int:
    (shape,) = shapes
    if len(shape) != 2 or shape[0] != shape[1]:
        raise Misfit(
            f"{{0}} is {describe(shape)}, and {name} takes a square matrix",
            "did you mean {0}.T @ {0}?" if len(shape) == 2 else "",
        )
    return shape[0]


def _number(name: str) -> Callable[[Sequence[Shape], Options], Shape]:
    def shape(shapes: Sequence[Shape], _: Options) -> Shape:
        _size(shapes, name)
        return ()

    return shape


def _inverse_shape(shapes: Sequence[Shape], _: Options) -> Shape:
    _size(shapes, "inv")
    return shapes[0]


# -- numbers ---------------------------------------------------------------------------------


REST = 1e-15
"""What rounding may leave of a determinant, for each unit of the products that it adds up."""


def determinants(a: Array) -> Array:
    """Of the matrices on the last two axes; of small ones a rest of rounding is 0."""
    found = np.asarray(np.linalg.det(a))
    if a.shape[-1] > EXPANDED:
        return found
    size = minors.determinant(np.abs(a), sign=1)
    return np.where(np.abs(found) <= REST * size, 0.0, found)


def inverted(a: Array) -> Array:
    """The inverses of the matrices on the last two axes; NaN where there is none, where NumPy would end."""
    none = determinants(a) == 0
    # The identity stands in for what has no inverse.
    regular = np.where(none[..., None, None], np.eye(a.shape[-1]), a)
    return np.where(none[..., None, None], np.nan, np.linalg.inv(regular))


def _inverse_of(xp: Any, a: AnyArray) -> Any:
    """Of the matrices on the last two axes, in numbers of any kind."""
    if xp is np:
        return inverted(np.asarray(a, dtype=float))
    own = getattr(xp, "inverse", None)
    return xp.linalg.inv(a) if own is None else own(a)


def _determinant_of(xp: Any, a: AnyArray) -> Any:
    if xp is np:
        return determinants(np.asarray(a, dtype=float))
    own = getattr(xp, "determinant", None)
    return xp.linalg.det(a) if own is None else own(a)


def _of_matrices(
    function: Callable[[Namespace, AnyArray], Any], matrix: bool = False
) -> Callable[[Signature], Kernel]:
    """The kernel of a function of the matrices on the last two axes; cases lie on the last axis."""

    def kernel(s: Signature) -> Kernel:
        if not s.batched[0]:
            return function

        def of_cases(xp: Namespace, a: AnyArray) -> AnyArray:
            result: AnyArray = function(xp, xp.permute_dims(a, (2, 0, 1)))
            return xp.permute_dims(result, (1, 2, 0)) if matrix else result

        return of_cases

    return kernel


def _trace_kernel(s: Signature) -> Kernel:
    size = s.shapes[0][0]

    def trace_of(xp: Namespace, a: AnyArray) -> AnyArray:
        whole = a[0, 0]
        for k in range(1, size):
            whole = whole + a[k, k]
        return whole

    return trace_of


def _size_of_terms(xp: Namespace, a: AnyArray) -> Any:
    """The sum of the sizes of the products that a determinant adds up; of large matrices a bound on them."""
    if a.shape[-1] <= minors.MOST:
        return minors.determinant(a, sign=1)
    return xp.prod(xp.sum(a, axis=-1), axis=-1)


def _regular(xp: Namespace, a: Array, shapes: Sequence[Shape]) -> Mask:
    """Whether a matrix has an inverse."""
    whole = a if a.ndim == 2 else np.moveaxis(a, -1, 0)
    found: Mask = determinants(whole) != 0
    return np.broadcast_to(found, a.shape)


def _positive(xp: Namespace, a: Array, shapes: Sequence[Shape]) -> Mask:
    whole = a if a.ndim == 2 else np.moveaxis(a, -1, 0)
    found: Mask = determinants(whole) > 0
    return np.broadcast_to(found, a.shape)


# -- formulas --------------------------------------------------------------------------------


def _determinant_element(index: tuple[int, ...], p: Application) -> Expression | None:
    size = p.shapes[0][0]
    if size > EXPANDED:
        return None
    (a,), every = p.arguments, range(size)
    found: Expression = minors.minor(lambda i, j: a.entry((i, j)), every, every)
    return found


trace = Operation(
    name="trace",
    family="matrix",
    arity=(1, 1),
    shape=_number("trace"),
    kernel=_trace_kernel,
    sizes=_trace_kernel,
    pullback=lambda i, g, p: on_diagonal(g, size=p.shapes[0][0]),
    element=lambda index, p: total([p.arguments[0].entry((k, k)) for k in range(p.shapes[0][0])]),
    words=Words(
        "the trace",
        "Add up the entries on the diagonal.",
        "Every entry on the diagonal receives the whole gradient, the others none.",
    ),
    notation=Function("tr", r"\operatorname{tr}"),
    spellings=("tr",),
)


def _on_diagonal_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    size = options["size"]
    assert isinstance(size, int)
    return (size, size)


def _on_diagonal_kernel(s: Signature) -> Kernel:
    identity = np.eye(s.out[0])

    def spread(xp: Namespace, g: AnyArray) -> AnyArray:
        whole = xp.asarray(identity)
        return g * (whole[..., None] if s.batched[0] else whole)

    return spread


on_diagonal: Operation = Operation(
    name="on_diagonal",
    family="helper",
    arity=(1, 1),
    shape=_on_diagonal_shape,
    kernel=_on_diagonal_kernel,
    pullback=lambda i, g, p: trace(g),
    element=lambda index, p: p.arguments[0] if index[0] == index[1] else ZERO,
    words=Words("the multiple of the identity", "A number on the diagonal of zeros."),
    notation=Function("diag", r"\operatorname{diag}"),
    options={"size": 1},
)

inv: Operation = Operation(
    name="inv",
    family="matrix",
    arity=(1, 1),
    shape=_inverse_shape,
    kernel=_of_matrices(_inverse_of, matrix=True),
    pullback=lambda i, g, p: -(p.out.T @ g @ p.out.T),
    words=Words(
        "the inverse",
        "Take the inverse: the matrix whose product with it is the identity.",
        "The gradient is multiplied by the transposed inverse on both sides, with a minus sign.",
    ),
    notation=As(lambda a: Call("power", (a, Literal(-1.0)))),
    spellings=("inverse",),
    domain=(
        Domain(0, _regular, "a matrix with an inverse", otherwise="singular: its determinant is 0"),
    ),
)


def _cofactors(xp: Namespace, a: AnyArray) -> Any:
    """Of each entry the determinant of the other rows and columns, with its sign: finite where there is no inverse."""
    size = int(a.shape[-1])
    if size > minors.MOST:
        inverse = _inverse_of(xp, a)
        axes = (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2)
        return _determinant_of(xp, a)[..., None, None] * xp.permute_dims(inverse, axes)
    if size == 1:
        return xp.ones_like(a)
    every = range(size)
    rows = [[_cofactor(lambda r, c: a[..., r, c], i, j, size) for j in every] for i in every]
    return xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2)


def _cofactor(entry: minors.Entry, i: int, j: int, size: int) -> Any:
    rows, columns = ([k for k in range(size) if k != out] for out in (i, j))
    found = minors.minor(entry, rows, columns)
    return found if (i + j) % 2 == 0 else -found


def _cofactors_element(index: tuple[int, ...], p: Application) -> Expression | None:
    size = p.shapes[0][0]
    if not 1 < size <= EXPANDED:
        return None
    found: Expression = _cofactor(
        lambda r, c: p.arguments[0].entry((r, c)), index[0], index[1], size
    )
    return found


cofactors: Operation = Operation(
    name="cofactors",
    family="helper",
    arity=(1, 1),
    shape=_inverse_shape,
    kernel=_of_matrices(_cofactors, matrix=True),
    pullback=lambda i, g, p: None,
    element=_cofactors_element,
    words=Words(
        "the cofactors",
        "Of each entry the determinant of the other rows and columns, its sign that of a chessboard.",
    ),
    notation=Function("cof", r"\operatorname{cof}"),
)

det: Operation = Operation(
    name="det",
    family="matrix",
    arity=(1, 1),
    shape=_number("det"),
    kernel=_of_matrices(_determinant_of),
    sizes=_of_matrices(_size_of_terms),
    pullback=lambda i, g, p: g * cofactors(p.arguments[0]),
    element=_determinant_element,
    words=Words(
        "the determinant",
        "Take the determinant.",
        "The derivative of det A is the matrix of its cofactors: det A times the transposed inverse, where there is one.",
    ),
    notation=Function("det", r"\det"),
)


def _log_of_determinant(xp: Namespace, a: AnyArray) -> AnyArray:
    return xp.log(_determinant_of(xp, a))


logdet: Operation = Operation(
    name="logdet",
    family="matrix",
    arity=(1, 1),
    shape=_number("logdet"),
    kernel=_of_matrices(_log_of_determinant),
    pullback=lambda i, g, p: g * inv(p.arguments[0]).T,
    words=Words(
        "the logarithm of the determinant",
        "Take the natural logarithm of the determinant.",
        "The derivative of ln det A is the transposed inverse of A.",
    ),
    notation=As(lambda a: log(det(a))),
    logarithm=True,
    spellings=("log_det",),
    domain=(
        Domain(
            0,
            _positive,
            "a matrix whose determinant is positive",
            otherwise="one whose determinant is 0 or negative",
        ),
    ),
)

OPERATIONS: tuple[Operation, ...] = (trace, inv, det, logdet, on_diagonal, cofactors)
