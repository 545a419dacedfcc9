"""Each equation of a model knows the module and the line of the user's code that computes it."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad.equations.place import CodeLine, CodePlace
from handgrad.models.builder import Builder
from handgrad.operations.activations import relu
from handgrad.operations.functions import log
from handgrad.operations.reductions import sum_

LINES = tuple(CodeLine("net.py", number, "x") for number in range(10, 20))


def two_layers() -> handgrad.Problem:
    """Layers named 1.1 and 1.2, as steps are numbered."""
    builder = Builder("PyTorch", "Two layers")
    h = builder.data("x", np.array([[1.0, 2.0]]))
    for number, line in ((1, LINES[0]), (2, LINES[4])):
        weight = builder.parameter(f"1.{number}.weight", np.array([[1.0, -0.5], [0.5, 1.0]]))
        z = builder.equation(f"1.{number}", h @ weight, CodePlace(f"1.{number}", line))
        h = builder.equation("h", relu(z), CodePlace("", line))
    total = builder.equation("total", sum_(h), CodePlace("", LINES[7]))
    return builder.problem(builder.equation("loss", log(total), CodePlace("", LINES[8])))


def heads(text: str) -> list[str]:
    return [line for line in text.splitlines() if "net.py" in line]


def test_the_head_of_a_step_says_where_the_code_computes_it() -> None:
    trace = handgrad.solve(two_layers())
    text = handgrad.render(trace.page(), "md")
    assert heads(text) == [
        "*1.1, net.py:10*",
        "*uses 1.1 · 1.2, net.py:14*",
        "*uses 1.2 · net.py:17*",
        "*uses 1.3 · net.py:18*",
    ]
    for step in trace.steps:
        assert ("net.py" in handgrad.render(step.page(), "md")) == (step.phase == "forward")
    for kind in ("html", "tex", "typ", "txt"):
        assert "net.py:14" in handgrad.render(trace.page(), kind), kind


def test_a_module_that_is_numbered_like_a_step_leads_nowhere() -> None:
    html = handgrad.render(handgrad.solve(two_layers()).page(), "html")
    assert 'uses <a href="#step-1.1">1.1</a> · 1.2, net.py:14' in html


def test_of_many_lines_the_first_are_named() -> None:
    builder = Builder("PyTorch")
    value = builder.parameter("w", 2.0)
    for line in LINES[:5]:
        value = builder.equation("loss", value * value, CodePlace("", line))
    text = handgrad.render(handgrad.solve(builder.problem(value)).page(only="forward"), "md")
    assert sum(line.count("net.py") for line in heads(text)) == 5
    assert handgrad.equations.places_of(builder.equations, {e.target for e in builder.equations}) == (
        "net.py:10; net.py:11; net.py:12; 2 more"
    )  # fmt: skip


def test_a_unit_says_where_it_is_computed() -> None:
    text = handgrad.render(handgrad.solve_unit(two_layers(), "h_2[0,1]").page(), "md")
    assert "It is computed in 1.2, net.py:14." in text


def test_a_number_that_cannot_be_computed_is_told_with_the_line() -> None:
    problem = two_layers().with_values({"1.2.weight": [[-1, 0], [0, -1]]})
    with pytest.raises(handgrad.NumberError, match=r"equation 6 \(net\.py:18\).*log") as raised:
        handgrad.solve(problem)
    assert "loss = log(total)" in str(raised.value)


def test_a_problem_of_ones_own_has_no_such_places() -> None:
    assert handgrad.equations.places_of(handgrad.load("lab9").equations, {"z1"}) == ""
