"""What the documents show is what the package does."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

import handgrad
from handgrad import operations
from handgrad.cli.commands import run
from handgrad.discussion import QUESTION_KINDS
from handgrad.formats.terminal import render_terminal
from handgrad.operations import activations
from handgrad.saving import KINDS
from tools.operations_page import language

ROOT = Path(__file__).parent.parent


def indented(text: str, containing: str) -> str:
    """The indented block of a document with a text in it."""
    blocks = re.findall(r"(?:^    .*\n|^\n)+", text, re.MULTILINE)
    (block,) = [b for b in blocks if containing in b]
    return textwrap.dedent(block).strip("\n")


def python(text: str, containing: str) -> str:
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if containing in b]
    return str(block)


README = (ROOT / "README.md").read_text("utf-8")


def test_the_readme_shows_real_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "lab9", "--step", "2.4", "--width", "80"]) == 0
    assert indented(README, "gate shut") == capsys.readouterr().out.strip("\n")


def test_the_readmes_network_and_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my.toml"
    path.write_text(indented(README, "My network"), "utf-8")
    assert run(["verify", str(path)]) == 0
    capsys.readouterr()
    path.write_text(
        'equations = """\nz = W @ x + b\nL = sum(z)\n"""\n[parameters]\nW = [[1, 2, 3], [4, 5, 6]]\n'
        "b = [0, 0]\n[data]\nx = [1, 2]\n"
    )
    assert run(["solve", str(path)]) == 2
    assert indented(README, "Error:") == capsys.readouterr().err.strip("\n")


def test_the_readmes_python(capsys: pytest.CaptureFixture[str]) -> None:
    exec(python(README, "mlp"), {})
    assert "Backward pass" in capsys.readouterr().out


def test_the_engines_python() -> None:
    text = (ROOT / "docs" / "engine.md").read_text("utf-8")
    scope: dict[str, object] = {}
    for program in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(program, scope)


def test_the_questions_and_comparisons_of_the_documents(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (ROOT / "docs" / "questions.md").read_text("utf-8")
    assert run(["questions", "lab9", "--only", "other_input", "--width", "76"]) == 0
    assert indented(text, "Discussion questions") == capsys.readouterr().out.strip("\n")
    assert run(["compare", "lab9", "--set", "x=[0,1]", "--width", "118"]) == 0
    assert indented(text, "gate shut") in capsys.readouterr().out
    for part in ("handgrad.questions(", "comparison.page()"):
        exec(python(text, part), {})
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(QUESTION_KINDS)


def test_the_pages_python() -> None:
    names: dict[str, object] = {}
    exec(python((ROOT / "docs" / "pages.md").read_text("utf-8"), ".slides()"), names)
    assert all(names[name] for name in ("pdf", "deck", "tex", "source"))


def test_the_gates_python() -> None:
    text = (ROOT / "docs" / "gates.md").read_text("utf-8")
    exec(python(text, "handgrad.gates"), {})


def test_the_problem_file_of_the_documents(tmp_path: Path) -> None:
    text = indented((ROOT / "docs" / "problem-files.md").read_text("utf-8"), "My network")
    np.save(tmp_path / "targets.npy", np.array([1.0, 0.0]))
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    assert handgrad.verify(handgrad.load(tmp_path / "mine.toml")).agrees


def test_every_operation_is_in_the_documents() -> None:
    text = (ROOT / "docs" / "problem-files.md").read_text("utf-8")
    assert language(text) == text, "run python -m tools.operations_page"
    for record in operations.TABLE:
        if record.family not in ("helper", "arithmetic", "structure") and record.name != "matmul":
            assert re.search(rf"\b{record.name}\b", text), (
                f"docs/problem-files.md does not name {record.name} among the functions"
            )


def test_an_operation_in_ten_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    names = dict(vars(activations))
    exec(python(text, "soft_shrink"), names)
    monkeypatch.setitem(operations.BY_NAME, "soft_shrink", names["soft_shrink"])
    problem = handgrad.Problem("L = sum(soft_shrink(z)**2)", {"z": [-4.0, -1.0, 0.25, 2.0, 5.0]})
    assert handgrad.verify(problem).agrees
    page = handgrad.solve(problem).page()
    text = render_terminal(page, width=100, colour=False, unicode=True)
    assert "SoftShrink" in text


FILES = (ROOT / "docs" / "files.md").read_text("utf-8")


@pytest.mark.parametrize(
    "command",
    [
        *re.findall(r"^\| `\.\w+` \|.*\| `handgrad (.*)` \|$", FILES, re.MULTILINE),
        indented(FILES, "--as slides").removeprefix("handgrad "),
    ],
)
def test_the_files_of_the_documents(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("typst")
    monkeypatch.chdir(tmp_path)
    assert run(command.split()) == 0
    assert len(list(tmp_path.iterdir())) == command.count("-o ")


def test_every_kind_of_file_is_in_the_documents() -> None:
    assert re.findall(r"^\| `(\.\w+)` \|", FILES, re.MULTILINE) == list(KINDS)


def test_the_files_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(python(FILES, "trace.save"), {"handgrad": handgrad})
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "lab9.md",
        "lab9.pdf",
        "step.txt",
        "verified.md",
    ]
