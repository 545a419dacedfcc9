"""The workloads. Each gives its figures; a rival that is not installed is left out."""

from __future__ import annotations

import gc
import importlib.util
import statistics
import time
import tracemalloc
from collections.abc import Callable
from shutil import which
from typing import Any

import numpy as np

import handgrad
from benchmarks.auditing import audited
from benchmarks.chains import chain
from benchmarks.measuring import Figure, paired
from benchmarks.watching import watched

SHAPES = {"W1": (2, 2), "b1": (2,), "W2": (2, 2), "b2": (2,), "w3": (2,), "b3": ()}


def _has(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _lab_loss(xp: Any, parameters: Any, x: Any, y: Any) -> Any:
    w1, b1, w2, b2, w3, b3 = parameters
    h1 = xp.maximum(w1 @ x + b1, 0)
    h2 = xp.maximum(w2 @ h1 + b2, 0)
    yhat = 1 / (1 + xp.exp(-(w3 @ h2 + b3)))
    return -(y * xp.log(yhat) + (1 - y) * xp.log(1 - yhat))


def one_step() -> list[Figure]:
    """W1: one gradient and SGD step of lab9."""
    lab = handgrad.load("lab9")
    training = handgrad.Training(lab)
    start = [np.array(lab.parameters[n].array) for n in SHAPES]
    x, y, rate = np.array([1.0, 0.0]), 1.0, 0.1
    state = list(start)

    def by_hand() -> Any:
        w1, b1, w2, b2, w3, b3 = state
        z1 = w1 @ x + b1
        h1 = np.maximum(z1, 0)
        z2 = w2 @ h1 + b2
        h2 = np.maximum(z2, 0)
        yhat = 1 / (1 + np.exp(-(w3 @ h2 + b3)))
        loss = -(y * np.log(yhat) + (1 - y) * np.log(1 - yhat))
        d3 = yhat - y
        dh2 = d3 * w3
        d2 = dh2 * (z2 > 0)
        d1 = (w2.T @ d2) * (z1 > 0)
        gradients = (np.outer(d1, x), d1, np.outer(d2, h1), d2, d3 * h2, d3)
        state[:] = [p - rate * g for p, g in zip(state, gradients, strict=True)]
        return loss

    rivals: dict[str, Callable[[], object]] = {"NumPy by hand": by_hand}
    if _has("torch"):
        import torch

        tensors = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in start]
        tx, ty = torch.tensor(x), torch.tensor(y, dtype=torch.float64)
        optimiser = torch.optim.SGD(tensors, rate)

        def eager() -> float:
            w1, b1, w2, b2, w3, b3 = tensors
            optimiser.zero_grad(set_to_none=True)
            h2 = torch.relu(w2 @ torch.relu(w1 @ tx + b1) + b2)
            loss = torch.nn.functional.binary_cross_entropy(torch.sigmoid(w3 @ h2 + b3), ty)
            loss.backward()
            optimiser.step()
            return float(loss.item())

        rivals["torch eager"] = eager
    if _has("jax"):
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        current = [[jnp.asarray(a) for a in start]]

        @jax.jit
        def stepped(parameters: Any) -> Any:
            loss, gradients = jax.value_and_grad(lambda p: _lab_loss(jnp, p, jnp.asarray(x), y))(
                parameters
            )
            return loss, [p - rate * g for p, g in zip(parameters, gradients, strict=True)]

        def jitted() -> float:
            loss, current[0] = stepped(current[0])
            return float(loss)

        rivals["jax.jit"] = jitted
    if _has("autograd"):
        import autograd
        import autograd.numpy as anp

        gradient = autograd.value_and_grad(lambda p: _lab_loss(anp, p, x, y))
        kept = [list(start)]

        def hips() -> Any:
            loss, gradients = gradient(kept[0])
            kept[0] = [p - rate * g for p, g in zip(kept[0], gradients, strict=True)]
            return loss

        rivals["HIPS autograd"] = hips
    if _has("micrograd"):
        rivals["micrograd, squared error"] = _micrograd_step(start, x, y, rate)
    figures = paired(
        "W1 one gradient and SGD step of lab9", training.step, rivals, rounds=15, calls=200
    )
    return [*figures, *_machine_steps(lab, by_hand)]


def _machine_steps(lab: handgrad.Problem, by_hand: Callable[[], object]) -> list[Figure]:
    """The same steps by machine code: one a call, and 1 000 in one."""
    if not which("cc"):
        return []
    step = handgrad.Training(lab, jit=True).step
    many = handgrad.Training(lab, jit=True)
    name, hand = "W1 the same by machine code", {"NumPy by hand": by_hand}
    thousand = {"NumPy by hand": lambda: [by_hand() for _ in range(1000)]}
    return [
        *paired(name, step, hand, rounds=15, calls=200),
        *paired(f"{name}, 1 000 in one call", lambda: many.run(1000), thousand, rounds=15),
    ]


def _micrograd_step(start: list[Any], x: Any, y: float, rate: float) -> Callable[[], object]:
    """The same layers in scalars; micrograd has no exponential, so the loss is (z − y)²."""
    from micrograd.engine import Value

    w1, b1, w2, b2, w3, b3 = [np.vectorize(Value, otypes=[object])(a) for a in start]
    leaves = [v for a in (w1, b1, w2, b2, w3, b3) for v in a.flat]
    relu = np.vectorize(lambda v: v.relu(), otypes=[object])

    def step() -> float:
        for leaf in leaves:
            leaf.grad = 0
        h2 = relu(w2 @ relu(w1 @ x + b1) + b2)
        loss = (w3 @ h2 + b3[()] - y) ** 2
        loss.backward()
        for leaf in leaves:
            leaf.data -= rate * leaf.grad
        return float(loss.data)

    return step


def many_networks(count: int = 100_000) -> list[Figure]:
    """W2: the gradients of 100 000 networks of lab9's shape."""
    generator = np.random.default_rng(0)
    lab = handgrad.load("lab9")
    many = {n: generator.normal(size=(*s, count)) for n, s in SHAPES.items()}
    two = {n: {"cases": np.moveaxis(a[..., :2], -1, 0)} for n, a in many.items()}
    data = {n: g.array for n, g in lab.data.items()}
    problem = handgrad.Problem(lab.equations, two, data)
    plain = handgrad.Engine(problem, loss=False)
    engine = handgrad.Engine(problem, loss=False, jit=True) if which("cc") else plain
    rivals: dict[str, Callable[[], object]] = {
        "a copy of the same bytes": lambda: [a.copy() for a in many.values()]
    }
    if engine is not plain:
        rivals["ours without jit, in NumPy"] = lambda: plain(**many)
    first = [np.ascontiguousarray(np.moveaxis(a, -1, 0)) for a in many.values()]
    if _has("torch"):
        import torch

        tensors = tuple(torch.tensor(a) for a in first)
        tx = torch.tensor([1.0, 0.0], dtype=torch.float64)

        def loss(*p: Any) -> Any:
            h2 = torch.relu(p[2] @ torch.relu(p[0] @ tx + p[1]) + p[3])
            return torch.nn.functional.softplus(-(p[4] @ h2 + p[5]))

        mapped = torch.func.vmap(torch.func.grad(loss, argnums=tuple(range(6))))
        rivals["torch.func.vmap(grad)"] = lambda: mapped(*tensors)
    if _has("jax"):
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        arrays = tuple(jnp.asarray(a) for a in first)
        jx = jnp.asarray([1.0, 0.0])
        jitted = jax.jit(jax.vmap(jax.grad(lambda p: _lab_loss(jnp, p, jx, 1.0))))
        rivals["jax.jit(vmap(grad))"] = lambda: jax.block_until_ready(jitted(arrays))
    name = f"W2 gradients of {count} networks of lab9's shape"
    return paired(name, lambda: engine(**many), rivals, rounds=15)


def one_large_step() -> list[Figure]:
    """W3: one training step of a 784-512-512-10 network, batch 128, float32."""
    sizes, batch = [784, 512, 512, 10], 128
    generator = np.random.default_rng(0)
    x = generator.normal(size=(sizes[0], batch)).astype(np.float32)
    labels = generator.integers(0, 10, batch)
    y = np.eye(10, dtype=np.float32)[:, labels].copy()
    problem = handgrad.Problem.mlp(
        sizes, "relu", "softmax", "cross_entropy", x={"cases": x.T}, y={"cases": y.T}, rate=0.01
    )
    training = handgrad.Training(problem, dtype=np.float32)
    w1, w2, w3 = (np.array(training.parameters[n]) for n in ("W1", "W2", "W3"))
    made: dict[str, Any] = {}

    def product(key: str, a: Any, b: Any) -> Any:
        if key not in made:
            made[key] = np.empty((a.shape[0], b.shape[1]), np.float32)
        return np.matmul(a, b, out=made[key])

    def products() -> None:
        h1 = product("h1", w1, x)
        h2 = product("h2", w2, h1)
        z3 = product("z3", w3, h2)
        product("dw3", z3, h2.T)
        d2 = product("d2", w3.T, z3)
        product("dw2", d2, h1.T)
        d1 = product("d1", w2.T, d2)
        product("dw1", d1, x.T)

    weights, step = [w1.copy(), w2.copy(), w3.copy()], np.float32(0.01)
    biases = [np.zeros((n, 1), np.float32) for n in sizes[1:]]

    def by_hand() -> Any:
        z1 = product("h1", weights[0], x)
        z1 += biases[0]
        h1 = np.maximum(z1, 0, out=z1)
        z2 = product("h2", weights[1], h1)
        z2 += biases[1]
        h2 = np.maximum(z2, 0, out=z2)
        z3 = product("z3", weights[2], h2)
        z3 += biases[2]
        z3 -= z3.max(0)
        np.exp(z3, out=z3)
        z3 /= z3.sum(0)
        loss = -np.log(z3[labels, np.arange(batch)]).mean()
        z3 -= y
        # With the rate and the mean in the error signal the weights' gradients need no pass for them.
        z3 *= step / batch
        d2 = product("d2", weights[2].T, z3)
        d2 *= h2 > 0
        d1 = product("d1", weights[1].T, d2)
        d1 *= h1 > 0
        gradients = ("dw1", d1, x.T), ("dw2", d2, h1.T), ("dw3", z3, h2.T)
        for weight, bias, (key, d, below) in zip(weights, biases, gradients, strict=True):
            weight -= product(key, d, below)
            bias -= d.sum(1, keepdims=True)
        return loss

    rivals: dict[str, Callable[[], object]] = {
        "its matrix products alone": products,
        "NumPy by hand": by_hand,
    }
    if _has("torch"):
        import torch

        network = torch.nn.Sequential(
            torch.nn.Linear(784, 512),
            torch.nn.ReLU(),
            torch.nn.Linear(512, 512),
            torch.nn.ReLU(),
            torch.nn.Linear(512, 10),
        )
        optimiser = torch.optim.SGD(network.parameters(), 0.01)
        tx, ty = torch.tensor(x.T.copy()), torch.tensor(labels)

        def eager() -> None:
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(tx), ty).backward()
            optimiser.step()

        rivals["torch eager"] = eager
    return paired("W3 one step of 784-512-512-10, batch 128", training.step, rivals, rounds=100)


def _explained(problem: handgrad.Problem) -> int:
    trace = handgrad.solve(problem)
    handgrad.render(trace, "json")
    return len(trace.steps)


def explained_traces() -> list[Figure]:
    """W4: the whole explained trace, written as JSON: time and memory for each step."""
    # Python looks for cycles in all that is loaded, and that is mostly the rivals of W1 to W3.
    gc.collect()
    gc.freeze()
    sizes = (10, 100, 1000)
    problems = {n: chain(n) for n in sizes}
    steps = {n: _explained(problem) for n, problem in problems.items()}
    times: dict[int, list[float]] = {n: [] for n in sizes}
    for _ in range(5):
        # As many steps of each size in a round, for a processor that is now fast and now slow.
        for n, problem in problems.items():
            start = time.perf_counter()
            for _ in range(max(sizes) // n):
                _explained(problem)
            times[n].append((time.perf_counter() - start) / (max(sizes) // n))
    memory = {}
    for n, problem in problems.items():
        tracemalloc.start()
        _explained(problem)
        memory[n] = tracemalloc.get_traced_memory()[1] / steps[n]
        tracemalloc.stop()
    seconds = {n: statistics.median(times[n]) for n in sizes}
    per_step = {
        n: statistics.median(
            (a / steps[n]) / (b / steps[10]) for a, b in zip(times[n], times[10], strict=True)
        )
        for n in sizes
    }
    name = "W4 the explained trace as JSON, per step"
    return [
        *(Figure(name, f"{n} equations against 10", per_step[n], seconds[n]) for n in (100, 1000)),
        *(Figure(f"{name}, memory", f"{n} equations against 10", memory[n] / memory[10], seconds[n]) for n in (100, 1000)),
    ]  # fmt: skip


WORKLOADS = {
    "W1": one_step,
    "W2": many_networks,
    "W3": one_large_step,
    "W4": explained_traces,
    "W5": audited,
    "W6": watched,
}
