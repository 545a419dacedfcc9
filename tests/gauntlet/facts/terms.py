"""What a formula gives, by the definitions of its operations, in floats or in 50 digits.

A formula tree is walked with numbers of one case, so that no operation has to know of cases: the
mean over them is taken here, over as many walks. Nothing of `handgrad.run` or of the table of operations is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from functools import partial
from typing import Any, TypeAlias

import mpmath
import numpy as np

from handgrad.expression import Adjoint, Call, Expression, Literal, Name, Slice
from tests.gauntlet import sliding

Array: TypeAlias = Any
Leaf: TypeAlias = "Name | Adjoint"
Lookup: TypeAlias = Callable[[Leaf, int], Array]
"""The numbers of a leaf in a case; those of a leaf that has none are the same in all."""

DIGITS = 50


def as_floats(literal: Literal) -> Array:
    """The numbers of a literal."""
    return np.asarray(literal.value, dtype=float)


def as_written(literal: Literal) -> Array:
    """The numbers of a literal in 50 digits, as they are written: 0.1 is a tenth."""
    return np.frompyfunc(lambda x: _long(Fraction(repr(x))), 1, 1)(
        np.asarray(literal.value, dtype=object)
    )


def _long(fraction: Fraction) -> Any:
    return mpmath.mpf(fraction.numerator) / fraction.denominator


def value(
    formula: Expression,
    lookup: Lookup,
    case: int = 0,
    cases: int = 1,
    literal: Callable[[Literal], Array] = as_floats,
) -> Array:
    """The value of a formula in one case, of `cases`."""
    match formula:
        case Literal():
            numbers = np.asarray(literal(formula))
            return numbers[..., case] if formula.batched else numbers
        case Name() | Adjoint():
            return lookup(formula, case)
        case Call(operation="circle_number" | "euler_number"):
            exact = MEANING[formula.operation]()
            return exact.astype(float) if literal is as_floats else exact
        case Call(operation="mean_over_cases" | "sum_over_cases"):
            each = [value(formula.arguments[0], lookup, k, cases, literal) for k in range(cases)]
            total = sum(each[1:], each[0])
            return total / len(each) if formula.operation == "mean_over_cases" else total
        case Call():
            arguments = [
                np.asarray(value(a, lookup, case, cases, literal)) for a in formula.arguments
            ]
            options = dict(formula.options)
            if any(a.dtype == object for a in arguments):
                return np.asarray(MEANING[formula.operation](*arguments, **options))
            with np.errstate(all="ignore"):
                return np.asarray(MEANING[formula.operation](*arguments, **options))
        case _:
            raise TypeError(f"not a formula: {formula!r}")


def leaves_of(formula: Expression) -> tuple[Leaf, ...]:
    """The names and adjoints in a formula, each once."""
    if isinstance(formula, Name | Adjoint):
        return (formula,)
    if isinstance(formula, Call):
        return tuple(dict.fromkeys(x for a in formula.arguments for x in leaves_of(a)))
    return ()


def calls_of(formula: Expression) -> list[Call]:
    """Every operation applied in a formula."""
    if not isinstance(formula, Call):
        return []
    return [formula, *(c for a in formula.arguments for c in calls_of(a))]


# -- entry by entry -------------------------------------------------------------------------------


def _lifted(name: str) -> Callable[[Array], Array]:
    """A function of floats by NumPy, of longer numbers by mpmath."""
    exact = np.frompyfunc(lambda x: getattr(mpmath, name)(x), 1, 1)
    floats = getattr(np, name)

    def of(a: Array) -> Array:
        a = np.asarray(a)
        return np.asarray(exact(a) if a.dtype == object else floats(a))

    return of


def _choose(condition: Array, a: Array, b: Array) -> Array:
    return np.where(np.asarray(condition, dtype=bool), a, b)


exp, log, sqrt, tanh = _lifted("exp"), _lifted("log"), _lifted("sqrt"), _lifted("tanh")
sin, cos = _lifted("sin"), _lifted("cos")
_FLAT = 30
"""From here on erf is no farther from ±1 than e⁻⁹⁰⁰; mpmath takes seconds for what is left."""

_erf = np.frompyfunc(lambda a: mpmath.erf(a) if abs(a) < _FLAT else mpmath.sign(a), 1, 1)


def _erf_of(a: Array) -> Array:
    a = np.asarray(a)
    found = np.asarray(_erf(a))
    return found if a.dtype == object else np.asarray(found, dtype=float)


def relu(z: Array) -> Array:
    return _choose(z > 0, z, 0 * z)


def sigmoid(z: Array) -> Array:
    return 1 / (1 + exp(-z))


def softplus(z: Array) -> Array:
    return relu(z) + log(1 + exp(-abs(z)))


def _phi(z: Array) -> Array:
    z = np.asarray(z)
    half = mpmath.mpf(1) / 2 if z.dtype == object else 0.5
    return half * (1 + _erf_of(z / sqrt(np.asarray(z * 0 + 2))))


def _density(z: Array) -> Array:
    z = np.asarray(z)
    pi = mpmath.pi if z.dtype == object else np.pi
    return exp(-z * z / 2) / sqrt(np.asarray(z * 0 + 2 * pi))


def _gelu_gate(z: Array) -> Array:
    # The product's own constants are floats, and so are these.
    return sigmoid(2 * float(np.sqrt(2 / np.pi)) * (z + 0.044715 * z**3))


def _elu(z: Array, alpha: float = 1.0) -> Array:
    return _choose(z > 0, z, alpha * (exp(_choose(z > 0, 0 * z, z)) - 1))


def _held(a: Array, low: Any = None, high: Any = None) -> Array:
    a = np.asarray(a)
    if low is not None:
        a = _choose(a < low, low + 0 * a, a)
    return a if high is None else _choose(a > high, high + 0 * a, a)


def _between(closed: bool) -> Callable[..., Array]:
    def between(a: Array, low: Any = None, high: Any = None) -> Array:
        above = _flags(a > low) if low is not None else np.ones(np.shape(a))
        below = _flags(a < high) if high is not None else np.ones(np.shape(a))
        if closed:
            above = above + (_flags(a == low) if low is not None else 0)
            below = below + (_flags(a == high) if high is not None else 0)
        return above * below

    return between


def _celu(z: Array, alpha: float = 1.0) -> Array:
    return _choose(z > 0, z, alpha * (exp(_choose(z > 0, 0 * z, z) / alpha) - 1))


def _mish(z: Array) -> Array:
    return z * tanh(softplus(z))


def _glu(z: Array, axis: int = -1) -> Array:
    first, second = np.split(z, 2, axis=axis)
    return first * sigmoid(second)


def _kl(p: Array, q: Array) -> Array:
    rows = int(np.prod(p.shape[:-1], dtype=int))
    return total(_guarded_log(p, p) - _guarded_log(p, q)) / rows


def _power(a: Array, b: Array) -> Array:
    whole = np.ndim(b) == 0 and float(b) == int(b)
    return a ** int(b) if whole and (a.dtype == object or abs(float(b)) < 32) else a**b


def _power_slope(a: Array, b: Array) -> Array:
    return _choose(b == 0, 0 * a, b * _choose(b == 0, 1 + 0 * a, a) ** (b - 1))


def _guarded_log(c: Array, a: Array) -> Array:
    return _choose(c == 0, 0 * c, c * log(np.asarray(_choose(c == 0, 1 + 0 * c, a))))


def _ratio(a: Array, b: Array) -> Array:
    return _choose(a == 0, 0 * a, a / _choose(a == 0, 1 + 0 * a, b))


def _flags(condition: Array) -> Array:
    return np.asarray(condition, dtype=float)


# -- along axes -----------------------------------------------------------------------------------


def _axes(rank: int, axis: Any) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(rank))
    return tuple(sorted(k % rank for k in (axis if isinstance(axis, tuple) else (axis,))))


def total(a: Array, axis: Any = None, keepdims: bool = False) -> Array:
    a = np.asarray(a)
    axes = _axes(a.ndim, axis)
    return np.asarray(np.sum(a, axis=axes, keepdims=keepdims)) if axes else a


def _count(a: Array, axis: Any) -> int:
    a = np.asarray(a)
    return int(np.prod([a.shape[k] for k in _axes(a.ndim, axis)], dtype=int))


def mean(a: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return total(a, axis, keepdims) / _count(a, axis)


def _largest(a: Array, axis: Any = None, keepdims: bool = False, first: bool = False) -> Array:
    a = np.asarray(a)
    axes = _axes(a.ndim, axis)
    return np.asarray(np.max(a, axis=axes, keepdims=keepdims)) if axes else a


def _smallest(a: Array, axis: Any = None, keepdims: bool = False, first: bool = False) -> Array:
    return -_largest(-a, axis, keepdims)


def _norm(a: Array, axis: Any = None, keepdims: bool = False) -> Array:
    size = _largest(abs(a))
    size = size if size > 0 else np.ones_like(size)
    return size * sqrt(np.asarray(total((a / size) ** 2, axis, keepdims)))


def softmax(z: Array, axis: int = -1) -> Array:
    lifted = exp(z - _largest(z, axis, True))
    return lifted / total(lifted, axis, True)


def _log_softmax(z: Array, axis: int = -1) -> Array:
    shifted = z - _largest(z, axis, True)
    return shifted - log(np.asarray(total(exp(shifted), axis, True)))


def _logsumexp(z: Array, axis: Any = None, keepdims: bool = False) -> Array:
    largest = _largest(z, axis, True)
    whole = largest + log(np.asarray(total(exp(z - largest), axis, True)))
    return whole if keepdims else total(whole, axis, False)


def _deviation(a: Array, axis: int = -1, eps: float = 1e-5) -> Array:
    centred = a - mean(a, axis, True)
    return sqrt(np.asarray(mean(centred * centred, axis, True) + eps))


def _normal(axis: int) -> Callable[..., Array]:
    def normal(a: Array, axis: int = axis, eps: float = 1e-5) -> Array:
        return (a - mean(a, axis, True)) / _deviation(a, axis, eps)

    return normal


def _attained(a: Array, m: Array, axis: Any = None, first: bool = False) -> Array:
    """1 at the entry that attains the extreme, 1/k for each of k that tie; or 1 at the first of them."""
    axes = _axes(a.ndim, axis)
    if m.ndim < a.ndim:
        m = np.expand_dims(m, axes)
    gap = abs(a - m)
    hit = _flags(gap == np.min(gap, axis=axes, keepdims=True)) if axes else np.ones(a.shape)
    if first and axes:
        last = tuple(range(a.ndim - len(axes), a.ndim))
        moved = np.moveaxis(hit, axes, last)
        rows = moved.reshape(-1, hit.size // (m.size or 1))
        only = np.zeros_like(rows)
        places = [next(k for k, h in enumerate(row) if h) for row in rows]
        only[np.arange(len(rows)), places] = 1
        return np.moveaxis(only.reshape(moved.shape), last, axes)
    return hit / np.sum(hit, axis=axes, keepdims=True) if axes else hit


# -- shapes ---------------------------------------------------------------------------------------


def _at(at: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(slice(i.start, i.stop, i.step) if isinstance(i, Slice) else i for i in at)


def _place(g: Array, shape: Any, at: Any) -> Array:
    whole = np.zeros(shape, dtype=g.dtype)
    whole[_at(at)] = g
    return whole


def _padded(a: Array, before: Any = 0, after: Any = 0, value: float = 0.0) -> Array:
    ends = [n if isinstance(n, tuple) else (n,) * a.ndim for n in (before, after)]
    whole = np.full(
        [b + n + c for b, n, c in zip(ends[0], a.shape, ends[1], strict=True)], value, a.dtype
    )
    whole[tuple(slice(b, b + n) for b, n in zip(ends[0], a.shape, strict=True))] = a
    return whole


def _fill(g: Array, shape: Any, axis: Any = None) -> Array:
    if g.ndim < len(shape):
        axes = _axes(len(shape), axis) if axis is not None else range(len(shape) - g.ndim)
        for k in axes:
            g = np.expand_dims(g, k)
    return np.broadcast_to(g, shape)


def _sum_to(g: Array, shape: Any) -> Array:
    while g.ndim > len(shape):
        g = np.asarray(np.sum(g, axis=0))
    for k, n in enumerate(shape):
        if n == 1 and g.shape[k] != 1:
            g = np.sum(g, axis=k, keepdims=True)
    return g


def _matmul(a: Array, b: Array) -> Array:
    return a @ b


def _einsum(*arrays: Array, subscripts: str) -> Array:
    return np.asarray(np.einsum(subscripts, *arrays))


# -- windows --------------------------------------------------------------------------------------


REST = 64 * float(np.finfo(float).eps)
"""What rounding may leave of a sum, for each unit of the sum of its terms' sizes."""


_plain: ContextVar[bool] = ContextVar("plain", default=False)


@contextmanager
def as_floats_are() -> Iterator[None]:
    """What floats leave of a sum stands: beside 0.9999999999999991, 1 − p is no rest."""
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)


def both_ways(compute: Callable[[], Any]) -> tuple[Any, Any]:
    """What comes of numbers where a rest of rounding is 0, and where it stands."""
    with as_floats_are():
        as_floats = compute()
    return compute(), as_floats


def _on_paper(combine: Callable[..., Array], size: Callable[..., Array]) -> Callable[..., Array]:
    """Sums of floats with a residue of their rounding as 0; longer numbers leave none to speak of."""

    def combined(*arrays: Array, **options: Any) -> Array:
        found = np.asarray(combine(*arrays, **options))
        if (
            _plain.get()
            or found.dtype == object
            or not ((found != 0) & (np.abs(found) < 1e-6)).any()
        ):
            return found
        sizes = np.asarray(size(*[np.abs(a) for a in arrays], **options))
        return np.where(np.abs(found) <= REST * sizes, 0.0, found)

    return combined


def _conv(rank: int) -> dict[str, Callable[..., Array]]:
    def to_array(g: Array, k: Array, shape: Any, groups: int = 1, **options: Any) -> Array:
        slid = sliding.Slid.of(len(shape), k.ndim, rank)
        out: Any = np.zeros(shape, dtype=object if object in (g.dtype, k.dtype) else float)
        g, k, out = slid.array(g), slid.kernel(k), slid.array(out)
        found, _ = sliding.windows(out.shape[2:], k.shape[2:], **options)
        for own, under in sliding.parts(k.shape, groups):
            for window in found:
                for offset, at in window.entries:
                    if at is not None:
                        out[(slice(None), under, *at)] += (
                            g[(slice(None), own, *window.place)] @ k[(own, slice(None), *offset)]
                        )
        return np.asarray(slid.bare(out))

    def to_kernel(g: Array, a: Array, shape: Any, groups: int = 1, **options: Any) -> Array:
        slid = sliding.Slid.of(a.ndim, len(shape), rank)
        out: Any = np.zeros(shape, dtype=object if object in (g.dtype, a.dtype) else float)
        g, a, whole = slid.array(g), slid.array(a), slid.kernel(out)
        found, _ = sliding.windows(a.shape[2:], whole.shape[2:], **options)
        for own, under in sliding.parts(whole.shape, groups):
            for window in found:
                for offset, at in window.entries:
                    if at is not None:
                        whole[(own, slice(None), *offset)] += (
                            g[(slice(None), own, *window.place)].T @ a[(slice(None), under, *at)]
                        )
        return out

    name = f"conv{rank}d"
    whole, spread = partial(sliding.convolved, rank=rank), partial(sliding.transposed, rank=rank)
    return {
        name: _on_paper(whole, whole),
        f"conv_transpose{rank}d": _on_paper(spread, spread),
        f"{name}_to_array": to_array,
        f"{name}_to_kernel": to_kernel,
    }


def _pools(rank: int) -> dict[str, Callable[..., Array]]:
    def cuts(shape: Any, options: dict[str, Any]) -> tuple[list[sliding.Window], Any]:
        given = {"size": 2, **options}
        given["stride"] = given.get("stride") or given["size"]
        given.pop("first", None)
        return sliding.windows(shape[len(shape) - rank :], **given)

    def each(a: Array, options: dict[str, Any], reduce: Callable[[Array, int], Array]) -> Array:
        windows, counts = cuts(a.shape, options)
        out: Any = np.zeros((*a.shape[: a.ndim - rank], *counts), dtype=a.dtype)
        for window in windows:
            inside = np.stack([a[(..., *at)] for at in window.inside])
            out[(..., *window.place)] = reduce(inside, len(window.entries))
        return out

    def largest(a: Array, **options: Any) -> Array:
        return each(a, options, lambda w, _: np.max(w, axis=0))

    def averaged(a: Array, **options: Any) -> Array:
        return each(a, options, lambda w, count: np.sum(w, axis=0) / count)

    def to_largest(g: Array, a: Array, m: Array, **options: Any) -> Array:
        out: Any = np.zeros(a.shape, dtype=object if object in (g.dtype, a.dtype) else float)
        for window in cuts(a.shape, options)[0]:
            inside = np.stack([a[(..., *at)] for at in window.inside])
            gap = abs(inside - m[(..., *window.place)])
            hit = _flags(gap == np.min(gap, axis=0))
            share = hit / np.sum(hit, axis=0)
            if options.get("first"):
                share = np.zeros_like(hit)
                for place in np.ndindex(hit.shape[1:]):
                    column = hit[(slice(None), *place)]
                    share[(next(k for k, h in enumerate(column) if h), *place)] = 1
            for position, at in enumerate(window.inside):
                out[(..., *at)] += share[position] * g[(..., *window.place)]
        return out

    def evenly(g: Array, shape: Any, **options: Any) -> Array:
        out: Any = np.zeros(shape, dtype=g.dtype)
        for window in cuts(shape, options)[0]:
            for at in window.inside:
                out[(..., *at)] += g[(..., *window.place)] / len(window.entries)
        return out

    return {
        f"max_pool{rank}d": largest,
        f"avg_pool{rank}d": averaged,
        f"max_pool{rank}d_to_array": to_largest,
        f"avg_pool{rank}d_to_array": evenly,
    }


# -- losses ---------------------------------------------------------------------------------------


def _y_log_p(y: Array, p: Array) -> Array:
    return _guarded_log(y + 0 * p, p + 0 * y)


def _huber(a: Array, b: Array, delta: float = 1.0) -> Array:
    gap = abs(a - b)
    return mean(_choose(gap <= delta, gap * gap / 2, delta * (gap - delta / 2)))


def _one_hot(y: Array, classes: int) -> Array:
    return np.asarray([[float(int(k) == c) for c in range(classes)] for k in y.ravel()]).reshape(
        (*y.shape, classes)
    )


def _cross_entropy(p: Array, y: Array, logarithm: Callable[[Array, Array], Array]) -> Array:
    target = y if y.shape == p.shape else _one_hot(y, p.shape[-1])
    return -total(logarithm(target, p)) / int(np.prod(p.shape[:-1], dtype=int))


def _variance(a: Array, axis: Any = None, keepdims: bool = False, ddof: float = 0) -> Array:
    apart = a - np.mean(a, axis=axis, keepdims=True)
    squares = np.sum(apart * apart, axis=axis, keepdims=keepdims)
    return squares / (np.size(a) // np.size(squares) - ddof)


def _others(a: Array, axis: Any = None) -> Array:
    """Of each entry the product of the others along the axes."""
    axes = range(a.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    found = np.ones_like(a)
    for at in np.ndindex(a.shape):
        line = tuple(
            slice(None) if k in {x % a.ndim for x in axes} else i for k, i in enumerate(at)
        )
        kept = np.ones(a.shape, dtype=bool)
        kept[at] = False
        found[at] = np.prod(a[line][kept[line]])
    return found


def _inverse(a: Any) -> Any:
    """By Gauss and Jordan: exact where the entries are. What has none, as figures with a slip may not, has no numbers."""
    a = np.asarray(a)
    if a.dtype != object:
        try:
            return np.linalg.inv(np.asarray(a, dtype=float))
        except np.linalg.LinAlgError:
            return np.full(a.shape, np.nan)
    left, right = (
        np.array(a),
        np.array(
            [[a[0, 0] * 0 + int(i == j) for j in range(len(a))] for i in range(len(a))],
            dtype=object,
        ),
    )
    for k in range(len(a)):
        pivot = max(range(k, len(a)), key=lambda i: abs(left[i, k]))
        for side in (left, right):
            side[[k, pivot]] = side[[pivot, k]]
        left[k], right[k] = left[k] / left[k, k], right[k] / left[k, k]
        for i in range(len(a)):
            if i != k:
                factor = left[i, k]
                left[i], right[i] = left[i] - left[k] * factor, right[i] - right[k] * factor
    return right


def _cofactors(a: Array) -> Array:
    found = np.ones(np.shape(a))
    for i, j in np.ndindex(*np.shape(a)):
        rest = np.delete(np.delete(np.asarray(a, dtype=float), i, 0), j, 1)
        found[i, j] = (-1) ** (i + j) * np.linalg.det(rest)
    return found


apart = _on_paper(lambda a, b: a - b, lambda a, b: a + b)
"""How far a is above b: 0 where no more than a rest of rounding parts them."""

MEANING: Mapping[str, Callable[..., Array]] = {
    "circle_number": lambda: np.asarray(+mpmath.pi, dtype=object),
    "euler_number": lambda: np.asarray(+mpmath.e, dtype=object),
    "add": _on_paper(lambda a, b: a + b, lambda a, b: a + b),
    "subtract": _on_paper(lambda a, b: a - b, lambda a, b: a + b),
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negate": lambda a: -a,
    "power": _power,
    "power_slope": _power_slope,
    "scaled_log": _guarded_log,
    "ratio": _ratio,
    "exp": exp,
    "log": log,
    "sqrt": sqrt,
    "sin": sin,
    "cos": cos,
    "abs": abs,
    "sign": lambda a: _flags(a > 0) - _flags(a < 0),
    "step": lambda z: _flags(z > 0),
    "larger": lambda a, b: _flags(apart(a, b) > 0) + _flags(apart(a, b) == 0) / 2,
    "maximum": lambda a, b: _choose(a > b, a, b),
    "minimum": lambda a, b: _choose(a < b, a, b),
    "less": lambda a, b: _flags(apart(a, b) < 0),
    "less_equal": lambda a, b: _flags(apart(a, b) <= 0),
    "greater": lambda a, b: _flags(apart(a, b) > 0),
    "greater_equal": lambda a, b: _flags(apart(a, b) >= 0),
    "where": lambda c, a, b: _choose(c != 0, a, b),
    "relu": relu,
    "leaky_relu": lambda z, alpha=0.01: _choose(z > 0, z, alpha * z),
    "leaky_step": lambda z, alpha=0.01: _choose(z > 0, 1 + 0 * z, alpha + 0 * z),
    "elu": _elu,
    "elu_slope": lambda z, out, alpha=1.0: _choose(z > 0, 1 + 0 * z, out + alpha),
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softplus": softplus,
    "silu": lambda z: z * sigmoid(z),
    "normal_cdf": _phi,
    "normal_pdf": _density,
    "gelu": lambda z: z * _phi(z),
    "gelu_gate": _gelu_gate,
    "gelu_tanh": lambda z: z * _gelu_gate(z),
    "square": lambda a: a * a,
    "log1p": lambda a: log(1 + a),
    "expm1": lambda a: exp(a) - 1,
    "erf": _erf_of,
    "prelu": lambda z, a: _choose(z > 0, z + 0 * a, a * z),
    "prelu_slope": lambda z, a: _choose(z > 0, 1 + 0 * (z + a), a + 0 * z),
    "selu": lambda z: 1.0507009873554805 * _elu(z, 1.6732632423543772),
    "celu": _celu,
    "mish": _mish,
    "log_sigmoid": lambda z: -softplus(-z),
    "clip": _held,
    "inside": _between(closed=False),
    "within": _between(closed=True),
    "hardtanh": lambda z: _held(z, -1, 1),
    "relu6": lambda z: _held(z, 0, 6),
    "hardsigmoid": lambda z: _held(z + 3, 0, 6) / 6,
    "hardswish": lambda z: z * _held(z + 3, 0, 6) / 6,
    "glu": _glu,
    "swiglu": lambda a, b: a * sigmoid(a) * b,
    "dropout": lambda h, mask, p=0.5: h * mask / float(1 - Fraction(repr(p))),
    "matmul": _on_paper(_matmul, _matmul),
    "dot": _on_paper(_matmul, _matmul),
    "outer": np.multiply.outer,
    "transpose": lambda a: np.transpose(a),
    "matrix_transpose": lambda a: np.swapaxes(a, -1, -2),
    "einsum": _on_paper(_einsum, _einsum),
    "index": lambda a, at: a[_at(at)],
    "place": _place,
    "concat": lambda *parts, axis=0: np.concatenate(parts, axis=axis),
    "fill": _fill,
    "reshape": lambda a, shape: np.reshape(a, shape),
    "sum_to": _on_paper(_sum_to, _sum_to),
    "sum": _on_paper(total, total),
    "mean": _on_paper(mean, mean),
    "max": _largest,
    "min": _smallest,
    "norm": _norm,
    "norm1": lambda a, axis=None, keepdims=False: np.sum(np.abs(a), axis=axis, keepdims=keepdims),
    "norm_inf": lambda a, axis=None, keepdims=False: np.max(
        np.abs(a), axis=axis, keepdims=keepdims
    ),
    "prod": lambda a, axis=None, keepdims=False: np.prod(a, axis=axis, keepdims=keepdims),
    "others": _others,
    "var": _variance,
    "std": lambda a, **options: sqrt(_variance(a, **options)),
    "cumsum": lambda a, axis=0: np.cumsum(a, axis=axis),
    "sums_back": lambda a, axis=0: np.flip(np.cumsum(np.flip(a, axis), axis=axis), axis),
    "gather": lambda a, y: a[np.asarray(y, dtype=float).astype(int)],
    "flatten": lambda a: np.reshape(a, -1),
    "expand_dims": lambda a, axis=0: np.expand_dims(a, axis),
    "squeeze": lambda a, axis=None: np.squeeze(a, axis),
    "pad": _padded,
    "broadcast_to": lambda a, shape: np.broadcast_to(a, shape),
    "permute": lambda a, axes: np.transpose(a, axes),
    "swapaxes": lambda a, axes: np.swapaxes(a, *axes),
    "stack": lambda *parts, axis=0: np.stack(parts, axis=axis),
    "trace": lambda a: total(np.diagonal(a)),
    "on_diagonal": lambda g, size: g * np.eye(size),
    "inv": _inverse,
    "det": lambda a: np.linalg.det(np.asarray(a, dtype=float)),
    "logdet": lambda a: np.log(np.linalg.det(np.asarray(a, dtype=float))),
    "cofactors": _cofactors,
    "rms": lambda a, axis=-1, eps=1e-5: sqrt(np.mean(a * a, axis=axis, keepdims=True) + eps),
    "rmsnorm": lambda a, axis=-1, eps=1e-5: (
        a / sqrt(np.mean(a * a, axis=axis, keepdims=True) + eps)
    ),
    "groupnorm": lambda a, groups, eps=1e-5: np.reshape(
        _normal(-1)(np.reshape(a, (groups, -1)), eps=eps), np.shape(a)
    ),
    "masked_softmax": lambda z, m, axis=-1: np.where(
        m != 0, softmax(np.where(m != 0, z, -1e6), axis=axis), 0.0
    ),
    "softmax": softmax,
    "log_softmax": _log_softmax,
    "attained": _attained,
    "deviation": _deviation,
    "layernorm": _normal(-1),
    "batchnorm": _normal(0),
    **_conv(1),
    **_conv(2),
    **_conv(3),
    **_pools(1),
    **_pools(2),
    **_pools(3),
    "mse": lambda a, b: mean((a - b) ** 2),
    "bce": lambda p, y: mean(-(_y_log_p(y, p) + _y_log_p(1 - y, 1 - p))),
    "bce_with_logits": lambda z, y: mean(softplus(z) - z * y),
    "hinge": lambda s, y: mean(relu(np.asarray(1 - y * s))),
    "huber": _huber,
    "mae": lambda a, b: mean(abs(a - b)),
    "smooth_l1": lambda a, b, beta=1.0: _huber(a, b, beta) / beta,
    "nll": lambda logs, y: _cross_entropy(logs, y, lambda t, each: t * each),
    "kl_div": _kl,
    "one_hot": _one_hot,
    "cross_entropy": lambda p, y: _cross_entropy(p, y, _y_log_p),
    "softmax_cross_entropy": lambda z, y: _cross_entropy(
        z, y, lambda t, scores: t * _log_softmax(scores)
    ),
    "logsumexp": _logsumexp,
    "bce_terms": lambda p, y: -(_y_log_p(y, p) + _y_log_p(1 - y, 1 - p)),
    "bce_with_logits_terms": lambda z, y: softplus(z) - z * y,
    "cross_entropy_terms": lambda p, y, axis=-1, keepdims=False: (
        -total(_y_log_p(y, p), axis, keepdims)
    ),
    "softmax_cross_entropy_terms": lambda z, y, axis=-1, keepdims=False, **_: (
        -total(y * _log_softmax(z, axis), axis, keepdims)
    ),
}
"""Every operation by its name, the helpers of backward formulas included."""
