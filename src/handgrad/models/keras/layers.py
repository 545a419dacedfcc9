"""Keras's layers as formulas of the table's operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from handgrad.expression import Expression
from handgrad.models.formulas import (
    permuted,
    picked,
    reshaped,
)
from handgrad.models.keras.attention import ATTENTION
from handgrad.models.keras.layer import KerasLayer, Rule
from handgrad.models.keras.recurrent import RECURRENT
from handgrad.models.keras.windows import WINDOWS
from handgrad.operations.activations import (
    leaky_relu,
    relu,
)
from handgrad.operations.exponential_units import elu
from handgrad.operations.exponentials import softmax
from handgrad.operations.extending import broadcast_to
from handgrad.operations.functions import maximum, minimum, sqrt
from handgrad.operations.normalising import layernorm, rmsnorm
from handgrad.operations.piecewise import clip, relu6
from handgrad.operations.structure import concat


def _dense(a: KerasLayer) -> Expression:
    z: Expression = a.x @ a.weight(a.layer.kernel)
    if a.layer.use_bias:
        z = z + a.weight(a.layer.bias)
    return a.activated(z)


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


def _axes(a: KerasLayer) -> tuple[int, ...]:
    """The axes that a layer normalises over."""
    given = a.layer.axis
    each = given if isinstance(given, list | tuple) else [given]
    return tuple(sorted(int(k) % len(a.shape) for k in each))


def _layer_norm(a: KerasLayer) -> Expression:
    layer, axes = a.layer, _axes(a)
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


def _group_norm(a: KerasLayer) -> Expression:
    layer, shape, rank = a.layer, a.shape, len(a.shape)
    axis = int(layer.axis) % rank
    groups = shape[axis] if layer.groups == -1 else int(layer.groups)
    apart = (*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
    over = tuple(k for k in range(1, len(apart)) if k != axis)
    normal: Expression = reshaped(
        layernorm(reshaped(a.x, shape, apart), axis=over, eps=float(layer.epsilon)), apart, shape
    )
    if layer.scale:
        normal = normal * _along(a, a.weight(layer.gamma), [axis])
    if layer.center:
        normal = normal + _along(a, a.weight(layer.beta), [axis])
    return normal


def _rms_norm(a: KerasLayer) -> Expression:
    axes = _axes(a)
    normal: Expression = rmsnorm(
        a.x, axis=axes[0] if len(axes) == 1 else axes, eps=float(a.layer.epsilon)
    )
    return normal * _along(a, a.weight(a.layer.scale), axes)


def _repeat_vector(a: KerasLayer) -> Expression:
    batch, width = a.shape
    return broadcast_to(
        reshaped(a.x, a.shape, (batch, 1, width)), shape=(batch, int(a.layer.n), width)
    )


LAYERS: Mapping[str, Rule] = {
    "Dense": _dense,
    **WINDOWS,
    **RECURRENT,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "Embedding": _embedding,
    **ATTENTION,
    "GroupNormalization": _group_norm,
    "RMSNormalization": _rms_norm,
    "RepeatVector": _repeat_vector,
    "Activation": lambda a: a.activation(a.layer.activation)(a.x),
    "ReLU": _relu,
    "LeakyReLU": lambda a: leaky_relu(a.x, alpha=float(a.layer.negative_slope)),
    "PReLU": _prelu,
    "ELU": lambda a: elu(a.x, alpha=float(a.layer.alpha)),
    "Softmax": lambda a: softmax(a.x, axis=int(a.layer.axis)),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": lambda a: permuted(a.x, (0, *(int(k) for k in a.layer.dims))),
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
