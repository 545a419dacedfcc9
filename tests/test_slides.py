"""Decks of slides: what is on them, and that each is one page."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.discussion import questions_for
from handgrad.discussion.page import questions_page
from handgrad.expression import Adjoint, Literal, Name, leaves
from handgrad.figures import figure
from handgrad.formats.mathematics.arrays import elided
from handgrad.formats.typst import render_pdf
from handgrad.page import Document
from handgrad.page.blocks import (
    Block,
    Columns,
    Derivation,
    Figure,
    Heading,
    Paragraph,
    Relation,
    Table,
)
from handgrad.page.portions import ROOM, SHOWN, SIZES, portions
from handgrad.saving import Page
from handgrad.solution.reference import recipe
from handgrad.solution.takeaways import GatesSeen, LossMoved, takeaways
from handgrad.text import plain_text
from tests.formats.documents import PROBLEMS, step_ids, terminal
from tests.formats.test_typst import text_of
from tests.slow import LARGE, with_slow

SMALLEST = 5.0
"""Points: no slide is scaled down so far that its smallest text, in scripts, is smaller."""


def titles(page: Document) -> list[str]:
    return [plain_text(b.text) for b in page.blocks if isinstance(b, Heading) and b.level < 3]


def set_as_pdf(page: Document) -> Any:
    document: Any = pymupdf.open
    return document(stream=render_pdf(page))


def deck(name: str) -> Page:
    return handgrad.solve(handgrad.load(name)).slides()


def test_lab9_goes_as_the_lab_goes() -> None:
    shown = titles(deck("lab9"))
    assert shown[:4] == [
        "Lab 9: backpropagation by hand",
        "Today’s goals",
        "The network",
        "Given",
    ]
    assert len(shown) <= 26
    assert shown[-1] == "Key takeaways"
    assert "Shut gates, and how units die" in shown
    assert (
        shown.index("Shut gates, and how units die")
        == shown.index(next(t for t in shown if t.startswith("Error signal dz2"))) + 1
    )
    text = terminal(deck("lab9"))
    assert "What helps: leaky ReLU in place of ReLU." in text
    assert "After the update L is 0.4308: lower than the 0.4548 before." in " ".join(text.split())
    assert "(ŷ − y)" in text or "ŷ − y" in text


def results(page: Page) -> list[Literal]:
    """The results of a page's relations, of those that a slide shows whole."""
    ends = [r.chain[-1] for b in page.blocks if isinstance(b, Derivation) for r in b.relations]
    return [
        e for e in ends if isinstance(e, Literal) and max(np.shape(e.value), default=0) <= SHOWN
    ]


@pytest.mark.parametrize("name", with_slow(PROBLEMS, LARGE - {"classes"}))
def test_a_deck_has_every_step_and_result_of_the_solution(name: str) -> None:
    trace = handgrad.solve(handgrad.load(name))
    solution, slides = trace.page(), trace.slides()
    ids = [
        b.id for b in slides.blocks if isinstance(b, Heading) and re.fullmatch(r"\d+\.\d+", b.id)
    ]
    assert list(dict.fromkeys(ids)) == step_ids(solution)
    text = terminal(slides)
    # Of the forward pass after the update a slide has the end.
    last = [k for k, b in enumerate(solution.blocks) if isinstance(b, Heading) and b.id == "3.2"]
    told = solution.blocks[: last[0]] if last else solution.blocks
    for result in results(replace(solution, blocks=told)):
        for number in np.ravel(np.asarray(result.value, dtype=float)):
            assert figure(float(number)).replace("-", "−").replace("e", "·10") in text.replace(
                "⁻", "−"
            ) or ("e" in figure(float(number)))
    assert slides.layout == "slides"


def sizes(document: Any) -> list[float]:
    """By page, the commonest size of its letters, the foot apart."""
    found = []
    for page in document:
        letters: Counter[float] = Counter()
        for block in page.get_text("dict")["blocks"]:
            for line in block.get("lines", ()):
                for span in line["spans"]:
                    if span["bbox"][3] < page.rect.height - 32:
                        letters[round(span["size"], 1)] += len(span["text"].strip())
        found.append(letters.most_common(1)[0][0])
    return found


@pytest.mark.parametrize(
    ("name", "most"), [("lab9", 26), ("penalty", 30), ("batch", 28), ("softmax", 26)]
)
def test_few_slides_in_large_type(name: str, most: int) -> None:
    faults = Path(__file__).parent / "gauntlet" / "faults"
    problem = handgrad.load(faults / "penalty.toml" if name == "penalty" else name)
    trace = handgrad.solve(problem)
    report = trace.report(questions=lambda: handgrad.questions(trace).to_discuss())
    assert report.slides is not None
    page = report.slides()
    document = set_as_pdf(page)
    assert len(document) == len(titles(page)) <= most
    found = sizes(document)
    assert min(found) >= 14
    assert sum(size >= 18 for size in found) >= 0.8 * len(found)
    pictured = [f for b in page.blocks for f in _figures(b)]
    if name in ("lab9", "penalty"):
        assert any("backward" in f.drawing.title for f in pictured)
    assert sum(f.drawing.title == "The network" for f in pictured) == 1


def _figures(block: Block) -> list[Figure]:
    if isinstance(block, Columns):
        return [b for column in block.columns for b in column if isinstance(b, Figure)]
    return [block] if isinstance(block, Figure) else []


def test_no_slide_is_nearly_empty() -> None:
    page = deck("lab9")
    slides: list[list[Block]] = []
    for block in page.blocks:
        if isinstance(block, Heading) and block.level < 3:
            slides.append([])
        else:
            slides[-1].append(block)
    assert all(SIZES.total(body) > 0.33 * ROOM for body in slides[1:])


def test_a_part_of_a_deck(tmp_path: Path) -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    backward = trace.slides(only="backward")
    ids = [b.id for b in backward.blocks if isinstance(b, Heading) and b.id]
    assert {i.split(".")[0] for i in ids} == {"2"}
    assert titles(backward)[0] == "Lab 9: backpropagation by hand: backward pass"
    step = trace.slides(step="2.4")
    assert titles(step)[1:] == [
        "Error signal dz2: back through ReLU",
        "Shut gates, and how units die",
    ]
    for part in (["--only", "update"], ["--step", "2.4"]):
        for ending in ("html", "typ"):
            path = tmp_path / f"{part[1]}.{ending}"
            assert run(["solve", "lab9", *part, "--as", "slides", "-o", str(path)]) == 0
            assert path.stat().st_size > 1000
    path = tmp_path / "deck.html"
    assert run(["solve", "lab9", "--elements", "--as", "slides", "-o", str(path)]) == 2


@pytest.mark.parametrize("ending", ["html", "pdf"])
def test_questions_as_slides(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"questions.{ending}"
    assert run(["questions", "lab9", "--as", "slides", "-o", str(path)]) == 0
    trace = handgrad.solve(handgrad.load("lab9"))
    asked = questions_for(trace)
    page = questions_page(trace, asked, layout="slides")
    answers = {b.id for b in page.blocks if isinstance(b, Heading) and b.text[0] == "Answer"}
    assert answers == {f"Q{k + 1}" for k in range(len(asked))}
    if ending == "pdf":
        document: Any = pymupdf.open
        assert len(document(path)) == len(titles(page))


def test_takeaways_say_which_units_were_off_in_which_cases() -> None:
    trace = handgrad.solve(
        handgrad.load(Path(__file__).parent / "gauntlet" / "faults" / "penalty.toml")
    )
    facts = {t.kind: t for t in takeaways(trace)}
    gates = facts["gates_seen"]
    assert isinstance(gates, GatesSeen)
    z = np.asarray(trace.run.value("z1"))
    assert [(u.unit, u.cases) for u in gates.units] == [
        ((k,), tuple(map(int, np.flatnonzero(row <= 0))))
        for k, row in enumerate(z)
        if (row <= 0).any()
    ]
    text = terminal(trace.slides())
    said = " ".join(text.split())
    assert "z₄⁽¹⁾ was off in all 3 cases, z₁⁽¹⁾ was off in cases 2 and 3" in said
    moved = facts["loss_moved"]
    assert isinstance(moved, LossMoved)
    assert (moved.before, moved.after) == (float(trace.run.value("J")), trace.loss_after)


@pytest.mark.sweep
def test_forty_equations_and_wide_layers() -> None:
    chain = "\n".join(f"h{k} = tanh(h{k - 1} * w)" for k in range(1, 40))
    problem = handgrad.Problem(f"{chain}\nL = sum(h39**2)", {"w": 0.9}, {"h0": [0.5, -0.2]})
    page = handgrad.solve(problem).slides()
    assert any(t.startswith("The network (1 of") for t in titles(page))
    document = set_as_pdf(page)
    assert len(document) == len(titles(page))
    wide = handgrad.Problem.mlp([8, 9, 3], hidden="relu", output="softmax", loss="cross_entropy")
    page = handgrad.solve(wide).slides()
    assert len(set_as_pdf(page)) == len(titles(page))


def test_questions_come_before_their_answers() -> None:
    trace = handgrad.solve(handgrad.load("neuron"))
    questions = [
        (("Why is ", Name("w"), " so?"), (Paragraph(("Because of this.",)),)),
        (("And then?",), (Paragraph(("Because of that.",)),)),
    ]
    page = trace.slides(questions)
    shown = titles(page)
    assert shown[-4:] == ["Discuss", "Answer", "Answer", "Key takeaways"]
    text = text_of(set_as_pdf(page))
    said = ["so?", "And then?", "Because of this.", "of that."]
    assert sorted(said, key=text.index) == said


@pytest.mark.parametrize("name", with_slow(PROBLEMS, LARGE - {"classes"}))
def test_a_file_of_slides_has_two_to_four_questions(name: str, tmp_path: Path) -> None:
    path = tmp_path / "deck.typ"
    assert run(["solve", name, "--as", "slides", "-o", str(path)]) == 0
    text = path.read_text("utf-8")
    asked = [int(n) for n in re.findall(r"heading-of\(3, \"Q(\d)\"", text)]
    assert asked == list(range(1, len(asked) + 1))
    assert 2 <= len(asked) <= 4
    assert {int(n) for n in re.findall(r"slide-title\(2, \"Q(\d)\"", text)} == set(asked)


def test_lab9_asks_what_the_lab_asks() -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    kinds = ["zero_rows_columns", "gate_swap", "other_input", "updated_value"]
    assert [q.kind for q in handgrad.questions(trace).discussed()] == kinds


def test_long_blocks_go_on_and_short_ones_stay_together() -> None:
    rows = tuple(((str(k),), (Literal(k / 7),)) for k in range(60))
    table = Table((("k",), ("value",)), rows, "rr")
    relation = Relation(Name("z"), (Name("a") + Name("b"), Literal((0.5, 0.25))))
    blocks: tuple[Block, ...] = (Paragraph(("words",)), table, Derivation((relation,) * 30))
    parts = portions(blocks)
    assert [r for p in parts for b in p if isinstance(b, Table) for r in b.rows] == list(rows)
    assert sum(len(b.relations) for p in parts for b in p if isinstance(b, Derivation)) == 30
    assert all(SIZES.total(part) <= ROOM for part in parts)
    assert parts[0][0] == blocks[0]
    assert len(parts[0]) > 1
    assert portions(()) == ()
    kept = (Heading(("a point",), 3, "1"), Paragraph(("a sentence",)))
    assert portions(kept) == (kept,)


@pytest.mark.parametrize("ending", ["html", "pdf", "tex"])
def test_a_slide_shows_the_row_that_its_words_name(ending: str, tmp_path: Path) -> None:
    """The fourth of eight units is off in all cases; four rows of the array are shown."""
    problem = handgrad.load("classes")
    solution = handgrad.solve(problem)
    path = tmp_path / f"deck.{ending}"
    solution.slides(step="2.7").save(path)
    if ending == "html":
        rows = re.findall(r"<mtr>(.*?)</mtr>", path.read_text())
        assert any(row.count('class="off"') == 3 for row in rows)
    elif ending == "tex":
        text = path.read_text()
        assert re.search(r"(\\hgoff\{0\}( & )?){3} *\\\\ *\\vdots", text)
    else:
        opened: Any = pymupdf.open
        shown = "\n".join(page.get_text() for page in opened(path))
        # Two of the first row, three of the fourth, one of the last, and of two units in the picture.
        assert len(re.findall(r"(?m)^0\s*$", shown)) == 6 + 2


def test_rows_that_are_told_of_stay_where_others_are_left_out() -> None:
    assert elided(8, 4) == (0, 1, None, 7)
    assert elided(8, 4, (3,)) == (0, None, 3, None, 7)
    assert elided(8, 4, (1,)) == elided(8, 4, (7,)) == (0, 1, None, 7)
    assert elided(5, 2, (2,)) == (0, None)
    for count in range(1, 30):
        for limit in range(1, 12):
            for kept in range(count):
                shown = elided(count, limit, (kept,))
                whole = [k for k in shown if k is not None]
                assert whole == sorted(set(whole))
                assert len(whole) <= limit
                assert limit < 3 or kept in shown


def test_the_recipe_stands_beside_the_way_back() -> None:
    """Where the gradient is stopped is seen before the first step back."""
    for name in ("lab9", "classes"):
        page = deck(name)
        start = next(
            k
            for k, b in enumerate(page.blocks)
            if isinstance(b, Heading) and "recipe" in plain_text(b.text)
        )
        (figure,) = _figures(page.blocks[start + 1])
        assert figure.drawing.title == "The network: backward pass"


@pytest.mark.parametrize("name", with_slow(PROBLEMS, LARGE - {"classes"}))
def test_the_recipe_is_of_one_layer(name: str) -> None:
    """Its lines were each of the first step of their kind: of two layers, and of the loss."""
    trace = handgrad.solve(handgrad.load(name))
    steps = [
        trace.step(plain_text(b.aside).removeprefix("as in step "))
        for b in recipe(trace)
        if isinstance(b, Heading)
    ]
    if not steps:
        return
    signal, *others = [s for s in steps if s is not None]
    made = {x.target.name for x in signal.lines}
    assert signal.kind == "error_signal"
    assert others
    for step in others:
        used = {n.name for x in step.lines for n in leaves(x.formula) if isinstance(n, Adjoint)}
        assert used & made


def test_the_slide_on_shut_gates_is_of_the_unit_that_is_off_in_every_case() -> None:
    page = deck("classes")
    at = titles(page).index("Shut gates, and how units die")
    assert titles(page)[at - 1].startswith("Error signal dz1")


def test_a_deck_writes_one_loss_and_says_where_its_numbers_come_from() -> None:
    """The rules are of the loss of a case, as the steps that use them; ⊘ is explained where it is first used."""
    for name in ("lab9", "classes"):
        page = handgrad.solve(handgrad.load(name)).slides()
        start = next(
            k
            for k, b in enumerate(page.blocks)
            if isinstance(b, Heading) and b.text == ("Quick reference",)
        )
        told, rules = page.blocks[start + 1 : start + 3]
        assert isinstance(told, Paragraph)
        assert "⊘ divides entry by entry" in plain_text(told.text)
        assert isinstance(rules, Table)
        slopes = [p for row in rules.rows for p in row[2] if isinstance(p, Adjoint)]
        of = {p.of for p in slopes if p.name in ("z", "h")}
        assert of == {"L"}
    text = terminal(handgrad.solve(handgrad.load("lab9")).slides())
    assert "with the new parameters; it is shown from ŷ on." in " ".join(text.split())
