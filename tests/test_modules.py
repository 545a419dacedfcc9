"""The bundled modules, LSTM, GRU, attention, a convolutional classifier and a VAE, beside PyTorch's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import handgrad
from handgrad.problem.files import BUNDLED

Tensors = Mapping[str, Any]


def _copied(module: Any, weights: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters of a module, each what handgrad's own make of it, so that gradients reach those."""
    names = [name for name, _ in module.named_parameters()]
    assert set(weights) == set(names)
    return weights


def _call(module: Any, weights: Mapping[str, Any], *arguments: Any, **options: Any) -> Any:
    return torch.func.functional_call(module, dict(_copied(module, weights)), arguments, options)


def lstm(p: Tensors) -> Any:
    """nn.LSTM: the gates stand in the order i, f, g, o."""
    cell = nn.LSTM(2, 2, dtype=torch.float64)
    rows = {k: torch.cat([p[f"{k}_{g}"] for g in "ifgo"]) for k in "WUb"}
    weights = {"weight_ih_l0": rows["W"], "weight_hh_l0": rows["U"], "bias_ih_l0": rows["b"], "bias_hh_l0": 0 * rows["b"]}  # fmt: skip
    out, _ = _call(cell, weights, p["X"], (p["h_0"][None], p["c_0"][None]))
    return 0.5 * (p["v"] @ out[-1] - p["y"]) ** 2


def gru(p: Tensors) -> Any:
    """nn.GRU: r, z, n, and a bias of its own inside the reset gate."""
    cell = nn.GRU(2, 2, dtype=torch.float64)
    rows = {k: torch.cat([p[f"{k}_{g}"] for g in "rzn"]) for k in "WUb"}
    inner = torch.cat([torch.zeros(4, dtype=torch.float64), p["c_n"]])
    weights = {"weight_ih_l0": rows["W"], "weight_hh_l0": rows["U"], "bias_ih_l0": rows["b"], "bias_hh_l0": inner}  # fmt: skip
    out, _ = _call(cell, weights, p["X"], p["h_0"][None])
    return 0.5 * (p["v"] @ out[-1] - p["y"]) ** 2


def causal(p: Tensors) -> Any:
    """nn.MultiheadAttention of four numbers, two heads, with a causal mask; then the norm of the sum."""
    attention = nn.MultiheadAttention(4, 2, bias=False, dtype=torch.float64)
    joined = {k: torch.cat([p[f"{k}1"].T, p[f"{k}2"].T]) for k in "QKV"}
    weights = {"in_proj_weight": torch.cat([joined["Q"], joined["K"], joined["V"]]), "out_proj.weight": p["W"].T}  # fmt: skip
    out, _ = _call(attention, weights, p["X"], p["X"], p["X"], attn_mask=p["M"] == 0)
    return nn.functional.mse_loss(nn.functional.layer_norm(p["X"] + out, (4,)), p["Y"])


def convnet(p: Tensors) -> Any:
    """A module of PyTorch's layers on the whole batch; its loss takes the scores."""
    net = nn.Sequential(nn.Conv2d(1, 2, 2), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))  # fmt: skip
    kernels = torch.stack([p["K1"], p["K2"]])[:, None]
    weights = {"0.weight": kernels, "0.bias": torch.stack([p["b1"], p["b2"]]), "4.weight": p["W"], "4.bias": p["c"]}  # fmt: skip
    scores = _call(net, weights, p["X"].movedim(-1, 0)[:, None])
    return nn.functional.cross_entropy(scores, p["y"].T)


def vae(p: Tensors) -> Any:
    """The divergence by torch.distributions, the picture's loss from the scores."""

    def linear(x: Any, name: str) -> Any:
        return nn.functional.linear(x, p[f"W{name}"], p[f"b{name}"])

    h = torch.tanh(linear(p["x"], "1"))
    drawn = torch.distributions.Normal(linear(h, "_mu"), torch.exp(linear(h, "_s") / 2))
    z = drawn.loc + drawn.scale * p["noise"]
    scores = linear(torch.tanh(linear(z, "2")), "3")
    picture = nn.functional.binary_cross_entropy_with_logits(scores, p["x"], reduction="sum")
    unit = torch.distributions.Normal(torch.zeros_like(z), torch.ones_like(z))
    return picture + torch.distributions.kl_divergence(drawn, unit).sum()


MODULES: tuple[Callable[[Tensors], Any], ...] = (lstm, gru, causal, convnet, vae)


@pytest.mark.parametrize("module", MODULES)
def test_the_loss_and_every_gradient_are_those_of_pytorchs_module(
    module: Callable[[Tensors], Any],
) -> None:
    problem = handgrad.load(module.__name__)
    trace = handgrad.solve(problem)
    given = {**problem.parameters, **problem.data}
    tensors: Any = {
        n: torch.tensor(np.array(g.array), requires_grad=True) for n, g in given.items()
    }
    loss = module(tensors)
    loss.backward()
    assert float(trace.run.value(trace.graph.cost)) == pytest.approx(loss.item(), abs=1e-13)
    for name in problem.parameters:
        ours = np.asarray(trace.run.gradient(name))
        theirs = tensors[name].grad.numpy()
        np.testing.assert_allclose(ours, theirs, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("module", MODULES)
def test_each_is_written_in_twelve_lines(module: Callable[[Tensors], Any]) -> None:
    text = (BUNDLED / f"{module.__name__}.toml").read_text("utf-8")
    equations = text.partition('equations = """\n')[2].partition('"""')[0]
    assert 1 < len(equations.splitlines()) <= 12
    assert "def " in equations
    numbers = [v for g in handgrad.load(module.__name__).parameters.values() for v in g.array.flat]
    assert all(10 * n == round(10 * n) for n in numbers)
