"""The assignment for Otter: a notebook, and tests in the format that Otter reads (OK_FORMAT)."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from handgrad.quizzes.form import field_names
from tests.quizzes.sheets import files, questions

NAME = "lab9"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path, content in files("otter", NAME, "out", 1).items():
        where = tmp_path / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(content)
    monkeypatch.chdir(tmp_path / "out")
    return tmp_path / "out"


def variables() -> dict[str, Any]:
    """What a student writes into the notebook, all of it right."""
    (question,) = questions(NAME)
    names = field_names(question)
    found: dict[str, Any] = {}
    for asked in question.asked:
        figures = np.array([float(gap.right.figure) for gap in asked.gaps]).reshape(asked.shape)
        found[names[asked.target]] = figures if asked.shape else float(figures)
    return found


def passes(test: Path, given: dict[str, Any]) -> tuple[bool, str]:
    """Whether the cases of a test pass, run as doctests on a notebook's variables; and what they print."""
    read: dict[str, Any] = {}
    exec(test.read_text("utf-8"), read)
    assert read["OK_FORMAT"] is True
    assert read["test"]["name"] == test.stem
    (suite,) = read["test"]["suites"]
    assert set(suite) == {"cases", "scored", "setup", "teardown", "type"}
    said: list[str] = []
    for case in suite["cases"]:
        assert set(case) == {"code", "hidden", "locked"}
        parsed = doctest.DocTestParser().get_doctest(case["code"], dict(given), "case", None, None)
        runner = doctest.DocTestRunner(verbose=False)
        runner.run(parsed, out=said.append)
        if runner.failures:
            return False, "".join(said)
    return True, ""


def test_right_answers_pass_and_what_is_not_filled_in_does_not(home: Path) -> None:
    given = variables()
    tests = sorted((home / "tests").glob("*.py"))
    assert {t.stem for t in tests} == set(given)
    for test in tests[::3]:
        assert passes(test, given) == (True, "")
        passed, said = passes(test, {**given, test.stem: ...})
        assert not passed
        assert "is not filled in" in said


def test_a_slip_fails_with_its_name_and_what_follows_from_it_passes(home: Path) -> None:
    given = variables()
    flipped = {n: -v if n.startswith("d") else v for n, v in given.items()}
    passed, said = passes(home / "tests" / "dz3.py", flipped)
    assert not passed
    assert "dz3 is wrong" in said
    assert passes(home / "tests" / "dW2.py", flipped) == (True, "")
    assert not passes(home / "tests" / "dW2.py", {**given, "dW2": -given["dW2"]})[0]


def test_the_notebook_is_one_and_has_a_cell_for_each_answer(home: Path) -> None:
    (file,) = home.glob("*.ipynb")
    notebook = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert f'otter.Notebook("{file.name}")' in code[0]
    for name in variables():
        assert sum(source.startswith(f"{name} = ...") for source in code) == 1
        assert f'grader.check("{name}")' in code
    shown = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    for gap in questions(NAME)[0].gaps:
        if len(gap.right.figure) > 5:
            assert gap.right.figure not in shown
