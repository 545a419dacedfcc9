"""Gated linear units: one half of the numbers, let through as far as the other half says."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Call, Expression, Index, Option, Shape, Slice
from handgrad.notation import Function
from handgrad.operations.activations import sigmoid, sigmoid_of, silu
from handgrad.operations.operation import (
    Application,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
    elementwise,
    normal_axes,
)
from handgrad.operations.structure import concat
from handgrad.operations.words import Words


def _axis(axis: Option, shape: Shape) -> int:
    axes = normal_axes(axis, len(shape))
    if len(axes) != 1:
        raise Misfit("glu halves along one axis", "write axis=0 or axis=1")
    return axes[0]


def _shape(shapes: Sequence[Shape], options: Options) -> Shape:
    (shape,) = shapes
    if not shape:
        raise Misfit("{0} is a scalar, and glu takes the halves of an array")
    axis = _axis(options["axis"], shape)
    if shape[axis] % 2:
        raise Misfit(
            f"{{0}} is {describe(shape)}, and {shape[axis]} is no even number to be halved",
            "the first half is let through as far as the second half says",
        )
    return (*shape[:axis], shape[axis] // 2, *shape[axis + 1 :])


def _kernel(s: Signature) -> Kernel:
    axis = _axis(s.options["axis"], s.shapes[0])
    half = s.out[axis]
    first, second = ((*[slice(None)] * axis, slice(start, start + half)) for start in (0, half))

    def halves(xp: Namespace, z: AnyArray) -> AnyArray:
        value: AnyArray = z[first] * sigmoid_of(xp, z[second])
        return value

    return halves


def _pullback(i: int, g: Expression, p: Application) -> Expression:
    (z,), axis = p.arguments, _axis(p.options["axis"], p.shapes[0])
    half = p.signature.out[axis]
    before: tuple[Index, ...] = (Slice(),) * axis
    first, second = z.at((*before, Slice(0, half))), z.at((*before, Slice(half, 2 * half)))
    gate = sigmoid(second)
    return concat(g * gate, g * first * (gate * (1 - gate)), axis=axis)


def _element(index: tuple[int, ...], p: Application) -> Expression:
    (z,), axis = p.arguments, _axis(p.options["axis"], p.shapes[0])
    other = index[axis] + p.signature.out[axis]
    return z.entry(index) * sigmoid(z.entry((*index[:axis], other, *index[axis + 1 :])))


glu = Operation(
    name="glu",
    family="activation",
    arity=(1, 1),
    shape=_shape,
    kernel=_kernel,
    pullback=_pullback,
    element=_element,
    spellings=("GLU",),
    positional=("axis",),
    words=Words(
        "GLU",
        "GLU multiplies the first half of the numbers by the sigmoid of the second half.",
        "The first half receives the gradient times σ of the second; the second half receives it by the "
        "slope of the sigmoid, times the first.",
    ),
    notation=Function("GLU", r"\operatorname{GLU}"),
    options={"axis": -1},
)
"""a · σ(b) of z = (a, b), halved along an axis (Dauphin et al., 2017)."""

swiglu: Operation = elementwise(
    "swiglu",
    lambda xp, a, b: a * sigmoid_of(xp, a) * b,
    (lambda out, a, b: sigmoid(a) * (1 + a * (1 - sigmoid(a))) * b, lambda out, a, b: silu(a)),
    spellings=("SwiGLU",),
    words=Words(
        "SwiGLU",
        "SwiGLU multiplies the SiLU of one array by another.",
        "Each factor receives the gradient times the other; the first goes on through the slope of SiLU.",
    ),
    notation=Function("SwiGLU", r"\operatorname{SwiGLU}"),
    means=lambda a, b: Call(silu.name, (a,)) * b,
)
"""SiLU(a) · b of two arrays, such as xW and xV (Shazeer, 2020)."""

OPERATIONS: tuple[Operation, ...] = (glu, swiglu)
