"""Products of vectors, matrices and stacks of matrices: @, dot, outer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handgrad.arrays import Namespace
from handgrad.expression import ZERO, Call, Expression, Shape
from handgrad.notation import As, MatrixProduct
from handgrad.operations.operation import (
    Application,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
)
from handgrad.operations.stacks import (
    product_kernel,
    product_pullback,
    product_shape,
    product_terms,
    stacked,
)
from handgrad.operations.words import Words


def _size(shape: Shape) -> str:
    return f"{shape[0]}×{shape[1]}" if len(shape) == 2 else str(shape[0])


def _has(shape: Shape) -> str:
    if not shape:
        return "a scalar"
    return (
        f"{_size(shape)}"
        if len(shape) == 2
        else f"{shape[0]} {'entry' if shape[0] == 1 else 'entries'}"
    )


def _matmul_shape(shapes: Sequence[Shape], _: Options) -> Shape:
    a, b = shapes
    if not a or not b:
        raise Misfit(
            "@ needs vectors or matrices, and one side is a scalar",
            "write * for a product with a scalar",
        )
    if stacked(shapes):
        return product_shape(shapes)
    if a[-1] != b[0]:
        left = "is " + _size(a) if len(a) == 2 else "has " + _has(a)
        right = "is " + _size(b) if len(b) == 2 else "has " + _has(b)
        rows = "rows" if len(b) == 2 else "entries"
        columns = "columns" if len(a) == 2 else "entries"
        mend = ""
        if len(a) == 2 and a[0] == b[0]:
            mend = "did you mean {0}.T?"
        elif len(b) == 2 and a[-1] == b[1]:
            mend = "did you mean {1}.T?"
        raise Misfit(
            f"{{0}} {left} but {{1}} {right}: the {columns} of {{0}} must match the {rows} of {{1}}",
            mend,
        )
    return a[:-1] + b[1:]


def _matmul_kernel(s: Signature) -> Kernel:
    if stacked(s.shapes):
        return product_kernel(s)
    (a_shape, b_shape), (a_batched, b_batched) = s.shapes, s.batched
    if not a_batched and (not b_batched or (len(a_shape) == 2 and len(b_shape) == 1)):
        return lambda xp, a, b: xp.matmul(a, b)
    if not b_batched and len(a_shape) == 1:
        turned = len(b_shape) == 2
        return lambda xp, a, b: xp.matmul(b.T if turned else b, a)
    if not a_batched and len(a_shape) == 2:
        return lambda xp, a, b: xp.tensordot(a, b, axes=1)
    left = ("ij" if len(a_shape) == 2 else "j") + ("n" if a_batched else "")
    right = ("jk" if len(b_shape) == 2 else "j") + ("n" if b_batched else "")
    out = ("i" if len(a_shape) == 2 else "") + ("k" if len(b_shape) == 2 else "") + "n"
    return lambda xp, a, b: xp.einsum(f"{left},{right}->{out}", a, b)


def _matmul_pullback(i: int, g: Expression, p: Application) -> Expression:
    if stacked(p.shapes):
        return product_pullback(i, g, p)
    a, b = p.arguments
    match len(p.shapes[0]), len(p.shapes[1]):
        case 1, 1:
            return g * b if i == 0 else g * a
        case 2, 1:
            return outer(g, b) if i == 0 else a.T @ g
        case 1, 2:
            return b @ g if i == 0 else outer(a, g)
        case _:
            return g @ b.T if i == 0 else a.T @ g


def sum_of(terms: Sequence[Expression]) -> Expression:
    """The terms added up; 0 where there are none."""
    total: Expression = terms[0] if terms else ZERO
    for term in terms[1:]:
        total = total + term
    return total


def _matmul_element(index: tuple[int, ...], p: Application) -> Expression:
    if stacked(p.shapes):
        return sum_of(product_terms(index, p))
    a, b = p.arguments
    row = index[: len(p.shapes[0]) - 1]
    column = index[len(p.shapes[0]) - 1 :]
    return sum_of([a.entry((*row, k)) * b.entry((k, *column)) for k in range(p.shapes[1][0])])


matmul = Operation(
    name="matmul",
    family="linear",
    arity=(2, 2),
    keeps_positive=True,
    shape=_matmul_shape,
    kernel=_matmul_kernel,
    pullback=_matmul_pullback,
    element=_matmul_element,
    spellings=("mm", "mv", "bmm"),
    words=Words(
        "the matrix product",
        "Multiply: each unit takes the weighted sum of its inputs.",
        "The left factor's gradient is the incoming gradient times the right factor transposed; the right factor's is the left factor transposed times the incoming gradient.",
        by_argument=(
            "The left factor's gradient is the incoming gradient times the right factor transposed.",
            "The right factor's gradient is the left factor transposed times the incoming gradient.",
        ),
        weighted="Multiply by the weights and add up.",
        biased="Each unit adds up its weighted inputs and its bias.",
        unweighted="Multiply the two matrices: each entry is a row times a column.",
        of_vector="Multiply the matrix and the vector: each entry is a sum of products.",
        of_stacks="Multiply the stacks matrix by matrix: each entry is a row times a column.",
    ),
    notation=MatrixProduct(),
    sizes=_matmul_kernel,
    of_vectors="dot",
)


def _vectors(shapes: Sequence[Shape], name: str) -> None:
    for shape in shapes:
        if len(shape) != 1:
            raise Misfit(
                f"{name} takes two vectors, and one argument is {describe(shape)}",
                "write A @ B for matrices",
            )


def _dot_shape(shapes: Sequence[Shape], _: Options) -> Shape:
    _vectors(shapes, "dot")
    if shapes[0] != shapes[1]:
        raise Misfit(
            f"dot takes vectors of the same length, and these have {shapes[0][0]} and {shapes[1][0]} entries"
        )
    return ()


dot = Operation(
    name="dot",
    family="linear",
    arity=(2, 2),
    keeps_positive=True,
    shape=_dot_shape,
    kernel=_matmul_kernel,
    pullback=lambda i, g, p: g * p.arguments[1 - i],
    element=_matmul_element,
    of_libraries="matmul",  # NumPy's and PyTorch's take matrices too
    words=Words(
        "the dot product",
        "Multiply entry by entry and add up.",
        "Each vector's gradient is the incoming gradient times the other vector.",
    ),
    notation=As(lambda a, b: Call("matmul", (a.T, b))),
    sizes=_matmul_kernel,
    commutative=True,
)


def _outer_shape(shapes: Sequence[Shape], _: Options) -> Shape:
    _vectors(shapes, "outer")
    return (shapes[0][0], shapes[1][0])


def _outer_kernel(s: Signature) -> Kernel:
    batched = any(s.batched)

    def outer_product(xp: Namespace, a: Any, b: Any) -> Any:
        if not batched:
            return a[:, None] * b[None, :]
        a = a if s.batched[0] else a[:, None]
        b = b if s.batched[1] else b[:, None]
        return a[:, None, :] * b[None, :, :]

    return outer_product


outer = Operation(
    name="outer",
    family="linear",
    arity=(2, 2),
    keeps_positive=True,
    shape=_outer_shape,
    kernel=_outer_kernel,
    pullback=lambda i, g, p: g @ p.arguments[1] if i == 0 else g.T @ p.arguments[0],
    element=lambda index, p: p.arguments[0].entry(index[:1]) * p.arguments[1].entry(index[1:]),
    spellings=("ger",),
    words=Words(
        "the outer product",
        "Multiply every entry of one vector by every entry of the other.",
        "Multiply the gradient by the other vector.",
    ),
    notation=As(lambda a, b: Call("matmul", (a, b.T))),
    over_cases=lambda a, b: a @ b.T,
)

OPERATIONS: tuple[Operation, ...] = (matmul, dot, outer)
