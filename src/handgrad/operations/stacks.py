"""Products of stacks of matrices: the last two axes are the matrices', those before count the stack.

The axes before broadcast, so that one matrix multiplies each of a stack; a vector is a row on the left
and a column on the right, as in NumPy and PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handgrad.arrays import Namespace
from handgrad.expression import Call, Expression, Shape
from handgrad.operations.operation import (
    Application,
    Kernel,
    Misfit,
    Signature,
    broadcast,
    describe,
    reduced_to,
    same_entry,
)

LETTERS = "abcdefgh"
"""What the axes of the stack are called in an einsum; i, j and k are the matrices', n the cases'."""


def stacked(shapes: Sequence[Shape]) -> bool:
    """Whether one side of a product has more axes than a matrix."""
    return any(len(shape) > 2 for shape in shapes)


def _as_matrices(a: Shape, b: Shape) -> tuple[Shape, Shape]:
    """The shapes with a vector as a row on the left, as a column on the right."""
    return ((1, *a) if len(a) == 1 else a), ((*b, 1) if len(b) == 1 else b)


def _lead(a: Shape, b: Shape) -> Shape:
    """The axes of the stack that comes out."""
    return broadcast((a[:-2], b[:-2]))


def product_shape(shapes: Sequence[Shape]) -> Shape:
    """The shape of a product in which one side is a stack; raises `Misfit`."""
    (a, b), (left, right) = shapes, _as_matrices(*shapes)
    if left[-1] != right[-2]:
        columns = "columns" if len(a) > 1 else "entries"
        rows = "rows" if len(b) > 1 else "entries"
        raise Misfit(
            f"{{0}} is {_told(a)} and {{1}} {_told(b)}: the {columns} of {{0}}, {left[-1]}, "
            f"must match the {rows} of {{1}}, {right[-2]}",
            _mend(a, b),
        )
    try:
        lead = _lead(left, right)
    except Misfit:
        raise Misfit(
            f"{{0}} is {_told(a)} and {{1}} {_told(b)}: they are multiplied matrix by matrix, "
            f"and the axes before the matrices, {_lengths(a[:-2])} and {_lengths(b[:-2])}, do not broadcast",
            "these axes must be equal or 1; a single matrix multiplies each of a stack",
        ) from None
    rows_out = left[-2:-1] if len(a) > 1 else ()
    return (*lead, *rows_out, *(right[-1:] if len(b) > 1 else ()))


def _told(shape: Shape) -> str:
    if len(shape) < 3:
        return describe(shape)
    return f"a stack of {_lengths(shape[-2:])} matrices ({_lengths(shape)})"


def _lengths(shape: Shape) -> str:
    return "×".join(map(str, shape))


def _mend(a: Shape, b: Shape) -> str:
    for position, shape in ((1, b), (0, a)):
        turned = (*shape[:-2], *shape[:-3:-1])
        other = a if position else b
        pair = (other, turned) if position else (turned, other)
        if len(shape) > 1 and _fit(*pair):
            # Of a matrix the two are the same.
            return f"did you mean {{{position}}}.{'mT' if len(shape) > 2 else 'T'}?"
    return ".mT transposes each matrix of a stack; .T turns the order of all axes"


def _fit(a: Shape, b: Shape) -> bool:
    try:
        left, right = _as_matrices(a, b)
        _lead(left, right)
    except Misfit:
        return False
    return left[-1] == right[-2]


def product_kernel(s: Signature) -> Kernel:
    """Matrix by matrix; the cases, on the last axis, are one more axis of the stack."""
    if not any(s.batched):
        return lambda xp, a, b: xp.matmul(a, b)
    a_shape, b_shape = s.shapes
    left, right = _as_matrices(a_shape, b_shape)
    lead = _lead(left, right)
    spelled: list[str] = []
    cuts: list[tuple[Any, ...]] = []
    for shape, own, batched in (
        (a_shape, "ij" if len(a_shape) > 1 else "j", s.batched[0]),
        (b_shape, "jk" if len(b_shape) > 1 else "j", s.batched[1]),
    ):
        lengths = shape[:-2]
        letters = LETTERS[len(lead) - len(lengths) : len(lead)]
        out = lead[len(lead) - len(lengths) :]
        # An axis of one that is repeated has no letter.
        repeated = [n == 1 and m > 1 for n, m in zip(lengths, out, strict=True)]
        cuts.append(tuple(0 if r else slice(None) for r in repeated) if any(repeated) else ())
        kept = "".join(x for x, r in zip(letters, repeated, strict=True) if not r)
        spelled.append(kept + own + ("n" if batched else ""))
    result = LETTERS[: len(lead)]
    result += ("i" if len(a_shape) > 1 else "") + ("k" if len(b_shape) > 1 else "") + "n"
    subscripts = f"{spelled[0]},{spelled[1]}->{result}"

    def multiplied(xp: Namespace, a: Any, b: Any) -> Any:
        a, b = (e[cut] if cut else e for e, cut in zip((a, b), cuts, strict=True))
        return xp.einsum(subscripts, a, b)

    return multiplied


def product_pullback(i: int, g: Expression, p: Application) -> Expression:
    """As of two matrices, summed over the axes along which a factor was repeated."""
    a, b = p.arguments
    if 1 in map(len, p.shapes):
        return _of_vector(i, g, p)
    gradient = g @ _turned(b, p.shapes[1]) if i == 0 else _turned(a, p.shapes[0]) @ g
    lead = _lead(*p.shapes)
    return reduced_to(gradient, p.shapes[i], (*lead, *p.shapes[i][-2:]))


def _turned(e: Expression, shape: Shape) -> Expression:
    """Each matrix transposed."""
    return e.T if len(shape) == 2 else e.mT


def _of_vector(i: int, g: Expression, p: Application) -> Expression:
    """Of a stack and a vector: by letters, as no product of matrices says which axes meet."""
    lead = LETTERS[: max(map(len, p.shapes)) - 2]
    left, right = ("j", f"{lead}jk") if len(p.shapes[0]) == 1 else (f"{lead}ij", "j")
    out = "".join(x for x in dict.fromkeys(left + right) if x != "j")
    out = lead + "".join(x for x in out if x not in lead)
    own, other = (left, right) if i == 0 else (right, left)
    return Call("einsum", (g, p.arguments[1 - i]), (("subscripts", f"{out},{other}->{own}"),))


def product_terms(index: tuple[int, ...], p: Application) -> list[Expression]:
    """The products that entry `index` of the result is the sum of."""
    (a, b), (a_shape, b_shape) = p.arguments, p.shapes
    left, right = _as_matrices(a_shape, b_shape)
    count = len(_lead(left, right))
    lead, rest = index[:count], index[count:]
    row = rest[: len(a_shape) > 1]
    column = rest[len(row) :]
    of_a, of_b = (same_entry(lead, s[:-2]) for s in (a_shape, b_shape))
    return [a.entry((*of_a, *row, k)) * b.entry((*of_b, k, *column)) for k in range(left[-1])]
