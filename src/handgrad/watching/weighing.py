"""Functions that have a weight: which axis of the result its units lie along."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from handgrad.watching.internals import plain
from handgrad.watching.places import UnitPlace
from handgrad.watching.provenance import KnownWeight, Made
from handgrad.watching.tracing import Call, Handler, Tracer, argument, other


def _linear(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, weight = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "weight")
    bias = argument(args, kwargs, 2, "bias")
    given = tracer.weight(weight)
    out = func(*args, **kwargs)
    units, inputs = weight.shape[0], weight.shape[-1]
    place = UnitPlace((out.ndim - 1,), None, out.ndim == 1)
    _note(tracer, out, given, (units,), 0, place, (bias,), (x,))
    tracer.link(tracer.known.made(x), given, 1, inputs)
    return out


def _note(  # noqa: PLR0913 - what a weight made, and of what
    tracer: Tracer,
    out: Tensor,
    given: KnownWeight | None,
    shape: tuple[int, ...],
    axis: int,
    place: UnitPlace,
    own: tuple[object, ...],
    inputs: tuple[object, ...],
) -> Made | None:
    """Notes what a weight made; of an unknown weight outside the model's forward, that it is another's."""
    if given is None:
        if tracer.inside:
            after = _after(tracer, inputs)
            part = tracer.part("", shape, -1, *own, after=after)
            return tracer.made(out, part, place, *inputs)
        part = tracer.part("", shape, -1, after="another model")
        return tracer.made(out, part, place, *inputs, foreign=True)
    if given.turned and axis >= 0:
        axis = 1 - axis
    part = tracer.part(given.name, shape, axis, *own, start=given.start(axis))
    return tracer.made(out, part, place, *inputs)


def _after(tracer: Tracer, inputs: tuple[object, ...]) -> str:
    for x in inputs:
        made = tracer.known.made(x)
        if made is not None:
            return made.parts[0].weight or made.parts[0].after
    return ""


def _convolution(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, weight = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "weight")
    bias = argument(args, kwargs, 2, "bias")
    given = tracer.weight(weight)
    out = func(*args, **kwargs)
    single = out.ndim < weight.ndim
    axis = 0 if single else 1
    transposed = "transpose" in getattr(func, "__name__", "")
    grouped = out.shape[axis] != weight.shape[1 if transposed else 0] or (
        not transposed and weight.shape[1] != x.shape[axis]
    )
    place = UnitPlace((axis,), None, single)
    along = -1 if grouped and transposed else 1 if transposed else 0
    _note(tracer, out, given, (out.shape[axis],), along, place, (bias,), (x,))
    if not grouped:
        tracer.link(tracer.known.made(x), given, 0 if transposed else 1, x.shape[axis])
    return out


def _product(
    tracer: Tracer,
    func: Call,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    first: int,
    *bias: Any,
) -> Any:
    """A product of matrices: of a weight and data on either side, or of two activations."""
    a = argument(args, kwargs, first, "input", "mat1", "batch1", "mat")
    b = argument(args, kwargs, first + 1, "mat2", "other", "batch2", "vec", "vec2", "tensor2")
    known = tracer.known
    left, right = known[a], known[b]
    if not isinstance(left, KnownWeight) and not isinstance(right, KnownWeight):
        if left is None and right is None:
            left, right = _looked_up(tracer, a), _looked_up(tracer, b)
        elif left is None:
            left = _looked_up(tracer, a)
        elif right is None:
            right = _looked_up(tracer, b)
    if isinstance(left, KnownWeight) and isinstance(right, KnownWeight):
        return other(tracer, func, args, kwargs)
    out = func(*args, **kwargs)
    if not isinstance(out, Tensor):
        return out
    if isinstance(right, KnownWeight):
        _by_right(tracer, out, right, a, b, bias)
    elif isinstance(left, KnownWeight):
        _by_left(tracer, out, left, a, b, bias)
    else:
        found = [m for m in (known.made(a), known.made(b)) if m is not None]
        if found:
            # Of two activations: a unit of the one is met by all of the other.
            made = max(found, key=lambda m: m.depth)
            mixed = made.copy(
                sites=tuple(dict.fromkeys(s for m in found for s in m.sites))[:8],
                foreign=all(m.foreign for m in found),
                output=any(m.output for m in found),
                positive=False,
            )
            last = known.made(b)
            along = last is not None and last.place.axes == (b.ndim - 1,) and out.ndim == b.ndim
            if (
                along
                and last is not None
                and out.shape[-1] == b.shape[-1]
                and last.depth >= made.depth
            ):
                # Attention: mixed over positions, the features stay.
                mixed.parts, mixed.place = last.parts, UnitPlace((out.ndim - 1,), last.place.ids)
                known[out] = mixed
            else:
                known[out] = mixed.loose()
    return out


def _looked_up(tracer: Tracer, tensor: object) -> Any:
    """A weight that is new, if it may be one: what needs a gradient and was computed from nothing."""
    if not isinstance(tensor, Tensor):
        return None
    inner, axes = plain(tensor)
    if axes or inner is not tensor or (tensor.requires_grad and tensor.is_leaf):
        return tracer.weight(tensor)
    if isinstance(tensor, torch.nn.Parameter):
        return tracer.weight(tensor)
    return tracer.known[tensor]


def _by_right(
    tracer: Tracer, out: Tensor, given: KnownWeight, a: Tensor, b: Tensor, bias: tuple[Any, ...]
) -> None:
    shape: tuple[int, ...] = ()
    if b.ndim == 1:
        place, axis = UnitPlace((), None, out.ndim == 0), -1
    elif b.ndim == 2:
        place, shape, axis = UnitPlace((out.ndim - 1,), None, out.ndim == 1), (b.shape[1],), 1
    else:
        axes = tuple(out.ndim - b.ndim + k for k in range(b.ndim) if k != b.ndim - 2)
        place, shape, axis = UnitPlace(axes), (*b.shape[:-2], b.shape[-1]), -1
    _note(tracer, out, given, shape, axis, place, bias, (a,))
    if b.ndim == 2:
        tracer.link(tracer.known.made(a), given, 1 if given.turned else 0, b.shape[0])


def _by_left(
    tracer: Tracer, out: Tensor, given: KnownWeight, a: Tensor, b: Tensor, bias: tuple[Any, ...]
) -> None:
    shape: tuple[int, ...] = ()
    if a.ndim == 1:
        place, axis = UnitPlace((), None, out.ndim == 0), -1
    elif a.ndim == 2:
        row = 0 if b.ndim == 1 else out.ndim - 2
        place, shape, axis = UnitPlace((row,), None, b.ndim == 1), (a.shape[0],), 0
    else:
        axes = tuple(out.ndim - a.ndim + k for k in range(a.ndim) if k != a.ndim - 1)
        place, shape, axis = UnitPlace(axes), tuple(a.shape[:-1]), -1
        if b.ndim == 1:
            place, shape = UnitPlace(tuple(range(out.ndim)), None, True), tuple(out.shape)
    _note(tracer, out, given, shape, axis, place, bias, (b,))
    if a.ndim == 2:
        made = tracer.known.made(b)
        if made is not None and made.place.axes == (b.ndim - 2,) and b.ndim == 2:
            tracer.link(made, given, 0 if given.turned else 1, a.shape[1])


def _matmul(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return _product(tracer, func, args, kwargs, 0)


def _rmatmul(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    b, a = args
    return _product(tracer, lambda x, y: func(y, x), (a, b), kwargs, 0)


def _addmm(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return _product(tracer, func, args, kwargs, 1, argument(args, kwargs, 0, "input"))


def _einsum(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    equation, *operands = args
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = list(operands[0])
    if not isinstance(equation, str) or len(operands) != 2:
        return other(tracer, func, args, kwargs)
    known = [
        _looked_up(tracer, x) if tracer.known[x] is None else tracer.known[x] for x in operands
    ]
    which = [k for k, what in enumerate(known) if isinstance(what, KnownWeight)]
    if len(which) != 1:
        return _einsum_of_two(tracer, func, args, kwargs, operands)
    out = func(*args, **kwargs)
    inputs, _, result = equation.replace(" ", "").partition("->")
    letters = inputs.split(",")
    if not result:
        joined = "".join(letters).replace(".", "")
        result = ("..." if "..." in inputs else "") + "".join(
            sorted(c for c in set(joined) if joined.count(c) == 1)
        )
    weight = which[0]
    mine = letters[weight].replace("...", "")
    theirs = letters[1 - weight]
    # The axes of the result, counted from its end behind an ellipsis and from its beginning before it.
    head, dots, tail = result.partition("...")
    places = {c: k for k, c in enumerate(head)}
    behind = tail if dots else ""
    places |= {c: out.ndim - len(behind) + k for k, c in enumerate(behind)}
    own = [c for c in mine if c in places]
    if not any(c not in theirs for c in own):
        return out
    order = sorted(own, key=lambda c: places[c])
    axes = tuple(places[c] for c in order)
    shape = tuple(out.shape[a] for a in axes)
    tensor = operands[weight]
    axis = mine.index(order[0]) if len(order) == 1 and tensor.ndim == 2 else -1
    given = known[weight]
    assert isinstance(given, KnownWeight)
    alone = len(axes) == out.ndim
    _note(
        tracer, out, given, shape, axis, UnitPlace(axes, None, alone), (), (operands[1 - weight],)
    )
    return out


def _tensordot(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Of data and a matrix of weights, contracted along one of its axes."""
    b, dims = argument(args, kwargs, 1, "b"), argument(args, kwargs, 2, "dims", default=2)
    given = _looked_up(tracer, b) if tracer.known[b] is None else tracer.known[b]
    pair = isinstance(dims, tuple | list) and len(dims) == 2
    axes = dims[1] if pair else None
    axes = [axes] if isinstance(axes, int) else axes
    if (
        not isinstance(given, KnownWeight)
        or b.ndim != 2
        or not (dims == 1 or (axes and len(axes) == 1))
    ):
        return other(tracer, func, args, kwargs)
    out = func(*args, **kwargs)
    axis = 1 if dims == 1 or (axes and axes[0] % 2 == 0) else 0
    place = UnitPlace((out.ndim - 1,), None, out.ndim == 1)
    _note(tracer, out, given, (out.shape[-1],), axis, place, (), (args[0],))
    return out


def _einsum_of_two(
    tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any], operands: list[Any]
) -> Any:
    out = func(*args, **kwargs)
    found = [m for m in (tracer.known.made(x) for x in operands) if m is not None]
    if found and isinstance(out, Tensor):
        made = max(found, key=lambda m: m.depth).copy(
            sites=tuple(dict.fromkeys(s for m in found for s in m.sites))[:8],
            foreign=all(m.foreign for m in found),
        )
        tracer.known[out] = made.loose()
    return out


def _embedding(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Columns of a table of rows: `embedding(input, weight)`, and `embedding_bag`."""
    weight = next((t for t in (*args, *kwargs.values()) if _is_table(t)), None)
    given = tracer.weight(weight)
    out = func(*args, **kwargs)
    result = out[0] if isinstance(out, tuple) else out
    if given is not None and isinstance(result, Tensor):
        place = UnitPlace((result.ndim - 1,), None, result.ndim == 1)
        _note(tracer, result, given, (result.shape[-1],), 1, place, (), ())
    return out


def _is_table(tensor: object) -> bool:
    return isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.ndim == 2


def _bilinear(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    a, b = argument(args, kwargs, 0, "input1"), argument(args, kwargs, 1, "input2")
    weight, bias = argument(args, kwargs, 2, "weight"), argument(args, kwargs, 3, "bias")
    given = tracer.weight(weight)
    out = func(*args, **kwargs)
    place = UnitPlace((out.ndim - 1,), None, out.ndim == 1)
    _note(tracer, out, given, (weight.shape[0],), 0, place, (bias,), (a, b))
    return out


def _attention(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Multi-head attention as one function: what comes out was made by its last projection."""
    out = func(*args, **kwargs)
    weight, bias = argument(args, kwargs, 11, "out_proj_weight"), argument(args, kwargs, 12, "out_proj_bias")  # fmt: skip
    given = tracer.weight(weight)
    result = out[0]
    place = UnitPlace((result.ndim - 1,))
    _note(tracer, result, given, (result.shape[-1],), 0, place, (bias,), (args[0],))
    return out


def _dot_attention(
    tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Scaled dot products: mixed over positions, the features of the values stay."""
    out = func(*args, **kwargs)
    value = argument(args, kwargs, 2, "value")
    made = tracer.known.made(value)
    if made is not None:
        tracer.known[out] = made.copy(positive=False)
    return out


WEIGHED: dict[str, Handler] = {
    "linear": _linear,
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution", "_convolution"), _convolution),
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "inner_"), _matmul),
    "rmatmul": _rmatmul,
    **dict.fromkeys(("addmm", "addmv", "baddbmm", "addmm_", "_addmm_activation_"), _addmm),
    "einsum": _einsum,
    "tensordot": _tensordot,
    "embedding": _embedding,
    "embedding_bag": _embedding,
    "bilinear": _bilinear,
    "multi_head_attention_forward": _attention,
    "scaled_dot_product_attention": _dot_attention,
}  # fmt: skip
"""By name."""
