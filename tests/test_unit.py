"""One unit worked by itself: its sums, the gradient that arrives, its own parameters; every number PyTorch's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import handgrad
from handgrad.cli.commands import run
from handgrad.equations import source
from handgrad.formats.terminal import render_terminal
from handgrad.problem import Update
from handgrad.solution.sum_lines import SumLine
from handgrad.unit import UnitSolution
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import with_field
from tests.gauntlet.facts.worked import of_unit
from tests.schemas import validate
from tests.slow import LARGE, with_slow
from tests.test_json import printed

BUNDLED = [name for name, _, _ in handgrad.bundled()]


def wide(examples: int = 40, inputs: int = 300, units: int = 50) -> handgrad.Problem:
    """A network with examples in rows, too wide to be read whole."""
    draw = np.random.default_rng(3)
    return handgrad.Problem(
        """
        z1 = X @ W1.T + b1
        h1 = relu(z1)
        z2 = h1 @ W2.T + b2
        L = cross_entropy(softmax(z2, axis=-1), Y)
        """,
        parameters={
            "W1": draw.normal(size=(units, inputs)) / 10,
            "b1": draw.normal(size=units),
            "W2": draw.normal(size=(10, units)) / 3,
            "b2": draw.normal(size=10),
        },
        data={
            "X": draw.normal(size=(examples, inputs)),
            "Y": np.eye(10)[draw.integers(0, 10, examples)],
        },
        update=Update(rate=0.5),
    )


def convolved(examples: int = 3) -> handgrad.Problem:
    """Two convolutions on a batch, normalised between, with a path around."""
    draw = np.random.default_rng(5)
    return handgrad.Problem(
        """
        c1 = conv2d(X, K1, stride=1, padding=1)
        n1 = g1 * (c1 - mean(c1, axis=(0, 2, 3), keepdims=True)) / sqrt(var(c1, axis=(0, 2, 3), keepdims=True) + 1e-5) + s1
        r1 = relu(n1)
        c2 = conv2d(r1, K2, padding=1)
        t2 = c2 + r1
        r2 = relu(t2)
        pooled = mean(r2, axis=(2, 3))
        L = mse(pooled @ V, Y)
        """,
        parameters={
            "K1": draw.normal(size=(4, 2, 3, 3)),
            "g1": draw.normal(size=(4, 1, 1)),
            "s1": draw.normal(size=(4, 1, 1)),
            "K2": draw.normal(size=(4, 4, 3, 3)) / 3,
            "V": draw.normal(size=(4, 2)),
        },
        data={"X": draw.normal(size=(examples, 2, 5, 5)), "Y": draw.normal(size=(examples, 2))},
        update=Update(rate=0.1),
    )


def line_of(lines: tuple[SumLine, ...], target: str) -> SumLine:
    return next(line for line in lines if source(line.target).replace(" ", "") == target)


def test_the_lab() -> None:
    unit = handgrad.solve_unit(handgrad.load("lab9"), "h2[1]")
    pre, value = unit.forward
    assert pre.value == pytest.approx(-0.17)
    assert value.value == 0
    assert [t.value for t in pre.terms] == pytest.approx([-0.3, 0.03, 0.1])
    (arriving,), (passing,) = unit.arriving, unit.passing
    assert arriving.value == pytest.approx(0.14616, abs=1e-5)
    assert passing.value == 0
    assert [(own.parameter, own.count, own.zeros) for own in unit.own] == [
        ("W2", 2, 2),
        ("b2", 1, 1),
    ]
    text = render_terminal(unit.page(), width=80, colour=False, unicode=True)
    assert "it stops a gradient of size 0.1462" in text
    assert "Both entries of W⁽²⁾ that are its own have a gradient of 0." in text


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_every_number_is_pytorchs(name: str) -> None:
    facts = Facts.of(handgrad.load(name))
    judged = 0
    for target in (*facts.targets, *facts.oracle.parameters):
        if target not in facts.at.values:
            continue
        shape = np.shape(facts.at.values[target])
        shape = shape[:-1] if target in facts.oracle.batched else shape
        at = ",".join(str(n - 1) for n in shape)
        try:
            unit = handgrad.solve_unit(facts.problem, f"{target}[{at}]" if at else target, top=2)
        except handgrad.OptionError:
            continue
        claims = [*of_unit(unit, facts)]
        assert [c for c in claims if not c.holds] == []
        unit.page()
        judged += len(claims)
    assert judged


def test_a_wrong_sum_is_found() -> None:
    facts = Facts.of(handgrad.load("classes"))
    unit = handgrad.solve_unit(facts.problem, "h2[1]", top=3)
    first = unit.forward[0]
    assert len(first.terms) < first.count
    false = [
        with_field(first, "rest", first.rest + 0.01),
        with_field(first, "value", first.value + 0.01),
        with_field(first, "terms", first.terms[1:]),
        with_field(first, "terms", first.terms[::-1]),
    ]
    for line in false:
        wrong = with_field(unit, "forward", (line, *unit.forward[1:]))
        assert any(not c.holds for c in of_unit(wrong, facts))
    own = with_field(unit.own[0], "norm", unit.own[0].norm * 1.01)
    assert any(not c.holds for c in of_unit(with_field(unit, "own", (own,)), facts))


def test_a_wide_layer() -> None:
    """The largest terms, what the rest is, and the sums over rows, against PyTorch."""
    problem = wide()
    unit = handgrad.solve_unit(problem, "h1[7]", top=5)
    given = {
        n: torch.tensor(g.array, requires_grad=n in problem.parameters)
        for n, g in problem.inputs.items()
    }
    z1 = given["X"] @ given["W1"].T + given["b1"]
    logits = torch.relu(z1) @ given["W2"].T + given["b2"]
    loss = torch.nn.functional.cross_entropy(logits, given["Y"])
    of_z, of_w, of_b = torch.autograd.grad(loss, [z1, given["W1"], given["b1"]])
    passing = of_z[:, 7]
    row = int(passing.abs().argmax())
    assert source(unit.value).replace(" ", "") == f"h1[{row},7]"
    assert unit.chosen == "gradient"
    assert unit.fired is not None
    assert (unit.fired.open, unit.fired.places) == (int((z1[:, 7] > 0).sum()), 40)
    pre = unit.forward[0]
    products = (given["X"][row] * given["W1"][7]).detach().numpy()
    largest = products[np.argsort(-abs(products))[:5]]
    assert [t.value for t in pre.terms] == pytest.approx([*largest, float(given["b1"][7].detach())])
    assert pre.count == 301
    assert pre.rest == pytest.approx(products.sum() - largest.sum())
    weights, bias = unit.own
    theirs = of_w[7].numpy()
    assert weights.norm == pytest.approx(np.linalg.norm(theirs))
    assert [e.gradient for e in weights.entries] == pytest.approx(
        theirs[np.argsort(-abs(theirs), kind="stable")[:5]]
    )
    assert weights.entries[0].updated == pytest.approx(
        weights.entries[0].value - 0.5 * weights.entries[0].gradient
    )
    assert bias.entries[0].gradient == pytest.approx(float(of_b[7]))
    example = unit.example[0]
    assert example.count == 40
    assert sum(t.value for t in example.terms) + example.rest == pytest.approx(example.value)


def test_a_channel_has_the_whole_kernel_for_its_own() -> None:
    unit = handgrad.solve_unit(convolved(), "r2[3]")
    assert [(own.parameter, own.count) for own in unit.own] == [("K2", 36)]
    assert [source(line.target).partition("[")[0] for line in unit.forward] == ["c2", "t2", "r2"]
    assert unit.fired is not None
    assert unit.fired.places == 3 * 25
    normalised = handgrad.solve_unit(convolved(), "r1[2]")
    assert [(o.parameter, o.count) for o in normalised.own] == [("K1", 18), ("g1", 1), ("s1", 1)]


@pytest.mark.parametrize("asked", ["r1[0]", "r2[1]", "c2[2,1,0,0]", "K2[3,0,0,2]", "n1[3]"])
def test_convolutions_against_pytorch(asked: str) -> None:
    problem = convolved()
    facts = Facts.of(problem)
    claims = [*of_unit(handgrad.solve_unit(problem, asked), facts)]
    assert [c for c in claims if not c.holds] == []


def test_a_weight_names_its_unit_and_stands_first() -> None:
    unit = handgrad.solve_unit(wide(), "W1[7,120]")
    assert source(unit.value).endswith("7]")
    assert source(unit.own[0].entries[0].entry).replace(" ", "") == "W1[7,120]"


def test_a_case_can_be_chosen() -> None:
    rows = handgrad.solve_unit(wide(), "h1[7]", case=4)
    assert source(rows.value).replace(" ", "") == "h1[4,7]"
    problem = handgrad.load("classes")
    unit = handgrad.solve_unit(problem, "h2[1]", case=2)
    assert unit.case == 2
    trace = handgrad.solve(problem)
    assert unit.forward[-1].value == pytest.approx(trace.run.value("h2")[1, 2])
    channel = handgrad.solve_unit(convolved(), "r1[0]", case=1)
    assert source(channel.value).startswith("r1[1, 0, ")


def test_a_unit_that_no_gradient_reaches() -> None:
    problem = wide().with_values({"W2": np.zeros((10, 50))})
    unit = handgrad.solve_unit(problem, "h1[7]")
    assert unit.chosen == "value"
    assert all(line.value == 0 for line in unit.passing)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--unit", "h7[1]"], "no value or parameter h7"),
        (["--unit", "h2[9]"], "there is no h2[9]"),
        (["--unit", "h2"], "a unit of it has 1 index"),
        (["--unit", "h2[x]"], "not a whole number"),
        (["--unit", "x[0]"], "x is given"),
        (["--unit", "W2[0]"], "2 indices"),
        (["--unit", "h2[["], "names no unit"),
        (["--unit", "h2[1]", "--case", "3"], "has no cases"),
        (["--unit", "h2[1]", "--only", "forward"], "--unit works one unit"),
        (["--case", "1"], "this is about a unit"),
        (["--top", "1"], "this is about a unit"),
    ],
)
def test_what_cannot_be_worked_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["solve", "lab9", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error.replace("\n", " ")
    assert "Traceback" not in error


def test_every_file_and_the_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unit = handgrad.solve_unit(wide(), "h1[7]")
    validate(json.loads(json.dumps(unit.to_json())), "unit")
    for ending in (".html", ".md", ".tex", ".txt", ".json", ".typ"):
        path = tmp_path / f"unit{ending}"
        unit.save(path)
        assert 0 < path.stat().st_size < 300_000
    unit.save(tmp_path / "slides.html", slides=True)
    told = printed(["solve", "lab9", "--unit", "h2[0]"], capsys)
    assert told["schema"].startswith("handgrad/unit/")
    assert isinstance(unit, UnitSolution)


def test_a_page_of_a_wide_layer_reads_within_80_columns() -> None:
    page = handgrad.solve_unit(wide(), "h1[7]").page()
    text = render_terminal(page, width=80, colour=False, unicode=True)
    assert max(map(len, text.splitlines())) <= 80
    assert "the other 292 terms" in text
    assert len(text.splitlines()) < 150


def test_a_gradient_that_is_infinite_in_floats_is_not_told() -> None:
    """It is e¹⁰⁰ + 1 (1/(1 − p) at p = σ(100), a float of 1); the stable form of the loss passes it by."""
    problem = handgrad.Problem(
        ["p = sigmoid(z)", "L = -sum(y*log(p) + (1 - y)*log(1 - p))"],
        {"z": [100.0, 0.1]},
        {"y": [0, 1]},
    )
    for asked in ("p[0]", "z[0]"):
        with pytest.raises(handgrad.NumberError, match=r"respect to p\[0\] is not finite"):
            handgrad.solve_unit(problem, asked)
    # Worked out on paper it is finite, and the sum that would be shown for it is not.
    far = problem.with_values({"z": [-100.0, 100.0], "y": [1, 0]})
    with pytest.raises(handgrad.NumberError, match=r"respect to p\[1\] is not finite"):
        handgrad.solve_unit(far, "z[1]")
    assert np.isfinite(handgrad.solve_unit(problem, "p[1]").arriving[-1].value)
    assert handgrad.solve(problem).run.gradient("z")[0] == pytest.approx(1)


def test_the_gradient_of_a_part_stands_by_a_letter() -> None:
    problem = handgrad.Problem(
        "h = relu(W @ x + b)\nL = sum(h)", {"W": [[1, 0], [-1, 0.5]], "b": [0, 2]}, {"x": [1, 1]}
    )
    page = handgrad.render(handgrad.solve_unit(problem, "h[1]"), width=100)
    assert "Here z stands for Wx + b." in page
    assert "∂L/∂b₂ = (∂L/∂z)₂ = 1" in page
    assert "@" not in page


def test_the_order_of_a_units_own_parameters_is_said_as_it_is() -> None:
    """The weight asked for stands first, whatever its gradient; then each parameter's, the largest first."""
    problem = handgrad.Problem(
        ["h = relu(W @ x + b)", "L = sum(h**2)"],
        {"W": [[0.5, 1.0], [1.0, 0.5]], "b": [0.0, 0.5]},
        {"x": [1.0, 3.0]},
    )
    for target, words in (
        ("W[0,0]", "the one asked for and then those of each with the largest gradients first"),
        ("h[0]", "those of each with the largest gradients first"),
    ):
        unit = handgrad.solve_unit(problem, target)
        page = render_terminal(unit.page(), width=200, colour=False, unicode=True)
        assert f"Its own parameters, {words}" in page
