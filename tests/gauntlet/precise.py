"""A second opinion in many digits, where PyTorch's own floats may have cancelled.

log(1 − σ(30)) as it is written loses most of its digits in floats, and the stable form that the program takes
loses none. `Precise` computes the equations' own text in as many digits as its numbers need, by mpmath, and its
gradients by a tape: each number remembers the numbers that it was computed from and its slopes with respect to
them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial, reduce
from itertools import product
from typing import Any

import mpmath
import numpy as np

from tests.gauntlet import sliding
from tests.gauntlet.oracle import Array, Evaluated, Oracle, ReadError, _Evaluator, _swaps

mp = mpmath.mp.clone()
LEAST, MOST = 60, 3000
"""Decimal digits that are carried."""


class Number:
    """A number on the tape: its value, and (number, slope) of those that it was computed from."""

    __slots__ = ("parents", "place", "value")

    def __init__(self, value: Any, parents: tuple[tuple[Number, Any], ...], tape: list[Number]):
        self.value = value
        self.parents = parents
        self.place = len(tape)
        tape.append(self)

    def __add__(self, other: Any) -> Any:
        return _cleaned(*_made(_v(self) + _v(other), (self, 1), (other, 1)), self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return _cleaned(*_made(_v(self) - _v(other), (self, 1), (other, -1)), self, other)

    def __rsub__(self, other: Any) -> Any:
        return _cleaned(*_made(_v(other) - _v(self), (self, -1), (other, 1)), self, other)

    def __mul__(self, other: Any) -> Any:
        return _made(self.value * _v(other), (self, _v(other)), (other, self.value))[0]

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        a, b = self.value, _v(other)
        return _made(a / b, (self, 1 / b), (other, -a / (b * b)))[0]

    def __rtruediv__(self, other: Any) -> Any:
        a, b = _v(other), self.value
        return _made(a / b, (self, -a / (b * b)))[0]

    def __neg__(self) -> Any:
        return _made(-self.value, (self, -1))[0]


_tape: list[Number] = []
"""The numbers of the run that is being computed, each after those that it was computed from."""


def _v(number: Any) -> Any:
    return number.value if isinstance(number, Number) else number


def _made(value: Any, *parents: tuple[Any, Any]) -> tuple[Number]:
    kept = tuple([(p, slope) for p, slope in parents if isinstance(p, Number)])
    return (Number(value, kept, _tape),)


def _cleaned(result: Any, a: Any, b: Any) -> Any:
    """What a sum leaves of less than its terms' last digits is 0, as it is on paper."""
    value = result.value
    if value and abs(value) <= _rest() * (abs(_v(a)) + abs(_v(b))):
        result.value = mp.mpf(0)
    return result


def _rest() -> Any:
    return mp.mpf(10) ** (8 - mp.dps)


def _tie(a: Any, b: Any) -> bool:
    """Whether two numbers are one: as floats too, where no page tells them apart."""
    a, b = _v(a), _v(b)
    near = abs(a - b)
    return bool(
        near <= _rest() * (abs(a) + abs(b)) or (near < abs(a) * 2**-52 and float(a) == float(b))
    )


def _scalar(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Callable[..., Any]:
    def one(a: Any) -> Any:
        return _made(value(_v(a)), (a, slope(_v(a))))[0]

    return _each(one)


def _each(function: Callable[..., Any]) -> Callable[..., Any]:
    def applied(*arrays: Any) -> Any:
        found = np.frompyfunc(function, len(arrays), 1)(*arrays)
        return np.asarray(found, dtype=object)

    return applied


def _plain(value: float) -> Any:
    return mp.mpf(repr(float(value)))


def _array(value: Any) -> Any:
    return _each(_plain)(np.asarray(value, dtype=float))


def _tanh_slope(z: Any) -> Any:
    return 1 / mp.cosh(z) ** 2


_zero, _half = mp.mpf(0), mp.mpf(1) / 2


def _sigmoid_slope(z: Any) -> Any:
    small = mp.exp(-abs(z))
    return small / (1 + small) ** 2


def _sigmoid_of(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z))


def _normal(z: Any) -> Any:
    return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


_FLAT = 40
"""From here on Φ is no farther from 0 or 1 than the smallest float; mpmath takes seconds for what is left."""


def _normal_cdf(z: Any) -> Any:
    return mp.ncdf(z) if abs(z) < _FLAT else mp.mpf(z > 0)


_exp = _scalar(mp.exp, mp.exp)
_log = _scalar(mp.log, lambda v: 1 / v)
_sqrt = _scalar(mp.sqrt, lambda v: _half / mp.sqrt(v))
_sigmoid = _scalar(_sigmoid_of, _sigmoid_slope)
_tanh = _scalar(mp.tanh, _tanh_slope)
_softplus = _scalar(lambda z: mp.log1p(mp.exp(z)), _sigmoid_of)
_relu = _scalar(lambda z: max(z, _zero), lambda z: int(z > 0))
_abs = _scalar(abs, mp.sign)


def _larger(sign: int) -> Callable[[Any, Any], Any]:
    def one(a: Any, b: Any) -> Any:
        if _tie(a, b):
            return (a + b) * _half
        return a if (_v(a) > _v(b)) == (sign > 0) else b

    return one


def _over(a: Any, axis: Any) -> Any:
    return tuple(range(a.ndim)) if axis is None else axis


def _sum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _along(_added, a, axis, keepdims)


def _added(terms: list[Any]) -> Any:
    """A sum whose rest is judged by all of its terms, not from one addition to the next."""
    total = sum((_v(t) for t in terms), _zero)
    size = sum((abs(_v(t)) for t in terms), _zero)
    if abs(total) <= _rest() * size:
        total = _zero
    return _made(total, *[(t, 1) for t in terms])[0]


def _along(reduce: Callable[[list[Any]], Any], a: Any, axis: Any, keepdims: bool) -> Any:
    a = np.asarray(a, dtype=object)
    if not a.ndim:
        return a
    over = _over(a, axis)
    axes = sorted(x % a.ndim for x in (over if isinstance(over, tuple) else (over,)))
    kept = [x for x in range(a.ndim) if x not in axes]
    flat = a.transpose([*kept, *axes]).reshape(*[a.shape[x] for x in kept], -1)
    found = np.empty(flat.shape[:-1], dtype=object)
    for at in np.ndindex(*found.shape):
        found[at] = reduce(list(flat[at]))
    if keepdims:
        found = found.reshape([1 if x in axes else n for x, n in enumerate(a.shape)])
    return found


def _mean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    total = _sum(a, axis, keepdims)
    return total / mp.mpf(np.size(a) // max(1, np.size(total)))


def _extreme(sign: int) -> Callable[..., Any]:
    def of_terms(terms: list[Any]) -> Any:
        best = max(terms, key=lambda t: sign * _v(t))
        tied = [t for t in terms if _tie(t, best)]
        return best if len(tied) == 1 else _added(tied) / mp.mpf(len(tied))

    def extreme(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return _along(of_terms, a, axis, keepdims)

    return extreme


def _matmul(a: Any, b: Any) -> Any:
    left = a[None, :] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    found = _sum(left[..., :, :, None] * right[..., None, :, :], axis=-2)
    found = found[..., 0] if b.ndim == 1 else found
    return (found[..., 0, :] if b.ndim > 1 else found[..., 0]) if a.ndim == 1 else found


def _softmax(z: Any, axis: Any = -1) -> Any:
    raised = _exp(z)
    return raised / _sum(raised, axis, True)


def _masked_softmax(z: Any, mask: Any, axis: Any = -1) -> Any:
    kept = _each(lambda v, m: v if _v(m) != 0 else _zero)(_exp(z), mask)
    return kept / _sum(kept, axis, True)


def _logsumexp(z: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _log(_sum(_exp(z), axis, keepdims))


def _log_softmax(z: Any, axis: Any = -1) -> Any:
    return z - _logsumexp(z, axis, True)


def _y_log_p(y: Any, p: Any) -> Any:
    def one(y: Any, p: Any) -> Any:
        return _zero if _v(y) == 0 and not isinstance(y, Number) else y * _log(p)[()]

    def of_zero(y: Any, p: Any) -> Any:
        if _v(y) != 0 or _v(p) == 0:
            return one(_v(y) if _v(p) == 0 else y, p)
        return _made(_zero, (y, mp.log(_v(p))), (p, _zero))[0]

    return _each(of_zero)(y, p)


def _cross_entropy(p: Any, y: Any) -> Any:
    if y.shape != p.shape:
        y = _array(np.eye(p.shape[-1])[_each(_v)(y).astype(int)])
    return -_sum(_y_log_p(y, p)) / mp.mpf(p.size // p.shape[-1])


def _layernorm(a: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    centred = a - _mean(a, axis, True)
    return centred / _sqrt(_mean(centred * centred, axis, True) + _plain(eps))


def _huber(a: Any, b: Any, delta: float = 1.0) -> Any:
    d = _plain(delta)

    def one(r: Any) -> Any:
        return r * r * _half if abs(_v(r)) <= d else d * (_abs(r)[()] - d * _half)

    return _mean(_each(one)(a - b))


def _clip(a: Any, low: float | None = None, high: float | None = None) -> Any:
    """Held between two numbers; at one of them the slope is 1."""

    def one(v: Any) -> Any:
        if low is not None and _v(v) < _plain(low):
            return _made(_plain(low))[0]
        return _made(_plain(high))[0] if high is not None and _v(v) > _plain(high) else v

    return _each(one)(a)


def _straight(low: float, high: float) -> Callable[..., Any]:
    """Held between two numbers; at each of them the slope is 0."""

    def one(v: Any) -> Any:
        if _v(v) <= low:
            return _made(_plain(low))[0]
        return _made(_plain(high))[0] if _v(v) >= high else v

    return _each(one)


def _hardswish(z: Any) -> Any:
    def one(v: Any) -> Any:
        if _v(v) <= -3:
            return _made(_zero)[0]
        return v if _v(v) >= 3 else v * (v + 3) / mp.mpf(6)

    return _each(one)(z)


def _celu(z: Any, alpha: float = 1.0) -> Any:
    a = _plain(alpha)
    return _each(lambda v: v if _v(v) > 0 else (_exp(v / a)[()] - 1) * a)(z)


def _elu(z: Any, alpha: float = 1.0) -> Any:
    return _each(lambda v: v if _v(v) > 0 else (_exp(v)[()] - 1) * _plain(alpha))(z)


def _glu(z: Any, axis: int = -1) -> Any:
    first, second = np.split(z, 2, axis=axis)
    return first * _sigmoid(second)


def _nll(logs: Any, y: Any) -> Any:
    if y.shape != logs.shape:
        y = _array(np.eye(logs.shape[-1])[_each(_v)(y).astype(int)])
    return -_sum(y * logs) / mp.mpf(logs.size // logs.shape[-1])


_rooted = _each(lambda v: _sqrt(v)[()] if _v(v) else _made(_zero)[0])
"""√v of a sum of squares, whose gradient at 0 is 0."""


def _norm(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _rooted(_sum(a * a, axis, keepdims))


def _pooled(rank: int, reduce: Callable[[Any, int], Any]) -> Callable[..., Any]:
    def pooled(a: Any, **options: Any) -> Any:
        given = {"size": 2, **options}
        given["stride"] = given.get("stride") or given["size"]
        found, counts = sliding.windows(a.shape[-rank:], **given)
        each = [
            reduce(np.stack([a[(..., *at)] for at in w.inside], axis=-1), len(w.entries))
            for w in found
        ]
        return np.stack(each, axis=-1).reshape(*a.shape[:-rank], *counts)

    return pooled


def _convolved(rank: int) -> Callable[..., Any]:
    def convolve(a: Any, w: Any, *bias: Any, groups: int = 1, **options: Any) -> Any:
        slid = sliding.Slid.of(a.ndim, w.ndim, rank)
        a, w = slid.array(a), slid.kernel(w)
        found, counts = sliding.windows(a.shape[2:], w.shape[2:], **options)
        out: Any = np.empty((a.shape[0], w.shape[0], *counts), dtype=object)
        for own, under in sliding.parts(w.shape, groups):
            for window in found:
                pairs = [
                    a[(slice(None), None, under, *at)] * w[(None, own, slice(None), *offset)]
                    for offset, at in window.entries
                    if at is not None
                ]
                out[(slice(None), own, *window.place)] = (
                    _sum(np.concatenate(pairs, axis=-1), axis=-1) if pairs else _zero
                )
        for b in bias:
            out = out + b.reshape(-1, *[1] * rank)
        return slid.bare(out)

    return convolve


def _einsum(*arrays: Any, subscripts: str) -> Any:
    """Each entry of the result as a sum of products, letter by letter."""
    before, arrow, result = "".join(subscripts.split()).partition("->")
    inputs = before.split(",")
    letters = sorted(set(before) - {","})
    if not arrow:
        result = "".join(x for x in letters if before.count(x) == 1)
    lengths = {x: n for own, a in zip(inputs, arrays, strict=True) for x, n in zip(own, a.shape, strict=True)}  # fmt: skip
    summed = [x for x in letters if x not in result]
    out: Any = np.empty([lengths[x] for x in result], dtype=object)
    for index in np.ndindex(*out.shape):
        terms = []
        for more in product(*(range(lengths[x]) for x in summed)):
            at = dict(zip((*result, *summed), (*index, *more), strict=True))
            factors = [a[tuple(at[x] for x in own)] for own, a in zip(inputs, arrays, strict=True)]
            terms.append(reduce(operator.mul, factors))
        out[index] = terms[0] if len(terms) == 1 else _added(terms)
    return out


def _eliminated(a: Any, right: Any) -> tuple[Any, Any]:
    """The product of the pivots, with its sign, and what Gauss and Jordan make of the right side."""
    left, right = np.array(a), np.array(right)
    product: Any = mp.mpf(1)
    for k in range(len(left)):
        pivot = max(range(k, len(left)), key=lambda i: abs(_v(left[i, k])))
        if _v(left[pivot, k]) == 0:
            raise ArithmeticError("a matrix without an inverse")
        if pivot != k:
            product = -product
            for side in (left, right):
                side[[k, pivot]] = side[[pivot, k]]
        product = left[k, k] * product
        left[k], right[k] = left[k] / left[k, k], right[k] / left[k, k]
        for i in range(len(left)):
            if i != k:
                factor = left[i, k]
                left[i], right[i] = left[i] - left[k] * factor, right[i] - right[k] * factor
    return product, right


def _inverse(a: Any) -> Any:
    return _eliminated(a, _array(np.eye(len(a))))[1]


def _determinant(a: Any) -> Any:
    return np.asarray(_eliminated(a, a)[0], dtype=object)


def _variance(a: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    apart = a - _mean(a, axis, True)
    squares = _sum(apart * apart, axis, keepdims)
    return squares / mp.mpf(a.size // max(1, np.size(squares)) - ddof)


def _deviation(a: Any, **options: Any) -> Any:
    return _rooted(_variance(a, **options))


def _rms(a: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    return a / _sqrt(_mean(a * a, axis, True) + _plain(eps))


def _grouped(a: Any, groups: int, eps: float = 1e-5) -> Any:
    return _layernorm(a.reshape(groups, -1), -1, eps).reshape(a.shape)


def _product(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _along(lambda terms: reduce(operator.mul, terms), a, axis, keepdims)


def _padded(a: Any, before: Any = 0, after: Any = 0, value: float = 0.0) -> Any:
    ends = [n if isinstance(n, tuple) else (n,) * a.ndim for n in (before, after)]
    return np.pad(a, list(zip(*ends, strict=True)), constant_values=_plain(value))


def _running(a: Any, axis: int = 0) -> Any:
    """Sums of the first entries; a rest is judged by all that came before it."""
    along = np.moveaxis(a, axis, 0)
    found = np.stack([_sum(along[: n + 1], axis=0) for n in range(len(along))])
    return np.moveaxis(found, 0, axis)


def _gelu_tanh(z: Any) -> Any:
    inner = _each(lambda v: v + v * v * v * _plain(0.044715))(z) * mp.sqrt(2 / mp.pi)
    return z * (_tanh(inner) + 1) * _half


def _picked(c: Any, a: Any, b: Any) -> Any:
    return a if _v(c) != 0 else b


def _compared(holds: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    return _each(lambda a, b: mp.mpf(int(holds(_zero if _tie(a, b) else _v(a) - _v(b), _zero))))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negate": lambda a: -a,
    "matmul": _matmul,
    "dot": _matmul,
    "outer": lambda a, b: a[:, None] * b[None, :],
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "abs": _abs,
    "sin": _scalar(mp.sin, mp.cos),
    "cos": _scalar(mp.cos, lambda v: -mp.sin(v)),
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "silu": lambda z: z * _sigmoid(z),
    "gelu_tanh": _gelu_tanh,
    "gelu": lambda z: z * _scalar(_normal_cdf, _normal)(z),
    "relu": _relu,
    "leaky_relu": lambda z, alpha=0.01: _each(lambda v: v if _v(v) > 0 else v * _plain(alpha))(z),
    "elu": _elu,
    "selu": lambda z: _elu(z, 1.6732632423543772) * _plain(1.0507009873554805),
    "celu": _celu,
    "mish": lambda z: z * _tanh(_softplus(z)),
    "log_sigmoid": lambda z: -_softplus(-z),
    "hardtanh": _straight(-1, 1),
    "relu6": _straight(0, 6),
    "hardsigmoid": lambda z: _straight(0, 6)(z + 3) / mp.mpf(6),
    "hardswish": _hardswish,
    "prelu": _each(lambda v, a: v if _v(v) > 0 else v * a),
    "clip": _clip,
    "square": lambda a: a * a,
    "log1p": lambda a: _log(a + 1),
    "expm1": lambda a: _exp(a) - 1,
    "erf": _scalar(mp.erf, lambda v: 2 / mp.sqrt(mp.pi) * mp.exp(-v * v)),
    "glu": _glu,
    "swiglu": lambda a, b: a * _sigmoid(a) * b,
    "dropout": lambda h, mask, p=0.5: h * mask / (1 - _plain(p)),
    "maximum": _each(_larger(1)),
    "minimum": _each(_larger(-1)),
    "sum": _sum,
    "mean": _mean,
    "max": _extreme(1),
    "min": _extreme(-1),
    "prod": _product,
    "cumsum": _running,
    "norm": _norm,
    "norm1": lambda a, **options: _sum(_abs(a), **options),
    "norm_inf": lambda a, **options: _extreme(1)(_abs(a), **options),
    "softmax": _softmax,
    "masked_softmax": _masked_softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "concat": lambda *parts, axis=0: np.concatenate(parts, axis=axis),
    "reshape": lambda a, shape=-1: a.reshape(shape),
    "transpose": lambda a: a.T,
    "matrix_transpose": lambda a: np.swapaxes(a, -1, -2),
    "einsum": _einsum,
    "inv": _inverse,
    "det": _determinant,
    "logdet": lambda a: _log(_abs(_determinant(a))),
    "trace": lambda a: _sum(np.diagonal(a)),
    "var": _variance,
    "std": _deviation,
    "stack": lambda *parts, axis=0: np.stack(parts, axis=axis),
    "flatten": np.ravel,
    "expand_dims": lambda a, axis=0: np.expand_dims(a, axis),
    "squeeze": np.squeeze,
    "permute": np.transpose,
    "swapaxes": lambda a, axes: np.swapaxes(a, *axes),
    "broadcast_to": np.broadcast_to,
    "pad": _padded,
    "gather": lambda a, ids: a[_each(_v)(ids).astype(int)],
    "where": _each(_picked),
    "less": _compared(lambda a, b: a < b),
    "less_equal": _compared(lambda a, b: a <= b),
    "greater": _compared(lambda a, b: a > b),
    "greater_equal": _compared(lambda a, b: a >= b),
    "mse": lambda a, b: _mean((a - b) * (a - b)),
    "bce": lambda p, y: -_mean(_y_log_p(y, p) + _y_log_p(1 - y, 1 - p)),
    "bce_with_logits": lambda z, y: _mean(_softplus(z) - z * y),
    "hinge": lambda s, y: _mean(_relu(1 - y * s)),
    "huber": _huber,
    "mae": lambda a, b: _mean(_abs(a - b)),
    "smooth_l1": lambda a, b, beta=1.0: _huber(a, b, beta) / _plain(beta),
    "nll": _nll,
    "kl_div": lambda p, q: (
        (_sum(_y_log_p(p, p)) - _sum(_y_log_p(p, q))) / mp.mpf(p.size // p.shape[-1])
    ),
    "cross_entropy": _cross_entropy,
    "layernorm": _layernorm,
    "rmsnorm": _rms,
    "groupnorm": _grouped,
    "batchnorm": lambda a, axis=0, eps=1e-5: _layernorm(a, axis, eps),
    **{f"max_pool{r}d": _pooled(r, lambda w, _: _extreme(1)(w, -1)) for r in (1, 2, 3)},
    **{f"avg_pool{r}d": _pooled(r, lambda w, n: _sum(w, -1) / mp.mpf(n)) for r in (1, 2, 3)},
    **{f"conv{r}d": _convolved(r) for r in (1, 2, 3)},
    **{f"conv_transpose{r}d": partial(sliding.transposed, rank=r) for r in (1, 2, 3)},
}


class _Precisely:
    """The functions' meaning on arrays of numbers."""

    def number(self, value: float) -> Any:
        return np.asarray(_plain(value), dtype=object)

    def array(self, value: Any) -> Any:
        return _array(value)

    def constant(self, name: str) -> Any:
        return np.asarray(+(mp.e if name == "e" else mp.pi), dtype=object)

    def named(self, name: str) -> Callable[..., Any]:
        if name not in _FUNCTIONS:
            raise ReadError(f"no function {name} in many digits")
        function = _FUNCTIONS[name]

        def applied(*arrays: Any, **options: Any) -> Any:
            # NumPy hands out a number where an array of objects has no axes.
            arrays = tuple(np.asarray(a, dtype=object) for a in arrays)
            return np.asarray(function(*arrays, **options), dtype=object)

        return applied

    @staticmethod
    def power(base: Any, exponent: Any) -> Any:
        if isinstance(exponent, float):
            e = int(exponent) if exponent.is_integer() else _plain(exponent)
            return _scalar(
                lambda v: mp.power(v, e), lambda v: e * mp.power(v, e - 1) if e else _zero
            )(np.asarray(base, dtype=object))
        return _exp(np.asarray(exponent * _log(base), dtype=object))


class Precise(Oracle):
    """The problem in many digits. What has no number there, such as log 0, is PyTorch's."""

    pace = 20

    def _one(
        self, case: int, changes: Mapping[str, Array], swap: Mapping[str, str], gradients: bool
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        floats = super()._one(case, changes, swap, gradients)
        self._own.pop(case, None)
        try:
            mp.dps = _digits(floats[0].values())
            return self._taped(case, changes, swap, gradients)
        except (ReadError, ArithmeticError, TypeError, ValueError):
            return floats
        finally:
            _tape.clear()

    def _taped(
        self, case: int, changes: Mapping[str, Array], swap: Mapping[str, str], gradients: bool
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        _tape.clear()

        def given(name: str, array: Any) -> Any:
            one = np.asarray(array, dtype=float)
            return _leaves(_array(one[..., case] if name in self.batched else one))

        found = {n: given(n, changes.get(n, a)) for n, a in self._all_given.items()}
        evaluator = _Evaluator(found, _Precisely(), {**self.functions, **_swaps(swap)})
        for target in self.order:
            value = changes.get(target)
            found[target] = (
                # A name alone has a gradient of its own.
                _leaves(evaluator.of(self.tree(target)), copied=True)
                if value is None
                else given(target, value)
            )
        values = {n: _floats(_each(_v)(a)) for n, a in found.items()}
        if not gradients:
            return values, {}
        slopes = _swept(np.asarray(found[self.loss], dtype=object).item())
        own = {n: _each(lambda v: slopes[v.place])(a) for n, a in found.items()}
        self._own[case] = mp.dps, own
        return values, {n: _floats(a) for n, a in own.items()}

    @cached_property
    def _own(self) -> dict[int, tuple[int, dict[str, Any]]]:
        """The digits and the gradients of each case of the last run: as floats, parts of ±1 hide what else they leave."""
        return {}

    def _over_cases(self, name: str, each: Array) -> Array:
        if set(self._own) != set(range(self.cases)):
            return super()._over_cases(name, each)
        mp.dps = max(digits for digits, _ in self._own.values())
        parts = [own[name] for _, own in self._own.values()]
        total = _floats(_each(lambda *terms: _v(_added(list(terms))))(*parts))
        _tape.clear()
        return total


def _leaves(array: Any, copied: bool = False) -> Any:
    return _each(lambda v: _made(_v(v), *([(v, 1)] if copied else []))[0])(
        np.asarray(array, dtype=object)
    )


def _swept(loss: Number) -> list[Any]:
    """The loss's slope with respect to every number on the tape."""
    slopes: list[Any] = [_zero] * len(_tape)
    slopes[loss.place] = mp.mpf(1)
    for number in reversed(_tape[: loss.place + 1]):
        arriving = slopes[number.place]
        if arriving:
            for parent, slope in number.parents:
                slopes[parent.place] += arriving * slope
    return slopes


def _digits(values: Iterable[Array]) -> int:
    """So many that 1 − σ(z) keeps some of its own, for every z among the values."""
    largest = max((float(np.abs(v[np.isfinite(v)]).max(initial=0)) for v in values), default=0.0)
    # e⁻ᶻ has its first digit z/ln 10 places behind the point.
    return int(min(MOST, LEAST + largest / 2))


def _floats(array: Any) -> Array:
    return np.asarray(np.asarray(array, dtype=object).astype(float), dtype=float)


def _run(oracle: Oracle) -> Evaluated:
    other = Precise.__new__(Precise)
    other.__dict__.update(oracle.__dict__)
    return other.run()


def values(oracle: Oracle) -> dict[str, Array]:
    """Every value, rounded once; cases last where batched."""
    return _run(oracle).values


def gradient(oracle: Oracle, name: str) -> Array:
    """One gradient, in the layout of `Evaluated.gradients`."""
    return _run(oracle).gradients[name]
