"""How numbers and names are shown."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.figures import EMPTY, aligned, figure, full
from handgrad.formats.terminal import render_terminal
from handgrad.symbol import Symbol, symbol


@pytest.mark.parametrize(
    ("x", "decimals", "text"),
    [
        (0.6, 4, "0.6"),
        (-0.36539, 4, "-0.3654"),
        (1.0, 4, "1"),
        (100.0, 4, "100"),
        (0.0, 4, "0"),
        (-0.0, 4, "0"),
        (1.23e-9, 4, "1.23e-9"),
        (-0.00004, 4, "-4e-5"),
        (1.23456789e-9, 2, "1.23e-9"),
        (0.5, 0, "1"),
        (0.4, 0, "4e-1"),
        (0.37 * 0.5, 2, "0.19"),
        (1.1 * 0.15, 2, "0.17"),
        (-0.125, 2, "-0.13"),
        (0.1849, 2, "0.18"),
        (1e7, 4, "1e7"),
        (-12345678.0, 3, "-1.235e7"),
        (9999999.0, 4, "9999999"),
        (math.inf, 4, "inf"),
        (-math.inf, 4, "-inf"),
        (math.nan, 4, "undefined"),
        (EMPTY, 4, "blank"),
    ],
)
def test_figures(x: float, decimals: int, text: str) -> None:
    assert figure(x, decimals) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 12))
def test_a_figure_is_near_its_number_and_zero_only_for_zero(x: float, decimals: int) -> None:
    text = figure(x, decimals)
    near = float(text)
    assert (text == "0") == (x == 0)
    assert text != "-0"
    assert math.isinf(near) or abs(near - x) <= 0.51 * 10**-decimals * max(1, abs(x))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_full_text_reads_back_as_the_number(x: float) -> None:
    assert float(full(x)) == x


def test_full_text_of_whole_numbers_has_no_point() -> None:
    assert [full(x) for x in (1.0, -2.0, 0.1, 1e22, 5e-324)] == ["1", "-2", "0.1", "1e22", "5e-324"]


def test_columns_are_aligned_at_the_point() -> None:
    assert aligned([-0.1315, 0.0, 12.5, 1e-9]) == ("-0.1315", " 0     ", "12.5   ", " 1e-9  ")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("z1", Symbol("z", superscript="1", name="z1")),
        ("W2", Symbol("W", superscript="2", name="W2")),
        ("z12", Symbol("z", superscript="12", name="z12")),
        ("L", Symbol("L", name="L")),
        ("yhat", Symbol("y", accent="hat", name="yhat")),
        ("ybar1", Symbol("y", accent="bar", superscript="1", name="ybar1")),
        ("betahat", Symbol("β", accent="hat", name="betahat")),
        ("w_12", Symbol("w", subscript="12", name="w_12")),
        ("b_h1", Symbol("b", subscript="h1", name="b_h1")),
        ("W1_x_h", Symbol("W", superscript="1", subscript="x,h", name="W1_x_h")),
        ("alpha1", Symbol("α", superscript="1", name="alpha1")),
        ("Sigma", Symbol("Σ", name="Sigma")),
        ("h_prev", Symbol("h", subscript="prev", name="h_prev")),
        ("net", Symbol("net", upright=True, name="net")),
        ("out_o1", Symbol("out", subscript="o1", upright=True, name="out_o1")),
        ("dW2", Symbol("dW", superscript="2", upright=True, name="dW2")),
        ("_x", Symbol("_x", upright=True, name="_x")),
    ],
)
def test_symbols(name: str, shown: Symbol) -> None:
    assert symbol(name) == shown


def test_a_problem_says_how_its_names_are_shown() -> None:
    assert symbol("s", {"s": "S★"}).text == "S★"
    assert symbol("t", {"s": "S★"}) == Symbol("t", name="t")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Θ₁", Symbol("Θ", subscript="1", name="s")),
        ("wₖ₂", Symbol("w", subscript="k2", name="s")),
        ("a⁽²⁾", Symbol("a", superscript="2", name="s")),
        ("a₁⁽²⁾", Symbol("a", superscript="2", subscript="1", name="s")),
        ("h²", Symbol("h²", text="h²", name="s")),
        ("net₁", Symbol("net₁", text="net₁", name="s")),
        ("₁", Symbol("₁", text="₁", name="s")),
    ],
)
def test_small_characters_are_scripts(text: str, shown: Symbol) -> None:
    """Few fonts have them: in a PDF ₁ stood apart from its Θ."""
    assert symbol("s", {"s": text}) == shown


@pytest.mark.parametrize("display", ["Θ₁", "Θ_1", ""])
def test_an_index_beside_a_subscript_is_told_apart(display: str) -> None:
    """Θ₁₁₁ would be no entry of Θ₁."""
    shown = {"V_1": display} if display else {}
    problem = handgrad.Problem("L = sum(V_1 @ x)", {"V_1": [[1, 2]]}, {"x": [3, 4]}, display=shown)
    text = render_terminal(handgrad.why(problem, "dV_1[0,1]").page(), colour=False, unicode=True)
    assert f"from ({'Θ' if display else 'V'}₁)₁₂ to L" in text
