"""Keras's layers as formulas of the table's operations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import numpy as np

from handgrad.equations.place import CodePlace
from handgrad.expression import Expression, Shape
from handgrad.models.builder import Builder, unreadable
from handgrad.models.formulas import ALL, SpreadOut, padded, permuted, picked, reshaped, sliced
from handgrad.operations.activations import (
    gelu,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from handgrad.operations.arranging import stack
from handgrad.operations.convolution import convolutions
from handgrad.operations.exponential_units import celu, elu, selu
from handgrad.operations.exponentials import log_softmax, softmax
from handgrad.operations.functions import absolute, exp, maximum, minimum, sqrt
from handgrad.operations.normalising import layernorm
from handgrad.operations.piecewise import clip, hardsigmoid, hardswish, relu6
from handgrad.operations.pooling import max_pools, mean_pools
from handgrad.operations.reductions import maximum_of, mean
from handgrad.operations.structure import concat

Activation: TypeAlias = Callable[[Expression], Expression]

ACTIVATIONS: Mapping[str, Activation] = {
    "linear": lambda z: z,
    "exponential": exp,
    "softsign": lambda z: z / (1 + absolute(z)),
    "swish": silu,
    "hard_sigmoid": hardsigmoid,
    "hard_silu": hardswish,
    leaky_relu.name: lambda z: leaky_relu(z, alpha=0.2),
    **{
        o.name: o
        for o in (relu, sigmoid, tanh, softplus, softmax, elu, selu, celu, silu, gelu, mish)
    },
    **{o.name: o for o in (relu6, log_softmax, log_sigmoid)},
}
"""By Keras's names."""


@dataclass
class KerasLayer:
    """A layer as the rules see it.

    Arguments:
        layer: Keras's own.
        inputs: the formulas of its inputs.
        builder: what equations are written on.
    """

    layer: Any
    inputs: Sequence[Expression]
    builder: Builder
    weights: dict[int, Expression]

    @property
    def name(self) -> str:
        """Its name in the model."""
        return str(self.layer.name)

    @property
    def place(self) -> CodePlace:
        return CodePlace(self.name)

    def refuse(self, what: str, mend: str = "") -> NoReturn:
        """Raises the error for what cannot be read."""
        raise unreadable(f"{type(self.layer).__name__} {what}", self.place, mend)

    @property
    def x(self) -> Expression:
        """The first input."""
        return self.inputs[0]

    @property
    def shape(self) -> Shape:
        """The first input's shape."""
        return self.builder.shape(self.x)

    def weight(self, variable: Any, name: str = "") -> Expression:
        """A weight: a parameter where it is trained, else data; used again it is the same."""
        if id(variable) not in self.weights:
            from keras import ops

            with warnings.catch_warnings():
                # Keras 3.15.1 asks a tensor of PyTorch for its numbers in a way that NumPy 2 calls deprecated.
                warnings.simplefilter("ignore", DeprecationWarning)
                array = np.asarray(ops.convert_to_numpy(variable.value), dtype=np.float64)
            trained = variable.trainable and self.layer.trainable
            add = self.builder.parameter if trained else self.builder.data
            self.weights[id(variable)] = add(f"{self.name}.{name or variable.name}", array)
        return self.weights[id(variable)]

    def step(self, name: str, formula: Expression) -> Expression:
        """A value on the way."""
        return self.builder.named(f"{self.name}.{name}", formula, self.place)

    def activation(self, function: Any) -> Activation:
        """An activation of Keras."""
        return activation_of(function, self.refuse)

    def activated(self, z: Expression) -> Expression:
        """z through the layer's own activation."""
        function = self.activation(self.layer.activation)
        return z if _name_of(self.layer.activation) == "linear" else function(self.step("z", z))


def _name_of(function: Any) -> str:
    import keras

    told = keras.activations.serialize(function) if function is not None else "linear"
    return told if isinstance(told, str) else str(getattr(function, "__name__", function))


def activation_of(function: Any, refuse: Callable[..., NoReturn]) -> Activation:
    """A function of keras.activations as a formula."""
    name = _name_of(function)
    if name not in ACTIVATIONS:
        refuse(f"has the activation {name}", f"read are {', '.join(sorted(ACTIVATIONS))}")
    return ACTIVATIONS[name]


Rule: TypeAlias = Callable[[KerasLayer], Expression]


def _dense(a: KerasLayer) -> Expression:
    z: Expression = a.x @ a.weight(a.layer.kernel)
    if a.layer.use_bias:
        z = z + a.weight(a.layer.bias)
    return a.activated(z)


def _pads(
    padding: str, lengths: Shape, size: Shape, stride: Shape, dilation: Shape
) -> tuple[Shape, Shape]:
    """The padding before and after, as TensorFlow's "same" has it: the odd entry comes after."""
    if padding != "same":
        return (0,) * len(size), (0,) * len(size)
    total = [
        max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
        for n, k, s, d in zip(lengths, size, stride, dilation, strict=True)
    ]
    before = tuple(t // 2 for t in total)
    return before, tuple(t - b for t, b in zip(total, before, strict=True))


def _first(a: KerasLayer) -> tuple[Expression, Shape]:
    """The input with its channels on axis 1, and the lengths of its places."""
    rank = len(a.shape)
    if getattr(a.layer, "data_format", "channels_last") == "channels_first":
        return a.x, a.shape[2:]
    return permuted(a.x, (0, rank - 1, *range(1, rank - 1))), a.shape[1:-1]


def _last(a: KerasLayer, formula: Expression) -> Expression:
    """A result with its channels where the layer has them."""
    rank = len(a.shape)
    if getattr(a.layer, "data_format", "channels_last") == "channels_first":
        return formula
    return permuted(formula, (0, *range(2, rank), 1))


def _options(**options: Any) -> dict[str, Any]:
    told = {n: v[0] if isinstance(v, tuple) and len(set(v)) == 1 else v for n, v in options.items()}
    plain = {"stride": 1, "dilation": 1, "padding": 0, "groups": 1}
    return {n: v for n, v in told.items() if n not in plain or v != plain[n]}


def _conv(a: KerasLayer) -> Expression:
    layer, rank = a.layer, len(a.shape) - 2
    if layer.padding == "causal":
        a.refuse("looks back alone (causal)")
    array, lengths = _first(a)
    size, stride, dilation = (
        tuple(map(int, n)) for n in (layer.kernel_size, layer.strides, layer.dilation_rate)
    )
    before, after = _pads(layer.padding, lengths, size, stride, dilation)
    if before != after:
        array, before = padded(array, (0, 0, *before), (0, 0, *after)), (0,) * rank
    kernel = a.weight(layer.kernel)
    depthwise = hasattr(layer, "depth_multiplier")
    groups = a.shape[-1] if depthwise else layer.groups
    if depthwise:
        # (size…, channels, each): a kernel for each of the channels, one after the other.
        own = a.builder.shape(kernel)
        turned = permuted(kernel, (rank, rank + 1, *range(rank)))
        kernel = reshaped(
            turned, (own[rank], own[rank + 1], *size), (own[rank] * own[rank + 1], 1, *size)
        )
    else:
        kernel = permuted(kernel, (rank + 1, rank, *range(rank)))
    bias = [a.weight(layer.bias)] if layer.use_bias else []
    options = _options(stride=stride, padding=before, dilation=dilation, groups=int(groups))
    z = convolutions[rank](array, kernel, *bias, **options)
    return a.activated(_last(a, z))


def _conv_transpose(a: KerasLayer) -> Expression:
    layer, rank = a.layer, len(a.shape) - 2
    array, lengths = _first(a)
    size, stride, dilation = (
        tuple(map(int, n)) for n in (layer.kernel_size, layer.strides, layer.dilation_rate)
    )
    if layer.output_padding is not None:
        a.refuse(
            "has an output_padding",
            "leave it out: the output is then as long as the strides make it",
        )
    same = layer.padding == "same"
    over = [d * (k - 1) + 1 - s for k, s, d in zip(size, stride, dilation, strict=True)]
    # As the gradient of a convolution over the output has it: with "same" that is `stride` times as long.
    before = tuple(max(o, 0) // 2 if same else 0 for o in over)
    after = tuple(o - b if same else min(o, 0) for o, b in zip(over, before, strict=True))
    kernel = permuted(a.weight(layer.kernel), (rank + 1, rank, *range(rank)))
    bias = [a.weight(layer.bias)] if layer.use_bias else []
    z = SpreadOut(lengths, size, stride, dilation, before, after).of(array, kernel, bias)
    return a.activated(_last(a, z))


def _pool(make: Mapping[int, Callable[..., Expression]], average: bool) -> Rule:
    def rule(a: KerasLayer) -> Expression:
        layer = a.layer
        array, lengths = _first(a)
        size, stride = (tuple(map(int, n)) for n in (layer.pool_size, layer.strides))
        before, after = _pads(layer.padding, lengths, size, stride, (1,) * len(size))
        around = 0.0 if average else -1e300
        if before != after:
            array = padded(array, (0, 0, *before), (0, 0, *after), around)
        same = before == after
        options = _options(size=size, padding=before if same else (0,) * len(size))
        if stride != size:
            options.update(_options(stride=stride) or {"stride": 1})
        if not average:
            # Of entries that tie in a window PyTorch and JAX, below Keras, give all to the first.
            options["first"] = True
        pooled = make[len(size)](array, **options)
        if average and any((*before, *after)):
            # The padding does not count: divided by the share of each window that lies in the array.
            share = np.ones(())
            for n, k, s, b, e in zip(lengths, size, stride, before, after, strict=True):
                inside = [
                    sum(0 <= w + o - b < n for o in range(k)) / k
                    for w in range(0, n + b + e - k + 1, s)
                ]
                share = np.multiply.outer(share, np.array(inside))
            pooled = pooled / a.builder.data(f"{a.name}.share", share)
        return _last(a, pooled)

    return rule


def _global(make: Callable[..., Expression]) -> Rule:
    def rule(a: KerasLayer) -> Expression:
        rank = len(a.shape)
        first = a.layer.data_format == "channels_first"
        axes = tuple(range(2, rank)) if first else tuple(range(1, rank - 1))
        options: dict[str, Any] = {"keepdims": True} if a.layer.keepdims else {}
        return make(a.x, axis=axes[0] if len(axes) == 1 else axes, **options)

    return rule


def _along(a: KerasLayer, weight: Expression, axes: Sequence[int]) -> Expression:
    """A weight of some axes laid along the input."""
    rank = len(a.shape)
    laid = [a.shape[k] if k in axes else 1 for k in range(rank)]
    while laid and laid[0] == 1:
        laid.pop(0)
    return reshaped(weight, a.builder.shape(weight), laid)


def _batch_norm(a: KerasLayer) -> Expression:
    layer = a.layer
    axes = [int(layer.axis) % len(a.shape)]
    centre, spread = (
        _along(a, a.weight(w), axes) for w in (layer.moving_mean, layer.moving_variance)
    )
    normal: Expression = (a.x - centre) / sqrt(spread + float(layer.epsilon))
    if layer.scale:
        normal = normal * _along(a, a.weight(layer.gamma), axes)
    if layer.center:
        normal = normal + _along(a, a.weight(layer.beta), axes)
    return normal


def _layer_norm(a: KerasLayer) -> Expression:
    layer, rank = a.layer, len(a.shape)
    given = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    axes = tuple(sorted(int(k) % rank for k in given))
    normal: Expression = layernorm(
        a.x, axis=axes[0] if len(axes) == 1 else axes, eps=float(layer.epsilon)
    )
    if layer.scale and layer.gamma is not None:
        normal = normal * _along(a, a.weight(layer.gamma), axes)
    if layer.center and layer.beta is not None:
        normal = normal + _along(a, a.weight(layer.beta), axes)
    return normal


def _embedding(a: KerasLayer) -> Expression:
    if a.layer.mask_zero:
        a.refuse("masks the token 0 (mask_zero)")
    table = a.weight(a.layer.embeddings)
    return picked(table, a.builder.shape(table), a.x, a.shape)


def _reshape(a: KerasLayer) -> Expression:
    target = [a.shape[0], *(int(n) for n in a.layer.target_shape)]
    count = math.prod(a.shape) // math.prod(n for n in target if n != -1)
    return reshaped(a.x, a.shape, [count if n == -1 else n for n in target])


def _flatten(a: KerasLayer) -> Expression:
    x = a.x
    if a.layer.data_format == "channels_first" and len(a.shape) > 2:
        x = permuted(x, (0, *range(2, len(a.shape)), 1))
    return reshaped(x, a.shape, (a.shape[0], math.prod(a.shape[1:])))


def _zero_padding(a: KerasLayer) -> Expression:
    ends = a.layer.padding
    pairs = [ends] if isinstance(ends[0], int) else list(ends)
    first = getattr(a.layer, "data_format", "channels_last") == "channels_first"
    around = [(0, 0), (0, 0), *pairs] if first else [(0, 0), *pairs, (0, 0)]
    return padded(a.x, [int(b) for b, _ in around], [int(e) for _, e in around])


def _relu(a: KerasLayer) -> Expression:
    layer = a.layer
    top, slope, threshold = layer.max_value, layer.negative_slope, layer.threshold
    if threshold or (slope and top is not None):
        a.refuse("has a threshold, or a slope and a largest value")
    if top is not None:
        return relu6(a.x) if top == 6 else clip(a.x, low=0, high=float(top))
    return leaky_relu(a.x, alpha=float(slope)) if slope else relu(a.x)


def _prelu(a: KerasLayer) -> Expression:
    """ReLU of z, and of −z times the slope, as Keras computes it: at 0 the slope of neither side."""
    return relu(a.x) - a.weight(a.layer.alpha) * relu(-a.x)


def _merged(make: Callable[[Expression, Expression], Expression], share: bool = False) -> Rule:
    def rule(a: KerasLayer) -> Expression:
        total = a.inputs[0]
        for other in a.inputs[1:]:
            total = make(total, other)
        return total / float(len(a.inputs)) if share else total

    return rule


def _concatenate(a: KerasLayer) -> Expression:
    return concat(*a.inputs, axis=int(a.layer.axis) % len(a.shape))


def _rescaling(a: KerasLayer) -> Expression:
    scaled: Expression = a.x * float(a.layer.scale)
    return scaled + float(a.layer.offset) if a.layer.offset else scaled


def _recurrent(cell: Callable[..., tuple[Expression, ...]], states: int) -> Rule:
    def rule(a: KerasLayer) -> Expression:
        layer = a.layer
        if layer.stateful or len(a.inputs) > 1 or layer.return_state:
            a.refuse("keeps, is given or gives its state", "a plain sequence is read")
        state: tuple[Expression | None, ...] = (None,) * states
        steps = range(a.shape[1])
        outputs: dict[int, Expression] = {}
        for t in reversed(steps) if layer.go_backwards else steps:
            state = cell(a, layer.cell, a.x.at((ALL, t)), state, t)
            assert state[0] is not None
            outputs[t] = state[0]
        order = reversed(steps) if layer.go_backwards else steps
        if layer.return_sequences:
            return stack(*[outputs[t] for t in order], axis=1)
        assert state[0] is not None
        return state[0]

    return rule


def _simple_cell(
    a: KerasLayer, cell: Any, x: Expression, state: Sequence[Expression | None], t: int
) -> tuple[Expression, ...]:
    z: Expression = x @ a.weight(cell.kernel, "kernel")
    if cell.use_bias:
        z = z + a.weight(cell.bias, "bias")
    if state[0] is not None:
        z = z + state[0] @ a.weight(cell.recurrent_kernel, "recurrent_kernel")
    z = a.step(f"z_{t}", z)
    return (a.step(f"h_{t}", a.activation(cell.activation)(z)),)


def _gates(a: KerasLayer, row: Expression, count: int) -> list[Expression]:
    batch, width = a.builder.shape(row)
    size = width // count
    return [sliced(row, (batch, width), 1, k * size, (k + 1) * size) for k in range(count)]


def _lstm_cell(
    a: KerasLayer, cell: Any, x: Expression, state: Sequence[Expression | None], t: int
) -> tuple[Expression, ...]:
    f, g = a.activation(cell.recurrent_activation), a.activation(cell.activation)
    h, c = state
    z: Expression = x @ a.weight(cell.kernel, "kernel")
    if h is not None:
        z = z + h @ a.weight(cell.recurrent_kernel, "recurrent_kernel")
    if cell.use_bias:
        z = z + a.weight(cell.bias, "bias")
    i, forget, new, o = _gates(a, a.step(f"z_{t}", z), 4)
    content: Expression = a.step(f"i_{t}", f(i)) * g(new)
    if c is not None:
        content = a.step(f"f_{t}", f(forget)) * c + content
    content = a.step(f"c_{t}", content)
    return a.step(f"h_{t}", a.step(f"o_{t}", f(o)) * g(content)), content


def _gru_cell(
    a: KerasLayer, cell: Any, x: Expression, state: Sequence[Expression | None], t: int
) -> tuple[Expression, ...]:
    f, g = a.activation(cell.recurrent_activation), a.activation(cell.activation)
    (h,) = state
    if not cell.reset_after:
        a.refuse("resets before its product (reset_after=False)")
    bias = a.weight(cell.bias, "bias") if cell.use_bias else None
    of_x: Expression = x @ a.weight(cell.kernel, "kernel")
    if bias is not None:
        of_x = of_x + bias.at((0,))
    xz, xr, xn = _gates(a, a.step(f"x_{t}", of_x), 3)
    if h is None and bias is None:
        update = a.step(f"z_{t}", f(xz))
        return (a.step(f"h_{t}", (1 - update) * g(xn)),)
    own: Expression | None = (
        None if h is None else h @ a.weight(cell.recurrent_kernel, "recurrent_kernel")
    )
    if bias is not None:
        own = bias.at((1,)) if own is None else own + bias.at((1,))
    assert own is not None
    own = a.step(f"s_{t}", own)
    if h is None:
        size = a.builder.shape(own)[0] // 3
        sz, sr, sn = (sliced(own, (3 * size,), 0, k * size, (k + 1) * size) for k in range(3))
    else:
        sz, sr, sn = _gates(a, own, 3)
    update, reset = a.step(f"z_{t}", f(xz + sz)), a.step(f"r_{t}", f(xr + sr))
    new = a.step(f"n_{t}", g(xn + reset * sn))
    mixed: Expression = (1 - update) * new
    return (a.step(f"h_{t}", mixed if h is None else update * h + mixed),)


LAYERS: Mapping[str, Rule] = {
    "Dense": _dense,
    **{f"Conv{rank}D": _conv for rank in convolutions},
    **{f"Conv{rank}DTranspose": _conv_transpose for rank in convolutions},
    "DepthwiseConv1D": _conv,
    "DepthwiseConv2D": _conv,
    **{f"MaxPooling{rank}D": _pool(max_pools, False) for rank in max_pools},
    **{f"AveragePooling{rank}D": _pool(mean_pools, True) for rank in mean_pools},
    **{f"GlobalAveragePooling{rank}D": _global(mean) for rank in mean_pools},
    **{f"GlobalMaxPooling{rank}D": _global(maximum_of) for rank in max_pools},
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "Embedding": _embedding,
    "SimpleRNN": _recurrent(_simple_cell, 1),
    "LSTM": _recurrent(_lstm_cell, 2),
    "GRU": _recurrent(_gru_cell, 1),
    "Activation": lambda a: a.activation(a.layer.activation)(a.x),
    "ReLU": _relu,
    "LeakyReLU": lambda a: leaky_relu(a.x, alpha=float(a.layer.negative_slope)),
    "PReLU": _prelu,
    "ELU": lambda a: elu(a.x, alpha=float(a.layer.alpha)),
    "Softmax": lambda a: softmax(a.x, axis=int(a.layer.axis)),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": lambda a: permuted(a.x, (0, *(int(k) for k in a.layer.dims))),
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
    "ZeroPadding3D": _zero_padding,
    "Rescaling": _rescaling,
    "Add": _merged(lambda a, b: a + b),
    "Subtract": _merged(lambda a, b: a - b),
    "Multiply": _merged(lambda a, b: a * b),
    "Average": _merged(lambda a, b: a + b, share=True),
    "Maximum": _merged(maximum),
    "Minimum": _merged(minimum),
    "Concatenate": _concatenate,
    "Dropout": lambda a: a.x,
    "SpatialDropout1D": lambda a: a.x,
    "SpatialDropout2D": lambda a: a.x,
    "SpatialDropout3D": lambda a: a.x,
    "GaussianNoise": lambda a: a.x,
    "GaussianDropout": lambda a: a.x,
    "ActivityRegularization": lambda a: a.x,
}
"""By the name of the layer's class."""
