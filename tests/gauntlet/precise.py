"""A second opinion in 60 digits, where PyTorch's own floats may have cancelled.

log(1 − σ(30)) as it is written loses most of its digits in floats, and the stable form that the program takes
loses none. Values come from the equations' text by mpmath, gradients by differences of 10⁻²⁰.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np

from tests.gauntlet.oracle import Array, Oracle, ReadError, _Evaluator

mp = mpmath.mp.clone()
mp.dps = 60
STEP = mp.mpf(10) ** -20


def _each(function: Callable[..., Any]) -> Callable[..., Any]:
    def applied(*arrays: Any) -> Any:
        found = np.frompyfunc(function, len(arrays), 1)(*arrays)
        return np.asarray(found, dtype=object)

    return applied


def _number(value: float) -> Any:
    return np.asarray(mp.mpf(repr(float(value))), dtype=object)


def _array(value: Any) -> Any:
    return _each(lambda v: mp.mpf(repr(float(v))))(np.asarray(value, dtype=float))


_exp, _log, _sqrt = _each(mp.exp), _each(mp.log), _each(mp.sqrt)
_sigmoid = _each(lambda z: 1 / (1 + mp.exp(-z)))
_softplus = _each(lambda z: mp.log(1 + mp.exp(z)))
_zero = mp.mpf(0)


def _over(a: Any, axis: Any) -> Any:
    return tuple(range(a.ndim)) if axis is None else axis


def _sum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    a = np.asarray(a, dtype=object)
    return np.asarray(np.sum(a, axis=_over(a, axis), keepdims=keepdims), dtype=object)


def _mean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    total = _sum(a, axis, keepdims)
    return total * mp.mpf(total.size) / mp.mpf(np.size(a))


def _extreme(reduce: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return np.asarray(reduce(a, axis=_over(a, axis), keepdims=keepdims), dtype=object)

    return extreme


def _softmax(z: Any, axis: Any = -1) -> Any:
    shifted = _exp(z - np.max(z, axis=axis, keepdims=True))
    return shifted / np.sum(shifted, axis=axis, keepdims=True)


def _y_log_p(y: Any, p: Any) -> Any:
    return _each(lambda y, p: _zero if y == 0 else y * mp.log(p))(y, p)


def _cross_entropy(p: Any, y: Any) -> Any:
    if y.shape != p.shape:
        y = _array(np.eye(p.shape[-1])[y.astype(int)])
    return -_sum(_y_log_p(y, p)) / mp.mpf(p.size // p.shape[-1])


def _layernorm(a: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    centred = a - _mean(a, axis, True)
    return centred / _sqrt(_mean(centred * centred, axis, True) + mp.mpf(repr(eps)))


def _huber(a: Any, b: Any, delta: float = 1.0) -> Any:
    d = mp.mpf(repr(delta))
    return _mean(_each(lambda r: r * r / 2 if abs(r) <= d else d * (abs(r) - d / 2))(a - b))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "matmul": lambda a, b: np.asarray(a @ b, dtype=object),
    "dot": lambda a, b: np.asarray(a @ b, dtype=object),
    "outer": np.outer,
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "abs": _each(abs),
    "sin": _each(mp.sin),
    "cos": _each(mp.cos),
    "tanh": _each(mp.tanh),
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "silu": lambda z: z * _sigmoid(z),
    "gelu": _each(lambda z: z * mp.ncdf(z)),
    "relu": _each(lambda z: max(z, _zero)),
    "leaky_relu": lambda z, alpha=0.01: _each(lambda v: v if v > 0 else v * mp.mpf(repr(alpha)))(z),
    "elu": lambda z, alpha=1.0: _each(lambda v: v if v > 0 else (mp.exp(v) - 1) * mp.mpf(repr(alpha)))(z),
    "maximum": _each(max),
    "minimum": _each(min),
    "sum": _sum,
    "mean": _mean,
    "max": _extreme(np.max),
    "min": _extreme(np.min),
    "norm": lambda a, axis=None, keepdims=False: _sqrt(_sum(a * a, axis, keepdims)),
    "softmax": _softmax,
    "log_softmax": lambda z, axis=-1: _log(_softmax(z, axis)),
    "concat": lambda *parts, axis=0: np.concatenate(parts, axis=axis),
    "reshape": lambda a, shape=-1: a.reshape(shape),
    "where": _each(lambda c, a, b: a if c != 0 else b),
    "less": _each(lambda a, b: mp.mpf(int(a < b))),
    "less_equal": _each(lambda a, b: mp.mpf(int(a <= b))),
    "greater": _each(lambda a, b: mp.mpf(int(a > b))),
    "greater_equal": _each(lambda a, b: mp.mpf(int(a >= b))),
    "mse": lambda a, b: _mean((a - b) * (a - b)),
    "bce": lambda p, y: -_mean(_y_log_p(y, p) + _y_log_p(1 - y, 1 - p)),
    "bce_with_logits": lambda z, y: _mean(_softplus(z) - z * y),
    "hinge": lambda s, y: _mean(_each(lambda v: max(v, _zero))(1 - y * s)),
    "huber": _huber,
    "cross_entropy": _cross_entropy,
    "layernorm": _layernorm,
    "batchnorm": lambda a, axis=0, eps=1e-5: _layernorm(a, axis, eps),
}  # fmt: skip


class _Precisely:
    """The functions' meaning on object arrays."""

    number = staticmethod(_number)
    array = staticmethod(_array)

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
        return _each(mp.power)(base, exponent)


def _forward(oracle: Oracle, case: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, array in {**oracle.parameters, **oracle.data}.items():
        one = array[..., case] if name in oracle.cased else array
        found[name] = changes[name] if name in changes else _array(one)
    evaluator = _Evaluator(found, _Precisely(), oracle.functions)
    for target in oracle.order:
        value = changes[target] if target in changes else evaluator.of(oracle.tree(target))
        found[target] = np.asarray(value, dtype=object)
    return found


def values(oracle: Oracle) -> dict[str, Array]:
    """Every value, rounded once; cases last where cased."""
    by_case = [_forward(oracle, case, {}) for case in range(oracle.cases)]
    found = {}
    for name in by_case[0]:
        each = [np.asarray(v[name]).astype(float) for v in by_case]
        found[name] = np.stack(each, axis=-1) if name in oracle.cased else each[0]
    losses = np.asarray([float(v[oracle.loss]) for v in by_case])
    found[oracle.cost] = np.asarray(losses.sum() if oracle.reduction == "sum" else losses.mean())
    return found


def gradient(oracle: Oracle, name: str) -> Array:
    """One gradient, in the layout of `Evaluated.gradients`."""
    each = []
    for case in range(oracle.cases):
        start = _forward(oracle, case, {})
        at = np.asarray(start[name], dtype=object)
        found = np.zeros(at.shape)
        for index in np.ndindex(*at.shape):
            ends = []
            for sign in (1, -1):
                moved = at.copy()
                moved[index] = moved[index] + sign * STEP
                ends.append(_forward(oracle, case, {name: moved})[oracle.loss])
            found[index] = float(np.asarray((ends[0] - ends[1]) / (2 * STEP)).item())
        each.append(found)
    if name in oracle.cased:
        return np.stack(each, axis=-1)
    if oracle.cost == oracle.loss:
        return each[0]
    total = np.sum(each, axis=0)
    return np.asarray(total if oracle.reduction == "sum" else total / oracle.cases)
