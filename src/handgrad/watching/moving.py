"""Functions that move units about: views, reshapes, pieces, concatenations, sums over an axis."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor

from handgrad.watching.naming import name_of
from handgrad.watching.passing import itself
from handgrad.watching.places import UnitPlace, reshaped, viewed
from handgrad.watching.provenance import ZERO, KnownWeight, Made, Shaped, UnitsOf, Zero, tensors
from handgrad.watching.tracing import Call, Handler, Tracer, argument, other


def _reshape(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x = argument(args, kwargs, 0, "input")
    what = tracer.known[x]
    out = func(*args, **kwargs)
    if isinstance(what, Made) and isinstance(out, Tensor):
        tracer.known[out] = _after_reshape(what, x.shape, out.shape)
    elif (isinstance(what, KnownWeight | Zero) and isinstance(out, Tensor)) or (
        isinstance(what, Shaped) and isinstance(out, Tensor) and out.shape == x.shape
    ):
        tracer.known[out] = what
    return out


def _after_reshape(made: Made, old: Any, new: Any) -> Made:
    if tuple(old) == tuple(new):
        return made
    key = (tuple(old), tuple(new), made.place.axes, made.place.key, made.place.alone, made.units)
    found = VIEWS.get(key)
    if found is None:
        found = VIEWS[key] = [reshaped(made.place, old, new, made.units)]
    (place,) = found
    return made.loose() if place is None else made.copy(place=place)


VIEWS: dict[Any, list[UnitPlace | None]] = {}
"""Where units lie after views and reshapes that were met before."""


def _view(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function whose results are views: where the units lie in them is read off strides."""
    x = args[0] if args else argument(args, kwargs, 0, "input")
    what = tracer.known[x]
    out = func(*args, **kwargs)
    if what is None:
        return out
    results = tensors(out)
    if isinstance(what, KnownWeight):
        turned = name_of(func) in TURNING and x.ndim == 2
        for result in results:
            starts = _starts(what, x, result, turned)
            tracer.known[result] = KnownWeight(what.name, what.turned != turned, starts)
    elif isinstance(what, Zero):
        for result in results:
            tracer.known[result] = what
    elif isinstance(what, Made):
        places = _places(func, what, x, args[1:], kwargs)
        if places is None or len(places) != len(results):
            return _by_shape(tracer, what, x, out, results)
        for result, place in zip(results, places, strict=True):
            tracer.known[result] = what.loose() if place is None else what.copy(place=place)
    return out


def _starts(what: KnownWeight, x: Tensor, part: Tensor, turned: bool) -> tuple[int, ...]:
    """Where a view of a weight begins along the parameter's axes, read off the strides."""
    if turned:
        return what.starts
    if part.ndim != x.ndim or part.stride() != x.stride() or not part.numel():
        return ()
    strides: tuple[int, ...] = x.stride()
    rest, starts = int(part.storage_offset()) - int(x.storage_offset()), [0] * x.ndim
    for axis in sorted(range(x.ndim), key=lambda a: -strides[a]):
        if x.shape[axis] > 1 and strides[axis]:
            starts[axis], rest = divmod(rest, strides[axis])
    if what.turned:
        starts.reverse()
    before = what.starts or (0,) * x.ndim
    found = tuple(a + b for a, b in zip(before, starts, strict=True))
    return found if any(found) else ()


def _by_shape(tracer: Tracer, made: Made, x: Tensor, out: Any, results: list[Tensor]) -> Any:
    """Picked by an array of numbers: units stay where the shape tells that they do."""
    for result in results:
        same = result.ndim == x.ndim and all(result.shape[a] == x.shape[a] for a in made.place.axes)
        tracer.known[result] = made.copy() if same else made.loose()
    return out


def _places(
    func: Call, made: Made, x: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[UnitPlace | None] | None:
    if tensors(args, kwargs) or _has_lists(args):
        return None
    kwargs = {k: v for k, v in kwargs.items() if k != "input"}
    func = itself(func)
    key = (func, tuple(x.shape), made.place.axes, made.place.key, made.place.alone, repr(args), repr(kwargs))  # fmt: skip
    found = VIEWS.get(key)
    if found is None:
        try:
            found = viewed(made.place, x.shape, lambda t: func(t, *args, **kwargs), made.units)
        except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
            return None
        if len(VIEWS) > 4096:
            VIEWS.clear()
        VIEWS[key] = found
    return found


def _has_lists(args: tuple[Any, ...]) -> bool:
    """Whether an index among these picks entries one by one."""
    index = args[0] if args else None
    parts = index if isinstance(index, tuple) else (index,)
    return isinstance(index, list) or any(isinstance(p, list | bool) or hasattr(p, "__array__") for p in parts)  # fmt: skip


def _pixel_shuffle(
    tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Channels spread over r × r pixels: a reshape, a permutation, a reshape."""
    x, r = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "upscale_factor", "downscale_factor")  # fmt: skip
    made = tracer.known.made(x)
    out = func(*args, **kwargs)
    if made is None or x.ndim != 4:
        return out
    n, c, h, w = x.shape
    if name_of(func) == "pixel_shuffle":
        split, order = (n, c // r**2, r, r, h, w), (0, 1, 4, 2, 5, 3)
    else:
        split, order = (n, c, h // r, r, w // r, r), (0, 1, 3, 5, 2, 4)
    place = reshaped(made.place, x.shape, split, made.units)
    if place is not None:
        (place,) = viewed(place, split, lambda t: t.permute(*order), made.units)
    if place is not None:
        turned = [split[k] for k in order]
        place = reshaped(place, turned, out.shape, made.units)
    tracer.known[out] = made.loose() if place is None else made.copy(place=place)
    return out


def _channel_shuffle(
    tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    x, groups = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "groups")
    made = tracer.known.made(x)
    out = func(*args, **kwargs)
    if made is None:
        return out
    split = (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    place = reshaped(made.place, x.shape, split, made.units)
    if place is not None:
        (place,) = viewed(place, split, lambda t: t.transpose(1, 2), made.units)
    if place is not None:
        turned = (split[0], split[2], split[1], *split[3:])
        place = reshaped(place, turned, out.shape, made.units)
    tracer.known[out] = made.loose() if place is None else made.copy(place=place)
    return out


def _cat(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    given = argument(args, kwargs, 0, "tensors")
    axis = argument(args, kwargs, 1, "dim", "axis", default=0)
    if isinstance(given, Tensor):
        return other(tracer, func, args, kwargs)
    pieces = list(given)
    mades = [tracer.known.made(x) for x in pieces]
    if not any(mades) or not isinstance(axis, int):
        return other(tracer, func, args, kwargs)
    out = func(*args, **kwargs)
    axis %= out.ndim
    first = next(m for m in mades if m is not None)
    sites = tuple(dict.fromkeys(s for m in mades if m is not None for s in m.sites))[:16]
    joined = all(m is not None and m.place.axes == (axis,) and m.place.ids is None for m in mades)
    if joined and all(m is not None and m.negated == first.negated for m in mades):
        whole = [m for m in mades if m is not None]
        made = first.copy(
            parts=tuple(p for m in whole for p in m.parts),
            place=UnitPlace((axis,), None, first.place.alone),
            depth=max(m.depth for m in whole),
            before=tuple(dict.fromkeys(b for m in whole for b in m.before)),
            positive=all(m.positive for m in whole),
            stage=max(m.stage for m in whole),
            sites=sites,
        )
        tracer.known[out] = made
    elif axis not in first.place.axes and out.shape[axis] > 0:
        same = [m for m in mades if m is not None]
        deepest = max(same, key=lambda m: m.depth)
        positive = all(m is not None and m.positive for m in mades)
        tracer.known[out] = deepest.copy(sites=sites, positive=positive)
    else:
        tracer.known[out] = first.copy(sites=sites, negated=False).loose()
    return out


def _stack(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    pieces = list(argument(args, kwargs, 0, "tensors"))
    axis = argument(args, kwargs, 1, "dim", default=0)
    out = func(*args, **kwargs)
    axis %= out.ndim
    found = [(x, m) for x in pieces if (m := tracer.known.made(x)) is not None]
    if not found:
        return out
    zeros = [x for x in pieces if tracer.known[x] is ZERO]
    if len(pieces) == 2 and len(zeros) == 1:
        tensor, made = found[0]
        tracer.known[out] = Shaped("zeros", weakref.ref(tensor), made, axis)
        return out
    made = max((m for _, m in found), key=lambda m: m.depth)
    axes = tuple(a + (a >= axis) for a in made.place.axes)
    sites = tuple(dict.fromkeys(s for _, m in found for s in m.sites))[:16]
    positive = all(m.positive for _, m in found) and len(found) == len(pieces)
    tracer.known[out] = made.copy(
        place=UnitPlace(axes, made.place.ids), sites=sites, positive=positive
    )
    return out


def _reduced(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A mean, a sum, a maximum over some axes."""
    if any(isinstance(x, Tensor) for x in (*args[1:2], kwargs.get("other"))):
        return other(tracer, func, args, kwargs)  # min(a, b), entry by entry
    x = argument(args, kwargs, 0, "input")
    made = tracer.known.made(x)
    out = func(*args, **kwargs)
    results = [t for t in tensors(out) if t.is_floating_point()]
    if made is None or not results:
        return out
    axes = argument(args, kwargs, 1, "dim", "axis")
    gone = {a % x.ndim for a in ([axes] if isinstance(axes, int) else axes or range(x.ndim)) if isinstance(a, int)}  # fmt: skip
    for result in results:
        if gone & set(made.place.axes):
            tracer.known[result] = _summed(tracer, made, gone, result.ndim < x.ndim) or made.loose()
        elif result.ndim == x.ndim:
            tracer.known[result] = made.copy()
        else:
            kept = tuple(a - sum(g < a for g in gone) for a in made.place.axes)
            case = made.place.case_axis(x.ndim)
            alone = made.place.alone or (case in gone and result.ndim == len(kept))
            tracer.known[result] = made.copy(place=UnitPlace(kept, made.place.ids, alone))
    return out


def _summed(tracer: Tracer, made: Made, gone: set[int], fewer: bool) -> Made | None:
    """Products of inputs and a weight added up over the inputs: a row of the weight is a unit again."""
    place = made.place
    if len(made.parts) != 1 or place.ids is not None or not fewer:
        return None
    (part,) = made.parts
    left = [(a, n) for a, n in zip(place.axes, part.shape, strict=False) if a not in gone]
    if len(part.shape) != 2 or len(left) != 1:
        return None
    ((axis, count),) = left
    along = part.shape.index(count) if part.shape[0] != part.shape[1] else place.axes.index(axis)
    same = tracer.same(UnitsOf(part.weight, (count,), along, (), part.after))
    return made.copy(parts=(same,), place=UnitPlace((axis - sum(g < axis for g in gone),)))


def _zeros(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    out = func(*args, **kwargs)
    if isinstance(out, Tensor):
        tracer.known[out] = ZERO
    return out


def _filled(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A tensor of one number that is written there."""
    out = func(*args, **kwargs)
    number = argument(args, kwargs, 1, "fill_value")
    if name_of(func) in ("tensor", "as_tensor", "scalar_tensor", "asarray"):
        number = argument(args, kwargs, 0, "data", "obj")
    if name_of(func) == "new_full":
        number = argument(args, kwargs, 2, "fill_value")
    if name_of(func) == "new_tensor":
        number = argument(args, kwargs, 1, "data")
    if isinstance(number, int | float) and number == 0 and isinstance(out, Tensor):
        tracer.known[out] = ZERO
    return out


def _recurrent(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """LSTM, GRU and tanh RNN as one function: the features of what comes out are hidden units."""
    out = func(*args, **kwargs)
    result = out[0] if isinstance(out, tuple) else out
    weight = next((t for t in tensors(args) if t.ndim == 2 and tracer.weight(t) is not None), None)
    given = tracer.weight(weight)
    if given is not None and isinstance(result, Tensor):
        axis = result.ndim - 1
        part = tracer.part(given.name, (result.shape[axis],), -1)
        tracer.made(result, part, UnitPlace((axis,)), tensors(args))
        for state in tensors(out)[1:]:
            tracer.made(state, part, UnitPlace((state.ndim - 1,)), tensors(args))
    return out


TURNING = frozenset(("t", "T", "mT", "H", "mH", "transpose", "swapaxes", "swapdims", "adjoint", "permute", "t_", "transpose_", "movedim", "moveaxis"))  # fmt: skip

MOVED: dict[str, Handler] = {
    **dict.fromkeys(
        ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "ravel", "view_as", "reshape_as",
         "squeeze_", "unsqueeze_", "_unsafe_view"), _reshape),
    **dict.fromkeys(
        (*TURNING, "__getitem__", "narrow", "select", "chunk", "split", "tensor_split", "unbind", "hsplit", "vsplit",
         "dsplit", "split_with_sizes", "expand", "expand_as", "unsafe_chunk", "unsafe_split", "diagonal",
         "slice", "index_select_"), _view),
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_shuffle,
    "channel_shuffle": _channel_shuffle,
    "native_channel_shuffle": _channel_shuffle,
    **dict.fromkeys(("cat", "hstack_", "vstack_"), _cat),
    "stack": _stack,
    **dict.fromkeys(
        ("mean", "sum", "min", "std", "var", "amin", "logsumexp", "norm", "prod", "median", "nanmean"), _reduced),
    **dict.fromkeys(("zeros", "zeros_like", "new_zeros"), _zeros),
    **dict.fromkeys(
        ("tensor", "as_tensor", "scalar_tensor", "asarray", "full", "full_like", "new_full", "new_tensor"), _filled),
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "lstm_cell", "gru_cell", "rnn_tanh_cell"), _recurrent),
}  # fmt: skip
"""By name."""
