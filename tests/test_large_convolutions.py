"""Convolutions of many products, which BLAS makes: against PyTorch, and what an audit of them may take."""

# mypy: disable-error-code="operator, no-untyped-call"

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import handgrad
from handgrad.arrays import BY_BLAS, is_large, multiplied
from handgrad.audit import auditing
from handgrad.formats.terminal import render_terminal


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("stride", [1, 2])
def test_values_and_gradients_of_a_large_convolution(groups: int, stride: int) -> None:
    torch.manual_seed(groups)
    x = torch.randn(48, 8, 20, 20, dtype=torch.float64)
    conv = torch.nn.Conv2d(8, 16, 3, stride, 1, groups=groups).double()
    end = torch.nn.Linear(16, 2).double()
    model = torch.nn.Sequential(
        conv, torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), end
    )
    y = torch.arange(48) % 2
    assert 48 * 16 * (8 // groups) * (20 // stride) ** 2 >= BY_BLAS  # at each place of the kernel
    problem = handgrad.from_torch(model, x, y, functional.cross_entropy)
    trace = handgrad.solve(problem)
    loss = functional.cross_entropy(model(x), y)
    loss.backward()
    assert trace.loss == pytest.approx(loss.item(), rel=1e-12)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        np.testing.assert_allclose(
            trace.gradient(name), parameter.grad.numpy(), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("letters", ["oc,cxyn->oxyn", "goc,bgcxy->bgoxy", "boxy,bcxy->oc"])
def test_a_large_product_is_that_of_einsum(letters: str) -> None:
    sizes = dict(zip("gocxynb", (2, 16, 12, 20, 20, 8, 8), strict=True))
    draw = np.random.default_rng(1)
    arrays = [
        draw.normal(size=[sizes[c] for c in one]) for one in letters.split("->")[0].split(",")
    ]
    assert is_large(letters, arrays)
    made: Any = multiplied(np, letters, *arrays)
    np.testing.assert_allclose(made, np.einsum(letters, *arrays), rtol=1e-10, atol=1e-10)
    assert not is_large("ij,jk->ik", (np.ones((3, 3)), np.ones((3, 3))))


def test_remedies_are_tried_on_as_many_units_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2))
    with torch.no_grad():
        model[0].bias[:] = torch.tensor([-50.0] * 4 + [9.0] * 2)
    y = torch.tensor([0, 1, 1])
    problem = handgrad.from_torch(model, torch.randn(3, 4), y, functional.cross_entropy)
    told = "Remedies were tried on"
    whole = handgrad.gates(problem)
    assert whole.tried == 4
    assert told not in render_terminal(whole.page(), width=200, colour=False)
    monkeypatch.setattr(auditing, "TRIAL_PRODUCTS", 1.0)
    some = handgrad.gates(problem)
    assert some.tried == 1
    assert sum(bool(u.remedies) for u in some.units) == 1
    assert f"{told} 1 of these 4 units" in render_terminal(some.page(), width=200, colour=False)
