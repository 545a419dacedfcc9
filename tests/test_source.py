"""Formulas as text of the equation language."""

from __future__ import annotations

import pytest
from hypothesis import given

from handgrad.equations import parse_expression, source
from handgrad.expression import Adjoint, Call, Expression, Literal, Name, Slice, number, substitute
from handgrad.notation import Negation
from handgrad.operations import operation_of
from tests.formats.trees import literals, names, trees

a, b, c = Name("a"), Name("b"), Name("c")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ((a + b) * c, "(a + b) * c"),
        (a + b * c, "a + b * c"),
        (a - (b - c), "a - (b - c)"),
        (a - b - c, "a - b - c"),
        (a / (b * c), "a / (b * c)"),
        (a / b * c, "a / b * c"),
        (a @ b @ c, "a @ b @ c"),
        (a @ (b @ c), "a @ (b @ c)"),
        (-(a * b), "-(a * b)"),
        (-a * b, "-a * b"),
        (a * -b, "a * (-b)"),
        (a - -b, "a - (-b)"),
        (Call("negate", (-a,)), "-(-a)"),
        (-(a**b), "-a**b"),
        ((-a) ** b, "(-a)**b"),
        (a**b**c, "a**b**c"),
        ((a**b) ** c, "(a**b)**c"),
        (a ** (-b), "a**-b"),
        (a.T @ b, "a.T @ b"),
        ((a @ b).T, "(a @ b).T"),
        (Literal(2.0).T, "(2).T"),
        (Literal(-0.5) * a, "(-0.5) * a"),
        (a * Literal(-0.5), "a * (-0.5)"),
        (a - Literal(-0.5), "a - (-0.5)"),
        (Literal(-0.5) + a, "-0.5 + a"),
        (Literal(-2.0) ** a, "(-2)**a"),
        (a ** Literal(-1.0), "a**-1"),
        (Literal(((0.5, -0.3), (0.2, 0.7))), "[[0.5, -0.3], [0.2, 0.7]]"),
        (Literal((1.0, 0.0, 1.0), batched=True), "cases([1, 0, 1])"),
        (Call("index", (a,), (("at", (0, Slice(1, 3))),)), "a[0, 1:3]"),
        (Call("index", (a + b,), (("at", (-1,)),)), "(a + b)[-1]"),
        (Call("relu", (a + b,)), "relu(a + b)"),
        (Call("leaky_relu", (a,), (("alpha", 0.01),)), "leaky_relu(a, alpha=0.01)"),
        (
            Call("sum", (a,), (("axis", 0), ("keepdims", True))),
            "sum(a, axis=0, keepdims=true)",
        ),
        (Call("fill", (a,), (("shape", (2, 3)), ("axis", None))), "fill(a, shape=(2, 3))"),
        (Call("fill", (a,), (("shape", (2,)),)), "fill(a, shape=(2,))"),
        (Call("ratio", (a, b)), "ratio(a, b)"),
        (Call("conv1d", (a, b, c)), "conv1d(a, b, c)"),
        (Call("conv1d", (a, b, Literal(0.5))), "conv1d(a, b, bias=0.5)"),
        (Call("conv1d", (a, b, -2 * c), (("stride", 2),)), "conv1d(a, b, bias=(-2) * c, stride=2)"),
        (Call("outer", (Adjoint("z2"), Name("h1"))), "outer(dz2, h1)"),
        (Adjoint("W", through="z1"), "dW_via_z1"),
    ],
)
def test_spelling(expression: Expression, text: str) -> None:
    assert source(expression) == text


def test_figures_are_full_or_rounded() -> None:
    third = Literal(1 / 3) * a
    assert source(third) == "0.3333333333333333 * a"
    assert source(third, decimals=2) == "0.33 * a"


def _as_written(expression: Expression) -> Expression:
    """The tree without the one thing that text cannot tell: −2 the number from minus 2."""

    def folded(node: Expression) -> Expression | None:
        if isinstance(node, Call) and isinstance(operation_of(node).notation, Negation):
            inner = _as_written(node.arguments[0])
            x = number(inner)
            return Literal(-x) if x is not None and x >= 0 else -inner
        return None

    return substitute(expression, folded)


@given(trees(names | literals()))
def test_text_reads_back_as_the_same_tree(expression: Expression) -> None:
    expression = _as_written(expression)
    assert parse_expression(source(expression), helpers=True) == expression
