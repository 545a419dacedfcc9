"""Pictures on the page of a worked solution."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

import handgrad
from handgrad.formats.terminal import render_terminal
from handgrad.formats.typst import render_pdf, render_typst
from handgrad.page.blocks import Figure, Heading
from handgrad.picture.drawing import Arrow, Label
from tests.slow import with_slow


def figures(name: str, **options: object) -> list[Figure]:
    page = handgrad.solve(handgrad.load(name)).page(**options)  # type: ignore[arg-type]
    return [b for b in page.blocks if isinstance(b, Figure)]


def test_pictures_stand_where_they_belong_when_asked_for() -> None:
    assert figures("lab9") == []
    trace = handgrad.solve(handgrad.load("lab9"))
    page = trace.page(pictures=True)
    kinds = [
        "".join(map(str, b.text)) if isinstance(b, Heading) else "figure"
        for b in page.blocks
        if isinstance(b, Figure) or (isinstance(b, Heading) and b.level == 2)
    ]
    assert kinds == [
        "Given", "figure", "Forward pass", "figure", "Backward pass", "figure", "Parameter update",
    ]  # fmt: skip
    assert [f.drawing for f in figures("lab9", pictures=True)] == [
        trace.picture("given"),
        trace.picture("forward"),
        trace.picture("backward"),
    ]


def test_the_python_of_the_documents() -> None:
    text = (Path(__file__).parent.parent / "docs" / "pictures.md").read_text("utf-8")
    (part,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, str] = {}
    exec(part, names)
    assert "0.1462" in names["svg"]


def test_part_of_a_page_has_the_pictures_of_that_part() -> None:
    only = figures("lab9", pictures=True, only="backward")
    assert [f.drawing.title for f in only] == ["The network: backward pass"]
    assert figures("lab9", pictures=True, only="update") == []
    assert figures("lab9", pictures=True, step="2.4") == []


@pytest.mark.parametrize("name", [name for name, _, _ in handgrad.bundled()])
def test_captions_are_a_sentence_that_says_what_is_dashed(name: str) -> None:
    for figure in figures(name, pictures=True):
        (caption,) = figure.caption
        assert isinstance(caption, str)
        assert caption.endswith(".")
        assert caption.count(".") == 1
        drawn = [s for s in figure.drawing.shapes if not isinstance(s, Label)]
        assert ("dashed" in caption) == any(
            s.role == "off" or (isinstance(s, Arrow) and s.dashed) for s in drawn
        )


def test_the_terminal_shows_the_captions() -> None:
    page = handgrad.solve(handgrad.load("batch")).page(pictures=True)
    text = render_terminal(page, width=80, colour=False, unicode=True)
    assert "for case 1 of 3" in text


def test_a_page_without_pictures_does_not_wait_for_them() -> None:
    code = (
        "import sys, handgrad\n"
        "handgrad.solve(handgrad.load('lab9')).page()\n"
        "print([m for m in sys.modules if m.startswith(('handgrad.picture.', 'handgrad.formats.svg'))])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert out.strip() == "[]"


def test_captions_tell_gradients_of_weights_from_what_flows_on() -> None:
    """In lab9 and in the batch lines carry gradient whose own weight gets none, as its input is 0."""
    lab, batch = (figures(name, pictures=True)[-1].caption[0] for name in ("lab9", "classes"))
    assert "a grey 0 on a solid line is the gradient of that weight alone" in str(lab)
    assert "edges thicker where the gradients of the weights are larger in size" in str(batch)
    assert "none flows back along dashed lines" in str(batch)


@pytest.mark.parametrize("paper", with_slow(["a4", "letter"], {"letter"}))
@pytest.mark.parametrize(
    "name", with_slow(["lab9", "classes", "rnn", "conv", "convnet"], {"convnet"})
)
def test_on_paper_each_picture_stands_once_and_before_a_step(name: str, paper: str) -> None:
    """Where a picture stands hangs on where the text does; Typst gives up after five attempts to settle both."""
    typst, pypdf = pytest.importorskip("typst"), pytest.importorskip("pypdf")
    page = handgrad.solve(handgrad.load(name)).page(pictures=True)
    source = render_typst(page, paper)  # type: ignore[arg-type]
    pdf, warnings = typst.Compiler(b"", ignore_system_fonts=True).compile_with_warnings(
        source.encode(), format="pdf"
    )
    assert [w.message for w in warnings] == []
    text = " ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    words = " ".join(text.split())
    for said in ("The forward pass: ", "The backward pass: "):
        assert words.count(said) == 1
        # What is below the caption is a step's number, the legend of another page, or the page's own.
        after = words.partition(said)[2].partition(". ")[2]
        assert re.match(r"\d+\.\d|\d+ / \d+|[A-Z]", after)


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_a_step_is_not_torn_where_the_page_before_is_nearly_full(paper: str) -> None:
    """The loss after the update was begun at the foot of one page, and ended on the next."""
    pypdf = pytest.importorskip("pypdf")
    page = handgrad.solve(handgrad.load("lab9")).page(pictures=True)
    pages = [p.extract_text() for p in pypdf.PdfReader(io.BytesIO(render_pdf(page, paper))).pages]  # type: ignore[arg-type]
    (where,) = [text for text in pages if "The loss after the update" in text]
    assert "The loss fell" in where


def test_a_target_of_more_axes_than_the_output_is_one_line() -> None:
    """It is broadcast against the output: no entry of it is a unit's own."""
    problem = handgrad.Problem(
        ["Z = W @ X + b", "A = sigmoid(Z)", "J = -sum(Y*log(A) + (1 - Y)*log(1 - A))/2"],
        {"W": [[0.5, -0.3]], "b": [[0.2]]},
        {"X": [[1, 0.5], [2, -1]], "Y": [[[1, 0], [1, 0]]]},
    )
    assert handgrad.solve(problem).picture("forward") is not None
