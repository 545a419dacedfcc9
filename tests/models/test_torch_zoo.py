"""Every model of the zoo: its loss, its gradients and the values of its modules are PyTorch's own."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import handgrad
from handgrad.models.torch_models import from_torch
from tests.models import torch_zoo_more  # noqa: F401 - which adds to the zoo
from tests.models.torch_zoo import ZOO, Specimen
from tests.slow import with_slow


def made(specimen: Specimen) -> torch.nn.Module:
    torch.manual_seed(0)
    model = specimen.model().double().train(specimen.train)
    with torch.no_grad():
        for module in model.modules():
            # Running statistics that are not where they begin.
            if (
                isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
                and module.running_mean is not None
            ):
                module.running_mean.uniform_(-0.5, 0.5)
                assert module.running_var is not None
                module.running_var.uniform_(0.5, 2)
    return model


KINDS = {
    "Linear": "linear",
    "Conv2d": "conv2d",
    "Tanh": "tanh",
    "ReLU": "relu",
    "BatchNorm2d": "batch_norm",
    "MaxPool2d": "max_pool2d",
}
"""By kind of module, the operation that it is."""


def type_of(model: torch.nn.Module, path: str) -> str:
    return type(dict(model.named_modules()).get(path)).__name__


def outputs_of(model: torch.nn.Module, found: dict[str, list[np.ndarray]]) -> None:
    """Records what each module gives."""

    def record(name: str) -> None:
        def hook(_: torch.nn.Module, __: object, output: object) -> None:
            if isinstance(output, torch.Tensor):
                found.setdefault(name, []).append(output.detach().numpy().copy())

        model.get_submodule(name).register_forward_hook(hook)

    for name, _ in model.named_modules():
        if name:
            record(name)


def assert_close(ours: object, theirs: object, what: str, close: float) -> None:
    one, other = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert one.shape == other.shape, what
    scale = max(1.0, float(np.abs(other).max(initial=0)))
    assert np.abs(one - other).max(initial=0) <= close * scale, what


@pytest.mark.parametrize(
    "name",
    with_slow(ZOO, {*ZOO} - {*[n for n, s in ZOO.items() if not s.sweep][::2]}),
)
def test_zoo(name: str) -> None:
    specimen = ZOO[name]
    model = made(specimen)
    if any(isinstance(p, torch.nn.UninitializedParameter) for p in model.parameters()):
        copy.deepcopy(model)(specimen.x)
        model(specimen.x)
    before = {n: t.clone() for n, t in model.state_dict().items()}
    torch.manual_seed(3)
    problem = from_torch(model, specimen.x, specimen.y, specimen.loss)
    drawn = float(torch.rand(()))
    torch.manual_seed(3)
    assert drawn == float(torch.rand(())), "the random state has moved"
    for n, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[n]), f"{n} has moved"
    result = handgrad.run(problem)

    values: dict[str, list[np.ndarray]] = {}
    outputs_of(model, values)
    torch.manual_seed(3)
    x = specimen.x
    output = model(**x) if isinstance(x, dict) else model(*x) if isinstance(x, tuple) else model(x)
    loss = output if specimen.loss is None else specimen.loss(output, specimen.y)
    loss.backward()
    assert_close(result.loss, loss.item(), "the loss", specimen.close)
    for path, parameter in model.named_parameters():
        if not parameter.requires_grad:
            assert problem.named(path) in problem.data
            continue
        theirs = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        if problem.named(path) in problem.parameters:
            assert_close(result.gradient(problem.named(path)), theirs, path, specimen.close)
        else:
            assert not theirs.any(), f"{path} is missing"
    assert problem.model is not None
    for target, path in problem.model.paths.items():
        # A module of nn.Sequential has its number alone for a path: what it gives is called 0.linear, say.
        module = problem.model.modules.get(target, "")
        if (
            path in (module, f"{module}.{KINDS.get(type_of(model, module), '')}")
            and len(values.get(module, ())) == 1
        ):
            assert_close(result.value(target), values[module][0], path, specimen.close)
