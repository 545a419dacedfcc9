"""Formulas as MathML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given

from handgrad.expression import Adjoint, Call, Expression, Literal, Name
from handgrad.formats.markup import named_numbers, quantity
from handgrad.formats.mathematics.nodes import Evaluated
from handgrad.formats.mathematics.relation import alone
from handgrad.formats.mathml import MathmlPen
from handgrad.formats.style import Style
from handgrad.page.blocks import Relation
from tests.formats.trees import adjoints, literals, matrix, names, shaped, trees, vector

STYLE = Style(error_signals=frozenset({"z2"}), display={"s": "S<t"})
PEN = MathmlPen(STYLE)
a, b = Name("a", shape=()), Name("b", shape=())
W, x = Name("W1", shape=(2, 2)), Name("x", shape=(2,))


def words(markup: str) -> str:
    """What is to be read, the tags left out."""
    return re.sub("<[^>]*>", "", markup)


def result(literal: Literal, name: str, remarks: dict[int, str] | None = None) -> str:
    """Numbers standing alone, called by a name."""
    pen = MathmlPen(STYLE, names={id(literal): name})
    relation = Relation(None, (literal,), remarks=remarks or {})
    return str(pen.math(alone(literal, pen.formula(), relation)))


def quantities(markup: str) -> list[str]:
    return re.findall('data-q="([^"]*)"', markup)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (shaped(W @ x, 2), "W(1)x"),
        (Adjoint("W2"), "∂L∂W(2)"),
        (Adjoint("z2"), "δ(2)"),
        (Call("relu", (vector(0.42, -0.17),)), "ReLU(0.42−0.17)"),
        (Call("step", (vector(0.42, -0.17),)), "𝟏[0.42&gt;0−0.17&gt;0]"),
        (vector(0.6, -0.4).T @ vector(0.42, 0), "[0.6−0.4][0.420]"),
        (Literal(0.3) - Literal(0.1) * Literal(-0.3654), "0.3−0.1×(−0.3654)"),
        (Literal(2.0) * (a - b), "2(a−b)"),
        (a / (b + 1), "ab+1"),
        (Name("yhat"), "yˆ"),
        (Name("s"), "S&lt;t"),
        (Call("leaky_relu", (a,), (("alpha", 0.2),)), "LeakyReLU(a;α=0.2)"),
        (Literal(-1.23e-9), "−1.23·10−9"),
    ],
)
def test_what_is_read(expression: Expression, text: str) -> None:
    assert words(PEN.draw(expression)) == text


@given(trees(names | adjoints | literals()))
def test_markup_is_well_formed(expression: Expression) -> None:
    for pen in (PEN, MathmlPen(STYLE, inline=True)):
        ElementTree.fromstring(f"<math>{pen.draw(expression)}</math>")


@given(literals(longest=15))
def test_scripts_and_fractions_have_two_parts(literal: Literal) -> None:
    drawn = result(literal, "W", {0: "gate shut"})
    root = ElementTree.fromstring(f"<math>{drawn}</math>")
    for parent in root.iter():
        if parent.tag in ("msub", "msup", "mfrac", "mover"):
            assert len(parent) == 2
    for table in root.iter("mtable"):
        assert len({len(row) for row in table}) <= 1


def test_quantities_are_counted_from_zero() -> None:
    assert quantity(Name("z2", shape=(2,)).at((1,))) == "z2[1]"
    assert quantity(Name("z2", shape=(2,)).at((-1,))) == "z2[1]"
    assert quantity(Adjoint("dense", shape=(3, 12)).at((2, 11))) == "ddense[2,11]"
    assert quantity(Name("W", shape=(2, 2)).at((0,))) == "W[0]"
    assert quantity(a + b) == ""
    assert quantities(PEN.draw(shaped(W @ x, 2))) == ["W1", "x"]


def test_a_number_knows_the_name_it_stands_for() -> None:
    formula = shaped(W @ x, 2)
    numbers = matrix((1, 2), (3, 4)) @ vector(5, 6)
    drawn = MathmlPen(STYLE, names=named_numbers(formula, numbers)).draw(numbers)
    assert quantities(drawn) == [
        "W1", "W1[0,0]", "W1[0,1]", "W1[1,0]", "W1[1,1]", "x", "x[0]", "x[1]",
    ]  # fmt: skip


def test_a_transposed_array_keeps_its_own_indices() -> None:
    formula, numbers = shaped(W.T @ x, 2), matrix((1, 2), (3, 4)).T @ vector(5, 6)
    drawn = MathmlPen(STYLE, names=named_numbers(formula, numbers)).draw(numbers)
    assert quantities(drawn)[1:5] == ["W1[0,0]", "W1[1,0]", "W1[0,1]", "W1[1,1]"]


def test_all_cases_of_an_entry_have_one_name() -> None:
    drawn = result(Literal(((1.0, 2.0), (3.0, 4.0)), batched=True), "z")
    assert quantities(drawn) == ["z", "z[0]", "z[0]", "z[1]", "z[1]"]


def test_columns_are_aligned_at_the_point() -> None:
    drawn = result(vector(0.5, -0.25, 3), "")
    assert re.findall(r"<mn>([^<]*)</mn>(?:<mspace width=\"([\d.]+)ch\"/>)?", drawn) == [
        ("0.5", "1"),
        ("−0.25", ""),
        ("3", "2.5"),
    ]


def test_large_arrays_are_elided() -> None:
    large = Literal(tuple((float(i),) * 40 for i in range(40)))
    laid_out = alone(large, PEN.formula())
    assert isinstance(laid_out, Evaluated)
    assert PEN.leaves_out(laid_out)
    drawn = result(large, "W")
    # Its rows, and which of them they are.
    assert drawn.partition("<mo>]</mo>")[0].count("<mtr>") == 12
    assert all(dots in drawn for dots in "⋯⋮⋱")
    assert "W[39,39]" in drawn
    assert "W[20,20]" not in drawn


def test_a_line_that_begins_with_a_factor_begins_with_its_sign() -> None:
    product = Call("matmul", (matrix(*((1.0,) * 3,) * 3), matrix(*((1.0,) * 8,) * 3)))
    pieces = [markup for markup, _ in PEN.pieces(PEN.formula().node(product))]
    assert [markup.startswith("<mo>·</mo>") for markup in pieces] == [False, True]
