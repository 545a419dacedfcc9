"""Convolution as networks have it: the kernel slides over the array and is not flipped.

The array is a vector (a matrix for conv2d, an array of three axes for conv3d), or has channels on an axis before; a
kernel for channels has the shape (out, in / groups, size…). An axis more in front of the array counts a batch's
examples. The transposed convolution, which a convolution's gradient takes the way back by, is an operation
of its own: its kernel has the shape (in, out / groups, size…).
Derivatives: Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 9.5; transposed: Dumoulin and
Visin, "A guide to convolution arithmetic for deep learning" (2016), section 4.
"""

from __future__ import annotations

from typing import Any

from handgrad.expression import Call, Expression, Option, Shape
from handgrad.notation import Function
from handgrad.operations.layouts import (
    WindowLayout,
    checked_layout,
    checked_transposed,
    layout,
    transposed_layout,
)
from handgrad.operations.operation import Application, Kernel, Operation, Options, Signature
from handgrad.operations.sliding import (
    convolved_entry,
    convolving,
    matched_entry,
    matching,
    slid_axes,
    spread_entry,
    spreading,
)
from handgrad.operations.windows import TOLD
from handgrad.operations.words import OptionWords, Words

OPTIONS: Options = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}

TRANSPOSED: Options = {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1}

TOLD_OF_CONVOLUTIONS = {**TOLD, "groups": OptionWords("the number of groups is", plain=1)}


def _convolutions(rank: int) -> tuple[Operation, ...]:
    """For a rank: the convolution, its two gradients, and the transposed convolution."""
    name = f"conv{rank}d"

    def of(a: Shape, k: Shape, options: Options) -> WindowLayout:
        return layout(rank, a, k, options)

    def bias_gradient(g: Expression, found: WindowLayout) -> Expression:
        return Call("sum", (g,), (("axis", found.summed),))

    # -- the convolution ---------------------------------------------------------------------------

    def kernel(s: Signature) -> Kernel:
        return convolving(of(s.shapes[0], s.shapes[1], s.options), s)

    def element(index: tuple[int, ...], p: Application) -> Expression:
        a, k, *bias = p.arguments
        return convolved_entry(of(p.shapes[0], p.shapes[1], p.options), index, a, k, bias)

    def pullback(i: int, g: Expression, p: Application) -> Expression:
        options: dict[str, Option] = {**p.options, "shape": p.shapes[i]}
        if i == 0:
            return to_array(g, p.arguments[1], **options)
        if i == 1:
            return to_kernel(g, p.arguments[0], **options)
        return bias_gradient(g, of(p.shapes[0], p.shapes[1], p.options))

    convolve = Operation(
        name=name,
        family="linear",
        arity=(2, 3),
        shape=lambda shapes, options: checked_layout(name, rank, shapes, options).result,
        kernel=kernel,
        pullback=pullback,
        element=element,
        notation=Function(name, rf"\operatorname{{{name}}}"),
        words=Words(
            "the convolution",
            "Slide the kernel over the array; at each place, multiply entry by entry and add up.",
            "Each entry of the output comes from one window. An entry of the array gets kernel times gradient, added up over the windows that it lies in; the kernel gets array times gradient, added up over all places. A bias gets the gradient, added up over all places where it is added.",
            by_argument=(
                "Each entry of the output comes from one window. An entry of the array gets kernel times gradient, added up over the windows that it lies in.",
                "The kernel gets array times gradient, added up over all places.",
                "The bias gets the gradient, added up over all places where it is added.",
            ),
            options=TOLD_OF_CONVOLUTIONS,
        ),
        options=OPTIONS,
        positional=("stride", "padding", "dilation", "groups"),
        argument_names=("input", "weight", "bias"),
        slid=lambda shapes: slid_axes(rank, shapes),
        sizes=kernel,
    )

    # -- its two gradients -------------------------------------------------------------------------

    to_array = Operation(
        name=f"{name}_to_array",
        family="helper",
        arity=(2, 2),
        shape=lambda shapes, options: _shape(options),
        kernel=lambda s: spreading(of(s.out, s.shapes[1], s.options), s),
        pullback=lambda i, g, p: None,
        element=lambda index, p: spread_entry(
            of(p.signature.out, p.shapes[1], p.options), index, p.arguments[0], p.arguments[1]
        ),
        notation=Function(f"{name}ᵀ", rf"\operatorname{{{name}}}^{{\mathsf T}}"),
        words=Words(
            "the transposed convolution",
            "Every gradient spread over the window that it came from, in the shares of the kernel.",
            defined=f"{name}ᵀ(G, K) spreads each gradient of G over the window that it came from, times the kernel K.",
        ),
        options={**OPTIONS, "shape": ()},
    )

    to_kernel = Operation(
        name=f"{name}_to_kernel",
        family="helper",
        arity=(2, 2),
        shape=lambda shapes, options: _shape(options),
        kernel=lambda s: matching(of(s.shapes[1], s.out, s.options), s),
        pullback=lambda i, g, p: None,
        element=lambda index, p: matched_entry(
            of(p.shapes[1], p.signature.out, p.options), index, *p.arguments
        ),
        notation=Function("correlate", r"\operatorname{correlate}"),
        words=Words(
            "the correlation",
            "The gradient slid over the array: the gradient of the kernel.",
            defined="correlate(G, X) has, for each entry of the kernel, the sum of G times the entries of X that it met.",
        ),
        options={**OPTIONS, "shape": ()},
    )

    # -- the transposed convolution ----------------------------------------------------------------

    def transposed_kernel(s: Signature) -> Kernel:
        return spreading(transposed_layout(rank, s.shapes[0], s.shapes[1], s.options), s)

    def transposed_element(index: tuple[int, ...], p: Application) -> Expression:
        found = transposed_layout(rank, p.shapes[0], p.shapes[1], p.options)
        a, k, *bias = p.arguments
        return spread_entry(found, index, a, k, bias)

    def transposed_pullback(i: int, g: Expression, p: Application) -> Expression:
        options: dict[str, Any] = {n: v for n, v in p.options.items() if n in OPTIONS}
        if i == 0:
            return convolve(g, p.arguments[1], **options)
        if i == 1:
            return to_kernel(p.arguments[0], g, **options, shape=p.shapes[1])
        return bias_gradient(g, transposed_layout(rank, p.shapes[0], p.shapes[1], p.options))

    transposed = Operation(
        name=f"conv_transpose{rank}d",
        family="linear",
        arity=(2, 3),
        shape=lambda shapes, options: (
            checked_transposed(f"conv_transpose{rank}d", rank, shapes, options).array
        ),
        kernel=transposed_kernel,
        pullback=transposed_pullback,
        element=transposed_element,
        notation=to_array.notation,
        words=Words(
            "the transposed convolution",
            "Spread each entry of the array over a window of the output, times the kernel; where windows overlap, add up.",
            "Each entry of the array went to one window. It gets kernel times gradient, added up over that window: a convolution. The kernel gets array times gradient, added up over all windows. A bias gets the gradient, added up over all places where it is added.",
            by_argument=(
                "Each entry of the array went to one window. It gets kernel times gradient, added up over that window: a convolution.",
                "The kernel gets array times gradient, added up over all windows.",
                "The bias gets the gradient, added up over all places where it is added.",
            ),
            options={
                **TOLD_OF_CONVOLUTIONS,
                "output_padding": OptionWords("the padding of the output is", plain=0),
            },
        ),
        options=TRANSPOSED,
        positional=("stride", "padding", "output_padding", "groups", "dilation"),
        argument_names=("input", "weight", "bias"),
        slid=lambda shapes: slid_axes(rank, shapes),
        sizes=transposed_kernel,
    )
    return convolve, to_array, to_kernel, transposed


def _shape(options: Options) -> Shape:
    shape = options["shape"]
    assert isinstance(shape, tuple)
    return tuple(n for n in shape if isinstance(n, int))


CONVOLUTIONS = {rank: _convolutions(rank) for rank in (1, 2, 3)}
"""For each rank: the convolution; what spreads every gradient over the window it came from; the correlation of
the gradient with the array, which is the kernel's gradient; and the transposed convolution."""

OPERATIONS: tuple[Operation, ...] = tuple(o for made in CONVOLUTIONS.values() for o in made)

convolutions: dict[int, Operation] = {rank: made[0] for rank, made in CONVOLUTIONS.items()}
"""By along how many axes the kernel slides."""

transposed_convolutions: dict[int, Operation] = {
    rank: made[3] for rank, made in CONVOLUTIONS.items()
}
"""By along how many axes the kernel slides."""
