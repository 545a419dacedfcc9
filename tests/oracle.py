"""The outside oracle: what each operation means in PyTorch, and gradients by its autograd."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float64]]


def _axes(a: Any, axis: Any) -> Any:
    return tuple(range(a.ndim)) if axis is None else axis


def _extreme(reduce: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(a: Any, axis: Any = None, keepdims: bool = False, first: bool = False) -> Any:
        if not a.ndim:
            return a * 1
        axes = sorted(k % a.ndim for k in np.atleast_1d(_axes(a, axis)))
        if not first:
            return reduce(a, dim=axes, keepdim=keepdims)
        # Along one axis, the last: what its own function has for it gives all to the first.
        along: Any = torch.max if reduce is torch.amax else torch.min
        kept = [n for k, n in enumerate(a.shape) if k not in axes]
        moved = torch.movedim(a, axes, [*range(-len(axes), 0)]).reshape(*kept, -1)
        found = along(moved, dim=-1).values
        return (
            found.reshape([1 if k in axes else n for k, n in enumerate(a.shape)])
            if keepdims
            else found
        )

    return extreme


def _sum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.sum(a, dim=_axes(a, axis), keepdim=keepdims) if a.ndim else a * 1


def _mean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.mean(a, dim=_axes(a, axis), keepdim=keepdims) if a.ndim else a * 1


def _logsumexp(z: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axis = tuple(range(z.ndim)) if axis is None else axis
    return torch.logsumexp(z, dim=axis, keepdim=keepdims)


def _norm(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.linalg.vector_norm(a, dim=_axes(a, axis) if a.ndim else None, keepdim=keepdims)


def _norm_of(order: float) -> Callable[..., Any]:
    def norm(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.linalg.vector_norm(
            a, ord=order, dim=_axes(a, axis) if a.ndim else None, keepdim=keepdims
        )

    return norm


def _prod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axes = _axes(a, axis)
    for one in sorted(x % a.ndim for x in (axes if isinstance(axes, tuple) else (axes,)))[::-1]:
        a = torch.prod(a, dim=one, keepdim=keepdims)
    return a * 1


def _var(a: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    if not a.ndim:
        return a * 0
    return torch.var(a, dim=_axes(a, axis), correction=ddof, keepdim=keepdims)


def _std(a: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    if not a.ndim:
        return a * 0
    return torch.std(a, dim=_axes(a, axis), correction=ddof, keepdim=keepdims)


def _mean_of(term: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments, **options: term(*arguments, **options).mean()


def _transpose(a: Any) -> Any:
    return a.T if a.ndim == 2 else a


def _normal(a: Any, axis: int, eps: float) -> Any:
    if axis == -1:
        return F.layer_norm(a, a.shape[-1:], eps=eps)
    return _normal(a.transpose(axis, -1), -1, eps).transpose(axis, -1)


def _compared(holds: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: holds(a, b).to(a.dtype) + 0 * (a + b)


def _channelled(function: Callable[..., Any], rank: int) -> Callable[..., Any]:
    """A convolution of torch, which wants a batch and channels, on arrays with or without them."""

    def applied(a: Any, kernel: Any, *bias: Any, **options: Any) -> Any:
        channels = kernel.ndim > rank
        if not channels:
            a, kernel = a.unsqueeze(a.ndim - rank), kernel[None, None]
            bias = tuple(b[None] for b in bias)
        batch = a.ndim > rank + 1
        with warnings.catch_warnings():
            # PyTorch says that padding="same" of an even kernel takes it a copy.
            warnings.filterwarnings("ignore", "Using padding='same'")
            result = function(a if batch else a[None], kernel, *bias, **options)
        result = result if batch else result[0]
        return result if channels else result.squeeze(result.ndim - rank - 1)

    return applied


def _prelu(z: Any, a: Any) -> Any:
    """PyTorch's where it takes the shapes: one slope, or one for each entry of the last axis of a matrix."""
    if a.numel() == 1:
        return F.prelu(z.reshape(1, -1), a.reshape(1)).reshape(
            np.broadcast_shapes(z.shape, a.shape)
        )
    if z.ndim == 2 and a.ndim == 1 and z.shape[1] == a.shape[0]:
        return F.prelu(z, a)
    return torch.where(z > 0, z, a * z)


def _both(a: Any, b: Any) -> tuple[Any, Any]:
    """Both in the shape that they broadcast to, without the warning that PyTorch's losses give."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    return a.expand(shape), b.expand(shape)


def _nll(log_p: Any, y: Any) -> Any:
    if y.shape == log_p.shape:
        return -(y * log_p).sum() / (log_p.numel() // log_p.shape[-1])
    return F.nll_loss(log_p, y.detach().to(torch.int64)) + 0 * y.sum()


def _kl(p: Any, q: Any) -> Any:
    rows = p.numel() // p.shape[-1]
    return F.kl_div(q.log().reshape(rows, -1), p.reshape(rows, -1), reduction="batchmean")


def _pool(function: Callable[..., Any], rank: int) -> Callable[..., Any]:
    def pooled(
        a: Any,
        size: Any = 2,
        stride: Any = None,
        padding: Any = 0,
        first: bool = True,
        **options: Any,
    ) -> Any:
        assert first, "PyTorch gives all to the first"
        extra = rank + 2 - a.ndim
        for _ in range(extra):
            a = a[None]
        result = function(a, size, stride, padding, **options)
        for _ in range(extra):
            result = result[0]
        return result

    return pooled


def _pad(a: Any, before: Any = 0, after: Any = 0, value: float = 0.0) -> Any:
    """PyTorch names the ends of the last axis first."""
    ends = zip(
        *(n if isinstance(n, tuple) else (n,) * a.ndim for n in (before, after)), strict=True
    )
    return F.pad(a, [n for pair in reversed([*ends]) for n in pair], value=value)


TORCH: dict[str, Callable[..., Any]] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "negate": torch.neg,
    "power": torch.pow,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "abs": torch.abs,
    "sin": torch.sin,
    "cos": torch.cos,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "relu": torch.relu,
    "leaky_relu": lambda z, alpha=0.01: F.leaky_relu(z, alpha),
    "elu": lambda z, alpha=1.0: F.elu(z, alpha),
    "softplus": lambda z: torch.logaddexp(z, torch.zeros_like(z)),
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "square": torch.square,
    "log1p": torch.log1p,
    "expm1": torch.expm1,
    "erf": torch.erf,
    "clip": lambda a, low=None, high=None: torch.clamp(a, low, high),
    "prelu": _prelu,
    "selu": F.selu,
    "celu": lambda z, alpha=1.0: F.celu(z, alpha),
    "mish": F.mish,
    "log_sigmoid": F.logsigmoid,
    "hardtanh": F.hardtanh,
    "relu6": F.relu6,
    # F.hardsigmoid's own slope in float64 is a sixth of single precision.
    "hardsigmoid": lambda z: F.relu6(z + 3) / 6,
    "hardswish": F.hardswish,
    "glu": lambda z, axis=-1: F.glu(z, axis),
    "swiglu": lambda a, b: F.silu(a) * b,
    "dropout": lambda h, mask, p=0.5: h * mask / (1 - p),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "matmul": torch.matmul,
    "dot": torch.dot,
    "outer": torch.outer,
    "einsum": lambda *arrays, subscripts: torch.einsum(subscripts, *arrays),
    "transpose": _transpose,
    "matrix_transpose": lambda a: a.mT,
    "sum": _sum,
    "mean": _mean,
    "max": _extreme(torch.amax),
    "min": _extreme(torch.amin),
    "norm": _norm,
    "norm1": _norm_of(1),
    "norm_inf": _norm_of(float("inf")),
    "var": _var,
    "std": _std,
    "prod": _prod,
    "cumsum": lambda a, axis=0: torch.cumsum(a, dim=axis),
    "softmax": lambda z, axis=-1: torch.softmax(z, dim=axis),
    "log_softmax": lambda z, axis=-1: torch.log_softmax(z, dim=axis),
    "logsumexp": _logsumexp,
    "masked_softmax": lambda z, m, axis=-1: torch.softmax(
        z.masked_fill(m.detach() == 0, -torch.inf), dim=axis
    ),
    "concat": lambda *parts, axis=0: torch.cat(parts, dim=axis),
    "mse": _mean_of(lambda a, b: (a - b) ** 2),
    "bce": _mean_of(lambda p, y: -(torch.xlogy(y, p) + torch.xlogy(1 - y, 1 - p))),
    "bce_with_logits": _mean_of(lambda z, y: torch.logaddexp(z, torch.zeros_like(z)) - z * y),
    "hinge": _mean_of(lambda s, y: torch.relu(1 - y * s)),
    "huber": lambda a, b, delta=1.0: _mean_of(
        lambda a, b: torch.where(
            (a - b).abs() <= delta, 0.5 * (a - b) ** 2, delta * ((a - b).abs() - 0.5 * delta)
        )
    )(a, b),
    "mae": lambda a, b: F.l1_loss(*_both(a, b)),
    "smooth_l1": lambda a, b, beta=1.0: F.smooth_l1_loss(*_both(a, b), beta=beta),
    "nll": _nll,
    "kl_div": _kl,
    "where": lambda c, a, b: torch.where(c != 0, a, b),
    "less": _compared(torch.lt),
    "less_equal": _compared(torch.le),
    "greater": _compared(torch.gt),
    "greater_equal": _compared(torch.ge),
    "trace": torch.trace,
    "inv": torch.linalg.inv,
    "det": torch.linalg.det,
    "logdet": torch.logdet,
    "flatten": torch.flatten,
    "expand_dims": lambda a, axis=0: torch.unsqueeze(a, axis),
    "pad": _pad,
    "broadcast_to": lambda a, shape: torch.broadcast_to(a, shape),
    "squeeze": lambda a, axis=None: torch.squeeze(a) if axis is None else torch.squeeze(a, axis),
    "permute": lambda a, axes: torch.permute(a, axes),
    "swapaxes": lambda a, axes: torch.swapaxes(a, *axes),
    "stack": lambda *parts, axis=0: torch.stack(parts, dim=axis),
    "gather": lambda a, y: a[y.detach().long()],
    "reshape": lambda a, shape: a.reshape(shape),
    **{
        name: _channelled(getattr(F, name), rank)
        for rank in (1, 2, 3)
        for name in (f"conv{rank}d", f"conv_transpose{rank}d")
    },
    **{
        name: _pool(getattr(F, name), rank)
        for rank in (1, 2, 3)
        for name in (f"max_pool{rank}d", f"avg_pool{rank}d")
    },
    "layernorm": lambda a, axis=-1, eps=1e-5: _normal(a, axis, eps),
    "batchnorm": lambda a, axis=0, eps=1e-5: F.batch_norm(a, None, None, training=True, eps=eps),
    "rmsnorm": lambda a, axis=-1, eps=1e-5: (
        a / torch.sqrt((a * a).mean(dim=axis, keepdim=True) + eps)
        if axis != -1
        else F.rms_norm(a, a.shape[-1:], eps=eps)
    ),
    "groupnorm": lambda a, groups, eps=1e-5: F.group_norm(a[None], groups, eps=eps)[0],
    "cross_entropy": lambda p, y: -torch.xlogy(y, p).sum() / (p.numel() // p.shape[-1]),
}
"""By the operation's name in the table; `index` is tested by its own syntax."""


def torch_gradients(loss: Callable[[dict[str, Any]], Any], arrays: Arrays) -> tuple[float, Arrays]:
    """The value of `loss` on tensors of `arrays`, and its gradient for each, in float64."""
    tensors = {
        n: torch.tensor(a, dtype=torch.float64, requires_grad=True) for n, a in arrays.items()
    }
    value = loss(tensors)
    value.backward()
    gradients = {}
    for name, array in arrays.items():
        grad = tensors[name].grad
        gradients[name] = np.zeros(array.shape) if grad is None else grad.numpy()
    return float(value.detach()), gradients


def assert_close(ours: Any, theirs: Any, tolerance: float = 1e-12) -> None:
    """Equal to `tolerance`, relative to the larger of 1 and the largest entry."""
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert ours.shape == theirs.shape
    both = np.isfinite(ours) & np.isfinite(theirs)
    assert np.array_equal(ours[~both], theirs[~both], equal_nan=True)
    scale = max(1.0, float(np.abs(theirs[both]).max(initial=0.0)))
    assert float(np.abs(ours[both] - theirs[both]).max(initial=0.0)) <= tolerance * scale
