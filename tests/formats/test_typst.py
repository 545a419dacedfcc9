"""Pages as Typst and PDF: what can be read back from them, and that nothing in them is code."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.discussion import questions_for
from handgrad.discussion.page import questions_page
from handgrad.errors import MissingExtraError, OptionError
from handgrad.expression import Adjoint, Expression, Literal, Name
from handgrad.formats.style import Style
from handgrad.formats.typst import render_pdf, render_typst
from handgrad.formats.typst.pdf import needs_system_fonts
from handgrad.formats.typst.pen import TypstPen
from handgrad.formats.typst.placing import Paper
from handgrad.formats.typst.source import string, words
from handgrad.page.blocks import Block, Derivation, Figure, Layout, Paragraph, Relation, Table
from handgrad.saving import Page
from tests.formats.documents import (
    HOSTILE,
    PROBLEMS,
    decimals,
    drawing,
    every_block,
    given_figures,
    step_ids,
    terminal,
    unsigned,
)
from tests.formats.trees import adjoints, blocks, literals, names, trees
from tests.slow import one_in

MARGINS = {"document": 2.4 / 2.54 * 72, "slides": 1.9 / 2.54 * 72}
"""The margins at the sides, in points."""

HANGING = {"document": 1.0, "slides": 2.0}
"""Points: a hyphen or a point at the end of a line hangs over the margin by so much at most; the
type on slides is twice as large."""


formulas = trees(st.one_of(literals(), names, adjoints))


def opened(page: Page, paper: Paper = "a4") -> Any:
    """The page as a PDF document of PyMuPDF's, which is mostly untyped."""
    document: Any = pymupdf.open
    return document(stream=render_pdf(page, paper))


def text_of(document: Any) -> str:
    return "\n".join(str(page.get_text()) for page in document).replace("−", "-")


def widest(document: Any, layout: str = "document") -> float:
    """How far the text on the pages reaches to the right of the margin, in points."""
    reach: float = max(
        word[2] - (page.rect.width - MARGINS[layout])
        for page in document
        for word in page.get_text("words")
    )
    return reach


@pytest.mark.parametrize("name", one_in(3, PROBLEMS))
def test_every_bundled_problem_as_pdf(name: str) -> None:
    page = handgrad.solve(handgrad.load(name)).page()
    document = opened(page)
    text, shown = text_of(document), terminal(page)
    figures = decimals(shown)
    assert figures <= decimals(text)
    # A minus sign before a figure may be one between two.
    assert unsigned(text) <= unsigned(shown) | given_figures(page) | set(step_ids(page))
    titles = [title.split(" ")[0] for level, title, _ in document.get_toc() if level == 3]
    assert titles == step_ids(page)
    # What follows a number close by, as after 1.10, is read as part of its line.
    assert all(re.search(rf"^{re.escape(title)}(?: |$)", text, re.MULTILINE) for title in titles)
    assert document.metadata["title"] == page.title
    assert widest(document) < HANGING["document"]


def test_the_source_says_what_the_page_says() -> None:
    page = handgrad.solve(handgrad.load("lab9")).page()
    source = render_typst(page)
    assert source == render_typst(page)
    assert re.findall(r'heading-of\(3, "([^"]+)"', source) == step_ids(page)
    assert '"−0.1315"' in source
    assert render_pdf(page) == render_pdf(page)


def test_letter_is_letter() -> None:
    page = Page("", (Paragraph(("words",)),))
    assert [round(x) for x in opened(page, "letter")[0].rect[2:]] == [612, 792]
    assert [round(x) for x in opened(page)[0].rect[2:]] == [595, 842]
    with pytest.raises(OptionError, match="a4 or letter"):
        render_typst(page, "foolscap")  # type: ignore[arg-type]


def test_pages_are_tagged_and_in_english() -> None:
    page = handgrad.solve(handgrad.load("neuron")).page()
    document = opened(page)
    catalogue = document.pdf_catalog()
    assert document.xref_get_key(catalogue, "MarkInfo/Marked") == ("bool", "true")
    assert document.xref_get_key(catalogue, "Lang") == ("string", "en-GB")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("layout", ["document", "slides"])
def test_text_is_never_code(text: str, layout: Layout) -> None:
    page = replace(every_block(text), layout=layout)
    document = opened(page)
    read = text_of(document)
    assert "root:" not in read
    assert "1.5" in read
    assert "red" in read or "\x1b" not in text
    if text.startswith("#"):
        assert text in read
    assert widest(document, layout) < HANGING[layout]


@given(st.text(max_size=60))
def test_a_string_ends_where_it_ends(text: str) -> None:
    """Whatever is in it, a literal has no quote or backslash of its own and stays on its line."""
    for literal in (string(text), words(text)):
        assert literal[0] == literal[-1] == '"'
        assert re.fullmatch(r'(\\["\\]|[^"\\\n])*', literal[1:-1])
    assert all(c.isprintable() or c in "\u00a0\u200b" for c in words(text))


def test_a_row_of_figures_below_running_text_keeps_to_the_margin() -> None:
    """The text takes more lines; the figures have the width that one takes."""
    figures = Literal((0.0, 0.0, 100000.0, 15940500001.0, -17610500001.0), batched=True)
    wide = Literal((tuple(123456.25 + k for k in range(5)),))
    text = ("running text that may well go on to a second line, and on to a third one",)
    table = Table(((wide,), ()), (((), text), ((), (figures,))), align="lc")
    document = opened(Page("p", (table,)))
    assert widest(document) < HANGING["document"]


@settings(max_examples=10)
@given(st.lists(blocks(formulas), max_size=3))
def test_any_page_compiles_and_keeps_to_its_margins(blocks: list[Block]) -> None:
    document = opened(Page("random", tuple(blocks), error_signals=frozenset({"W1"})))
    assert not text_of(document) or widest(document) < HANGING["document"]


@given(trees(st.one_of(literals(), names, adjoints)))
def test_every_way_of_breaking_a_formula_has_the_whole_of_it(tree: Expression) -> None:
    pen = TypstPen(Style())
    node = pen.formula().node(tree)
    quoted = re.compile(r'"(?:\\.|[^"\\])*"')
    pieces = " ".join(part for _, part in pen.pieces(node))
    assert quoted.findall(pieces) == quoted.findall(str(pen.draw(node)))


def wide(columns: int, rows: int = 2) -> Literal:
    numbers = np.linspace(-0.98765, 0.98765, rows * columns).reshape(rows, columns)
    return Literal(tuple(map(tuple, numbers.tolist())))


@pytest.mark.parametrize("columns", [4, 8, 10, 12, 40])
def test_wide_formulas_stay_within_the_margins(columns: int) -> None:
    a = wide(columns)
    chain = (Name("A") @ Name("B") + Name("C"), a @ wide(columns, columns) + a, a + a - a, a)
    page = Page("wide", (Derivation((Relation(Name("W"), chain, shape=f"2×{columns}"),)),))
    document = opened(page)
    assert widest(document) < HANGING["document"]
    if columns > 12:
        assert f"2×{columns}" in text_of(document)


def test_figures_stand_under_their_decimal_points() -> None:
    column = Literal((0.5, -12.25, 3.0, 100.125))
    document = opened(Page("", (Derivation((Relation(Name("v"), (column,)),)),)))
    found = document[0].get_text("rawdict")
    characters = [
        c
        for block in found["blocks"]
        for line in block["lines"]
        for span in line["spans"]
        for c in span["chars"]
    ]
    points = [c["origin"][0] for c in characters if c["c"] == "."]
    assert len(points) == 3
    assert max(points) - min(points) < 0.05


def test_marks_and_remarks_are_said_without_colour() -> None:
    page = handgrad.solve(handgrad.load("lab9")).page(step="2.4")
    assert "gate shut" in text_of(opened(page))
    assert 'offmark("0")' in render_typst(page)


def test_drawings_are_drawn_with_their_words() -> None:
    page = Page("", (Figure(drawing(), ("the caption",)),))
    document = opened(page)
    read = text_of(document)
    assert "the caption" in read
    assert "0.42" in read
    assert "a unit" in read
    assert len(document[0].get_drawings()) >= 6
    assert '"a unit. a unit in a picture"' in render_typst(page)


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'handgrad\[pdf\]'"):
        render_pdf(Page("", ()))
    assert render_typst(Page("", ())).startswith("//")


def test_fonts_of_the_system_are_asked_for_other_scripts_only() -> None:
    assert not needs_system_fonts("ŷ = σ(z) ≤ ½, Ж, eᶻ")
    assert needs_system_fonts("日本語")
    assert needs_system_fonts("🙂")


def test_a_gradient_divided_by_another_is_in_parentheses_in_a_line() -> None:
    page = Page("", (Paragraph((Adjoint("a") / Adjoint("b"),)),))
    assert "∂ L slash ∂ a slash lr(paren.l ∂ L slash ∂ b paren.r)" in render_typst(page)


def test_matrices_of_cases_have_commas_between_them() -> None:
    """Side by side without one they were a product."""
    matrices = Literal((((1.0,) * 9,) * 2,) * 2, batched=True)
    drawn = render_typst(Page("", (Derivation((Relation(Name("W"), (matrices,)),)),), largest=3))
    assert "thick dots.h.c" in drawn
    assert drawn[drawn.index("#derivation(") :].count(" comma") == 2


def test_a_wide_transposed_array_is_shown_with_less_where_it_is_too_wide() -> None:
    tall = Literal(tuple((float(k), 0.5) for k in range(11)))
    page = Page("", (Derivation((Relation(Name("W"), (tall.T @ Name("x"),)),)),))
    assert render_typst(page).count("dots.h.c") == 2 * len((6, 4))


@pytest.mark.parametrize("name", ["conv", "rnn", "attention", "classes"])
def test_a_picture_without_room_at_the_foot_stands_before_what_comes_after_its_pass(
    name: str,
) -> None:
    text = text_of(opened(handgrad.solve(handgrad.load(name)).page(pictures=True)))
    backward = re.search(r"(?m)^Backward pass$", text)
    assert backward is not None
    assert text.index("The forward pass:") < backward.start()
    assert text.index("Forward pass") < text.index("The forward pass:")


def test_paragraphs_that_follow_each_other_may_part() -> None:
    """Nine answers whose words all stayed together left the first page with a title alone."""
    trace = handgrad.solve(handgrad.load("classes"))
    opened: Any = pymupdf.open
    document = opened(stream=render_pdf(questions_page(trace, questions_for(trace))))
    assert len(document[0].get_text().split()) > 200


@pytest.mark.parametrize("name", ["rnn", "attention", "conv"])
def test_what_is_given_begins_on_the_first_page(name: str) -> None:
    """A tall picture of it pushed it to the second."""
    opened: Any = pymupdf.open
    solution = handgrad.solve(handgrad.load(name)).report()
    assert solution.pictured is not None
    first, *_ = opened(stream=render_pdf(solution.pictured()))
    assert {"Given", "Forward"} <= set(first.get_text().split())


def test_charts_stand_after_the_heading_of_their_part() -> None:
    opened: Any = pymupdf.open
    report = handgrad.gates(handgrad.load("classes")).report()
    document = opened(stream=render_pdf((report.pictured or report.page)()))
    text = text_of(document)
    assert text.index("Layers") < text.index("share of the cases") < text.index("Units\n")


def test_greek_letters_in_a_sentence_are_those_of_formulas() -> None:
    """η of the text font looks like another letter beside the η of an update."""
    page = Page("Page", (Paragraph(("Here η is 0.5, β₁ is 0.9; σ(z) and αβ are words.",)),))
    assert '#"Here "#$η$#" is 0.5, "#$β_1$#" is 0.9; σ(z) and αβ are words."' in render_typst(page)
