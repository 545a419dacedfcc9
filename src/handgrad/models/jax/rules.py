"""JAX's primitives as formulas of the table's operations; at kinks with the slopes that JAX takes there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from jax.extend.core import primitives as p

from handgrad.expression import Call, Expression, Literal, Shape
from handgrad.models.formulas import (
    Masked,
    padded,
    permuted,
    reshaped,
    sliced,
)
from handgrad.models.jax.flattening import ROW, STACK
from handgrad.models.jax.patterns import LOG_SOFTMAX, LOGSUMEXP, SOFTMAX
from handgrad.models.jax.places import PLACES
from handgrad.models.jax.primitive import Primitive, Rule, Spread, Value
from handgrad.models.jax.windows import WINDOWS
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
from handgrad.operations.einsum import einsum
from handgrad.operations.exponentials import log_softmax, logsumexp, masked_softmax, softmax
from handgrad.operations.functions import cos, erf, exp, log, maximum, minimum, sin, sqrt
from handgrad.operations.piecewise import relu6
from handgrad.operations.reductions import maximum_of, mean, minimum_of, sum_
from handgrad.operations.structure import concat

RELU, RELU6, SOFTPLUS = "relu of jax.nn", "relu6 of jax.nn", "softplus of jax.nn"
"""Instructions for functions with a derivative of their own."""


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
    **WINDOWS,
    **PLACES,
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
    p.dot_general_p.name: _dot_general,
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
