"""The mathematics on pages: rows, quotients of arrays, and lines that say something new."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.expression import Adjoint, Literal, walk
from handgrad.formats.html import render_html
from handgrad.formats.markdown import render_markdown
from handgrad.formats.terminal import render_terminal
from handgrad.formats.tex import render_tex
from handgrad.formats.typst import render_typst
from handgrad.graph import build
from handgrad.page.blocks import Legend, Table, relations_in
from handgrad.solution.notes.paths import SeveralPaths
from handgrad.solution.relations import relations_of
from handgrad.solution.step_words import reason, title
from handgrad.text import plain_text

BIAS_OF_ROWS = """
equations = '''
Z = X @ W + b
P = softmax(Z)
L = -sum(Y * log(P)) / 2
'''
[parameters]
W = [[0.5,-0.3],[0.2,0.7]]
b = [10, 20]
[data]
X = [[1,2],[0.5,-1]]
Y = [[1,0],[0,1]]
[update]
rate = 0.5
"""

NORMALISED = """
equations = '''
Z = X @ W
mu = mean(Z, axis=0)
v = mean((Z - mu)**2, axis=0)
s = sqrt(v + 0.1)
N = (Z - mu) / s
A = gamma * N + beta
p = sigmoid(A @ w2)
L = sum((p - y)**2) / 2
'''
[parameters]
W = [[0.5,-0.3],[0.2,0.7]]
gamma = [1, 2]
beta = [0.1, -0.1]
w2 = [1, -1]
[data]
X = [[1,2],[0.5,-1],[1,1]]
y = [1, 0, 1]
"""

TRANSPOSED_VECTOR = """
equations = '''
z1 = W1
h1 = relu(z1)
z2 = w2.T @ h1 + b2
L = sum(z2**2) / 2
'''
[parameters]
W1 = [[1, 1], [1, 1]]
w2 = [1, -2]
b2 = -0.4
"""


def text(problem: str, width: int = 120) -> str:
    trace = handgrad.solve(handgrad.loads(problem))
    return render_terminal(trace.page(), width=width, colour=False, unicode=True)


@pytest.mark.parametrize(
    ("equations", "rows"),
    [
        ("Z = X @ W + b\nL = sum(Z**2)", {"b"}),
        ("Z = X @ W + b\nL = sum(Z**2) + 0.1*sum(b**2)", {"b"}),  # a sum says nothing
        ("c = 2*b\nZ = X @ W + c\nL = sum(Z**2)", {"b", "c"}),
        ("Z = X @ W + softmax(b)\nL = sum(Z**2)", {"b"}),
        ("Z = X @ W + b\nL = sum((Z @ b)**2)", set()),  # a column, elsewhere
        ("L = sum((W @ b)**2) + sum(X)", set()),
        ("L = sum(b**2) + sum(W) + sum(X)", set()),
    ],
)
def test_a_vector_is_a_row_where_every_use_repeats_it_over_rows(
    equations: str, rows: set[str]
) -> None:
    problem = handgrad.Problem(
        equations,
        {"W": [[0.5, -0.3], [0.2, 0.7]], "b": [1.0, 2.0]},
        {"X": [[1.0, 2.0], [0.5, -1.0]]},
    )
    assert {name for name in build(problem).rows if name in {*"bcWXZ"}} == rows


def test_the_bias_of_rows_is_printed_as_a_row_everywhere() -> None:
    page = text(BIAS_OF_ROWS)
    assert "b = [10  20]" in page
    assert "= [−0.4999  0.4999]" in page
    assert "b ← b − η · ∂L/∂b = [10  20] − 0.5 · [−0.4999  0.4999] = [10.25  19.75]" in page
    summary = page[page.index("Gradient summary") :]
    assert "│ [−0.4999  0.4999] │" in summary


@pytest.mark.parametrize(
    ("equations", "said"),
    [
        # m, a row in X + m, is spread over the columns of what it was taken of.
        (
            "m = logsumexp(X @ W, axis=1)\nL = sum((X + m)**2) + b @ c",
            "∂L/∂u₂ = ∂L/∂m ⊙ softmax(u₂) = ⎡12.5077⎤ ⊙ softmax",
        ),
        (
            "m = logsumexp(X @ W, axis=0)\nL = sum((X + m)**2) + b @ c",
            "= [12.5077  7.253] ⊙ softmax",
        ),
        # A row beside a column would be a matrix: of two vectors both are columns, or as the result is.
        ("k = X @ b\nL = sum(k*c) + sum(X + c) + W[0, 0]", "Σ⎛⎡2⎤ ⊙ ⎡3⎤⎞"),
        ("k = X @ b\nL = sum(k*c) + sum(X + c) + W[0, 0]", "∂L/∂c = k + Σ(1) = [2  2] + Σ"),
        # What a matrix multiplies is a column, and so is the left of an outer product.
        ("r = W @ b\nL = sum((X + r)**2) + c[0]", "∂L/∂b = Wᵀ ∂L/∂r = ⎡1  0⎤ ⎡ 8⎤"),
        ("r = W @ b\nL = sum((X + r)**2) + c[0]", "∂L/∂W = ∂L/∂r bᵀ = ⎡ 8⎤ [1  2]"),
    ],
)
def test_a_vector_lies_as_what_is_done_with_it_needs(equations: str, said: str) -> None:
    problem = handgrad.Problem(
        equations,
        {"W": [[1, 0], [0, 1]], "b": [1, 2], "c": [3, 4]},
        {"X": [[2, 0], [0, 1]]},
    )
    trace = handgrad.solve(problem)
    page = render_terminal(trace.page(), width=150, colour=False, unicode=True)
    assert said in page, page


def test_a_row_has_its_entries_in_code_s_order_in_html() -> None:
    trace = handgrad.solve(handgrad.loads(BIAS_OF_ROWS))
    html = render_html(trace.page(open_entries=True))
    rows = re.findall(r"<mtr>((?:<mtd[^>]*data-q=\"db\[\d\]\".*?</mtd>)+)</mtr>", html)
    assert rows
    assert all("db[0]" in row and "db[1]" in row for row in rows)


def test_arrays_are_divided_entry_by_entry_and_numbers_in_fractions() -> None:
    page = text(NORMALISED)
    assert "N = (Z − μ) ⊘ s" in page
    assert page.count("⊘ divides entry by entry") == 1
    assert page.index("⊘ divides") < page.index("(Z − μ) ⊘ s")
    assert "∂L/∂v = ∂L/∂s ⊘ (2 s)" in page
    plain = render_terminal(
        handgrad.solve(handgrad.loads(NORMALISED)).page(),
        width=120,
        colour=False,
        unicode=False,
    )
    assert "N = (Z - mu) / s" in plain
    for to, sign in (
        (render_html, "<mo>⊘</mo>"),
        (render_tex, r"\oslash"),
        (render_markdown, r"\oslash"),
    ):
        assert sign in to(handgrad.solve(handgrad.loads(NORMALISED)).page())
    long_way = text(BIAS_OF_ROWS)  # where the first quotient of arrays is Y ⊘ P
    assert long_way.index("⊘ divides") < long_way.index("Y ⊘ P")
    assert "⊘" not in text(TRANSPOSED_VECTOR.replace("/ 2", "/ w2[0]"))


def test_a_gradient_is_not_written_twice_in_a_row() -> None:
    page = text(TRANSPOSED_VECTOR)
    assert "write" not in page
    assert "u₁" not in page
    assert re.search(r"∂L/∂w⁽²⁾ = h⁽¹⁾δ⁽²⁾|∂L/∂w⁽²⁾ = h⁽¹⁾ ∂L/∂z⁽²⁾", page)
    trace = handgrad.solve(handgrad.loads(NORMALISED))
    for step in trace.steps:
        sides = [(line.formula, line.role) for line in step.lines]
        assert all(a[0] != b[0] for a, b in itertools.pairwise(sides))
        targets = {line.target for line in step.lines}
        assert not any(
            line.formula in targets and np.ndim(line.value)
            for line in step.lines
            if line.role == "gradient"
        )


def test_a_number_under_a_root_is_spelled_in_one_way() -> None:
    problem = handgrad.Problem(
        "z = x / sqrt(4)\nL = sum(z**2) / sqrt(s)", {"x": [1.0, 2.0]}, {"s": 4}
    )
    page = render_terminal(handgrad.solve(problem).page(), width=100, colour=False, unicode=True)
    assert "√4" in page
    assert "√s" in page
    assert "√(4)" not in page
    assert "√(s)" not in page


def test_why_writes_parts_of_equations_as_the_solution_does() -> None:
    problem = handgrad.Problem(
        "h = relu(W @ x + b)\nL = -log(softmax(V @ h)[1])",
        {"W": [[0.5, -0.1], [0.2, 0.7]], "b": [0.1, 0.2], "V": [[0.5, -0.3], [0.2, 0.7]]},
        {"x": [1.0, 2.0]},
    )
    for entry in ("dW[0,0]", "h[1]", "L"):
        page = handgrad.why(problem, entry).page()
        shown = render_terminal(page, width=100, colour=False, unicode=True)
        assert "@" not in shown
    assert "(Wx + b)₁ → h₁ → (Vh)₁ → L" in render_terminal(
        handgrad.why(problem, "dW[0,0]").page(),
        width=100,
        colour=False,
        unicode=True,
    )


def test_slopes_of_a_leaky_gate_are_shown_as_numbers() -> None:
    trace = handgrad.solve(handgrad.load("leaky"))
    step = trace.step("2.4")
    assert step is not None
    (relation,) = relations_of(trace, step, step.lines[0])
    *_, slopes, result = relation.chain
    assert any(isinstance(n, Literal) and n.value == (1.0, 0.1) for n in walk(slopes))
    assert isinstance(result, Literal)


def test_gradients_of_each_case_are_told_by_colour() -> None:
    trace = handgrad.solve(handgrad.load("xor"))
    relations = [r for s in trace.steps for x in s.lines for r in relations_of(trace, s, x)]
    each = [
        r for r in relations if r.label == ("in each case",) and isinstance(r.chain[-1], Literal)
    ]
    assert each
    assert {r.quantity for r in each} == {"gradient"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("classes", "Of numbers with a case in each column, Σ takes each case by itself."),
        ("attention", "Σ with the index j adds along each row."),
        ("causal", "A mean with the index j is taken along each row."),
    ],
)
def test_the_index_of_a_sum_is_explained_once(name: str, said: str) -> None:
    text = " ".join(render_terminal(handgrad.solve(handgrad.load(name)).page()).split())
    assert text.count(said) == 1


def test_an_index_of_three_axes_says_which_of_them_it_is() -> None:
    problem = handgrad.Problem("L = sum(sum(A, axis=0)**2)", {"A": [[[1.0, 2.0]], [[0.0, 1.0]]]})
    text = render_terminal(handgrad.solve(problem).page())
    assert "Σ with the index i adds along the first of three axes." in text


def test_a_sum_of_all_entries_needs_no_index() -> None:
    problem = handgrad.Problem("L = sum((W @ x)**2)", {"W": [[1.0, 2.0]]}, {"x": [1.0, 0.5]})
    assert "index" not in render_terminal(handgrad.solve(problem).page())


@pytest.mark.parametrize("count", [13, 20, 41])
def test_rows_beside_a_gap_say_which_they_are(count: int) -> None:
    """Each entry of the vector is the number of its row, so that what stands beside it can be read off."""
    problem = handgrad.Problem("L = sum(a * b)", {"a": list(range(1, count + 1))}, {"b": 2.0})
    trace = handgrad.solve(problem)
    printed = render_terminal(trace.page(), width=80, colour=False, unicode=True)
    given = printed.partition("Forward pass")[0]
    told = re.findall(r"[⎡⎢⎣] *(\d+)[⎤⎥⎦] row (\d+)", given)
    assert len(told) >= 2
    assert all(entry == row for entry, row in told)
    (shown,) = [
        table
        for table in re.findall(
            r"<mtable>.*?</mtable><mo>\]</mo>.*?</mtable>", render_html(trace.page())
        )
        if 'data-q="a[0]"' in table and 'class="row"' in table
    ]
    entries = [
        m or n for m, n in re.findall(r"<mtd[^>]*><mn>(\d+)</mn>|(⋮)", shown.partition("<mo>]")[0])
    ]
    rows = re.findall(r'<mtext class="row">(?:row )?(\d*)</mtext>', shown)
    assert len(rows) == len(entries)
    assert [(e, r) for e, r in zip(entries, rows, strict=True) if r and e != r] == []
    assert all(r for e, r, n in zip(entries, rows, entries[1:], strict=False) if n == "⋮")


@pytest.mark.parametrize("name", [each.name for each in handgrad.bundled()])
def test_every_zero_of_a_gradient_is_marked(name: str) -> None:
    """In its step, in each part of a sum and in the summary; what a shut gate stops has the gate's own mark."""
    trace = handgrad.solve(handgrad.load(name))
    blocks = trace.page().blocks
    seen = set()
    for relation in relations_in(blocks):
        last = relation.chain[-1]
        if not isinstance(relation.left, Adjoint) or not isinstance(last, Literal) or last.whole:
            continue
        if relation.after or relation.label == ("given",):
            continue
        zeros = {tuple(map(int, at)) for at in np.argwhere(np.asarray(last.numbers) == 0)}
        assert zeros == {at for at, mark in relation.marks.items() if mark != "on"}
        seen |= set(relation.marks.values())
    for table in blocks:
        if not isinstance(table, Table) or table.caption != ("Gradient summary",):
            continue
        for row in table.rows:
            ((value,), marks) = row[2], table.marks(2, row[2])
            assert isinstance(value, Literal)
            assert len(marks) == np.sum(np.asarray(value.numbers) == 0)
            seen |= set(marks.values())
    told = {sign for block in blocks if isinstance(block, Legend) for sign in block.signs}
    assert seen <= told


def test_a_zero_in_a_table_has_its_mark_in_every_format() -> None:
    """Of lone numbers, which stand under each other's points, and of arrays."""
    for name in ("circuit", "lab9"):
        page = handgrad.solve(handgrad.load(name)).page()
        summary = render_html(page).partition("Gradient summary")[2]
        assert summary.partition("</table>")[0].count('"zeroed"') == {"circuit": 1, "lab9": 6}[name]
        tex = render_tex(page).partition("Gradient summary")[2]
        assert (
            tex.partition(r"\bottomrule")[0].count(r"\hgzeroed") == {"circuit": 1, "lab9": 6}[name]
        )
        typst = render_typst(page).partition("Gradient summary")[2]
        assert (
            typst.partition("Stochastic")[0].count("zeroedmark(") == {"circuit": 1, "lab9": 6}[name]
        )


@pytest.mark.parametrize(
    ("name", "step", "marked"),
    [
        ("lab9", "2.2", 1),  # the zero of h2, a value, has none
        ("lab9", "2.5", 4),  # one in δ, three in what comes of it
        ("rnn", "2.9", 8),  # a share of zeros, and the same among its sum's terms
    ],
)
def test_a_zero_of_a_gradient_that_is_put_in_has_its_mark(
    name: str, step: str, marked: int
) -> None:
    page = handgrad.solve(handgrad.load(name)).page(step=step)
    assert render_html(page).partition("<main")[2].count('"zeroed"') == marked
    assert render_tex(page).partition(r"\begin{document}")[2].count(r"\hgzeroed{") == marked
    assert render_typst(page).partition("#show: pages")[2].count("zeroedmark(") == marked
    assert "zeroed" not in render_markdown(page)


@pytest.mark.parametrize(("h0", "w_h", "said"), [
    ([0, 0], [[0.3, -0.2], [0.1, 0.4]], True),
    ([0, 0.5], [[0.3, -0.2], [0.1, 0.4]], False),
    ([0.25, 0.5], [[0.3, -0.2], [0.1, 0.4]], False),
])  # fmt: skip
def test_a_path_that_gives_nothing_has_its_reason(h0: object, w_h: object, said: bool) -> None:
    problem = handgrad.load("rnn").with_values({"h0": h0, "W_h": w_h})
    (note,) = [
        n
        for step in handgrad.solve(problem).steps
        for n in step.notes
        if isinstance(n, SeveralPaths) and n.name == "W_h"
    ]
    assert note.nothing == ((("s1", "h0"),) if said else ())
    printed = render_terminal(handgrad.solve(problem).page(step="2.9"), width=200)
    assert ("The path through s⁽¹⁾ gives 0 because h⁽⁰⁾ = 0." in printed) == said


def test_a_path_whose_factors_are_both_0_has_no_reason() -> None:
    """Where no gradient comes along the path, a zero at its end is not why."""
    problem = handgrad.Problem("a = relu(w*u - 1)\nL = a + w*v", {"w": 1.0}, {"u": 0.0, "v": 2.0})
    notes = [n for step in handgrad.solve(problem).steps for n in step.notes]
    (note,) = [n for n in notes if isinstance(n, SeveralPaths)]
    assert note.nothing == ()


def test_a_sum_is_written_alike_with_names_and_with_numbers() -> None:
    """That of each case had an index with the numbers put in, and none before."""
    text = render_terminal(handgrad.solve(handgrad.load("classes")).page(), width=100)
    assert "−Σ(y" in text
    assert "Σᵢ" not in text


HELPERS = {
    "circuit": "1[a > b] is 1 where a > b and 0 elsewhere; where a = b it is ½.",
    "conv": "to the largest(G, A, P) puts the gradients G of windows of A where A has their largest entries P.",
    "convnet": "correlate(G, X) has, for each entry of the kernel, the sum of G times the entries of X that it met.",
}


@pytest.mark.parametrize("name", HELPERS)
def test_a_helper_is_explained_once_and_before_it_is_used(name: str) -> None:
    text = " ".join(render_terminal(handgrad.solve(handgrad.load(name)).page(), width=500).split())
    assert text.count(HELPERS[name]) == 1
    for other, said in HELPERS.items():
        used = {"circuit": "· 1[z > w]", "conv": "= to the largest(", "convnet": "= correlate("}
        assert (said in text) == (used[other] in text)
        if said in text:
            assert text.index(said) < text.index(used[other])


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_the_share_of_the_larger_is_1_where_it_says_so(z: float, w: float) -> None:
    """1[z > w] is what PyTorch's maximum passes on, ties as the page says."""
    trace = handgrad.solve(handgrad.Problem("r = max(z, w)\nf = 6*r", {"z": z, "w": w}))
    leaves = [torch.tensor(v, requires_grad=True, dtype=torch.float64) for v in (z, w)]
    theirs = torch.autograd.grad(6 * torch.maximum(*leaves), leaves)
    text = render_terminal(trace.page(step="2.2"), width=120)
    assert "1[z > w]" in text
    ours = [float(trace.run.gradient(name)) for name in "zw"]
    assert ours == [float(g) for g in theirs]


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ("mean((h - y)**2)", ""),
        ("0.5*sum((h - y)**2)", "The numbers come to 0.5 × 2 = 1."),
        ("mean(2*(h - y)**2)", "The numbers come to 2 × 2/3 = 4/3."),
        ("sum((h - y)**2)", ""),
        ("mean(square(h - y))/4", "The numbers come to 2/(4 × 3) = 1/6."),
        ("sum((h - y)**3)/3", "The numbers come to 3/3 = 1."),
    ],
)
def test_numbers_that_are_shown_as_one_are_told(loss: str, said: str) -> None:
    """The numbers of means, powers and factors, whose product is the gradient's by PyTorch."""
    h = [1.5, -0.25, 0.75]
    problem = handgrad.Problem(f"h = 1*w\nL = {loss}", {"w": h}, {"y": [1.0, 0.5, 0.25]})
    (first, *_) = [s for s in handgrad.solve(problem).steps if s.phase == "backward"]
    told = plain_text(reason(handgrad.solve(problem), first))
    assert ("The numbers come to" in told) == bool(said)
    assert said in told


def test_what_measures_no_error_is_no_loss_in_its_title() -> None:
    for name, said in (("circuit", "The result f"), ("rnn", "The loss L")):
        trace = handgrad.solve(handgrad.load(name))
        assert [plain_text(title(trace, s)) for s in trace.steps if s.kind == "loss"] == [said]


@pytest.mark.parametrize(
    ("c", "said"), [(0.01, "= −c = −0.01\n"), (-0.01, "= −c = −(−0.01) = 0.01\n")]
)
def test_a_number_with_its_sign_turned_is_not_shown_twice(c: float, said: str) -> None:
    problem = handgrad.Problem(
        ["H = w*x", "L = y**2 - c*H"], {"w": 1.5, "y": 2.0}, {"x": 2.0, "c": c}
    )
    page = handgrad.solve(problem).page()
    assert said in render_terminal(page, width=80, colour=False, unicode=True)
