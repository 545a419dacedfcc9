"""Arrays made larger: constants around them, and their entries repeated as broadcasting repeats them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Expression, Literal, Shape, Slice
from handgrad.notation import Function
from handgrad.operations.operation import (
    Application,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    broadcast,
    describe,
    reduced_to,
    same_entry,
)
from handgrad.operations.structure import placed
from handgrad.operations.windows import each
from handgrad.operations.words import OptionWords, Words


def _ends(shape: Shape, options: Options) -> tuple[Shape, Shape]:
    """How many entries more each axis gets before and after its own. Raises `Misfit`."""
    if not shape:
        raise Misfit("pad adds to axes, and {0} is a scalar")
    before, after = (_each(options, name, len(shape)) for name in ("before", "after"))
    return before, after


def _each(options: Options, name: str, rank: int) -> Shape:
    given = options[name]
    if isinstance(given, tuple) and len(given) != rank:
        raise Misfit(
            f"{name} has {len(given)} number{'' if len(given) == 1 else 's'}, and {{0}} has {rank} "
            f"{'axis' if rank == 1 else 'axes'}",
            f"write one number for all of them, or {rank}",
        )
    return each(options, name, 0, rank)


def _value(options: Options) -> float:
    value = options["value"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit("value must be a number")
    return value


def _pad_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    (shape,) = shapes
    before, after = _ends(shape, options)
    _value(options)
    return tuple(b + n + a for b, n, a in zip(before, shape, after, strict=True))


def _inner(shape: Shape, before: Shape) -> tuple[slice, ...]:
    return tuple(slice(b, b + n) for b, n in zip(before, shape, strict=True))


def _pad_kernel(s: Signature) -> Kernel:
    (shape,), out, many = s.shapes, s.out, s.batched[0]
    at, value = _inner(shape, _ends(shape, s.options)[0]), _value(s.options)
    return lambda xp, a: placed(xp, a, (*out, a.shape[-1]) if many else out, at, value)


def _pad_pullback(i: int, g: Expression, p: Application) -> Expression:
    (shape,) = p.shapes
    before, _ = _ends(shape, p.options)
    return g.at(tuple(Slice(s.start, s.stop) for s in _inner(shape, before)))


def _pad_element(index: tuple[int, ...], p: Application) -> Expression:
    (shape,) = p.shapes
    before, _ = _ends(shape, p.options)
    own = tuple(i - b for i, b in zip(index, before, strict=True))
    inside = all(0 <= i < n for i, n in zip(own, shape, strict=True))
    return p.arguments[0].entry(own) if inside else Literal(float(_value(p.options)))


pad = Operation(
    name="pad",
    family="structure",
    arity=(1, 1),
    shape=_pad_shape,
    kernel=_pad_kernel,
    pullback=_pad_pullback,
    element=_pad_element,
    words=Words(
        "the padded array",
        "Put constants around the array, before and after its own entries along each axis.",
        "The gradient at the array's own entries is passed on; that of the padding goes nowhere.",
        options={"value": OptionWords("the constant is", plain=0.0)},
    ),
    notation=Function("pad", r"\operatorname{pad}", shown=("before", "after")),
    options={"before": 0, "after": 0, "value": 0.0},
    carries=(0,),
)
"""The array with `before` and `after` entries of `value` more: a number for all axes, or one for each."""


def _target(options: Options) -> Shape:
    given = options["shape"]
    lengths = given if isinstance(given, tuple) else (given,)
    shape = tuple(n for n in lengths if isinstance(n, int) and not isinstance(n, bool) and n >= 1)
    if len(shape) < len(lengths):
        raise Misfit("shape must be whole numbers of at least 1", "write shape=(2, 3)")
    return shape


def _repeated_shape(shapes: Sequence[Shape], options: Options) -> Shape:
    (own,), shape = shapes, _target(options)
    if broadcast((own, shape)) != shape:
        raise Misfit(
            f"{{0}} is {describe(own)}, and is not repeated to {describe(shape)}",
            "only axes of length 1, and such as stand before its own, are repeated",
        )
    return shape


def _repeated_kernel(s: Signature) -> Kernel:
    (own,), out, many = s.shapes, s.out, s.batched[0]
    aligned = (*[1] * (len(out) - len(own)), *own)

    def repeated(xp: Namespace, a: Any) -> AnyArray:
        if not hasattr(a, "dtype"):
            a = xp.asarray(a)  # a single number of another kind is not yet an array
        if many:
            return xp.broadcast_to(xp.reshape(a, (*aligned, a.shape[-1])), (*out, a.shape[-1]))
        return xp.broadcast_to(a, out)

    return repeated


broadcast_to = Operation(
    name="broadcast_to",
    family="structure",
    arity=(1, 1),
    shape=_repeated_shape,
    kernel=_repeated_kernel,
    pullback=lambda i, g, p: reduced_to(g, p.shapes[0], p.signature.out),
    element=lambda index, p: p.arguments[0].entry(same_entry(index, p.shapes[0])),
    words=Words(
        "the repetition",
        "Repeat the entries along axes of length 1, and along new ones in front, to a shape.",
        "An entry is in the result several times: the gradients there are added up.",
    ),
    notation=Function("broadcast", r"\operatorname{broadcast}", shown=("shape",)),
    options={"shape": ()},
    spellings=("expand",),
    positional=("shape",),
    carries=(0,),
    simplify=lambda call: call.arguments[0] if call.arguments[0].shape == call.shape else None,
)
"""The array repeated to a shape, as broadcasting repeats it; NumPy's broadcast_to, PyTorch's expand."""

OPERATIONS: tuple[Operation, ...] = (pad, broadcast_to)
