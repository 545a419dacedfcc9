"""Kinks follow the framework that the model came from: at ties, at 0 and at bounds the gradients are its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import nn

import handgrad
from tests.oracle import assert_close

AT = (2.0, 2.0, 1.0, 2.0, 0.0, 0.0, 6.0, 6.0, -1.0, -3.0, 3.0, 0.5)
"""Numbers that tie beside each other, and lie at 0, ±1, ±3 and 6, where activations have kinks."""

Function = Callable[[Any], Any]


def _grid(z: Any) -> Any:
    return z.reshape(1, 1, 3, 4)


TORCH: dict[str, Function] = {
    "relu": F.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.1),
    "elu": F.elu,
    "celu": lambda z: F.celu(z, 1.5),
    "selu": F.selu,
    "prelu": lambda z: F.prelu(z, z.new_tensor([0.25])),
    "hardtanh": F.hardtanh,
    "relu6": F.relu6,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "softshrink": F.softshrink,
    "hardshrink": F.hardshrink,
    "threshold": lambda z: F.threshold(z, 1.0, 0.5),
    "abs": torch.abs,
    "sign": lambda z: z * torch.sign(z),
    "clamp": lambda z: z.clamp(-1, 3),
    "clamp_min": lambda z: z.clamp(min=0),
    "maximum": lambda z: torch.maximum(z, z.new_zeros(())),
    "minimum": lambda z: torch.minimum(z.new_ones(()), z),
    "whole max": lambda z: z.max(),
    "max along an axis": lambda z: z.reshape(3, 4).max(1).values,
    "max of columns, kept": lambda z: z.reshape(3, 4).max(0, keepdim=True).values,
    "min along an axis": lambda z: z.reshape(2, 6).min(-1).values,
    "amax": lambda z: z.reshape(3, 4).amax(1),
    "max_pool1d": lambda z: F.max_pool1d(z.reshape(1, 1, 12), 3),
    "max_pool2d": lambda z: F.max_pool2d(_grid(z), 2, 1),
    "max_pool2d, padded": lambda z: F.max_pool2d(_grid(z), 3, 2, 1),
    "adaptive_max_pool2d": lambda z: F.adaptive_max_pool2d(_grid(z), (1, 2)),
    "adaptive_max_pool2d, one": lambda z: F.adaptive_max_pool2d(_grid(z), 1),
    "largest norm": lambda z: torch.linalg.vector_norm(z.reshape(3, 4), ord=float("inf"), dim=1),
    "norm of zeros": lambda z: torch.stack([z, 2 * z]).norm(dim=0),
    "where": lambda z: torch.where(z > 0, z, 0.1 * z),
    "l1": lambda z: F.l1_loss(z, torch.ones_like(z)),
    "smooth_l1": lambda z: F.smooth_l1_loss(z, torch.ones_like(z)),
    "huber": lambda z: F.huber_loss(z, torch.ones_like(z)),
    "margin_ranking": lambda z: F.margin_ranking_loss(z, torch.zeros_like(z), torch.ones_like(z)),
    "multi_margin": lambda z: F.multi_margin_loss(z.reshape(3, 4), torch.tensor([0, 2, 1])),
    "multi_margin, squared": lambda z: F.multi_margin_loss(
        z.reshape(3, 4), torch.tensor([3, 2, 1]), p=2, margin=0.5, weight=z.new_tensor([1, 2, 3, 4])
    ),
}  # fmt: skip


class Weighed(nn.Module):
    """The sum of a function's entries, each times its number."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function
        self.z = nn.Parameter(torch.tensor(AT, dtype=torch.float64))

    def forward(self, scale: torch.Tensor) -> torch.Tensor:
        out = self.function(self.z)
        numbers = torch.arange(1, out.numel() + 1, dtype=out.dtype).reshape(out.shape)
        weighed: torch.Tensor = (out * numbers).sum() * scale[0]
        return weighed


@pytest.mark.parametrize("name", TORCH)
def test_pytorch(name: str) -> None:
    model, scale = Weighed(TORCH[name]), torch.tensor([1.25], dtype=torch.float64)
    loss = model(scale)
    loss.backward()
    trace = handgrad.solve(handgrad.from_torch(model, scale))
    assert_close(trace.loss, loss.item())
    assert model.z.grad is not None
    # PyTorch's slope of the hard sigmoid is a sixth in single precision: findings/slopes-at-kinks.sh.
    assert_close(
        trace.gradient("z"), model.z.grad.numpy(), 3e-8 if name == "hardsigmoid" else 1e-12
    )


def test_the_page_says_who_receives_the_gradient_at_a_tie_and_only_there() -> None:
    told = "the first receives the whole gradient, as PyTorch, JAX and Keras have it in a window"
    model, scale = Weighed(TORCH["max_pool2d"]), torch.tensor([1.25], dtype=torch.float64)
    page = handgrad.render(handgrad.solve(handgrad.from_torch(model, scale)).page(), "md")
    assert told in page
    assert "share it equally." not in page.replace(
        "without first = true they share it equally.", ""
    )
    with torch.no_grad():
        model.z.add_(torch.arange(12, dtype=torch.float64) / 100)
    page = handgrad.render(handgrad.solve(handgrad.from_torch(model, scale)).page(), "md")
    assert "exactly at a kink" not in page
    assert "of entries that tie, the first" in page


JAX: dict[str, Function] = {
    "max": lambda z: z.reshape(3, 4).max(1),
    "min": lambda z: z.reshape(3, 4).min(0),
    "windows": lambda z: _windows(z, (1, 2, 2, 1), (1, 1, 1, 1)),
    "padded windows": lambda z: _windows(z, (1, 2, 2, 1), (1, 2, 2, 1)),
    "windows of a row": lambda z: _windows(z, (1, 1, 3, 1), (1, 1, 2, 1)),
}


def _windows(z: Any, size: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    import jax

    return jax.lax.reduce_window(z.reshape(1, 3, 4, 1), -np.inf, jax.lax.max, size, stride, "SAME")


@pytest.mark.parametrize("name", JAX)
def test_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        z = jax.numpy.array(AT)

        def loss(parameters: Any, scale: Any) -> Any:
            out = JAX[name](parameters["z"])
            return (out * jax.numpy.arange(1.0, out.size + 1).reshape(out.shape)).sum() * scale

        value, gradient = jax.value_and_grad(loss)({"z": z}, 1.25)
        trace = handgrad.solve(handgrad.from_jax(loss, {"z": z}, (1.25,)))
    assert_close(trace.loss, float(value))
    assert_close(trace.gradient("z"), np.asarray(gradient["z"]))


@pytest.mark.parametrize("name", ["MaxPooling1D", "MaxPooling2D", "same", "Global", "ReLU"])
def test_keras(name: str) -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    options: dict[str, Any] = {"dtype": "float64"}
    made: dict[str, list[Any]] = {
        "MaxPooling1D": [layers.Reshape((12, 1), **options), layers.MaxPooling1D(3, **options)],
        "MaxPooling2D": [layers.Reshape((3, 4, 1), **options), layers.MaxPooling2D(2, 1, **options)],
        "same": [
            layers.Reshape((3, 4, 1), **options),
            layers.MaxPooling2D(2, padding="same", **options),
        ],
        "Global": [layers.Reshape((3, 4, 1), **options), layers.GlobalMaxPooling2D(**options)],
        "ReLU": [layers.ReLU(6.0, **options)],
    }  # fmt: skip
    dense = layers.Dense(12, name="dense", **options)
    model = keras.Sequential(
        [keras.Input((2,), dtype="float64"), dense, *made[name], layers.Flatten(**options)]
    )
    dense.set_weights([np.zeros((2, 12)), np.array(AT)])
    x = np.ones((1, 2))
    y = np.zeros((1, model.output_shape[-1]))
    loss = ((model(torch.tensor(x)) - torch.tensor(y)) ** 2).mean()
    loss.backward()
    trace = handgrad.solve(handgrad.from_keras(model, x, y, "mse"))
    assert_close(trace.loss, loss.item())
    assert_close(trace.gradient("dense.bias"), dense.bias.value.grad.detach().numpy())
