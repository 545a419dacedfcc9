"""Products and shapes of vectors and matrices: @, .T, dot, outer, indexing, joining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handgrad.expression import ZERO, Call, Expression, Index, Option, Shape, Slice, shape_of
from handgrad.notation import As, Function, MatrixProduct, Subscript, Transposition, Unwritten
from handgrad.operations.operation import (
    Application,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
    entry,
    normal_axes,
    same_entry,
)


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
    if len(a) > 2 or len(b) > 2:
        raise Misfit("@ takes vectors and matrices only", "index the array down to a matrix")
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
    (a_shape, b_shape), (a_cased, b_cased) = s.shapes, s.cased
    if not a_cased and (not b_cased or (len(a_shape) == 2 and len(b_shape) == 1)):
        return lambda xp, a, b: xp.matmul(a, b)
    if not b_cased and len(a_shape) == 1:
        return lambda xp, a, b: xp.matmul(b.T, a)
    if not a_cased and len(a_shape) == 2:
        return lambda xp, a, b: xp.tensordot(a, b, 1)
    left = ("ij" if len(a_shape) == 2 else "j") + ("n" if a_cased else "")
    right = ("jk" if len(b_shape) == 2 else "j") + ("n" if b_cased else "")
    out = ("i" if len(a_shape) == 2 else "") + ("k" if len(b_shape) == 2 else "") + "n"
    return lambda xp, a, b: xp.einsum(f"{left},{right}->{out}", a, b)


def _matmul_pullback(i: int, g: Expression, p: Application) -> Expression:
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


def _sum_of(terms: Sequence[Expression]) -> Expression:
    total: Expression = terms[0] if terms else ZERO
    for term in terms[1:]:
        total = total + term
    return total


def _matmul_element(index: tuple[int, ...], p: Application) -> Expression:
    a, b = p.arguments
    row = index[: len(p.shapes[0]) - 1]
    column = index[len(p.shapes[0]) - 1 :]
    return _sum_of([entry(a, (*row, k)) * entry(b, (k, *column)) for k in range(p.shapes[1][0])])


matmul = Operation(
    name="matmul",
    family="linear",
    arity=(2, 2),
    shape=_matmul_shape,
    kernel=_matmul_kernel,
    pullback=_matmul_pullback,
    element=_matmul_element,
    notation=MatrixProduct(),
)


def _transpose_kernel(s: Signature) -> Kernel:
    rank = len(s.shapes[0])
    if rank < 2:
        return lambda xp, a: a
    axes = (*reversed(range(rank)), rank) if s.cased[0] else tuple(reversed(range(rank)))
    return lambda xp, a: xp.permute_dims(a, axes)


def _simplify_transpose(call: Call) -> Expression | None:
    inner = call.arguments[0]
    return (
        inner.arguments[0] if isinstance(inner, Call) and inner.operation == "transpose" else None
    )


transpose = Operation(
    name="transpose",
    family="structure",
    arity=(1, 1),
    shape=lambda shapes, _: tuple(reversed(shapes[0])),
    kernel=_transpose_kernel,
    pullback=lambda i, g, p: g.T if len(p.shapes[0]) > 1 else g,
    element=lambda index, p: entry(p.arguments[0], tuple(reversed(index))),
    notation=Transposition(),
    simplify=_simplify_transpose,
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
    shape=_dot_shape,
    kernel=_matmul_kernel,
    pullback=lambda i, g, p: g * p.arguments[1 - i],
    element=_matmul_element,
    notation=As(lambda a, b: Call("matmul", (a.T, b))),
    commutative=True,
)


def _outer_shape(shapes: Sequence[Shape], _: Options) -> Shape:
    _vectors(shapes, "outer")
    return (shapes[0][0], shapes[1][0])


def _outer_kernel(s: Signature) -> Kernel:
    cased = any(s.cased)

    def outer_product(xp: Any, a: Any, b: Any) -> Any:
        if not cased:
            return a[:, None] * b[None, :]
        a = a if s.cased[0] else a[:, None]
        b = b if s.cased[1] else b[:, None]
        return a[:, None, :] * b[None, :, :]

    return outer_product


def _outer_over_cases(s: Signature) -> Kernel | None:
    """The sum over the cases of a bᵀ is one matrix product of the matrices of cases."""
    return (lambda xp, a, b: xp.matmul(a, b.T)) if all(s.cased) else None


outer = Operation(
    name="outer",
    family="linear",
    arity=(2, 2),
    shape=_outer_shape,
    kernel=_outer_kernel,
    pullback=lambda i, g, p: g @ p.arguments[1] if i == 0 else g.T @ p.arguments[0],
    element=lambda index, p: entry(p.arguments[0], index[:1]) * entry(p.arguments[1], index[1:]),
    notation=As(lambda a, b: Call("matmul", (a, b.T))),
    over_cases=_outer_over_cases,
)


def _index(options: Options) -> tuple[Index, ...]:
    at = options["at"]
    assert isinstance(at, tuple)
    return at


def _picked(options: Options) -> tuple[int | slice, ...]:
    """The index as arrays take it."""
    return tuple(
        slice(i.start, i.stop, i.step) if isinstance(i, Slice) else i for i in _index(options)
    )


def _index_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    (shape,), at = shapes, _index(options)
    if len(at) > len(shape):
        raise Misfit(
            f"{{0}} is {describe(shape)} and cannot take {len(at)} {'index' if len(at) == 1 else 'indices'}"
        )
    result: list[int] = []
    for axis, length in enumerate(shape):
        index = at[axis] if axis < len(at) else Slice()
        if isinstance(index, Slice):
            count = len(index.positions(length))
            if count == 0:
                raise Misfit(f"the slice leaves nothing of axis {axis}, which has {length} entries")
            result.append(count)
        elif not -length <= index < length:
            raise Misfit(
                f"index {index} is outside axis {axis} of {{0}}, which is {describe(shape)}",
                f"indices count from 0 to {length - 1}",
            )
    return tuple(result)


def _index_kernel(s: Signature) -> Kernel:
    at = _picked(s.options)
    return lambda xp, a: a[at]


def _positions(at: tuple[Index, ...], shape: Shape, index: tuple[int, ...]) -> tuple[int, ...]:
    """The entry of the whole array that entry `index` of the indexed one is."""
    rest = iter(index)
    where: list[int] = []
    for axis, length in enumerate(shape):
        chosen = at[axis] if axis < len(at) else Slice()
        where.append(
            chosen.positions(length)[next(rest)] if isinstance(chosen, Slice) else chosen % length
        )
    return tuple(where)


def _index_pullback(i: int, g: Expression, p: Application) -> Expression:
    return place(g, shape=p.shapes[0], at=_index(p.options))


index = Operation(
    name="index",
    family="structure",
    arity=(1, 1),
    shape=_index_shape,
    kernel=_index_kernel,
    pullback=_index_pullback,
    element=lambda index, p: entry(
        p.arguments[0], _positions(_index(p.options), p.shapes[0], index)
    ),
    notation=Subscript(),
    options={"at": ()},
)


def _shape_option(options: Options) -> Shape:
    shape = options["shape"]
    assert isinstance(shape, tuple)
    return tuple(int(n) for n in shape if isinstance(n, int))


def _place_kernel(s: Signature) -> Kernel:
    shape, at, cased = s.out, _picked(s.options), s.cased[0]

    def placed(xp: Any, g: Any) -> Any:
        whole = xp.zeros((*shape, g.shape[-1]) if cased else shape, dtype=g.dtype)
        if hasattr(whole, "at"):
            return whole.at[at].set(g)  # JAX's arrays do not change
        whole[at] = g
        return whole

    return placed


def _place_element(entry_index: tuple[int, ...], p: Application) -> Expression:
    inner: list[int] = []
    at = _index(p.options)
    for axis, (i, length) in enumerate(zip(entry_index, p.signature.out, strict=True)):
        chosen = at[axis] if axis < len(at) else Slice()
        if isinstance(chosen, Slice):
            positions = chosen.positions(length)
            if i not in positions:
                return ZERO
            inner.append(positions.index(i))
        elif i != chosen % length:
            return ZERO
    return entry(p.arguments[0], tuple(inner))


place = Operation(
    name="place",
    family="helper",
    arity=(1, 1),
    shape=lambda shapes, options: _shape_option(options),
    kernel=_place_kernel,
    pullback=lambda i, g, p: Call("index", (g,), (("at", _index(p.options)),)),
    element=_place_element,
    notation=Function("place", r"\operatorname{place}"),
    options={"shape": (), "at": ()},
)
"""Zeros of a shape with g at the indexed entries: indexing, backwards."""


def _concat_axis(options: Options, rank: int) -> int:
    return normal_axes(options["axis"], rank)[0]


def _concat_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    rank = len(shapes[0])
    if any(len(s) != rank for s in shapes) or rank == 0:
        raise Misfit(
            f"concat takes arrays with the same number of axes, and was given {', '.join(describe(s) for s in shapes)}"
        )
    axis = _concat_axis(options, rank)
    if len({s[:axis] + s[axis + 1 :] for s in shapes}) > 1:
        raise Misfit(
            f"concat along axis {axis} needs equal lengths on the other axes, and was given "
            + ", ".join(describe(s) for s in shapes)
        )
    return (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :])


def _concat_kernel(s: Signature) -> Kernel:
    axis, cased = _concat_axis(s.options, len(s.out)), s.cased

    def joined(xp: Any, *arrays: Any) -> Any:
        if any(cased):
            count = next(a.shape[-1] for a, c in zip(arrays, cased, strict=True) if c)
            arrays = tuple(
                a if c else xp.broadcast_to(a[..., None], (*a.shape, count))
                for a, c in zip(arrays, cased, strict=True)
            )
        return xp.concat(arrays, axis=axis)

    return joined


def _concat_pullback(i: int, g: Expression, p: Application) -> Expression:
    axis = _concat_axis(p.options, len(p.signature.out))
    start = sum(s[axis] for s in p.shapes[:i])
    at: tuple[Index, ...] = (*[Slice()] * axis, Slice(start, start + p.shapes[i][axis]))
    return Call("index", (g,), (("at", at),))


def _concat_element(index: tuple[int, ...], p: Application) -> Expression:
    axis = _concat_axis(p.options, len(p.signature.out))
    position = index[axis]
    for argument, shape in zip(p.arguments, p.shapes, strict=True):
        if position < shape[axis]:
            return entry(argument, (*index[:axis], position, *index[axis + 1 :]))
        position -= shape[axis]
    raise IndexError(index)


concat = Operation(
    name="concat",
    family="structure",
    arity=(1, None),
    shape=_concat_shape,
    kernel=_concat_kernel,
    pullback=_concat_pullback,
    element=_concat_element,
    notation=Function("concat", r"\operatorname{concat}"),
    options={"axis": 0},
)


def _fill_axes(shape: Shape, given: Option, out: Shape) -> tuple[int, ...]:
    """The axes of `out` that a value of `shape` lacks; the leading ones where none are named."""
    if len(shape) == len(out):
        return ()
    return (
        normal_axes(given, len(out)) if given is not None else tuple(range(len(out) - len(shape)))
    )


def _fill_kernel(s: Signature) -> Kernel:
    shape, cased = s.out, s.cased[0]
    axes = _fill_axes(s.shapes[0], s.options["axis"], shape)

    def filled(xp: Any, g: Any) -> Any:
        g = xp.asarray(g)
        for axis in axes:
            g = xp.expand_dims(g, axis=axis)
        return xp.broadcast_to(g, (*shape, g.shape[-1]) if cased else shape)

    return filled


def _fill_element(index: tuple[int, ...], p: Application) -> Expression:
    axes = _fill_axes(p.shapes[0], p.options["axis"], p.signature.out)
    kept = tuple(i for k, i in enumerate(index) if k not in axes)
    return entry(p.arguments[0], same_entry(kept, p.shapes[0]))


def _fill_pullback(i: int, g: Expression, p: Application) -> Expression:
    axes = _fill_axes(p.shapes[0], p.options["axis"], p.signature.out)
    kept = Call("sum", (g,), (("axis", axes),)) if axes else g
    return Call("sum_to", (kept,), (("shape", p.shapes[0]),))


fill = Operation(
    name="fill",
    family="helper",
    arity=(1, 1),
    shape=lambda shapes, options: _shape_option(options),
    kernel=_fill_kernel,
    pullback=_fill_pullback,
    element=_fill_element,
    notation=Unwritten(),
    options={"shape": (), "axis": None},
    simplify=lambda call: call.arguments[0] if shape_of(call.arguments[0]) == call.shape else None,
)
"""A value repeated to a shape: what summing does, backwards. `axis` names the axes it lacks."""

OPERATIONS: tuple[Operation, ...] = (matmul, transpose, dot, outer, index, concat, place, fill)
