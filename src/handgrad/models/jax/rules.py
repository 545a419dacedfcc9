"""JAX's primitives as formulas of the table's operations; at kinks with the slopes that JAX takes there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn, TypeAlias

import numpy as np
from jax.extend.core import primitives as p

from handgrad.equations.place import CodePlace
from handgrad.expression import Call, Expression, Literal, Shape, Slice
from handgrad.models.builder import Builder, unreadable
from handgrad.models.formulas import (
    ALL,
    Masked,
    SpreadOut,
    padded,
    permuted,
    picked,
    reshaped,
    sliced,
)
from handgrad.models.jax.flattening import ROW, STACK
from handgrad.models.jax.patterns import LOG_SOFTMAX, LOGSUMEXP, SOFTMAX
from handgrad.operations import operation_of
from handgrad.operations.accumulating import cumsum, prod
from handgrad.operations.activations import (
    gelu,
    gelu_tanh,
    mish,
    relu,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from handgrad.operations.arranging import stack
from handgrad.operations.choosing import where
from handgrad.operations.convolution import convolutions
from handgrad.operations.einsum import einsum
from handgrad.operations.exponentials import log_softmax, logsumexp, masked_softmax, softmax
from handgrad.operations.extending import broadcast_to
from handgrad.operations.functions import cos, erf, exp, log, maximum, minimum, sin, sqrt
from handgrad.operations.piecewise import relu6
from handgrad.operations.pooling import max_pools, mean_pools
from handgrad.operations.reductions import maximum_of, mean, minimum_of, sum_
from handgrad.operations.structure import concat

RELU, RELU6, SOFTPLUS = "relu of jax.nn", "relu6 of jax.nn", "softplus of jax.nn"
"""Instructions for functions with a derivative of their own."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A value that is repeated along axes: `formula` has length 1 there, and none in front.

    Where it meets others entry by entry, nothing needs to be repeated.
    """

    formula: Expression
    shape: Shape


Value: TypeAlias = "Expression | Spread | Masked"


@dataclass
class Primitive:
    """An instruction as the rules see it.

    Arguments:
        name: the primitive's.
        params: its parameters.
        values: its arguments as formulas; None where they are known.
        numbers: the arguments' numbers.
        fixed: whether an argument is known.
        out: the shapes of its results.
        place: the line of code.
        builder: what equations are written on.
        given: the formula of known numbers.
        places: the formula of numbers of entries, and what to call them.
    """

    name: str
    params: Mapping[str, Any]
    values: Sequence[Value | None]
    numbers: Sequence[Any]
    fixed: Sequence[bool]
    out: Sequence[Shape]
    place: CodePlace
    builder: Builder
    given: Callable[[int], Expression]
    places: Callable[[np.ndarray[Any, Any], str], Expression]

    def refuse(self, what: str, mend: str = "") -> NoReturn:
        """Raises the error for what cannot be read."""
        raise unreadable(f"{self.name} {what}", self.place, mend)

    def shape(self, k: int = 0) -> Shape:
        """The shape of an argument."""
        return tuple(int(n) for n in np.shape(self.numbers[k]))

    def known(self, k: int) -> np.ndarray[Any, Any]:
        """An argument's numbers, which have to be known."""
        if not self.fixed[k]:
            self.refuse("is given places that depend on the parameters or the data")
        return np.asarray(self.numbers[k])

    def __call__(self, k: int = 0) -> Expression:
        """An argument in its own shape."""
        value = self.values[k]
        if value is None:
            array = np.asarray(self.numbers[k])
            return Literal(float(array)) if array.ndim == 0 else self.given(k)
        if isinstance(value, Masked):
            self.refuse("takes scores that −∞ leaves out", "only softmax can take these")
        if isinstance(value, Spread):
            return broadcast_to(value.formula, shape=value.shape)
        return value

    def entrywise(self, k: int) -> Expression:
        """An argument that meets others entry by entry: NumPy's rule repeats it."""
        value = self.values[k]
        if value is None:
            array = np.asarray(self.numbers[k])
            if array.size and (array == array.reshape(-1)[0]).all() and np.isfinite(array).all():
                # Others have the shape already, unless all of them are known.
                return Literal(float(array.reshape(-1)[0]))
            return self.given(k)
        return value.formula if isinstance(value, Spread) else self(k)


Rule: TypeAlias = "Callable[[Primitive], Value | tuple[Value, ...]]"


def _of_one(make: Callable[[Expression], Expression]) -> Rule:
    def rule(a: Primitive) -> Value:
        value = a.values[0]
        if isinstance(value, Spread):
            return Spread(make(value.formula), value.shape)
        return make(a(0))

    return rule


def _add(a: Primitive) -> Value:
    for k in (0, 1):
        if a.fixed[k] and not isinstance(a.values[1 - k], Masked):
            array = np.asarray(a.numbers[k])
            keep = array >= -1e30
            if not keep.all() and (array[keep] == 0).all():
                return Masked(a(1 - k), keep.astype(np.float64))
    return _in_shape(a, a.entrywise(0) + a.entrywise(1))


def _divide(a: Primitive) -> Value:
    """A quotient; a sum over as many entries as it is divided by is a mean."""
    x, y = a.entrywise(0), a.entrywise(1)
    if isinstance(x, Call) and x.operation == sum_.name and isinstance(y, Literal):
        (inner,) = x.arguments
        count = math.prod(a.builder.shape(inner)) // max(math.prod(a.builder.shape(x)), 1)
        if y.value == count:
            return _in_shape(a, Call(mean.name, x.arguments, x.options))
    return _in_shape(a, x / y)


def _of_two(make: Callable[[Expression, Expression], Expression]) -> Rule:
    return lambda a: _in_shape(a, make(a.entrywise(0), a.entrywise(1)))


def _in_shape(a: Primitive, formula: Expression) -> Value:
    """A result of NumPy's broadcasting; it is repeated where none of the arguments had the whole shape."""
    shape = a.builder.shape(formula)
    return formula if shape == tuple(a.out[0]) else Spread(formula, tuple(a.out[0]))


def _multiply(a: Primitive) -> Value:
    x, y = a.entrywise(0), a.entrywise(1)
    for z, other in ((x, y), (y, x)):
        if other == sigmoid(z):
            return _in_shape(a, silu(z))
        if other == tanh(softplus(z)):
            return _in_shape(a, mish(z))
        if other == _gelu_factor(z):
            return _in_shape(a, gelu_tanh(z))
        if (
            isinstance(z, Call)
            and other == _tail_below(z.arguments[-1])
            and z == Literal(0.5) * z.arguments[-1]
        ):
            return _in_shape(a, gelu(z.arguments[-1]))
    return _in_shape(a, x * y)


def _gelu_factor(z: Expression) -> Expression:
    """What jax.nn.gelu multiplies z by: ½(1 + tanh(√(2/π)(z + 0.044715 z³)))."""
    root = float(np.sqrt(2 / np.pi))
    return Literal(0.5) * (Literal(1.0) + tanh(Literal(root) * (z + Literal(0.044715) * z**3)))


def _tail_below(z: Expression) -> Expression:
    """What jax.nn.gelu(approximate=False) multiplies ½z by: erfc(−z/√2), 2Φ(z)."""
    return Literal(1.0) - erf(-z * Literal(float(np.sqrt(0.5))))


def _leaves_out(a: Primitive, k: int) -> bool:
    """Whether an argument is −∞, or the lowest number that there is, everywhere."""
    return a.fixed[k] and bool((np.asarray(a.numbers[k]) < -1e30).all())


def _select(a: Primitive) -> Value:
    if len(a.values) != 3:
        a.refuse(f"chooses among {len(a.values) - 1}")
    if a.fixed[0]:
        choice = np.asarray(a.numbers[0]).astype(bool)
        if choice.all() or not choice.any():
            # Decided for all entries alike.
            return a(2) if choice.all() else a(1)
        for kept, out, keep in ((2, 1, choice), (1, 2, ~choice)):
            if _leaves_out(a, out):
                return Masked(a(kept), keep.astype(np.float64))
    return _in_shape(a, where(a.entrywise(0), a.entrywise(2), a.entrywise(1)))


def _absolute(a: Primitive) -> Value:
    """|z| with JAX's slope at 0, which is 1."""
    z = a(0)
    return where(z >= 0, z, -z)


def _clamp(a: Primitive) -> Value:
    """Between two bounds; at the bounds JAX's slope is 0."""
    low, z, high = a.entrywise(0), a.entrywise(1), a.entrywise(2)
    return _in_shape(a, where(z > low, where(z < high, z, high), low))


def _integer_power(a: Primitive) -> Value:
    return a(0) ** int(a.params["y"])


def _power(a: Primitive) -> Value:
    if a.fixed[1] and np.ndim(a.numbers[1]) == 0 and float(a.numbers[1]) == 0.5:
        return sqrt(a(0))
    return _in_shape(a, a.entrywise(0) ** a.entrywise(1))


def _exponent_less_one(a: Primitive) -> Value:
    return exp(a(0)) - 1


def _converted(a: Primitive) -> Value:
    kind = np.dtype(a.params["new_dtype"]).kind
    value = a.values[0]
    assert value is not None
    if kind not in "fV":
        a.refuse(f"makes {a.params['new_dtype']} of what has a gradient")
    return value


def _broadcast(a: Primitive) -> Value:
    own, shape = a.shape(), tuple(int(n) for n in a.params["shape"])
    axes = [int(k) for k in a.params["broadcast_dimensions"]]
    laid = [1] * len(shape)
    for n, k in zip(own, axes, strict=True):
        laid[k] = n
    while laid and laid[0] == 1:
        laid.pop(0)
    value = a.values[0]
    formula = value.formula if isinstance(value, Spread) else a(0)
    held = a.builder.shape(formula)
    if held != own:
        # Itself repeated: the axes of length 1 stay so.
        full = (*[1] * (len(own) - len(held)), *held)
        laid = [1] * len(shape)
        for n, k in zip(full, axes, strict=True):
            laid[k] = n
        while laid and laid[0] == 1:
            laid.pop(0)
    formula = _kept(a, formula, tuple(laid)) or reshaped(formula, held, laid)
    return formula if tuple(laid) == shape else Spread(formula, shape)


def _kept(a: Primitive, formula: Expression, laid: Shape) -> Expression | None:
    """A reduction whose axes are put back with the length 1: it keeps them."""
    if not isinstance(formula, Call) or operation_of(formula).family != "reduction":
        return None
    axis = formula.option("axis")
    if axis is None or formula.option("keepdims"):
        return None
    kept = Call(formula.operation, formula.arguments, (*formula.options, ("keepdims", True)))
    return kept if a.builder.shape(kept) == laid else None


def _reshape(a: Primitive) -> Value:
    return reshaped(a(0), a.shape(), a.out[0])


def _transpose(a: Primitive) -> Value:
    return permuted(a(0), [int(k) for k in a.params["permutation"]])


def _slice(a: Primitive) -> Value:
    formula, shape = a(0), a.shape()
    starts, stops = a.params["start_indices"], a.params["limit_indices"]
    steps = a.params["strides"] or [1] * len(shape)
    for axis, (start, stop, step) in enumerate(zip(starts, stops, steps, strict=True)):
        count = len(range(start, stop, step))
        formula = sliced(formula, shape, axis, start, start + step * (count - 1) + 1, step)
        shape = (*shape[:axis], count, *shape[axis + 1 :])
    return formula


def _dynamic_slice(a: Primitive) -> Value:
    formula, shape = a(0), a.shape()
    for axis, size in enumerate(a.params["slice_sizes"]):
        start = int(np.clip(int(a.known(axis + 1)), 0, shape[axis] - size))
        formula = sliced(formula, shape, axis, start, start + size)
        shape = (*shape[:axis], size, *shape[axis + 1 :])
    return formula


def _split(a: Primitive) -> tuple[Value, ...]:
    axis, shape = int(a.params["axis"]), a.shape()
    ends = np.cumsum([0, *a.params["sizes"]])
    return tuple(sliced(a(0), shape, axis, int(b), int(e)) for b, e in pairwise(ends))


def _reverse(a: Primitive) -> Value:
    formula, shape = a(0), a.shape()
    for axis in a.params["dimensions"]:
        formula = sliced(formula, shape, int(axis), shape[axis] - 1, -1, -1)
    return formula


def _concatenate(a: Primitive) -> Value:
    return concat(*[a(k) for k in range(len(a.values))], axis=int(a.params["dimension"]))


def _pad(a: Primitive) -> Value:
    ends = [(int(b), int(e), int(i)) for b, e, i in a.params["padding_config"]]
    if any(between for _, _, between in ends):
        a.refuse("puts constants between the entries")
    formula, shape = a(0), a.shape()
    for axis, (b, e, _) in enumerate(ends):
        formula = sliced(formula, shape, axis, max(-b, 0), shape[axis] - max(-e, 0))
    value = float(a.known(1))
    return padded(formula, [max(b, 0) for b, _, _ in ends], [max(e, 0) for _, e, _ in ends], value)


def _gather(a: Primitive) -> Value:
    """Entries by known places: whole rows where they are such, single entries of the flat array elsewhere."""
    a.known(1)
    from jax import lax

    shape, count = a.shape(), math.prod(a.shape())
    params = {**a.params, "fill_value": -1}
    which = np.asarray(lax.gather_p.bind(np.arange(count).reshape(shape), a.numbers[1], **params))
    if (which < 0).any() or (which >= count).any():
        a.refuse("picks entries that there are not", "places are counted from 0")
    found = _rows(a, which, shape)
    if found is not None:
        return found
    numbers = a.places(which, "places")
    return picked(reshaped(a(0), shape, (count,)), (count,), numbers, which.shape)


def _rows(a: Primitive, which: np.ndarray[Any, Any], shape: Shape) -> Value | None:
    """Rows of a matrix by their numbers, as an embedding is looked up; a single one as an index."""
    row = shape[1:]
    size = math.prod(row)
    if len(shape) < 2 or which.shape[which.ndim - len(row) :] != row or not which.size:
        return None
    numbered = which.shape[: which.ndim - len(row)]
    flat = which.reshape(-1, size)
    if not (flat == flat[:, :1] + np.arange(size)).all() or (flat[:, 0] % size).any():
        return None
    rows = (flat[:, 0] // size).reshape(numbered)
    if not numbered:
        return a(0).at((int(rows),))
    if rows.ndim == 1 and (rows == np.arange(rows[0], rows[0] + len(rows))).all():
        return sliced(a(0), shape, 0, int(rows[0]), int(rows[-1]) + 1)
    numbers = a.places(rows, "rows")
    return picked(a(0), shape, numbers, numbered)


def _dot_general(a: Primitive) -> Value:
    ((left, right), (batch_left, batch_right)) = a.params["dimension_numbers"]
    left, right = [int(k) for k in left], [int(k) for k in right]
    ranks = len(a.shape(0)), len(a.shape(1))
    if (
        not batch_left
        and len(left) == 1
        and ranks[0] <= 2
        and ranks[1] <= 2
        and ranks[0]
        and ranks[1]
    ):
        x, y = a(0), a(1)
        first = x if left[0] == ranks[0] - 1 else x.T
        second = y if right[0] == 0 else y.T
        return first @ second
    plain = ranks[0] > 2 and ranks[1] == 2 and not batch_left
    if plain and left == [ranks[0] - 1]:
        return a(0) @ (a(1) if right == [0] else a(1).T)
    many = len(batch_left)
    stacked = list(range(many))
    if (
        many
        and [*batch_left] == stacked
        and [*batch_right] == stacked
        and ranks == (many + 2, many + 2)
        and len(left) == 1
    ):
        first = a(0) if left == [many + 1] else a(0).mT
        second = a(1) if right == [many] else a(1).mT
        return first @ second
    return einsum(a(0), a(1), subscripts=_letters(ranks, left, right, batch_left, batch_right))


def _letters(
    ranks: tuple[int, int],
    left: Sequence[int],
    right: Sequence[int],
    batch_left: Sequence[int],
    batch_right: Sequence[int],
) -> str:
    """The letters of a general product: the batch's, then what is left of each argument."""
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    one, two = [""] * ranks[0], [""] * ranks[1]
    batch = []
    for j, k in zip(batch_left, batch_right, strict=True):
        one[j] = two[k] = letter = next(letters)
        batch.append(letter)
    for j, k in zip(left, right, strict=True):
        one[j] = two[k] = next(letters)
    summed = {one[k] for k in left}
    for axes in (one, two):
        for k, letter in enumerate(axes):
            axes[k] = letter or next(letters)
    rest = [n for n in (*one, *two) if n not in batch and n not in summed]
    return f"{''.join(one)},{''.join(two)}->{''.join([*batch, *rest])}"


def _convolution(a: Primitive) -> Value:
    numbers = a.params["dimension_numbers"]
    rank = len(a.shape()) - 2
    if rank not in convolutions:
        a.refuse(f"slides along {rank} axes", "one, two or three are read")
    if a.params["batch_group_count"] != 1:
        a.refuse("groups its examples", "groups of channels are read")
    x, k = permuted(a(0), numbers.lhs_spec), permuted(a(1), numbers.rhs_spec)
    back = [
        int(np.argwhere(np.asarray(numbers.out_spec) == axis)[0, 0]) for axis in range(rank + 2)
    ]
    before = [int(b) for b, _ in a.params["padding"]]
    after = [int(e) for _, e in a.params["padding"]]
    if set(a.params["lhs_dilation"]) != {1}:
        return permuted(_transposed(a, x, k, before, after), back)
    options: dict[str, Any] = {
        "stride": tuple(int(n) for n in a.params["window_strides"]),
        "dilation": tuple(int(n) for n in a.params["rhs_dilation"]),
    }
    if before != after:
        x = padded(x, (0, 0, *before), (0, 0, *after))
        before = [0] * rank
    options["padding"] = tuple(before)
    plain = {"stride": 1, "dilation": 1, "padding": 0}
    options = {n: v[0] if len(set(v)) == 1 else v for n, v in options.items()}
    options = {n: v for n, v in options.items() if v != plain[n]}
    if a.params["feature_group_count"] != 1:
        options["groups"] = int(a.params["feature_group_count"])
    result = convolutions[rank](x, k, **options)
    return permuted(result, back)


def _transposed(
    a: Primitive, x: Expression, k: Expression, before: Sequence[int], after: Sequence[int]
) -> Expression:
    """A convolution of an array with gaps between its entries: a transposed one, of the kernel turned round."""
    numbers, rank = a.params["dimension_numbers"], len(before)
    if set(a.params["window_strides"]) != {1} or a.params["feature_group_count"] != 1:
        a.refuse("has gaps in the array, and a stride or groups", "one of both is read")
    lengths = tuple(a.shape()[axis] for axis in numbers.lhs_spec[2:])
    size = tuple(a.shape(1)[axis] for axis in numbers.rhs_spec[2:])
    dilation = tuple(int(n) for n in a.params["rhs_dilation"])
    reach = [d * (n - 1) for n, d in zip(size, dilation, strict=True)]
    turned = permuted(k, (1, 0, *range(2, rank + 2))).at(
        (ALL, ALL, *[Slice(None, None, -1)] * rank)
    )
    spread = SpreadOut(
        lengths,
        size,
        tuple(int(n) for n in a.params["lhs_dilation"]),
        dilation,
        tuple(r - b for r, b in zip(reach, before, strict=True)),
        tuple(r - e for r, e in zip(reach, after, strict=True)),
    )
    return spread.of(x, turned)


def _pool(
    a: Primitive, make: Mapping[int, Callable[..., Expression]], around: float, **ties: bool
) -> tuple[Expression, int]:
    """Windows over the axes where they are longer than 1: moved last, pooled, moved back."""
    size = [int(n) for n in a.params["window_dimensions"]]
    axes = [k for k, n in enumerate(size) if n > 1] or [len(size) - 1]
    if set(a.params["base_dilation"]) != {1}:
        a.refuse("puts gaps between the entries")
    strides, dilations = a.params["window_strides"], a.params["window_dilation"]
    if any(strides[k] != 1 for k in range(len(size)) if k not in axes) or len(axes) > 3:
        a.refuse("slides along more than three axes")
    pads = a.params["padding"]
    before, after = [int(b) for b, _ in pads], [int(e) for _, e in pads]
    x, same = a(0), before == after
    if not same:
        x = padded(x, before, after, around)
    order = [k for k in range(len(size)) if k not in axes] + axes
    options: dict[str, Any] = {
        "size": tuple(size[k] for k in axes),
        "stride": tuple(int(strides[k]) for k in axes),
        "dilation": tuple(int(dilations[k]) for k in axes),
        "padding": tuple(before[k] if same else 0 for k in axes),
    }
    options = {n: v[0] if len(set(v)) == 1 else v for n, v in options.items()}
    options = {
        n: v
        for n, v in options.items()
        if (n, v) not in (("dilation", 1), ("padding", 0))
        and not (n == "stride" and v == options["size"])
    }
    pooled = make[len(axes)](permuted(x, order), **options, **ties)
    back = [order.index(k) for k in range(len(size))]
    return permuted(pooled, back), math.prod(size)


def _window_max(a: Primitive) -> Value:
    # Of entries that tie in a window JAX gives all to the first.
    return _pool(a, max_pools, -1e300, first=True)[0]


def _window_sum(a: Primitive) -> Value:
    mean, count = _pool(a, mean_pools, 0.0)
    return float(count) * mean


def _reduced(make: Callable[..., Expression]) -> Rule:
    def rule(a: Primitive) -> Value:
        axes = tuple(int(k) for k in a.params["axes"])
        if not axes:
            return a(0)
        if len(axes) == len(a.shape()):
            return make(a(0))
        return make(a(0), axis=axes[0] if len(axes) == 1 else axes)

    return rule


def _cumsum(a: Primitive) -> Value:
    axis, shape = int(a.params["axis"]), a.shape()
    if not a.params["reverse"]:
        return cumsum(a(0), axis=axis)
    turned = sliced(a(0), shape, axis, shape[axis] - 1, -1, -1)
    return sliced(cumsum(turned, axis=axis), shape, axis, shape[axis] - 1, -1, -1)


def _soft(make: Callable[..., Expression]) -> Rule:
    def rule(a: Primitive) -> Value:
        axes, rank = a.params["axes"], len(a.shape())
        if axes == (rank - 1,) and make is not logsumexp:
            return make(a(0))
        if len(axes) == rank:
            return make(a(0), **({} if rank == 1 or make is logsumexp else {"axis": axes}))
        return make(a(0), axis=axes[0] if len(axes) == 1 else axes)

    return rule


def _softmax(a: Primitive) -> Value:
    value = a.values[0]
    if not isinstance(value, Masked):
        return _soft(softmax)(a)  # type: ignore[return-value]
    axes, rank = a.params["axes"], len(a.shape())
    if not np.broadcast_to(value.keep, a.shape()).any(axis=axes).all():
        a.refuse("has a row of which −∞ leaves everything out", "a mask keeps an entry of each row")
    keep = a.builder.data("mask", value.keep)
    options = {} if axes == (rank - 1,) else {"axis": axes[0] if len(axes) == 1 else axes}
    return masked_softmax(value.scores, keep, **options)


def _row(a: Primitive) -> Value:
    return a(0).at((int(a.params["row"]),))


def _stack(a: Primitive) -> Value:
    return stack(*[a(k) for k in range(len(a.values))], axis=0)


RULES: Mapping[str, Rule] = {
    p.add_p.name: _add,
    p.sub_p.name: _of_two(lambda x, y: x - y),
    p.mul_p.name: _multiply,
    p.div_p.name: _divide,
    p.max_p.name: _of_two(maximum),
    p.min_p.name: _of_two(minimum),
    p.neg_p.name: _of_one(lambda x: -x),
    p.exp_p.name: _of_one(exp),
    p.expm1_p.name: _exponent_less_one,
    p.log_p.name: _of_one(log),
    p.log1p_p.name: _of_one(lambda x: log(1 + x)),
    p.tanh_p.name: _of_one(tanh),
    p.logistic_p.name: _of_one(sigmoid),
    p.sin_p.name: _of_one(sin),
    p.cos_p.name: _of_one(cos),
    p.sqrt_p.name: _of_one(sqrt),
    p.rsqrt_p.name: _of_one(lambda x: 1 / sqrt(x)),
    p.square_p.name: _of_one(lambda x: x**2),
    p.erf_p.name: _of_one(erf),
    p.erfc_p.name: _of_one(lambda x: Literal(1.0) - erf(x)),
    p.integer_pow_p.name: _integer_power,
    p.pow_p.name: _power,
    p.abs_p.name: _absolute,
    p.clamp_p.name: _clamp,
    p.select_n_p.name: _select,
    p.gt_p.name: _of_two(lambda x, y: x > y),
    p.ge_p.name: _of_two(lambda x, y: x >= y),
    p.lt_p.name: _of_two(lambda x, y: x < y),
    p.le_p.name: _of_two(lambda x, y: x <= y),
    p.eq_p.name: _of_two(lambda x, y: (x >= y) * (x <= y)),
    p.ne_p.name: _of_two(lambda x, y: 1 - (x >= y) * (x <= y)),
    p.and_p.name: _of_two(lambda x, y: x * y),
    p.or_p.name: _of_two(maximum),
    p.not_p.name: _of_one(lambda x: 1 - x),
    p.sign_p.name: _of_one(lambda x: (x > 0) - (x < 0)),
    p.convert_element_type_p.name: _converted,
    p.copy_p.name: lambda a: a(0),
    p.name_p.name: lambda a: a(0),
    p.reduce_precision_p.name: lambda a: a(0),
    p.broadcast_in_dim_p.name: _broadcast,
    p.reshape_p.name: _reshape,
    p.squeeze_p.name: _reshape,
    p.transpose_p.name: _transpose,
    p.slice_p.name: _slice,
    p.dynamic_slice_p.name: _dynamic_slice,
    "split": _split,
    p.rev_p.name: _reverse,
    p.concatenate_p.name: _concatenate,
    p.pad_p.name: _pad,
    p.gather_p.name: _gather,
    p.dot_general_p.name: _dot_general,
    p.conv_general_dilated_p.name: _convolution,
    p.reduce_window_max_p.name: _window_max,
    p.reduce_window_sum_p.name: _window_sum,
    p.reduce_sum_p.name: _reduced(sum_),
    p.reduce_max_p.name: _reduced(maximum_of),
    p.reduce_min_p.name: _reduced(minimum_of),
    p.reduce_prod_p.name: _reduced(prod),
    p.cumsum_p.name: _cumsum,
    SOFTMAX: _softmax,
    LOG_SOFTMAX: _soft(log_softmax),
    LOGSUMEXP: _soft(logsumexp),
    RELU: _of_one(relu),
    RELU6: _of_one(relu6),
    SOFTPLUS: _of_one(softplus),
    ROW: _row,
    STACK: _stack,
}
"""By primitive, the formula of its arguments."""
