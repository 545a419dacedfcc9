"""ONNX operators that rearrange: shapes, slices, picks, joins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from handgrad.expression import Expression, Shape
from handgrad.models.formulas import (
    ALL,
    Masked,
    padded,
    padded_with_own,
    permuted,
    picked,
    reshaped,
    sliced,
    taken,
)
from handgrad.models.onnx.entrywise import Rule
from handgrad.models.onnx.node import Constant, OnnxNode, Result, Several
from handgrad.operations.extending import broadcast_to
from handgrad.operations.reductions import sum_
from handgrad.operations.structure import concat


def _reshape(node: OnnxNode) -> Result:
    if node.opset < 5:
        wanted = [int(n) for n in node.attribute("shape")]
    else:
        wanted = list(node.whole(1, "lengths"))
    shape = node.shape(0)
    keeps = not node.attribute("allowzero", 0)
    target = [shape[k] if n == 0 and keeps and k < len(shape) else n for k, n in enumerate(wanted)]
    return _in_shape(node, _filled(node, shape, target))


def _filled(node: OnnxNode, shape: Shape, target: Sequence[int]) -> Shape:
    """A shape whose −1 is worked out."""
    count, known = math.prod(shape), math.prod(n for n in target if n != -1)
    found = tuple(count // known if n == -1 and known else n for n in target)
    if math.prod(found) != count:
        node.refuse(f"puts {count} entries into the shape {tuple(target)}")
    return found


def _in_shape(node: OnnxNode, target: Shape) -> Result:
    value = node.value(0)
    if isinstance(value, Masked):
        keep = np.broadcast_to(value.keep, node.shape(0)).reshape(target)
        return Masked(
            reshaped(value.scores, node.shape(0), target), keep, f"{node.outputs[0]}.keep"
        )
    return reshaped(node.formula(0), node.shape(0), target)


def _flatten(node: OnnxNode) -> Result:
    shape = node.shape(0)
    axis = node.attribute("axis", 1) % (len(shape) + 1)
    return reshaped(node.formula(0), shape, (math.prod(shape[:axis]), math.prod(shape[axis:])))


def _axes(node: OnnxNode, rank: int, since: int) -> tuple[int, ...] | None:
    """The axes: an input since operator set `since`, an attribute before; None where none are named."""
    if node.opset >= since:
        given = node.whole(1, "axes") if node.has(1) else None
    else:
        given = node.attribute("axes")
    return None if given is None else tuple(node.axis(int(k), rank) for k in given)


def _squeeze(node: OnnxNode) -> Result:
    shape = node.shape(0)
    axes = _axes(node, len(shape), 13)
    gone = [k for k, n in enumerate(shape) if n == 1] if axes is None else axes
    return _in_shape(node, tuple(n for k, n in enumerate(shape) if k not in gone))


def _unsqueeze(node: OnnxNode) -> Result:
    shape = node.shape(0)
    given = node.whole(1, "axes") if node.opset >= 13 else node.attribute("axes")
    rank = len(shape) + len(given)
    new = {node.axis(int(k), rank) for k in given}
    own = iter(shape)
    return _in_shape(node, tuple(1 if k in new else next(own) for k in range(rank)))


def _transpose(node: OnnxNode) -> Result:
    axes = node.attribute("perm", tuple(reversed(range(node.rank(0)))))
    return permuted(node.formula(0), [int(k) for k in axes])


def _expand(node: OnnxNode) -> Result:
    shape = node.shape(0)
    target = np.broadcast_shapes(shape, node.whole(1, "lengths"))
    return node.formula(0) if target == shape else broadcast_to(node.formula(0), shape=target)


def _concat(node: OnnxNode) -> Result:
    axis = node.axis(node.attribute("axis"), node.rank(0))
    parts = [node.formula(k) for k in range(len(node.inputs))]
    return parts[0] if len(parts) == 1 else concat(*parts, axis=axis)


def _split(node: OnnxNode) -> Result:
    shape = node.shape(0)
    axis = node.axis(node.attribute("axis", 0), len(shape))
    count = len(node.outputs)
    lengths = node.whole(1, "lengths") if node.has(1) else node.attribute("split")
    if lengths is None:
        each = math.ceil(shape[axis] / count)
        lengths = [each] * (count - 1) + [shape[axis] - each * (count - 1)]
    ends = np.cumsum([0, *lengths])
    whole = node.formula(0)
    return tuple(
        sliced(whole, shape, axis, int(a), int(b)) if name else None
        for name, a, b in zip(node.outputs, ends[:-1], ends[1:], strict=True)
    )


def _split_to_sequence(node: OnnxNode) -> Result:
    shape = node.shape(0)
    axis = node.axis(node.attribute("axis", 0), len(shape))
    if not node.has(1):
        count = [1] * shape[axis]
    else:
        lengths = node.numbers(1, "lengths")
        each = int(lengths.reshape(-1)[0])
        rest = [shape[axis] % each] if not lengths.ndim and shape[axis] % each else []
        count = [int(n) for n in lengths] if lengths.ndim else [each] * (shape[axis] // each) + rest
    ends = np.cumsum([0, *count])
    parts = [sliced(node.formula(0), shape, axis, int(a), int(b)) for a, b in pairwise(ends)]
    if not node.has(1) and not node.attribute("keepdims", 1):
        parts = [node.formula(0).at((*[ALL] * axis, k)) for k in range(shape[axis])]
    return Several(tuple(parts))


def _sequence_at(node: OnnxNode) -> Result:
    value = node.value(0)
    if not isinstance(value, Several):
        node.refuse("takes no sequence")
    return value.parts[node.whole(1, "places")[0]]


def _slice(node: OnnxNode) -> Result:
    shape = node.shape(0)
    if node.opset < 10:
        starts, stops = node.attribute("starts"), node.attribute("ends")
        axes, steps = node.attribute("axes"), None
    else:
        starts, stops = node.whole(1, "starts"), node.whole(2, "ends")
        axes = node.whole(3, "axes") if node.has(3) else None
        steps = node.whole(4, "steps") if node.has(4) else None
    along = range(len(starts)) if axes is None else axes
    strides = (1,) * len(starts) if steps is None else steps
    formula = node.formula(0)
    for start, stop, axis, step in zip(starts, stops, along, strides, strict=True):
        where = node.axis(int(axis), len(shape))
        first, last, by = slice(
            int(start), int(stop) if stop > -(2**62) else None, int(step)
        ).indices(shape[where])
        count = len(range(first, last, by))
        if not count:
            node.refuse(f"leaves nothing of axis {where}")
        formula = sliced(
            formula, shape, where, first, first + by * (count - 1) + (1 if by > 0 else -1), by
        )
        shape = (*shape[:where], count, *shape[where + 1 :])
    return formula


def _gather(node: OnnxNode) -> Result:
    shape = node.shape(0)
    axis = node.axis(node.attribute("axis", 0), len(shape))
    numbers = node.numbers(1, "numbers of entries").astype(np.int64)
    if numbers.size and not (-shape[axis] <= numbers.min() and numbers.max() < shape[axis]):
        node.refuse(f"picks entry {numbers.max()} of {shape[axis]}", "entries are counted from 0")
    table = node.formula(0)
    found = taken(table, shape, axis, numbers)
    if found is not None:
        return found
    value = node.value(1)
    assert isinstance(value, Constant)
    which = node.given(Constant(value.name, numbers % shape[axis]))
    if axis == 0:
        return picked(table, shape, which, numbers.shape)
    rank = len(shape)
    order = (axis, *(k for k in range(rank) if k != axis))
    front = tuple(shape[k] for k in order)
    rows = picked(permuted(table, order), front, which, numbers.shape)
    many = numbers.ndim
    back = (*range(many, many + axis), *range(many), *range(many + axis, many + rank - 1))
    return permuted(rows, back)


def _gather_elements(node: OnnxNode) -> Result:
    """Of each row the entries of given numbers, as a sum over one-hot rows."""
    shape = node.shape(0)
    axis = node.axis(node.attribute("axis", 0), len(shape))
    numbers = node.numbers(1, "numbers of entries").astype(np.int64) % shape[axis]
    others = tuple(n for k, n in enumerate(numbers.shape) if k != axis)
    if others != tuple(n for k, n in enumerate(shape) if k != axis):
        node.refuse("picks from some of the rows alone")
    picks = []
    for k in range(numbers.shape[axis]):
        which = np.take(numbers, [k], axis=axis)
        hot = np.expand_dims(
            np.arange(shape[axis]), tuple(a for a in range(len(shape)) if a != axis)
        )
        row = node.given(
            Constant(f"{node.outputs[0]}.picks_{k}", (which == hot).astype(np.float64))
        )
        picks.append(sum_(node.formula(0) * row, axis=axis, keepdims=True))
    return picks[0] if len(picks) == 1 else concat(*picks, axis=axis)


def _pad(node: OnnxNode) -> Result:
    mode = node.attribute("mode", "constant")
    rank = node.rank(0)
    if node.opset < 11:
        ends, value = [int(n) for n in node.attribute("pads")], float(node.attribute("value", 0.0))
    else:
        ends = list(node.whole(1, "lengths"))
        value = float(node.numbers(2, "constants").reshape(())) if node.has(2) else 0.0
    axes = [node.axis(a, rank) for a in node.whole(3, "axes")] if node.has(3) else list(range(rank))
    before, after = [0] * rank, [0] * rank
    for k, axis in enumerate(axes):
        before[axis], after[axis] = ends[k], ends[k + len(axes)]
    formula, shape = node.formula(0), node.shape(0)
    for axis in range(rank):
        # Less than nothing takes entries away.
        start, stop = max(-before[axis], 0), shape[axis] - max(-after[axis], 0)
        formula = sliced(formula, shape, axis, start, stop)
        shape = (*shape[:axis], stop - start, *shape[axis + 1 :])
    if mode != "constant":
        own = {"reflect": "reflect", "wrap": "circular", "edge": "edge"}[mode]
        for axis in range(rank):
            around = max(before[axis], 0), max(after[axis], 0)
            formula = padded_with_own(formula, shape, axis, own, around)
            shape = (*shape[:axis], shape[axis] + sum(around), *shape[axis + 1 :])
        return formula
    return padded(formula, [max(n, 0) for n in before], [max(n, 0) for n in after], value)


def _tile(node: OnnxNode) -> Result:
    formula: Expression = node.formula(0)
    for axis, count in enumerate(node.whole(1, "counts")):
        if count > 1:
            formula = concat(*[formula] * count, axis=axis)
    return formula


SHAPES: dict[str, Rule] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Expand": _expand,
    "Concat": _concat,
    "Split": _split,
    "SplitToSequence": _split_to_sequence,
    "SequenceAt": _sequence_at,
    "Slice": _slice,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Pad": _pad,
    "Tile": _tile,
}
"""By operator, the formula of its inputs."""
