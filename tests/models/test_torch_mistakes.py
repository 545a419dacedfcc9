"""What of PyTorch cannot be read is one line: what it is, where in the model and in the code, and the mend."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F  # noqa: N812 - as everyone calls it

import handgrad

X = torch.ones(2, 4, dtype=torch.float64)


class Written(nn.Module):
    """A model whose forward is given."""

    def __init__(self, forward: Any) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3).double()
        self.written = forward

    def forward(self, x: torch.Tensor) -> Any:
        return self.written(self, x)


def told(forward: Any, x: Any = X, y: Any = None, loss: Any = torch.sum) -> str:
    with pytest.raises(handgrad.HandgradError) as raised:
        handgrad.from_torch(Written(forward), x, y, loss)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_no_model_and_no_tensors() -> None:
    model = nn.Linear(4, 3).double()
    for arguments, wanted in (
        ((nn.Linear, X), "a model of PyTorch is a torch.nn.Module, not a type"),
        ((model, [[1, 2]]), "input 1 is a list, not a tensor"),
        ((model, X, [1.0], F.mse_loss), "y is a list, not a tensor"),
        ((model, X / 0 * 0), "input 1 holds a NaN"),
        ((model, X, X), "y is given, and no loss"),
        ((model, X, X, "mse"), "loss is a function of the output and y, not a str"),
        ((model, X), "the model gives an array of shape (2, 3), not a loss"),
        ((model, (X, X)), "the model cannot be run on these inputs"),
        ((model, X, torch.ones(2, 5), F.mse_loss), "the model cannot be run on these inputs"),
    ):
        with pytest.raises(handgrad.HandgradError) as raised:
            handgrad.from_torch(*arguments)
        assert wanted in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_forward_that_raises_is_told_with_its_line() -> None:
    def forward(self: Written, x: torch.Tensor) -> Any:
        return self.fc(x) @ torch.ones(5, 5).double()

    message = told(forward)
    assert message.startswith("test_torch_mistakes.py:")
    assert (
        "the model cannot be run on these inputs: mat1 and mat2 shapes cannot be multiplied"
        in message
    )


def test_a_path_that_depends_on_numbers() -> None:
    def forward(self: Written, x: torch.Tensor) -> Any:
        h = self.fc(x)
        return h if h.sum() > 0 else -h

    message = told(forward)
    assert message.startswith("test_torch_mistakes.py:")
    assert "its path depends on the numbers that it is given" in message


def test_an_operation_that_is_not_read() -> None:
    def forward(self: Written, x: torch.Tensor) -> Any:
        return torch.linalg.svdvals(self.fc(x))

    message = told(forward)
    assert message.startswith("test_torch_mistakes.py:")
    assert "cannot be read" in message
    assert "svd" in message
    assert "torch.linalg.svdvals(self.fc(x))" in message
    assert "docs/models.md" in message


def test_a_module_is_named() -> None:
    class Inner(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return torch.special.bessel_j0(x)

    model = nn.Sequential(nn.Linear(4, 3), Inner()).double()
    with pytest.raises(
        handgrad.ProblemError,
        match=r"^test_torch_mistakes\.py:\d+: 1: special_bessel_j0 cannot be read",
    ):
        handgrad.from_torch(model, X, loss=torch.sum)


def test_slopes_that_are_drawn() -> None:
    assert "put the model in eval mode" in told(lambda self, x: F.rrelu(self.fc(x), training=True))


def test_a_loss_that_is_not_finite() -> None:
    assert "the loss is nan" in told(lambda self, x: torch.log(-self.fc(x).abs()))


def test_nothing_to_differentiate() -> None:
    assert "depends on none of its parameters" in told(lambda self, x: self.fc(x).detach())


def test_a_view_that_is_used_after_it_was_written_to() -> None:
    def forward(self: Written, x: torch.Tensor) -> Any:
        h = self.fc(x)
        part = h.reshape(6)
        part[0] = 0
        return h * 2 + part.detach().sum()

    assert "without operations in place" in told(forward)


def test_problems_are_expected() -> None:
    with pytest.raises(handgrad.OptionError, match=r"handgrad\.from_torch\(model, x, y, loss\)"):
        handgrad.solve(nn.Linear(2, 1))  # type: ignore[arg-type]


MISSING = """
import sys
sys.modules["torch"] = None
import handgrad
try:
    handgrad.from_torch(None, None)
except handgrad.MissingExtraError as error:
    print(error)
"""


def test_without_torch_it_is_told_what_to_install() -> None:
    run = subprocess.run(
        [sys.executable, "-c", MISSING], capture_output=True, text=True, check=True
    )
    assert run.stdout == "reading a model of PyTorch needs torch (pip install 'handgrad[torch]')\n"


def test_importing_handgrad_imports_no_framework() -> None:
    program = "import sys, handgrad; handgrad.solve(handgrad.load('lab9')); handgrad.from_torch; print([m for m in ('torch', 'onnx', 'jax', 'keras') if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
