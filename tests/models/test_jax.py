"""Losses in JAX as problems: loss, gradients and slopes at kinks are JAX's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax, nn

import handgrad
from tests.oracle import assert_close
from tests.slow import with_slow

DRAW = np.random.default_rng(2)
Tree = Any


@pytest.fixture(autouse=True, scope="module")
def double() -> Any:
    """Double precision, here alone."""
    with jax.enable_x64(True):
        yield


def numbers(*shape: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return DRAW.normal(size=shape) * 0.7


def layer(inputs: int, outputs: int) -> dict[str, Any]:
    return {"w": numbers(inputs, outputs), "b": numbers(outputs)}


def dense(p: Tree, x: Any) -> Any:
    return x @ p["w"] + p["b"]


def mlp(p: Tree, x: Any, y: Any) -> Any:
    h = nn.relu(dense(p["fc1"], x))
    o = dense(p["fc2"], h)
    return -jnp.mean(jnp.sum(nn.one_hot(y, 3) * nn.log_softmax(o), -1))


def activations(p: Tree, x: Any, t: Any) -> Any:
    functions: tuple[Callable[[Any], Any], ...] = (
        *(nn.leaky_relu, nn.elu, nn.gelu, nn.silu, nn.softplus, nn.sigmoid, jnp.tanh, nn.hard_tanh, nn.hard_sigmoid),
        *(nn.hard_swish, nn.selu, nn.celu, nn.log_sigmoid, nn.soft_sign, nn.mish, nn.relu6, jnp.abs, jnp.sin, jnp.square),
        *(lambda v: nn.gelu(v, approximate=False), lambda v: jnp.clip(v, -0.5, 0.5), jnp.expm1, lambda v: jnp.log1p(v**2)),
    )  # fmt: skip
    for w, f in zip(p["ws"], functions, strict=True):
        x = f(x @ w)
    return jnp.mean((x[:, :2] - t) ** 2)


def norms(p: Tree, x: Any, t: Any) -> Any:
    h = dense(p["fc"], x)
    m, v = h.mean(-1, keepdims=True), h.var(-1, keepdims=True)
    h = (h - m) * lax.rsqrt(v + 1e-5) * p["scale"] + p["shift"]
    h = h / jnp.linalg.norm(h, axis=-1, keepdims=True)
    return jnp.sqrt(jnp.mean((h[:, :2] - t) ** 2)) + jnp.max(h) + jnp.prod(h[0])


def recurrent(p: Tree, x: Any, t: Any) -> Any:
    def step(h: Any, row: Any) -> tuple[Any, Any]:
        h = jnp.tanh(row @ p["w"] + h @ p["u"] + p["b"])
        return h, h

    h, all_of_them = lax.scan(step, jnp.zeros((x.shape[0], 4)), x.transpose(1, 0, 2))
    return jnp.mean((h[:, :2] - t) ** 2) + jnp.cumsum(all_of_them, 0).mean()


def attention(p: Tree, ids: Any, y: Any) -> Any:
    x = p["embed"][ids] + p["places"]
    s = (x @ p["q"]) @ (x @ p["k"]).swapaxes(-1, -2) / np.sqrt(4)
    s = jnp.where(jnp.tril(jnp.ones(s.shape[-2:])) > 0, s, -jnp.inf)
    x = x + nn.softmax(s) @ (x @ p["v"])
    log_p = nn.log_softmax(x @ p["embed"].T)
    return -jnp.take_along_axis(log_p, y[..., None], -1).mean()


def convolution(p: Tree, x: Any, y: Any) -> Any:
    form = ("NHWC", "HWIO", "NHWC")
    h = lax.conv_general_dilated(x, p["k"], (1, 1), "SAME", dimension_numbers=form) + p["b"]
    h = lax.reduce_window(nn.silu(h), -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    h = lax.conv_general_dilated(h, p["k2"], (2, 2), "SAME", dimension_numbers=form)
    h = jnp.pad(h, ((0, 0), (1, 0), (0, 1), (0, 0)), constant_values=0.5).mean((1, 2))
    return nn.logsumexp(h, -1).mean() - jnp.mean(jnp.sum(h * nn.one_hot(y, 3), -1))


def decoder(p: Tree, x: Any, t: Any) -> Any:
    h = nn.relu(lax.conv_transpose(x, p["k"], (2, 2), "SAME") + p["b"])
    h = lax.conv_transpose(h, p["k2"], (1, 3), "VALID", rhs_dilation=(2, 1))
    h = lax.conv_transpose(h, p["k3"], (3, 2), ((1, 2), (0, 1)))
    return jnp.mean((nn.sigmoid(h).mean((1, 2)) - t) ** 2)


def volumes(p: Tree, x: Any, t: Any) -> Any:
    h = nn.relu(lax.conv(x, p["k"], (1, 1, 2), "SAME"))
    h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 1, 2, 2, 2), (1, 1, 1, 2, 1), "VALID")
    return jnp.mean((h.mean((2, 3, 4)) - t) ** 2)


def nodes(p: Tree, x: Any, t: Any) -> Any:
    """Messages along edges, added up at their ends; the best of them, in order."""
    h = jax.ops.segment_sum(x @ p["w"], np.array([0, 2, 2, 1, 0]), num_segments=3)
    h = h.at[1].add(p["b"]).at[np.array([0, 2]), 1].set(p["b"][:2])
    best, _ = lax.top_k(h @ p["w"].T, 2)
    middle = jnp.median(h, axis=0).sum() + (jnp.sort(h, axis=1) * p["b"]).sum()
    return jnp.mean((best[:2] - t[:2]) ** 2) + middle


def logistic(p: Tree, batch: Any) -> Any:
    z = batch["x"] @ p["w"] + p["b"]
    return jnp.mean(jnp.logaddexp(0, z) - batch["y"] * z) + 0.1 * jnp.sum(p["w"] ** 2)


def mapped(p: Tree, x: Any, t: Any) -> Any:
    def each(row: Any) -> Any:
        return jnp.tanh(p["w"].T @ row + p["b"])

    h = jax.vmap(jax.checkpoint(each))(x)
    return jnp.mean((h[:, :2] - t) ** 2)


def rearranged(p: Tree, key: Any, x: Any, t: Any) -> Any:
    a, b, _ = jnp.split(p["w"], 3, axis=1)
    h = jnp.concatenate([x @ a, jnp.flip(x @ b, 1)], axis=1)
    h = jnp.where(jax.random.bernoulli(key, 0.6, h.shape), h / 0.6, 0)
    h = jnp.einsum("ij,ik->ijk", h, x).reshape(5, -1)[:, ::2]
    return (
        jnp.mean((h[:, :2] - t) ** 2)
        + jnp.minimum(h, 0.1).sum()
        + h[2, 1]
        + lax.stop_gradient(h).sum() * h[0, 0]
    )


X, T, Y = numbers(5, 3), numbers(5, 2), np.array([0, 2, 1, 1, 0])

LOSSES: dict[str, tuple[Callable[..., Any], Tree, Any]] = {
    "mlp": (mlp, {"fc1": layer(3, 4), "fc2": layer(4, 3)}, (X, Y)),
    "activations": (activations, {"ws": [numbers(3, 3) for _ in range(23)]}, (X, T)),
    "norms": (norms, {"fc": layer(3, 4), "scale": numbers(4), "shift": numbers(4)}, (X, T)),
    "recurrent": (recurrent, {**layer(3, 4), "u": numbers(4, 4)}, (numbers(5, 4, 3), T)),
    "attention": (
        attention,
        {"embed": numbers(7, 4), "places": numbers(5, 4), **{n: numbers(4, 4) for n in "qkv"}},
        (DRAW.integers(0, 7, (2, 5)), DRAW.integers(0, 7, (2, 5))),
    ),
    "convolution": (
        convolution,
        {"k": numbers(3, 3, 2, 4), "b": numbers(4), "k2": numbers(3, 3, 4, 3)},
        (numbers(2, 6, 6, 2), np.array([0, 2])),
    ),
    "decoder": (
        decoder,
        {
            "k": numbers(3, 3, 2, 4),
            "b": numbers(4),
            "k2": numbers(2, 2, 4, 3),
            "k3": numbers(3, 2, 3, 2),
        },
        (numbers(5, 2, 2, 2), T),
    ),
    "volumes": (volumes, {"k": numbers(2, 2, 2, 2, 3)}, (numbers(5, 2, 2, 4, 4), T)),
    "nodes": (nodes, layer(3, 4), (X, T)),
    "logistic": (logistic, {"w": numbers(3), "b": 0.3}, {"x": X, "y": np.array([0.0, 1, 1, 0, 1])}),
    "mapped": (mapped, layer(3, 4), (X, T)),
    "jitted": (jax.jit(mapped), layer(3, 4), (X, T)),
    "rearranged": (rearranged, {"w": numbers(3, 6)}, (jax.random.key(0), X, T)),
}


@pytest.mark.parametrize(
    "name",
    with_slow(
        LOSSES, {"attention", "convolution", "nodes", "norms", "rearranged", "decoder", "logistic"}
    ),
)
def test_loss_and_gradients_are_jax_s(name: str) -> None:
    function, parameters, data = LOSSES[name]
    arguments = data if isinstance(data, tuple) else (data,)
    trace = handgrad.solve(handgrad.from_jax(function, parameters, data))
    # Compiled whole, which is quicker than operation by operation.
    loss, gradients = jax.jit(jax.value_and_grad(function))(parameters, *arguments)
    assert_close(trace.run.loss, float(loss), 1e-10)
    leaves = jax.tree_util.tree_leaves_with_path(gradients)
    assert len(leaves) == len(trace.problem.parameters)
    for keys, gradient in leaves:
        path = jax.tree_util.keystr(keys, simple=True, separator=".")
        assert_close(trace.gradient(path), np.asarray(gradient), 1e-10)


def test_values_have_the_names_of_the_code() -> None:
    function, parameters, data = LOSSES["mlp"]
    problem = handgrad.from_jax(function, parameters, data)
    assert [e.text for e in problem.equations] == [
        "h_dense = x @ fc1_w + fc1_b",
        "h = relu(h_dense)",
        "o = h @ fc2_w + fc2_b",
        "loss = -mean(sum(one_hot * log_softmax(o), axis=1))",
    ]
    assert problem.model is not None
    assert problem.model.lines["h"].text == 'h = nn.relu(dense(p["fc1"], x))'
    run = handgrad.run(problem)
    h = np.maximum(X @ parameters["fc1"]["w"] + parameters["fc1"]["b"], 0)
    assert_close(run.value("h"), h)


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (nn.relu, [0.0, -1.0, 1.0]),
        (nn.relu6, [0.0, 6.0, 3.0]),
        (nn.leaky_relu, [0.0, -1.0, 1.0]),
        (nn.elu, [0.0, -1.0, 1.0]),
        (nn.selu, [0.0, -1.0, 1.0]),
        (nn.celu, [0.0, -1.0, 1.0]),
        (nn.hard_tanh, [-1.0, 1.0, 0.5]),
        (nn.hard_sigmoid, [-3.0, 3.0, 0.5]),
        (nn.hard_swish, [-3.0, 3.0, 0.5]),
        (jnp.abs, [0.0, -1.0, 1.0]),
        (lambda v: jnp.clip(v, 0, 1), [0.0, 1.0, 0.5]),
        (lambda v: lax.clamp(0.0, v, 1.0), [0.0, 1.0, 0.5]),
        (lambda v: jnp.maximum(v, 0), [0.0, -1.0, 1.0]),
        (lambda v: jnp.max(v), [2.0, 2.0, 1.0]),
    ],
)
def test_slopes_at_kinks_are_jax_s(function: Callable[[Any], Any], at: list[float]) -> None:
    def loss(p: Any) -> Any:
        return jnp.sum(function(p) * jnp.array([1.0, 2.0, 3.0]))

    trace = handgrad.solve(handgrad.from_jax(loss, jnp.array(at)))
    assert_close(trace.gradient("parameters"), np.asarray(jax.grad(loss)(jnp.array(at))))


@jax.custom_vjp
def straight_through(x: Any) -> Any:
    return x**3


straight_through.defvjp(lambda x: (x**3, None), lambda _, g: (g,))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda p: jnp.linalg.cholesky(jnp.diag(p)).sum(), "the primitive cholesky is not read"),
        (lambda p: p, "and no loss"),
        (lambda p: 1 / "a", "the function raises TypeError"),  # type: ignore[operator]
        (lambda p: jnp.sum(straight_through(p)), "has a derivative of its own"),
        (lambda p: lax.while_loop(lambda v: v < 3, lambda v: v * 2, p[0]), "while_loop runs as long as"),
        (lambda p: lax.cond(p[0] > 1, lambda: p[0], lambda: p[1]), "cond chooses by what the data say"),
        (lambda p: jnp.sum(jnp.array([1.0])), "depends on no parameter"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_one_message(function: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(handgrad.ProblemError, match=said):
        handgrad.from_jax(function, jnp.array([1.5, 2.0]))


def test_a_rule_that_is_the_formula_s_own_is_opened() -> None:
    @jax.custom_vjp
    def cube(x: Any) -> Any:
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * 3 * x**2,))
    trace = handgrad.solve(handgrad.from_jax(lambda p: jnp.sum(cube(p)), jnp.array([1.5, 2.0])))
    assert_close(trace.gradient("parameters"), np.array([6.75, 12.0]))


def test_nan_is_refused() -> None:
    with pytest.raises(handgrad.NumberError, match="a NaN or an infinity"):
        handgrad.from_jax(lambda p: jnp.sum(p["w"]), {"w": jnp.array([jnp.nan])})
