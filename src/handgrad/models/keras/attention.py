"""Keras's layers that attend, and products by letters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handgrad.expression import Expression, Shape
from handgrad.models.formulas import permuted, repeated, reshaped
from handgrad.models.keras.layer import KerasLayer, Rule
from handgrad.operations.einsum import einsum
from handgrad.operations.exponentials import masked_softmax, softmax


def _multi_head(a: KerasLayer) -> Expression:
    """Query, value and key, each times its own kernel of (features, heads, width); then head by head."""
    layer = a.layer
    if a.options.get("attention_mask") is not None or a.options.get("return_attention_scores"):
        a.refuse("is given a mask, or gives its weights too", "use_causal_mask alone is read")
    query, value, *key = a.inputs
    parts = [
        _projected(a, getattr(layer, f"_{name}_dense"), x)
        for name, x in (("query", query), ("key", key[0] if key else value), ("value", value))
    ]
    (q, shape), (k, keys), (v, values) = parts
    times = shape[1] // keys[1]
    k, v = repeated(k, keys, 1, times), repeated(v, values, 1, times)
    scores = a.step("scores", q @ k.mT / math.sqrt(shape[-1]))
    weights = a.step("weights", _softmax(a, scores, shape[2], keys[2]))
    found = permuted(weights @ v, (0, 2, 1, 3))
    batch, heads, length, width = (*shape[:3], values[-1])
    flat = reshaped(found, (batch, length, heads, width), (batch, length, heads * width))
    dense = layer._output_dense  # noqa: SLF001 - Keras has no public name for it
    kernel = a.weight(dense.kernel, f"{dense.name}.kernel")
    z: Expression = flat @ reshaped(
        kernel, a.builder.shape(kernel), (heads * width, a.builder.shape(kernel)[-1])
    )
    return z if dense.bias is None else z + a.weight(dense.bias, f"{dense.name}.bias")


def _projected(a: KerasLayer, dense: Any, x: Expression) -> tuple[Expression, Shape]:
    """An input times a kernel of (features, heads, width), its heads on an axis after that of the batch."""
    name = str(dense.name)
    kernel = a.weight(dense.kernel, f"{name}.kernel")
    inputs, heads, width = a.builder.shape(kernel)
    z: Expression = x @ reshaped(kernel, (inputs, heads, width), (inputs, heads * width))
    if dense.bias is not None:
        bias = a.weight(dense.bias, f"{name}.bias")
        z = z + reshaped(bias, (heads, width), (heads * width,))
    z = a.step(name, z)
    batch, length, _ = a.builder.shape(z)
    moved = permuted(
        reshaped(z, (batch, length, heads * width), (batch, length, heads, width)), (0, 2, 1, 3)
    )
    return moved, (batch, heads, length, width)


def _softmax(a: KerasLayer, scores: Expression, rows: int, columns: int) -> Expression:
    if not a.options.get("use_causal_mask"):
        return softmax(scores)
    # A token looks at itself and those before it.
    mask = np.tril(np.ones((rows, columns)))
    return masked_softmax(scores, a.builder.data(f"{a.name}.mask", mask))


def _dot_attention(a: KerasLayer) -> Expression:
    """softmax(Q Kᵀ) V, Q Kᵀ perhaps times a learned number."""
    layer = a.layer
    if layer.score_mode != "dot" or layer.dropout or a.options.get("return_attention_scores"):
        a.refuse("scores by other than a product", "score_mode='dot' is read")
    query, value, *key = a.inputs
    product: Expression = query @ (key[0] if key else value).mT
    if layer.scale is not None:
        product = product * a.weight(layer.scale)
    scores = a.step("scores", product)
    shape = a.builder.shape(scores)
    return a.step("weights", _softmax(a, scores, *shape[-2:])) @ value


def _einsum_dense(a: KerasLayer) -> Expression:
    equation = str(a.layer.equation).replace(" ", "")
    if "." in equation:
        a.refuse("has an ellipsis in its equation", "write the letters out")
    z: Expression = einsum(a.x, a.weight(a.layer.kernel), subscripts=equation)
    if a.layer.bias is not None:
        z = z + a.weight(a.layer.bias)
    return a.activated(z)


ATTENTION: dict[str, Rule] = {
    "MultiHeadAttention": _multi_head,
    "GroupedQueryAttention": _multi_head,
    "Attention": _dot_attention,
    "EinsumDense": _einsum_dense,
}
"""By the name of the layer's class."""
