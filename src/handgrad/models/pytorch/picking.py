"""ATen's functions that pick entries or put them elsewhere, by numbers that are known where the model is read.

What a sort, a largest or a mask picks at these numbers stays picked: as PyTorch's own gradient has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import torch

from handgrad.expression import Expression, Shape
from handgrad.models.formulas import permuted, reshaped
from handgrad.models.pytorch.entrywise import Rule
from handgrad.models.pytorch.layout import numbered, picked_of_all
from handgrad.models.pytorch.values import Arguments, NotRead, TorchValue
from handgrad.operations.convolution import transposed_convolutions
from handgrad.operations.reductions import mean

MOST = 4_000_000
"""A matrix of ones and zeros that puts entries elsewhere has no more entries."""


def _picked(a: Arguments) -> tuple[Expression]:
    """Entries along an axis, and their places beside them: sort, topk, median, kthvalue, mode, cummax."""
    shape, places = a.shape(), a.result[1]
    axis = int(a["dim"]) % max(len(shape), 1)
    if places.ndim < len(shape):
        places = places.unsqueeze(axis)
    picked = torch.gather(numbered(a), axis, places) if shape else places
    return (picked_of_all(a, picked.reshape(a.result[0].shape)),)


def _median(a: Arguments) -> Expression | tuple[Expression]:
    """The middle of all entries; entries that are equal to it share its gradient."""
    if not isinstance(a.result, torch.Tensor):
        return _picked(a)
    equal = numbered(a)[a.value("self").tensor == a.result]
    return picked_of_all(a, equal[0]) if len(equal) == 1 else mean(picked_of_all(a, equal))


def _quantile(a: Arguments) -> Expression:
    """Between the two entries that lie next to the share q of an axis, or of all of the array."""
    share: TorchValue | float = a["q"]
    q = (
        share.tensor
        if isinstance(share, TorchValue)
        else torch.tensor(float(share), dtype=torch.float64)
    )
    if q.ndim or str(a.given.get("interpolation", "linear")) != "linear":
        raise NotRead(
            "several quantiles at once, or none in between", "read one, interpolation='linear'"
        )
    tensor, numbers = a.value("self").tensor, numbered(a)
    axis = a.given.get("dim")
    if axis is None:
        tensor, numbers, axis = tensor.reshape(-1), numbers.reshape(-1), 0
    order = torch.gather(numbers, int(axis), tensor.argsort(int(axis)))
    place = float(q) * (tensor.shape[int(axis)] - 1)
    low = math.floor(place)

    def at(k: int) -> Expression:
        return picked_of_all(a, order.select(int(axis), k).reshape(a.result.shape))

    between = place - low
    return at(low) if between == 0 else (1 - between) * at(low) + between * at(low + 1)


def _unfolded(a: Arguments) -> Expression:
    """Windows along an axis, each on an axis of its own at the end."""
    return picked_of_all(a, numbered(a).unfold(int(a["dimension"]), int(a["size"]), int(a["step"])))


def _folded(a: Arguments) -> Expression:
    """Columns of windows put back where they come from, added up where they overlap: nn.Fold."""
    size = tuple(int(n) for n in a["kernel_size"])
    window = math.prod(size)
    stride, padding, dilation = (
        tuple(int(n) for n in a[name]) for name in ("stride", "padding", "dilation")
    )
    over = tuple(int(n) for n in a["output_size"])
    axes = zip(over, size, stride, padding, dilation, strict=True)
    counts = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes)
    shape = a.shape()
    channels = shape[-2] // window
    extra = tuple(
        n - ((c - 1) * s - 2 * p + d * (k - 1) + 1)
        for n, c, k, s, p, d in zip(over, counts, size, stride, padding, dilation, strict=True)
    )
    one_each = torch.eye(window).reshape(window, 1, *size).repeat(channels, 1, 1, 1)
    told = {"padding": padding, "output_padding": extra, "dilation": dilation}
    options = {
        name: numbers
        for name, numbers in told.items()
        if any(n != (name == "dilation") for n in numbers)
    }
    return transposed_convolutions[2](
        reshaped(a.formula(), shape, (*shape[:-1], *counts)),
        a.data("one_each", one_each),
        stride=stride,
        groups=channels,
        **options,
    )


# -- put elsewhere -----------------------------------------------------------------------------------


def _ones(a: Arguments, target: torch.Tensor, count: int) -> Expression:
    """The matrix that puts the entry of each column into the row of its number."""
    if count * target.numel() > MOST:
        raise NotRead(f"{target.numel()} entries put among {count}", "of fewer it is read")
    ones = torch.zeros(count, target.numel(), dtype=torch.float64)
    ones[target.reshape(-1), torch.arange(target.numel())] = 1
    return a.data("places", ones)


def _among(a: Arguments, added: Expression, hit: torch.Tensor | None) -> Expression:
    """What is put into an array: added to its entries, or in place of those that are `hit`."""
    own = a.value("self")
    if not own.computed and not own.tensor.any():
        return added
    if hit is None:
        return own.formula + added
    kept = torch.ones(own.shape, dtype=torch.float64)
    kept.reshape(-1)[hit.reshape(-1)] = 0
    return own.formula * a.data("kept", kept) + added


def _flat_put(a: Arguments, target: torch.Tensor, source: Expression, shape: Shape) -> Expression:
    """Entries put at the places that `target` numbers."""
    whole = a.shape()
    flat = reshaped(source, shape, (math.prod(shape),))
    return reshaped(_ones(a, target, math.prod(whole)) @ flat, (math.prod(whole),), whole)


def _along_put(a: Arguments, axis: int, index: torch.Tensor, source: Expression) -> Expression:
    """Slices of an axis put at the places of an index: the matrix of ones times them."""
    whole = a.shape()
    ones = _ones(a, index, whole[axis])
    if len(whole) == 1:
        return ones @ source
    if axis == len(whole) - 1:
        return source @ ones.T
    if len(whole) == 2:
        return ones @ source
    order = (axis, *(k for k in range(len(whole)) if k != axis))
    rest = tuple(whole[k] for k in order[1:])
    moved = permuted(source, order)
    flat = reshaped(moved, (index.numel(), *rest), (index.numel(), math.prod(rest)))
    found = reshaped(ones @ flat, (whole[axis], math.prod(rest)), (whole[axis], *rest))
    return permuted(found, tuple(order.index(k) for k in range(len(whole))))


def _index_added(a: Arguments) -> Expression:
    axis = int(a["dim"]) % len(a.shape())
    alpha = float(a.given.get("alpha", 1))
    source = a.formula("source")
    put = _along_put(a, axis, a.value("index").tensor, source)
    return _among(a, put if alpha == 1 else alpha * put, None)


def _index_copied(a: Arguments) -> Expression:
    axis = int(a["dim"]) % len(a.shape())
    index = a.value("index").tensor
    hit = numbered(a).index_select(axis, index)
    return _among(a, _along_put(a, axis, index, a.formula("source")), _once(hit))


def _scattered(added: bool) -> Rule:
    def rule(a: Arguments) -> Expression:
        if a.given.get("reduce") not in (None, "sum", "add"):
            raise NotRead(f"a scatter that takes the {a['reduce']}", "those that add up are read")
        axis = int(a["dim"]) % len(a.shape())
        index = a.value("index").tensor
        hit = torch.gather(numbered(a), axis, index) if index.ndim else index
        adds = added or a.given.get("reduce") is not None
        if "src" not in a.given:
            number = torch.full(index.shape, float(a["value"]), dtype=torch.float64)
            found = _flat_put(a, hit, a.data("value", number), tuple(index.shape))
            return _among(a, found, None if adds else _once(hit))
        first = index.select(-1, 0) if axis == 0 and index.ndim == 2 else index
        same = index.ndim == 2 and axis == 0 and bool((index == first.unsqueeze(-1)).all())
        if same and tuple(index.shape) == a.shape("src"):
            found = _along_put(a, axis, first, a.formula("src"))
        else:
            source = a.formula("src")
            if tuple(index.shape) != a.shape("src"):
                raise NotRead("a scatter of a part of its source", "slice the source first")
            found = _flat_put(a, hit, source, tuple(index.shape))
        return _among(a, found, None if adds else _once(hit))

    return rule


def _index_put(a: Arguments) -> Expression:
    places = numbered(a)[tuple(slice(None) if v is None else v.tensor for v in a["indices"])]
    source = a.value("values")
    target = tuple(places.shape)
    if math.prod(source.shape) == 1:
        # One number at all of these places.
        put = torch.zeros(a.shape(), dtype=torch.float64)
        put.reshape(-1)[places.reshape(-1)] = 1
        found: Expression = a.data("places", put) * reshaped(source.formula, source.shape, ())
    else:
        # Where fewer entries are given they are repeated, as broadcasting repeats them.
        own = torch.arange(math.prod(source.shape)).reshape(source.shape).expand(target)
        ones = torch.zeros(math.prod(a.shape()), math.prod(source.shape), dtype=torch.float64)
        if ones.numel() > MOST:
            raise NotRead(
                f"{places.numel()} entries put among {math.prod(a.shape())}", "of fewer it is read"
            )
        ones.index_put_(
            (places.reshape(-1), own.reshape(-1)), torch.tensor(1.0).double(), accumulate=True
        )
        flat = reshaped(source.formula, source.shape, (math.prod(source.shape),))
        found = reshaped(a.data("places", ones) @ flat, (math.prod(a.shape()),), a.shape())
    return _among(a, found, None if a["accumulate"] else _once(places))


def _once(hit: torch.Tensor) -> torch.Tensor:
    if len(set(hit.reshape(-1).tolist())) != hit.numel():
        raise NotRead(
            "an entry is written to twice at once", "add up instead: index_add, scatter_add"
        )
    return hit


def _bags(a: Arguments) -> tuple[Expression]:
    """The sum or the mean of the rows of each bag: the matrix of what each row counts in a bag, times the table."""
    numbers, offsets = a.value("indices").tensor, a.value("offsets").tensor
    if int(a["mode"]) == 2 or a.given.get("per_sample_weights") is not None:
        raise NotRead(
            "bags with weights, or of which the largest is taken", "sums and means are read"
        )
    ends = [*offsets.tolist(), numbers.numel()]
    if a["include_last_offset"]:
        ends = ends[:-1]
    counts = torch.zeros(len(ends) - 1, a.shape("weight")[0], dtype=torch.float64)
    padding = a.given.get("padding_idx")
    for bag, (start, stop) in enumerate(pairwise(ends)):
        for number in numbers[start:stop].tolist():
            counts[bag, number] += number != padding
    if int(a["mode"]) == 1:
        counts = counts / counts.sum(1, keepdim=True).clamp(min=1)
    return (a.data("counts" if int(a["mode"]) == 0 else "shares", counts) @ a.formula("weight"),)


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(
        (
            "aten::sort",
            "aten::topk",
            "aten::kthvalue",
            "aten::mode",
            "aten::cummax",
            "aten::cummin",
        ),
        _picked,
    ),
    "aten::median": _median,
    "aten::quantile": _quantile,
    "aten::unfold": _unfolded,
    "aten::col2im": _folded,
    "aten::index_add": _index_added,
    "aten::index_copy": _index_copied,
    "aten::scatter": _scattered(added=False),
    "aten::scatter_add": _scattered(added=True),
    "aten::scatter_reduce": _scattered(added=False),
    "aten::index_put": _index_put,
    **dict.fromkeys(("aten::embedding_bag", "aten::_embedding_bag"), _bags),
}
"""By the name of ATen's operation."""
