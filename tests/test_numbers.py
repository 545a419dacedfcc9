"""The same run on exact numbers and on symbols agrees with floats, and stays within bounds."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.cli.commands import run
from handgrad.figures import figure
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from handgrad.numbers import Exact
from tests.graphs import random_graph
from tests.oracle import assert_close
from tests.schemas import validate
from tests.slow import with_slow
from tests.test_json import printed
from tests.test_operations import ROWS, Row, drawn, spelled

BUNDLED = [name for name, _, _ in handgrad.bundled()]


def agrees(problem: handgrad.Problem, kind: str) -> None:
    plain = handgrad.run(problem, build(problem))
    other = handgrad.run_exact(problem) if kind == "exact" else handgrad.run_symbols(problem)
    for name in other.graph.nodes:
        assert_close(other.value(name).astype(float), plain.value(name))
        assert_close(other.gradient(name).astype(float), plain.gradient(name))


@pytest.mark.parametrize(
    ("name", "kind"),
    with_slow(
        itertools.product(BUNDLED, ["exact", "symbols"]),
        [("causal", "symbols"), ("lstm", "symbols")],
    ),
)
def test_bundled_problems(name: str, kind: str) -> None:
    agrees(handgrad.load(name), kind)


@pytest.mark.parametrize("row", {row.name: row for row in ROWS}.values(), ids=spelled)
@pytest.mark.parametrize("kind", ["exact", "symbols"])
def test_every_operation(row: Row, kind: str) -> None:
    values = drawn(row, np.random.default_rng(2))
    agrees(handgrad.Problem([f"r = {spelled(row)}", "L = sum(r)"], values), kind)


@given(st.integers(0, 2**32 - 1))
def test_random_graphs_exactly(seed: int) -> None:
    agrees(random_graph(seed, 8).problem(), "exact")


@given(st.integers(0, 2**32 - 1))
def test_random_graphs_in_symbols(seed: int) -> None:
    agrees(random_graph(seed, 5).problem(), "symbols")


def test_the_lab_in_fractions() -> None:
    lab = handgrad.run_exact(handgrad.load("lab9"))
    assert [x.value for x in lab.value("z2")] == [Fraction(21, 50), Fraction(-17, 100)]
    assert str(lab.value("z3")) == "69/125"
    assert not lab.value("yhat").item().is_exact
    assert lab.gradient("W2")[1, 0].value == 0


def test_written_fractions_are_exact() -> None:
    problem = handgrad.Problem("L = w*x/0.3", {"w": "1/3"}, {"x": "0.420"})
    assert handgrad.run_exact(problem).value("L").item().value == Fraction(7, 15)


def test_more_digits_than_floats_have() -> None:
    for name in ("exp", "log", "sqrt", "sin", "cos", "tanh"):
        ours = getattr(Exact.of("0.7"), name)()
        theirs = getattr(sympy, name)(sympy.Rational(7, 10)).evalf(45)
        assert abs(sympy.Float(str(ours.decimal), 60) - theirs) < sympy.Float("1e-44")


def test_a_gradient_in_letters_is_a_sum_over_paths() -> None:
    """Both hidden units on: ∂L/∂W⁽¹⁾₁₁ has one term for each of the two paths to the loss."""
    lab = handgrad.load("lab9").with_values({"b2": "[0.2, 1]"})
    gradient = handgrad.run_symbols(lab).gradient("W1")[0, 0].formula
    signal, a, b, c, d, x = sympy.symbols("s W2_11 W2_21 w3_1 w3_2 x_1", real=True)
    yhat_minus_y = next(
        f for f in sympy.preorder_traversal(gradient) if isinstance(f, sympy.Add) and f.has(sympy.exp) and -sympy.Symbol("y", real=True) in f.args
    )  # fmt: skip
    paths = sympy.expand(gradient.subs(yhat_minus_y, signal))
    assert sympy.simplify(paths - signal * x * (a * c + b * d)) == 0
    assert len(sympy.Add.make_args(paths)) == 2


@pytest.mark.parametrize(
    ("equation", "said"),
    [
        ("L = 9**9**9**9", "bits"),
        ("L = (w/7)**100000", "bits"),
        ("L = w/(w - 3)", "a division by zero"),
        ("L = log(3 - w)", "not positive"),
    ],
)
def test_exact_numbers_are_bounded(equation: str, said: str) -> None:
    with pytest.raises(handgrad.NumberError, match=said):
        handgrad.run_exact(handgrad.Problem(equation, {"w": 3}))


@pytest.mark.parametrize("kind", ["exact", "symbols"])
def test_on_the_command_line(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "lab9", "--numbers", kind]) == 0
    page = capsys.readouterr().out
    assert ("21/50" if kind == "exact" else "W2_11*w3_1*x_1") in page
    numbers = printed(["solve", "lab9", "--numbers", kind], capsys)
    validate(numbers, "numbers")
    if kind == "exact":
        assert numbers["values"]["z2"] == ["21/50", "-17/100"]


def test_arrays_of_numbers_stay_of_their_kind() -> None:
    halves = np.array([Exact.of(0.5), Exact.of(0.25)], dtype=object)
    assert all(isinstance(x, Exact) for x in np.exp(halves) * 2 + 1)
    assert (halves > 0.3).tolist() == [True, False]


@pytest.mark.parametrize("kind", ["exact", "symbols"])
def test_numbers_beyond_the_floats_are_written(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "huge.toml"
    file.write_text('equations = "a = w * 10\\nL = 0 * a"\n[parameters]\nw = 1e308')
    assert run(["solve", str(file), "--numbers", kind]) == 0
    assert "1 × 10³⁰⁹" in capsys.readouterr().out
    assert run(["solve", str(file)]) == 2
    assert "a is not finite" in capsys.readouterr().err


def test_an_exact_run_that_overflows_names_its_step() -> None:
    problem = handgrad.Problem("a = w * 10\nb = exp(a)\nL = 0 * b", {"w": 1e308})
    with pytest.raises(handgrad.NumberError, match="b cannot be had in these numbers") as error:
        handgrad.run_exact(problem)
    assert error.value.where == "equation 2"
    page = handgrad.run_symbols(problem).page()
    assert "too large to be written out" in render_terminal(
        page, width=80, colour=False, unicode=True
    )


def test_a_fraction_of_many_digits_is_printed_as_a_decimal() -> None:
    """Python writes no integer of more than 4 300 digits."""
    third = Exact.of(2) ** 6000
    assert str(third * third * third) == "≈3.4667454295237668687e+5418"


def test_the_smallest_float_is_written_to_its_last_decimal() -> None:
    assert figure(5e-324, 324).startswith("0.")
    assert figure(5e-324, 4) == "4.9407e-324"


def test_numbers_that_are_one_float_tie_on_paper_too() -> None:
    """sigmoid(100) and sigmoid(300) are 1 on every page, whichever of them more digits call the larger."""
    problem = handgrad.Problem(
        "a = sigmoid(z)\nL = max(a) + (0.1*v + 0.2*v - 0.3*v)", {"z": [100, 300, -1], "v": 1}, {}
    )
    assert handgrad.solve(problem).run.gradient("a").tolist() == [0.5, 0.5, 0]
    assert [str(x) for x in handgrad.run_exact(problem).gradient("a")] == ["1/2", "1/2", "0"]


@pytest.mark.parametrize("name", ["log1p", "expm1", "tanh"])
@pytest.mark.parametrize("written", ["1e-300", "-3e-131", "2e-101", "1e-99", "-1e-60", "1/10", "-9/10", "2"])  # fmt: skip
def test_functions_near_zero_keep_their_digits(name: str, written: str) -> None:
    """softplus(−300) is log1p(e⁻³⁰⁰), 1e-131: not the 0 that 1 + e⁻³⁰⁰ leaves in a hundred digits."""
    number = Fraction(written)
    exact = Exact.of(number)
    with mpmath.workdps(450):
        right = getattr(mpmath, name)(mpmath.mpf(number.numerator) / number.denominator)
        found = mpmath.mpf(str(getattr(exact, name)().decimal))
        assert abs(found - right) <= abs(right) * mpmath.mpf(10) ** -167


@pytest.mark.parametrize("written", ["1/2", "59/10", "601/100", "7", "20", "-13/2"])
def test_the_error_function_has_all_digits(written: str) -> None:
    number = Fraction(written)
    exact = Exact.of(number)
    with mpmath.workdps(450):
        right = mpmath.erfc(mpmath.mpf(number.numerator) / number.denominator)
        found = mpmath.mpf(str(exact.erfc().decimal))
        assert abs(found - right) <= abs(right) * mpmath.mpf(10) ** -167


def test_a_difference_of_differences_leaves_no_rounding() -> None:
    """(σ(150) − 1) + σ(−150) is 0 on paper, though σ(150) − 1 is 7e-66 and of fewer digits than 1."""
    opened, shut = (1 / (1 + Exact.of(-z).exp()) for z in (150, -150))
    assert (opened - 1) != 0
    assert (opened - 1) + shut == 0


def test_the_page_says_which_case_and_has_the_loss_over_them() -> None:
    problem = handgrad.Problem(
        "z = w*x\nL = (z - y)**2", {"w": 0.5}, {"x": {"cases": [1, 2]}, "y": {"cases": [1, 0]}}
    )
    page = handgrad.render(handgrad.run_exact(problem).page())
    assert re.search(r"z in case 2 +│ +1 +│ 1\n", page)
    assert re.search(r"J +│ +0.625 │ 5/8", page)
