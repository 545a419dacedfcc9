"""Shapes of arrays beside .T and reshape: axes in another order, added, taken away, and arrays stacked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from handgrad.expression import Call, Expression, Index, Shape, Slice
from handgrad.notation import Function
from handgrad.operations.operation import (
    Application,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
    normal_axes,
)
from handgrad.operations.structure import reshape, reshape_element, with_cases
from handgrad.operations.words import Words

# -- the same entries, row after row ---------------------------------------------------------


def _rearranged(
    name: str,
    shape: Callable[[Sequence[Shape], Options], Shape],
    words: Words,
    **fields: Any,
) -> Operation:
    """The same entries, row after row, in the shape that `shape` gives."""

    def kernel(s: Signature) -> Kernel:
        out, many = s.out, s.batched[0]
        return lambda xp, a: xp.reshape(a, (*out, a.shape[-1]) if many else out)

    return Operation(
        name=name,
        family="structure",
        arity=(1, 1),
        shape=shape,
        kernel=kernel,
        pullback=lambda i, g, p: reshape(g, shape=p.shapes[0]),
        element=reshape_element,
        notation=Function(name, rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}"),
        words=words,
        carries=(0,),
        **fields,
    )


_BACK = "The gradient is put back into the shape that the entries came from."


flatten = _rearranged(
    "flatten",
    lambda shapes, _: (math.prod(shapes[0]),),
    Words("the flattening", "Put all entries into one vector, row after row.", _BACK),
    spellings=("ravel",),
)


def _one(options: Options, rank: int, name: str) -> int:
    """The one axis that `axis=` names. Raises `Misfit`."""
    axis = options["axis"]
    if axis is None:
        raise Misfit(f"{name} takes an axis", f"write {name}({{0}}, 0)")
    axes = normal_axes(axis, rank)
    if len(axes) != 1:
        raise Misfit(f"{name} takes one axis", f"write {name}({{0}}, 0)")
    return axes[0]


def _expanded(shapes: Sequence[Shape], options: Options) -> Shape:
    (shape,) = shapes
    axis = _one(options, len(shape) + 1, "expand_dims")
    return (*shape[:axis], 1, *shape[axis:])


def _squeezed(shapes: Sequence[Shape], options: Options) -> Shape:
    (shape,), axis = shapes, options["axis"]
    if axis is None:
        return tuple(n for n in shape if n != 1)
    axes = normal_axes(axis, len(shape))
    long = [k for k in axes if shape[k] != 1]
    if long:
        raise Misfit(
            f"axis {long[0]} of {{0}}, which is {describe(shape)}, has {shape[long[0]]} entries",
            "only an axis of length 1 can be taken away",
        )
    return tuple(n for k, n in enumerate(shape) if k not in axes)


expand_dims = _rearranged(
    "expand_dims",
    _expanded,
    Words("the array with one axis more", "Add an axis of length 1.", _BACK),
    options={"axis": 0},
    spellings=("unsqueeze",),
    positional=("axis",),
)

squeeze = _rearranged(
    "squeeze",
    _squeezed,
    Words("the array without axes of length 1", "Take away axes of length 1.", _BACK),
    options={"axis": None},
    positional=("axis",),
)

# -- axes in another order -------------------------------------------------------------------


def _whole_numbers(options: Options, name: str) -> tuple[int, ...]:
    given = options[name]
    numbers = given if isinstance(given, tuple) else (given,)
    whole = tuple(n for n in numbers if isinstance(n, int) and not isinstance(n, bool))
    if len(whole) < len(numbers):
        raise Misfit(f"{name} must be whole numbers", f"write {name}=(0, 2, 1)")
    return whole


def _order(shape: Shape, options: Options) -> tuple[int, ...]:
    """Of each axis of the result, which axis it was. Raises `Misfit`."""
    axes, rank = _whole_numbers(options, "axes"), len(shape)
    order = tuple(k % rank if rank and -rank <= k < rank else -1 for k in axes)
    if sorted(order) != list(range(rank)):
        given = ", ".join(map(str, axes))
        raise Misfit(
            f"{{0}} is {describe(shape)}, and ({given}) does not name each of its axes once",
            f"name all of them, such as {', '.join(map(str, reversed(range(rank))))}"
            if rank
            else "a scalar has no axis",
        )
    if rank == 2 and order == (0, 1):
        raise Misfit("the axes (0, 1) leave a matrix as it is", "write {0}.T for the transpose")
    return order


def _swapped(shape: Shape, options: Options) -> tuple[int, ...]:
    """The same, of two axes that change places."""
    pair = _whole_numbers(options, "axes")
    if len(pair) != 2:
        raise Misfit("swapaxes takes two axes", "write swapaxes({0}, 0, 1)")
    (a,), (b,) = (normal_axes(k, len(shape)) for k in pair)
    order = list(range(len(shape)))
    order[a], order[b] = b, a
    return tuple(order)


Order = Callable[[Shape, Options], tuple[int, ...]]


def _reordered(name: str, order: Order, words: Words, **fields: Any) -> Operation:
    def shape(shapes: Sequence[Shape], options: Options) -> Shape:
        return tuple(shapes[0][k] for k in order(shapes[0], options))

    def kernel(s: Signature) -> Kernel:
        axes = order(s.shapes[0], s.options)
        whole = (*axes, len(axes)) if s.batched[0] else axes
        return lambda xp, a: xp.permute_dims(a, whole)

    def pullback(i: int, g: Expression, p: Application) -> Expression:
        axes = order(p.shapes[0], p.options)
        back = tuple(axes.index(k) for k in range(len(axes)))
        if back == axes:
            return Call(name, (g,), tuple(p.options.items()))
        return permute(g, axes=back)

    def element(index: tuple[int, ...], p: Application) -> Expression:
        axes = order(p.shapes[0], p.options)
        return p.arguments[0].entry(tuple(index[axes.index(k)] for k in range(len(axes))))

    return Operation(
        name=name,
        family="structure",
        arity=(1, 1),
        shape=shape,
        kernel=kernel,
        pullback=pullback,
        element=element,
        notation=Function(name, rf"\operatorname{{{name}}}", shown=("axes",)),
        words=words,
        options={"axes": ()},
        positional=("axes",),
        carries=(0,),
        **fields,
    )


permute: Operation = _reordered(
    "permute",
    _order,
    Words(
        "the array with its axes in another order",
        "Put the axes into another order; they are counted from 0.",
        "The gradient's axes are put back into their order.",
    ),
    spellings=("permute_dims",),
)
"""The first axis of the result is axis axes[0] of the argument, and so on, as in NumPy's transpose."""

swapaxes: Operation = _reordered(
    "swapaxes",
    _swapped,
    Words(
        "the array with two axes exchanged",
        "Let two axes change places; they are counted from 0.",
        "The same two axes of the gradient change places again.",
    ),
    spellings=("swapdims",),
)

# -- arrays stacked --------------------------------------------------------------------------


def _stack_axis(options: Options, rank: int) -> int:
    return _one(options, rank + 1, "stack")


def _stack_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    if len(set(shapes)) > 1:
        raise Misfit(
            f"stack takes arrays of one shape, and was given {', '.join(describe(s) for s in shapes)}",
            "concat joins arrays of other lengths",
        )
    axis = _stack_axis(options, len(shapes[0]))
    return (*shapes[0][:axis], len(shapes), *shapes[0][axis:])


def _stack_kernel(s: Signature) -> Kernel:
    axis, batched = _stack_axis(s.options, len(s.shapes[0])), s.batched
    return lambda xp, *arrays: xp.stack(with_cases(xp, arrays, batched), axis=axis)


def _stack_pullback(i: int, g: Expression, p: Application) -> Expression:
    at: tuple[Index, ...] = (*[Slice()] * _stack_axis(p.options, len(p.shapes[0])), i)
    return g.at(at)


def _stack_element(index: tuple[int, ...], p: Application) -> Expression:
    axis = _stack_axis(p.options, len(p.shapes[0]))
    return p.arguments[index[axis]].entry((*index[:axis], *index[axis + 1 :]))


stack = Operation(
    name="stack",
    family="structure",
    arity=(1, None),
    shape=_stack_shape,
    kernel=_stack_kernel,
    pullback=_stack_pullback,
    element=_stack_element,
    words=Words(
        "the stack",
        "Put arrays of one shape beside each other along a new axis.",
        "Each array gets its own part of the gradient.",
    ),
    notation=Function("stack", r"\operatorname{stack}"),
    options={"axis": 0},
)

OPERATIONS: tuple[Operation, ...] = (flatten, expand_dims, squeeze, permute, swapaxes, stack)
