"""Numbers that floats do not have are named: an activation that is rounded away, a gradient nobody asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.expression import Name, leaves
from handgrad.formats.terminal import render_terminal
from handgrad.solution import RoundedAway, ShortcutTaken, UnaskedGradient
from handgrad.text import plain_text
from tests.schemas import validate
from tests.test_json import printed

FAR = handgrad.Problem(
    "p = softmax(z)\nL = cross_entropy(p, y)", {"z": [0, 0, 1000]}, {"y": [1, 0, 0]}
)
DATA_SLOPE = handgrad.Problem("L = sum(a * sqrt(x))", {"a": [0.5, 0.3]}, {"x": [0, 4]})


def notes(trace: handgrad.Trace, kind: type[Any]) -> list[Any]:
    return [note for step in trace.steps for note in step.notes if isinstance(note, kind)]


def test_a_softmax_that_floats_round_to_0() -> None:
    trace = handgrad.solve(FAR)
    forward, backward = notes(trace, RoundedAway)
    assert forward.entries == backward.entries == ((0,),)
    assert forward.values == (0.0,)
    assert float(forward.stable) == 1000
    assert backward.stable.tolist() == [-1, 0, 1]
    said = plain_text(forward.text())
    assert said.startswith(
        "p[0] is 0 in floats, though it is positive: what it is made of has exponentials smaller than "
        "2.2251e-308, the smallest number that floats hold with all their digits."
    )
    assert said.endswith("it is L = 1000.")
    (taken,) = notes(trace, ShortcutTaken)
    assert not taken.agrees
    assert "floats have no number for it" in plain_text(taken.text())


def test_a_sigmoid_that_floats_round_to_1_in_one_case() -> None:
    problem = handgrad.Problem(
        "z = w * x\nq = sigmoid(z)\nL = bce(q, y)",
        {"w": 1.0},
        {"x": {"cases": [1, 50]}, "y": {"cases": [1, 0]}},
    )
    trace = handgrad.solve(problem)
    forward, backward = notes(trace, RoundedAway)
    assert forward.entries == ((1,),)
    assert forward.values == (1.0,)
    assert forward.stable.tolist() == pytest.approx([np.log1p(np.exp(-1)), 50])
    assert "q in case 2 is 1 in floats" in plain_text(backward.text())
    assert handgrad.verify(problem).agrees


def test_nothing_is_said_where_floats_suffice() -> None:
    problem = FAR.with_values({"z": [0, 0, 700]})
    assert not notes(handgrad.solve(problem), RoundedAway)


def test_an_undefined_number_is_no_blank(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every format; a blank is drawn on a sheet alone."""
    file = tmp_path / "far.toml"
    FAR.save(file)
    pages = {ending: tmp_path / f"page.{ending}" for ending in ("html", "tex", "typ", "md", "json")}
    assert run(["solve", str(file), *(a for p in pages.values() for a in ("-o", str(p)))]) == 0
    assert run(["solve", str(file)]) == 0
    page = capsys.readouterr().out
    assert "undefined" in page
    assert "______" not in page
    for ending in ("html", "tex", "typ", "md"):
        assert "undefined" in pages[ending].read_text()
    assert 'class="blank"' not in pages["html"].read_text()
    assert "hspace{3em}" not in pages["tex"].read_text()
    validate(printed(["solve", str(file)], capsys), "trace")
    assert run(["check", str(file), "--blank"]) == 0
    assert run(["practice", str(file), "--count", "1"]) == 0
    assert "______" in capsys.readouterr().out


def test_a_gradient_that_nobody_asked_for_refuses_no_solution(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = handgrad.solve(DATA_SLOPE)
    assert trace.run.gradient("a").tolist() == [0, 2]
    (note,) = notes(trace, UnaskedGradient)
    assert (note.name, note.entries, note.undefined) == ("x", ((0,),), ())
    assert plain_text(note.text()).startswith("dx[0] is infinite at these numbers.")
    verification = handgrad.verify(DATA_SLOPE)
    assert verification.agrees
    assert verification.not_finite == {"x": ((0,),)}
    assert handgrad.Engine(DATA_SLOPE)().gradients["a"].tolist() == [0, 2]
    assert [str(x) for x in handgrad.run_exact(DATA_SLOPE).gradient("a")] == ["0", "2"]
    file = tmp_path / "slope.toml"
    DATA_SLOPE.save(file)
    for command in ("solve", "verify"):
        name = "trace" if command == "solve" else command
        validate(printed([command, str(file)], capsys), name)
    for line in (["why", str(file), "da[1]"], ["code", str(file)], ["questions", str(file)]):
        assert run(line) == 0


def test_a_value_below_every_parameter_may_have_an_infinite_slope() -> None:
    problem = handgrad.Problem(
        "s = x * x\nr = sqrt(s)\nL = sum(a * r)", {"a": [1, 2]}, {"x": [0, 3]}
    )
    trace = handgrad.solve(problem)
    assert trace.run.gradient("a").tolist() == [0, 3]
    assert {note.name for note in notes(trace, UnaskedGradient)} == {"s", "x"}


def test_a_gradient_that_is_asked_for_is_refused_by_its_entry() -> None:
    with pytest.raises(handgrad.NumberError, match=r"respect to x\[0\] is infinite"):
        handgrad.solve(handgrad.Problem("L = sum(sqrt(x))", {"x": [0, 4]}))
    with pytest.raises(
        handgrad.NumberError, match=r"a must be positive, but here it is 0 at \[1\]"
    ):
        handgrad.solve(handgrad.Problem("L = sum(log(a))", {"a": [1, 0]}))
    with pytest.raises(handgrad.NumberError, match=r"e\[1\] is not finite: it is too large"):
        handgrad.solve(handgrad.Problem("e = exp(a)\nL = sum(e)", {"a": [1, 800]}))


def test_the_long_way_of_one_prediction_for_many_cases() -> None:
    """A matrix where a vector was meant: ŷ has no cases and y has, so the long way is averaged too."""
    problem = handgrad.Problem(
        "z1 = W1\nh1 = relu(z1)\nz2 = w2.T @ h1 + b2\nyhat = sigmoid(z2)\nL = bce(yhat, y)",
        {"W1": [[1, 1], [1, 1]], "w2": [1, -2], "b2": -0.4},
        {"y": {"cases": [0, 1, 1, 0]}},
    )
    trace = handgrad.solve(problem)
    (taken,) = notes(trace, ShortcutTaken)
    assert taken.agrees
    assert handgrad.verify(problem).agrees
    assert any(note.kind == "unlike_shapes" for step in trace.steps for note in step.notes)


@pytest.mark.parametrize(
    ("equations", "values"),
    [
        ("J = -sum(y * log(p))", {"p": [0.25, 0.75], "y": [0, 1]}),
        ("J = sum(softplus(z) * [1, 3])", {"z": [0, 0.5]}),
        ("J = bce_with_logits(z, t)", {"z": [0, 0.5], "t": [0, 1]}),
        ("J = sum(max(a, b))", {"a": [1, 2], "b": [1, 3]}),
    ],
)
def test_kinks_within_a_program_are_none_of_the_function(
    equations: str, values: dict[str, Any]
) -> None:
    verification = handgrad.verify(handgrad.Problem(equations, values))
    assert verification.agrees
    page = render_terminal(verification.page(), width=80, colour=False, unicode=True)
    assert "∂J/∂" in page


def test_a_probability_that_is_rounded_to_zero_is_told_as_rounded() -> None:
    """e⁻²⁰⁰ is a float; it is 0 at four decimals."""
    given = {"z": [-200.0, 0.0]}, {"y": [0.5, 0.5]}
    problem = handgrad.Problem(["q = softmax(z)", "L = cross_entropy(q, y)"], *given)
    notes = [
        n
        for s in handgrad.solve(problem, carry="rounded").steps
        for n in s.notes
        if isinstance(n, RoundedAway)
    ]
    assert notes
    assert all("0 as rounded here" in plain_text(n.text()) for n in notes)
    assert not any("floats" in plain_text(n.text()) for n in notes)
    with pytest.raises(handgrad.HandgradError, match="which are rounded: carry more decimals"):
        handgrad.solve(
            handgrad.Problem(["q = softmax(z)", "L = kl_div(y, q)"], *given), carry="rounded"
        )


def test_rounded_figures_may_be_infinite_or_undefined_beside_the_solution() -> None:
    trace = handgrad.solve(
        handgrad.Problem("L = sum(a * sqrt(x))", {"a": [0.5, 0]}, {"x": [0, 0]}), carry="rounded"
    )
    (note,) = notes(trace, UnaskedGradient)
    assert (note.entries, note.undefined) == (((0,), (1,)), ((1,),))
    with pytest.raises(handgrad.NumberError, match="a is not finite"):
        handgrad.solve(handgrad.Problem("a = w * 10\nL = 0 * a", {"w": 1e308}), carry="rounded")


@pytest.mark.filterwarnings("error")
def test_pictures_of_what_overflows_on_its_way_warn_of_nothing() -> None:
    """The sum of e⁷⁰⁰ is no number once it is squared, as ∂L/∂b of a softmax written out squares it."""
    problem = handgrad.Problem(
        "Z = W @ X + b\nT = exp(Z)\nA = T/sum(T, axis=0)\nJ = -(1/2)*sum(Y*log(A))",
        {"W": [[-0.3, -1.1], [-0.7, 0]], "b": [[-800], [700]]},
        {"X": [[-0.8, 1.7], [1.3, 0.5]], "Y": [[1, 0], [0, 1]]},
    )
    assert "<svg" in handgrad.solve(problem).to_html()


@pytest.mark.filterwarnings("error")
def test_a_stable_loss_that_overflows_is_refused_and_a_far_logit_warns_of_nothing() -> None:
    far = handgrad.Problem("L = bce(sigmoid(a), y)", {"a": [-1.3, -1000]}, {"y": [1, 0]})
    assert np.isfinite(handgrad.solve(far).run.loss)
    past = handgrad.Problem("L = bce(sigmoid(exp(a)), y)", {"a": [1.8, 1e300]}, {"y": [0, 1]})
    with pytest.raises(handgrad.NumberError, match="is not finite"):
        handgrad.solve(past)


def test_a_line_has_the_stable_form_where_the_written_one_has_no_number() -> None:
    """−ln(0) is not 1421: the formula shown is the one that was computed."""
    far = handgrad.Problem(["p = softmax(z)", "L = -log(p[0])"], {"z": [-786.0, 635.0]})
    trace = handgrad.solve(far)
    (line,) = [
        x for s in trace.steps for x in s.lines if x.target == Name("L") and x.role == "value"
    ]
    assert line.value == 1421
    assert Name("p") not in set(leaves(line.formula))
    page = render_terminal(trace.page(), width=80, colour=False, unicode=True)
    assert " ".join(page.split()).count("SoftmaxCE is the cross-entropy of softmax(z)") == 1
    near = handgrad.solve(far.with_values({"z": "[0, 0]"}))
    (line,) = [
        x for s in near.steps for x in s.lines if x.target == Name("L") and x.role == "value"
    ]
    assert set(leaves(line.formula)) == {Name("p")}


def test_a_tiny_number_that_decimals_cannot_tell_keeps_its_digits() -> None:
    """ln(1 + e⁻¹¹⁰) is 1.689e-48, which floats do not tell beside the 1."""
    tiny = handgrad.Problem(
        ["p = softplus(s)", "z = 0.1*a - 0.3", "L = p + z"], {"s": -110.0, "a": 3}
    )
    run = handgrad.solve(tiny).run
    assert float(run.value("p")) == pytest.approx(np.exp(-110), rel=1e-12)
    assert float(run.value("z")) == 0


@pytest.mark.parametrize(
    ("loss", "why"),
    [
        ("bce(p, y)", "it is infinite"),
        ("cross_entropy(p, y)", "it is infinite"),
        ("kl_div(y, p)", "it is infinite"),
        ("sum(exp(1000*y))", "too large for a 64-bit number"),
    ],
)
def test_a_loss_of_minus_ln_0_is_infinite_and_no_large_number(loss: str, why: str) -> None:
    problem = handgrad.Problem(f"L = {loss}", {"p": [0, 1]}, {"y": [1, 0]})
    with pytest.raises(handgrad.HandgradError, match=why):
        handgrad.solve(problem)


@pytest.mark.parametrize(
    "root", ["d = sqrt(sum((W @ u - W @ v)**2))", "q = sum((W @ u - W @ v)**2)\nd = sqrt(q)"]
)
def test_the_norm_of_nothing_is_the_mend_of_its_root(root: str) -> None:
    given = {"W": [[1, 2], [3, 4]]}, {"u": [1, 2], "v": [1, 2]}
    with pytest.raises(handgrad.NumberError, match=r"norm\(W @ u - W @ v\) has the slope 0"):
        handgrad.solve(handgrad.Problem(f"{root}\nL = d**2 + d", *given))
    mended = handgrad.solve(handgrad.Problem("d = norm(W @ u - W @ v)\nL = d**2 + d", *given))
    assert not mended.run.gradient("W").any()
