"""Files of PyTorch: programs are read from Python and from the command line; pickles are refused, never opened."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everyone calls it

import handgrad
from handgrad.cli.commands import run as main
from tests.models.test_torch_zoo import made
from tests.models.torch_zoo import CLASS3, TARGET3, ZOO, GivesLoss, X
from tests.oracle import assert_close

MLP = ZOO["mlp of Tanh()"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved program of a multilayer perceptron, and its arrays beside it."""
    folder = tmp_path_factory.mktemp("program")
    path = folder / "mlp.pt2"
    rows = torch.export.Dim("rows", min=2, max=50)
    exported = torch.export.export(made(MLP), (X,), dynamic_shapes=({0: rows},))
    torch.export.save(exported, path)
    np.save(folder / "x.npy", X[:3].numpy())
    np.save(folder / "classes.npy", CLASS3[:3].numpy())
    np.save(folder / "y.npy", TARGET3[:3].numpy())
    return path


def theirs(loss: Any, y: torch.Tensor) -> tuple[float, dict[str, np.ndarray]]:
    model = made(MLP)
    value = loss(model(X[:3]), y[:3])
    value.backward()
    return value.item(), {
        n: p.grad.numpy() for n, p in model.named_parameters() if p.grad is not None
    }


@pytest.mark.parametrize("loss", ["cross_entropy", F.cross_entropy, torch.nn.CrossEntropyLoss()])
def test_a_program_with_a_loss(program: Path, loss: Any) -> None:
    problem = handgrad.load(program, data=X[:3].numpy(), target=CLASS3[:3], loss=loss)
    run = handgrad.run(problem)
    value, gradients = theirs(F.cross_entropy, CLASS3)
    assert_close(run.loss, value)
    for path, gradient in gradients.items():
        assert_close(run.gradient(problem.named(path)), gradient)
    assert problem.title == "mlp"


def test_a_program_that_gives_its_loss(tmp_path: Path) -> None:
    path = tmp_path / "loss.pt2"
    model = GivesLoss().double()
    torch.export.save(torch.export.export(model, (X, CLASS3)), path)
    problem = handgrad.load(path, data={"inputs": X, "labels": CLASS3})
    assert_close(handgrad.run(problem).loss, model(X, CLASS3).item())


def test_from_the_command_line(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = program.parent
    given = ["--data", f"{folder}/x.npy", "--target", f"{folder}/y.npy", "--loss", "mse"]
    assert main(["solve", str(program), *given, "--json"]) == 0
    trace = json.loads(capsys.readouterr().out)
    value, gradients = theirs(F.mse_loss, TARGET3)
    assert_close(trace["loss"], value)
    assert_close(trace["gradients"]["_0_weight"], gradients["0.weight"])
    assert main(["why", str(program), "d0.weight[1,2]", *given, "--json"]) == 0
    assert_close(json.loads(capsys.readouterr().out)["value"], gradients["0.weight"][1, 2])
    for command in (
        ["gates"],
        ["questions"],
        ["code"],
        ["verify", "--no-torch"],
        ["train", "--steps", "2"],
    ):
        words = [w for w in command if not w.startswith("--no")]
        assert main([words[0], str(program), *words[1:], *given]) == 0, command
        capsys.readouterr()
    assert (
        main(["solve", str(program), *given, "--set", "0.bias=[0,0,0,0,0,0]", "--only", "forward"])
        == 0
    )
    assert "[0  0  0  0  0  0]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([], "the model's inputs are not given"),
        (["--data", "x.npy"], "not a loss, which is one number"),
        (["--data", "x.npy", "--loss", "mse"], "a loss is given and no target"),
        (["--data", "x.npy", "--target", "y.npy"], "a target is given and no loss"),
        (["--data", "x.npy", "--target", "y.npy", "--loss", "mes"], "did you mean mse?"),
        (["--data", "absent.npy", "--target", "y.npy", "--loss", "mse"], "absent.npy"),
        (
            ["--data", "y.npy", "--target", "y.npy", "--loss", "mse"],
            "is 3×3, and the program takes any×4",
        ),
        (["--data", "x.npy", "--target", "x.npy", "--loss", "mse"], "cannot be run"),
        (["--data", "z=x.npy", "--target", "y.npy", "--loss", "mse"], "the model has no input 'z'"),
    ],
)
def test_what_does_not_fit(
    program: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: list[str],
    wanted: str,
) -> None:
    monkeypatch.chdir(program.parent)
    assert main(["solve", "mlp.pt2", *given]) == 2
    told = capsys.readouterr().err
    assert wanted in told
    assert told.count("\n") == 1


class Bomb:
    """What runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("went_off"),)


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.pkl", "model.pt2"])
def test_a_pickle_is_refused_and_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for save in (
        lambda: Path(name).write_bytes(pickle.dumps(Bomb())),
        lambda: torch.save(Bomb(), name),
    ):
        save()
        assert main(["solve", name]) == 2
        told = capsys.readouterr().err
        assert "torch.export.save" in told
        assert told.count("\n") == 1
        assert not Path("went_off").exists()


def test_torchscript_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    path.write_bytes(b"")
    with pytest.raises(handgrad.ProblemError, match="is not opened"):
        handgrad.load(path)


def test_problem_files_take_no_loss(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", "lab9", "--loss", "mse"]) == 2
    assert "loss is given for a model" in capsys.readouterr().err


def test_cases_of_a_file_for_a_problem_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("x1,x2,y\n1,0,1\n0,1,0\n")
    assert main(["solve", "lab9", "--data", str(path), "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["cases"] == 2


STATED = """
equations = "z = W @ x + b\\nL = sum(z*z)"
[parameters]
W = {{ file = "{file}", array = "fc.weight" }}
b = {{ file = "{file}", array = "fc.bias" }}
[data]
x = [1, 2, 3, 4]
"""


def as_safetensors(arrays: dict[str, torch.Tensor]) -> bytes:
    """A .safetensors file, by its published layout."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    raw = b""
    kinds = {torch.float64: "F64", torch.float32: "F32", torch.bfloat16: "BF16"}
    for name, tensor in arrays.items():
        own = tensor.contiguous().view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": kinds[tensor.dtype],
            "shape": [*tensor.shape],
            "data_offsets": [len(raw), len(raw) + len(own)],
        }
        raw += own
    told = json.dumps(header).encode()
    return len(told).to_bytes(8, "little") + told + raw


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("file", ["model.pt", "model.pth", "model.safetensors"])
def test_a_state_dict_is_a_file_of_numbers(tmp_path: Path, file: str, dtype: torch.dtype) -> None:
    arrays = {k: v.to(dtype) for k, v in GivesLoss().double().state_dict().items()}
    if file.endswith("safetensors"):
        (tmp_path / file).write_bytes(as_safetensors(arrays))
    else:
        torch.save(arrays, tmp_path / file)
    path = tmp_path / "problem.toml"
    path.write_text(STATED.format(file=file), "utf-8")
    problem = handgrad.load(path)
    assert_close(problem.parameters["W"].array, arrays["fc.weight"].double().numpy())
    assert_close(problem.parameters["b"].array, arrays["fc.bias"].double().numpy())
    path.write_text(STATED.format(file=file).replace("fc.weight", "fc.wieght"), "utf-8")
    with pytest.raises(handgrad.NumberError, match=r"did you mean fc\.weight\?"):
        handgrad.load(path)


@pytest.mark.parametrize("file", ["model.pt", "model.safetensors"])
def test_a_state_dict_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for raw in (pickle.dumps(Bomb()), b"", b"\0" * 40, (5).to_bytes(8, "little") + b"[1,2]"):
        Path(file).write_bytes(raw)
        with pytest.raises(handgrad.NumberError):
            handgrad.loads(STATED.format(file=file))
    torch.save({"fc.weight": Bomb()}, file)
    with pytest.raises(handgrad.NumberError):
        handgrad.loads(STATED.format(file=file))
    assert not Path("went_off").exists()
