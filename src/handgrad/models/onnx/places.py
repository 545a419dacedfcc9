"""ONNX operators that put entries elsewhere or between others: scattering, resizing, depth and space, triangles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.expression import Expression, Shape
from handgrad.models.formulas import (
    MOST_PLACES,
    kept,
    multiplied_along,
    permuted,
    picked,
    put,
    repeated,
    reshaped,
)
from handgrad.models.onnx.entrywise import Rule
from handgrad.models.onnx.node import Constant, OnnxNode, Result
from handgrad.operations.arithmetic import add

Numbers = NDArray[np.int64]


def _numbered(shape: Shape) -> Numbers:
    return np.arange(math.prod(shape)).reshape(shape)


def _of_rows(node: OnnxNode, shape: Shape) -> Numbers:
    """The entries that GatherND and ScatterND speak of, by their numbers row after row."""
    places = node.numbers(1, "places").astype(np.int64)
    return np.asarray(_numbered(shape)[tuple(np.moveaxis(places, -1, 0))])


def _of_elements(node: OnnxNode, shape: Shape) -> Numbers:
    places = node.numbers(1, "places").astype(np.int64)
    axis = node.axis(node.attribute("axis", 0), len(shape))
    at: list[Any] = list(np.indices(places.shape))
    at[axis] = places % shape[axis]
    return np.asarray(_numbered(shape)[tuple(at)])


def _scatter(node: OnnxNode, targets: Numbers) -> Result:
    shape, reduction = node.shape(0), node.attribute("reduction", "none")
    if reduction not in ("none", add.name):
        node.refuse(f"takes the {reduction} of what meets", "adding up is read")
    if targets.size * math.prod(shape) > MOST_PLACES:
        node.refuse(f"puts {targets.size} entries among {math.prod(shape)}", "of fewer it is read")

    def named(name: str, array: NDArray[np.float64]) -> Expression:
        return node.given(Constant(f"{node.outputs[0]}.{name}", array))

    source = node.formula(2)
    added = put(source, node.shape(2), targets, shape, lambda ones: named("places", ones))
    own = node.known(0)
    if own is not None and not own.any():
        return added
    if reduction == add.name:
        return node.formula(0) + added
    keeps = kept(targets, shape)
    if keeps is None:
        node.refuse("writes to an entry twice", "what is added up is read (reduction=add)")
    return node.formula(0) * named("kept", keeps) + added


def _gather_nd(node: OnnxNode) -> Result:
    if node.attribute("batch_dims", 0):
        node.refuse("has axes of batches", "without them it is read")
    shape, which = node.shape(0), _of_rows(node, node.shape(0))
    numbers = node.given(Constant(f"{node.outputs[0]}.places", which))
    count = math.prod(shape)
    return picked(reshaped(node.formula(0), shape, (count,)), (count,), numbers, which.shape)


# -- resizing ----------------------------------------------------------------------------------------


def _resize(node: OnnxNode) -> Result:
    """Each axis times a matrix: what the operator makes of arrays with a single 1 in them."""
    shape = node.shape(0)
    if node.has(1) and node.known(1) is not None and node.attribute("coordinate_transformation_mode") == "tf_crop_and_resize":  # fmt: skip
        node.refuse("cuts out a part (tf_crop_and_resize)", "slice it first")
    target, scales = _lengths(node, shape)
    formula = node.formula(0)
    for axis, (length, wanted) in enumerate(zip(shape, target, strict=True)):
        matrix = _resizing(node, length, wanted, scales[axis])
        here = (*target[:axis], *shape[axis:])
        if np.array_equal(matrix, np.eye(length)):
            continue
        times = wanted // length
        if np.array_equal(matrix, np.repeat(np.eye(length), times, axis=0)):
            formula = repeated(formula, here, axis, times)
            continue
        named = node.given(Constant(f"{node.outputs[0]}.shares_{length}_to_{wanted}", matrix))
        formula = multiplied_along(formula, here, axis, named)
    return formula


def _lengths(node: OnnxNode, shape: Shape) -> tuple[Shape, list[float]]:
    """How long each axis becomes, and by which factor."""
    axes = [node.axis(int(k), len(shape)) for k in node.attribute("axes", range(len(shape)))]
    target, scales = list(shape), [1.0] * len(shape)
    position = 2 if node.opset >= 11 else 1
    if node.has(3):
        if node.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
            node.refuse("keeps the ratio of its sides", "give the lengths")
        for axis, length in zip(axes, node.whole(3, "lengths"), strict=True):
            target[axis], scales[axis] = length, length / shape[axis]
    else:
        factors = node.numbers(position, "scales").reshape(-1)
        for axis, factor in zip(axes, factors, strict=True):
            target[axis], scales[axis] = math.floor(shape[axis] * float(factor)), float(factor)
    return tuple(target), scales


def _resizing(node: OnnxNode, length: int, wanted: int, scale: float) -> NDArray[np.float64]:
    """The matrix of one axis, by ONNX's own reference."""
    if length == wanted and scale == 1.0:
        return np.eye(length)
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    left_out = ("axes", "keep_aspect_ratio_policy")
    told = {k: v for k, v in node.attributes.items() if k not in left_out}
    inputs = ["x", "", "scales"] if not node.has(3) else ["x", "", "", "sizes"]
    one = helper.make_node("Resize", inputs, ["y"], **told)
    tensors = [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [length, length])]
    given: dict[str, Any] = {"x": np.eye(length)}
    if node.has(3):
        tensors.append(helper.make_tensor_value_info("sizes", TensorProto.INT64, [2]))
        given["sizes"] = np.array([length, wanted])
    else:
        tensors.append(helper.make_tensor_value_info("scales", TensorProto.FLOAT, [2]))
        given["scales"] = np.array([1.0, scale], dtype=np.float32)
    result = helper.make_tensor_value_info("y", TensorProto.DOUBLE, [length, wanted])
    model = helper.make_model(
        helper.make_graph([one], "resize", tensors, [result]),
        opset_imports=[helper.make_opsetid("", max(node.opset, 11))],
    )
    (found,) = ReferenceEvaluator(model).run(None, given)
    return np.asarray(found, dtype=np.float64).T


def _depth_to_space(node: OnnxNode) -> Result:
    size = int(node.attribute("blocksize"))
    batch, channels, high, wide = node.shape(0)
    each = channels // size**2
    if node.attribute("mode", "DCR") == "DCR":
        apart, order = (batch, size, size, each, high, wide), (0, 3, 4, 1, 5, 2)
    else:
        apart, order = (batch, each, size, size, high, wide), (0, 1, 4, 2, 5, 3)
    moved = permuted(reshaped(node.formula(0), node.shape(0), apart), order)
    return reshaped(moved, tuple(apart[k] for k in order), (batch, each, high * size, wide * size))


def _space_to_depth(node: OnnxNode) -> Result:
    size = int(node.attribute("blocksize"))
    batch, channels, high, wide = node.shape(0)
    apart = (batch, channels, high // size, size, wide // size, size)
    order = (0, 3, 5, 1, 2, 4)
    moved = permuted(reshaped(node.formula(0), node.shape(0), apart), order)
    return reshaped(
        moved,
        tuple(apart[k] for k in order),
        (batch, channels * size**2, high // size, wide // size),
    )


def _triangle(node: OnnxNode) -> Result:
    shift = int(node.numbers(1, "a shift").reshape(())) if node.has(1) else 0
    ones = np.ones(node.shape(0)[-2:])
    mask = np.triu(ones, shift) if node.attribute("upper", 1) else np.tril(ones, shift)
    return node.formula(0) * node.given(Constant(f"{node.outputs[0]}.triangle", mask))


PLACES: dict[str, Rule] = {
    "ScatterElements": lambda node: _scatter(node, _of_elements(node, node.shape(0))),
    "Scatter": lambda node: _scatter(node, _of_elements(node, node.shape(0))),
    "ScatterND": lambda node: _scatter(node, _of_rows(node, node.shape(0))),
    "GatherND": _gather_nd,
    "Resize": _resize,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
    "Trilu": _triangle,
}
"""By operator, the formula of its inputs."""
