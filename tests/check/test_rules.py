"""The usual mistakes by name, where their subject exists, and the convention that leaves the mean for later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.arrays import Array
from handgrad.checking import Checker, CheckReport
from handgrad.checking.report import MeanLeft
from handgrad.formats.terminal import render_terminal
from tests.check.students import decimals, significant, texts
from tests.check.test_shapes import COLUMNS

PENALISED = handgrad.Problem(
    """
    z1 = W1 @ x + b1
    h1 = relu(z1)
    z2 = W2 @ h1 + b2
    p = softmax(z2)
    CE = cross_entropy(p, y)
    R = lam/2 * (sum(W1**2) + sum(W2**2))
    L = CE + R
    """,
    {
        "W1": [[0.2, -0.4, 0.5], [0.7, 0.1, -0.3], [-0.6, 0.3, 0.2], [0.1, -0.5, -0.2]],
        "b1": [0.1, 0, -0.1, 0.05],
        "W2": [[0.3, -0.2, 0.4, 0.6], [-0.1, 0.5, 0.2, -0.3]],
        "b2": [0, 0.1],
    },
    {
        "x": {"cases": [[1, 0, 2], [0.5, 1, -1], [-1, 2, 0]]},
        "y": {"cases": [[1, 0], [0, 1], [0, 1]]},
        "lam": 0.01,
    },
    update=handgrad.Update("sgd", 0.1),
)
JACOBIAN = handgrad.Problem(
    "z = W @ x\np = softmax(z)\nL = sum((p - y)**2)",
    {"W": [[0.1, 0.2], [0.3, 0.1], [0.5, -0.2]]},
    {"x": [1, 2], "y": [0, 1, 0]},
)
HALF = handgrad.Problem(
    """
    m = A @ x
    v = B @ x
    s = exp(v/2)
    z = m + s*e
    yhat = C @ z
    R = sum((yhat - x)**2)
    K = -0.5*sum(1 + v - m**2 - exp(v))
    L = R + K
    """,
    {
        "A": [[0.1, 0.2], [0.3, 0.1]],
        "B": [[0.1, 0.3], [-0.3, 0.1]],
        "C": [[0.2, -0.4], [0.3, 0.6]],
    },
    {"x": [1, 2], "e": [0.5, -0.3]},
)
"""A variational autoencoder whose scale is exp(½v)."""


def values(problem: handgrad.Problem) -> dict[str, Array]:
    """Every number of a problem's solution, by target."""
    work = Checker(problem).work
    found = {q.target: work.exact[q.leaf] for q in work.structure.quantities}
    return {**work.givens, **found}


def said(problem: handgrad.Problem, target: str, wrong: Any, *also: str) -> list[str]:
    """The rules that are found for a wrong quantity, beside some right ones."""
    right = values(problem)
    answers = {n: texts(right[n], decimals(5)) for n in also}
    answers[target] = texts(np.asarray(wrong(right)), decimals(5))
    report = handgrad.check(problem, answers)
    assert [s.target for s in report.wrong] == [target]
    assert report.wrong[0].diagnosis[0].done
    return [d.rule for d in report.wrong[0].diagnosis]


@pytest.mark.parametrize(
    ("target", "wrong", "rule"),
    [
        ("dW2", lambda v: v["dW2_via_z2"] + 2 * v["dW2_via_R"], "penalty_half"),
        ("dW2", lambda v: v["dW2_via_z2"] + 0.5 * v["dW2_via_R"], "penalty_two"),
        ("dW2", lambda v: v["dW2_via_z2"] + v["W2"], "penalty_factor"),
        ("dW2", lambda v: v["dW2_via_z2"], "penalty_left_out"),
        ("dW2", lambda v: 3 * v["dW2"], "mean_forgotten"),
        ("dh1", lambda v: (v["W2"] - 0.1 * v["dW2"]).T @ v["dz2"], "updated_used"),
        ("dz1", lambda v: v["dh1"] * (v["dh1"] > 0), "gate_by_gradient"),
        ("dz1", lambda v: v["dh1"] * (v["dh1"] > 0) * (v["z1"] > 0), "gate_by_gradient"),
        ("p", lambda v: 1 / (1 + np.exp(-v["z2"])), "sigmoid_for_softmax"),
        ("p", lambda v: np.exp(v["z2"]) / np.exp(v["z2"]).sum(1, keepdims=True), "softmax_axis"),
        ("dz2", lambda v: -v["y"] * (1 - v["p"]), "softmax_diagonal"),
    ],
)
def test_a_mistake_is_named(target: str, wrong: Any, rule: str) -> None:
    rules = said(PENALISED, target, wrong)
    assert rules[0] == rule
    assert not {"factor_two", "factor_half"} & set(rules), "there is no squared error"


def test_the_jacobian_of_softmax_is_no_diagonal() -> None:
    wrong = lambda v: v["dp"] * v["p"] * (1 - v["p"])  # noqa: E731
    assert said(JACOBIAN, "dz", wrong, "dp") == ["softmax_diagonal"]


def test_the_inner_factor_of_the_chain_rule() -> None:
    rules = said(HALF, "dv", lambda v: v["dv_via_K"] + v["ds"] * v["s"], "ds")
    assert rules[0] == "inner_factor_forgotten"
    assert "mean_forgotten" not in rules


def test_two_times_a_penalty_is_no_forgotten_mean() -> None:
    report = handgrad.check(
        PENALISED, dW2=[[-0.1731, 0.0694, 0.2023, 0.012], [0.1771, -0.0634, -0.1903, -0.006]]
    )
    (only,) = report["dW2"].diagnosis
    assert only.rule == "penalty_half"
    assert "the penalty's ½ is forgotten" in str(only)


@pytest.mark.parametrize(
    ("equations", "parameters", "data", "subject"),
    [
        ("z = w*x\nL = z**2", {"w": 3.0}, {"x": 2.0}, "squared"),
        ("z = w*x\nL = (z - y)**2", {"w": 3.0}, {"x": 2.0, "y": 1.0}, "squared_error"),
        ("z = w*x\nL = cross_entropy(z, y)", {"w": [0.3, 0.7]}, {"x": 1.0, "y": [0, 1]}, ""),
        ("p = softmax(w)\nL = -sum(y*log(p))", {"w": [0.3, 0.7]}, {"y": [0, 1]}, ""),
        ("z = W @ X\nL = mean((z - Y)**2)", {"W": [[1.0, 2]]}, {"X": [[1, 2, 3], [4, 5, 6]], "Y": [[1, 2, 3]]}, "averaged 3"),
        ("z = W @ X\nL = sum((z - Y)**2)/(2*m)", {"W": [[1.0, 2]]}, {"X": [[1, 2, 3], [4, 5, 6]], "Y": [[1, 2, 3]], "m": 3}, "averaged 3"),
        ("z = W @ X\nL = 1/2*sum((z - Y)**2)", {"W": [[1.0, 2]]}, {"X": [[1, 2], [4, 5]], "Y": [[1, 2]]}, "averaged"),
    ],
)  # fmt: skip
def test_a_rule_is_proposed_only_where_its_subject_exists(
    equations: str, parameters: Any, data: Any, subject: str
) -> None:
    checker = Checker(handgrad.Problem(equations, parameters, data))
    structure = checker.work.structure
    (gradient,) = [q for q in checker.asked if q.kind == "parameter_gradients"]
    about, leaf = structure.subjects, gradient.leaf
    assert about.squared(leaf) is (subject.startswith(("squared", "averaged")))
    assert about.squared_error(leaf) is (subject in ("squared_error",) or "averaged" in subject)
    assert about.averaged(leaf) == ((3,) if subject == "averaged 3" else ())
    rules = {v.mistake.rule for v in structure.mistakes(gradient)}
    assert ("mean_forgotten" in rules) is (subject == "averaged 3")
    assert not any(rule.startswith("penalty") for rule in rules)
    assert "updated_used" not in rules, "nothing is updated"


# -- 1/m left for later ------------------------------------------------------------------------------


def sheet(values: dict[str, Array], show: Any, *, late: bool, forgotten: bool = False) -> Any:
    """A batch in columns worked out by hand: tanh, sigmoid, cross-entropy; `late` leaves 1/m to dW and db."""
    v = values
    m = v["Y"].shape[1]
    share = 1 / m if late else 1.0
    z1 = v["W1"] @ v["X"] + v["b1"]
    a1 = np.tanh(z1)
    z2 = v["W2"] @ a1 + v["b2"]
    a2 = 1 / (1 + np.exp(-z2))
    cost = -np.sum(v["Y"] * np.log(a2) + (1 - v["Y"]) * np.log(1 - a2)) / m
    dz2 = (a2 - v["Y"]) if late else (a2 - v["Y"]) / m
    da1 = v["W2"].T @ dz2
    dz1 = da1 * (1 - a1**2)
    last = 1.0 if forgotten else share
    found = {
        "Z1": z1, "A1": a1, "Z2": z2, "A2": a2, "J": np.asarray(cost), "dZ2": dz2,
        "dW2": share * dz2 @ a1.T, "db2": share * dz2.sum(axis=1, keepdims=True),
        "dA1": da1, "dZ1": dz1,
        "dW1": last * dz1 @ v["X"].T, "db1": share * dz1.sum(axis=1, keepdims=True),
    }  # fmt: skip
    return {n: texts(a, show) for n, a in found.items()}


def batch(g: np.random.Generator) -> handgrad.Problem:
    n, hidden, m = (int(k) for k in g.integers(2, 5, 3))
    return handgrad.Problem(
        "Z1 = W1 @ X + b1\nA1 = tanh(Z1)\nZ2 = W2 @ A1 + b2\nA2 = sigmoid(Z2)\n"
        f"J = -sum(Y * log(A2) + (1 - Y) * log(1 - A2)) / {m}",
        {
            "W1": np.round(g.normal(0, 0.8, (hidden, n)), 1),
            "b1": np.round(g.normal(0, 0.3, (hidden, 1)), 1),
            "W2": np.round(g.normal(0, 0.8, (1, hidden)), 1),
            "b2": np.round(g.normal(0, 0.3, (1, 1)), 1),
        },
        {"X": np.round(g.normal(0, 1, (n, m)), 1), "Y": g.integers(0, 2, (1, m)).astype(float)},
    )


def late_means(count: int, seed: int) -> tuple[int, int, int, int]:
    """How many batches; sheets with 1/m left to dW all right; the convention named; and, where 1/m is
    forgotten in dW1 after all, that alone wrong and named first."""
    g = np.random.default_rng(seed)
    right = named = forgotten = 0
    for _ in range(count):
        problem = batch(g)
        checker = Checker(problem)
        given = {n: a.array for n, a in {**problem.parameters, **problem.data}.items()}
        show = [decimals(4), significant(4), decimals(5)][int(g.integers(3))]
        report = checker.check(sheet(given, show, late=True))
        right += report.all_well and not report.remarks
        own = [report[t] for t in ("dZ2", "dA1", "dZ1")]
        m = given["Y"].shape[1]
        named += all(
            j.verdict == "consistent" and j.convention is not None and j.convention.count == m
            for j in own
        )
        wrong = checker.check(sheet(given, show, late=True, forgotten=True)).wrong
        first = wrong[0].diagnosis[0].rule if len(wrong) == 1 and wrong[0].diagnosis else ""
        forgotten += first == "mean_forgotten" and wrong[0].target == "dW1"
        assert checker.check(sheet(given, show, late=False)).all_well
    return count, right, named, forgotten


def test_the_mean_may_be_left_for_later() -> None:
    count, right, named, forgotten = late_means(12, seed=6)
    assert right == named == count
    assert forgotten >= 0.9 * count


@pytest.mark.sweep
def test_sweep_of_means_left_for_later() -> None:
    count, right, named, forgotten = late_means(1000, seed=16)
    print(
        f"\n1/m left for later: {count} sheets, {right} right, {named} named; "
        f"forgotten in dW1 alone and named first {forgotten}"
    )
    assert right == count
    assert named >= 0.95 * count
    assert forgotten >= 0.95 * count


def late() -> CheckReport:
    return handgrad.check(
        COLUMNS,
        dZ2=[[-0.5873, 0.6794]],
        dW2=[[0.1942, -0.4531]],
        dZ1=[[-0.2349, 0.1829], [0.053, -0.2901]],
        dW1=[[-0.0717, -0.3264], [-0.046, 0.1981]],
        db1=[[-0.026], [-0.1185]],
    )


def test_the_convention_is_named() -> None:
    report = late()
    assert {s.target: s.verdict for s in report.entered if s.verdict != "right"} == {
        "dZ2": "consistent",
        "dZ1": "consistent",
    }
    assert str(report["dZ2"]) == "dZ2 is right, without the 1/2 of the mean"
    page = render_terminal(report.page(), width=80, colour=False, unicode=True)
    assert "3 right and 2 right in another convention" in page
    assert "left" in page.split("without the 1/2 of the mean, which is")[1]


def test_a_mean_forgotten_everywhere_is_no_convention() -> None:
    report = handgrad.check(
        COLUMNS,
        dZ2=[[-0.5873, 0.6794]],
        dW2=[[0.3884, -0.9062]],
        dW1=[[-0.1434, -0.6528], [-0.092, 0.3962]],
    )
    assert [s.target for s in report.wrong] == ["dZ2"]
    assert report["dZ2"].diagnosis[0].rule == "mean_forgotten"


def test_a_transposed_gradient_among_others_without_the_mean() -> None:
    report = handgrad.check(
        COLUMNS,
        dZ2=[[-0.5873], [0.6794]],
        dZ1=[[-0.2349, 0.1829], [0.053, -0.2901]],
        dW2=[[0.1942, -0.4531]],
    )
    assert report["dZ2"].verdict == "wrong"
    assert report["dW2"].verdict == "right"


@pytest.mark.parametrize("rule", ["momentum", "rmsprop", "adam", "adamw"])
def test_wrong_updates_by_rules_that_remember(rule: str) -> None:
    """What a rule remembers is computed too; it is no parameter that a plain step could be taken from."""
    problem = PENALISED.with_values({})
    problem = handgrad.Problem(
        problem.equations,
        problem.parameters,
        problem.data,
        update=handgrad.Update(rule=rule, rate=0.1),
    )
    report = handgrad.check(problem, {"updated": {"b2": [7.31, -4.4]}})
    assert report["updated.b2"].verdict == "wrong"
    plain = np.asarray(problem.parameters["b2"].array) - 0.1 * handgrad.solve(problem).run.gradient(
        "b2"
    )
    report = handgrad.check(problem, {"updated": {"b2": [f"{x:.6f}" for x in plain]}})
    if rule != "momentum":
        assert report["updated.b2"].diagnosis[0].rule == "plain_step"


def test_a_rate_that_was_forgotten_is_told_once_for_all_parameters() -> None:
    """Once on the page; in the report, and so in JSON, each parameter keeps its own diagnosis."""
    trace = handgrad.solve(handgrad.load("lab9"))
    names = list(trace.problem.parameters)
    wrong = {n: np.asarray(trace.run.value(n)) - np.asarray(trace.run.gradient(n)) for n in names}
    report = handgrad.check(trace.problem, {"updated": wrong})
    assert [s.diagnosis[0].rule for s in report.wrong] == ["rate_forgotten"] * len(names)
    for level in ("what", "rule"):
        page = report.page(level)
        text = render_terminal(page, width=100, colour=False, unicode=True)
        assert text.count("The learning rate η is left out") == 1
        assert text.count("you wrote") == len(names)
    assert text.count("what was done") == len(names)
    assert text.count("step against the gradient") == 1
    # One that went wrong in another way is told of by itself.
    wrong["w3"] = np.asarray(trace.run.value("w3")) + 0.1 * np.asarray(trace.run.gradient("w3"))
    page = handgrad.check(trace.problem, {"updated": wrong}).page()
    text = render_terminal(page, width=100, colour=False, unicode=True)
    assert text.count("The learning rate η is left out") == 2
    assert text.count("The step goes the wrong way") == 1


@pytest.mark.parametrize(
    ("figures", "rule"), [("0", "wrong_shape"), (["-2", "1"], "gate_forgotten")]
)
def test_the_input_of_a_weighted_sum_is_no_gate(figures: Any, rule: str) -> None:
    """In relu(w · x) the gradient of w has the gate and x as factors: x left out is no gate left out."""
    problem = handgrad.Problem(
        ["h = relu(w @ x)", "L = (h - 1)**2"], {"w": [-1.5, 0.5]}, {"x": [1, -0.5]}
    )
    (diagnosis, *_) = handgrad.Checker(problem).check({"dw": figures})["dw"].diagnosis
    assert diagnosis.rule == rule


def test_no_softmax_over_cases_where_there_are_none() -> None:
    """ln Σ exp(z) of one number has a softmax of one number, which has no axis to be taken along."""
    problem = handgrad.Problem(
        ["m = max(s)", "L = m + log(sum(exp(s[1] - m))) - s[1]"], {"s": [1.08, -2.85]}
    )
    report = handgrad.Checker(problem).check_printed({"m": 1.08, "L": 3.9495, "ds": [0.98, -0.98]})
    assert report["ds"].verdict == "wrong"


def test_what_is_the_same_in_every_case_is_not_reduced_over_them() -> None:
    """With (x − μ)/σ forgotten as a factor, nothing that differs from case to case is left in the gradient of μ."""
    problem = handgrad.Problem(
        ["sigma = exp(s)", "L = sum(0.5*((x - mu)/sigma)**2 + log(sigma))"],
        {"mu": 1.4, "s": -1.2},
        {"x": {"cases": [-0.4, -0.1, -0.8]}},
    )
    report = handgrad.Checker(problem).check({"sigma": 0.3012, "dsigma": -368.0994})
    assert report["dsigma"].verdict == "wrong"


def test_constants_that_divide_by_0() -> None:
    """With Σp and Σy left out, the Dice loss divides by its 0."""
    problem = handgrad.Problem(
        ["p = sigmoid(z)", "L = 1 - (2*sum(p*y) + 1)/(sum(p) + sum(y) + 0)"],
        {"z": [0.4, 1.2]},
        {"y": [1, 0]},
    )
    sheet = {
        "p": [0.5987, 0.7685],
        "L": 0.3474,
        "dp": [-0.4002, 0.1938],
        "dz": [-0.0961, 0.0345],
    }
    assert handgrad.Checker(problem).check_printed(sheet)["dp"].verdict == "wrong"


def test_a_wrong_formula_of_constants_alone_is_no_complex_number() -> None:
    """The mean forgotten in (mean(a²) − ½)^½ leaves (−½)^½."""
    problem = handgrad.Problem(
        "rms = (mean(a**2) + -0.5)**0.5\no = g*a/rms\nL = sum(o**2)",
        {"a": [0.7, -0.7, -0.9], "g": [-110.0, -50.0, 0.0]},
    )
    entered = {"rms": 0.8347, "o": [-92.2525, 41.933, 0], "da": [17747.6856, 2032.9989, 8919.1465]}
    assert handgrad.check(problem, entered)["da"].verdict == "wrong"


def test_a_gradient_of_exactly_0_leaves_rmsprop_nothing_to_divide() -> None:
    """A figure of 0 is written as it is: its rounding, divided by itself, would make any step right."""
    problem = handgrad.Problem(
        "p = softmax(z)\nL = sum((p - y)**2)",
        {"z": [0.0, 1000.0, 0.1]},
        {"y": [0.0, 0.0, 1.0]},
        update=handgrad.Update(rule="rmsprop", rate=0.01),
    )
    report = handgrad.check(problem, {"updated.z": [0.1, 1000, 0.3]})
    assert report["updated.z"].verdict == "wrong"
    assert handgrad.check(problem, {"updated.z": [0, 1000, 0.1]})["updated.z"].verdict == "right"


def test_the_larger_of_z_and_0_in_a_loss_is_no_activation() -> None:
    """max(z, 0) − z·y + ln(1 + e^−|z|) is one loss: whoever takes z for its first term forgot no activation."""
    problem = handgrad.Problem(
        ["z = w*x", "L = max(z, 0) - z*y + log(1 + exp(-abs(z)))"], {"w": 1.5}, {"x": -2, "y": 1}
    )
    loss = float(handgrad.solve(problem).values["L"])
    judged = handgrad.check(problem, {"z": "-3", "L": f"{loss - 3:.4f}"})["L"]
    assert judged.verdict == "wrong"
    assert "activation_forgotten" not in [d.rule for d in judged.diagnosis]


def test_a_swap_leaves_such_a_loss_as_it_is() -> None:
    equations = ["z = w*x", "h = max(0, z)", "L = max(h, 0) - h*y + log(1 + exp(-abs(h)))"]
    problem = handgrad.Problem(equations, {"w": 1.5}, {"x": 2, "y": 1})
    other = problem.with_swap({"relu": "tanh"})
    assert [e.text for e in other.equations][2] == equations[2]


def test_a_gate_of_the_gradients_sign_has_it_in_place_of_the_whole_pre_activation() -> None:
    """Of 1[u + b > 0] the pre-activation is u + b: with the gradient in u's place alone some gates were open."""
    problem = handgrad.Problem(
        "h = relu(W @ x + b)\nL = sum(k * h)",
        {"W": [[0.6, -0.4], [0.3, 0.5], [-0.2, -0.7], [-0.5, 0.1]], "b": [0.1, 0, 0.2, 0.1]},
        {"x": [1, 0.5], "k": [1.5, -0.4, -0.1, 0.7]},
    )
    unmasked = handgrad.check(problem, {"db": [1.5, -0.4, -0.1, 0.7]})["db"]
    assert unmasked.diagnosis[0].rule == "gate_forgotten"
    assert "gate_by_gradient" not in [d.rule for d in unmasked.diagnosis]
    by_sign = handgrad.check(problem, {"db": [1.5, 0, 0, 0.7]})["db"]
    assert by_sign.diagnosis[0].rule == "gate_by_gradient"


def test_two_means_in_two_conventions() -> None:
    """2/4 · (ŷ − y): the mean over four examples is in it, that over two outputs is left for later."""
    problem = handgrad.Problem(
        ["yhat = V @ a", "L = mse(yhat, y)"],
        {"V": [[0.5, 1.5], [-1.5, 0]]},
        {"a": {"cases": [[1, 2], [0, 1], [2, -1], [1, 1]]}, "y": {"cases": [[1, 0], [1, 1], [0, 0], [2, -1]]}},
    )  # fmt: skip
    run = handgrad.solve(problem).run
    sheet = {"dyhat": run.gradient("yhat") * 2 / 4, "dV": run.gradient("V")}
    one = handgrad.check(problem, {n: np.round(g, 4).tolist() for n, g in sheet.items()})["dyhat"]
    assert (one.verdict, one.convention) == ("consistent", MeanLeft(2))
    # Of one case, as `expected` is.
    assert one.entry is not None
    np.testing.assert_allclose(one.entry.value / 2, one.expected, atol=1e-9)


@pytest.mark.parametrize(("norm", "axis"), [("batchnorm", 0), ("layernorm", 1)])
def test_a_term_of_a_normalisation_is_missing(norm: str, axis: int) -> None:
    """Of (g − mean g − N ⊙ mean(g ⊙ N)) / sd one term is left out, or both are."""
    z = np.array([[1.0, 4, 2.5], [2, -1, 3], [6, 0.5, 1]])
    g = np.array([[1.0, 2, -3], [3, 0.5, 1], [-1, 2, 0.3]])
    problem = handgrad.Problem([f"N = {norm}(Z)", "L = sum(C*N)"], {"Z": z, "C": g})
    deviation = np.sqrt(z.var(axis=axis, keepdims=True) + 1e-5)
    n = (z - z.mean(axis=axis, keepdims=True)) / deviation
    mean, along = (a.mean(axis=axis, keepdims=True) for a in (g, g * n))
    for kept, missing in (
        (g - mean, "N * mean("),
        (g - n * along, "mean(dN, "),
        (g, "mean(dN, "),
    ):
        diagnosis = handgrad.check(problem, dZ=np.round(kept / deviation, 4))["dZ"].diagnosis
        assert [d.rule for d in diagnosis] == ["term_left_out"]
        assert str(diagnosis[0]).startswith(missing)
        assert str(diagnosis[0]).endswith(" is left out")
    assert " + N * mean(" in str(diagnosis[0])


@pytest.mark.parametrize("entered", ["h y dh dz dW db", "y dh dz dW db", "dh dz dW db"])
@pytest.mark.parametrize("cases", [2, 3])
def test_a_layer_of_its_bias_alone_is_the_same_in_every_case(cases: int, entered: str) -> None:
    """W x is forgotten where z is not written down; with as many units as cases an array for each may be taken for one by case."""
    x = np.array([[0.3, 0.5], [0.6, -0.4], [0.2, 0.1]])[:cases]
    t = np.array([[0.1], [0.2], [0.7]])[:cases]
    b, v = np.array([1.0, 0]), np.array([[0.3, -0.2]])
    problem = handgrad.Problem(
        ["z = W @ x + b", "h = tanh(z)", "y = V @ h", "L = mse(y, t)"],
        {"W": [[2.1, 0.8], [0, -2.5]], "b": b, "V": v},
        {"x": {"cases": x}, "t": {"cases": t}},
    )
    h = np.tanh(b)[:, None] + np.zeros((2, cases))
    dh = v.T @ (2 * (v @ h - t.T))
    dz = dh * (1 - h**2)
    work = {
        "h": h.T,
        "y": (v @ h).T,
        "dh": dh.T,
        "dz": dz.T,
        "dW": dz @ x / cases,
        "db": dz.mean(axis=1),
    }
    sheet = {
        n: a.round(4) if n in ("dW", "db") else {"cases": a.round(4)}
        for n, a in work.items()
        if n in entered.split()
    }
    first, *others = handgrad.check(problem, sheet).entered
    assert [d.rule for d in first.diagnosis] == ["term_left_out"]
    assert {one.verdict for one in others} == {"consistent"}


def test_one_of_two_paths_that_differ_in_sign_is_missing() -> None:
    problem = handgrad.Problem("z = x**2\nL = z*w - z*v", {"x": 2.0, "w": 3.25, "v": 1.5})
    for figure, missing in (("3.25", "v is left out"), ("-1.50", "w is left out")):
        found = handgrad.check(problem, dz=figure)["dz"].diagnosis
        assert missing in [str(d) for d in found]


def test_a_sign_within_is_not_the_sign_of_the_figure() -> None:
    """BPR's −σ(−s) taken as −σ(s): every figure has the right sign."""
    problem = handgrad.Problem(
        "s = u @ i - u @ j\nL = -log_sigmoid(s)",
        {"u": [1, 2], "i": [0.5, 0.3], "j": [0.2, -0.1]},
    )
    (found,) = handgrad.check(problem, ds="-0.7503")["ds"].diagnosis
    assert found.rule == "sign_within"
    assert str(found) == "the sign of a part is wrong: s stands where -s belongs"
    assert handgrad.check(problem, ds="0.2497")["ds"].diagnosis[0].rule == "sign_lost"


def test_a_part_without_a_name_on_the_page_is_written_out() -> None:
    problem = handgrad.Problem(
        "s = (K @ q)**3\nL = sum(s)", {"K": [[1, 2], [0.5, -1], [2, 0.3]], "q": [0.4, 1.1]}
    )
    (found,) = handgrad.check(problem, s=["2.6", "-0.9", "1.13"])["s"].diagnosis
    assert str(found) == "these are the figures of K @ q"


def test_a_divisor_is_left_out() -> None:
    problem = handgrad.Problem(
        "s = K @ q / sqrt(d)\np = softmax(s)\nL = -log(p[0])",
        {"K": [[1, 2], [0.5, -1], [2, 0.3]], "q": [0.4, 1.1]},
        {"d": 2},
    )
    (found,) = handgrad.check(problem, s=["2.6", "-0.9", "1.13"])["s"].diagnosis
    assert str(found) == "the factor 1 / sqrt(d) is left out"


def test_the_limits_of_a_clip_are_left_out() -> None:
    """Huber's gradient is the residual, held between −1 and 1."""
    problem = handgrad.Problem("r = w*x - y\nL = huber(r, 0)", {"w": 2.0}, {"x": 2.0, "y": 1.0})
    (found,) = handgrad.check(problem, dr="3.0000")["dr"].diagnosis
    assert str(found) == "the limits are left out: r is not clipped"


def test_the_mask_of_a_softmax_is_left_out() -> None:
    problem = handgrad.Problem(
        "p = masked_softmax(z, m)\nL = -log(p[0])", {"z": [1.0, 2, 0.5]}, {"m": [1, 1, 0]}
    )
    shares = np.exp([1, 2, 0.5]) / np.exp([1, 2, 0.5]).sum()
    (found,) = handgrad.check(problem, p=texts(shares, decimals(4)))["p"].diagnosis
    assert str(found).startswith("the mask m is left out")


@pytest.mark.parametrize(
    ("loss", "figure", "said"),
    [
        ("mse(yhat, y)", "2.0156", "it is 3 times too large: the mean is forgotten"),
        ("mean((yhat - y)**2)", "2.0156", "it is 3 times too large: the mean is forgotten"),
        ("mae(yhat, y)", "2.3750", "it is 3 times too large: the mean is forgotten"),
        ("0.5*mean((yhat - y)**2)", "1.0078", "it is 3 times too large: the mean is forgotten"),
        (
            "mse(yhat, y) + 0.1*sum(w**2)",
            "2.2156",
            "mse(yhat, y) is 3 times too large: the mean is forgotten",
        ),
        (
            "sqrt(mean((yhat - y)**2))",
            "1.4197",
            "mean((yhat - y)**2) is 3 times too large: the mean is forgotten",
        ),
    ],
)
def test_a_mean_is_forgotten_in_the_loss_itself(loss: str, figure: str, said: str) -> None:
    data = {"X": [[1, 1], [2, 0], [0, 1]], "y": [0.5, 1, -0.125]}
    problem = handgrad.Problem(f"yhat = X @ w\nL = {loss}", {"w": [1, -1]}, data)
    (found,) = handgrad.check(problem, {"L": figure})["L"].diagnosis
    assert (found.rule, str(found)) == ("mean_forgotten", said)


def test_the_mean_of_one_is_not_forgotten() -> None:
    """Of one number the mean is the number."""
    problem = handgrad.Problem("v = 2*w\nL = mse(v, y)", {"w": [1.5]}, {"y": [1]})
    structure = Checker(problem).work.structure
    loss = next(q for q in structure.quantities if q.target == "L")
    assert "mean_forgotten" not in {v.mistake.rule for v in structure.mistakes(loss)}


@pytest.mark.parametrize(("without", "factor"), [("d", "1 / d"), ("2", "1 / 2")])
def test_a_factor_of_a_divisor_is_left_out(without: str, factor: str) -> None:
    """Of dd / (2 d), the slope of a root, no d and no 2 is left out, but the division by it."""
    problem = handgrad.Problem(
        "u = w - y\nn = sum(u**2)\nd = sqrt(n)\nL = (3 - d)**2",
        {"w": [1.0, 2.0]},
        {"y": [0.3, 0.5]},
    )
    right = values(problem)
    wrong = right["dn"] * (right["d"] if without == "d" else 2)
    given = {"dd": texts(right["dd"], decimals(4)), "dn": texts(wrong, decimals(4))}
    found = handgrad.check(problem, given)["dn"].diagnosis
    assert str(found[0]) == f"the factor {factor} is left out"
