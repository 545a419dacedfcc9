"""The ways in which a gate is written: as one function, as a bound, as a choice, as a product with a mask."""

from __future__ import annotations

import math
import weakref
from typing import Any

import torch
from torch import Tensor

from handgrad.solution.slopes import SATURATION
from handgrad.watching.gating import GRADIENTS, can_be_counted, gate
from handgrad.watching.internals import aside, running_back
from handgrad.watching.moving import MOVED
from handgrad.watching.naming import KEPT, name_of
from handgrad.watching.passing import itself, looked
from handgrad.watching.places import UnitPlace
from handgrad.watching.provenance import ZERO, KnownWeight, Made, Shaped, Zero, tensors
from handgrad.watching.tracing import Call, Handler, Tracer, argument, other
from handgrad.watching.weighing import WEIGHED

Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_ROOT = math.sqrt(1 - SATURATION)
FLAT = {"tanh": math.atanh(_ROOT), "sigmoid": 2 * math.atanh(_ROOT)}
"""The size of a pre-activation from which on the slope is under its share of the largest."""

READ = 4096
"""Numbers of a tensor that are read to see whether all are 0, at most, where it lies in the memory of the processor."""


def _is_zero(tracer: Tracer, value: object) -> bool:
    """Whether a number or a tensor is 0. Nothing is read from another device."""
    if isinstance(value, Tensor):
        found = tracer.known[value]
        if isinstance(found, Zero):
            return True
        if isinstance(found, Made | Shaped) or value.device.type != "cpu" or value.requires_grad:
            return False
        if value.numel() > READ or value.__class__ is not Tensor:
            return False
        with aside():
            return not bool(value.any())
    return isinstance(value, int | float) and value == 0


def _simple(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """relu and relu6, whose argument is the pre-activation."""
    tracer.relus += 1
    z = argument(args, kwargs, 0, "input")
    made = tracer.known.made(z)
    if made is None:
        return other(tracer, func, args, kwargs)
    return gate(tracer, func, args, kwargs, z, made)


def _threshold(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    z, at = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "threshold")
    made = tracer.known.made(z)
    if made is None or not isinstance(at, int | float):
        return other(tracer, func, args, kwargs)
    return gate(tracer, func, args, kwargs, z, made, shift=float(at))


OPTIONS = {
    "leaky_relu": (1, "negative_slope", 0.01),
    "hardtanh": (1, "min_val", -1.0),
    "elu": (1, "alpha", 1.0),
    "celu": (1, "alpha", 1.0),
    "rrelu": (2, "upper", 1 / 3),
}
"""Functions that are gates where an option is 0: its position, its name and its default."""


def _with_option(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    position, name, default = OPTIONS[name_of(func).strip("_")]
    z = argument(args, kwargs, 0, "input")
    made = tracer.known.made(z)
    value = argument(args, kwargs, position, name, default=default)
    if made is None or not isinstance(value, int | float) or value != 0:
        return other(tracer, func, args, kwargs)
    return gate(tracer, func, args, kwargs, z, made)


def _clamp(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    z = argument(args, kwargs, 0, "input")
    made = tracer.known.made(z)
    low, high = argument(args, kwargs, 1, "min"), argument(args, kwargs, 2, "max")
    if name_of(func).startswith("clamp_max"):
        low, high = None, argument(args, kwargs, 1, "max")
    if made is not None and low is not None and _is_zero(tracer, low):
        if isinstance(high, int | float) and high <= 0:
            return other(tracer, func, args, kwargs)
        return gate(tracer, func, args, kwargs, z, made)
    if made is not None and low is None and _is_zero(tracer, high):
        return _shaped(tracer, func, args, kwargs, "low", z, made)
    return other(tracer, func, args, kwargs)


def _maximum(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    a, b = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "other")
    for z, bound in ((a, b), (b, a)):
        made = tracer.known.made(z)
        if made is not None and _is_zero(tracer, bound):
            return gate(tracer, func, args, kwargs, z, made)
    return other(tracer, func, args, kwargs)


def _minimum(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    a, b = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "other")
    for z, bound in ((a, b), (b, a)):
        made = tracer.known.made(z)
        if made is not None and _is_zero(tracer, bound):
            return _shaped(tracer, func, args, kwargs, "low", z, made)
    return other(tracer, func, args, kwargs)


def _max(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """max(a, b), max over a stack with zeros, or any other maximum over an axis."""
    second = argument(args, kwargs, 1, "other", "dim", "axis")
    if isinstance(second, Tensor):
        return _maximum(tracer, func, args, kwargs)
    what = tracer.known[argument(args, kwargs, 0, "input")]
    if isinstance(what, Shaped) and what.kind == "zeros":
        axes = second if isinstance(second, tuple | list) else (second,)
        z = what.of()
        whole = argument(args, kwargs, 0, "input")
        if len(axes) == 1 and axes[0] in (what.axis, what.axis - whole.ndim):
            return gate(tracer, func, args, kwargs, z, what.made, by_tensor=True)
    return MOVED["min"](tracer, func, args, kwargs)


def _min(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """min(a, b), or a minimum over an axis."""
    if isinstance(argument(args, kwargs, 1, "other", "dim"), Tensor):
        return _minimum(tracer, func, args, kwargs)
    return MOVED["min"](tracer, func, args, kwargs)


def _where(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    if len(args) + len(kwargs) < 3:
        return other(tracer, func, args, kwargs)
    condition = argument(args, kwargs, 0, "condition")
    yes, no = argument(args, kwargs, 1, "input", "self"), argument(args, kwargs, 2, "other")
    if len(args) > 1 and isinstance(args[1], Tensor) and args[1].dtype == torch.bool:
        yes, condition = args[0], args[1]  # a method of the tensor
    mask = tracer.known[condition]
    if isinstance(mask, Shaped) and mask.kind in ("open", "shut"):
        z, rest = (yes, no) if mask.kind == "open" else (no, yes)
        made = tracer.known.made(z)
        if made is not None and mask.is_of(z, made) and _is_zero(tracer, rest):
            return gate(tracer, func, args, kwargs, z, made)
    return other(tracer, func, args, kwargs)


def _masked_fill(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    z, mask = argument(args, kwargs, 0, "input"), tracer.known[argument(args, kwargs, 1, "mask")]
    made = tracer.known.made(z)
    shut = isinstance(mask, Shaped) and mask.kind == "shut" and mask.is_of(z, made)
    if made is not None and shut and _is_zero(tracer, argument(args, kwargs, 2, "value")):
        return gate(tracer, func, args, kwargs, z, made)
    return other(tracer, func, args, kwargs)


def _set_item(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """x[x < 0] = 0; whatever else is written makes of zeros something else."""
    z, index, value = args
    made = tracer.known.made(z)
    mask = tracer.known[index] if isinstance(index, Tensor) else None
    shut = isinstance(mask, Shaped) and mask.kind == "shut" and mask.is_of(z, made)
    if made is not None and shut and _is_zero(tracer, value):
        return gate(tracer, func, args, kwargs, z, made)
    out = func(*args, **kwargs)
    if tracer.known[z] is ZERO:
        tracer.known.forget(z)
    written = tracer.known.made(value) if isinstance(value, Tensor) else None
    if written is not None:
        same = value.ndim == z.ndim and all(
            value.shape[a] == z.shape[a] for a in written.place.axes
        )
        tracer.known[z] = written.copy() if same else written.loose()
    elif made is not None:
        tracer.known[z] = made.copy(positive=False)
    return out


def _index_put(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """x.index_put((x < 0,), zero)."""
    z, indices = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "indices")
    made = tracer.known.made(z)
    mask = tracer.known[indices[0]] if len(indices) == 1 else None
    shut = isinstance(mask, Shaped) and mask.kind == "shut" and mask.is_of(z, made)
    if made is not None and shut and _is_zero(tracer, argument(args, kwargs, 2, "values")):
        return gate(tracer, func, args, kwargs, z, made)
    return other(tracer, func, args, kwargs)


def _sign(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """The sign: what is asked of it is asked of the number."""
    made = tracer.known.made(argument(args, kwargs, 0, "input"))
    out = func(*args, **kwargs)
    if made is not None and isinstance(out, Tensor):
        tracer.known[out] = made
    return out


def _shaped(
    tracer: Tracer, func: Call, args: Args, kwargs: Kwargs, kind: Any, z: Tensor, made: Made
) -> Any:
    """Notes a part of a gate that may be written out."""
    out = func(*args, **kwargs)
    if isinstance(out, Tensor) and out is not z:
        tracer.known[out] = Shaped(kind, weakref.ref(z), made)
    elif isinstance(out, Tensor):
        tracer.known[out] = made.copy(positive=False)
    return out


def _size(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    z = argument(args, kwargs, 0, "input")
    made = tracer.known.made(z)
    if made is None:
        return other(tracer, func, args, kwargs)
    return _shaped(tracer, func, args, kwargs, "size", z, made)


COMPARED = {"gt": True, "ge": True, "lt": False, "le": False}


def _compared(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    a, b = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "other")
    above = COMPARED[name_of(func).strip("_")]
    for z, bound, is_above in ((a, b, above), (b, a, not above)):
        made = tracer.known.made(z)
        if made is not None and _is_zero(tracer, bound):
            return _shaped(tracer, func, args, kwargs, "open" if is_above else "shut", z, made)
    return func(*args, **kwargs)


def _not(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    out = func(*args, **kwargs)
    what = tracer.known[args[0]] if args else None
    if isinstance(what, Shaped) and what.kind in ("open", "shut"):
        kind: Any = "shut" if what.kind == "open" else "open"
        tracer.known[out] = Shaped(kind, what.of, what.made)
    return out


def _heaviside(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    z = argument(args, kwargs, 0, "input")
    made = tracer.known.made(z)
    if made is None:
        return func(*args, **kwargs)
    return _shaped(tracer, func, args, kwargs, "open", z, made)


def _cast(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """A copy of another type or on another device."""
    what = tracer.known[args[0]] if args else None
    if not isinstance(what, Shaped | Zero | KnownWeight):
        return other(tracer, func, args, kwargs)
    out = func(*args, **kwargs)
    if isinstance(out, Tensor):
        tracer.known[out] = what
    return out


def _multiplied(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    a, b = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "other")
    for z, factor in ((a, b), (b, a)):
        mask = tracer.known[factor]
        made = tracer.known.made(z)
        opens = isinstance(mask, Shaped) and mask.kind == "open" and mask.is_of(z, made)
        if made is not None and opens:
            return gate(tracer, func, args, kwargs, z, made)
        if isinstance(factor, int | float) and factor == 0 and isinstance(z, Tensor):
            out = func(*args, **kwargs)
            tracer.known[out] = ZERO
            return out
    return _combined(tracer, func, args, kwargs)


def _added(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """z + |z| is twice what a gate lets through."""
    a, b = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "other")
    for z, size in ((a, b), (b, a)):
        what = tracer.known[size]
        made = tracer.known.made(z)
        same = isinstance(what, Shaped) and what.kind == "size" and what.of() is z
        if made is not None and same and kwargs.get("alpha", 1) == 1:
            return gate(tracer, func, args, kwargs, z, made, by_tensor=True)
    return _combined(tracer, func, args, kwargs)


def _subtracted(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """z − min(z, 0) is what a gate lets through."""
    a, b = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "other")
    what = tracer.known[b]
    made = tracer.known.made(a)
    if isinstance(what, Shaped) and what.kind == "low" and made is not None and what.of() is a:
        return gate(tracer, func, args, kwargs, a, made, by_tensor=True)
    return _combined(tracer, func, args, kwargs)


def _negated(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    what = tracer.known[args[0]] if args else None
    if isinstance(what, Shaped) and what.kind == "low":
        return gate(tracer, func, args, kwargs, what.of(), what.made, by_tensor=True, turned=True)
    return _combined(tracer, func, args, kwargs)


BY_DATA = frozenset(("add", "sub", "rsub", "mul", "div", "add_", "sub_", "mul_", "div_"))


def _combined(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """Arithmetic of activations, numbers, weights and data; a turned sign is noted."""
    out = other(tracer, func, args, kwargs)
    made = tracer.known.made(out)
    if made is None:
        return out
    name = name_of(func)
    factor = next((x for x in args if isinstance(x, int | float)), None)
    less = name in ("mul", "mul_", "div", "div_") and factor is not None and factor < 0
    turns = name in ("neg", "rsub") or less
    if name == "sub" and len(args) > 1 and tracer.known.made(args[0]) is None:
        turns = True
    given = tensors(args)
    data = any(tracer.known[x] is None and x.numel() > 1 for x in given)
    if turns or data:
        tracer.known[out] = made.copy(negated=made.negated != turns, output=made.output or data)
    return out


def _saturating(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """sigmoid and tanh, which have no gate but grow flat."""
    z = argument(args, kwargs, 0, "input")
    made = tracer.known.made(z)
    if made is None:
        return other(tracer, func, args, kwargs)
    flat = FLAT[name_of(func).strip("_")]
    return gate(tracer, func, args, kwargs, z, made.copy(positive=False), flat=flat)


def _rnn(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """A recurrent network of gates as one function: what a unit gives is positive where its gate is open."""
    out = func(*args, **kwargs)
    packed = isinstance(args[3], list | tuple)
    x, hidden, parameters = (args[0], args[2], args[3]) if packed else args[:3]
    biased, layers, dropout, training, both = args[4:9] if packed else args[3:8]
    first = False if packed else args[8]
    result = out[0]
    if not can_be_counted(tracer, result):
        return out
    per = (4 if biased else 2) * (2 if both else 1)
    inputs = x
    for layer in range(layers):
        of_layer = list(parameters[layer * per : (layer + 1) * per])
        value = result
        if layer < layers - 1:
            if running_back():
                continue
            if dropout and training:
                name = tracer.weight(of_layer[0])
                tracer.unseen[f"the layers of {name.name if name else 'a network'} under its last, because of the dropout between them"] = None  # fmt: skip
                continue
            ways = 2 if both else 1
            state = hidden[layer * ways : (layer + 1) * ways]
            options = (of_layer, biased, 1, 0.0, False, both)
            with aside():
                again = (
                    (inputs, args[1], state, *options)
                    if packed
                    else (inputs, state, *options, first)
                )
                value = inputs = itself(func)(*again)[0]
        _count_recurrent(tracer, of_layer, biased, both, value, value is result)
    for state in tensors(out)[1:]:
        made = tracer.known.made(result)
        if made is not None:
            tracer.known[state] = made.copy(
                place=UnitPlace((state.ndim - 1,)) if not both else UnitPlace(())
            )
    return out


def _count_recurrent(
    tracer: Tracer, parameters: list[Tensor], biased: bool, both: bool, value: Tensor, top: bool
) -> None:
    count = value.shape[-1] // (2 if both else 1)
    per = 4 if biased else 2
    parts = []
    for way in range(2 if both else 1):
        weights = parameters[way * per : (way + 1) * per]
        given = tracer.weight(weights[0])
        if given is None:
            return
        parts.append(tracer.part(given.name, (count,), 0, *weights[1:]))
    made = Made(tuple(parts), UnitPlace((value.ndim - 1,), None, value.ndim == 1))
    made.depth = tracer.depth(parts[0].weight)
    site = tracer.site(made, "rnn_relu")
    site.sure = True
    tracer.seen += 1
    tracer.outside = tracer.outside or not tracer.inside
    if not running_back():
        site.count(value, made.place, 0.0)
    if top:
        if tracer.listening and value.requires_grad and torch.is_grad_enabled():

            def came_back(gradient: Tensor) -> None:
                site.back(made.place, gradient, None)

            hooked: Any = value
            hooked.register_hook(looked(tracer.unseen, came_back, GRADIENTS))
        tracer.known[value] = made.copy(positive=True, stage=1, sites=(site,))


def _rnn_cell(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    """One step of a recurrent network of gates."""
    out = func(*args, **kwargs)
    given = tracer.weight(args[2])
    if given is not None and can_be_counted(tracer, out):
        _count_recurrent(tracer, list(args[2:]), len(args) > 4 and args[4] is not None, False, out, True)  # fmt: skip
    return out


def _backward(tracer: Tracer, func: Call, args: Args, kwargs: Kwargs) -> Any:
    tracer.backward_seen = True
    return func(*args, **kwargs)


def _both(*names: str) -> tuple[str, ...]:
    """Names of functions and of those that write into their argument."""
    return (*names, *(f"{n}_" for n in names))


TABLES: dict[str, Handler] = {
    **WEIGHED,
    **MOVED,
    **dict.fromkeys(KEPT - {"requires_grad_"}, _cast),
    **dict.fromkeys(_both("relu", "relu6"), _simple),
    **dict.fromkeys(("threshold", "threshold_", "_threshold"), _threshold),
    **dict.fromkeys(_both(*OPTIONS), _with_option),
    **dict.fromkeys(_both("clamp", "clamp_min", "clamp_max"), _clamp),
    "maximum": _maximum,
    "minimum": _minimum,
    "min": _min,
    "max": _max,
    "amax": _max,
    "where": _where,
    **dict.fromkeys(_both("masked_fill"), _masked_fill),
    "__setitem__": _set_item,
    **dict.fromkeys(_both("index_put"), _index_put),
    **dict.fromkeys(("sign", "sgn"), _sign),
    **dict.fromkeys(_both(*COMPARED), _compared),
    **dict.fromkeys(("logical_not", "logical_not_"), _not),
    "heaviside": _heaviside,
    **dict.fromkeys(_both("mul"), _multiplied),
    **dict.fromkeys(_both("add"), _added),
    **dict.fromkeys(_both("sub"), _subtracted),
    "neg": _negated,
    **dict.fromkeys(("rsub", *_both("div")), _combined),
    **dict.fromkeys(_both(*FLAT), _saturating),
    "abs": _size,
    "backward": _backward,
    "rnn_relu": _rnn,
    "rnn_relu_cell": _rnn_cell,
}
"""By name, what handles a function."""
