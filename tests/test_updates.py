"""Every update rule against PyTorch's optimisers, over several steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import handgrad
from handgrad.cli.commands import run
from handgrad.equations import parse_expression, source
from handgrad.formats.terminal import render_terminal
from handgrad.running import evaluate
from handgrad.solution import Diverged
from tests.gauntlet.facts.updating import Optimiser
from tests.oracle import assert_close
from tests.schemas import validate


class Lion:
    """Lion as its paper has it (Chen et al., 2023, algorithm 2); PyTorch has none."""

    def __init__(
        self,
        tensors: Any,
        rate: float,
        betas: tuple[float, float] = (0.9, 0.99),
        decay: float = 0.0,
    ) -> None:
        self.tensors = list(tensors)
        self.rate, self.betas, self.decay = rate, betas, decay
        self.means = [torch.zeros_like(t) for t in self.tensors]

    def zero_grad(self) -> None:
        for tensor in self.tensors:
            tensor.grad = None

    @torch.no_grad()
    def step(self) -> None:
        first, second = self.betas
        for tensor, mean in zip(self.tensors, self.means, strict=True):
            assert tensor.grad is not None
            moved = torch.lerp(tensor.grad, mean, first).sign()
            tensor -= self.rate * (moved + self.decay * tensor)
            mean.copy_(torch.lerp(tensor.grad, mean, second))


RULES: list[tuple[str, dict[str, float], Callable[[Any], Any]]] = [
    ("sgd", {}, lambda p: torch.optim.SGD(p, 0.05)),
    ("sgd", {"weight_decay": 0.1}, lambda p: torch.optim.SGD(p, 0.05, weight_decay=0.1)),
    ("momentum", {}, lambda p: torch.optim.SGD(p, 0.05, momentum=0.9)),
    (
        "momentum",
        {"momentum": 0.5, "weight_decay": 0.2},
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.5, weight_decay=0.2),
    ),
    ("rmsprop", {}, lambda p: torch.optim.RMSprop(p, 0.05)),
    ("rmsprop", {"decay": 0.9}, lambda p: torch.optim.RMSprop(p, 0.05, alpha=0.9)),
    ("adam", {}, lambda p: torch.optim.Adam(p, 0.05)),
    (
        "adam",
        {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3, "weight_decay": 0.1},
        lambda p: torch.optim.Adam(p, 0.05, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.1),
    ),
    ("nesterov", {}, lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True)),
    (
        "nesterov",
        {"momentum": 0.6, "weight_decay": 0.2},
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.6, nesterov=True, weight_decay=0.2),
    ),
    ("adagrad", {}, lambda p: torch.optim.Adagrad(p, 0.05)),
    (
        "adagrad",
        {"rate_decay": 0.3, "epsilon": 1e-3, "weight_decay": 0.1},
        lambda p: torch.optim.Adagrad(p, 0.05, lr_decay=0.3, eps=1e-3, weight_decay=0.1),
    ),
    ("adadelta", {}, lambda p: torch.optim.Adadelta(p, 0.05)),
    (
        "adadelta",
        {"decay": 0.7, "epsilon": 1e-3, "weight_decay": 0.1},
        lambda p: torch.optim.Adadelta(p, 0.05, rho=0.7, eps=1e-3, weight_decay=0.1),
    ),
    ("lion", {}, lambda p: Lion(p, 0.05)),
    (
        "lion",
        {"beta1": 0.8, "beta2": 0.95, "weight_decay": 0.3},
        lambda p: Lion(p, 0.05, (0.8, 0.95), 0.3),
    ),
    ("adamw", {}, lambda p: torch.optim.AdamW(p, 0.05, weight_decay=0.01)),
    ("adamw", {"weight_decay": 0.0}, lambda p: torch.optim.AdamW(p, 0.05, weight_decay=0.0)),
]


def problem(rule: str, options: dict[str, float]) -> handgrad.Problem:
    return handgrad.Problem(
        ["z = W @ x + b", "h = tanh(z)", "L = sum((h - y)**2)"],
        {"W": [[0.5, -0.3], [0.2, 0.7]], "b": [0.1, -0.1]},
        {"x": [1.0, 2.0], "y": [0.3, -0.9]},
        update=handgrad.Update(rule, 0.05, options),
    )


def torch_steps(optimiser: Callable[[Any], Any], steps: int) -> tuple[dict[str, Any], list[float]]:
    given = problem("sgd", {})
    tensors = {
        n: torch.tensor(np.asarray(g.array), dtype=torch.float64, requires_grad=True)
        for n, g in given.parameters.items()
    }
    x, y = (torch.tensor(given.data[n].array) for n in "xy")
    chosen = optimiser(tensors.values())
    losses = []
    for _ in range(steps):
        chosen.zero_grad()
        loss = ((torch.tanh(tensors["W"] @ x + tensors["b"]) - y) ** 2).sum()
        losses.append(float(loss.detach()))
        torch.autograd.backward(loss)
        chosen.step()
    return {n: t.detach().numpy() for n, t in tensors.items()}, losses


@pytest.mark.parametrize(("rule", "options", "optimiser"), RULES)
@pytest.mark.parametrize("steps", [1, 2, 25])
def test_rules_agree_with_torch(
    rule: str, options: dict[str, float], optimiser: Callable[[Any], Any], steps: int
) -> None:
    trace = handgrad.solve(problem(rule, options), steps=steps)
    expected, losses = torch_steps(optimiser, steps)
    for name, value in expected.items():
        assert_close(trace.updated[name], value, 1e-9 if rule == "rmsprop" else 1e-12)
    assert_close([t.before for t in trace.training], losses, 1e-9)


def test_rules_round_trip_through_a_file() -> None:
    for rule, options, _ in RULES:
        one = problem(rule, options)
        assert handgrad.loads(one.to_toml()) == one


def test_steps_are_explained_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "lab9", "--steps", "30"]) == 0
    page = capsys.readouterr().out
    assert "Update 2 of every parameter" in page
    assert "Update 11 of every parameter" not in page
    assert re_rows(page)[-1][0] == "30"


def re_rows(page: str) -> list[list[str]]:
    """The rows of the table of losses."""
    rows = [[c.strip() for c in line.split("│")] for line in page.splitlines() if "│" in line]
    return [r for r in rows if r[0].isdigit()]


def test_a_rate_too_large_stops_where_numbers_end() -> None:
    line = handgrad.Problem(
        "L = (w*x - y)**2", {"w": 1}, {"x": 3, "y": 1}, update=handgrad.Update("sgd", 1e80)
    )
    trace = handgrad.solve(line, steps=50)
    assert len(trace.training) < 50
    assert trace.to_json()["loss_after"] is None


def test_letters_that_the_problem_uses_are_left_to_it() -> None:
    trace = handgrad.solve(
        handgrad.Problem(
            "L = (eta*t - beta_1)**2",
            {"eta": 2.0},
            {"t": 3.0, "beta_1": 1.0},
            update=handgrad.Update("adam", 0.1),
        )
    )
    assert trace.updated["eta"] == pytest.approx(1.9)


@pytest.mark.parametrize("rate", ["1e200", "1e300"])
def test_what_first_stops_being_finite_is_named(rate: str) -> None:
    trace = handgrad.solve(handgrad.load("lab9").with_values({"rate": rate}), steps=5)
    assert len(trace.training) == 1
    note = trace.steps[-1].notes[-1]
    assert isinstance(note, Diverged)
    assert (note.update, note.name, note.gradient) == (1, "z2", False)
    page = render_terminal(trace.page(), width=80, colour=False, unicode=True)
    assert "the first that is no longer finite" in " ".join(page.split())
    validate(trace.to_json(), "trace")


def test_training_that_goes_on_says_nothing() -> None:
    steps = handgrad.solve(handgrad.load("lab9"), steps=5).steps
    assert not any(isinstance(n, Diverged) for step in steps for n in step.notes)


@pytest.mark.parametrize("shape", [(2,), (3, 3), (2, 4)])
def test_other_data_in_training_fit_the_problem(shape: tuple[int, ...]) -> None:
    training = handgrad.Training(handgrad.load("batch"))
    with pytest.raises(handgrad.OptionError, match=r"has the shape|same number"):
        training.step(x=np.zeros(shape))


@pytest.mark.parametrize(("rule", "options", "optimiser"), RULES)
def test_the_judges_optimisers_are_those_of_pytorch(
    rule: str, options: dict[str, float], optimiser: Callable[[Any], Any]
) -> None:
    tensor = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    theirs = optimiser([tensor])
    ours = Optimiser({"rule": rule, "rate": 0.05, **options})
    at = {"w": np.array([0.5, -1.0])}
    for _ in range(3):
        gradient = np.sin(at["w"])
        at = ours(at, {"w": gradient})
        tensor.grad = torch.tensor(gradient)
        theirs.step()
        assert_close(at["w"], tensor.detach().numpy())


NORMALISED = """
equations = '''
n = layernorm(w)
L = (dot(n, v) - y)**2
'''
[parameters]
w = [30000, -20000]
v = [0.7, -0.4]
[data]
y = 3
[update]
rate = 100
"""


def test_a_gradient_that_cancels_after_an_update() -> None:
    """Of two numbers brought to ±1 floats leave none; mpmath's derivatives in 60 digits give −5.855678e-6."""
    updated = handgrad.solve(handgrad.loads(NORMALISED), steps=3).updated["w"]
    assert updated[0] - 30000 == pytest.approx(-5.855678e-6, rel=1e-5)
    assert updated[0] + updated[1] == pytest.approx(10000, abs=1e-11)


def test_updates_of_a_problem_with_a_constant() -> None:
    problem = handgrad.Problem(
        "c = 0.5*2\nL = (w*c - 3)**2", {"w": 1.0}, update=handgrad.Update(rate=0.25)
    )
    assert handgrad.solve(problem, steps=2).updated["w"] == 2.5


@pytest.mark.parametrize("name", [each.name for each in handgrad.bundled()])
def test_the_loss_after_an_update_is_worked_out_with_the_new_parameters(name: str) -> None:
    """Each line is that of a solution of the problem with the parameters as they are then."""
    problem = handgrad.load(name)
    trace = handgrad.solve(problem)
    again = [step for step in trace.steps if step.kind == "loss_after"]
    if not again:
        return
    (step,) = again
    after = handgrad.run(problem.with_values({n: a.tolist() for n, a in trace.updated.items()}))
    cost = trace.graph.cost
    assert [line.target.name for line in step.lines][-1] == cost
    for line in step.lines:
        assert_close(np.asarray(line.value), np.asarray(after.value(line.target.name)))
        printed = evaluate(parse_expression(source(line.substituted), helpers=True), {})
        if not line.batched:
            assert_close(np.asarray(printed), np.asarray(line.value))
    # All of the equations where they are small; of others the end, all in order.
    order = [n for n in trace.graph.equations if n != cost]
    shown = [line.target.name for line in step.lines[:-1]]
    assert shown == order[len(order) - len(shown) :]
    assert ("it is shown from" in step.reason) == (0 < len(shown) < len(order))


def test_the_page_of_the_loss_after_an_update_shows_the_numbers_put_in() -> None:
    page = render_terminal(
        handgrad.solve(handgrad.load("lab9")).page(step="3.2"),
        width=80,
        colour=False,
        unicode=True,
    )
    assert "ŷ = σ(0.619) = 0.65" in page
    assert "L = −(1 × ln(0.65) + (1 − 1) × ln(1 − 0.65)) = 0.4308" in page
    assert "uses 1.1, 1.2, 1.3, 3.1" in page
