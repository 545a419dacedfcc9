"""The builder that readers of models write on: the model's own names, taken wherever a name is."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad.equations.place import CodeLine, CodePlace
from handgrad.formats.markdown import render_markdown
from handgrad.models.builder import Builder, identifier
from handgrad.operations.activations import leaky_relu, relu
from handgrad.operations.losses import mse
from handgrad.operations.reductions import sum_
from tests.oracle import assert_close

LINE = CodeLine("net.py", 12, "h = torch.relu(self.blocks[0].fc(x))")
WEIGHT = np.array([[0.5, -0.3], [0.2, 0.7], [-0.4, 0.1]])
X = np.array([[1.0, 2.0], [-1.0, 0.5]])
Y = np.array([[0.5, 0.0, 1.0], [0.0, 1.0, 0.5]])


def small() -> handgrad.Problem:
    """One layer, by the paths of a model of modules in modules."""
    builder = Builder("PyTorch", "A layer")
    x = builder.data("x", X)
    y = builder.data("y", Y)
    weight = builder.parameter("blocks.0.fc.weight", WEIGHT)
    bias = builder.parameter("blocks.0.fc.bias", np.array([0.1, -0.2, 0.0]))
    z = builder.equation("blocks.0.fc", x @ weight.T + bias, CodePlace("blocks.0.fc", LINE))
    h = builder.equation("blocks.0.act", relu(z), CodePlace("blocks.0.act", LINE))
    return builder.problem(builder.equation("loss", mse(h, y)))


def test_names_are_those_of_the_model() -> None:
    problem = small()
    assert list(problem.parameters) == ["blocks_0_fc_weight", "blocks_0_fc_bias"]
    assert problem.display["blocks_0_fc_weight"] == "blocks.0.fc.weight"
    assert problem.equations[0].text == "blocks_0_fc = x @ blocks_0_fc_weight.T + blocks_0_fc_bias"
    assert problem.model is not None
    assert problem.model.modules["blocks_0_act"] == "blocks.0.act"
    assert problem.model.lines["blocks_0_act"] is LINE
    text = handgrad.render(handgrad.solve(problem).page())
    assert "blocks.0.fc.weight" in text


def test_a_path_is_taken_for_a_name() -> None:
    problem = small()
    trace = handgrad.solve(problem)
    expected = trace.gradients["blocks_0_fc_weight"]
    assert_close(trace.gradient("blocks.0.fc.weight"), expected)
    assert_close(trace.value("blocks.0.fc"), trace.values["blocks_0_fc"])
    spellings = (
        "dblocks.0.fc.weight[1,0]",
        "dloss/dblocks.0.fc.weight[1,0]",
        "∂loss/∂blocks.0.fc.weight[1,0]",
    )
    for entry in (*spellings, "dblocks_0_fc_weight[1,0]"):
        assert_close(handgrad.why(problem, entry).value, expected[1, 0])
    assert_close(
        handgrad.why(problem, "blocks.0.act[1,2]").value, trace.value("blocks.0.act")[1, 2]
    )
    changed = problem.with_values({"blocks.0.fc.bias": [1, 1, 1]})
    assert changed.parameters["blocks_0_fc_bias"].array.tolist() == [1, 1, 1]
    assert changed.model is problem.model


def test_rates_answers_and_gradients_by_path() -> None:
    frozen = handgrad.Update("sgd", 0.1, rates={"blocks.0.fc.weight": 0})
    problem = small().with_parts(update=frozen)
    assert problem.frozen == {"blocks_0_fc_weight"}
    trace = handgrad.solve(problem)
    answers = {
        "blocks.0.fc": trace.value("blocks.0.fc"),
        "dblocks.0.fc.bias": trace.gradient("blocks.0.fc.bias"),
        "blocks.0.fc.weight_grad": trace.gradient("blocks.0.fc.weight"),
        "updated.blocks.0.fc.bias": trace.updated["blocks_0_fc_bias"],
        "blocks.0.fc.bias_new": trace.updated["blocks_0_fc_bias"],
    }
    for name, answer in answers.items():
        report = handgrad.check(problem, {name: answer})
        given = [step.verdict for step in report.steps if step.verdict != "missing"]
        assert given == ["right"], name
    handgrad.assert_gradients(problem, {"blocks.0.fc.weight": trace.gradient("blocks.0.fc.weight")})
    box = handgrad.gates(problem)
    assert box.problem.model is not None


def test_a_path_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(handgrad.OptionError, match=r"did you mean blocks\.0\.fc\.weight\?"):
        handgrad.solve(small()).gradient("blocks.0.fc.wieght")


def test_the_longest_path_is_meant_and_no_part_of_a_word() -> None:
    builder = Builder("PyTorch")
    one = builder.parameter("fc.w", 2.0)
    two = builder.parameter("fc.w.raw", 3.0)
    three = builder.parameter("0.w", 4.0)
    problem = builder.problem(builder.equation("loss", one * two * three))
    assert list(problem.parameters) == ["fc_w", "fc_w_raw", "_0_w"]
    assert problem.respelled("dfc.w.raw and fc.w") == "dfc_w_raw and fc_w"
    assert problem.respelled("10.w, my_fc.w, fc.weight") == "10.w, my_fc.w, fc.weight"
    assert_close(handgrad.solve(problem).gradient("0.w"), 6.0)


def test_a_number_in_an_index_is_no_path() -> None:
    builder = Builder("PyTorch")
    one = builder.parameter("1", np.array([2.0, 3.0]))
    problem = builder.problem(builder.equation("loss", one.at((1,)) * one.at((0,))))
    assert problem.respelled("d_1[1]") == "d_1[1]"
    assert_close(handgrad.why(problem, "d_1[1]").value, 2.0)


def test_the_framework_its_precision_and_its_slopes_are_told() -> None:
    for dtype, told in (("float32", "in float32; these pages compute in float64"), ("float64", "in float64, as these pages do")):  # fmt: skip
        builder = Builder("JAX")
        w = builder.parameter("w", np.array([0.0, 2.0], dtype=dtype))
        h = builder.equation("h", leaky_relu(w))
        problem = builder.problem(builder.equation("loss", sum_(h)))
        assert problem.model is not None
        assert problem.model.dtype == dtype
        pages = handgrad.solve(problem), handgrad.solve_unit(problem, "h[1]"), problem
        for answer in pages:
            assert f"a model of JAX, which computes {told}" in render_markdown(answer.page())
        assert "JAX, which the model is from, has the slope 1 here, and these steps α" in render_markdown(pages[0].page())  # fmt: skip


def test_names_that_would_meet_are_kept_apart() -> None:
    builder = Builder("PyTorch")
    one = builder.parameter("a.b", 2.0)
    two = builder.parameter("a_b", 3.0)
    product = builder.equation("relu", one * two)
    problem = builder.problem(builder.equation("relu", relu(product)))
    assert list(problem.parameters) == ["a_b", "a_b_"]
    assert [e.target for e in problem.equations] == ["relu", "relu_2"]
    assert_close(handgrad.solve(problem).gradient("a.b"), 3.0)
    assert [identifier(path) for path in ("lambda", "2", "")] == ["_lambda", "_2", "_"]


def test_shapes_that_do_not_fit_are_told_with_the_module_and_the_line() -> None:
    builder = Builder("PyTorch")
    x = builder.data("x", X)
    weight = builder.parameter("fc.weight", np.ones((3, 3)))
    with pytest.raises(handgrad.ProblemError) as raised:
        builder.equation("fc", x @ weight, CodePlace("fc", LINE))
    assert str(raised.value).startswith("net.py:12: fc: ")
    assert "h = torch.relu" in str(raised.value)


def test_what_does_not_compute_is_refused() -> None:
    builder = Builder("PyTorch")
    with pytest.raises(handgrad.ProblemError, match="computes nothing"):
        builder.problem(builder.parameter("w", 1.0))


def test_other_parts_keep_the_model() -> None:
    problem = small()
    assert problem.with_swap({"relu": "gelu"}).model is problem.model
