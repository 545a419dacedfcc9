"""Problem files to start from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import handgrad
from handgrad.cli.commands import run

NAMES = [p.name for p in handgrad.bundled()]


@pytest.mark.parametrize("name", NAMES)
def test_like_a_bundled_problem(name: str, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    assert handgrad.new(path, name) == handgrad.load(path) == handgrad.load(name)
    assert "# One equation a line" in path.read_text()


@pytest.mark.parametrize(
    "like", ["2-1", "3-4-2 relu softmax", "2-3-3-1 tanh sigmoid bce", "4-1 identity identity mse"]
)
def test_like_a_network_in_words(
    like: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my.toml"
    assert run(["new", str(path), "--like", like]) == 0
    assert f"handgrad solve {path}" in capsys.readouterr().out
    problem = handgrad.load(path)
    sizes = [int(n) for n in like.split()[0].split("-")]
    assert np.shape(problem.data["x"].array) == (sizes[0],)
    assert problem.update is not None
    text = path.read_text()
    for said in ("[parameters]", "[data]", "[update]"):
        above = text[: text.index(said)].splitlines()[-1]
        assert above.startswith("# ")
    assert "-0.0" not in text
    assert run(["solve", str(path)]) == 0


def test_a_file_that_exists_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my.toml"
    assert run(["new", str(path)]) == 0
    before = path.read_bytes()
    assert run(["new", str(path), "--like", "rnn"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert run(["new", str(path), "--like", "rnn", "--force"]) == 0
    assert handgrad.load(path) == handgrad.load("rnn")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["my.txt"], "ends in .toml"),
        (["my.toml", "--like", "rnm"], "did you mean rnn?"),
        (["my.toml", "--like", "3 - 4"], "describes no network"),
        (["my.toml", "--like", "3-4 rellu"], "did you mean"),
        (["nowhere/my.toml"], "there is no folder"),
    ],
)
def test_mistakes(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["new", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_help_says_what_a_problem_file_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "`handgrad new my.toml` begins" in said
    assert "[parameters]" in said
