"""Formulas as LaTeX."""

from __future__ import annotations

import pytest
from hypothesis import given

from handgrad.expression import Adjoint, Call, Expression, Literal, Name, Slice
from handgrad.formats.latex import escaped, latex
from handgrad.formats.style import Style
from tests.formats.trees import adjoints, literals, matrix, names, shaped, trees, vector

STYLE = Style(error_signals=frozenset({"z2"}), display={"s": "S_t"})
a, b = Name("a", shape=()), Name("b", shape=())
W, x, b1 = Name("W1", shape=(2, 2)), Name("x", shape=(2,)), Name("b1", shape=(2,))
gate = Call("step", (Name("z2", shape=(2,)),), shape=(2,))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (shaped(shaped(W @ x, 2) + b1, 2), r"W^{(1)} x + b^{(1)}"),
        (Adjoint("W2"), r"\frac{\partial L}{\partial W^{(2)}}"),
        (Adjoint("z2"), r"\delta^{(2)}"),
        (Adjoint("W", "z1"), r"\left.\frac{\partial L}{\partial W}\right|_{z^{(1)}}"),
        (Call("outer", (Adjoint("z2"), Name("h1"))), r"\delta^{(2)} h^{(1)\top}"),
        (
            shaped(Adjoint("h2", shape=(2,)) * gate, 2),
            r"\frac{\partial L}{\partial h^{(2)}} \odot \mathbf{1}[z^{(2)} > 0]",
        ),
        (
            Call("step", (vector(0.42, -0.17),)),
            r"\mathbf{1}\begin{bmatrix} 0.42 > 0 \\ -0.17 > 0 \end{bmatrix}",
        ),
        (
            Call("relu", (vector(0.42, -0.17),)),
            r"\operatorname{ReLU}\begin{pmatrix} 0.42 \\ -0.17 \end{pmatrix}",
        ),
        (
            vector(0.6, -0.4).T @ vector(0.42, 0),
            r"\begin{bmatrix} 0.6 & -0.4 \end{bmatrix} \begin{bmatrix} 0.42 \\ 0 \end{bmatrix}",
        ),
        (Literal(0.3) - Literal(0.1) * Literal(-0.3654), r"0.3 - 0.1 \times (-0.3654)"),
        (a * b, r"a \cdot b"),
        (Literal(2.0) * (a - b), "2 (a - b)"),
        (a / (b + 1), r"\frac{a}{b + 1}"),
        (Name("yhat"), r"\hat{y}"),
        (Name("net") ** Literal(2.0), r"\mathrm{net}^{2}"),
        (Name("z1") ** Literal(2.0), r"(z^{(1)})^{2}"),
        (Name("h_prev"), r"h_{\mathrm{prev}}"),
        (Name("s"), r"S_{t}"),
        (Name("alpha1"), r"\alpha^{(1)}"),
        (Call("index", (Name("W2"),), (("at", (0, 1)),)), "W_{12}^{(2)}"),
        (Call("index", (Name("X"),), (("at", (0, Slice())),)), "X_{1}"),
        (Call("index", (Name("X"),), (("at", (Slice(), 0)),)), "X_{:,1}"),
        (Call("index", (Adjoint("z2"),), (("at", (1,)),)), r"\delta_{2}^{(2)}"),
        (Call("sqrt", (a + b,)), r"\sqrt{a + b}"),
        (
            Call("leaky_relu", (a,), (("alpha", 0.2),)),
            r"\operatorname{LeakyReLU}(a;\ \alpha = 0.2)",
        ),
        (Call("fill", (a,), (("shape", (2,)),)), "a"),
        (Literal(-1.23e-9), r"-1.23 \cdot 10^{-9}"),
        (matrix((0.5, -0.3), (0.2, 0.7)), r"\begin{bmatrix} 0.5 & -0.3 \\ 0.2 & 0.7 \end{bmatrix}"),
    ],
)
def test_latex(expression: Expression, text: str) -> None:
    assert latex(expression, style=STYLE) == text


@given(trees(names | adjoints | literals()))
def test_braces_and_brackets_balance(expression: Expression) -> None:
    text = latex(expression, style=STYLE)
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert text.count(r"\left") - text.count(r"\leftarrow") == text.count(r"\right")
    assert text.count(r"\begin") == text.count(r"\end")


def test_special_characters_are_harmless() -> None:
    assert escaped(r"50% of $x_1$ \input{a}") == (r"50\% of \$x\_1\$ \textbackslash{}input\{a\}")


def test_what_is_left_out_of_an_array_is_said() -> None:
    many = Literal((((1.0, 2.0), (3.0, 4.0)),) * 12)
    written = latex(many, style=STYLE)
    assert written.count("bmatrix") == 2 * 9
    assert r", \ldots, " in written
    matrix = latex(Literal(((1.0,) * 9,) * 9), style=Style(largest=3))
    assert matrix.count("1") == 4
    assert all(dots in matrix for dots in (r"\vdots", r"\cdots", r"\ddots"))
