"""An operation that is added as CONTRIBUTING.md says, with one entry, goes through every command."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import handgrad
from handgrad.cli.commands import run
from handgrad.graph import build
from handgrad.notation import Function
from handgrad.operations import BY_NAME, activations, losses
from handgrad.operations.activations import positive_part, relu
from handgrad.operations.functions import absolute
from handgrad.operations.operation import Operation, elementwise
from handgrad.operations.words import OptionWords, Words
from handgrad.solution.units import units
from tests.contributing import ROOT, Copy
from tests.schemas import validate

EXAMPLES = re.findall(
    r"goes into `src/(handgrad/operations/\w+\.py)`.*?```python\n(.*?)```",
    (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
    re.DOTALL,
)


def example(position: int, module: Any) -> Operation:
    """The operation of an example in CONTRIBUTING.md, made as in the module that it goes into."""
    path, code = EXAMPLES[position]
    assert str(module.__file__).endswith(path)
    names = dict(vars(module))
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    operation = names[code.partition(":")[0]]
    assert isinstance(operation, Operation)
    return operation


SOFT_SHRINK = example(0, activations)
POISSON = example(1, losses)
SQUARED_RELU = elementwise(
    "squared_relu",
    lambda xp, z: positive_part(xp, z) ** 2,
    (lambda out, z: 2 * relu(z),),
    family="activation",
    notation=Function("ReLU²", r"\operatorname{ReLU}^2"),
    words=Words(
        "squared ReLU",
        "Squared ReLU squares positive numbers and turns all others into 0.",
        "The slope is 2z where the pre-activation is positive, and 0 elsewhere.",
    ),
    gate=True,
    leaky_form="leaky_relu",
)
"""A gate whose slope is not 1."""
SOFTSIGN = elementwise(
    "softsign",
    lambda xp, z, beta: z / (beta + xp.abs(z)),
    (lambda out, z, beta: beta / (beta + absolute(z)) ** 2,),
    family="activation",
    notation=Function("softsign", r"\operatorname{softsign}"),
    words=Words(
        "softsign",
        "Softsign squeezes a number between −1 and 1.",
        "The slope of softsign is β/(β + |z|)².",
        options={"beta": OptionWords("β is")},
    ),
    options={"beta": 1.0},
    saturation=1.0,
    bounds=(-1.0, 1.0),
)
"""One with an option, that saturates, and whose slope is a quotient."""

TORCH: dict[str, Callable[..., Any]] = {
    "soft_shrink": functional.softshrink,
    "squared_relu": lambda z: functional.relu(z) ** 2,
    "softsign": functional.softsign,
    "poisson": functional.poisson_nll_loss,
}

FOOT = "OPERATIONS: tuple[Operation, ...] = (\n"

ACTIVATION = """
equations = '''
z1 = W1 @ x + b1
h1 = {name}(z1)
z2 = W2 @ h1 + b2
h2 = {name}(z2)
z3 = w3.T @ h2 + b3
L = bce(sigmoid(z3), y)
'''
[parameters]
W1 = [[0.5, -0.3], [0.2, 0.7]]
b1 = [0.1, -0.1]
W2 = [[0.4, -0.2], [-0.5, 0.3]]
b2 = [0.2, 0.1]
w3 = [0.6, -0.4]
b3 = 0.3
[data]
x = {{ cases = [[1, 0.5], [0.3, -2]] }}
y = {{ cases = [1, 0] }}
[update]
rule = "sgd"
rate = 0.1
"""
LOSS = """
equations = '''
z1 = W1 @ x + b1
h1 = relu(z1)
z2 = W2 @ h1 + b2
L = {name}(z2, y)
'''
[parameters]
W1 = [[0.5, -0.3], [0.2, 0.7]]
b1 = [0.1, -0.1]
W2 = [[0.4, -0.2], [-0.5, 0.3]]
b2 = [0.2, 0.1]
[data]
x = [1, 0.5]
y = [2, 3]
[update]
rule = "sgd"
rate = 0.1
"""


@pytest.fixture(params=[SOFT_SHRINK, SQUARED_RELU, SOFTSIGN, POISSON], ids=lambda o: str(o.name))
def added(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Operation:
    operation: Operation = request.param
    monkeypatch.setitem(BY_NAME, operation.name, operation)
    return operation


@pytest.fixture
def file(added: Operation, tmp_path: Path) -> Path:
    path = tmp_path / "new.toml"
    path.write_text((LOSS if added.family == "loss" else ACTIVATION).format(name=added.name))
    return path


def by_torch(problem: handgrad.Problem, name: str) -> tuple[float, dict[str, Any]]:
    """The loss of the problem and its gradients by PyTorch."""
    values = {
        n: torch.tensor(given.array, dtype=torch.float64)
        for n, given in (*problem.parameters.items(), *problem.data.items())
    }
    learned = {n: values[n].requires_grad_() for n in problem.parameters}
    inner = functional.relu if name == "poisson" else TORCH[name]
    x = values["x"] if values["x"].ndim == 2 else values["x"][:, None]
    h = inner(values["W1"] @ x + values["b1"][:, None])
    z = values["W2"] @ h + values["b2"][:, None]
    if name == "poisson":
        loss = TORCH[name](z[:, 0], values["y"])
    else:
        score = values["w3"] @ inner(z) + values["b3"]
        loss = functional.binary_cross_entropy_with_logits(score, values["y"])
    gradients = torch.autograd.grad(loss, list(learned.values()))
    return loss.item(), {n: g.numpy() for n, g in zip(learned, gradients, strict=True)}


def test_numbers_are_those_of_torch(added: Operation, file: Path) -> None:
    trace = handgrad.solve(handgrad.load(file))
    loss, gradients = by_torch(trace.problem, added.name)
    assert np.mean(trace.run.loss) == pytest.approx(loss, abs=1e-12)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(trace.run.gradient(name), gradient, atol=1e-12)


def test_exact_numbers_symbols_and_intervals(added: Operation, file: Path) -> None:
    problem = handgrad.load(file)
    loss, gradients = by_torch(problem, added.name)
    for numbers in (handgrad.run_exact(problem), handgrad.run_symbols(problem)):
        losses_of_cases = [float(each) for each in numbers.value("L").flat]
        assert np.mean(losses_of_cases) == pytest.approx(loss, abs=1e-12)
    bounds = handgrad.run_intervals(problem)
    for name, gradient in gradients.items():
        held = bounds.gradient(name)
        assert (held.lower <= gradient + 1e-12).all()
        assert (gradient - 1e-12 <= held.upper).all()


def ascii_minus(text: str) -> str:
    return text.replace("−", "-")


@pytest.mark.parametrize(
    "arguments",
    [
        "solve",
        "solve --carry rounded",
        "solve --numbers exact",
        "solve --elements",
        "solve --steps 3",
        "gates",
        "why dW1[0,0]",
        "practice --seed 1 --count 2",
        "train --steps 4",
        "train --steps 2 --compare",
        "verify",
        "questions",
        "compare",
        "code",
        "code --to jax",
        "check --blank toml",
    ],
)
def test_every_command(
    arguments: str, added: Operation, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *options = arguments.split()
    if command == "compare":
        other = "mse" if added.family == "loss" else "tanh"
        options = ["--swap", f"{added.name}={other}"]
    assert run([command, str(file), *options]) == 0, capsys.readouterr()
    printed = capsys.readouterr()
    assert printed.err == ""
    words = " ".join(printed.out.split())
    if arguments in ("solve", "questions", "gates", "compare") and added.family != "loss":
        assert added.words.noun in words
    if arguments == "solve":
        assert ascii_minus(added.words.forward) in ascii_minus(words)
        assert ascii_minus(added.words.backward) in ascii_minus(words)
    if arguments == "train --steps 2 --compare" and added.gate:
        assert f"with {added.words.noun} it is dead" in words
    if command == "practice":
        assert ("A gate is open where" in words) == (added.gate or added.family == "loss")
        assert ("ReLU²′(0) = 0" in words) == added.gate


def test_every_page(added: Operation, file: Path, tmp_path: Path) -> None:
    kinds = ("html", "json", "md", "tex", "typ", "svg", "txt", "ipynb")
    pages = [tmp_path / f"page.{kind}" for kind in kinds]
    assert run(["solve", str(file), *(word for page in pages for word in ("-o", str(page)))]) == 0
    validate(json.loads(pages[1].read_text(encoding="utf-8")), "trace")


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_programs(
    library: str, added: Operation, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["code", str(file), "--to", library]) == 0
    names: dict[str, Any] = {"__name__": "program"}
    exec(capsys.readouterr().out, names)
    loss, gradients = by_torch(handgrad.load(file), added.name)
    assert float(np.mean(np.asarray(names["L"]))) == pytest.approx(loss, abs=1e-6)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(np.asarray(names[f"d{name}"]), gradient, atol=1e-6)


def test_checks_and_drills(added: Operation, file: Path) -> None:
    trace = handgrad.solve(handgrad.load(file))
    right = {"dz2": trace.run.gradient("z2"), "dW2": trace.run.gradient("W2")}
    assert handgrad.check(trace.problem, {n: a.tolist() for n, a in right.items()}).all_well
    drill = handgrad.drill(trace.problem, words=["dz2"])
    assert drill is not None
    if added.family == "loss":
        wrong, rule = {"dz2": (-right["dz2"]).tolist()}, "target_minus_prediction"
    else:
        # The slope is left out.
        incoming = trace.run.gradient("h2").tolist()
        rule = "gate_forgotten" if added.gate else "slope_forgotten"
        wrong = {"dh2": incoming, "dz2": incoming}
    (judged,) = handgrad.check(trace.problem, wrong).wrong
    assert judged.diagnosis[0].rule == rule


def test_an_activation_with_a_slope_that_is_learned(
    tmp_path: Path,
) -> None:
    """Of PReLU the slope depends on two arguments, and what it is left out of is the first."""
    text = ACTIVATION.format(name="prelu").replace("(z1)", "(z1, a)").replace("(z2)", "(z2, a)")
    file = tmp_path / "prelu.toml"
    file.write_text(text.replace("b3 =", "a = 0.25\nb3 ="))
    assert run(["questions", str(file)]) == 0
    trace = handgrad.solve(handgrad.load(file))
    for unit in units(trace):
        assert set(unit.slope.flat) <= {1.0, 0.25}
    wrong = handgrad.check(trace.problem, {"h1": trace.run.value("z1").tolist()}).wrong
    assert wrong[0].diagnosis[0].rule == "activation_forgotten"


def functions_told() -> list[str]:
    """The functions that CONTRIBUTING.md lets a forward function call."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    told = re.search(r"A forward function may call (.*?) of `xp`", text, re.DOTALL)
    assert told is not None
    return re.findall(r"`(\w+)`", told[1])


@pytest.mark.parametrize("function", functions_told())
def test_functions_that_every_kind_of_number_has(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forward(xp: Any, z: Any) -> Any:
        match function:
            case "clip":
                return xp.clip(z, 0, 1)
            case "maximum" | "minimum":
                return getattr(xp, function)(z, 0.5)
            case "where":
                return xp.where(z > 0.5, z, 2.0)
        return getattr(xp, function)(z)

    words = Words("a function", "It computes.", "It goes back.")
    monkeypatch.setitem(BY_NAME, "some", elementwise("some", forward, (None,), words=words))
    problem = handgrad.Problem("L = sum(some(a))", {"a": [0.25, 0.75, 1.5]})
    loss = float(handgrad.run(problem, build(problem)).loss)
    for numbers in (handgrad.run_exact(problem), handgrad.run_symbols(problem)):
        assert float(numbers.value("L")[()]) == pytest.approx(loss)
    bounds = handgrad.run_intervals(problem).value("L")
    assert bounds.lower <= loss <= bounds.upper
    assert bounds.upper - bounds.lower < 1e-9


def test_networks_in_words(added: Operation, capsys: pytest.CaptureFixture[str]) -> None:
    words = "relu identity poisson" if added.family == "loss" else f"{added.name} sigmoid bce"
    assert run(["practice", "--like", f"2-2-1 {words}", "--seed", "2"]) == 0


def test_the_entries_alone_are_enough(tmp_path: Path) -> None:
    """The examples pasted into their files, and their names added to OPERATIONS: nothing else is touched."""
    copy = Copy(tmp_path)
    names = []
    for path, code in EXAMPLES:
        names.append(code.partition(":")[0])
        before, rest = (tmp_path / path).read_text(encoding="utf-8").split(FOOT)
        text = f"{before}{code}\n{FOOT}    {names[-1]},\n{rest}"
        (tmp_path / path).write_text(text, encoding="utf-8")
    result = copy.python(
        "from handgrad.cli.commands import run\n"
        "from tools.operations_page import page\n"
        f"run(['practice', '--like', '2-2-1 {names[0]} identity {names[1]}', '--ascii'])\n"
        "print(page().encode('ascii', 'replace').decode())\n"
    )
    assert result.returncode == 0, result.stderr
    for name in names:
        assert f"### {name}\n" in result.stdout
    assert "SoftShrink" in result.stdout
