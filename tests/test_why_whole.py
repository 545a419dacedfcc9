"""Why a whole gradient is what it is, and the one cause of one that is 0."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.paths import Cause, WhyWhole
from handgrad.text import plain_text
from tests.gauntlet.facts.paths import of_wholes
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import with_field
from tests.schemas import validate
from tests.slow import LARGE, with_slow

BUNDLED = [name for name, _, _ in handgrad.bundled()]


def rows(**changed: object) -> handgrad.Problem:
    """Three layers on eight rows, whose second can be shut."""
    draw = np.random.default_rng(1)
    problem = handgrad.Problem(
        """
        z1 = X @ W1.T + b1
        h1 = relu(z1)
        z2 = h1 @ W2.T + b2
        h2 = relu(z2)
        z3 = h2 @ W3.T + b3
        L = mse(z3, Y)
        """,
        parameters={
            "W1": draw.normal(size=(6, 5)),
            "b1": draw.normal(size=6),
            "W2": draw.normal(size=(4, 6)),
            "b2": draw.normal(size=4),
            "W3": draw.normal(size=(2, 4)),
            "b3": draw.normal(size=2),
        },
        data={"X": draw.normal(size=(8, 5)), "Y": draw.normal(size=(8, 2))},
    )
    return problem.with_values(dict(changed))


def whole(problem: handgrad.Problem, name: str) -> WhyWhole:
    why = handgrad.why(problem, name)
    assert isinstance(why, WhyWhole)
    return why


def said(why: WhyWhole) -> str:
    assert why.cause is not None
    return plain_text(why.cause_text(why.cause))


SHUT = rows(b2=[-99.0] * 4)


def test_a_shut_layer_is_the_one_cause() -> None:
    for name in ("W1", "b1", "W2", "b2", "dz2", "dh1"):
        why = whole(SHUT, name)
        assert why.norm == 0
        assert why.cause == Cause("gates_shut", "h2", "z2", "", 4, 8, 32, 16 * 2)
        assert said(why).endswith(
            "every path from it to the loss passes h2, whose 4 gates are shut at all 8 places."
        )
    assert whole(SHUT, "b3").cause is None


def test_gates_that_are_shut_where_it_matters() -> None:
    """Half of the units are open, and nothing takes up what they give."""
    weights = np.zeros((2, 4))
    weights[:, :2] = 1.0
    why = whole(rows(b2=[-99.0, -99.0, 99.0, 99.0], W3=weights), "W1")
    assert why.cause is not None
    assert (why.cause.kind, why.cause.shut, why.cause.arriving) == ("gates_shut", 16, 16)
    assert "at each of them the gate is shut" in said(why)


@pytest.mark.parametrize(
    ("changed", "name", "factor"),
    [({"W3": np.zeros((2, 4))}, "W2", "W3"), ({"X": np.zeros((8, 5))}, "W1", "X")],
)
def test_a_factor_that_is_0(changed: dict[str, object], name: str, factor: str) -> None:
    why = whole(rows(**changed), name)
    assert why.cause is not None
    assert (why.cause.kind, why.cause.factor) == ("zero_factor", factor)
    assert f"is multiplied by {factor}, and that is 0 throughout" in said(why)


def test_a_loss_without_a_slope() -> None:
    problem = handgrad.Problem(
        "p = W @ x\nL = sum(relu(1 - y * p))", {"W": [[3.0]]}, {"x": [1.0], "y": [1.0]}
    )
    assert whole(problem, "W").cause is not None
    assert whole(problem, "W").entries == ()


def test_nothing_uses_it() -> None:
    problem = handgrad.Problem(
        "a = V @ x\nL = sum(W @ x)", {"V": [[1.0]], "W": [[2.0]]}, {"x": [1.0]}
    )
    assert said(whole(problem, "V")) == "V gets no gradient: no path leads from it to the loss."


TRIPLET = handgrad.Problem(
    "fa = W @ a\nfp = W @ p\nfn = W @ n\nL = max(0, sum((fa - fp)**2) - sum((fa - fn)**2) + 0.5)",
    {"W": [[-0.5], [-1.0]]},
    {"a": [1.3], "p": [0.8], "n": [0.0]},
)
ONE_CLASS = handgrad.Problem(
    "h = tanh(W1 @ x)\ns = W2 @ h\ne = exp(s)\np = e/sum(e)\nC = -log(p[0])",
    {"W1": [[-0.1, 0.1]], "W2": [[-0.7]]},
    {"x": [1.2, -0.7]},
)
CONSTANT = handgrad.Problem(
    "c = 0.5*2\nyhat = dot(w, x)*c\nL = (yhat - y)**2", {"w": [0.6]}, {"x": [0.0], "y": -1.4}
)


@pytest.mark.parametrize(
    ("problem", "name", "reason"),
    [
        # n is 0, but so it is on one of three ways alone; the margin holds on all of them.
        (TRIPLET, "W", "the loss has no slope in W at these numbers."),
        (ONE_CLASS, "W1", "the loss has no slope in s at these numbers."),
        (CONSTANT, "w", "passes yhat, in which w is multiplied by x, and that is 0 throughout."),
    ],
    ids=["three ways", "as one with the loss", "a constant"],
)
def test_a_reason_holds_for_all_ways(problem: handgrad.Problem, name: str, reason: str) -> None:
    assert said(whole(problem, name)).endswith(reason)
    assert [c for c in of_wholes(Facts.of(problem)) if not c.holds] == []


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_every_statement_is_derived_anew(name: str) -> None:
    claims = [*of_wholes(Facts.of(handgrad.load(name)))]
    assert [c for c in claims if not c.holds] == []


@pytest.mark.parametrize(
    "problem", [SHUT, rows(W3=np.zeros((2, 4))), rows()], ids=["shut", "zero", "open"]
)
def test_a_false_statement_is_found(
    problem: handgrad.Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Facts.of(problem)
    assert [c for c in of_wholes(facts) if not c.holds] == []
    true = whole(problem, "W1")
    false = [with_field(true, "norm", true.norm + 1), with_field(true, "zeros", true.zeros + 1)]
    if true.cause is None:
        false.append(with_field(true, "cause", Cause("gates_shut", "h2", "z2", "", 4, 8, 32, 32)))
    else:
        changes = {"passed": "h1", "stopped": "b3", "shut": true.cause.shut + 1}
        false += [
            with_field(true, "cause", with_field(true.cause, f, v))
            for f, v in changes.items()
            if true.cause.kind == "gates_shut" or f != "shut"
        ]
        false.append(with_field(true, "cause", None))
    for wrong in false:
        monkeypatch.setattr(
            handgrad, "why", lambda problem, name, wrong=wrong: wrong, raising=False
        )
        assert any(not c.holds for c in of_wholes(facts))


def test_the_command_and_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", "lab9", "W2"]) == 0
    assert "It has 4 entries; 2 of them are 0." in capsys.readouterr().out
    validate(whole(SHUT, "W1").to_json(), "why")
    validate(whole(rows(), "W1").to_json(), "why")


def test_a_slope_that_is_0_is_no_factor() -> None:
    """σ(−1540) is 0 in floats, and its slope is σ(1 − σ): z itself is multiplied by nothing."""
    equations = ["t = sigmoid(w*x)", "L = sum((2*t + y)**2)"]
    why = handgrad.why(handgrad.Problem(equations, {"w": [-1400.0]}, {"x": [1.1], "y": [1]}), "w")
    assert isinstance(why, WhyWhole)
    assert why.cause is not None
    assert why.cause.kind == "no_slope"
