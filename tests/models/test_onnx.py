"""ONNX models as problems: values are the runtime's, gradients PyTorch's for the model that was exported."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn as nn
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch.nn import functional

import handgrad
from tests.oracle import assert_close
from tests.slow import with_slow


class Last(nn.Module):
    """A recurrent layer whose last output is read."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.head = nn.LazyLinear(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.head(self.layer(x)[0][:, -1])
        return result


class Block(nn.Module):
    """Tokens and places, heads of attention under a causal mask, and a head that is tied to the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(7, 8), nn.Embedding(5, 8)
        self.norm, self.qkv, self.out = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        parts = self.qkv(self.norm(x)).split(8, 2)
        q, k, v = (p.reshape(2, 5, 2, 4).transpose(1, 2) for p in parts)
        heads = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).reshape(2, 5, 8))
        result: torch.Tensor = x @ self.tokens.weight.T
        return result


class Encoder(nn.Module):
    """A transformer's encoder layer over embedded tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layer(self.embed(ids)).mean(1)
        return result


class Residual(nn.Module):
    """A residual block with groups and dilation, its convolutions normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = (
            nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False),
            nn.Conv2d(4, 4, 3, padding=2, dilation=2),
        )
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.two(functional.relu(self.norm(self.one(x)))))


def layers(*activations: nn.Module) -> nn.Module:
    return nn.Sequential(*[m for a in activations for m in (nn.Linear(4, 4), a)])


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3)).double()


def ids() -> torch.Tensor:
    return torch.randint(0, 7, (2, 5), generator=torch.Generator().manual_seed(3))


MODELS: dict[str, tuple[Callable[[], nn.Module], torch.Tensor]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)), normal(5, 4)),
    "three axes": (lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), normal(2, 3, 4)),
    "smooth activations": (
        lambda: layers(nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Softplus(), nn.Mish(), nn.LogSigmoid(), nn.Softsign(), nn.Softmax(-1)),
        normal(5, 4),
    ),
    "piecewise activations": (
        lambda: layers(nn.LeakyReLU(0.2), nn.ELU(), nn.ReLU6(), nn.Hardswish(), nn.SELU(), nn.CELU(), nn.PReLU(), nn.Hardtanh(), nn.LogSoftmax(1)),
        normal(5, 4),
    ),
    "norms": (
        lambda: nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.BatchNorm1d(8), nn.GroupNorm(2, 8), nn.RMSNorm(8)),
        normal(3, 4),
    ),
    "cnn": (
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(2), Residual(), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)),
        normal(2, 2, 16, 16),
    ),
    "conv1d": (lambda: nn.Sequential(nn.Conv1d(2, 3, 3, padding=1), nn.Tanh(), nn.AvgPool1d(3, 2, 1, count_include_pad=False), nn.Flatten()), normal(2, 2, 7)),
    "decoder": (
        lambda: nn.Sequential(nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1), nn.ReLU(), nn.ConvTranspose2d(3, 1, 2, groups=1, stride=2)),
        normal(2, 2, 2, 3),
    ),
    "volumes": (
        lambda: nn.Sequential(nn.Conv3d(2, 3, 2), nn.ReLU(), nn.MaxPool3d(2), nn.ConvTranspose3d(3, 1, 2, stride=2), nn.AvgPool3d(2)),
        normal(2, 2, 3, 5, 3),
    ),
    "rnn": (lambda: Last(nn.RNN(3, 4, batch_first=True)), normal(2, 4, 3)),
    "lstm both ways": (lambda: Last(nn.LSTM(3, 4, batch_first=True, bidirectional=True)), normal(2, 4, 3)),
    "gru": (lambda: Last(nn.GRU(3, 4, batch_first=True)), normal(2, 4, 3)),
    "encoder": (Encoder, ids()),
    "block": (Block, ids()),
}  # fmt: skip
SLOW = ("rnn", "lstm both ways", "gru", "encoder", "cnn")


def exported(
    model: nn.Module, x: torch.Tensor | tuple[torch.Tensor, ...], optimize: bool
) -> onnx.ModelProto:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            x if isinstance(x, tuple) else (x,),
            dynamo=True,
            verbose=False,
            opset_version=20,
            optimize=optimize,
        )
    assert program is not None
    proto: onnx.ModelProto = program.model_proto
    return proto


def made(name: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    make, x = MODELS[name]
    model = make().double().eval()
    with torch.no_grad():
        model(x)
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor) * 0.3)
    return model, x


@pytest.mark.parametrize("name", with_slow(MODELS, {*SLOW, *[*MODELS][1::2]}))
def test_gradients_are_those_of_the_model_that_was_exported(name: str) -> None:
    """Exported as it is, without the exporter's rewriting, every parameter keeps its name and its numbers."""
    model, x = made(name)
    output = model(x)
    target = torch.randn(output.shape, generator=torch.Generator().manual_seed(4)).double()
    loss = functional.mse_loss(output, target)
    loss.backward()  # type: ignore[no-untyped-call]
    problem = handgrad.from_onnx(exported(model, x, False), x.numpy(), target.numpy(), "mse")
    trace = handgrad.solve(problem)
    assert_close(trace.run.loss, loss.item(), 1e-10)
    assert {problem.named(path) for path, _ in model.named_parameters()} == set(problem.parameters)
    for path, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert_close(trace.gradient(path), parameter.grad.numpy(), 1e-10)


@pytest.mark.parametrize("name", with_slow(MODELS, {*SLOW, *[*MODELS][::2]}))
def test_values_are_those_of_the_runtime(name: str) -> None:
    """Every value that has a name, of the file as PyTorch writes it by default; in single precision."""
    model, x = made(name)
    model = model.float()
    x = x if x.dtype == torch.int64 else x.float()
    proto = exported(model, x, True)
    output = model(x).detach()
    values = named_values(proto, (x.numpy(),), output.numpy() + 0.5, "mse")
    assert_close(values.loss, 0.25, 1e-5)


def named_values(
    proto: onnx.ModelProto, data: tuple[Any, ...], target: Any, loss: str | None
) -> handgrad.Run:
    """The run of a file, once each value of it that has a name was found to be the runtime's, in single precision."""
    problem = handgrad.from_onnx(proto, data, target, loss)
    values = handgrad.run(problem)
    own = {e.target for e in problem.equations}
    made_by = {o for node in proto.graph.node for o in node.output if problem.named(o) in own}
    del proto.graph.output[:]
    proto.graph.output.extend(helper.make_empty_tensor_value_info(o) for o in sorted(made_by))
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    given = dict(zip([i.name for i in session.get_inputs()], data, strict=True))
    assert len(made_by) >= 2
    for path, theirs in zip(sorted(made_by), session.run(sorted(made_by), given), strict=True):
        assert_close(values.value(problem.named(path)), theirs, 1e-4)
    return values


# -- files -----------------------------------------------------------------------------------------


def graph(
    nodes: list[onnx.NodeProto], x: list[int], numbers: dict[str, Any], opset: int = 20
) -> onnx.ModelProto:
    """A model of one floating input x, whose output is the last node's."""
    weights = [numpy_helper.from_array(np.asarray(a), n) for n, a in numbers.items()]
    inputs = [helper.make_tensor_value_info("x", TensorProto.DOUBLE, x)]
    output = helper.make_empty_tensor_value_info(nodes[-1].output[0])
    return helper.make_model(
        helper.make_graph(nodes, "net", inputs, [output], weights),
        opset_imports=[helper.make_opsetid("", opset)],
    )


W = np.array([[0.5, -1.0], [0.3, 0.8], [-0.2, 0.4]])
X = np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 1.0]])
SMALL = graph([helper.make_node("MatMul", ["x", "/fc/weight"], ["/fc/MatMul_output_0"]), helper.make_node("Relu", ["/fc/MatMul_output_0"], ["h"])], [2, 3], {"/fc/weight": W})  # fmt: skip


def test_a_file_is_read_by_every_door(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    whole = onnx.ModelProto.FromString(SMALL.SerializeToString())
    onnx.save(whole, path, save_as_external_data=True, size_threshold=0, location="net.weights")
    assert (tmp_path / "net.weights").exists()
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", np.ones((2, 2)))
    problem = handgrad.load(path, data=tmp_path / "x.npy", target=tmp_path / "y.npy", loss="mse")
    assert problem.equations[0].text == "fc_MatMul = x @ fc_weight"
    assert handgrad.solve(problem).gradient("fc.weight").shape == (3, 2)
    assert handgrad.from_onnx(str(path), X, np.ones((2, 2)), "mse") == problem
    (tmp_path / "net.weights").unlink()
    with pytest.raises(handgrad.ProblemError, match=r"net\.onnx"):
        handgrad.load(path, data=X, target=np.ones((2, 2)), loss="mse")


def test_a_model_may_compute_its_loss() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "W"], ["z"]),
        helper.make_node("SoftmaxCrossEntropyLoss", ["z", "y"], ["loss"]),
    ]
    model = graph(nodes, [2, 3], {"W": W})
    model.graph.input.append(helper.make_tensor_value_info("y", TensorProto.INT64, [2]))
    trace = handgrad.solve(handgrad.from_onnx(model, {"x": X, "y": np.array([1, 0])}))
    w = torch.tensor(W, requires_grad=True)
    loss = functional.cross_entropy(torch.tensor(X) @ w, torch.tensor([1, 0]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert w.grad is not None
    assert_close(trace.run.loss, loss.item())
    assert_close(trace.gradient("W"), w.grad.numpy())


def test_cross_entropy_is_of_scores_as_pytorch_s() -> None:
    of_scores = graph([helper.make_node("MatMul", ["x", "W"], ["z"])], [2, 3], {"W": W})
    of_shares = graph(
        [helper.make_node("MatMul", ["x", "W"], ["z"]), helper.make_node("Softmax", ["z"], ["p"])],
        [2, 3],
        {"W": W},
    )
    one, other = (
        handgrad.solve(handgrad.from_onnx(m, X, np.array([1, 0]), "cross_entropy"))
        for m in (of_scores, of_shares)
    )
    assert_close(one.run.loss, other.run.loss)
    assert_close(one.gradient("W"), other.gradient("W"))


def test_padding_may_differ_at_the_ends() -> None:
    """As TensorFlow's "same" with a stride has it; and averages that leave the padding out."""
    x = normal(1, 2, 5, 4)
    kernel = normal(3, 2, 2, 3)
    nodes = [
        helper.make_node("Conv", ["x", "K"], ["c"], auto_pad="SAME_UPPER", strides=[2, 1]),
        helper.make_node("MaxPool", ["c"], ["m"], kernel_shape=[2, 2], pads=[0, 0, 1, 1]),
        helper.make_node("AveragePool", ["m"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    ]
    model = graph(nodes, [1, 2, 5, 4], {"K": kernel.numpy()})
    y = np.zeros((1, 3, 3, 4))
    trace = handgrad.solve(handgrad.from_onnx(model, x.numpy(), y, "mse"))
    k = kernel.clone().requires_grad_()
    c = functional.conv2d(functional.pad(x, (1, 1, 0, 1)), k, stride=(2, 1))
    m = functional.max_pool2d(functional.pad(c, (0, 1, 0, 1), value=-1e300), 2, 1)
    a = functional.avg_pool2d(m, 3, 1, 1, count_include_pad=False)
    (a**2).mean().backward()  # type: ignore[no-untyped-call]
    assert k.grad is not None
    assert_close(trace.value("a"), a.detach().numpy())
    assert_close(trace.gradient("K"), k.grad.numpy(), 1e-10)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, [1, 3, 4, 6]),
        ({"auto_pad": "SAME_LOWER", "strides": [2, 3]}, [1, 3, 4, 9]),
        ({"output_shape": [5, 8], "strides": [2, 3]}, [1, 3, 5, 8]),
        ({"pads": [0, 1, 2, 0], "strides": [2, 2]}, [1, 3, 3, 6]),
        ({"output_padding": [1, 0], "strides": [3, 2]}, [1, 3, 7, 7]),
    ],
)
def test_ends_of_transposed_convolutions(settings: dict[str, Any], shape: list[int]) -> None:
    nodes = [helper.make_node("ConvTranspose", ["x", "K", "b"], ["z"], **settings)]
    x, kernel, bias = normal(1, 2, 2, 3).numpy(), normal(2, 3, 3, 3).numpy(), np.array([1.0, 2, 3])
    model = graph(nodes, [1, 2, 2, 3], {"K": kernel, "b": bias})
    trace = handgrad.solve(handgrad.from_onnx(model, x, np.zeros(shape), "mse"))
    single = graph(nodes, [1, 2, 2, 3], {"K": kernel.astype("f"), "b": bias.astype("f")})
    for info in (*single.graph.input, *single.graph.output):
        info.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    session = onnxruntime.InferenceSession(
        single.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (theirs,) = session.run(None, {"x": x.astype("f")})
    assert_close(trace.value("z"), theirs, 1e-5)


MAPS = [1, 4, 2, 3]
ROWS = np.array([[2, 0, 2]])
PLACED: dict[str, tuple[list[Any], dict[str, Any], int]] = {
    "nearest": ([("Resize", ["x", "", "twice"], {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"})], {"twice": np.array([1, 1, 2, 3], "f")}, 20),
    "linear": ([("Resize", ["x", "", "", "lengths"], {"mode": "linear"})], {"lengths": np.array([1, 4, 5, 4])}, 20),
    "cubic": ([("Resize", ["x", "", "twice"], {"mode": "cubic"})], {"twice": np.array([1, 1, 2, 1.5], "f")}, 20),
    "signs": ([("Sign", ["x"], {}), ("Shrink", ["x"], {"lambd": 0.7, "bias": 0.2}), ("Mul", ["o0", "o1"], {})], {}, 20),
    "depth": ([("DepthToSpace", ["x"], {"blocksize": 2}), ("DepthToSpace", ["x"], {"blocksize": 2, "mode": "CRD"})], {}, 20),
    "space": ([("Pad", ["x", "ends"], {"mode": "reflect"}), ("Pad", ["o0", "ends"], {"mode": "edge"}), ("Slice", ["o1", "first", "last", "axes"], {}), ("SpaceToDepth", ["o2"], {"blocksize": 2})], {"ends": np.array([0, 0, 1, 0, 0, 0, 0, 2]), "first": np.array([0]), "last": np.array([6]), "axes": np.array([3])}, 20),
    "scattered": ([("Reshape", ["x", "flat"], {}), ("ScatterElements", ["o0", "rows", "new"], {"axis": 0}), ("ScatterND", ["o1", "pairs", "two"], {"reduction": "add"}), ("GatherND", ["o2", "pairs"], {}), ("Reshape", ["o3", "row"], {}), ("Trilu", ["o2"], {"upper": 0}), ("Mul", ["o5", "o4"], {})],
        {"flat": np.array([8, 3]), "rows": ROWS, "new": np.array([[5, 6, 7]], "f"), "pairs": np.array([[0, 1], [2, 2], [0, 1]]), "two": np.array([3, 4, 5], "f"), "row": np.array([1, 3])}, 20),
    "attention": ([("Reshape", ["x", "heads"], {}), ("Attention", ["o0", "keys", "keys"], {"is_causal": 1})], {"heads": np.array([1, 4, 2, 3]), "keys": normal(1, 2, 2, 3).numpy().astype("f")}, 23),
    "attention of rows": ([("Reshape", ["x", "rows"], {}), ("Attention", ["o0", "o0", "o0", "mask"], {"q_num_heads": 2, "kv_num_heads": 2, "softcap": 2.0})], {"rows": np.array([1, 4, 6]), "mask": np.tril(np.ones((4, 4), bool))}, 23),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACED)
def test_what_places_entries_is_the_reference_s(name: str) -> None:
    """Values by ONNX's own reference, which says what an operator is."""
    steps, numbers, opset = PLACED[name]
    nodes = [
        helper.make_node(kind, inputs, [f"o{k}"], **attributes)
        for k, (kind, inputs, attributes) in enumerate(steps)
    ]
    model = graph(nodes, MAPS, numbers, opset)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    x = normal(*MAPS).numpy().astype("f")
    (theirs,) = ReferenceEvaluator(model).run(None, {"x": x})
    problem = handgrad.from_onnx(model, x, np.asarray(theirs, dtype=float) + 0.5, "mse")
    assert_close(handgrad.run(problem).loss, 0.25, 1e-5)


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        (
            {"c": 4},
            r"LSTM has a first cell state of 1×2×4, and ONNX wants 1×2×2 with hidden_size 2",
        ),
        ({"h": 3}, "first state of 1×2×3, and ONNX wants 1×2×2"),
        ({"W": 4}, "weight W of 1×8×4, and ONNX wants 1×8×3"),
        ({"R": 3}, "weight R of 1×8×3, and ONNX wants 1×8×2"),
        ({"b": 15}, "bias B of 1×15, and ONNX wants 1×16"),
    ],
)
def test_a_cell_of_other_lengths_is_none(lengths: dict[str, int], said: str) -> None:
    """As PyTorch's exporter writes an LSTM with proj_size."""
    own = {"W": 3, "R": 2, "b": 16, "h": 2, "c": 2} | lengths
    numbers = {n: normal(1, 8, own[n]).numpy() for n in "WR"} | {"b": normal(1, own["b"]).numpy()}
    numbers |= {n: np.zeros((1, 2, own[n])) for n in "hc"}
    node = helper.make_node("LSTM", ["x", "W", "R", "b", "", "h", "c"], ["o"], hidden_size=2)
    with pytest.raises(handgrad.ProblemError, match=said):
        handgrad.from_onnx(graph([node], [5, 2, 3], numbers), np.zeros((5, 2, 3)), np.zeros((5, 1, 2, 2)), "mse")  # fmt: skip


def test_the_length_of_a_cell_may_be_left_out() -> None:
    numbers = {"W": normal(1, 4, 3).numpy(), "R": normal(1, 4, 4).numpy()}
    x, y = normal(5, 2, 3).numpy(), np.zeros((5, 1, 2, 4))
    sizes: tuple[dict[str, Any], ...] = ({"hidden_size": 4}, {})
    told, untold = (
        handgrad.run(handgrad.from_onnx(graph([helper.make_node("RNN", ["x", "W", "R"], ["o"], **size)], [5, 2, 3], numbers), x, y, "mse"))
        for size in sizes
    )  # fmt: skip
    assert told.loss == untold.loss > 0


def test_what_prepares_the_data_is_no_parameter() -> None:
    nodes = [
        helper.make_node("Sub", ["x", "centre"], ["s"]),
        helper.make_node("Gemm", ["s", "W", "b"], ["z"]),
        helper.make_node("Mul", ["z", "gamma"], ["o"]),
    ]
    numbers = {"centre": X.mean(0), "W": W, "b": np.zeros(2), "gamma": np.array([1.5, 2.0])}
    problem = handgrad.from_onnx(graph(nodes, [2, 3], numbers), X, np.ones((2, 2)), "mse")
    assert list(problem.parameters) == ["W", "b", "gamma"]
    assert "centre" in problem.data


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([helper.make_node("Det", ["x"], ["d"], name="odd")], "node odd: the operator Det is not read"),
        ([helper.make_node("Relu", ["x"], ["d"], domain="com.maker")], r"com\.maker\.Relu is not read"),
        ([helper.make_node("Upsample", ["x"], ["d"], name="up")], "node up: the operator Upsample"),
        ([helper.make_node("MatMul", ["x", "x"], ["d"], name="mm")], "node mm: .* is 2×3"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_named(nodes: list[onnx.NodeProto], said: str) -> None:
    with pytest.raises(handgrad.ProblemError, match=said):
        handgrad.from_onnx(graph(nodes, [2, 3], {}), X, X, "mse")


@pytest.mark.parametrize(
    ("data", "target", "loss", "said"),
    [
        (None, np.ones((2, 2)), "mse", "the model's inputs are not given"),
        (X[:, :2], np.ones((2, 2)), "mse", "x is 2×2, and the model takes 2×3"),
        (X * np.nan, np.ones((2, 2)), "mse", "a NaN or an infinity"),
        ({"z": X}, np.ones((2, 2)), "mse", "no input 'z'"),
        ((X, X), np.ones((2, 2)), "mse", "2 arrays for 1 inputs"),
        ("missing.npy", np.ones((2, 2)), "mse", "there is no file missing.npy"),
        (X, None, None, "the model gives 2×2 numbers, and no loss"),
        (X, np.ones((2, 2)), None, "a target is given and no loss"),
        (X, np.ones((2, 2)), "msee", "did you mean mse"),
        (X, np.ones((4, 5)), "mse", "do not broadcast"),
    ],
)
def test_what_does_not_fit_is_one_message(data: Any, target: Any, loss: Any, said: str) -> None:
    with pytest.raises(handgrad.HandgradError, match=said):
        handgrad.from_onnx(SMALL, data, target, loss)


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x08\x0a"])
def test_a_file_that_is_no_model_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(handgrad.ProblemError, match=r"net\.onnx: is no ONNX model"):
        handgrad.load(path, data=X)
