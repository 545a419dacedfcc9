"""Pages as LaTeX: what they say, that nothing in them is a command, and that TeX sets them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.expression import Call, Expression, Literal, Name
from handgrad.formats.tex import render_tex
from handgrad.formats.tex.text import ascii_only, words
from handgrad.page.blocks import Block, Derivation, Relation
from handgrad.saving import Page
from tests.formats.documents import (
    HOSTILE,
    PROBLEMS,
    decimals,
    every_block,
    given_figures,
    step_ids,
    terminal,
    unsigned,
)
from tests.formats.test_typst import formulas, wide
from tests.formats.trees import blocks

needs_tex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed (texlive-latex-recommended)"
)


def compiled(document: str, folder: Path) -> str:
    """TeX's log of a document; fails where it does not compile."""
    folder.joinpath("page.tex").write_text(document, "ascii")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-2000:]
    return log


def overfull(log: str) -> list[float]:
    """By how many points lines run over the margin, where by more than a hair."""
    return [x for x in map(float, re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)) if x > 3]


def page_of(name: str) -> Page:
    return handgrad.solve(handgrad.load(name)).page()


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_bundled_problem_says_the_same(name: str) -> None:
    page = page_of(name)
    document = render_tex(page)
    body = document.partition(r"\begin{document}")[2]
    body = re.sub(r"\\pdfbookmark\[\d\](\{[^}]*\}){2}|[\d.]+em", "", body)
    assert decimals(terminal(page)) <= decimals(body)
    said = unsigned(terminal(page)) | given_figures(page) | set(step_ids(page))
    assert unsigned(body) <= said
    assert re.findall(r"\\pdfbookmark\[3\]\{([\d.]+) ", document) == step_ids(page)
    assert document.isascii()


@needs_tex
@pytest.mark.parametrize("name", ["lab9", "batch", "conv"])
def test_tex_sets_it(name: str, tmp_path: Path) -> None:
    assert overfull(compiled(render_tex(page_of(name)), tmp_path)) == []


@needs_tex
@pytest.mark.sweep
@pytest.mark.parametrize("name", PROBLEMS)
def test_tex_sets_every_problem(name: str, tmp_path: Path) -> None:
    assert overfull(compiled(render_tex(page_of(name)), tmp_path)) == []


@needs_tex
@pytest.mark.parametrize("columns", [10])
def test_wide_formulas(columns: int, tmp_path: Path) -> None:
    a = wide(columns)
    chain = (Name("A") @ Name("B") + Name("C"), a @ wide(columns, columns) + a, a + a - a, a)
    page = Page("wide", (Derivation((Relation(Name("W"), chain),)),))
    assert overfull(compiled(render_tex(page), tmp_path)) == []


@needs_tex
def test_text_is_never_a_command(tmp_path: Path) -> None:
    for number, text in enumerate(HOSTILE):
        folder = tmp_path / str(number)
        folder.mkdir()
        log = compiled(render_tex(every_block(text)), folder)
        assert not re.search(r"\(\s*/etc/passwd", log)  # how TeX says that it opens a file


@given(st.text(max_size=40))
@example("｛＼＄％＆＃＿＾～｝")
def test_no_character_of_a_text_is_special(text: str) -> None:
    written = ascii_only(words(text))
    assert written.isascii()
    bare = re.sub(r"\\[A-Za-z]+|\\[\"'`^~=.{}$&#%_,]|\{\}", "", written)
    assert not set(bare) & set("$&#%_^\\")
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", written.replace(r"\\", "")):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


@needs_tex
@settings(max_examples=2)
@given(st.lists(blocks(formulas), min_size=3, max_size=8))
def test_any_page_compiles(tmp_path_factory: pytest.TempPathFactory, blocks: list[Block]) -> None:
    compiled(render_tex(Page("random", tuple(blocks))), tmp_path_factory.mktemp("tex"))


def test_a_result_is_marked_and_a_long_sum_broken() -> None:
    page = page_of("lab9")
    document = render_tex(page)
    assert r"\hgoff{0}" in document
    assert "gate shut" in document
    total = Name("a") + Literal(0.25)
    for _ in range(30):
        total = total + Name("b_long") * Literal(0.25)
    broken = render_tex(Page("", (Derivation((Relation(Name("s"), (total,)),)),)))
    assert broken.count(r"\hgrow{") > 2


@needs_tex
def test_a_line_ends_between_the_arguments_of_a_function(tmp_path: Path) -> None:
    many = Call("concat", tuple(Call("tanh", (Name(f"h_number{k}"),)) for k in range(9)))
    long: Expression = Name("a")
    for _ in range(20):
        long = long * Name("b_long")
    leaky = Call("leaky_relu", (long,), (("alpha", 0.2),))
    relations = Relation(Name("s"), (many,)), Relation(Name("t"), (leaky,))
    document = render_tex(Page("", (Derivation(relations),)))
    assert document.count(",}") == 1
    assert r";\}" not in document
    assert overfull(compiled(document, tmp_path)) == []


def test_two_solutions_stand_side_by_side() -> None:
    lab = handgrad.load("lab9")
    two = handgrad.compare(handgrad.solve(lab), handgrad.solve(lab.with_values({"b2": [0, 0.5]})))
    text = render_tex(two.page())
    assert r"\geometry{landscape}" in text
    begun, ended = text.count(r"\begin{hgcolumn}{0.480"), text.count(r"\end{hgcolumn}")
    assert begun == ended >= 2 * len(two.steps)
    assert "landscape" not in render_tex(handgrad.solve(lab).page())
