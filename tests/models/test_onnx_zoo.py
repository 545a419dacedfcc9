"""Models of the zoo through ONNX: values are the runtime's, gradients PyTorch's for the model that was exported."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch.nn import functional

import handgrad
from tests.models import torch_zoo_more  # noqa: F401 - which adds to the zoo
from tests.models.test_onnx import exported, named_values
from tests.models.test_torch_zoo import made
from tests.models.torch_zoo import ZOO, ResNet, add, classes, numbers
from tests.oracle import assert_close
from tests.slow import with_slow

add("resnet-18", ResNet, numbers(1, 3, 64, 64), classes(1000, 1), functional.cross_entropy, sweep=True)  # fmt: skip
SOON = ("tied weights", "multi-head attention", "cnn")
"""Asked in every run; the others in the sweep, since PyTorch takes its time to export."""
NAMES = (
    *SOON, "mlp of ReLU()", "mlp of LeakyReLU(negative_slope=0.2)", "mlp of CELU(alpha=1.5)", "mlp of GELU(approximate='none')",
    "mlp of GELU(approximate='tanh')", "mlp of SiLU()", "mlp of Mish()", "mlp of Softplus(beta=2.0, threshold=1.0)", "mlp of Hardswish()",
    "mlp of PReLU(num_parameters=6)", "mlp of LogSoftmax(dim=-1)", "mlp of Softshrink(0.2)", "two inputs", "in place", "batch norm in eval",
    "batch norm of images in eval", "group norm", "instance norm", "layer norm of images", "rms norm", "weight norm",
    "groups and dilation", "padding same", "conv1d", "overlapping pools", "decoder", "volumes", "separable",
    "resnet of four channels in eval", "resnet-18", "rnn of relu", "lstm both ways", "gru", "encoder layer", "gpt-2 block, attention written out",
    "gpt-2 block, attention fused", "words", "vision transformer", "llama block", "u-net", "wavenet",
)  # fmt: skip
LOSSES = {None: None, functional.mse_loss: "mse", functional.cross_entropy: "cross_entropy"}
_NUMBER = re.compile(r"aten\.scalar_tensor\.default\]\(args = \((?P<number>[-+.\de]+),\)")


def with_its_numbers(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The file with the numbers of the model's code, such as 1/√2, as the model of double precision has them.

    The exporter writes them in single precision (`findings/exported-numbers-in-single-precision.sh`), and beside
    the cast that follows what they were.
    """
    proto = onnx.ModelProto.FromString(proto.SerializeToString())
    for node in proto.graph.node:
        written = _NUMBER.search("".join(e.value for e in node.metadata_props if e.key.endswith("fx_node")))  # fmt: skip
        if node.op_type == "Cast" and written is not None:
            exact = numpy_helper.from_array(np.array(float(written["number"])))
            own = helper.make_node("Constant", [], node.output, value=exact)
            node.CopyFrom(own)
    return proto


def in_single(x: Any) -> Any:
    return x.float() if x.dtype == torch.float64 else x


@pytest.mark.parametrize("name", with_slow(NAMES, set(NAMES) - set(SOON)))
def test_zoo(name: str) -> None:
    specimen = ZOO[name]
    model = made(specimen).eval()
    x = specimen.x
    x = tuple(x.values()) if isinstance(x, dict) else x if isinstance(x, tuple) else (x,)
    output = model(*x)
    loss = output if specimen.loss is None else specimen.loss(output, specimen.y)
    loss.backward()
    target = None if specimen.loss is None or specimen.y is None else specimen.y.numpy()
    kind = LOSSES[specimen.loss]

    file = with_its_numbers(exported(model, x, False))
    problem = handgrad.from_onnx(file, tuple(a.numpy() for a in x), target, kind)
    result = handgrad.run(problem)
    assert_close(result.loss, loss.item(), 1e-10)
    # Of a parameter with several paths the file keeps one; all of them are taken for it.
    paths: dict[int, set[str]] = defaultdict(set)
    for path, parameter in model.named_parameters(remove_duplicate=False):
        paths[id(parameter)].add(problem.named(path))
    assert {frozenset(found) for found in paths.values()} == {frozenset([n]) for n in problem.parameters}  # fmt: skip
    for path, parameter in model.named_parameters():
        theirs = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        assert_close(result.gradient(problem.named(path)), theirs.numpy(), 1e-10)

    model = model.float()
    x = tuple(in_single(a) for a in x)
    target = target.astype("f") if target is not None and target.dtype.kind == "f" else target
    named_values(exported(model, x, True), tuple(a.numpy() for a in x), target, kind)
