"""Real data: networks trained by the engine, audited, and counted again by PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import handgrad
from handgrad.audit.structure import OFF
from handgrad.graph import build
from tests.oracle import Arrays


@dataclass(frozen=True)
class Trained:
    """A network with its trained parameters, the cases it was trained on, and its accuracy on others."""

    problem: handgrad.Problem
    data: Arrays
    accuracy: float


def split(name: str, cases: int | None) -> tuple[Any, Any, Any, Any]:
    from sklearn import datasets  # where it is used: each worker would take seconds for it

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-6)
    test, train = order[: len(x) // 4], order[len(x) // 4 :][:cases]
    return x[train], y[train], x[test], y[test]


def trained(name: str, updates: int, hidden: list[int], cases: int | None = None) -> Trained:
    x, y, x_test, y_test = split(name, cases)
    classes = int(y.max()) + 1
    targets = np.eye(classes)[y]
    g = np.random.default_rng(1)
    problem = handgrad.Problem.mlp(
        [x.shape[1], *hidden, classes], "relu", "softmax", "cross_entropy",
        x={"cases": x}, y={"cases": targets},
    )  # fmt: skip
    drawn = {
        n: g.normal(0, np.sqrt(2 / p.shape[1]), p.shape) if n[0] == "W" else np.zeros(p.shape)
        for n, p in problem.parameters.items()
    }
    adam = handgrad.Problem(
        problem.equations, drawn, problem.data, update=handgrad.Update("adam", 0.01)
    )
    training = handgrad.Training(adam)
    training.run(updates)
    parameters = {n: np.asarray(a) for n, a in training.parameters.items()}
    ready = adam.with_values(parameters)
    wide = ready.with_values({"x": {"cases": x_test}, "y": {"cases": np.eye(classes)[y_test]}})
    yhat = handgrad.run(wide, build(wide)).value("yhat")
    accuracy = float((yhat.argmax(axis=0) == y_test).mean())
    return Trained(ready, {"x": x.T, "y": targets.T}, accuracy)


def by_torch(net: Trained) -> dict[str, tuple[Any, Any]]:
    """By hidden layer, how often each unit fires, and the mean size of the gradient that passes it."""
    parameters = {n: torch.tensor(p.array) for n, p in net.problem.parameters.items()}
    value = torch.tensor(net.data["x"].T)
    layers = len(parameters) // 2
    kept: dict[str, Any] = {}
    for k in range(1, layers + 1):
        z = torch.nn.functional.linear(value, parameters[f"W{k}"], parameters[f"b{k}"])
        z.requires_grad_(True)
        z.retain_grad()
        kept[f"h{k}"] = z
        value = torch.relu(z) if k < layers else z
    labels = torch.tensor(net.data["y"].T.argmax(axis=1))
    torch.nn.functional.cross_entropy(value, labels, reduction="sum").backward()  # type: ignore[no-untyped-call]
    return {
        name: ((z > 0).sum(dim=0).numpy(), z.grad.abs().mean(dim=0).numpy())
        for name, z in list(kept.items())[:-1]
    }


def check(net: Trained) -> None:
    audit = handgrad.gates(net.problem, net.data)
    oracle = by_torch(net)
    assert {layer.name for layer in audit.layers} == set(oracle)
    for name, (fired, gradient) in oracle.items():
        units = audit.of(name)
        assert [u.fired for u in units] == fired.tolist()
        assert [u.gradient for u in units] == pytest.approx(gradient.tolist(), rel=1e-9, abs=1e-12)
        assert [u.unit[0] for u in units if u.verdict in OFF] == np.flatnonzero(fired == 0).tolist()


@pytest.mark.parametrize(("name", "hidden"), [("digits", [32]), ("breast_cancer", [16, 8])])
def test_a_trained_network_is_counted_as_pytorch_counts(name: str, hidden: list[int]) -> None:
    net = trained(name, 60, hidden, cases=300)
    assert net.accuracy > 0.85
    check(net)


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "hidden"), [("digits", [64, 32]), ("breast_cancer", [32, 16])])
def test_trained_to_the_full(name: str, hidden: list[int]) -> None:
    net = trained(name, 200, hidden)
    assert net.accuracy > 0.95
    check(net)


def test_a_layer_killed_on_purpose() -> None:
    """Units whose biases are pushed far down are dead on real data, and the shift named revives them."""
    net = trained("breast_cancer", 30, [16, 8], cases=200)
    biases = np.array(net.problem.parameters["b2"].array)
    biases[[2, 5]] = -1e3
    killed = net.problem.with_values({"b2": biases})
    audit = handgrad.gates(killed, net.data)
    dead = [u.unit[0] for u in audit.of("h2") if u.verdict == "dead_on_data"]
    assert {2, 5} <= set(dead)
    for u in audit.of("h2"):
        if u.unit[0] in (2, 5):
            shift = u.remedies[0]
            assert (shift.kind, shift.entry, shift.works) == ("bias_shift", u.unit, True)
            raised = np.array(biases)
            raised[u.unit] += shift.amount * (1 + 1e-9)
            again = handgrad.gates(killed.with_values({"b2": raised}), net.data)
            assert again.of("h2")[u.unit[0]].fired >= 1
