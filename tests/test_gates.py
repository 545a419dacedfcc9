"""Gates: verdicts known by construction, certificates against random inputs, remedies as measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.audit import Audit, Unit, read_box
from handgrad.audit.structure import OFF
from handgrad.cli.commands import run
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from tests.schemas import validate
from tests.slow import with_slow
from tests.test_json import printed
from tests.zoo import planted

LAB = handgrad.load("lab9")
BUNDLED = [name for name, _, _ in handgrad.bundled()]
WITHOUT_GATES = {"batchnorm", "circuit", "ridge", "sigmoid_circuit"}


def unit(audit: Audit, layer: str, *at: int) -> Unit:
    (found,) = [u for u in audit.of(layer) if u.unit == at]
    return found


def page(audit: Audit, width: int = 100) -> str:
    text = render_terminal(audit.page(), width=width, colour=False, unicode=True)
    return " ".join(text.split())


# -- the lab ---------------------------------------------------------------------------------------


def test_the_lab() -> None:
    audit = handgrad.gates(LAB)
    assert [u.verdict for u in audit.units] == ["alive", "alive", "alive", "gated_off"]
    off = unit(audit, "h2", 1)
    assert off.max_preactivation == pytest.approx(-0.17)
    assert off.blocked == pytest.approx(0.1462, abs=5e-5)
    assert [(z.name, z.part, z.position) for z in off.silences] == [
        ("W2", "row", 1), ("b2", "entry", 1), ("w3", "entry", 1),
    ]  # fmt: skip
    shift = off.remedies[0]
    assert (shift.kind, shift.parameter, shift.entry) == ("bias_shift", "b2", (1,))
    assert shift.amount == pytest.approx(0.17)
    assert shift.works
    shown = page(audit)
    assert "raise b2[1] by more than 0.17" in shown
    assert "It blocks a gradient of size 0.1462" in shown
    assert "row 2 of ∂L/∂W⁽²⁾, entry 2 of ∂L/∂b⁽²⁾ and entry 2 of ∂L/∂w⁽³⁾" in shown


def test_the_labs_third_question() -> None:
    """x = [0, 1]: the first unit of the first layer goes off, and that of the second comes back."""
    audit = handgrad.gates(LAB.with_values({"x": "[0, 1]"}))
    off = [u for u in audit.units if u.verdict != "alive"]
    assert [(u.layer, u.unit, u.verdict) for u in off] == [("h1", (0,), "gated_off")]
    assert [(z.name, z.part) for z in off[0].silences] == [
        ("W1", "row"), ("b1", "entry"), ("W2", "column"),
    ]  # fmt: skip


def test_the_labs_second_question() -> None:
    """With sigmoid in place of ReLU nothing is off, and every unit lets a gradient through."""
    audit = handgrad.gates(LAB.with_swap({"relu": "sigmoid"}))
    assert {u.verdict for u in audit.units} == {"alive"}
    assert all(u.gradient > 0 for u in audit.units)
    assert not any(layer.gate for layer in audit.layers)


def test_remedies_are_measured() -> None:
    """Each result is what a problem changed by hand gives."""
    audit = handgrad.gates(LAB)
    found = {r.kind: r for r in unit(audit, "h2", 1).remedies}
    raised = LAB.with_values({"b2": [0.2, 0.1 + found["bias_shift"].tried]})
    gradient = handgrad.run(raised, build(raised)).gradient("z2")
    assert found["bias_shift"].gradient == pytest.approx(abs(gradient[1]))
    leaky = LAB.with_swap({"relu": "leaky_relu"})
    gradient = handgrad.run(leaky, build(leaky)).gradient("z2")
    assert found["leaky_form"].gradient == pytest.approx(abs(gradient[1]))
    trained = handgrad.solve(LAB.with_values({"rate": 0.01}), steps=10).updated
    after = LAB.with_values(trained)
    z = handgrad.run(after, build(after)).value("z2")
    assert found["smaller_rate"].fired == float(z[1] > 0)
    assert 0 < found["redraw"].draws_firing < found["redraw"].draws
    barely = LAB.with_values({"b2": [0.2, 0.1 + found["bias_shift"].amount - 1e-9]})
    assert unit(handgrad.gates(barely), "h2", 1).verdict == "gated_off"


def test_fire_on_some_cases() -> None:
    g = np.random.default_rng(0)
    dead = LAB.with_values({"b2": [-5, 0.1]})
    data = {"x": g.normal(size=(2, 50)), "y": np.ones(50)}
    for wanted in (1, 50):
        audit = handgrad.gates(dead, data, fire_on=wanted)
        shift = unit(audit, "h2", 0).remedies[0]
        assert shift.kind == "bias_shift"
        assert wanted <= shift.fired <= 50
        less = dead.with_values({"b2": [-5 + shift.amount - 1e-9, 0.1]})
        assert unit(handgrad.gates(less, data), "h2", 0).fired < wanted


# -- the zoo ---------------------------------------------------------------------------------------


def wrong_in_zoo(seed: int) -> list[Any]:
    """What an audit says otherwise than was planted."""
    zoo = planted(seed)
    box = read_box(zoo.problem, ["x in [-1, 1]"])
    audit = handgrad.gates(zoo.problem, zoo.data, over=box, remedies=False)
    found = {(u.layer, u.unit[0]): u.verdict for u in audit.units}
    assert found.keys() == zoo.verdicts.keys()
    return [(seed, k, zoo.verdicts[k], v) for k, v in found.items() if v != zoo.verdicts[k]]


@pytest.mark.parametrize(
    "seeds", [range(25), pytest.param(range(25, 100), marks=pytest.mark.sweep)], ids=str
)
def test_planted_verdicts(seeds: range) -> None:
    assert [w for seed in seeds for w in wrong_in_zoo(seed)] == []


@pytest.mark.sweep
def test_a_thousand_planted_networks() -> None:
    assert [w for seed in range(1000, 2000) for w in wrong_in_zoo(seed)] == []


def test_every_verdict_is_planted() -> None:
    planted_ones = {v for seed in range(100) for v in planted(seed).verdicts.values()}
    assert planted_ones == {"alive", "dead_on_data", "provably_dead", "starved", "saturated"}


def test_an_output_logit_is_no_gate() -> None:
    """Always negative, and nothing shuts on it."""
    problem = handgrad.Problem(
        ["z1 = W @ x", "h = relu(z1)", "z2 = w.T @ h - 9", "yhat = sigmoid(z2)", "L = (yhat - y)**2"],
        {"W": [[1, 0], [0, 1]], "w": [1, 1]}, {"x": [1, 1], "y": 1},
    )  # fmt: skip
    audit = handgrad.gates(problem, {"x": np.ones((2, 5)), "y": np.ones(5)})
    assert unit(audit, "yhat").verdict == "saturated"
    assert not any(u.verdict in OFF for u in audit.units)
    fused = handgrad.Problem(
        [*(e.text for e in problem.equations[:4]), "L = bce(yhat, y)"],
        problem.parameters, problem.data,
    )  # fmt: skip
    assert [layer.name for layer in handgrad.gates(fused).layers] == ["h"]


def test_gates_within_an_equation() -> None:
    problem = handgrad.Problem(
        "L = sum(relu(W @ x + b))", {"W": [[1, 1], [1, -1]], "b": [-3, 0]}, {"x": [1, 0.5]}
    )
    audit = handgrad.gates(problem)
    assert [u.verdict for u in audit.units] == ["gated_off", "alive"]
    assert audit.units[0].silences[0].name == "W"
    assert "W" in page(audit)


def test_a_second_use_is_not_silenced() -> None:
    """z goes on past its gate too: the shut gate silences nothing that leads into z."""
    problem = handgrad.Problem(
        ["z = W @ x", "h = relu(z)", "L = sum(u*h) + sum(z)"],
        {"W": [[-1.0, 0], [1, 0]], "u": [1.0, 1.0]}, {"x": [1, 1]},
    )  # fmt: skip
    off = unit(handgrad.gates(problem), "h", 0)
    assert off.verdict == "gated_off"
    assert off.gradient == 0
    assert [z.name for z in off.silences] == ["u"]


# -- boxes -----------------------------------------------------------------------------------------


def network(seed: int, sizes: list[int]) -> handgrad.Problem:
    g = np.random.default_rng(seed)
    problem = handgrad.Problem.mlp(sizes, seed=seed)
    shifted = {
        n: v.array - g.uniform(0, 1.5, v.array.shape)
        for n, v in problem.parameters.items()
        if n.startswith("b")
    }
    return problem.with_values(shifted)


def contradicted(seed: int, inputs: int) -> int:
    """Units certified dead over a box, or shown to fire, and refuted by one of many inputs in it."""
    problem = network(seed, [3, 6, 5, 1])
    box = read_box(problem, ["x in [-1,1]x[0,0.5]x[-0.2,2]"])
    audit = handgrad.gates(problem, over=box, tighten=True, remedies=False)
    g = np.random.default_rng(seed + 1)
    (low, high) = box["x"]
    x = g.uniform(low[:, None], high[:, None], (3, inputs))
    wide = handgrad.gates(problem, {"x": x, "y": np.ones(inputs)}, remedies=False)
    wrong = 0
    for bounded, counted in zip(audit.units, wide.units, strict=True):
        certificate = bounded.certificate
        if certificate is None:
            continue
        wrong += counted.max_preactivation > certificate.upper
        wrong += certificate.decided == "dead" and counted.fired > 0
        if certificate.decided == "fires":
            assert certificate.witness is not None
            at = problem.with_values({"x": list(certificate.witness["x"])})  # type: ignore[arg-type]
            wrong += unit(handgrad.gates(at, remedies=False), bounded.layer, *bounded.unit).fired != 1  # fmt: skip
    return wrong


@pytest.mark.parametrize("seed", range(4))
def test_no_certificate_is_contradicted(seed: int) -> None:
    assert contradicted(seed, 100_000) == 0


@pytest.mark.sweep
def test_no_certificate_of_many_is_contradicted() -> None:
    assert sum(contradicted(seed, 100_000) for seed in range(10, 60)) == 0


def test_tightening_decides_more() -> None:
    """h2 is relu(h1₁ + h1₂ − 1.2) with h1 = relu(±x): intervals say up to 0.8, the truth is −0.2."""
    problem = handgrad.Problem(
        ["z1 = W1 @ x", "h1 = relu(z1)", "z2 = w2.T @ h1 - 1.2", "h2 = relu(z2)", "L = h2"],
        {"W1": [[1.0], [-1.0]], "w2": [1.0, 1.0]}, {"x": [0.5]},
    )  # fmt: skip
    box = read_box(problem, ["x in [-1,1]"])
    loose = unit(handgrad.gates(problem, over=box), "h2")
    assert loose.verdict == "gated_off"
    assert loose.certificate is not None
    assert loose.certificate.decided == "undecided"
    assert loose.certificate.upper == pytest.approx(0.8)
    tight = unit(handgrad.gates(problem, over=box, tighten=True), "h2")
    assert tight.verdict == "provably_dead"
    assert tight.certificate is not None
    assert tight.certificate.upper <= 0
    curve = handgrad.Problem(["z = x*(1 - x) - 0.3", "L = relu(z)"], {}, {"x": 0.5})
    box = read_box(curve, ["x in [0, 1]"])
    split = unit(handgrad.gates(curve, over=box, tighten=True), "L")
    assert split.verdict == "provably_dead"
    assert split.certificate is not None
    assert split.certificate.boxes > 1
    assert -0.05 <= split.certificate.upper <= 0


def test_tightening_decides_channels() -> None:
    """z = conv(x) − conv(x) + b is b at each position; intervals say up to 2 + b."""
    problem = handgrad.Problem(
        "z = conv1d(x, K) - conv1d(x, K) + b\nh = relu(z)\nL = sum(h)",
        {"K": [[[1.0, 1.0]], [[1.0, -1.0]]], "b": [[-0.1], [0.1]]}, {"x": [[0.5, 0.2, 0.4]]},
    )  # fmt: skip
    box = {"x": (np.zeros((1, 3)), np.ones((1, 3)))}
    audit = handgrad.gates(problem, over=box, tighten=True, remedies=False)
    found = {u.unit: u.certificate for u in audit.units}
    assert found[0,] is not None
    assert found[0,].decided == "dead"
    assert -0.1 <= found[0,].upper <= 0
    assert found[1,] is not None
    assert found[1,].decided == "fires"
    # With a bias for each position, every one is bounded by itself.
    some = handgrad.Problem(
        "z = conv1d(x, K) - conv1d(x, K) + b\nh = relu(z)\nL = sum(h)",
        {"K": [[[1.0, 1.0]]], "b": [[-0.1, -0.1]]}, {"x": [[0.5, 0.2, 0.4]]},
    )  # fmt: skip
    loose = handgrad.gates(some, over=box, remedies=False)
    assert {u.certificate.decided for u in loose.units if u.certificate} == {"undecided"}
    tight = handgrad.gates(some, over=box, tighten=True, remedies=False)
    assert {u.certificate.decided for u in tight.units if u.certificate} == {"dead"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x in [-1,1]^3", "x has 2 entries, but the box has 3"),
        ("x in [1,-1]^2", "ends before it begins"),
        ("x in [-1,inf]^2", "not a finite number"),
        ("x in [a,1]^2", "not a finite number"),
        ("x in", "is not a box"),
        ("x", "is not a box"),
        ("x in [-1,1]x", "is not a box"),
        ("q in [-1,1]", "is not among"),
        ("W1 in [-1,1]", "is not among"),
        ("x in [0,1]^99999999", "too many"),
        ("\x1b[2J in [0,1]", "is not a box"),
    ],
)
def test_boxes_that_are_none(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gates", "lab9", "--over", text]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert said in error
    assert "\x1b" not in error


def test_a_box_of_row_numbers_is_refused() -> None:
    """At 0.5 there is no row, and no unit that fires or does not."""
    problem = handgrad.Problem(
        "h = relu(E[ids] + 3)\nL = sum(h)", {"E": [[0.5], [1.5]]}, {"ids": [0, 1]}
    )
    with pytest.raises(handgrad.OptionError, match="ids numbers the entries of another value"):
        handgrad.gates(problem, over={"ids": (np.zeros(2), np.ones(2))})


def test_boxes_in_other_spellings() -> None:
    for text in ("x in [-1,1]^2", "x ∈ [−1, 1] × [-1,1]", "x in [-1,1]"):
        low, high = read_box(LAB, [text])["x"]
        assert (low.tolist(), high.tolist()) == ([-1, -1], [1, 1])


# -- counting --------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_counts_are_those_of_a_run_of_all_cases(seed: int, count: int) -> None:
    """However the cases come in blocks, every counter is that of the arrays held whole."""
    problem = network(seed, [3, 7, 4, 2, 1])
    g = np.random.default_rng(seed)
    data = {"x": g.normal(size=(3, count)), "y": g.integers(0, 2, count).astype(float)}
    audit = handgrad.gates(problem, data, remedies=False)
    whole = problem.with_values({"x": {"cases": data["x"].T}, "y": {"cases": data["y"]}})
    result = handgrad.run(whole, build(whole))
    for u in audit.units:
        z = result.value(u.layer.replace("h", "z"))[u.unit]
        dz = result.gradient(u.layer.replace("h", "z"))[u.unit]
        dh = result.gradient(u.layer)[u.unit]
        assert (u.fired, u.cases) == (int((z > 0).sum()), count)
        assert u.max_preactivation == pytest.approx(z.max(), rel=1e-12)
        assert u.gradient == pytest.approx(abs(dz).mean(), rel=1e-9, abs=1e-15)
        assert u.blocked == pytest.approx(abs(dh[z <= 0]).sum() / count, rel=1e-9, abs=1e-15)
    for layer in audit.layers:
        dz = result.gradient(layer.name.replace("h", "z"))
        norm = np.sqrt((dz**2).sum(axis=0).mean())
        assert layer.gradient_out == pytest.approx(norm, rel=1e-9, abs=1e-15)


def test_blocks_of_a_file_and_progress(tmp_path: Path) -> None:
    g = np.random.default_rng(0)
    table = np.column_stack([g.normal(size=(20_000, 2)), np.ones(20_000)])
    np.save(tmp_path / "data.npy", table)
    told: list[tuple[int, int | None]] = []
    audit = handgrad.gates(
        LAB, tmp_path / "data.npy", progress=lambda done, of: told.append((done, of))
    )
    whole = handgrad.gates(LAB, {"x": table[:, :2].T, "y": table[:, 2]})
    assert [u.fired for u in audit.units] == [u.fired for u in whole.units]
    assert audit.cases == 20_000
    assert told[-1] == (20_000, 20_000)
    assert len(told) > 1


def test_vanishing_and_exploding() -> None:
    def deep(scale: float) -> handgrad.Problem:
        lines, parameters, value = [], {}, "x"
        for k in range(1, 9):
            lines += [f"z{k} = W{k} @ {value}", f"h{k} = relu(z{k})"]
            parameters[f"W{k}"] = scale * np.eye(2)
            value = f"h{k}"
        return handgrad.Problem([*lines, f"L = sum({value})"], parameters, {"x": [1.0, 2.0]})

    flows = {s: [x.flow for x in handgrad.gates(deep(s)).layers] for s in (0.1, 1.0, 10.0)}
    assert flows[0.1] == ["vanishing"] * 4 + ["steady"] * 4
    assert flows[1.0] == ["steady"] * 8
    assert flows[10.0] == ["exploding"] * 4 + ["steady"] * 4


# -- reports ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", with_slow(BUNDLED, {"lstm"}))
def test_bundled_problems(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name in WITHOUT_GATES:
        assert run(["gates", name]) == 2
        assert "no gates" in capsys.readouterr().err
        return
    audit = handgrad.gates(handgrad.load(name))
    validate(audit.to_json(), "gates")
    page = audit.page()
    for width in (40, 80):
        lines = render_terminal(page, width=width, colour=False, unicode=True).splitlines()
        assert max(map(len, lines)) <= width + 8  # combining accents count
    out = render_terminal(page, width=80, colour=False, unicode=False)
    assert out.isascii()
    assert "?" not in out


def test_json_of_everything(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--over", "x in [-1,1]^2", "--tighten", "--set", "b2=[-5,0.1]"]
    found = printed(["gates", "lab9", *options], capsys)
    validate(found, "gates")
    by_unit = {(u["layer"], *u["unit"]): u for u in found["units"]}
    assert by_unit["h2", 0]["verdict"] == "provably_dead"
    assert by_unit["h2", 0]["certificate"]["upper"] <= 0
    assert by_unit["h1", 0]["verdict"] == "starved"
    assert by_unit["h1", 0]["starved_by"] == "gates"
    found["units"][0]["verdict"] = "mostly dead"
    with pytest.raises(jsonschema.ValidationError):
        validate(json.loads(json.dumps(found)), "gates")


def test_what_cannot_be_audited(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gates", "lab9", "--tighten"]) == 2
    assert "over a box" in capsys.readouterr().err
    assert run(["gates", "lab9", "--data", "x=a.npy", "--data", "x=b.npy"]) == 2
    assert "two files" in capsys.readouterr().err
    many = handgrad.Problem("L = sum(relu(w))", {"w": {"cases": [[1, 2], [3, 4]]}})
    with pytest.raises(handgrad.OptionError, match="many networks"):
        handgrad.gates(many)
    with pytest.raises(handgrad.OptionError, match="does not fit"):
        handgrad.gates(LAB, {"x": np.ones((3, 5))})
    with pytest.raises(handgrad.OptionError, match="y has cases"):
        handgrad.gates(handgrad.load("batch"), {"x": np.ones((2, 5))})


def test_gradient_that_arrives_the_same_in_every_case() -> None:
    """L = v @ h with nothing shut: as much gradient enters the layer as leaves it."""
    g = np.random.default_rng(0)
    problem = handgrad.Problem(
        ["z = W @ x + b", "h = relu(z)", "L = v @ h"],
        {"W": np.abs(g.normal(size=(3, 2))), "b": [1, 1, 1], "v": [2, 1, 2]},
        {"x": {"cases": np.abs(g.normal(size=(10, 2)))}},
    )
    (layer,) = handgrad.gates(problem, remedies=False).layers
    assert layer.gradient_in == pytest.approx(3)
    assert layer.gradient_out == pytest.approx(3)


IN_ROWS = [
    ("L = mse(H @ W2 + b2, Y)", "mean"),
    ("L = sum((H @ W2 + b2 - Y)**2) / 4", "sum"),
    ("L = mean((H @ W2 + b2 - Y)**2) + 0.1*sum(W1**2)", "mean"),
]


def in_rows(loss: str, batched: bool, reduction: str = "mean") -> handgrad.Problem:
    """X @ W with four examples in rows; or with the same four as cases."""
    generator = np.random.default_rng(2)
    x, y = generator.normal(size=(4, 2)), generator.normal(size=(4, 1))
    return handgrad.Problem(
        ["Z = X @ W1 + b1", "H = relu(Z)", loss],
        {
            "W1": generator.normal(size=(2, 5)),
            "b1": [-3.0, 0.1, 0.2, -0.5, -4.0],
            "W2": generator.normal(size=(5, 1)),
            "b2": [0.1],
        },
        {"X": {"cases": x}, "Y": {"cases": y}} if batched else {"X": x, "Y": y},
        reduction=reduction,
    )


@pytest.mark.parametrize(("loss", "reduction"), IN_ROWS)
def test_examples_in_rows_are_cases(loss: str, reduction: str) -> None:
    """The audit of X @ W is that of its rows as cases, and so is its training."""
    found = handgrad.gates(in_rows(loss, batched=False))
    expected = handgrad.gates(in_rows(loss, batched=True, reduction=reduction))
    assert found.rows == ("X", "Y")
    assert not expected.rows
    assert found.cases == 4
    assert found.units == expected.units
    assert [u.verdict for u in found.units].count("dead_on_data") >= 2
    page = render_terminal(found.page(), width=80, colour=False, unicode=True)
    assert "4 cases, the rows of X and Y." in page
    trained = handgrad.train(in_rows(loss, batched=False), 20)
    as_cases = handgrad.train(in_rows(loss, batched=True, reduction=reduction), 20)
    assert trained.rows == ("X", "Y")
    assert trained.losses == pytest.approx(as_cases.losses, rel=1e-12)
    assert trained.events == as_cases.events


@pytest.mark.parametrize(
    "loss",
    [
        "L = mse(softmax(H, axis=0) @ W2 + b2, Y)",  # rows that weigh each other
        "L = mse(H @ W2 + b2, Y)**2",  # no sum over the rows
        "L = sum((H @ W2 + b2 - Y)**2) + 0.1*sum(W1**2)",  # a penalty counted once
    ],
)
def test_rows_that_are_no_examples_of_their_own(loss: str) -> None:
    found = handgrad.gates(in_rows(loss, batched=False))
    assert not found.rows
    assert found.cases == 1


@pytest.mark.parametrize(
    ("equations", "parameters", "x"),
    [
        (["s = mean(X @ w)", "L = (s - y)**2"], {"w": [0, 0]}, [[1, 2], [0, 1], [2, 1]]),
        (["s = mean(X @ w)", "L = (s - y)**2"], {"w": [1, 2]}, [[1, 2], [1, 2], [1, 2]]),
        (
            ["s = mean(X @ w)", "L = (s - y)**2 / 10**6"],
            {"w": [0.01, 0]},
            [[1e-3, 2e-3], [1e-3, 0]],
        ),
        (
            ["H = relu(X @ W - 9)", "s = mean(H @ v)", "L = (s - y)**2"],
            {"W": [[1, 0.5], [0.5, -1]], "v": [1, 2]},
            [[1, 2], [0, 1], [2, 1]],
        ),
        (["L = mean(relu(X*k + y))"], {"k": 2}, [[1, 2], [0, 1]]),
    ],
    ids=["zero weights", "equal rows", "small numbers", "no open gate", "an image"],
)
def test_rows_that_are_alike_by_accident(equations: Any, parameters: Any, x: Any) -> None:
    """At these numbers the rows apart would have the same loss and gradients; elsewhere they do not."""
    problem = handgrad.Problem(
        equations, parameters, {"X": x, "y": 1}, update=handgrad.Update("sgd", 0.1)
    )
    trained = handgrad.train(problem, 3)
    assert not trained.rows
    steps = handgrad.solve(problem, steps=3).training
    losses = [float(x) for x in (steps[0].before, *(t.after for t in steps))]
    assert trained.losses == pytest.approx(losses, rel=1e-12)


def test_every_way_is_compared_on_the_same_rows() -> None:
    study = handgrad.compare_training(in_rows(IN_ROWS[0][0], batched=False), 5, batch=2)
    assert {(s.rows, s.cases, s.batch) for s in (study, *study.compared)} == {(("X", "Y"), 4, 2)}


def test_a_target_that_the_loss_is_not_made_for(tmp_path: Path) -> None:
    """Far down in a file of cases, and whether remedies are tried or not."""
    path = tmp_path / "cases.npy"
    rows = np.ones((3000, 3))
    rows[2345, 2] = 2.0
    np.save(path, rows)
    for remedies in (True, False):
        with pytest.raises(handgrad.NumberError, match="case 2346: y must be a target from 0 to 1"):
            handgrad.gates(handgrad.load("lab9"), path, remedies=remedies)


def in_columns(loss: str, batched: bool, reduction: str = "mean") -> handgrad.Problem:
    """W @ X with four examples in columns; or with the same four as cases."""
    rows = in_rows(loss, batched)
    values = {n: np.asarray(g.array) for n, g in rows.parameters.items()}
    x, y = np.asarray(rows.data["X"].array), np.asarray(rows.data["Y"].array)
    return handgrad.Problem(
        ["Z = W1 @ X + b1", "H = relu(Z)", loss],
        {
            "W1": values["W1"].T,
            "b1": values["b1"] if batched else values["b1"][:, None],
            "W2": values["W2"].T,
            "b2": values["b2"] if batched else values["b2"][:, None],
        },
        {"X": {"cases": x.T}, "Y": {"cases": y.T}} if batched else {"X": x.T, "Y": y.T},
        reduction=reduction,
    )


IN_COLUMNS = [
    ("L = mse(W2 @ H + b2, Y)", "mean"),
    ("L = sum((W2 @ H + b2 - Y)**2) / 4", "sum"),
    ("L = mean((W2 @ H + b2 - Y)**2) + 0.1*sum(W1**2)", "mean"),
]


@pytest.mark.parametrize(("loss", "reduction"), IN_COLUMNS)
def test_examples_in_columns_are_cases(loss: str, reduction: str) -> None:
    """The audit of W @ X is that of its columns as cases, and so is its training."""
    found = handgrad.gates(in_columns(loss, batched=False))
    expected = handgrad.gates(in_columns(loss, batched=True, reduction=reduction))
    assert (found.rows, found.columns) == ((), ("X", "Y"))
    assert found.cases == 4
    for ours, theirs in zip(found.units, expected.units, strict=True):
        assert (ours.unit, ours.fired, ours.verdict) == (theirs.unit, theirs.fired, theirs.verdict)
        assert ours.gradient == pytest.approx(theirs.gradient)
        assert [(r.kind, r.works) for r in ours.remedies if r.kind != "redraw"] == [
            (r.kind, r.works) for r in theirs.remedies if r.kind != "redraw"
        ]
    assert "4 cases, the columns of X and Y." in page(found, 80)
    trained = handgrad.train(in_columns(loss, batched=False), 20)
    as_cases = handgrad.train(in_columns(loss, batched=True, reduction=reduction), 20)
    assert trained.columns == ("X", "Y")
    assert trained.losses == pytest.approx(as_cases.losses, rel=1e-12)
    assert [(e.step, e.unit, e.cause) for e in trained.events] == [
        (e.step, e.unit, e.cause) for e in as_cases.events
    ]


@pytest.mark.parametrize("make", [in_rows, in_columns])
def test_boxes_and_data_are_of_one_example(make: Any, tmp_path: Path) -> None:
    loss = IN_ROWS[0][0] if make is in_rows else IN_COLUMNS[0][0]
    problem = make(loss, batched=False)
    box = read_box(problem, ["X in [-1,1]^2"])
    audit = handgrad.gates(problem, over=box, remedies=False)
    assert audit.cases == 4
    assert all(u.certificate is not None for u in audit.units)
    expected = handgrad.gates(make(loss, batched=True), over={"X": (-np.ones(2), np.ones(2))}, remedies=False)  # fmt: skip
    assert [u.certificate.upper for u in audit.units if u.certificate] == pytest.approx(
        [u.certificate.upper for u in expected.units if u.certificate]
    )
    g = np.random.default_rng(0)
    x, y = g.normal(size=(50, 2)), g.normal(size=(50, 1))
    np.save(tmp_path / "cases.npy", np.c_[x, y])
    wide = handgrad.gates(problem, tmp_path / "cases.npy", remedies=False)
    whole = make(loss, batched=True).with_values({"X": {"cases": x}, "Y": {"cases": y}})
    assert wide.cases == 50
    assert [u.fired for u in wide.units] == [
        u.fired for u in handgrad.gates(whole, remedies=False).units
    ]
    # A box of the data whole is taken so.
    whole_box = read_box(problem, ["X in [-1,1]^8"])
    assert handgrad.gates(problem, over=whole_box, remedies=False).cases == 1


@pytest.mark.parametrize(
    "equations", [["z = W", "h = relu(z)"], ["h = relu(W)"], ["h = max(0, W)"]]
)
def test_a_layer_that_is_the_same_in_every_case_has_the_mean_of_sizes(equations: list[str]) -> None:
    problem = handgrad.Problem(
        [*equations, "s = w @ h", "L = (s - y)**2"],
        {"W": [1.0, -0.5], "w": [0.5, 2.0]},
        {"y": {"cases": [0, 1, 2]}},
    )
    audit = handgrad.gates(problem)
    # s = 0.5, so that dL/dh of the cases is 2 (s − y) w: sizes 1, 1 and 3 times w.
    assert [u.gradient for u in audit.units] == pytest.approx([0.5 * 5 / 3, 0.0])
    assert [u.blocked for u in audit.units] == pytest.approx([0.0, 2 * 5 / 3])


def test_a_tie_by_a_rest_shares_the_gradient() -> None:
    """0.1·3 and 0.3·1 tie on paper: each unit gets half of the pool's gradient, 2·0.3/2."""
    problem = handgrad.Problem(
        "z = w*x\nh = relu(z)\nP = max_pool1d(h, size=2)\nL = sum(P)**2",
        {"w": [0.1, 0.3]},
        {"x": [3, 1]},
    )
    audit = handgrad.gates(problem)
    assert [u.gradient for u in audit.of("h")] == pytest.approx([0.3, 0.3])


def test_a_gradient_whose_square_is_too_small_for_floats_arrives() -> None:
    problem = handgrad.Problem(["h = tanh(w*x)", "L = 1e-200*h"], {"w": 0.3}, {"x": 0.5})
    (layer,) = handgrad.gates(problem).layers
    assert layer.gradient_in == pytest.approx(1e-200, rel=1e-12, abs=0)
    assert layer.flow == "steady"


@pytest.mark.parametrize("activation", ["softplus", "silu", "gelu", "elu"])
def test_a_unit_without_slope_is_not_alive(activation: str) -> None:
    """Flat on one side only, they have no share of a largest slope: a slope of 0 is what stops a gradient."""
    problem = handgrad.loads(
        f"""
equations = '''
z = w * x
h = {activation}(z)
L = (v @ h - y)**2
'''
[parameters]
w = [-2000, -1]
v = [1, 1]
[data]
x = [1, 1]
y = 1
"""
    )
    audit = handgrad.gates(problem)
    assert [u.verdict for u in audit.units] == ["saturated", "alive"]
    page = render_terminal(audit.page())
    assert "where its slope is 0 in double precision" in " ".join(page.split())


def test_what_sizes_are_is_said_as_they_are_computed() -> None:
    """A layer's gradient over several cases is a root mean square, a unit's a mean."""
    audit = handgrad.gates(handgrad.load("classes"))
    text = " ".join(render_terminal(audit.page(), width=80, colour=False).split())
    assert "a layer's the root of the mean square of its norms" in text
    trace = handgrad.solve(handgrad.load("classes"))
    passing = trace.run.gradient("z1")
    norms = np.sqrt((passing**2).sum(axis=0))
    assert audit.layers[0].gradient_out == pytest.approx(float(np.sqrt((norms**2).mean())))


@pytest.mark.parametrize("softmax", ["masked_softmax(S, M)", "softmax(S + (M - 1)*1000)"])
@pytest.mark.parametrize("mask", [[[1, 0], [1, 1]], [[1, 1], [1, 1]]])
def test_the_columns_of_a_mask_are_no_examples(softmax: str, mask: list[list[int]]) -> None:
    """A mask moves no loss, so that nothing tells its columns from cases; `train` was refused for it."""
    problem = handgrad.Problem(
        f"S = Q @ K.T\nA = {softmax}\nH = A @ V\nL = sum((H - T)**2)",
        {
            "Q": [[50, 80], [0, 140]],
            "K": [[-200, 400], [300, -700]],
            "V": [[-400, 900], [1000, 700]],
        },
        {"M": mask, "T": [[0.7, 0.2], [-1.3, 1.2]]},
        update=handgrad.Update(rate=0.1),
    )
    audit = handgrad.gates(problem)
    assert (audit.rows, audit.columns) == ((), ())
    assert len(handgrad.train(problem, 2).losses) == 3


@pytest.mark.parametrize("kind", ["html", "tex", "typ", "md"])
def test_how_often_a_unit_fires_is_drawn_in_every_format(kind: str, tmp_path: Path) -> None:
    """LaTeX has no block characters: a bar was eight times [U+2588]."""
    file = tmp_path / f"gates.{kind}"
    handgrad.gates(handgrad.load("classes")).save(file)
    text = file.read_text(encoding="utf-8")
    assert "U+25" not in text
    drawn = {"html": "--share: 0.333", "tex": r"\rule{1.33em}", "typ": "share(33.3%)", "md": "███░░░░░"}  # fmt: skip
    assert drawn[kind] in text


def convolution(side: int) -> handgrad.Problem:
    """A picture of so many rows, two kernels and ReLU: (side − 1)² gates each."""
    rng = np.random.default_rng(side)
    return handgrad.Problem(
        "Z = conv2d(X, K) + b\nH = relu(Z)\nG = relu(sum(H) * v)\nL = sum(G)",
        {"K": rng.normal(size=(2, 1, 2, 2)).tolist(), "b": 0.1, "v": [0.5, -1]},
        {"X": rng.normal(size=(1, side, side)).tolist()},
    )


@pytest.mark.parametrize("side", [3, 5, 7])
def test_a_convolution_s_gates_are_mapped_at_each_position(side: int) -> None:
    """The map is what PyTorch says of every pre-activation, a unit's positions after the other's."""
    problem = convolution(side)
    x, kernels = (torch.tensor(problem.inputs[n].array) for n in ("X", "K"))
    z = torch.nn.functional.conv2d(x[None], kernels)[0] + 0.1
    audit = handgrad.gates(problem)
    page = audit.page()
    printed = " ".join(render_terminal(page, width=200, colour=False, unicode=True).split())
    drawn = 2 * (side - 1) ** 2 <= 64
    later = handgrad.run(problem).value("G") > 0
    states = [*(z > 0).flatten().tolist()] * drawn + later.tolist()
    assert list(audit.sample[0]) == states
    assert f"{sum(states)} of {len(states)} gates are open: a unit has one at each" in printed
    assert ("H has more than 64 gates, too many to be drawn one by one." in printed) == (not drawn)
    if drawn:
        marks = "".join("█" if open_ else "░" for open_ in states[: 2 * (side - 1) ** 2])
        assert marks in printed


def test_sizes_may_add_up_to_more_than_any_float() -> None:
    problem = handgrad.loads(
        'equations = """\nh = relu(w * x + b)\nL = c * h\n"""\n'
        "[parameters]\nw = 1\nb = -5\n[data]\nc = 1.7e308\nx = { cases = [1, 2] }\n"
    )
    (dead,) = handgrad.gates(problem).units
    assert dead.verdict == "dead_on_data"
    assert dead.blocked == np.inf


def test_a_box_over_which_a_bound_has_no_end() -> None:
    """A variance below 0 has no root: nothing is certain of the unit."""
    problem = handgrad.loads(
        'equations = """\na = gamma*(x - mu)/sqrt(v + 1e-05)\nh = relu(a)\nL = mean((h - y)**2)\n"""\n'
        "[parameters]\ngamma = [0.8]\n[data]\nx = [-1.5]\nmu = [1.3]\nv = [1.5]\ny = [0.5]\n"
    )
    box = read_box(problem, ["v in [-1,1]^1"])
    (shut,) = handgrad.gates(problem, over=box, tighten=True, remedies=False).units
    assert shut.certificate is not None
    assert (shut.certificate.decided, shut.certificate.upper) == ("undecided", np.inf)


@pytest.mark.parametrize("y", ["[2, -1]", "[2, -1, 1.5]"])
def test_an_outer_product_is_no_weighted_sum(y: str) -> None:
    columns = y.count(",") + 1
    problem = handgrad.loads(
        f'equations = """\ns = sum(outer(x, y)*W)\nh = relu(s)\nL = h**2\n"""\n'
        f"[parameters]\nW = {[[0.5] * columns] * 2}\n[data]\nx = [1.5, 1]\ny = {y}\n"
    )
    assert [u.verdict for u in handgrad.gates(problem).units] == ["alive"]


def test_of_a_single_case_a_unit_fires_or_does_not() -> None:
    problem = handgrad.Problem(
        "z = W @ x + b\nh = relu(z)\nL = sum(h)",
        {"W": [[1, 1], [1, 1]], "b": [0.5, -9]},
        {"x": [1, 2]},
    )
    text = render_terminal(handgrad.gates(problem).page(), width=200, colour=False, unicode=True)
    assert "does not fire, gradient through it 0" in text
    assert "fires, gradient through it 1" in text
    assert "of 1 case" not in text


def test_a_branch_that_passes_nothing_makes_no_other_vanish() -> None:
    problem = handgrad.Problem(
        "ha = relu(Wa @ x)\nhb = relu(Wb @ x)\nL = 0.5*(va @ ha + vb @ hb - y)**2",
        {"Wa": [[1, 0], [0, 1]], "va": [1, 1], "Wb": [[-1, 0], [0, -1]], "vb": [1, 1]},
        {"x": [1, 2], "y": 1},
    )
    audit = handgrad.gates(problem)
    assert [layer.flow for layer in audit.layers] == ["steady", "blocked"]
    assert "the last that passes any" in " ".join(handgrad.render(audit).split())


def test_a_softmax_whose_entries_the_loss_picks_is_taken_with_it() -> None:
    """Its own slope multiplies nothing, in a matrix as in a vector."""
    problem = handgrad.Problem(
        "h = relu(X @ W)\nP = softmax(h)\nL = -log(P[0, 1]) - log(P[1, 0])",
        {"W": [[1, 0], [0, 1]]},
        {"X": [[1, 2], [0, 1]]},
    )
    (layer,) = handgrad.gates(problem).layers
    assert layer.name == "h"


def test_weights_of_a_distance_are_shrunk_to_what_was_tried() -> None:
    """What a distance makes of half the weights is a quarter: no share is told that was not tried."""
    problem = handgrad.Problem(
        "pa = W @ xa\npp = W @ xp\npn = W @ xn\nd = sum((pa - pp)**2) - sum((pa - pn)**2)\nL = relu(d + 0.5)",
        {"W": [[1, 0.5], [0, 1]]},
        {"xa": [1, 0], "xp": [0.8, 0.3], "xn": [0.1, -0.2]},
    )
    page = " ".join(handgrad.render(handgrad.gates(problem), width=140).split())
    assert "shrink its weights, as a penalty on them does: to 0.7 of what they are" in page
    (unit,) = handgrad.gates(problem).units
    (shrunk,) = [r for r in unit.remedies if r.kind == "shrink"]
    smaller = problem.with_values({"W": shrunk.tried * problem.parameters["W"].array})
    assert float(handgrad.run(smaller).value("L")) > 0


def test_a_part_that_a_gate_is_applied_to_is_written_as_on_the_page() -> None:
    problem = handgrad.Problem("s = relu(m @ u)\nL = (s - 1)**2", {"u": [0.5, -1]}, {"m": [1, 2]})
    assert "s = ReLU of mᵀu" in handgrad.render(handgrad.gates(problem))


def test_units_are_counted_as_one_says_it() -> None:
    """One unit is no 1 of 1, and two functions at each of two steps are units of their step each."""
    one = handgrad.Problem("z = w*x\nh = relu(z)\nL = h**2", {"w": 1.0}, {"x": 1.0})
    assert "The one unit fires." in page(handgrad.gates(one))
    equations = "h0 = x\nfor t in 1..2:\n  h{t} = relu(W @ h{t-1} + x)\nL = sum(h2)"
    timed = handgrad.Problem(equations, {"W": [[0.5, 0.2], [0.3, 0.4]]}, {"x": [1, 0.5]})
    said = " ".join(page(handgrad.gates(timed)).split())
    assert "All 4 units, each counted at every time step, are alive." in said
