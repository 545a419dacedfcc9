"""Units that die in training: planted deaths and revivals, and a training of its own in plain NumPy."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.cli.commands import run
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from handgrad.graph.weighted import weighted_sums
from handgrad.page.blocks import Figure, Note, Table
from handgrad.study import INITIALISATIONS, with_data
from handgrad.study.mitigations import mitigations, redrawn
from handgrad.study.units import layers
from handgrad.text import plain_text
from tests.schemas import validate
from tests.test_documents import ROOT, indented, python
from tests.test_json import printed

DYING = handgrad.load("dying")


def falling(start: float, rate: float) -> handgrad.Problem:
    """One unit whose pre-activation falls by 2 × rate in every update, until it is dead."""
    return handgrad.Problem(
        "z = w*x + b\nh = relu(z)\nL = h",
        {"w": start, "b": 0.0},
        {"x": 1.0},
        update=handgrad.Update("sgd", rate),
    )


@given(st.integers(1, 12), st.floats(0.1, 0.9), st.floats(0.01, 2.0))
def test_a_planted_death_is_found_at_its_step(step: int, share: float, rate: float) -> None:
    start = 2 * rate * (step - 1 + share)
    study = handgrad.train(falling(start, rate), step + 3)
    (event,) = study.events
    assert (event.kind, event.step, event.since) == ("died", step, step - 1)
    assert event.before == pytest.approx(2 * rate * share)
    assert event.after == event.to_value == pytest.approx(-2 * rate * (1 - share))
    assert event.own == pytest.approx(-2 * rate)
    assert event.below == pytest.approx(0, abs=1e-12)
    assert study.started_dead == ()
    assert study.ended_dead == (("h", ()),)
    assert study.dead["h"] == (0,) * step + (1,) * 4


def test_a_planted_revival_comes_from_below() -> None:
    """h1 grows by 2 × rate in every update; z2 = h1 − 1 fires when it passes 1."""
    problem = handgrad.Problem(
        "z1 = w*x + b\nh1 = relu(z1)\nz2 = a*h1 + c\nh2 = relu(z2)\nL = 0.001*h2 - h1",
        {"w": 0.5, "b": 0.0, "a": 1.0, "c": -1.0},
        {"x": 1.0},
        update=handgrad.Update("sgd", 0.1),
    )
    study = handgrad.train(problem, 5)
    (event,) = study.events
    assert (event.kind, event.layer, event.step) == ("revived", "h2", 3)
    assert event.own == pytest.approx(0, abs=1e-12)
    assert event.below == pytest.approx(event.to_value - event.from_value) == pytest.approx(0.2)
    assert study.started_dead == (("h2", ()),)
    page = render_terminal(study.page(), width=100, colour=False, unicode=True)
    assert "fires again" in page


def test_momentum_carries_a_dead_unit_on() -> None:
    """After the death no gradient arrives, and plain gradient descent leaves the unit where it is."""
    plain = handgrad.Training(handgrad.train(falling(0.3, 0.1), 1).problem)
    plain.run(5)
    before = float(plain.parameters["w"])
    plain.run(5)
    assert float(plain.parameters["w"]) == before
    study = handgrad.train(falling(0.3, 0.1), 10, rule="momentum")
    assert study.update.rule == "momentum"
    assert study.update.rate == 0.1


def by_hand(
    problem: handgrad.Problem, steps: int, rate: float
) -> tuple[list[float], list[list[float]]]:
    """One hidden ReLU layer and a squared error, in plain NumPy: losses and largest pre-activations."""
    first, b = problem.parameters["W1"].array.copy(), problem.parameters["b1"].array.copy()
    w, c = problem.parameters["w2"].array.copy(), problem.parameters["b2"].array.copy()
    x, y = problem.data["x"].array, problem.data["y"].array
    losses, largest = [], []
    for step in range(steps + 1):
        z = first @ x + b[:, None]
        h = np.where(z > 0, z, 0)
        error = w @ h + c - y
        losses.append(float(np.mean(error**2)))
        largest.append(z.max(axis=1).tolist())
        if step == steps:
            break
        g = 2 * error / len(y)
        dz = np.outer(w, g) * (z > 0)
        first, b = first - rate * dz @ x.T, b - rate * dz.sum(axis=1)
        w, c = w - rate * h @ g, c - rate * g.sum()
    return losses, largest


@pytest.mark.parametrize("seed", range(6))
def test_against_a_training_by_hand(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = {n: generator.normal(0, 1, g.array.shape) for n, g in DYING.parameters.items()}
    problem = DYING.with_values(values)
    losses, largest = by_hand(problem, 12, 0.1)
    study = handgrad.train(problem, 12, rate=0.1)
    assert study.losses == pytest.approx(losses, rel=1e-9)
    assert study.dead["h1"] == tuple(sum(z <= 0 for z in row) for row in largest)
    expected = {
        (step, unit, "died" if now <= 0 else "revived")
        for step in range(1, 13)
        for unit, (was, now) in enumerate(zip(largest[step - 1], largest[step], strict=True))
        if (was <= 0) != (now <= 0)
    }
    assert {(e.step, e.unit[0], e.kind) for e in study.events} == expected
    for event in study.events:
        assert event.before == pytest.approx(largest[event.step - 1][event.unit[0]])
        assert event.after == pytest.approx(largest[event.step][event.unit[0]])
        assert event.own + event.below == pytest.approx(event.to_value - event.from_value)


def test_the_bundled_network_dies() -> None:
    study = handgrad.train(DYING, 20)
    assert [(e.step, e.unit[0] + 1) for e in study.events] == [
        (1, 1), (2, 4), (3, 3), (3, 5), (3, 6), (5, 2),
    ]  # fmt: skip
    assert len(study.ended_dead) == study.units == 6
    targets = DYING.data["y"].array
    assert study.losses[-1] == pytest.approx(float(np.var(targets)), rel=1e-3)
    assert study.stopped is None


def test_looking_less_often_brackets_the_step() -> None:
    close, far = handgrad.train(DYING, 20), handgrad.train(DYING, 20, every=4)
    assert far.steps == (0, 4, 8, 12, 16, 20)
    assert far.losses == tuple(close.losses[k] for k in far.steps)
    when = {e.unit: e.step for e in close.events}
    assert {e.unit for e in far.events} == set(when)
    assert all(e.since < when[e.unit] <= e.step for e in far.events)
    page = render_terminal(far.page(), width=100, colour=False, unicode=True)
    assert "looked at every 4 updates" in " ".join(page.split())
    assert "1–4" in page


def test_batches_follow_the_seed() -> None:
    one = handgrad.train(DYING, 12, rate=0.05, batch=4, seed=3)
    assert one == handgrad.train(DYING, 12, rate=0.05, batch=4, seed=3)
    assert one.losses != handgrad.train(DYING, 12, rate=0.05, batch=4, seed=4).losses
    whole = handgrad.train(DYING, 12, rate=0.05)
    assert handgrad.train(DYING, 12, rate=0.05, batch=9).losses == whole.losses
    # A pass in batches of 4, 4 and 1 uses every case once: three updates by hand give the same.
    training = handgrad.Training(one.problem)
    order = np.random.default_rng(3).permutation(9)
    for part in (order[:4], order[4:8], order[8:]):
        training.step(**{n: g.array[..., part] for n, g in DYING.data.items()})
    third = handgrad.train(training.problem, 3, batch=4, seed=3)
    assert third.losses[-1] == one.losses[3]


def test_many_cases_are_run_in_blocks() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(20_000, 1))
    problem = DYING.with_values({"x": {"cases": x}, "y": {"cases": (x**2)[:, 0]}})
    losses, largest = by_hand(problem, 3, 0.05)
    study = handgrad.train(problem, 3, rate=0.05)
    assert study.cases == 20_000
    assert study.losses == pytest.approx(losses, rel=1e-9)
    assert study.dead["h1"] == tuple(sum(z <= 0 for z in row) for row in largest)
    total = handgrad.Problem(
        [e.text for e in problem.equations], problem.parameters, problem.data, reduction="sum"
    )
    summed = handgrad.train(total, 1, rate=1e-9)
    assert summed.losses[0] == pytest.approx(20_000 * losses[0])


@pytest.mark.parametrize("name", [n for n, _, _ in handgrad.bundled()])
def test_every_bundled_problem_can_be_trained(name: str) -> None:
    problem = handgrad.load(name)
    if any(g.batched for g in problem.parameters.values()) or not problem.parameters:
        return
    study = handgrad.train(problem, 4)
    training = handgrad.Training(problem)
    training.run(4)
    assert study.losses[:4] == pytest.approx(training.losses, rel=1e-12)
    text = render_terminal(study.page(), width=80, colour=False, unicode=True)
    assert "Over time" in text
    validate(study.to_json(), "training")


def test_gates_inside_an_equation_are_units_too() -> None:
    problem = handgrad.Problem(
        "h = relu(W @ x + b) + relu(v*x)\nL = sum(h)",
        {"W": [[1, 0], [0, 1]], "b": [0, -9], "v": [-1, 1]},
        {"x": [1, 2]},
    )
    first, second = layers(build(problem))
    assert (first.units, second.units) == (2, 2)
    assert set(first.own) == {"W", "b"}
    study = handgrad.train(problem, 2, rate=0.01)
    assert study.started_dead == (("h (1)", (1,)), ("h (2)", (0,)))


# -- mitigations ----------------------------------------------------------------------------


def test_side_by_side() -> None:
    compared = handgrad.compare_training(DYING, 30)
    studies = (compared, *compared.compared)
    assert [s.name for s in studies] == [
        "as given", "leaky ReLU", "ELU", "GELU (tanh form)",
        "He initialisation", "Xavier initialisation", "asymmetric initialisation", "rate 0.03",
    ]  # fmt: skip
    assert studies[0].losses == handgrad.train(DYING, 30).losses
    swapped = handgrad.train(DYING.with_swap({"relu": "elu"}), 30, operations=frozenset({"elu"}))
    assert studies[2].losses == pytest.approx(swapped.losses, nan_ok=True)
    assert not studies[1].gates
    assert studies[4].gates
    assert studies[2].stopped is not None
    slower = studies[-1]
    assert slower.update.rate == pytest.approx(0.03)
    assert len(slower.ended_dead) < len(studies[0].ended_dead)
    page = compared.page()
    assert len([b for b in page.blocks if isinstance(b, Figure)]) == 4
    text = render_terminal(page, width=100, colour=False, unicode=True)
    assert "not finite" in text
    assert "6 of 6" in text


def test_what_cannot_start_does_not_end_a_comparison() -> None:
    """With leaky ReLU the first score is so far behind that its probability is 0 in floats."""
    problem = handgrad.Problem(
        "h = relu(z)\np = softmax(w*h)\nL = -(q @ (log(p) + 0))",
        {"z": [-900, 0.5], "w": [900, 1]},
        {"q": [0.5, 0.5]},
        update=handgrad.Update(rate=0.1),
    )
    compared = handgrad.compare_training(problem, 3)
    assert compared.stopped is None
    leaky = compared.compared[0]
    assert (leaky.stopped, leaky.steps, leaky.dead) == (0, (0,), {"h": (1,)})
    assert np.isfinite(compared.compared[-1].losses).all()
    text = render_terminal(compared.page(), width=100, colour=False, unicode=True)
    assert "not finite" in text
    assert "before the first update" in render_terminal(leaky.page(), width=100, colour=False)
    with pytest.raises(handgrad.HandgradError, match="must be positive"):
        handgrad.train(leaky.problem, 3)


def test_a_dead_relu_is_not_a_leaky_one() -> None:
    """The same pre-activations: the leaky unit is off too, but goes on learning."""
    relu = handgrad.train(falling(0.1, 0.1), 30)
    leaky = handgrad.compare_training(falling(0.1, 0.1), 30).compared[0]
    assert relu.losses[-1] == relu.losses[5] == 0
    assert leaky.losses[-1] < leaky.losses[5] < 0


@pytest.mark.parametrize(
    ("equations", "weight", "bias", "shape"),
    [
        ("z = W @ x + b\nL = sum(relu(z))", (300, 40), 300, (40,)),
        ("z = W.T @ x + b\nL = sum(relu(z))", (40, 300), 300, (40,)),
        ("Z = X @ W + b\nL = sum(relu(Z))", (40, 300), 300, (5, 40)),
        ("u = W @ x\nz = u + b\nL = sum(relu(z))", (300, 40), 300, (40,)),
        ("L = sum(relu(W @ (2*x) + b))", (300, 40), 300, (40,)),
    ],
)
def test_weights_are_drawn_for_their_orientation(
    equations: str, weight: tuple[int, int], bias: int, shape: tuple[int, ...]
) -> None:
    data = "X" if "X" in equations else "x"
    problem = handgrad.Problem(
        equations, {"W": np.ones(weight), "b": np.ones(bias)}, {data: np.ones(shape)}
    )
    (layer,) = weighted_sums(build(problem))
    assert (layer.inputs, layer.units, layer.bias) == (40, 300, "b")
    he = redrawn(problem, "he", 1)
    assert he.parameters["W"].array.std() == pytest.approx(math.sqrt(2 / 40), rel=0.05)
    assert not he.parameters["b"].array.any()
    xavier = redrawn(problem, "xavier", 1)
    factor = math.sqrt(2 / 340) / math.sqrt(2 / 40)
    np.testing.assert_allclose(
        xavier.parameters["W"].array, factor * he.parameters["W"].array, rtol=1e-12
    )
    asymmetric = redrawn(problem, "raai", 1).parameters
    assert asymmetric["b"].array.any()
    # One weight of every unit, or its bias, is drawn from Beta(2, 1): 2/3 on average.
    mean = asymmetric["W"].array.sum() + asymmetric["b"].array.sum()
    assert mean / 300 == pytest.approx(2 / 3, abs=0.15)


def test_weights_used_twice_are_kept() -> None:
    problem = handgrad.load("rnn")
    names = {layer.weights for layer in weighted_sums(build(problem))}
    new = redrawn(problem, "he", 0)
    for name, old in problem.parameters.items():
        if name not in names and not any(
            name == layer.bias for layer in weighted_sums(build(problem))
        ):
            assert new.parameters[name] == old
    assert len(mitigations(problem)) >= 2


def test_a_data_source() -> None:
    class Parabola:
        def arrays(self) -> dict[str, Any]:
            x = np.linspace(-1, 1, 21)
            return {"x": x[:, None], "y": x**2}

    problem = with_data(DYING, Parabola())
    study = handgrad.train(problem, 3, rate=0.01)
    assert study.cases == 21
    assert problem.data["x"].array.shape == (1, 21)


# -- the command ----------------------------------------------------------------------------


def test_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(["train", "dying", "--steps", "6"], capsys)
    validate(found, "training")
    assert found["steps"] == list(range(7))
    assert found["events"][0]["unit"] == [0]
    compared = printed(["train", "dying", "--steps", "12", "--compare"], capsys)
    validate(compared, "training")
    assert len(compared["compared"]) == 7
    assert None in compared["compared"][1]["losses"]
    compared["events"][0]["kind"] = "slept"
    with pytest.raises(jsonschema.ValidationError):
        validate(compared, "training")


def test_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "dying", "--steps", "20", "--width", "120"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "6 of 6 units are dead at the end, none at the start: 6 died on the way." in page
    assert "Update 1 killed z₁⁽¹⁾" in page
    assert run(["train", "circuit", "--steps", "3"]) == 0
    assert "No equation has a ReLU" in " ".join(capsys.readouterr().out.split())
    assert run(["train", "dying", "--steps", "30", "--rate", "3"]) == 0
    assert "no longer finite" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "0"], "steps: 0 is not a whole number from 1"),
        (["--steps", "99999999"], "99999999 is not a whole number"),
        (["--steps", "2.5"], "--steps"),
        (["--batch", "0"], "the data have 9 cases"),
        (["--batch", "10"], "the data have 9 cases"),
        (["--every", "0"], "a look every 0 updates"),
        (["--rate", "nan"], "not a finite number"),
        (["--rate", "inf"], "not a finite number"),
        (["--rule", "sdg"], "--rule"),
        (["--set", "q=1"], "is not given q"),
        (["--steps", "0", "--compare"], "steps: 0 is not a whole number from 1"),
        (["--rate", "nan", "--compare"], "not a finite number"),
    ],
)
def test_options_that_cannot_be_used(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "dying", *options]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_networks_in_cases_are_refused() -> None:
    problem = handgrad.Problem("L = relu(w*x)", {"w": {"cases": [1, 2]}}, {"x": {"cases": [1, 1]}})
    with pytest.raises(handgrad.OptionError, match="one network is trained at a time"):
        handgrad.train(problem, 1)
    with pytest.raises(handgrad.OptionError, match="no parameters"):
        handgrad.train(handgrad.Problem("L = relu(x)", {}, {"x": 1.0}), 1)


def test_progress_is_told() -> None:
    told: list[int] = []
    handgrad.compare_training(DYING, 5, progress=told.append)
    assert told[-1] == 8 * 5
    assert told == sorted(told)


def test_the_documents(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    shown = indented(text, "by its own")
    assert run(["train", "dying", "--steps", "20", "--width", "80"]) == 0
    assert shown in capsys.readouterr().out
    for part in ("train(", "born_dead("):
        exec(python(text, part), {})
    for name in INITIALISATIONS:
        assert f"`{name}`" in text


def test_the_documents_table() -> None:
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    header, _, *rows = indented(text, "width │ 1").splitlines()
    depths = [int(cell) for cell in header.split("│")[1:]]
    studies = handgrad.born_dead_table([2, 3, 4, 5, 6], depths, networks=5000, seed=1)
    for study, row in zip(studies.studies, rows, strict=True):
        width, *shares = [float(cell) for cell in row.split("│")]
        assert study.widths[0] == width
        for depth, share in zip(depths, shares, strict=True):
            assert study.share(depth) == pytest.approx(share, abs=5 * study.error(depth))


def test_training_on_a_file_of_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows of a file in place of the problem's cases: the same losses as with the cases written."""
    generator = np.random.default_rng(0)
    x = np.round(generator.normal(size=(40, 2)), 3)
    y = (x[:, 0] > x[:, 1]).astype(int)
    table = tmp_path / "cases.csv"
    np.savetxt(table, np.c_[x, y], delimiter=",", header="x1,x2,y", comments="", fmt="%g")
    lab = handgrad.load("lab9")
    written = lab.with_values({"x": {"cases": x}, "y": {"cases": y}})
    expected = handgrad.train(written, 20).losses
    assert run(["train", "lab9", "--data", str(table), "--steps", "20", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["losses"] == pytest.approx(list(expected))
    table.write_text(table.read_text() + "1,two,0\n")
    assert run(["train", "lab9", "--data", str(table)]) == 2
    assert "'two' is not a number" in capsys.readouterr().err
    assert run(["train", "lab9", "--data", str(table), "--skip-bad", "--steps", "1"]) == 0
    assert "1 bad row left out" in capsys.readouterr().err


@pytest.mark.parametrize("every", [1, 7, 50])
def test_the_update_that_was_too_much_is_named_however_seldom_one_looks(every: int) -> None:
    """a falls faster and faster, and ln of a number under 0 is none."""
    problem = handgrad.Problem(["L = log(a)"], {"a": 1.0}, update=handgrad.Update("sgd", 0.02))
    study = handgrad.train(problem, 60, every=every)
    assert study.stopped == study.steps[-1] == 27
    assert not np.isfinite(study.losses[-1])
    told = " ".join(render_terminal(study.page()).split())
    assert ("looked at every 7 updates" in told) == (every == 7)


# -- what revives a unit --------------------------------------------------------------------


def torch_trained(given: handgrad.Problem, steps: int, make: Any) -> list[float]:
    """The largest pre-activation over the cases before and after each update, by PyTorch."""
    import torch

    w = torch.tensor(float(given.parameters["w"].array), dtype=torch.float64, requires_grad=True)
    b = torch.tensor(float(given.parameters["b"].array), dtype=torch.float64, requires_grad=True)
    x = torch.tensor(np.asarray(given.data["x"].array))
    k = float(given.data["k"].array)
    optimiser = make([w, b])
    largest = []
    for _ in range(steps + 1):
        z = w * x + b
        largest.append(float(z.max().detach()))
        optimiser.zero_grad()
        (torch.relu(z).mean() + 0.5 * k * w**2).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return largest


def test_a_penalty_revives_a_unit_whose_bias_is_positive() -> None:
    """W shrinks and b > 0: z is b in the end, and the cause is the penalty; PyTorch agrees on the update."""
    import torch

    given = handgrad.Problem(
        "z = w*x + b\nh = relu(z)\nL = h + 0.5*k*w**2",
        {"w": -1.0, "b": 0.2},
        {"x": {"cases": [1.0, 2.0]}, "k": 0.5},
        update=handgrad.Update("sgd", 0.1),
    )
    largest = torch_trained(given, 60, lambda p: torch.optim.SGD(p, 0.1))
    first = next(k for k, z in enumerate(largest) if z > 0)
    study = handgrad.train(given, 60)
    event = study.events[0]
    assert (event.kind, event.step, event.cause, event.own_by) == ("revived", first, "own", ("penalty",))  # fmt: skip
    assert study.started_dead == (("h", ()),)
    page = render_terminal(study.page(), width=120, colour=False, unicode=True)
    told = " ".join(page.split())
    assert "only its own weights could do that" in told
    assert "What moved its weights without a gradient through it: the penalty." in told
    # Without the penalty it never fires again, and that is said.
    plain = handgrad.train(given.with_values({"k": 0.0}), 60)
    assert not plain.events
    bare = handgrad.Problem(
        "z = w*x + b\nh = relu(z)\nL = h", given.parameters, {"x": given.data["x"]}, update=given.update
    )  # fmt: skip
    study = handgrad.train(bare, 60)
    assert study.never == study.ended_dead == (("h", ()),)
    page = render_terminal(study.page(), width=120, colour=False, unicode=True)
    assert "never fires again on these data" in " ".join(page.split())


@pytest.mark.parametrize("every", [1, 4])
def test_momentum_coasts_a_unit_back(every: int) -> None:
    """z = w x − 0.1 on x = ±1 fires where |w| > 0.1: its momentum carries w from 0.15 past −0.1."""
    given = handgrad.Problem(
        "z = w*x - 0.1\nh = relu(z)\nL = h",
        {"w": 0.15},
        {"x": {"cases": [1.0, -1.0]}},
        update=handgrad.Update("momentum", 0.05),
    )
    study = handgrad.train(given, 12, every=every)
    died, back = study.events[:2]
    assert (died.kind, back.kind) == ("died", "revived")
    assert (back.cause, back.own_by) == ("own", ("coasting",))
    # Gradient descent leaves it where it died, for good.
    plain = handgrad.train(given, 12, rule="sgd")
    assert [e.kind for e in plain.events] == ["died"]
    assert plain.never == (("h", ()),)


def test_causes_are_what_freezing_shows() -> None:
    """Every revival of a trained two-layer network: freezing its own layer, or the layers below, agrees."""
    g = np.random.default_rng(5)
    problem = handgrad.Problem.mlp([3, 6, 6, 1], output="identity", loss="mse",
        x={"cases": g.normal(size=(12, 3))}, y={"cases": g.normal(size=(12, 1))})  # fmt: skip
    problem = problem.with_values({"rate": 0.15})
    study = handgrad.train(problem, 60)
    assert study.revivals
    states = []
    training = handgrad.Training(study.problem)
    for _ in range(61):
        states.append({n: np.array(a) for n, a in training.parameters.items()})
        training.step()
    x = np.asarray(problem.data["x"].array)

    def largest(own: Any, below: Any, layer: str, unit: int) -> float:
        z = below["W1"] @ x + below["b1"][:, None]
        if layer == "h1":
            return float((own["W1"][unit] @ x + own["b1"][unit]).max())
        h = np.maximum(z, 0)
        return float((own["W2"][unit] @ h + own["b2"][unit]).max())

    for event in study.revivals:
        old, new = states[event.since], states[event.step]
        by_own = largest(new, old, event.layer, event.unit[0]) > 0
        by_below = largest(old, new, event.layer, event.unit[0]) > 0
        expected = {(True, False): "own", (False, True): "below", (True, True): "either",
                    (False, False): "together"}[by_own, by_below]  # fmt: skip
        assert event.cause == expected
        assert event.layer == "h2"
    # What never fires again does not, however long one goes on.
    further = handgrad.train(problem, 400, every=20)
    for layer, unit in study.never:
        assert (layer, unit) in further.ended_dead
        assert not [e for e in further.events if (e.layer, e.unit) == (layer, unit) and e.step > 60]


def test_decay_and_coasting_are_told_apart() -> None:
    """AdamW with decay and a bias that is not: what is left out shows which of the two it was."""
    given = handgrad.Problem(
        "z = w*x + b\nh = relu(z)\nL = h + 0*b",
        {"w": -1.0},
        {"x": 1.0, "b": 0.3},
        update=handgrad.Update("adamw", 0.1, {"weight_decay": 0.5}),
    )
    (event, *_) = handgrad.train(given, 40).events
    assert (event.kind, event.cause, event.own_by) == ("revived", "own", ("decay",))


def test_a_channel_is_a_unit_in_training_too() -> None:
    g = np.random.default_rng(0)
    given = handgrad.Problem(
        ["Z = conv2d(X, K) + b", "H = relu(Z)", "L = sum(H*t)"],
        {"K": g.normal(size=(3, 1, 2, 2)), "b": np.array([0.0, -9, 0])[:, None, None]},
        {"X": g.normal(size=(1, 4, 4)), "t": g.normal(size=(3, 3, 3))},
        update=handgrad.Update("sgd", 0.01),
    )
    study = handgrad.train(given, 3)
    assert study.units == 3
    assert study.ended_dead == study.never == (("H", (1,)),)


def test_a_rest_of_rounding_opens_no_gate() -> None:
    """0.1·x₁ − 0.3 with x₁ = 3 is 0 on paper and 5.6e-17 in floats: off before the first update, and after."""
    problem = handgrad.Problem(
        "z = W @ x + b\nh = relu(z)\nL = sum((h - y)**2)",
        {"W": [[0.1, 0.0], [0.2, 0.1]], "b": [-0.3, -0.1]},
        {"x": [3.0, 1.0], "y": [1.0, 2.0]},
        update=handgrad.Update("sgd", 0.01),
    )
    study = handgrad.train(problem, 3)
    assert study.started_dead == study.ended_dead == (("h", (0,)),)
    assert study.dead["h"] == (1, 1, 1, 1)
    assert study.events == ()
    # The loss is that of a first unit that stays off: 1 + (h₂ − 2)², and one step of h₂ is −2·rate·(h₂ − 2)·|x|².
    gaps = [0.6 - 2.0]
    for _ in range(3):
        gaps.append(gaps[-1] * (1 - 2 * 0.01 * (9 + 1 + 1)))
    assert study.losses == pytest.approx([1 + gap**2 for gap in gaps])


@pytest.mark.parametrize("written", ["relu(W @ x - c)", "relu(x @ W.T - c)"])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_a_rest_of_rounding_opens_no_gate_in_one_of_several_cases(written: str, rule: str) -> None:
    """In the first case z is 0 on paper, in the second 0.3: W moves by the second alone."""
    problem = handgrad.Problem(
        f"h = {written}\nL = sum((h - 1)**2)",
        {"W": [[0.1]]},
        {"x": {"cases": [[3.0], [6.0]]}, "c": [0.3]},
        update=handgrad.Update(rule, 0.01),
    )
    study = handgrad.train(problem, 1)
    gap = 0.3 - 1
    w = 0.1 - 0.01 * (gap * 6 if rule == "sgd" else -1)
    hs = [max(0.0, w * 3 - 0.3), w * 6 - 0.3]
    assert study.losses[1] == pytest.approx(sum((h - 1) ** 2 for h in hs) / 2, rel=1e-6)


def test_a_kink_that_is_met_on_paper_is_met_after_updates() -> None:
    """|0.1 + 0.2 − 0.3| is 0, its slope is taken as 0, and nothing moves; floats would leave 5.6e-17."""
    problem = handgrad.Problem(
        "z = w @ x + b\nL = (abs(z) - 1)**2",
        {"w": [0.1, 0.2], "b": -0.3},
        {"x": [1, 1]},
        update=handgrad.Update(rate=0.1),
    )
    assert handgrad.train(problem, 3).losses == (1.0, 1.0, 1.0, 1.0)
    assert [float(s.after) for s in handgrad.solve(problem, steps=3).training] == [1, 1, 1]


@pytest.mark.parametrize("taken", ["max_pool1d(a, size=2)", "max(a)", "maximum(a[0], a[1])"])
def test_what_differs_by_a_rest_is_a_tie(taken: str) -> None:
    """0.1·3 and 0.3·1 tie on paper, and each gets half of the gradient 0.6: w is then (0.01, 0.27)."""
    problem = handgrad.Problem(
        f"a = w*x\nP = {taken}\nL = sum(P)**2",
        {"w": [0.1, 0.3]},
        {"x": [3, 1]},
        update=handgrad.Update(rate=0.1),
    )
    losses = [0.09, 0.27**2, (0.27 - 0.1 * 2 * 0.27) ** 2]
    assert handgrad.train(problem, 2).losses == pytest.approx(losses)
    trained = handgrad.solve(problem, steps=2).training
    assert [float(s.after) for s in trained] == pytest.approx(losses[1:])


def test_a_rule_that_divides_by_the_gradients_size_makes_no_step_of_a_rest() -> None:
    """1.4 − 0.8 − 0.6 is 0 on paper, and so is the gradient of u: Adam moves v alone, by its rate."""
    problem = handgrad.Problem(
        "s = u[0] - u[1] - y\nL = 1000000*s**2 + v",
        {"u": [1.4, 0.8], "v": 1.0},
        {"y": 0.6},
        update=handgrad.Update("adam", 0.1),
    )
    expected = [1 - 0.1 * k for k in range(4)]
    assert handgrad.train(problem, 3).losses == pytest.approx(expected, rel=1e-6)
    trained = handgrad.solve(problem, steps=3).training
    assert [float(s.after) for s in trained] == pytest.approx(expected[1:], rel=1e-6)


def test_an_update_leaves_no_rest_of_a_parameter() -> None:
    """0.3 − 0.1·3 is 0 on paper, where |w| has slope 0; floats would leave −5.6e-17 and turn back."""
    problem = handgrad.Problem("L = 3*abs(w)", {"w": 0.3}, update=handgrad.Update(rate=0.1))
    assert handgrad.train(problem, 3).losses == pytest.approx((0.9, 0, 0, 0))
    assert [float(s.after) for s in handgrad.solve(problem, steps=3).training] == [0, 0, 0]


def test_units_beyond_those_that_are_asked_about() -> None:
    """What can still move a unit is asked of the first 128 of 200 dead ones, and no more is said."""
    problem = handgrad.Problem(
        ["z = w * x + b", "L = sum(relu(z))"],
        {"w": np.ones(200), "b": -9 * np.ones(200)},
        {"x": np.ones(200)},
        update=handgrad.Update(rate=0.1),
    )
    page = handgrad.train(problem, 2).page()
    text = render_terminal(page, width=200, colour=False, unicode=True)
    assert "At least 128 of the 200 units dead at the end never fire again" in " ".join(
        text.split()
    )


@pytest.mark.parametrize(
    ("probability", "left"),
    [("sigmoid(z)", "1 - p"), ("tanh(0.5*z)", "0.25*(1 - p**2)"), ("softmax(v*z)", "1 - p[0]")],
)
def test_what_is_left_of_a_certain_probability_is_no_residue(probability: str, left: str) -> None:
    # 1 − σ(33) is 4.7e-15, what rounding may leave of other numbers; Adam's first step is the rate, whatever
    # the gradient's size.
    given = handgrad.Problem(
        f"z = w*x\np = {probability}\nL = 1e20*({left})",
        {"w": 33.0},
        {"x": 1.0, "v": [1.0, 0.0]},
        update=handgrad.Update("adam", 1.0),
    )
    before, after = handgrad.train(given, steps=1).losses
    assert before == pytest.approx(1e20 * math.exp(-33), rel=0.05)
    assert after == pytest.approx(1e20 * math.exp(-34), rel=0.1)


def test_a_training_that_runs_away_says_so() -> None:
    # Each update multiplies w by 1 - 2·10·9 = -179 and the loss by its square.
    given = handgrad.Problem(
        "z = w*x\nh = relu(z)\nL = z**2 + 0*h",
        {"w": 1.0},
        {"x": 3.0},
        update=handgrad.Update("sgd", 10.0),
    )
    study = handgrad.train(given, steps=5)
    assert study.losses[3] < 9e15 < study.losses[4]
    assert study.ran_away == 4
    page = " ".join(render_terminal(study.page()).split())
    assert "After update 4 the loss is more than 10¹⁵ times what it was at first" in page
    assert handgrad.train(given, steps=3).ran_away is None
    assert study.to_json()["ran_away"] == 4


@pytest.mark.parametrize("function", ["layernorm(w * x)", "batchnorm(reshape(w * x, shape=(3, 1)))"])  # fmt: skip
def test_equal_entries_are_normalised_to_nothing(function: str) -> None:
    """0.9 · 0.4 and 0.6 · 0.6 are one number on paper; of the rest, RMSProp would make a step of v."""
    problem = handgrad.loads(
        f"""
equations = '''
n = {function}
L = (sum(v * n) - 1)**2
'''
[parameters]
v = [0.5, 0.5, -1]
[data]
w = [0.9, 0.6, 1.2]
x = [0.4, 0.6, 0.3]
[update]
rule = "rmsprop"
rate = 1
""".replace("v * n", "v * n" if "layer" in function else "v * n[:, 0]")
    )
    training = handgrad.train(problem, steps=2)
    assert training.losses == (1.0, 1.0, 1.0)


def test_one_unit_is_spoken_of_as_one() -> None:
    problem = handgrad.Problem(
        "h = relu(w @ x + b)\nL = mse(h, y)",
        {"w": [0.5, -0.3], "b": -0.1},
        {"x": {"cases": [[1, 2], [0.5, 1], [3, 5]]}, "y": {"cases": [0, 0, 0]}},
        update=handgrad.Update(rate=0.1),
    )
    for pages in (handgrad.train(problem, steps=3).page(), handgrad.gates(problem).page()):
        told = " ".join(plain_text(b.text) for b in pages.blocks if isinstance(b, Note))
        assert "The one unit is dead" in told
        assert " 1 unit" not in told


def test_a_dead_network_is_told_before_its_loss() -> None:
    page = handgrad.train(handgrad.load("dying"), 20).page()
    first, second = [b for b in page.blocks if isinstance(b, Note)][:2]
    assert (first.kind, second.kind) == ("warning", "info")
    assert plain_text(first.text) == "All units are dead: none of them fires on any case."
    (over_time,) = [b for b in page.blocks if isinstance(b, Table) and b.caption == ("Over time",)]
    shown = [int(plain_text(row[0])) for row in over_time.rows]
    assert {0, 1, 2, 3, 5, 20} <= set(shown)
    assert len(shown) <= 12


def test_the_first_update_is_that_of_the_worked_solution() -> None:
    """A gradient of 0 through a layer norm and a softmax is 3e-16 in floats, of which Lion takes the sign."""
    problem = handgrad.Problem(
        "A = softmax((X @ Wq) @ (X @ Wk).T / sqrt(2))\nR = X + A @ (X @ Wv)\nN = layernorm(R)\n"
        "F = relu(N @ W1) @ W2\nout = N + F\nL = mse(out, Y)",
        {
            "Wq": [[0.5, 0.5], [1, 0]],
            "Wk": [[0.5, -1.5], [-1.5, 0]],
            "Wv": [[-1, -1], [0.5, 0.5]],
            "W1": [[-1.5, 0], [-1, 1.5]],
            "W2": [[0, -1.5], [0.5, 0.5]],
        },
        {"X": [[1, -1.5], [0, 1]], "Y": [[-1, -1.5], [0.5, -1.5]]},
        update=handgrad.Update("lion", rate=0.5),
    )
    solved = handgrad.solve(problem)
    assert solved.updated["Wq"].tolist() == [[0.5, 0.5], [1, 0]]
    assert handgrad.train(problem, 1).losses[1] == pytest.approx(solved.loss_after, rel=1e-12)
