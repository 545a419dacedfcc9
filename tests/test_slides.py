"""Decks of slides: what is on them, and that each is one page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pymupdf
import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.explain import plain_text
from handgrad.expression import Literal, Name
from handgrad.page.blocks import Block, Derivation, Heading, Page, Paragraph, Relation, Table
from handgrad.page.portions import ROOM, block_lines, portions
from handgrad.questions import to_discuss
from tests.render.documents import PROBLEMS, decimals, step_ids, terminal
from tests.render.test_typst import HANGING, text_of, widest

SMALLEST = 5.0
"""Points: no slide is scaled down so far that its smallest text, in scripts, is smaller."""


def titles(page: Page) -> list[str]:
    return [plain_text(b.text) for b in page.blocks if isinstance(b, Heading) and b.level < 3]


def set_as_pdf(page: Page) -> Any:
    document: Any = pymupdf.open
    return document(stream=handgrad.render_pdf(page))


def deck(name: str) -> Page:
    return handgrad.slides_page(handgrad.solve(handgrad.load(name)))


def test_lab9_goes_as_the_lab_goes() -> None:
    shown = titles(deck("lab9"))
    assert shown[:5] == [
        "Lab 9: backpropagation by hand",
        "Today’s goals",
        "The network",
        "Given",
        "Quick reference",
    ]
    assert shown[-1] == "Key takeaways"
    assert "Shut gates, and how units die" in shown
    assert (
        shown.index("Shut gates, and how units die")
        == shown.index(next(t for t in shown if t.startswith("Error signal dz2"))) + 1
    )
    text = terminal(deck("lab9"))
    assert "What helps: leaky ReLU in place of ReLU." in text
    assert "The loss fell from 0.4548 to 0.4308." in text
    assert "(ŷ − y)" in text or "ŷ − y" in text


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_deck_has_every_step_and_figure_of_the_solution(name: str) -> None:
    trace = handgrad.solve(handgrad.load(name))
    solution, slides = handgrad.solution_page(trace), handgrad.slides_page(trace)
    ids = [b.id for b in slides.blocks if isinstance(b, Heading) and b.level == 2 and b.id]
    assert list(dict.fromkeys(ids)) == step_ids(solution)
    assert decimals(terminal(solution)) - set(step_ids(solution)) <= decimals(terminal(slides))
    assert slides.layout == "slides"


@pytest.mark.parametrize("name", ["lab9", "batch", "circuit", "attention"])
def test_every_slide_is_one_page(name: str) -> None:
    page = deck(name)
    document = set_as_pdf(page)
    assert len(document) == len(titles(page))
    assert widest(document, "slides") < HANGING["slides"]
    assert {round(p.rect.width / p.rect.height, 2) for p in document} == {1.78}
    sizes = [
        span["size"]
        for p in document
        for block in p.get_text("dict")["blocks"]
        for line in block.get("lines", ())
        for span in line["spans"]
        if span["text"].strip()
    ]
    assert min(sizes) > SMALLEST


def test_forty_equations_and_wide_layers() -> None:
    chain = "\n".join(f"h{k} = tanh(h{k - 1} * w)" for k in range(1, 40))
    problem = handgrad.Problem(f"{chain}\nL = sum(h39**2)", {"w": 0.9}, {"h0": [0.5, -0.2]})
    page = handgrad.slides_page(handgrad.solve(problem))
    assert any(t.startswith("The network (1 of") for t in titles(page))
    document = set_as_pdf(page)
    assert len(document) == len(titles(page))
    wide = handgrad.Problem.mlp([8, 9, 3], hidden="relu", output="softmax", loss="cross_entropy")
    page = handgrad.slides_page(handgrad.solve(wide))
    assert len(set_as_pdf(page)) == len(titles(page))


def test_questions_come_before_their_answers() -> None:
    trace = handgrad.solve(handgrad.load("neuron"))
    questions = [
        (("Why is ", Name("w"), " so?"), (Paragraph(("Because of this.",)),)),
        (("And then?",), (Paragraph(("Because of that.",)),)),
    ]
    page = handgrad.slides_page(trace, questions)
    shown = titles(page)
    assert shown[-5:] == ["Discuss", "Answer", "Discuss", "Answer", "Key takeaways"]
    text = text_of(set_as_pdf(page))
    said = ["so?", "Because of this.", "And then?", "of that."]
    assert sorted(said, key=text.index) == said


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_file_of_slides_has_two_to_four_questions(name: str, tmp_path: Path) -> None:
    path = tmp_path / "deck.typ"
    assert run(["solve", name, "--as", "slides", "-o", str(path)]) == 0
    text = path.read_text("utf-8")
    asked = [int(n) for n in re.findall(r"Q(\d)\D*Discuss", text)]
    assert asked == list(range(1, len(asked) + 1))
    assert 2 <= len(asked) <= 4
    assert {int(n) for n in re.findall(r"Q(\d)\D*Answer", text)} == set(asked)


def test_lab9_asks_what_the_lab_asks() -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    kinds = ["zero_rows_columns", "gate_swap", "other_input", "updated_value"]
    assert [q.kind for q in to_discuss(trace)] == kinds


def test_long_blocks_go_on_and_short_ones_stay_together() -> None:
    rows = tuple(((str(k),), (Literal(k / 7),)) for k in range(60))
    table = Table((("k",), ("value",)), rows, "rr")
    relation = Relation(Name("z"), (Name("a") + Name("b"), Literal((0.5, 0.25))))
    blocks: tuple[Block, ...] = (Paragraph(("words",)), table, Derivation((relation,) * 30))
    parts = portions(blocks)
    assert [r for p in parts for b in p if isinstance(b, Table) for r in b.rows] == list(rows)
    assert sum(len(b.relations) for p in parts for b in p if isinstance(b, Derivation)) == 30
    assert all(sum(map(block_lines, part)) <= ROOM for part in parts)
    assert parts[0][0] == blocks[0]
    assert len(parts[0]) > 1
    assert portions(()) == ()
    kept = (Heading(("a point",), 3, "1"), Paragraph(("a sentence",)))
    assert portions(kept) == (kept,)
