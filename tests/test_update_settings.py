"""What goes before a rule of update, against PyTorch: clipped gradients, rates of single parameters, schedules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.cli.train import RULES as RULES_OF_TRAIN
from handgrad.formats.terminal import render_terminal
from handgrad.text import plain_text
from handgrad.updates import RULES
from tests.oracle import assert_close
from tests.test_updates import Lion

SHARE = st.floats(0.05, 0.95)
SIZE = st.floats(0.01, 2.0)
SMALL = st.floats(1e-6, 1e-2)
DECAY = st.sampled_from([0.0, 0.05, 0.5])

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "sgd": {},
    "momentum": {"momentum": SHARE},
    "nesterov": {"momentum": SHARE},
    "adagrad": {"epsilon": SMALL, "rate_decay": st.floats(0, 1)},
    "rmsprop": {"decay": SHARE, "epsilon": SMALL},
    "adadelta": {"decay": SHARE, "epsilon": SMALL},
    "adam": {"beta1": SHARE, "beta2": SHARE, "epsilon": SMALL},
    "adamw": {"beta1": SHARE, "beta2": SHARE, "epsilon": SMALL},
    "lion": {"beta1": SHARE, "beta2": SHARE},
}

OPTIMISERS: Mapping[str, Callable[..., Any]] = {
    "sgd": lambda p, s: torch.optim.SGD(p, weight_decay=s["weight_decay"]),
    "momentum": lambda p, s: torch.optim.SGD(
        p, momentum=s["momentum"], weight_decay=s["weight_decay"]
    ),
    "nesterov": lambda p, s: torch.optim.SGD(
        p, momentum=s["momentum"], nesterov=True, weight_decay=s["weight_decay"]
    ),
    "adagrad": lambda p, s: torch.optim.Adagrad(
        p, lr_decay=s["rate_decay"], eps=s["epsilon"], weight_decay=s["weight_decay"]
    ),
    "rmsprop": lambda p, s: torch.optim.RMSprop(
        p, alpha=s["decay"], eps=s["epsilon"], weight_decay=s["weight_decay"]
    ),
    "adadelta": lambda p, s: torch.optim.Adadelta(
        p, rho=s["decay"], eps=s["epsilon"], weight_decay=s["weight_decay"]
    ),
    "adam": lambda p, s: torch.optim.Adam(
        p, betas=(s["beta1"], s["beta2"]), eps=s["epsilon"], weight_decay=s["weight_decay"]
    ),
    "adamw": lambda p, s: torch.optim.AdamW(
        p, betas=(s["beta1"], s["beta2"]), eps=s["epsilon"], weight_decay=s["weight_decay"]
    ),
}


def problem(update: handgrad.Update) -> handgrad.Problem:
    return handgrad.Problem(
        ["z = W @ x + b", "h = tanh(z)", "L = s*sum((h - y)**2)"],
        {"W": [[0.5, -0.3], [0.2, 0.7]], "b": [0.1, -0.1], "s": 1.5},
        {"x": [1.0, 2.0], "y": [0.3, -0.9]},
        update=update,
    )


def by_torch(update: handgrad.Update, steps: int) -> dict[str, Any]:
    """The parameters after some steps by PyTorch's own optimisers, clipping, groups and schedulers."""
    told = problem(update)
    tensors = {
        n: torch.tensor(np.asarray(g.array), dtype=torch.float64, requires_grad=True)
        for n, g in told.parameters.items()
    }
    x, y = (torch.tensor(told.data[n].array) for n in "xy")
    numbers = {**RULES[update.rule].options, **update.options}
    groups = [{"params": [t], "lr": update.rates.get(n, update.rate)} for n, t in tensors.items()]
    chosen = OPTIMISERS[update.rule](groups, numbers)
    schedulers: list[Any] = []
    if update.schedule == "step":
        schedulers.append(
            torch.optim.lr_scheduler.StepLR(
                chosen, int(numbers["every"]), numbers.get("gamma", 0.1)
            )
        )
    for made in range(steps):
        if update.schedule == "cosine":
            # In closed form: PyTorch's own adds up from step to step, and rises again after T.
            for group, name in zip(chosen.param_groups, tensors, strict=True):
                start = update.rates.get(name, update.rate)
                group["lr"] = _cosine(start, numbers, made) if start else 0.0
        chosen.zero_grad()
        loss = tensors["s"] * ((torch.tanh(tensors["W"] @ x + tensors["b"]) - y) ** 2).sum()
        torch.autograd.backward(loss)
        if "clip_norm" in numbers:
            torch.nn.utils.clip_grad_norm_(tensors.values(), numbers["clip_norm"])
        if "clip_value" in numbers:
            torch.nn.utils.clip_grad_value_(tensors.values(), numbers["clip_value"])
        chosen.step()
        for scheduler in schedulers:
            scheduler.step()
    return {n: t.detach().numpy() for n, t in tensors.items()}


def _cosine(start: float, numbers: Mapping[str, float], made: int) -> float:
    tensor = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.SGD([tensor], start)
    lowest = numbers.get("rate_min", 0.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, int(numbers["steps"]), lowest)
    for _ in range(min(made, int(numbers["steps"]))):
        optimiser.step()
        scheduler.step()
    return float(scheduler.get_last_lr()[0])


@st.composite
def updates(draw: Any) -> handgrad.Update:
    rule = draw(st.sampled_from([*OPTIMISERS]))
    options = {name: draw(numbers) for name, numbers in OPTIONS[rule].items()}
    options["weight_decay"] = draw(DECAY)
    match draw(st.sampled_from(["", "norm", "value"])):
        case "norm":
            options["clip_norm"] = draw(SIZE)
        case "value":
            options["clip_value"] = draw(SIZE)
    schedule = draw(st.sampled_from(["", "step", "cosine"]))
    if schedule == "step":
        options["every"] = float(draw(st.integers(1, 3)))
        if draw(st.booleans()):
            options["gamma"] = draw(SHARE)
    if schedule == "cosine":
        options["steps"] = float(draw(st.integers(1, 6)))
        if draw(st.booleans()):
            options["rate_min"] = draw(st.floats(0, 0.01))
    chosen = draw(st.sets(st.sampled_from(["W", "b", "s"])))
    rates = {name: draw(st.sampled_from([0.0, 0.02, 0.3])) for name in sorted(chosen)}
    return handgrad.Update(rule, draw(st.floats(0.01, 0.3)), options, rates, schedule)


@settings(max_examples=200, deadline=None)
@given(updates(), st.integers(1, 7))
def test_every_update_is_pytorchs(update: handgrad.Update, steps: int) -> None:
    expected = by_torch(update, steps)
    trace = handgrad.solve(problem(update), steps=steps)
    training = handgrad.Training(problem(update))
    training.run(steps)
    for name, value in expected.items():
        assert_close(trace.updated[name], value, 1e-12)
        assert_close(training.parameters[name], value, 1e-12)


@settings(max_examples=60, deadline=None)
@given(SHARE, SHARE, DECAY, st.integers(1, 6))
def test_lion_is_its_papers(beta1: float, beta2: float, decay: float, steps: int) -> None:
    options = {"beta1": beta1, "beta2": beta2, "weight_decay": decay}
    told = problem(handgrad.Update("lion", 0.05, options))
    tensors = {
        n: torch.tensor(np.asarray(g.array), dtype=torch.float64, requires_grad=True)
        for n, g in told.parameters.items()
    }
    x, y = (torch.tensor(told.data[n].array) for n in "xy")
    chosen = Lion(tensors.values(), 0.05, (beta1, beta2), decay)
    for _ in range(steps):
        chosen.zero_grad()
        loss = tensors["s"] * ((torch.tanh(tensors["W"] @ x + tensors["b"]) - y) ** 2).sum()
        torch.autograd.backward(loss)
        chosen.step()
    updated = handgrad.solve(told, steps=steps).updated
    for name, tensor in tensors.items():
        assert_close(updated[name], tensor.detach().numpy(), 1e-12)


@settings(max_examples=40, deadline=None)
@given(updates())
def test_an_update_reads_back_from_its_file(update: handgrad.Update) -> None:
    told = problem(update)
    assert handgrad.loads(told.to_toml()) == told


@settings(max_examples=40, deadline=None)
@given(updates(), st.sampled_from(["numpy", "torch"]))
def test_the_program_makes_the_same_update(update: handgrad.Update, library: str) -> None:
    trace = handgrad.solve(problem(update))
    scope: dict[str, Any] = {}
    kept = torch.get_default_dtype()
    try:
        exec(handgrad.code(trace.problem, to=library), scope)
    finally:
        torch.set_default_dtype(kept)
    for name, value in trace.updated.items():
        assert_close(np.asarray(scope[name]), value, 1e-12)


def page_of(update: handgrad.Update, steps: int = 1) -> str:
    page = handgrad.solve(problem(update), steps=steps).page()
    return " ".join(render_terminal(page, width=100, colour=False, unicode=True).split())


def test_the_norm_and_its_factor_are_lines() -> None:
    trace = handgrad.solve(problem(handgrad.Update("sgd", 0.1, {"clip_norm": 0.5})))
    lines = {line.target.name: line for s in trace.steps for line in s.lines if s.id == "3.1"}
    gradients = [trace.run.gradient(n).ravel() for n in trace.problem.parameters]
    norm = np.linalg.norm(np.concatenate(gradients))
    assert_close(lines["G"].value, norm, 1e-12)
    assert_close(lines["kappa"].value, 0.5 / (norm + 1e-6), 1e-12)
    clipped = np.concatenate([lines[f"g_{n}"].value.ravel() for n in trace.problem.parameters])
    assert np.linalg.norm(clipped) == pytest.approx(0.5, rel=1e-5)


def test_a_schedule_shows_the_rate_of_each_update() -> None:
    update = handgrad.Update("sgd", 0.4, {"every": 2, "gamma": 0.5}, schedule="step")
    trace = handgrad.solve(problem(update), steps=5)
    rates = [
        float(line.value) for s in trace.steps for line in s.lines if line.target.name == "eta_t"
    ]
    assert rates == [0.4, 0.4, 0.2, 0.2, 0.1]


def test_a_frozen_parameter_is_said_to_be_frozen() -> None:
    page = page_of(handgrad.Update("adam", 0.1, rates={"b": 0.0, "s": 0.2}))
    assert "b is frozen: its rate is 0" in page
    assert "s is frozen" not in page
    assert "b is frozen" in page_of(
        handgrad.Update("sgd", 0.1, {"steps": 4, "rate_min": 0.01}, {"b": 0.0}, "cosine"), steps=2
    )


def test_rates_of_cases_have_norms_of_their_own() -> None:
    """Two networks at once are clipped as each would be alone."""
    update = handgrad.Update("sgd", 0.1, {"clip_norm": 1.0})
    several: dict[str, list[Any]] = {"w": [[0.5, -0.3], [2.0, 3.0]], "b": [0.1, -0.7]}
    equations, data = ["L = (dot(w, x) + b - y)**2"], {"x": [1.0, 2.0], "y": 0.3}
    both = handgrad.solve(
        handgrad.Problem(
            equations, {n: {"cases": v} for n, v in several.items()}, data, update=update
        )
    )
    for case in range(2):
        alone = handgrad.solve(
            handgrad.Problem(
                equations, {n: v[case] for n, v in several.items()}, data, update=update
            )
        )
        for name, value in alone.updated.items():
            assert_close(both.updated[name][..., case], value, 1e-12)


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ("rule = 'nestorov'", "did you mean nesterov"),
        ("rule = 'sgd'\nnesterov = true", 'write rule = "nesterov"'),
        ("lr = 0.1", "did you mean rate"),
        ("rule = 'adam'\nbetas = [0.9, 0.99]", "write beta1 and beta2"),
        ("rule = 'adam'\nrate_decay = 0.1", "adagrad has it"),
        ("rule = 'adam'\nlr_decay = 0.1", "adagrad has it"),
        ("beta1 = 0.9", "adam, adamw, lion have it"),
        ("every = 3", 'it belongs to schedule = "step"'),
        ("T_max = 3", 'it belongs to schedule = "cosine"'),
        ("schedule = 'cosin'\nsteps = 10", "did you mean cosine"),
        ("schedule = 'cosine'", "has no steps"),
        ("schedule = 'step'\nevery = 1.5", "is no number of updates"),
        ("schedule = 'cosine'\nsteps = 0", "is no number of updates"),
        ("schedule = 3", "update.schedule is text"),
        ("clip_norm = 0", "leaves nothing of a gradient"),
        ("max_norm = 1", "did you mean clip_norm"),
        ("clip_norm = 1\nclip_value = 1", "keep one of the two"),
        ("rates = 0.1", "write rates = { W1 = 0.1 }"),
        ("rates = { v = 0.1 }", "names 'v', which the problem does not have"),
        ("rates = { x = 0.1 }", "names 'x', which is no parameter"),
        ("rates = { w = 'a' }", "update.rates.w: 'a' is not a number"),
        ("rule = 'adam'\nclip = 1", "did you mean clip_norm"),
    ],
)
def test_a_wrong_setting_is_told(update: str, message: str) -> None:
    text = f"equations = 'L = (w*x - 1)**2'\n[parameters]\nw = 1\n[data]\nx = 2\n[update]\n{update}"
    with pytest.raises(handgrad.HandgradError, match=r"(?s).") as found:
        handgrad.loads(text, where="my.toml")
    assert message in str(found.value)
    assert str(found.value).startswith("my.toml")


def test_one_norm_of_all_is_that_of_networks_alike() -> None:
    with pytest.raises(handgrad.ProblemError, match="one norm of all gradients"):
        handgrad.Problem(
            "L = (w*v - 1)**2",
            {"w": {"cases": [1, 2]}, "v": 1},
            update=handgrad.Update("sgd", 0.1, {"clip_norm": 1.0}),
        )


def test_train_knows_every_rule() -> None:
    assert [*RULES] == RULES_OF_TRAIN
    study = handgrad.train(
        problem(handgrad.Update("sgd", 0.1, {"clip_norm": 0.5, "weight_decay": 0.1})),
        3,
        rule="lion",
    )
    assert (study.update.rule, dict(study.update.options)) == ("lion", {"clip_norm": 0.5})


def test_a_large_gradient_that_cancels_with_the_decay_moves_nothing() -> None:
    """Rests of rounding are looked for in every part of a large array: Adagrad would make a whole step of each."""
    weights = np.random.default_rng(0).integers(-9, 10, (300, 300)) / 10
    slopes = np.round(-0.1 * weights, 2)
    assert np.count_nonzero(slopes + 0.1 * weights) > 50_000
    update = handgrad.Update("adagrad", 0.1, {"weight_decay": 0.1})
    problem = handgrad.Problem("L = sum(C*W)", {"W": weights}, {"C": slopes}, update=update)
    assert np.array_equal(handgrad.solve(problem).updated["W"], weights)


@pytest.mark.parametrize(
    ("rule", "rate", "options", "schedule", "said"),
    [
        ("sgd", -0.1, {}, "", "rate = -0.1 is below 0"),
        ("sgd", 0.1, {"weight_decay": -1.0}, "", "weight_decay = -1 is below 0"),
        ("adam", 0.1, {"beta1": 1.0}, "", "beta1 = 1 remembers nothing but the start"),
        ("adam", 0.1, {"beta2": 1.5}, "", "beta2 = 1.5 remembers nothing but the start"),
        ("sgd", 0.1, {"steps": 5, "rate_min": 0.2}, "cosine", "rate_min = 0.2 is above the rate"),
    ],
)
def test_settings_that_climb_or_divide_by_0_are_refused(
    rule: str, rate: float, options: dict[str, float], schedule: str, said: str
) -> None:
    with pytest.raises(handgrad.HandgradError, match=re.escape(said)):
        handgrad.Update(rule, rate, options, schedule=schedule)


@pytest.mark.parametrize("rule", ["adam", "rmsprop", "adagrad"])
def test_what_an_update_leaves_undefined_is_told(rule: str) -> None:
    """A dead unit's gradient is 0, and so is ε: 0/0. ReLU of an undefined number is undefined, as in PyTorch."""
    problem = handgrad.Problem(
        ["z = W @ x + b", "h = relu(z)", "L = sum(h**2)"],
        {"W": [[1, 2], [-3, -4]], "b": [0, 1]},
        {"x": [1, 2]},
        update=handgrad.Update(rule, 0.1, {"epsilon": 0.0}),
    )
    trace = handgrad.solve(problem, steps=2)
    (note,) = [n for step in trace.steps for n in step.notes if n.kind == "diverged"]
    assert plain_text(note.text()).startswith("Update 1 divides 0 by 0: an entry of W")
    assert not [n for step in trace.steps for n in step.notes if n.kind == "loss_change"]
