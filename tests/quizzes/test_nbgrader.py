"""The assignment for nbgrader: cells with its metadata, whose tests give the marks of `check`."""

from __future__ import annotations

import ast
import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import nbformat
import pytest

import handgrad
from tests.quizzes.sheets import files, questions

KEYS = {"grade", "grade_id", "locked", "schema_version", "solution", "task", "cell_type"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path, content in files("nbgrader", "batch", "out", 1).items():
        where = tmp_path / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(content)
    monkeypatch.chdir(tmp_path / "out")
    return tmp_path / "out"


def run_through(notebook: Any, changed: dict[str, str]) -> dict[str, tuple[float, str]]:
    """By cell of tests what its last expression gives, and what it prints, as nbgrader takes partial credit."""
    known: dict[str, Any] = {}
    found = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        marked = cell.metadata.get("nbgrader", {})
        source = changed.get(marked.get("grade_id", ""), cell.source)
        *before, last = ast.parse(source).body
        said = io.StringIO()
        with redirect_stdout(said):
            exec(compile(ast.Module(before, []), "cell", "exec"), known)
            if marked.get("grade"):
                assert isinstance(last, ast.Expr)
                value = eval(compile(ast.Expression(last.value), "cell", "eval"), known)
                found[marked["grade_id"]] = (value, said.getvalue())
            else:
                exec(compile(ast.Module([last], []), "cell", "exec"), known)
    return found


def test_every_quantity_has_a_cell_to_fill_in_and_one_of_tests(home: Path) -> None:
    notebook = nbformat.read(home / "sheet-1.ipynb", 4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    (question,) = questions("batch")
    marked = [c.metadata["nbgrader"] for c in notebook.cells if "nbgrader" in c.metadata]
    assert len({m["grade_id"] for m in marked}) == len(marked) == 2 * len(question.asked)
    for fill, test in zip(marked[::2], marked[1::2], strict=True):
        assert set(fill) == KEYS
        assert set(test) == {*KEYS, "points"}
        assert (fill["solution"], fill["grade"], fill["locked"]) == (True, False, False)
        assert (test["solution"], test["grade"], test["locked"]) == (False, True, True)
        assert test["grade_id"] == f"test_{fill['grade_id']}"
        assert {m["schema_version"] for m in (fill, test)} == {3}
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            assert re.fullmatch(r"# .*\n### BEGIN SOLUTION\n.*\n### END SOLUTION", cell.source)


def test_its_tests_give_the_share_that_is_right(home: Path) -> None:
    notebook = nbformat.read(home / "sheet-1.ipynb", 4)  # type: ignore[no-untyped-call]
    (question,) = questions("batch")
    right = run_through(notebook, {})
    assert {share for share, _ in right.values()} == {1.0}
    assert not any(said for _, said in right.values())
    asked = next(a for a in question.asked if len(a.gaps) > 2)
    gap, *rest = asked.gaps
    figures = [f"{float(gap.right.figure) + 1}", *(g.right.figure for g in rest)]
    text = f"{asked.target} = np.array([{', '.join(figures)}]).reshape{asked.shape}"
    share, said = run_through(notebook, {asked.target: text})[f"test_{asked.target}"]
    assert share == pytest.approx(1 - 1 / len(asked.gaps))
    assert said.startswith(f"{asked.target} is wrong")
    missing = run_through(notebook, {asked.target: "pass"})[f"test_{asked.target}"]
    assert missing == (0.0, f"{asked.target} is not filled in\n")


def test_what_was_handed_in_is_graded(home: Path) -> None:
    notebook = json.loads((home / "sheet-1.ipynb").read_text("utf-8"))
    where = home / "submitted" / "ada" / "lab9"
    where.mkdir(parents=True)
    (where / "sheet-1.ipynb").write_text(json.dumps(notebook))
    report = handgrad.grade(handgrad.load(home / "problem.toml"), home / "submitted")
    assert report.students is not None
    (ada,) = report.students
    assert ada.marks == ada.out_of
    assert not report.unread
