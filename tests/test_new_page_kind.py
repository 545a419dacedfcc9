"""A page kind that is added as CONTRIBUTING.md says: its mapping and its line in the table of kinds."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import handgrad
from handgrad import saving
from handgrad.cli.commands import run
from handgrad.figures import figure
from tests.contributing import Copy, Example

EXAMPLE = Example.of("Add a page kind")
(LINE,) = EXAMPLE.lines


def read(text: str) -> Any:
    """The document as docutils reads it; fails at the first thing that it warns of."""
    core = pytest.importorskip("docutils.core")
    return core.publish_doctree(text, settings_overrides={"halt_level": 2, "report_level": 2})


def test_one_file_and_a_line_are_enough(tmp_path: Path) -> None:
    copy = Copy(tmp_path, EXAMPLE)
    copy.insert("handgrad/saving/kinds.py", LINE, before='    ".ipynb"')
    assert ".md .rst .ipynb" in " ".join(copy.run("solve", "--help").stdout.split())
    written = copy.run("solve", "lab9", "-o", "lab9.rst")
    assert written.returncode == 0, written.stderr
    text = (tmp_path / "lab9.rst").read_text("utf-8")
    assert text.startswith("Lab 9: backpropagation by hand\n==============================\n")
    mathematics = "".join(node.astext() for node in read(text).findall() if "math" in node.tagname)
    assert r"W^{(1)} &= \begin{bmatrix}" in mathematics
    for step in handgrad.solve(handgrad.load("lab9")).steps:
        for line in step.lines:
            for value in line.value.ravel():
                assert figure(float(value), 4) in mathematics


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind of the example, in this process."""
    module = ModuleType("handgrad.formats.restructured")
    exec(EXAMPLE.code, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(saving, "KINDS", saving.KINDS)
    kinds: dict[str, Any] = {}
    exec(f"kinds.update({{{LINE}}})", {"kinds": kinds, "Kind": saving.kinds.Kind})
    for ending, kind in kinds.items():
        monkeypatch.setitem(saving.KINDS, ending, kind)


@pytest.mark.parametrize(
    "command",
    [
        "gates batch",
        "questions lab9",
        "practice lab9 --count 2 --formulas",
        "compare lab9 --swap relu=tanh",
    ],
)
def test_pages_of_other_answers(command: str, added: None, tmp_path: Path) -> None:
    assert run([*command.split(), "-o", str(tmp_path / "page.rst")]) == 0
    read((tmp_path / "page.rst").read_text("utf-8"))


def test_render_makes_it(added: None) -> None:
    made = handgrad.render(handgrad.load("neuron"), "rst")
    assert isinstance(made, str)
    read(made)


def test_what_it_is_not_made_for(added: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "lab9", "-o", "a.rst", "--as", "slides"]) == 2
    assert capsys.readouterr().err == (
        "Error: a.rst: a reStructuredText page is not made of slides"
        " (slides are .html, .pdf, .tex and .typ)\n"
    )


def test_words_stay_words(added: None, tmp_path: Path) -> None:
    """What a person calls a problem is text, whatever reStructuredText would read in it."""
    for title in ("1. *stars* `ticks` |bars| under_", "- a list", ".. note:: x", ":role:`x`", "\\"):
        problem = handgrad.Problem("L = sum(a)", {"a": [1.0, 2.0]}, title=title)
        path = tmp_path / "words.rst"
        handgrad.solve(problem).save(path, force=True)
        document = read(path.read_text("utf-8"))
        assert title in document.astext()
