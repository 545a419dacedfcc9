"""ATen's functions that arrange entries: views, joins, slices, and what picks rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch

from handgrad.expression import Expression, Shape, Slice
from handgrad.models.formulas import padded_with_own
from handgrad.models.pytorch.entrywise import Rule
from handgrad.models.pytorch.values import Arguments, NotRead, TorchValue
from handgrad.operations.arranging import permute, stack, swapaxes
from handgrad.operations.extending import broadcast_to, pad
from handgrad.operations.matrices import trace
from handgrad.operations.picking import gather
from handgrad.operations.structure import concat, reshape


def _same(name: str = "self") -> Rule:
    return lambda a: a.value(name)


def _reshaped(a: Arguments) -> Expression | TorchValue:
    """Whatever changes the shape and no entry: view, reshape, flatten, squeeze, unsqueeze, unflatten."""
    shape = tuple(a.result.shape)
    return a.value("self") if shape == a.shape() else reshape(a.formula(), shape=shape)


def _swapped(a: Arguments) -> Expression | TorchValue:
    rank = len(a.shape())
    one, other = sorted((int(a["dim0"]) % rank, int(a["dim1"]) % rank))
    return turned(a.formula(), one, other, rank) if one != other else a.value("self")


def turned(x: Expression, one: int, other: int, rank: int) -> Expression:
    """Two axes exchanged, one < other, as people write it: .T, .mT or by their numbers."""
    if (one, other) == (rank - 2, rank - 1):
        return x.T if rank == 2 else x.mT
    return swapaxes(x, axes=(one, other))


def _transposed(a: Arguments) -> Expression | TorchValue:
    rank = len(a.shape())
    return a.formula().T if rank == 2 else a.value("self")


def _last_two(a: Arguments) -> Expression:
    return turned(a.formula(), len(a.shape()) - 2, len(a.shape()) - 1, len(a.shape()))


def _permuted(a: Arguments) -> Expression | TorchValue:
    rank = len(a.shape())
    axes = tuple(int(axis) % rank for axis in a["dims"])
    if axes == tuple(range(rank)):
        return a.value("self")
    moved = [k for k, axis in enumerate(axes) if k != axis]
    if len(moved) == 2:
        return turned(a.formula(), moved[0], moved[1], rank)
    return permute(a.formula(), axes=axes)


def _moved(a: Arguments) -> Expression:
    rank = len(a.shape())
    numbers = torch.arange(math.prod(a.shape())).reshape(a.shape())
    strides = torch.movedim(numbers, a["source"], a["destination"]).stride()
    axes = tuple(numbers.stride().index(s) for s in strides)
    if len(set(axes)) != rank:
        raise NotRead("movedim with axes of length 1")
    return permute(a.formula(), axes=axes)


def _along(a: Arguments, axis: int, piece: int | Slice) -> Expression:
    return a.formula().at((*[Slice()] * axis, piece))


def _selected(a: Arguments) -> Expression:
    axis = int(a["dim"]) % len(a.shape())
    return _along(a, axis, int(a["index"]) % a.shape()[axis])


def _sliced(a: Arguments) -> Expression | TorchValue:
    axis = int(a["dim"]) % len(a.shape())
    length = a.shape()[axis]
    start, stop, step = slice(a["start"], a["end"], a["step"]).indices(length)
    if (start, stop, step) == (0, length, 1):
        return a.value("self")
    return _along(a, axis, Slice(start, stop, None if step == 1 else step))


def _narrowed(a: Arguments) -> Expression:
    axis = int(a["dim"]) % len(a.shape())
    start = int(a["start"])
    return _along(a, axis, Slice(start, start + int(a["length"])))


def _pieces(a: Arguments) -> tuple[Expression, ...]:
    """chunk, split: the pieces one after the other along an axis, as long as PyTorch's own are."""
    axis = int(a["dim"]) % len(a.shape())
    found, start = [], 0
    for piece in a.result:
        found.append(_along(a, axis, Slice(start, start + piece.shape[axis])))
        start += piece.shape[axis]
    return tuple(found)


def _unbound(a: Arguments) -> tuple[Expression, ...]:
    axis = int(a["dim"]) % len(a.shape())
    return tuple(_along(a, axis, k) for k in range(a.shape()[axis]))


def _joined(a: Arguments) -> Expression:
    parts = [v for v in a.values("tensors") if v.tensor.numel()]
    return concat(*[v.formula for v in parts], axis=int(a["dim"]) % len(a.result.shape))


def _stacked(a: Arguments) -> Expression:
    return stack(
        *[v.formula for v in a.values("tensors")], axis=int(a["dim"]) % len(a.result.shape)
    )


def _expanded(a: Arguments) -> Expression | TorchValue:
    return expanded(a.value("self"), tuple(a.result.shape))


def expanded(value: TorchValue, shape: Shape) -> Expression | TorchValue:
    """An array repeated to a shape, as broadcasting repeats it."""
    return value if value.shape == shape else broadcast_to(value.formula, shape=shape)


def _broadcast(a: Arguments) -> tuple[Expression | TorchValue, ...]:
    shape = tuple(a.result[0].shape)
    return tuple(expanded(v, shape) for v in a.values("tensors"))


def _repeated(a: Arguments) -> Expression | TorchValue:
    """Copies of the array side by side along axes."""
    target = tuple(a.result.shape)
    lead = len(target) - len(a.shape())
    shape = (*[1] * lead, *a.shape())
    if target == a.shape():
        return a.value("self")
    formula = reshape(a.formula(), shape=shape) if lead else a.formula()
    for axis, (own, wanted) in enumerate(zip(shape, target, strict=True)):
        if own != wanted:
            formula = concat(*[formula] * (wanted // own), axis=axis)
    return formula


def _written_into(a: Arguments, axis: int, start: int, stop: int, piece: Expression) -> Expression:
    before: list[Slice] = [Slice()] * axis
    parts = [piece]
    if start > 0:
        parts.insert(0, a.formula().at((*before, Slice(0, start))))
    if stop < a.shape()[axis]:
        parts.append(a.formula().at((*before, Slice(stop, a.shape()[axis]))))
    return concat(*parts, axis=axis) if len(parts) > 1 else piece


def _filled(a: Arguments) -> Expression:
    number = a.given.get("value", 0.0)
    tensor = number.tensor if isinstance(number, TorchValue) else torch.tensor(float(number))
    if isinstance(number, TorchValue) and number.computed:
        raise NotRead("an array is filled with a number that is computed")
    return a.data("filled", tensor.double().expand(a.shape()))


def _copied(a: Arguments) -> Expression | TorchValue:
    source = a.value("src")
    if source.shape == a.shape():
        return source
    return expanded(source, a.shape())


def _slice_written(a: Arguments) -> Expression:
    axis = int(a["dim"]) % len(a.shape())
    start, stop, step = slice(a["start"], a["end"], a["step"]).indices(a.shape()[axis])
    if step != 1:
        return _stepwise_written(a, axis, range(start, stop, step))
    return _written_into(a, axis, start, stop, a.formula("src"))


def _stepwise_written(a: Arguments, axis: int, places: range) -> Expression:
    """An array of which every so many entries along an axis have been written to."""
    ahead = [Slice()] * axis
    parts, done = [], 0
    for k, place in enumerate(places):
        if place > done:
            parts.append(a.formula().at((*ahead, Slice(done, place))))
        parts.append(a.formula("src").at((*ahead, Slice(k, k + 1))))
        done = place + 1
    if done < a.shape()[axis]:
        parts.append(a.formula().at((*ahead, Slice(done, a.shape()[axis]))))
    return concat(*parts, axis=axis)


def _entry_written(a: Arguments) -> Expression:
    axis = int(a["dim"]) % len(a.shape())
    at = int(a["index"]) % a.shape()[axis]
    shape = tuple(1 if k == axis else n for k, n in enumerate(a.shape()))
    return _written_into(a, axis, at, at + 1, reshape(a.formula("src"), shape=shape))


def written_back(a: Arguments) -> Expression:
    """An array of which an entry (`index`) or a slice along an axis has been written to."""
    return _entry_written(a) if "index" in a.given else _slice_written(a)


def _embedded(a: Arguments) -> Expression:
    ids = a.value("indices")
    rows = picked_rows(a.formula("weight"), ids, a.shape("weight")[1])
    pad = int(a["padding_idx"])
    if pad >= 0 and (ids.tensor == pad).any():
        # Its row is taken, and no gradient goes back to it.
        keeps = (ids.tensor != pad).unsqueeze(-1)
        rows = rows * a.data("not_padding", keeps)
        row = a.value("weight").tensor[pad]
        if row.any():
            rows = rows + a.data("padding_row", torch.where(keeps, 0.0, row))
    return rows


def picked_rows(matrix: Expression, ids: TorchValue, width: int) -> Expression:
    """The rows of a matrix whose numbers are given, in an array of any shape."""
    if len(ids.shape) <= 1:
        return gather(matrix, ids.formula)
    flat = gather(matrix, reshape(ids.formula, shape=(ids.tensor.numel(),)))
    return reshape(flat, shape=(*ids.shape, width))


def _indexed(a: Arguments) -> Expression:
    """x[ids], of the first axis of a vector or a matrix; a mask that is known counts as its numbers."""
    given: Sequence[TorchValue | None] = a["indices"]
    used = [(axis, v) for axis, v in enumerate(given) if v is not None]
    if len(used) != 1 or (used[0][1].tensor.dtype == torch.bool and used[0][1].tensor.ndim > 1):
        places = numbered(a)[tuple(slice(None) if v is None else v.tensor for v in given)]
        return picked_of_all(a, places)
    axis, ids = used[0]
    numbers = ids.tensor.nonzero().squeeze(-1) if ids.tensor.dtype == torch.bool else ids.tensor
    return picked_along(
        a, axis, torch.where(numbers < 0, numbers + a.shape()[axis], numbers), ids.path
    )


def _index_selected(a: Arguments) -> Expression:
    return picked_along(
        a, int(a["dim"]) % len(a.shape()), a.value("index").tensor, a.value("index").path
    )


def picked_along(a: Arguments, axis: int, numbers: torch.Tensor, path: str) -> Expression:
    """The entries along an axis whose numbers are known, as rows of a matrix."""
    shape = a.shape()
    before, length, after = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    # The axis as rows, whatever lies on the other axes in columns.
    rows = a.formula()
    if axis:
        rows = reshape(
            swapaxes(reshape(rows, shape=(before, length, after)), axes=(0, 1)),
            shape=(length, before * after),
        )
    elif len(shape) != 2 and len(shape) != 1:
        rows = reshape(rows, shape=(length, after))
    picked = gather(rows, a.data(path or "rows", numbers.reshape(-1)))
    count = numbers.numel()
    if axis:
        picked = swapaxes(reshape(picked, shape=(count, before, after)), axes=(0, 1))
    target = tuple(a.result.shape)
    own = (count, *shape[1:]) if not axis and len(shape) <= 2 else None
    return picked if own == target else reshape(picked, shape=target)


def numbered(a: Arguments) -> torch.Tensor:
    """The numbers of an array's entries, counted row after row."""
    return torch.arange(math.prod(a.shape())).reshape(a.shape())


def picked_of_all(a: Arguments, places: torch.Tensor) -> Expression:
    """The entries of these numbers."""
    flat = (
        a.formula() if len(a.shape()) == 1 else reshape(a.formula(), shape=(math.prod(a.shape()),))
    )
    picked = gather(flat, a.data("places", places.reshape(-1)))
    return picked if places.ndim == 1 else reshape(picked, shape=tuple(places.shape))


def _gathered(a: Arguments) -> Expression:
    index = a.value("index")
    if index.computed:
        raise NotRead("entries picked by numbers that are computed")
    return picked_of_all(a, torch.gather(numbered(a), int(a["dim"]), index.tensor))


def _masked(a: Arguments) -> Expression:
    mask = a.value("mask")
    return picked_of_all(a, torch.masked_select(numbered(a), mask.tensor))


def _diagonal(a: Arguments) -> Expression:
    return picked_of_all(
        a, torch.diagonal(numbered(a), int(a["offset"]), int(a["dim1"]), int(a["dim2"]))
    )


def _triangle(kept: Callable[..., torch.Tensor]) -> Rule:
    def rule(a: Arguments) -> Expression:
        ones = torch.ones(a.shape()[-2:], dtype=torch.float64)
        return a.formula() * a.data("triangle", kept(ones, int(a["diagonal"])))

    return rule


def _flipped(a: Arguments) -> Expression:
    axes = {int(axis) % len(a.shape()) for axis in a["dims"]}
    at = tuple(Slice(None, None, -1) if k in axes else Slice() for k in range(max(axes) + 1))
    return a.formula().at(at)


def _rolled(a: Arguments) -> Expression:
    formula, rank = a.formula(), len(a.shape())
    if not a["dims"]:
        count = math.prod(a.shape())
        cut = -int(a["shifts"][0]) % count
        flat = formula if rank == 1 else reshape(formula, shape=(count,))
        turned_on = concat(flat.at((Slice(cut, count),)), flat.at((Slice(0, cut),)), axis=0)
        found = turned_on if cut else flat
        return found if rank == 1 else reshape(found, shape=a.shape())
    for shift, dim in zip(a["shifts"], a["dims"], strict=True):
        axis = int(dim) % rank
        length = a.shape()[axis]
        cut = (length - int(shift)) % length
        if cut:
            before = [Slice()] * axis
            formula = concat(
                formula.at((*before, Slice(cut, length))),
                formula.at((*before, Slice(0, cut))),
                axis=axis,
            )
    return formula


def _padded(a: Arguments) -> Expression:
    """Constant numbers around an array, or entries of its own."""
    mode = str(a.given.get("mode", "constant"))
    if mode != "constant":
        return _padded_by(mode)(a)
    value, rank = float(a.given.get("value") or 0.0), len(a.shape())
    pads = [int(n) for n in a["pad"]]
    before, after = [0] * rank, [0] * rank
    for k in range(len(pads) // 2):
        before[rank - 1 - k], after[rank - 1 - k] = pads[2 * k : 2 * k + 2]
    formula = a.formula()
    if min(*before, *after) < 0:
        cuts = zip(a.shape(), before, after, strict=True)
        formula = formula.at(tuple(Slice(max(0, -b), n - max(0, -e)) for n, b, e in cuts))
    ends = tuple(max(0, n) for n in before), tuple(max(0, n) for n in after)
    if not any(map(any, ends)):
        return formula
    told = {"value": value} if value else {}
    return pad(formula, before=ends[0], after=ends[1], **told)


def _padded_by(mode: str) -> Callable[[Arguments], Expression]:
    """An array with entries of its own around it: mirrored at its ends, its ends repeated, or from the other end."""

    def rule(a: Arguments) -> Expression:
        pads = [int(n) for n in (a["pad"] if "pad" in a.given else a["padding"])]
        if min(pads) < 0:
            raise NotRead(f"padding of the mode {mode} by less than nothing")
        formula, shape = a.formula(), list(a.shape())
        for k in range(len(pads) // 2):
            axis = len(shape) - 1 - k
            ends = pads[2 * k], pads[2 * k + 1]
            formula = padded_with_own(formula, tuple(shape), axis, mode, ends)
            shape[axis] += sum(ends)
        return formula

    return rule


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(
        ("aten::contiguous", "aten::clone", "aten::alias", "aten::lift_fresh", "aten::lift_fresh_copy", "aten::to", "aten::_to_copy", "aten::type_as", "aten::positive", "aten::detach_copy",
         "aten::alias_copy", "aten::_assert_tensor_metadata", "aten::resolve_conj", "aten::resolve_neg", "aten::float", "aten::double"),
        _same(),
    ),
    **dict.fromkeys(
        ("aten::view", "aten::reshape", "aten::_unsafe_view", "aten::flatten", "aten::unflatten", "aten::squeeze", "aten::unsqueeze", "aten::view_as", "aten::reshape_as", "aten::ravel"),
        _reshaped,
    ),
    "aten::transpose": _swapped,
    "aten::swapaxes": _swapped,
    "aten::swapdims": _swapped,
    "aten::t": _transposed,
    "aten::numpy_T": _transposed,
    "aten::matrix_H": _last_two,
    "aten::mT": _last_two,
    "aten::permute": _permuted,
    "aten::movedim": _moved,
    "aten::select": _selected,
    "aten::slice": _sliced,
    "aten::narrow": _narrowed,
    "aten::chunk": _pieces,
    "aten::split": _pieces,
    "aten::unsafe_split": _pieces,
    "aten::split_with_sizes": _pieces,
    "aten::tensor_split": _pieces,
    "aten::unbind": _unbound,
    "aten::cat": _joined,
    "aten::concat": _joined,
    "aten::stack": _stacked,
    "aten::expand": _expanded,
    "aten::expand_as": _expanded,
    "aten::broadcast_to": _expanded,
    "aten::broadcast_tensors": _broadcast,
    "aten::repeat": _repeated,
    "aten::fill": _filled,
    "aten::zero": _filled,
    "aten::copy": _copied,
    "aten::slice_scatter": _slice_written,
    "aten::select_scatter": _entry_written,
    "aten::embedding": _embedded,
    "aten::gather": _gathered,
    "aten::take_along_dim": _gathered,
    "aten::masked_select": _masked,
    "aten::diagonal": _diagonal,
    "aten::tril": _triangle(torch.tril),
    "aten::triu": _triangle(torch.triu),
    "aten::index": _indexed,
    "aten::index_select": _index_selected,
    "aten::flip": _flipped,
    "aten::roll": _rolled,
    "aten::pad": _padded,
    **{f"aten::reflection_pad{k}d": _padded_by("reflect") for k in (1, 2, 3)},
    **{f"aten::replication_pad{k}d": _padded_by("replicate") for k in (1, 2, 3)},
    "aten::constant_pad_nd": _padded,
    "aten::trace": lambda a: trace(a.formula()),
}  # fmt: skip
"""By the name of ATen's operation; those that give several arrays give a tuple."""

INLINE = frozenset(
    ("aten::contiguous", "aten::clone", "aten::view", "aten::reshape", "aten::_unsafe_view", "aten::flatten", "aten::unflatten", "aten::squeeze", "aten::unsqueeze", "aten::transpose", "aten::t", "aten::permute", "aten::select", "aten::slice",
     "aten::mT", "aten::numpy_T", "aten::swapaxes", "aten::narrow", "aten::view_as", "aten::expand", "aten::expand_as", "aten::chunk", "aten::split", "aten::split_with_sizes", "aten::unbind")
)  # fmt: skip
"""What is written inside the formula that uses it, where one does."""
