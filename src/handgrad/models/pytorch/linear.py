"""ATen's products, convolutions and pools."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from string import ascii_letters
from typing import Any

import torch

from handgrad.expression import Expression, Option, Shape
from handgrad.models.formulas import padded
from handgrad.models.pytorch.entrywise import Rule, left_out
from handgrad.models.pytorch.values import Arguments, NotRead, TorchValue
from handgrad.operations.convolution import convolutions, transposed_convolutions
from handgrad.operations.einsum import einsum
from handgrad.operations.linear import outer
from handgrad.operations.operation import Operation
from handgrad.operations.pooling import max_pools, mean_pools
from handgrad.operations.reductions import maximum_of, mean, norm
from handgrad.operations.structure import reshape

LOWEST = -1e300
"""What stands around an array of which the largest entries are taken, where the last window hangs over the edge."""


def _linear(a: Arguments) -> Expression:
    x, weight, bias = a.formula("input"), a.formula("weight"), a.optional("bias")
    product = x @ weight.T if len(a.shape("input")) > 1 else weight @ x
    return product if bias is None else product + bias


def _product(other: str) -> Rule:
    return lambda a: a.formula() @ a.formula(other)


def _added_product(one: str, other: str) -> Rule:
    def rule(a: Arguments) -> Expression | TorchValue:
        product = a.formula(one) @ a.formula(other)
        if masked := left_out(product, a.value("self"), a):
            return masked
        added = a.formula()
        alpha, beta = float(a["alpha"]), float(a["beta"])
        if beta == 0:
            return product if alpha == 1 else alpha * product
        product = product if alpha == 1 else alpha * product
        return product + (added if beta == 1 else beta * added)

    return rule


def _einsum(a: Arguments) -> Expression:
    equation = str(a["equation"]).replace(" ", "")
    if "." in equation:
        equation = _written_out(equation, [len(v.shape) for v in a.values("tensors")])
    if "->" not in equation:
        letters = sorted(c for c in set(equation) - {","} if equation.count(c) == 1)
        equation = f"{equation}->{''.join(letters)}"
    return einsum(*[v.formula for v in a.values("tensors")], subscripts=equation)


def _written_out(equation: str, ranks: Sequence[int]) -> str:
    """Subscripts with letters for an ellipsis: as many as its axes, the last ones first where arguments have fewer."""
    given, arrow, result = equation.partition("->")
    parts = given.split(",")
    free = [c for c in ascii_letters if c not in equation]
    most = max(r - len(p.replace("...", "")) for p, r in zip(parts, ranks, strict=True) if "." in p)
    letters = "".join(free[:most])
    told = [
        p.replace("...", letters[most - (r - len(p.replace("...", ""))) :])
        for p, r in zip(parts, ranks, strict=True)
    ]
    if not arrow:
        once = sorted(c for c in set(given) - set(",.") if given.count(c) == 1)
        result = letters + "".join(once)
    return f"{','.join(told)}->{result.replace('...', letters)}"


def _each(option: object, rank: int) -> tuple[int, ...]:
    """An option of a convolution or a pool, a number for each axis."""
    numbers = [int(n) for n in option] if isinstance(option, list | tuple) else [int(option)]  # type: ignore[call-overload]
    return tuple(numbers * rank if len(numbers) == 1 else numbers)


def _shortest(numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    return numbers[0] if len(set(numbers)) == 1 else numbers


def _convolution(operation: Operation, rank: int) -> Rule:
    def rule(a: Arguments) -> Expression:
        padding = a["padding"]
        options = {
            "stride": _shortest(_each(a["stride"], rank)),
            "padding": padding if isinstance(padding, str) else _shortest(_each(padding, rank)),
            "dilation": _shortest(_each(a["dilation"], rank)),
            "groups": int(a["groups"]),
        }
        if "output_padding" in a.given:
            options["output_padding"] = _shortest(_each(a["output_padding"], rank))
        told = {n: v for n, v in options.items() if v != operation.options[n] and v != "valid"}
        bias = a.optional("bias")
        arguments = (a.formula("input"), a.formula("weight"), *([] if bias is None else [bias]))
        return operation(*arguments, **told)

    return rule


def _pool(operation: Operation, rank: int, average: bool = False) -> Rule:
    def rule(a: Arguments) -> Expression:
        size = _each(a["kernel_size"], rank)
        stride = _each(a["stride"], rank) if a["stride"] else size
        padding = _each(a["padding"], rank)
        options = {
            "size": _shortest(size),
            "stride": _shortest(stride),
            "padding": _shortest(padding),
        }
        if "dilation" in a.given:
            options["dilation"] = _shortest(_each(a["dilation"], rank))
        dilation = _each(a["dilation"], rank) if "dilation" in a.given else (1,) * rank
        axes = zip(a.shape()[-rank:], size, stride, padding, dilation, tuple(_first(a.result).shape[-rank:]), strict=True)  # fmt: skip
        # By how much the last window hangs over the edge (ceil_mode).
        over = tuple(max(0, (c - 1) * s + d * (k - 1) + 1 - n - 2 * p) for n, k, s, p, d, c in axes)
        array = a.formula()
        if any(over):
            lead = (0,) * (len(a.shape()) - rank)
            ends = tuple(p + o for p, o in zip(padding, over, strict=True))
            array = padded(array, (*lead, *padding), (*lead, *ends), 0.0 if average else LOWEST)
            options["padding"] = 0
        divisor = a.given.get("divisor_override")
        shares = None
        if average and (divisor or any(over) or (any(padding) and not a["count_include_pad"])):
            shares = _divisors(a, size, stride, padding, divisor)
        told = {
            n: v
            for n, v in options.items()
            if not (
                (n == "stride" and stride == size)
                or (n == "padding" and v == 0)
                or (n == "dilation" and v == 1)
            )
        }
        # Of entries that tie in a window PyTorch gives all to the first.
        pooled = operation(array, **told, **({} if average else {"first": True}))
        return pooled if shares is None else pooled / a.data("shares", shares)

    return rule


def _first(result: Any) -> torch.Tensor:
    found: torch.Tensor = result if isinstance(result, torch.Tensor) else result[0]
    return found


def _divisors(
    a: Arguments, size: Shape, stride: Shape, padding: Shape, divisor: int | None
) -> torch.Tensor:
    """What each window's sum is divided by, as a share of the window's size."""
    rank = len(size)
    found = torch.ones((), dtype=torch.float64)
    for n, k, s, p, c in zip(a.shape()[-rank:], size, stride, padding, a.result.shape[-rank:], strict=True):  # fmt: skip
        starts = [place * s - p for place in range(c)]
        low, high = (-p, n + p) if a["count_include_pad"] else (0, n)
        counts = [min(start + k, high) - max(start, low) for start in starts]
        found = found.unsqueeze(-1) * torch.tensor(counts, dtype=torch.float64) / k
    if divisor:
        return torch.full_like(found, divisor / math.prod(size))
    return found


def _adaptive(operation: Operation, rank: int, reduction: Operation, average: bool) -> Rule:
    def rule(a: Arguments) -> Expression | tuple[Expression | TorchValue, ...]:
        shape = a.shape()
        lengths = shape[-rank:]
        counts = tuple(
            n if c is None else int(c) for n, c in zip(lengths, a["output_size"], strict=True)
        )
        axes = tuple(range(len(shape) - rank, len(shape)))
        ties: dict[str, Option] = {} if average else {"first": True}
        if set(counts) == {1}:
            found: Expression = reduction(
                a.formula(), axis=axes if rank > 1 else axes[0], keepdims=True, **ties
            )
        elif all(n % c == 0 for n, c in zip(lengths, counts, strict=True)):
            size = tuple(n // c for n, c in zip(lengths, counts, strict=True))
            found = (
                a.formula()
                if set(size) == {1}
                else operation(a.formula(), size=_shortest(size), **ties)
            )
        elif average:
            # Windows of several lengths: each axis is multiplied by the matrix of their shares.
            found = a.formula()
            for k, (n, c) in enumerate(zip(lengths, counts, strict=True)):
                shares = a.data(f"shares_{n}_to_{c}", _shares(n, c, a.value("self").tensor.dtype))
                found = _along_axis(found, shares, len(shape) - rank + k, len(shape))
        else:
            raise NotRead(f"a largest over windows of several lengths, {lengths} to {counts}")
        return found if average else (found, a.constant("place", a.result[1]))

    return rule


def _shares(length: int, count: int, dtype: torch.dtype) -> torch.Tensor:
    matrix = torch.zeros(count, length, dtype=dtype)
    for k in range(count):
        start, stop = k * length // count, -(-(k + 1) * length // count)
        matrix[k, start:stop] = 1 / (stop - start)
    return matrix


def _along_axis(x: Expression, matrix: Expression, axis: int, rank: int) -> Expression:
    """An array multiplied by a matrix along one of its last two axes."""
    return matrix @ x if axis == rank - 2 else x @ matrix.T if rank > 1 else matrix @ x


def _distances(a: Arguments) -> Expression:
    """The distance of each row of one matrix from each of another."""
    if float(a.given.get("p", 2)) != 2:
        raise NotRead(f"distances of order {a['p']:g}", "those of order 2 are read")
    one, other = a.shape("x1"), a.shape("x2")
    left = reshape(a.formula("x1"), shape=(*one[:-1], 1, one[-1]))
    right = reshape(a.formula("x2"), shape=(*other[:-2], 1, *other[-2:]))
    return norm(left - right, axis=-1)


def _bilinear(a: Arguments) -> Expression:
    weight, bias = a.formula("weight"), a.optional("bias")
    product = einsum(a.formula("input1"), weight, a.formula("input2"), subscripts="ni,kij,nj->nk")
    return product if bias is None else product + bias


RULES: Mapping[str, Rule] = {
    "aten::linear": _linear,
    "aten::matmul": _product("other"),
    "aten::mm": _product("mat2"),
    "aten::bmm": _product("mat2"),
    "aten::mv": _product("vec"),
    "aten::dot": _product("tensor"),
    "aten::outer": lambda a: outer(a.formula(), a.formula("vec2")),
    "aten::addmm": _added_product("mat1", "mat2"),
    "aten::addmv": _added_product("mat", "vec"),
    "aten::baddbmm": _added_product("batch1", "batch2"),
    "aten::einsum": _einsum,
    "aten::bilinear": _bilinear,
    "aten::cdist": _distances,
    **{f"aten::{o.name}": _convolution(o, rank) for rank, o in convolutions.items()},
    **{f"aten::{o.name}": _convolution(o, rank) for rank, o in transposed_convolutions.items()},
    **{f"aten::{o.name}": _pool(o, rank) for rank, o in max_pools.items()},
    **{f"aten::{o.name}": _pool(o, rank, average=True) for rank, o in mean_pools.items()},
    **{
        f"aten::adaptive_{o.name}": _adaptive(o, rank, mean, True) for rank, o in mean_pools.items()
    },
    **{
        f"aten::adaptive_{o.name}": _adaptive(o, rank, maximum_of, False)
        for rank, o in max_pools.items()
    },
}
"""By the name of ATen's operation."""
