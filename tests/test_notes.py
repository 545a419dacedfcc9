"""Notes say what they should, where they should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.formats.markdown import render_markdown
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from handgrad.solution import AtKink, GatedOff, RoundingResidue
from handgrad.solution.step_words import reason
from handgrad.solution.takeaways import takeaways
from handgrad.solution.units import units
from handgrad.text import plain_text
from tests.oracle import assert_close


def test_broadcasting_is_explained() -> None:
    problem = handgrad.Problem(
        ["Z = X @ W + b", "L = sum(Z*Z)"],
        {"W": [[1.0, 2.0], [0.0, 1.0]], "b": [1.0, 2.0]},
        {"X": [[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]]},
    )
    page = render_terminal(handgrad.solve(problem).page(), width=100, colour=False, unicode=False)
    said = " ".join(page.split())
    assert "Each entry is used 3 times, and its gradient is the sum of the 3" in said
    assert "added up over the examples" in said


def gated(weights: list[list[float]], bias: list[float]) -> handgrad.Trace:
    problem = handgrad.Problem(
        ["z = W @ x + b", "h = relu(z)", "L = mse(w @ h, y)"],
        {"W": weights, "b": bias, "w": [1.0, 0.5]},
        {"x": [3.0, 1.0], "y": 1.0},
    )
    return handgrad.solve(problem)


def at_kinks(trace: handgrad.Trace) -> list[tuple[int, ...]]:
    """The entries of z that are told to lie at the kink of ReLU."""
    notes = [n for step in trace.steps for n in step.notes]
    return [e for n in notes if isinstance(n, AtKink) for e in n.entries]


def test_a_number_that_is_0_on_paper_is_0() -> None:
    """0.1 · 3 − 0.3 leaves 5.6e-17 in binary, and the gate open; on paper it is 0, and shut."""
    trace = gated([[0.1, 0.0], [0.2, 0.1]], [-0.3, -0.5])
    assert trace.run.value("z").tolist() == [0.0, pytest.approx(0.2)]
    assert trace.run.gradient("b")[0] == 0
    assert at_kinks(trace) == [(0,)]
    (rest,) = [n for s in trace.steps for n in s.notes if isinstance(n, RoundingResidue)]
    assert rest.entries == ((0,),)
    assert rest.left == (0.1 * 3 - 0.3,)
    said = plain_text(rest.text())
    assert said.startswith("z[0] is exactly 0. Binary numbers")
    assert at_kinks(gated([[0.5, 0.0], [0.2, 0.1]], [-1.5, -0.5])) == [(0,)]


def test_a_gate_within_an_equation_is_as_on_paper() -> None:
    problem = handgrad.Problem(
        ["h = relu(W @ x + b)", "L = sum(h)"],
        {"W": [[0.1, 0.2], [0.3, -0.4]], "b": [-0.3, 0.1]},
        {"x": [1.0, 1.0]},
    )
    trace = handgrad.solve(problem)
    notes = [n for n in trace.steps[0].notes if isinstance(n, GatedOff)]
    assert [(n.unit, n.value) for n in notes] == [((0,), 0.0), ((1,), 0.0)]
    assert [u.z.tolist() for u in units(trace)] == [[0.0, 0.0]]
    assert trace.run.gradient("b").tolist() == [0.0, 0.0]


def test_a_small_number_is_left_as_it_is() -> None:
    trace = gated([[1e-12, 0.0], [0.2, 0.1]], [0.0, -0.5])
    assert trace.run.value("z")[0] == pytest.approx(3e-12)
    assert at_kinks(trace) == []
    tiny = gated([[1e-17, 0.0], [0.2, 0.1]], [0.0, -0.5])
    assert tiny.run.value("z")[0] == pytest.approx(3e-17)
    assert not [n for s in tiny.steps for n in s.notes if isinstance(n, RoundingResidue)]
    saturated = handgrad.solve(handgrad.Problem(["L = sigmoid(w*x)"], {"w": -50.0}, {"x": 2.0}))
    assert saturated.run.loss == pytest.approx(3.72e-44, rel=1e-3)


def test_a_kink_away_from_0_is_met_on_paper() -> None:
    """0.1 + 0.7 is 0.7999999999999999 in binary: the larger of it and 0.8 is a tie on paper."""
    problem = handgrad.Problem(["s = a + b", "L = maximum(s, c)"], {"a": 0.1, "b": 0.7, "c": 0.8})
    trace = handgrad.solve(problem)
    notes = [n for step in trace.steps for n in step.notes]
    assert [n.entries for n in notes if isinstance(n, AtKink)] == [((),)]


def test_a_rest_after_a_transcendental_function_is_0() -> None:
    """Decimals of 100 digits leave a smaller rest than floats do."""
    problem = handgrad.Problem(
        ["p = softmax(z)", "L = (sum(p) - 1)*c"], {"z": [0.1, 0.2, 0.4], "c": 3.0}
    )
    trace = handgrad.solve(problem)
    assert trace.run.loss == 0
    assert trace.run.gradient("c") == 0


def test_each_case_has_its_own_rests() -> None:
    problem = handgrad.Problem(
        ["z = w*x - b", "L = relu(z)"],
        {"w": 0.1, "b": 0.3},
        {"x": {"cases": [3.0, 5.0]}},
    )
    trace = handgrad.solve(problem)
    assert trace.run.value("z").tolist() == [0.0, pytest.approx(0.2)]
    assert trace.run.gradient("b") == -0.5
    (rest,) = [n for s in trace.steps for n in s.notes if isinstance(n, RoundingResidue)]
    assert plain_text(rest.text()).startswith("z in case 1 is exactly 0.")


def test_a_part_of_an_equation_has_the_gradient_of_its_own_case() -> None:
    problem = handgrad.Problem(
        ["p = softmax(V @ x + c)", "L = cross_entropy(p, y)"],
        {"V": [[1.0, -1.0], [0.3, 0.2]], "c": [0.0, 0.1]},
        {"x": {"cases": [[1.0, 2.0], [-1.0, 0.5]]}, "y": {"cases": [1, 0]}},
    )
    page = handgrad.solve(problem).page()
    said = render_terminal(page, width=100, colour=False, unicode=True)
    assert "∂L/∂u₂ = p − one-hot(y)" in said
    assert "∂J/∂u₂" not in said
    assert "∂J/∂V = mean over cases(∂L/∂u₂" in said
    markdown = render_markdown(page)
    assert r"\mathrm{mean}" in markdown
    assert r"\ast" not in markdown


@pytest.mark.parametrize(
    ("equations", "given", "told"),
    [
        ("L = bce(p, y)", {"p": 0.5, "y": [1, 0]}, "broadcasting makes 2 pairs of them, a vector"),
        ("L = mse(p, y)", {"p": [[1], [2]], "y": [1, 2]}, "4 pairs of them, a 2×2 matrix"),
        ("L = sum((p - y)**2)", {"p": [[1], [2]], "y": [1, 2]}, "4 pairs of them, a 2×2 matrix"),
        ("L = mse(p, y)", {"p": [1, 2], "y": [1, 2]}, ""),
        ("L = sum((p - y)**2)", {"p": [[1, 2], [3, 4]], "y": [1, 2]}, ""),
        ("L = mse(p, [1, 2])", {"p": [[1], [2]]}, "p is a 2×1 matrix and [1, 2] is a vector"),
        (
            "L = sum(where(c, p, y))",
            {"c": 1, "p": [[1], [2]], "y": [1, 2]},
            "p is a 2×1 matrix and y",
        ),
        ("L = mse(p, 0)", {"p": [1, 2]}, ""),
        ("L = bce(p, y)", {"p": [0.5], "y": 1}, ""),
        ("L = mse(p, y)", {"p": [[0.5]], "y": [1]}, ""),
        ("L = mse(p, y)", {"p": [[1, 2]], "y": [1, 2]}, ""),
        ("L = cross_entropy(p, y)", {"p": [0.25, 0.75], "y": 1}, ""),
    ],
)
def test_unlike_shapes_are_pointed_out(equations: str, given: Any, told: str) -> None:
    """A prediction and a target that are paired by broadcasting, which is rarely what is meant."""
    trace = handgrad.solve(handgrad.Problem(equations, given))
    texts = [
        plain_text(n.text()) for s in trace.steps for n in s.notes if n.kind == "unlike_shapes"
    ]
    assert len(texts) == bool(told)
    assert all(told in text and "give both the same shape" in text for text in texts)


def test_an_equation_that_computes_the_same_is_named_and_not_passed_through() -> None:
    problem = handgrad.Problem(
        ["p = softmax(V @ x + c)", "s = V @ x + c", "L = cross_entropy(p, y) + 0.01 * sum(s)"],
        {"V": [[1.0, 0.5], [-1.0, 2.0]], "c": [0.1, -0.1]},
        {"x": [0.0, 1.1], "y": [0.0, 1.0]},
    )
    trace = handgrad.solve(problem)
    assert not trace.graph.shortcuts
    said = render_terminal(trace.page(), width=100, colour=False, unicode=True)
    assert "= p − y" in said
    assert "belong together" not in said
    assert handgrad.verify(problem).agrees


def test_a_part_is_named_however_deep_the_names_go_in_it() -> None:
    problem = handgrad.Problem(
        ["p = sigmoid(w @ tanh(W @ x + b) + c)", "h = tanh(W @ x + b)", "z = W @ x + b",
         "s = w @ h + c", "L = bce(p, y) + 0.1 * s + 0.05 * sum(z**2)"],
        {"W": [[0.5, -1.0], [1.5, 0.25]], "b": [0.2, -0.3], "w": [1.0, -0.75], "c": 0.1},
        {"x": [1.0, 2.0], "y": 1.0},
    )  # fmt: skip
    page = handgrad.solve(problem).page()
    said = render_terminal(page, width=100, colour=False, unicode=True)
    assert "∂L/∂w|L = (p − y) · h" in said
    assert handgrad.verify(problem).agrees


@pytest.mark.parametrize(
    ("equations", "parameters", "data"),
    [
        (
            "p = softmax(W @ x)\nL = -log(p[1])",
            {"W": [[0.1, 0.2], [0.3, 0.3]]},
            {"x": [3, -1.5]},
        ),
        ("e = exp(z - max(z))\np = e / sum(e)\nL = -log(p[0])", {"z": [1.0, 1.5, 2.0]}, {}),
        (
            "z = W @ x\nc = concat(z, 3*z)\nL = c[0] * c[3] + reshape(c, shape=(2, 2))[1, 0]",
            {"W": [[0.1, 0.2], [0.3, 0.3]]},
            {"x": [3, -1.5]},
        ),
        (
            "k = conv1d(reshape(x, 1, 5), K) - 0.3\nL = max_pool1d(relu(k), size=2)[0, 1] * k[0, 0]",
            {"K": [[[0.1, 0.2]]]},
            {"x": [1, 1, 3, 2, 0.5]},
        ),
    ],
)
def test_an_entry_that_is_picked_after_a_rest(
    equations: str, parameters: dict[str, Any], data: dict[str, Any]
) -> None:
    """Exact numbers take over where floats leave a rest, and give the floats' gradients otherwise."""
    problem = handgrad.Problem(equations, parameters, data)
    floats = handgrad.run(problem, build(problem))
    trace = handgrad.solve(problem)
    assert trace.run is not floats
    for name in parameters:
        assert_close(trace.run.gradient(name), floats.gradient(name))
    assert handgrad.verify(problem).agrees


def test_softmax_written_out_with_its_largest_subtracted() -> None:
    problem = handgrad.Problem(
        "e = exp(z - max(z))\np = e / sum(e)\nL = -log(p[0])", {"z": [1.0, 1.5, 2.0]}
    )
    gradient = handgrad.solve(problem).run.gradient("z")
    assert gradient.round(4).tolist() == [-0.8137, 0.3072, 0.5065]


PAPER = handgrad.Problem(
    "z = W @ a\np = softmax(z)\nJ = -sum(y*log(p))",
    {"W": [[0.5, 0.7], [0.9, 0.7]], "a": [1.5, 1.6]},
    {"y": [0, 1]},
)


def test_every_page_has_the_numbers_of_the_worked_solution() -> None:
    """Floats leave −3.4e-17 of ∂J/∂a₂ = 0."""
    assert handgrad.solve(PAPER).run.gradient("a")[1] == 0
    judged = handgrad.check(PAPER, {"da": [-0.21, 0]})["da"]
    assert judged.expected[1] == 0
    assert judged.wrong == ((0,),)
    assert handgrad.why(PAPER, "da[1]").value == 0


def test_gates_are_as_on_paper() -> None:
    problem = handgrad.Problem(
        ["z = W @ x + b", "h = relu(z)", "L = mse(w @ h, y)"],
        {"W": [[0.1, 0.0], [0.2, 0.1]], "b": [-0.3, -0.5], "w": [1.0, 0.5]},
        {"x": [3.0, 1.0], "y": 1.0},
    )
    units_of_h = handgrad.gates(problem).units
    assert [unit.fired for unit in units_of_h] == [0, 1]
    assert units_of_h[0].max_preactivation == 0


def said(problem: handgrad.Problem, kind: str) -> list[str]:
    notes = [note for step in handgrad.solve(problem).steps for note in step.notes]
    return [plain_text(note.text()) for note in notes if note.kind == kind]


def test_targets_that_do_not_add_up_to_1() -> None:
    given = {"W": [[0.1, 0.2], [0.3, 0.4]]}
    equations = "z = W @ x\np = softmax(z)\nL = cross_entropy(p, y)"
    (words,) = said(
        handgrad.Problem(equations, given, {"x": [1, 2], "y": [0.5, 0.4]}), "target_sums"
    )
    assert words.startswith("The targets y add up to 0.9, not to 1.")
    assert not said(handgrad.Problem(equations, given, {"x": [1, 2], "y": [0, 1]}), "target_sums")
    assert not said(handgrad.Problem(equations, given, {"x": [1, 2], "y": 1}), "target_sums")


def test_a_sum_of_a_mean_is_pointed_out() -> None:
    given = {"W": [[0.1, 0.2], [0.3, 0.4]]}, {"x": [1, 2], "y": [1, 0]}
    equations = "z = W @ x\np = sigmoid(z)\nL = "
    (words,) = said(handgrad.Problem(f"{equations}sum(bce(p, y))", *given), "mean_within")
    assert words.startswith("bce(p, y) is one number already, the mean over the 2 entries")
    assert not said(handgrad.Problem(f"{equations}bce(p, y)", *given), "mean_within")
    assert not said(handgrad.Problem(f"{equations}sum((p - y)**2)", *given), "mean_within")


@pytest.mark.parametrize(
    ("name", "bias", "values"),
    [
        ("lab9", True, False),
        ("neuron", True, False),
        ("attention", False, True),
        ("rnn", False, False),
    ],
)
def test_a_step_speaks_of_a_bias_and_of_weights_where_there_are_some(
    name: str, bias: bool, values: bool
) -> None:
    trace = handgrad.solve(handgrad.load(name))
    said = " ".join(plain_text(reason(trace, step)) for step in trace.steps)
    assert ("the bias gradient is" in said) == bias
    assert ("Multiply the two matrices" in said) == values


@pytest.mark.parametrize("equation", ["L = sum(exp(z - max(z)))", "L = max(z) - min(z)"])
def test_nothing_is_said_of_an_option_that_is_as_usual(equation: str) -> None:
    trace = handgrad.solve(handgrad.Problem(equation, {"z": [1.0, 1.5, 2.0]}))
    assert not [r for s in trace.steps if "Here" in (r := plain_text(reason(trace, s)))]


def test_a_row_of_its_own_is_not_repeated() -> None:
    """Broadcasting (2,) to (1, 2) uses each entry once: nothing is added up on the way back."""
    once = handgrad.Problem("L = sum((X @ W + b)**2)", {"W": [[1, 2]], "b": [3, 4]}, {"X": [[5]]})
    assert not [n for s in handgrad.solve(once).steps for n in s.notes if n.kind == "broadcast"]


def test_a_picked_class_is_called_the_target() -> None:
    """−log(p[1]) has no target to read: the 1 in its place is said to be the true class's."""
    problem = handgrad.Problem(
        "p = softmax(W @ x)\nL = -log(p[1])", {"W": [[0.1, 0.2], [0.3, 0.3]]}, {"x": [3, -1.5]}
    )
    page = handgrad.solve(problem).page(only="backward")
    text = " ".join(render_terminal(page, width=400, colour=False, unicode=True).split())
    assert "prediction minus target, which is 1 for the true class and 0 for the others." in text
    named = handgrad.solve(handgrad.load("softmax")).page(only="backward")
    text = " ".join(render_terminal(named, width=400, colour=False, unicode=True).split())
    assert "which is 1 for the true class" not in text


def test_a_kink_says_which_numbers_lie_at_it() -> None:
    problem = handgrad.Problem(
        ["z = W @ x", "h = abs(z)", "m = maximum(h, c)", "L = sum(m) + sum(norm(W, axis=1))"],
        {"W": [[1.0, -1.0], [0.0, 0.0]], "c": [0.0, 1.0]},
        {"x": {"cases": [[1.0, 1.0], [2.0, 1.0]]}},
    )
    notes = [n for step in handgrad.solve(problem).steps for n in step.notes]
    said = [plain_text(n.text()) for n in notes if isinstance(n, AtKink)]
    assert said == [
        "z[0] in case 1, z[1] in case 1 and z[1] in case 2 lie exactly at a kink: "
        "|a| has a kink at 0; its slope there is taken as 0.",
        "m[0] in case 1 lies exactly at a kink: both sides are equal, and each takes half of the gradient.",
        "W[1, 0] and W[1, 1] lie exactly at a kink: ‖a‖ has a kink at 0; its slope there is taken as 0.",
    ]


def told(problem: handgrad.Problem) -> str:
    trace = handgrad.solve(problem)
    pages = trace.page(), trace.slides()
    drawn = [render_terminal(p, width=200, colour=False, unicode=True) for p in pages]
    return " ".join(" ".join(drawn).split())


def test_what_is_counted_is_counted_to_the_end() -> None:
    """More than some dozens of entries off, at a kink, or zeroed: the first are named, and all are counted."""
    wide = told(
        handgrad.Problem(
            ["A = relu(X @ W)", "M = abs(Z)", "L = sum(A) + sum(M)"],
            {"W": -np.ones((2, 8)), "Z": np.zeros((5, 8))},
            {"X": np.ones((6, 2))},
        )
    )
    assert "48 entries are gated off" in wide
    assert "Z₁₄ and 36 more lie exactly at a kink" in wide
    layer = told(
        handgrad.Problem(
            ["z = W @ x", "a = relu(z)", "L = sum(a)"],
            {"W": -np.ones((50, 60))},
            {"x": [0.0] * 50 + [1.0] * 10},
        )
    )
    assert "50 units are gated off (z ≤ 0)" in layer
    assert "50 units were off" in layer
    assert "x₄ and at least 28 more are 0" in layer


def test_entries_that_a_channel_zeroes_are_counted() -> None:
    """Channel 2 is off everywhere: no entry of its 3×3 kernel gets a gradient."""
    problem = handgrad.Problem(
        ["A = relu(conv2d(X, K) + b)", "L = sum(A)"],
        {"K": np.ones((2, 1, 3, 3)), "b": np.array([[[0.0]], [[-20.0]]])},
        {"X": np.ones((1, 4, 4))},
    )
    page = handgrad.gates(problem).page()
    text = render_terminal(page, width=200, colour=False, unicode=True)
    assert "(2, 1, 2, 1) and 5 more of ∂L/∂K" in " ".join(text.split())


def test_a_product_of_two_vectors_is_a_dot_product() -> None:
    problem = handgrad.Problem(
        ["h = tanh(w)", "s = h @ a", "L = s**2"], {"w": [0.5, -1.0]}, {"a": [1.0, 2.0]}
    )
    trace = handgrad.solve(problem)
    said = [plain_text(reason(trace, step)) for step in trace.steps]
    assert any("Multiply entry by entry and add up." in s for s in said)
    assert any("gradient is the incoming gradient times the other vector" in s for s in said)
    assert not any("matrices" in s or "transposed" in s for s in said)


def test_zeros_of_a_large_gradient_are_all_marked() -> None:
    """The loss is flat: all 120 entries of the gradient of W are 0, the last as the first."""
    problem = handgrad.Problem(
        ["h = relu(W @ x)", "L = max(0, 1 - sum(h))"], {"W": np.ones((40, 3))}, {"x": np.ones(3)}
    )
    page = handgrad.solve(problem).page()
    marked = [r.marks for b in page.blocks for r in getattr(b, "relations", ()) if r.marks]
    assert max(len(marks) for marks in marked) == 120


def test_a_slope_that_floats_make_0_is_said_to_be_so() -> None:
    trace = handgrad.solve(handgrad.Problem(["a = sigmoid(w*x)", "L = a**2"], {"w": 100}, {"x": 1}))
    said = [plain_text(n.text()) for step in trace.steps for n in step.notes]
    assert any("its slope there is 0 in floats (under" in text for text in said)
    assert not any("only 0 " in text for text in said)


def test_a_loss_that_hardly_moves_is_told_by_how_much() -> None:
    """Two figures of it would look the same."""
    problem = handgrad.Problem("L = w**2", {"w": 0.5}, update=handgrad.Update(rate=1e-5))
    trace = handgrad.solve(problem)
    (note,) = trace.steps[-1].notes
    assert plain_text(note.text()) == "The loss fell by 9.9999e-6."
    moved = takeaways(trace)[-1]
    assert plain_text(moved.text()).endswith(" lower than before.")


def test_a_transposed_array_is_no_result_of_itself() -> None:
    trace = handgrad.solve(
        handgrad.Problem("K = T.T\nL = sum(K*K)", {"T": [[0.5, 2.0], [1.5, -1.0]]})
    )
    text = render_terminal(trace.page(), width=80, colour=False, unicode=True)
    (line,) = [each for each in text.splitlines() if "K = Tᵀ" in each and "⎡" in each]
    assert line.count("⎡") == 1


WORDS = {
    "a penalty and a layer": "The weight gradient is the error signal times the layer's input; the bias gradient is the error signal itself.",
    "attention": "The weight gradient is the gradient of the product times the product's other factor.",
    "rnn": "The weight gradient is the error signal times what the weight multiplies, added up over its uses.",
    "classes": "In each case the weight gradient is the error signal times the layer's input;",
}


@pytest.mark.parametrize("name", WORDS)
def test_what_is_said_of_a_weights_gradient(name: str) -> None:
    if name in ("attention", "rnn", "classes"):
        problem = handgrad.load(name)
    else:
        problem = handgrad.loads(
            """
            equations = '''
            pre = W @ x + b
            h = relu(pre)
            cost = sum(h) + 0.5*lam*sum(W**2)
            '''
            [parameters]
            W = [[1, 2]]
            b = [1]
            [data]
            x = [1, 0.5]
            lam = 0.1
            """
        )
    text = handgrad.render(handgrad.solve(problem))
    assert WORDS[name] in " ".join(text.split())


def test_digits_that_are_shown_are_those_on_paper() -> None:
    """A layer norm of two numbers gives back ±a; beside gradients of 10⁹ floats told them apart in the fourth decimal."""
    problem = handgrad.Problem(
        "N = layernorm(R)\nL = sum((N @ W)**2)",
        {"R": [[-30.3, -24.5], [11.0, -7.25]], "W": [[51000.0, 32000.0], [47000.0, -6000.0]]},
        {},
    )
    gradient = np.asarray(handgrad.solve(problem).gradients["R"])
    np.testing.assert_allclose(gradient[:, 0], -gradient[:, 1], rtol=1e-14)


def test_what_is_repeated_is_so_on_the_way_to_the_equation_that_uses_it() -> None:
    """The gradient of f comes from L the short way, which passes by p; it is p that uses f for each threshold."""
    problem = handgrad.Problem(
        ["f = w @ x", "p = sigmoid(theta - f)", "L = -sum(y*log(p) + (1 - y)*log(1 - p))"],
        {"w": [1.5, 1.3], "theta": [-0.1, 0.4, 1.4]},
        {"x": [-0.8, -0.8], "y": [1, 1, 0]},
    )
    page = render_terminal(handgrad.solve(problem).page())
    assert "repeated to a vector of 3 entries on the way from f to p." in " ".join(page.split())


@pytest.mark.parametrize(
    ("shape", "shown"), [("4", "4"), ("(4,)", "4"), ("-1", "−1"), ("(2, -1)", "(2, −1)")]
)
def test_the_shape_of_a_reshape_is_shown(shape: str, shown: str) -> None:
    """Also on the way back, where it is the shape that the entries came from."""
    problem = handgrad.Problem(
        f"L = sum(reshape(W, shape={shape}) ** 2)", {"W": [[[1, 2], [3, 4]]]}
    )
    text = render_terminal(handgrad.solve(problem).page(), width=200, colour=False, unicode=True)
    assert f"reshape(W; shape = {shown})" in text
    assert "shape = (1, 2, 2))" in text


def test_one_entry_is_spoken_of_as_one() -> None:
    page = handgrad.solve(handgrad.Problem("L = a * 0", {"a": 1})).page()
    text = render_terminal(page, width=200, colour=False, unicode=True)
    assert "L = 0. The one entry of the gradients comes out zero." in text


def test_a_matrix_and_a_vector_are_not_two_matrices() -> None:
    problem = handgrad.Problem(
        ["h = tanh(W @ X)", "a = softmax(q @ h)", "c = h @ a", "L = sum(c**2)"],
        {"W": [[0.5, -1], [1.5, 0.5]], "q": [1, -1]},
        {"X": [[1, 0], [0.5, 2]]},
    )
    page = render_terminal(handgrad.solve(problem).page())
    assert "Multiply the matrix and the vector: each entry is a sum of products." in page
    assert "two matrices" not in page


def said_of(equations: str, parameters: dict[str, Any], data: dict[str, Any]) -> str:
    trace = handgrad.solve(handgrad.Problem(equations, parameters, data, loss="L"))
    return " ".join(plain_text(note.text()) for step in trace.steps for note in step.notes)


def test_a_factor_that_is_0_in_every_case() -> None:
    said = said_of(
        "z = W @ s\np = softmax(z)\nH = -sum(p*log(p))\nL = -adv*log(p[0]) - 0.1*H",
        {"W": [[-0.2], [0.8]]},
        {"s": {"cases": [[0.9], [0.3]]}, "adv": {"cases": [0, 0]}},
    )
    assert "The path through L gives 0 because adv = 0." in said


@pytest.mark.parametrize(
    ("equations", "given"), [("h = relu(p)\nL = p + q", "p"), ("h = relu(w*p)\nL = w*p + q", "w")]
)
def test_a_shut_gate_beside_a_gradient_that_is_the_same_in_every_case(
    equations: str, given: str
) -> None:
    cases = {"cases": [-1.0, 2.0]}
    data = {} if given == "p" else {"p": cases}
    said = said_of(equations, {given: cases if given == "p" else 1.0, "q": 3.0}, data)
    assert "off in case 1 of 2" in said


def page_of(equations: str, parameters: dict[str, Any], data: dict[str, Any]) -> str:
    trace = handgrad.solve(handgrad.Problem(equations, parameters, data, loss="L"))
    return render_terminal(trace.page(), width=100, colour=False, unicode=True)


def test_parts_take_no_letter_whose_entries_the_problem_has() -> None:
    page = page_of(
        "g = sigmoid(m @ u)\nL = 0.5*(g - y)**2", {"u": [0.3, 0.6]}, {"m": [1, 2], "y": 1}
    )
    assert "v₁ = mᵀu" in page
    assert "u₁" not in page


def test_a_gradient_in_each_case_leaves_no_rest_of_rounding() -> None:
    """The norm of (3, 4) is 5: nothing is left of the cosine's gradient along itself."""
    page = page_of(
        "s = dot(u, v) / (norm(u)*norm(v))\nL = 1 - s",
        {"u": [3, 4]},
        {"v": {"cases": [[3, 4], [-4, 3], [-3, -4]]}},
    )
    assert "10⁻¹⁷" not in page


def test_a_vector_that_is_spread_down_columns_is_a_row() -> None:
    page = page_of(
        "H = X @ W\nm = max(H, axis=0)\nL = sum(m*m)",
        {"W": [[1, 0], [0, 1]]},
        {"X": [[1, 2], [0, 1], [0.5, 3]]},
    )
    assert "[2  6] ⊙ attained" in page


@pytest.mark.parametrize(
    ("name", "rule", "said"),
    [
        ("eta", "sgd", "Here the learning rate is 0.1."),
        ("mu", "momentum", "the momentum is 0.9"),
    ],
)
def test_a_setting_is_called_as_in_the_formulas(name: str, rule: str, said: str) -> None:
    """Where the problem has its letter, by another name."""
    problem = handgrad.Problem(
        f"{name} = w*x\nL = ({name} - y)**2",
        {"w": 1},
        {"x": 2, "y": 1},
        update=handgrad.Update(rule, 0.1),
    )
    assert said in " ".join(handgrad.render(handgrad.solve(problem), width=200).split())


def test_an_entry_of_a_part_of_an_array_is_one_of_the_array() -> None:
    assert "s₂ and s₃ lie exactly at a kink" in page_of(
        "L = max(s[1:]) + s[0]", {"s": [1, 2, 2]}, {}
    )


def test_sides_that_are_equal_at_all_numbers_around_are_no_kink() -> None:
    """g ≥ max(g) of the one that is the largest by far, and PPO's min of two that are one within its bounds."""
    experts = handgrad.Problem(
        ["g = softmax(W @ x)", "keep = g >= max(g)", "L = sum(keep * g * E)"],
        {"W": [[0.5, 0], [0.2, -0.3], [0, 0.1]], "E": [2, 0, -0.5]},
        {"x": [1, -0.9]},
    )
    clipped = handgrad.Problem(
        ["r = exp(w*x)", "L = min(r*a, clip(r, 1 - e, 1 + e)*a)"],
        {"w": 0.1},
        {"x": 1, "a": 2, "e": 0.25},
    )
    for problem, met in (
        (experts, 0),
        (
            experts.with_values({"x": [1, -1]}),
            2,
        ),  # two of them are the largest: max has a kink, and ≥
        (clipped, 0),
        (clipped.with_values({"w": 0.0, "e": 0.0}), 3),
    ):
        notes = [
            n for step in handgrad.solve(problem).steps for n in step.notes if n.kind == "kink"
        ]
        assert len(notes) == met


def test_what_stands_twice_in_a_formula_is_told_once() -> None:
    problem = handgrad.Problem("L = max(m, 0)**2 + max(m, 0)", {"m": 0.0})
    notes = [n for s in handgrad.solve(problem).steps for n in s.notes if n.kind == "kink"]
    assert len(notes) == len(set(notes)) > 0
