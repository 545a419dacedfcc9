"""A value that is called as another's gradient would be, and names beyond ASCII, in answers files."""

from __future__ import annotations

import tomllib

import handgrad
from handgrad.checking.blanks import blank_toml

NEWTON = handgrad.Problem(
    ["f = x**2 - a", "df = 2*x", "α = x - f/df", "L = (α**2 - a)**2"], {"x": 2, "a": 1}
)


def test_a_gradient_beside_a_value_of_its_name() -> None:
    """f's gradient is dL/df where df is a value: in blanks, answers, drills and code."""
    checker = handgrad.Checker(NEWTON)
    asked = tomllib.loads(blank_toml(handgrad.blanks(checker)))
    assert {"df", "ddf", "dL/df", "α", "dα"} <= set(asked)
    right = {"df": 4, "dL/df": -0.703125}
    assert checker.check(right).all_well
    report = checker.check({"df": -0.703125})
    assert [j.target for j in report.wrong] == ["df"]
    drill = handgrad.drill(NEWTON, words=["dL/df"])
    assert drill.blank.target == "dL/df"


def test_gradients_by_their_parameters_name() -> None:
    """assert_gradients takes the parameter's name, also where a value is called d and it."""
    problem = handgrad.Problem(["dw = 2*w", "L = dw**2"], {"w": 3})
    handgrad.assert_gradients(problem, {"w": 24})
