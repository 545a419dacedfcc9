"""Pages in the terminal: what they look like, and that nothing is wider than they are."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.expression import Adjoint, Call, Expression, Literal, Name
from handgrad.formats.markdown import render_markdown
from handgrad.formats.terminal import render_terminal
from handgrad.page.blocks import Block, Derivation, Heading, Note, Paragraph, Relation, Table
from handgrad.saving import Page
from tests.formats.trees import adjoints, blocks, literals, matrix, names, shaped, trees, vector

SIGNALS = frozenset({"z1", "z2", "z3"})


def columns(line: str) -> int:
    """The columns a line takes in a terminal, by Unicode's tables alone."""
    return sum(
        0
        if unicodedata.category(c) in ("Mn", "Me")
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in line
    )


def shown(*blocks: Block, width: int = 80, unicode: bool = True, colour: bool = False) -> str:
    page = Page("page", blocks, error_signals=SIGNALS)
    return render_terminal(page, width=width, unicode=unicode, colour=colour)


def drawn(left: Expression | None, *chain: Expression, width: int = 80, **marks: object) -> str:
    relation = Relation(left, chain, **marks)  # type: ignore[arg-type]
    return shown(Derivation((relation,)), width=width)


def same(text: str, expected: str) -> None:
    """Compares a drawing with one written between the quotes of a test."""
    assert text.rstrip("\n") == expected.strip("\n")


W1, x, b1 = Name("W1", shape=(2, 2)), Name("x", shape=(2,)), Name("b1", shape=(2,))
z1, z2 = Name("z1", shape=(2,)), Name("z2", shape=(2,))


def affine(w: Expression, v: Expression, b: Expression) -> Call:
    return shaped(shaped(w @ v, 2) + b, 2)


FORWARD = (
    z1,
    affine(W1, x, b1),
    affine(matrix((0.5, -0.3), (0.2, 0.7)), vector(1.0, 0.0), vector(0.1, -0.1)),
    vector(0.6, 0.1),
)


def test_a_layer_on_one_line() -> None:
    same(
        drawn(*FORWARD),
        """
z⁽¹⁾ = W⁽¹⁾x + b⁽¹⁾ = ⎡0.5  −0.3⎤ ⎡1⎤ + ⎡ 0.1⎤ = ⎡0.6⎤
                      ⎣0.2   0.7⎦ ⎣0⎦   ⎣−0.1⎦   ⎣0.1⎦
""",
    )


def test_a_layer_on_a_narrow_page() -> None:
    same(
        drawn(*FORWARD, width=40),
        """
z⁽¹⁾ = W⁽¹⁾x + b⁽¹⁾
     = ⎡0.5  −0.3⎤ ⎡1⎤ + ⎡ 0.1⎤
       ⎣0.2   0.7⎦ ⎣0⎦   ⎣−0.1⎦
     = ⎡0.6⎤
       ⎣0.1⎦
""",
    )


def test_an_error_signal_through_relu() -> None:
    gate = Call("step", (z2,), shape=(2,))
    numbers = Call("step", (vector(0.42, -0.17),), shape=(2,))
    same(
        drawn(
            Adjoint("z2"),
            shaped(Adjoint("h2", shape=(2,)) * gate, 2),
            shaped(vector(-0.2192, 0.1462) * numbers, 2),
            vector(-0.2192, 0.0),
            marks={(1,): "off"},
            remarks={1: "unit 2 is off"},
        ),
        """
δ⁽²⁾ = ∂L/∂h⁽²⁾ ⊙ 1[z⁽²⁾ > 0]
     = ⎡−0.2192⎤ ⊙ 1⎡ 0.42 > 0⎤
       ⎣ 0.1462⎦    ⎣−0.17 > 0⎦
     = ⎡−0.2192⎤
       ⎣ 0     ⎦  ◁ unit 2 is off
""",
    )


def test_a_weight_gradient() -> None:
    same(
        drawn(
            Adjoint("W2"),
            Call("outer", (Adjoint("z2", shape=(2,)), Name("h1", shape=(2,))), shape=(2, 2)),
            Call("outer", (vector(-0.2192, 0.0), vector(0.6, 0.1)), shape=(2, 2)),
            matrix((-0.13154, -0.02192), (0.0, 0.0)),
        ),
        """
∂L/∂W⁽²⁾ = δ⁽²⁾h⁽¹⁾ᵀ = ⎡−0.2192⎤ [0.6  0.1] = ⎡−0.1315  −0.0219⎤
                       ⎣ 0     ⎦              ⎣ 0        0     ⎦
""",
    )


def test_a_transposed_matrix_is_written_out() -> None:
    w = Name("W2", shape=(2, 2))
    numbers = shaped(matrix((0.4, -0.2), (-0.5, 0.3)).T, 2, 2)
    same(
        drawn(
            Adjoint("h1"),
            shaped(shaped(w.T, 2, 2) @ Adjoint("z2", shape=(2,)), 2),
            shaped(numbers @ vector(-0.2192, 0.0), 2),
        ),
        """
∂L/∂h⁽¹⁾ = W⁽²⁾ᵀδ⁽²⁾ = ⎡ 0.4  −0.5⎤ ⎡−0.2192⎤
                       ⎣−0.2   0.3⎦ ⎣ 0     ⎦
""",
    )


def test_an_update() -> None:
    b3 = Name("b3", shape=())
    relation = Relation(
        b3,
        (
            b3 - Literal(0.1) * Adjoint("b3", shape=()),
            Literal(0.3) - Literal(0.1) * Literal(-0.3654),
            Literal(0.33654),
        ),
        sign="←",
    )
    same(
        shown(Derivation((relation,))),
        "b⁽³⁾ ← b⁽³⁾ − 0.1 ∂L/∂b⁽³⁾ = 0.3 − 0.1 × (−0.3654) = 0.3365",
    )


a, b, c = (Name(n, shape=()) for n in "abc")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (Literal(-0.5) * Literal(2.0), "−0.5 × 2"),
        (Literal(-0.5) * Literal(2.0) * Literal(3.0), "−0.5 × 2 × 3"),
        (a + Literal(-0.5) * Literal(2.0), "a + (−0.5) × 2"),
        (a - Literal(-0.5) * Literal(2.0) * Literal(3.0), "a − (−0.5) × 2 × 3"),
        (a + (Literal(-0.5) * Literal(2.0) + b), "a + (−0.5) × 2 + b"),
        (-(Literal(-0.5) * Literal(2.0)), "−(−0.5) × 2"),
        (Literal(2.0) * Literal(-0.5), "2 × (−0.5)"),
        (Literal(1.0) - Literal(-0.5), "1 − (−0.5)"),
        (Literal(1.0) + Literal(-0.5), "1 + (−0.5)"),
        (Literal(-0.5) + Literal(1.0), "−0.5 + 1"),
        (Literal(-2.0) ** Literal(2.0), "(−2)²"),
        (-Literal(-2.0), "−(−2)"),
        (Call("sigmoid", (Literal(-0.5),)), "σ(−0.5)"),
        (a - (b - c), "a − (b − c)"),
        (a - (b + c), "a − (b + c)"),
        (a + (b - c), "a + b − c"),
        (a * (b + c), "a · (b + c)"),
        (Literal(2.0) * (a - b), "2 (a − b)"),
        (Literal(2.0) * Literal(1e-9), "2 × (1·10⁻⁹)"),
        (-(a + b), "−(a + b)"),
        (a * -b, "a · (−b)"),
        (a / b, "a/b"),
        (Name("z1") ** Literal(2.0), "(z⁽¹⁾)²"),
        (a ** Literal(-1.0), "a⁻¹"),
        (Call("index", (Name("W2"),), (("at", (0, 1)),)), "W₁₂⁽²⁾"),
        (Call("index", (Name("W2"),), (("at", (9, 1)),)), "W₁₀,₂⁽²⁾"),
        (Call("index", (Adjoint("z2"),), (("at", (1,)),)), "δ₂⁽²⁾"),
        (Call("abs", (a,)), "|a|"),
        (Name("yhat"), "ŷ"),
        (Name("out_o1"), "outₒ₁"),
        (Name("w_ab"), "w_ab"),
        (Adjoint("h", "z1"), "∂L/∂h|z⁽¹⁾"),
        (Call("leaky_relu", (a,), (("alpha", 0.2),)), "LeakyReLU(a; α = 0.2)"),
        (Call("fill", (a,), (("shape", (2,)),)), "a"),
        (Literal(float("-inf")), "−∞"),
    ],
)
def test_signs_and_parentheses(expression: Expression, text: str) -> None:
    same(drawn(None, expression), f"= {text}")


def test_compound_fractions_are_stacked() -> None:
    same(
        drawn(Name("p"), (a + b) / (c * a), Call("sigmoid", ((-a) / (b + 1),))),
        """
    a + b    ⎛ −a  ⎞
p = ───── = σ⎜─────⎟
    c · a    ⎝b + 1⎠
""",
    )


def test_many_cases_have_headers() -> None:
    same(
        drawn(Name("X"), Literal(((1.0, 0.0, 1.0), (0.0, 1.0, -1.5)), batched=True)),
        """
     case 1  case 2  case 3
X = ⎡  1       0       1   ⎤
    ⎣  0       1      −1.5 ⎦
""",
    )
    same(
        drawn(Name("y"), Literal((1.0, 0.0), batched=True)),
        """
     case 1  case 2
y = [  1       0   ]
""",
    )
    same(
        drawn(
            Adjoint("W"),
            Literal((((1.0, 2.0), (3.0, 4.0)), ((5.0, 6.0), (7.0, 8.0))), batched=True),
        ),
        """
        case 1   case 2
∂L/∂W = ⎡1  3⎤,  ⎡2  4⎤
        ⎣5  7⎦   ⎣6  8⎦
""",
    )


def test_large_matrices_are_elided_and_say_their_shape() -> None:
    large = Literal(tuple(tuple(float(i * j) for j in range(30)) for i in range(20)))
    text = drawn(Name("W"), large, shape="20×30", width=50)
    lines = text.splitlines()
    assert len(lines) == 10
    assert all("⋯" in line for line in lines)
    assert sum("⋮" in line for line in lines) == 1
    assert "20×30" in text


def test_a_sum_breaks_at_its_outermost_signs() -> None:
    terms = [Name(f"t_{k}") * (a + b) for k in range(5)]
    total: Expression = terms[0]
    for term in terms[1:]:
        total = total + term
    same(
        drawn(Name("L"), total, width=40),
        """
L = t₀ · (a + b) + t₁ · (a + b)
      + t₂ · (a + b) + t₃ · (a + b)
      + t₄ · (a + b)
""",
    )


def test_remarks_without_room_name_their_rows() -> None:
    text = drawn(z1, vector(0.5, 0.0, 0.0), remarks={1: "gate shut", 2: "gate shut"}, width=24)
    assert text.splitlines()[-1] == "◁ rows 2, 3: gate shut"


def test_a_table_too_wide_lists_its_rows() -> None:
    table = Table(
        (("parameter",), ("gradient",)),
        (((Name("b3"),), (Literal(0.5),)), ((Name("W"),), (matrix((0.25, -0.3), (1.0, 2.0)),))),
        "ll",
    )
    same(
        shown(table, width=24),
        """
parameter  b⁽³⁾
gradient   0.5
────────────────────────
parameter  W
gradient   ⎡0.25  −0.3⎤
           ⎣1      2  ⎦
""",
    )


PAGE = (
    Heading(("Lab 9",), 1),
    Paragraph(("The input is ", vector(1.0, 0.0), ", and ", Name("y"), " is ", Literal(1.0), ".")),
    Heading(("Backward pass",), 2),
    Heading(("Error signal ", Adjoint("z2")), 3, "2.4", ("uses 1.2, 2.3",)),
    Derivation((Relation(FORWARD[0], FORWARD[1:]),)),
    Note("gate", ("The second unit is off: nothing passes back through it in this example.",)),
    Note("check", ("It agrees.",)),
    Table(
        (("parameter",), ("gradient",)),
        (((Name("b3"),), (Literal(-0.3654),)), ((Name("b1"),), (Literal(12.5),))),
        "lr",
        ("Summary",),
    ),
)


def test_a_page() -> None:
    same(
        shown(*PAGE, width=60),
        """
Lab 9
═════

The input is [1, 0], and y is 1.

── Backward pass ───────────────────────────────────────────

2.4  Error signal δ⁽²⁾                         uses 1.2, 2.3

     z⁽¹⁾ = W⁽¹⁾x + b⁽¹⁾ = ⎡0.5  −0.3⎤ ⎡1⎤ + ⎡ 0.1⎤ = ⎡0.6⎤
                           ⎣0.2   0.7⎦ ⎣0⎦   ⎣−0.1⎦   ⎣0.1⎦

     ⚠ The second unit is off: nothing passes back through
       it in this example.

     ✓ It agrees.

     Summary
      parameter │ gradient
     ───────────┼──────────
      b⁽³⁾      │  −0.3654
      b⁽¹⁾      │  12.5
""",
    )


def test_ascii() -> None:
    text = shown(*PAGE, unicode=False)
    assert text.isascii()
    text.encode("cp1252")
    assert "z1 = W1 x + b1 = [0.5  -0.3] [1] + [ 0.1] = [0.6]" in text
    assert "Error signal delta2" in text
    assert "!! The second unit" in text
    raised = shown(Paragraph(("Of ln(1 + eᶻ), Wᵀ and 10⁻⁶.",)), unicode=False)
    assert "Of ln(1 + e^z), W^T and 10^-6." in raised


def test_colour_adds_only_colour() -> None:
    coloured = shown(*PAGE, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == shown(*PAGE)
    assert "\x1b" not in shown(*PAGE)


def test_control_characters_are_shown_not_sent() -> None:
    text = shown(
        Heading(("evil\x1b[2J\r\x07\u202e title",), 1),
        Derivation((Relation(Name("x\x1b[0m"), (Literal(1.0),)),)),
    )
    assert not any(unicodedata.category(ch).startswith("C") for ch in text if ch != "\n")
    assert "\\x1b[2J" in text


def test_wide_and_combining_characters_keep_columns_aligned() -> None:
    table = Table(
        (("名前",), ("value",)),
        ((("重み",), ("1",)), (("x\u0302",), ("2",))),
        "ll",
    )
    lines = shown(table).splitlines()
    bars = {columns(line[: line.index("│")]) for line in lines if "│" in line}
    assert len(bars) == 1


formulas = trees(names | adjoints | literals(12))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(blocks(formulas), max_size=4).map(tuple),
    st.sampled_from([1, 7, 20, 40, 80, 160]),
    st.booleans(),
)
def test_nothing_is_wider_than_the_page(page: tuple[Block, ...], width: int, unicode: bool) -> None:
    text = shown(*page, width=width, unicode=unicode)
    # A character of two columns has no place on a page of one.
    widest = max(width, 2)
    assert all(columns(line) <= widest for line in text.splitlines())
    assert unicode or text.isascii()


@settings(deadline=None)
@given(formulas, st.integers(0, 8))
def test_any_formula_is_drawn_at_any_precision(expression: Expression, decimals: int) -> None:
    page = Page("p", (Paragraph((expression,)), Derivation((Relation(None, (expression,)),))))
    assert render_terminal(replace(page, decimals=decimals), width=60, colour=True, unicode=True)


ROWS = handgrad.Problem(
    ["Z = X @ W + b", "P = softmax(Z)", "s = sum(P * P, axis=0)", "L = sum(s)"],
    {"W": [[0.5, -0.3], [0.2, 0.7]], "b": [10, 20]},
    {"X": [[1, 2], [0.5, -1]]},
)


def test_a_bias_that_is_added_to_each_row_is_a_row_there() -> None:
    page = handgrad.solve(ROWS).page()
    said = render_terminal(page, width=100, colour=False, unicode=True)
    assert "+ [10  20]" in said


def test_a_sum_along_an_axis_has_its_index() -> None:
    """i counts rows and j columns; a vector has but one axis, and no option is printed for it."""
    page = handgrad.solve(ROWS).page()
    said = render_terminal(page, width=100, colour=False, unicode=True)
    assert "s = Σᵢ(P ⊙ P)" in said
    assert "Σⱼ(∂L/∂P ⊙ P)" in said
    assert "axis" not in said
    assert r"\sum_{j}" in render_markdown(page)
    plain = render_terminal(page, width=100, colour=False, unicode=False)
    assert "sum_i(P" in plain


def test_the_cost_over_the_cases_is_given() -> None:
    problem = handgrad.Problem("L = (w * x)**2", {"w": 1.0}, {"x": {"cases": [1, 2]}})
    page = handgrad.solve(problem).page()
    said = render_terminal(page, width=100, colour=False, unicode=True)
    assert "J = mean over cases(L)" in said.split("Forward")[0]


def test_three_columns_are_kept_by_breaking_within_brackets() -> None:
    page = handgrad.solve(handgrad.load("attention")).page()
    text = render_terminal(page, width=80, colour=False)
    step = text[text.index("2.3 ") : text.index("2.4 ")]
    assert "⋯" not in step
    assert max(map(len, step.splitlines())) <= 80


@pytest.mark.parametrize("name", [name for name, _, _ in handgrad.bundled()])
def test_no_sentence_has_an_empty_place(name: str) -> None:
    """A window's size was "2 and ." where ties go as everywhere."""
    trace = handgrad.solve(handgrad.load(name))
    words = "\n".join(step.reason for step in trace.steps)
    assert not re.search(r"\b(and|is|are|of|the) ?[.,;:]| [.,;]| {2}|\(\)", words)


@pytest.mark.parametrize(
    ("update", "said"),
    [
        (handgrad.Update("sgd", 0.1, {"every": 2, "gamma": 0.5}, schedule="step"), "k = floor((t - 1)/n) times"),
        (handgrad.Update("sgd", 0.1, {"clip_norm": 0.5}), "PyTorch adds 10^-6"),
    ],
)  # fmt: skip
def test_what_is_raised_or_rounded_down_is_written_in_ascii(
    update: handgrad.Update, said: str
) -> None:
    problem = handgrad.Problem("L = (w*x - y)**2", {"w": 1.0}, {"x": 2.0, "y": 1.0}, update=update)
    assert said in " ".join(handgrad.render(handgrad.solve(problem), unicode=False).split())
