"""Shapes of arrays: .T, indexing, joining, reshaping, and repeating a value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import ZERO, Call, Expression, Index, Option, Shape, Slice
from handgrad.notation import Function, Subscript, Transposition, Unwritten
from handgrad.operations.operation import (
    Application,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
    normal_axes,
    same_entry,
)
from handgrad.operations.words import Words


def _transpose_kernel(s: Signature) -> Kernel:
    rank = len(s.shapes[0])
    if rank < 2:
        return lambda xp, a: a
    axes = (*reversed(range(rank)), rank) if s.batched[0] else tuple(reversed(range(rank)))
    return lambda xp, a: xp.permute_dims(a, axes)


def _simplify_transpose(call: Call) -> Expression | None:
    inner = call.arguments[0]
    match inner:
        case Call(operation="transpose"):
            return inner.arguments[0]
        case Call(operation="outer", arguments=(a, b)):
            return Call("outer", (b, a))
        case Call(
            operation="matmul", arguments=(Call(operation="transpose", arguments=(a,)), b)
        ) if len(a.shape or ()) == len(b.shape or ()) == 2:
            # (aᵀ b)ᵀ is bᵀ a.
            return Call("matmul", (Call("transpose", (b,)), a))
        case _:
            return None


transpose = Operation(
    name="transpose",
    family="structure",
    arity=(1, 1),
    shape=lambda shapes, _: tuple(reversed(shapes[0])),
    kernel=_transpose_kernel,
    pullback=lambda i, g, p: g.T if len(p.shapes[0]) > 1 else g,
    element=lambda index, p: p.arguments[0].entry(tuple(reversed(index))),
    spellings=("t",),
    positional=("axes",),
    with_options="permute",
    words=Words("the transpose", "Turn rows into columns.", "The gradient is transposed back."),
    notation=Transposition(),
    carries=(0,),
    simplify=_simplify_transpose,
)


def _last_two_turned(shapes: Sequence[Shape], _: Options) -> Shape:
    (shape,) = shapes
    if len(shape) < 2:
        raise Misfit(
            f".mT transposes matrices, and {{0}} is {describe(shape)}",
            "write .T: of a vector or a number it is the same",
        )
    return (*shape[:-2], shape[-1], shape[-2])


def _last_two_kernel(s: Signature) -> Kernel:
    rank = len(s.shapes[0])
    axes = (*range(rank - 2), rank - 1, rank - 2, *([rank] if s.batched[0] else []))
    return lambda xp, a: xp.permute_dims(a, axes)


def _simplify_last_two(call: Call) -> Expression | None:
    (inner,) = call.arguments
    if isinstance(inner, Call) and inner.operation == matrix_transpose.name:
        return inner.arguments[0]
    return inner.T if inner.shape is not None and len(inner.shape) == 2 else None


matrix_transpose: Operation = Operation(
    name="matrix_transpose",
    family="structure",
    arity=(1, 1),
    shape=_last_two_turned,
    kernel=_last_two_kernel,
    pullback=lambda i, g, p: g.mT,
    element=lambda index, p: p.arguments[0].entry((*index[:-2], index[-1], index[-2])),
    spellings=("mT",),
    words=Words(
        "the transpose",
        "Turn the rows of each matrix into columns.",
        "The gradient is transposed back, matrix by matrix.",
    ),
    notation=Transposition(),
    carries=(0,),
    simplify=_simplify_last_two,
)
"""Each matrix of a stack transposed: the last two axes change places."""


def _index(options: Options) -> tuple[Index, ...]:
    at = options["at"]
    if isinstance(at, int) and not isinstance(at, bool):
        return (at,)
    if not isinstance(at, tuple):
        raise Misfit("at= must be whole numbers", "write at=0, at=(0, 1), or x[0, 1] for it")
    return at


def _picked(options: Options, shape: Shape) -> tuple[tuple[int | slice, ...], tuple[int, ...]]:
    """The index as every library's arrays take it, forwards, and the axes of the result to turn round."""
    at: list[int | slice] = []
    backwards: list[int] = []
    left = 0
    for chosen, length in zip(_index(options), shape, strict=False):
        if isinstance(chosen, Slice):
            where = chosen.positions(length)
            if where.step < 0:
                backwards.append(left)
                at.append(slice(where[-1], where[0] + 1, -where.step))
            else:
                at.append(slice(chosen.start, chosen.stop, chosen.step))
            left += 1
        else:
            at.append(chosen)
    return tuple(at), tuple(backwards)


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
    at, backwards = _picked(s.options, s.shapes[0])
    if backwards:
        return lambda xp, a: xp.flip(a[at], axis=backwards)
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
    element=lambda index, p: p.arguments[0].entry(
        _positions(_index(p.options), p.shapes[0], index)
    ),
    words=Words(
        "the entry",
        "Pick out entries.",
        "The gradient goes to the entries that were picked; the others get 0.",
    ),
    notation=Subscript(),
    options={"at": ()},
    carries=(0,),
)


def _shape_option(options: Options) -> Shape:
    """The lengths that `shape=` gives; a single number is the length of a vector. Raises `Misfit`."""
    given = options["shape"]
    lengths = given if isinstance(given, tuple) else (given,)
    shape = tuple(n for n in lengths if isinstance(n, int) and not isinstance(n, bool))
    if len(shape) < len(lengths):
        raise Misfit("shape must be whole numbers", "write shape=4, shape=(2, 2) or shape=-1")
    return shape


def _place_kernel(s: Signature) -> Kernel:
    shape, (at, backwards), batched = s.out, _picked(s.options, s.out), s.batched[0]

    def put(xp: Namespace, g: AnyArray) -> AnyArray:
        turned = xp.flip(g, axis=backwards) if backwards else g
        return placed(xp, turned, (*shape, g.shape[-1]) if batched else shape, at)

    return put


def placed(
    xp: Namespace, g: AnyArray, shape: Shape, at: tuple[int | slice, ...], around: float = 0.0
) -> AnyArray:
    """Zeros of `shape`, or what else is `around`, with g at the indexed entries."""
    if not hasattr(g, "dtype"):
        g = xp.asarray(g)  # a single number of another kind is not yet an array
    whole: Any = xp.zeros(shape, dtype=g.dtype)
    if around and math.isfinite(around):
        whole = whole + around  # a number of the same kind as the others
    elif around:
        whole = whole.at[...].set(around) if hasattr(whole, "at") else _filled(whole, around)
    if hasattr(whole, "at"):
        # JAX's arrays do not change.
        whole = whole.at[at].set(g)
    else:
        # With the ellipsis an entry is filled with g's number, where an array of objects would hold g itself.
        whole[(*at, ...)] = g
    return cast(AnyArray, whole)


def _filled(whole: Any, number: float) -> Any:
    whole[...] = number
    return whole


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
    return p.arguments[0].entry(tuple(inner))


place = Operation(
    name="place",
    family="helper",
    arity=(1, 1),
    shape=lambda shapes, options: _shape_option(options),
    kernel=_place_kernel,
    pullback=lambda i, g, p: Call("index", (g,), (("at", _index(p.options)),)),
    element=_place_element,
    words=Words(
        "the placement",
        "Zeros of a shape with g at the indexed entries: indexing, backwards.",
        defined="place(G) has G at the entries that were taken, and zeros elsewhere.",
    ),
    notation=Function("place", r"\operatorname{place}"),
    options={"shape": (), "at": ()},
)


def _concat_axis(options: Options, rank: int) -> int:
    axes = normal_axes(options["axis"], rank)
    if len(axes) != 1:
        raise Misfit("concat joins along one axis", "write axis=0 or axis=1")
    return axes[0]


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
    axis, batched = _concat_axis(s.options, len(s.out)), s.batched

    return lambda xp, *arrays: xp.concat(with_cases(xp, arrays, batched), axis=axis)


def with_cases(
    xp: Namespace, arrays: Sequence[Any], batched: tuple[bool, ...]
) -> tuple[AnyArray, ...]:
    """Arrays that are joined, the axis of cases on all of them where any has it."""
    whole = [a if hasattr(a, "shape") else xp.asarray(a) for a in arrays]
    if not any(batched):
        return tuple(whole)
    count = next(a.shape[-1] for a, c in zip(whole, batched, strict=True) if c)
    return tuple(
        a if c else xp.broadcast_to(a[..., None], (*a.shape, count))
        for a, c in zip(whole, batched, strict=True)
    )


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
            return argument.entry((*index[:axis], position, *index[axis + 1 :]))
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
    spellings=("cat", "concatenate"),
    words=Words(
        "the concatenation",
        "Put the parts one after another.",
        "The gradient is cut into the same parts.",
    ),
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
    shape, batched = s.out, s.batched[0]
    axes = _fill_axes(s.shapes[0], s.options["axis"], shape)

    def filled(xp: Namespace, g: Any) -> Any:
        g = xp.asarray(g)
        for axis in axes:
            g = xp.expand_dims(g, axis=axis)
        return xp.broadcast_to(g, (*shape, g.shape[-1]) if batched else shape)

    return filled


def _fill_element(index: tuple[int, ...], p: Application) -> Expression:
    axes = _fill_axes(p.shapes[0], p.options["axis"], p.signature.out)
    kept = tuple(i for k, i in enumerate(index) if k not in axes)
    return p.arguments[0].entry(same_entry(kept, p.shapes[0]))


def _fill_pullback(i: int, g: Expression, p: Application) -> Expression:
    axes = _fill_axes(p.shapes[0], p.options["axis"], p.signature.out)
    kept = Call("sum", (g,), (("axis", axes),)) if axes else g
    return Call("sum_to", (kept,), (("shape", p.shapes[0]),))


def _simplify_fill(call: Call) -> Expression | None:
    (inner,) = call.arguments
    if inner.shape == call.shape:
        return inner
    if isinstance(inner, Call) and inner.operation == fill.name and not inner.arguments[0].shape:
        return fill(inner.arguments[0], shape=call.option("shape"))
    return None


fill = Operation(
    name="fill",
    family="helper",
    arity=(1, 1),
    shape=lambda shapes, options: _shape_option(options),
    kernel=_fill_kernel,
    pullback=_fill_pullback,
    element=_fill_element,
    words=Words("the repetition", "A value repeated to a shape: what summing does, backwards."),
    notation=Unwritten(),
    options={"shape": (), "axis": None},
    simplify=_simplify_fill,
)
"""A value repeated to a shape: what summing does, backwards. `axis` names the axes it lacks."""


def _reshaped(shapes: Sequence[Shape], options: Options) -> Shape:
    given, count = _shape_option(options), math.prod(shapes[0])
    fixed = math.prod(n for n in given if n != -1)
    wanted = given
    if given.count(-1) == 1 and fixed and count % fixed == 0:
        wanted = tuple(count // fixed if n == -1 else n for n in given)
    if math.prod(wanted) != count or any(n < 1 for n in wanted):
        what = f"{{0}} is {describe(shapes[0])}, which does not fill the shape {given}"
        if given.count(-1) > 1:
            what = f"only one length of shape={given} can be worked out from the others"
        raise Misfit(
            what,
            f"its {count} {'entry needs' if count == 1 else 'entries need'} a shape of as many, "
            f"such as shape={count}",
        )
    return wanted


def _reshape_kernel(s: Signature) -> Kernel:
    shape, batched = s.out, s.batched[0]
    return lambda xp, a: xp.reshape(a, (*shape, a.shape[-1]) if batched else shape)


def reshape_element(index: tuple[int, ...], p: Application) -> Expression:
    """Entry `index` of the same entries in another shape, row after row."""
    position = 0
    for i, length in zip(index, p.signature.out, strict=True):
        position = position * length + i
    where: list[int] = []
    for length in reversed(p.shapes[0]):
        position, i = divmod(position, length)
        where.insert(0, i)
    return p.arguments[0].entry(tuple(where))


reshape: Operation = Operation(
    name="reshape",
    family="structure",
    arity=(1, 1),
    shape=_reshaped,
    kernel=_reshape_kernel,
    pullback=lambda i, g, p: reshape(g, shape=p.shapes[0]),
    element=reshape_element,
    spellings=("view",),
    words=Words(
        "the reshape",
        "Put the same entries into another shape, row after row.",
        "The gradient is put back into the shape that the entries came from.",
    ),
    notation=Function("reshape", r"\operatorname{reshape}", shown=("shape",)),
    options={"shape": ()},
    carries=(0,),
    positional=("shape",),
    simplify=lambda call: call.arguments[0] if call.arguments[0].shape == call.shape else None,
)
"""The same entries in another shape, row after row; one length may be −1, for what is left."""

OPERATIONS: tuple[Operation, ...] = (
    transpose,
    matrix_transpose,
    index,
    concat,
    place,
    fill,
    reshape,
)
