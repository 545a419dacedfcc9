"""ONNX's attention, of operator set 23."""

from __future__ import annotations

import math

import numpy as np

from handgrad.expression import Expression, Shape
from handgrad.models.formulas import permuted, repeated, reshaped
from handgrad.models.onnx.entrywise import Rule
from handgrad.models.onnx.node import Constant, OnnxNode, Result
from handgrad.operations.activations import tanh
from handgrad.operations.exponentials import masked_softmax, softmax


def _attention(node: OnnxNode) -> Result:
    """softmax(Q Kᵀ / √d) V, head by head; heads may share their keys."""
    if node.has(4) or node.has(5) or any(node.outputs[1:]):
        node.refuse(
            "keeps keys of before, or gives more than its result", "the result alone is read"
        )
    flat = node.rank(0) == 3
    heads = int(node.attribute("q_num_heads", 0)), int(node.attribute("kv_num_heads", 0))
    q, shape = _heads(node, 0, heads[0])
    k, keys = _heads(node, 1, heads[1])
    v, values = _heads(node, 2, heads[1])
    times = shape[1] // keys[1]
    k, v = repeated(k, keys, 1, times), repeated(v, values, 1, times)
    scale = float(node.attribute("scale", 0) or 1 / math.sqrt(shape[-1]))
    scores: Expression = node.step("scores", q @ k.mT * scale)
    cap = float(node.attribute("softcap", 0) or 0)
    if cap:
        scores = node.step("capped", cap * tanh(scores / cap))
    keeps = np.ones((shape[-2], keys[-2]), dtype=bool)
    if node.attribute("is_causal", 0):
        keeps = np.tril(keeps, keys[-2] - shape[-2])
    mask = node.known(3)
    if mask is not None and mask.dtype == bool:
        keeps = keeps & mask
    elif mask is not None:
        shut = np.isneginf(mask)
        keeps = keeps & ~shut
        if np.where(shut, 0.0, mask).any():
            scores = scores + node.given(
                Constant(f"{node.outputs[0]}.mask_scores", np.where(shut, 0.0, mask))
            )
    elif node.has(3):
        scores = scores + node.formula(3)
    if keeps.all():
        weights = node.step("weights", softmax(scores))
    else:
        given = node.given(Constant(f"{node.outputs[0]}.mask", keeps))
        weights = node.step("weights", masked_softmax(scores, given))
    found = weights @ v
    if not flat:
        return found
    batch, count, length, width = (*shape[:3], values[-1])
    return reshaped(
        permuted(found, (0, 2, 1, 3)), (batch, length, count, width), (batch, length, count * width)
    )


def _heads(node: OnnxNode, position: int, heads: int) -> tuple[Expression, Shape]:
    """An input with an axis of heads after that of the batch."""
    formula, shape = node.formula(position), node.shape(position)
    if len(shape) == 4:
        return formula, shape
    apart = (*shape[:2], heads, shape[2] // heads)
    moved = permuted(reshaped(formula, shape, apart), (0, 2, 1, 3))
    return moved, tuple(apart[k] for k in (0, 2, 1, 3))


ATTENTION: dict[str, Rule] = {"Attention": _attention}
"""By operator, the formula of its inputs."""
