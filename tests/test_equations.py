"""The equation language: Python's precedence, the spellings of mathematics, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.equations import parse_equations, parse_expression, source

SAME = [
    ("a + b * c", "a + (b * c)"),
    ("a - b - c", "(a - b) - c"),
    ("a / b * c", "(a / b) * c"),
    ("-a ** 2", "-(a ** 2)"),
    ("a ** -b ** c", "a ** (-(b ** c))"),
    ("2 ** 3 ** 2", "2 ** (3 ** 2)"),
    ("-a * b", "(-a) * b"),
    ("+a", "a"),
    ("- -a", "-(-a)"),
    ("W.T @ x + b", "((W.T) @ x) + b"),
    ("W @ x[0]", "W @ (x[0])"),
    ("a @ b * c", "(a @ b) * c"),
    ("W[0, 1:3].T", "(W[0, 1:3]).T"),
    ("Wᵀ", "W.T"),
    ("a · b × c ⊙ d", "a * b * c * d"),
    ("a − b ÷ c", "a - b / c"),
    ("σ(z⁽¹⁾)", "sigmoid(z1)"),
    ("ln(ŷ)", "log(yhat)"),
    ("ln(y\u0302)", "log(yhat)"),
    ("w₁₂", "w_12"),
    ("ŷŷ1", "yhatyhat1"),
    ("max(a, b)", "maximum(a, b)"),
    ("min(a, b)", "minimum(a, b)"),
    ("softmax(z, axis=-1)", "softmax(z, axis = -1)"),
    ("sum(A, axis=(0, 1), keepdims=True)", "sum(A,axis=[0,1],keepdims=true)"),
    ("1.50", "1.5"),
    (".5e-3", "0.0005"),
    ("dot", "dot"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_means_the_same(one: str, other: str) -> None:
    assert parse_expression(one) == parse_expression(other)


def test_a_name_may_be_an_operations() -> None:
    (equation,) = parse_equations("L = dot(dot, sum)")
    assert source(equation.expression) == "dot(dot, sum)"


def test_comments_blank_lines_and_open_brackets() -> None:
    equations = parse_equations("# first\n\nz = (w *   # weight\n x)\n  L = z\n")
    assert [(e.number, e.target, source(e.expression)) for e in equations] == [
        (1, "z", "w * x"),
        (2, "L", "z"),
    ]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        equations = parse_equations(text)
    except handgrad.EquationError:
        return
    for equation in equations:
        again = source(equation.expression)
        assert source(parse_expression(again)) == again


PIECES = ["x", "W", "ŷ", "z⁽²⁾", "1", "2.5e3", "+", "-", "*", "/", "**", "@", "(", ")", "[", "]"]
PIECES += [",", ":", ".T", "ᵀ", "=", "relu(", "sum(", "axis=", "softmax(", "max(", " ", "__", "σ("]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_row_of_tokens_is_read_or_refused(text: str) -> None:
    try:
        expression = parse_expression(text)
    except handgrad.EquationError:
        return
    assert source(parse_expression(source(expression))) == source(expression)
