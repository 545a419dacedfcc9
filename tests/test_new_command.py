"""A command that is added as CONTRIBUTING.md says: its file and its line in the table of commands."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.cli import commands
from tests.contributing import ROOT, Copy, Example
from tests.gauntlet import commands as gauntlet
from tests.gauntlet.subject import Subject
from tests.schemas import validate

EXAMPLE = Example.of("Add a command")
LINE, JUDGE = EXAMPLE.lines


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command of the example, in this process."""
    module = ModuleType("handgrad.cli.largest")
    exec(EXAMPLE.code, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(commands.COMMANDS, "largest", "handgrad.cli.largest:largest")


def test_one_file_and_a_line_are_enough(tmp_path: Path) -> None:
    copy = Copy(tmp_path, EXAMPLE)
    copy.insert("handgrad/cli/commands.py", LINE, before='}\n"""Where each command stands')
    told = copy.run("--help").stdout
    assert "largest    Explain the largest entry of PARAMETER's gradient." in told
    written = copy.run("largest", "lab9", "W2", "-o", "out.html", "-o", "out.json")
    assert written.returncode == 0, written.stderr
    assert "<math" in (tmp_path / "out.html").read_text("utf-8")
    printed = json.loads((tmp_path / "out.json").read_text("utf-8"))
    validate(printed, "why")
    gradient = handgrad.solve(handgrad.load("lab9")).run.gradient("W2")
    row, column = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
    assert printed["entry"] == f"dW2[{row},{column}]"
    assert printed["value"] == gradient[row, column]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("lab9 W4", "PARAMETER: W4 is not a parameter (they are W1, b1, W2, b2, w3, b3)"),
        ("lab9", "Missing argument 'PARAMETER'.\n       Try 'handgrad largest --help'."),
        ("lab9 W2 --force", "--force: this is about a file (name the file with -o FILE)"),
        ("lab9 W2 --json -o a.json", "--json: the object goes to standard output or to a file"),
        ("lab9 W2 --set x", "--set: 'x' is not of the form NAME=VALUE"),
    ],
)
def test_mistakes_of_a_user(
    arguments: str, said: str, added: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run(["largest", *arguments.split()]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"Error: {said}")


def test_options_that_it_shares(added: None, capsys: pytest.CaptureFixture[str]) -> None:
    swapped = ["--swap", "relu=tanh", "--decimals", "2", "--ascii", "--width", "40"]
    assert commands.run(["largest", "lab9", "b3", *swapped]) == 0
    printed = capsys.readouterr()
    assert printed.out.isascii()
    assert max(map(len, printed.out.splitlines())) <= 40


def test_the_gauntlet_runs_it(added: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauntlet, "COMMANDS", dict(gauntlet.COMMANDS))
    names: dict[str, Any] = vars(gauntlet).copy()
    exec(JUDGE, names)
    text = (ROOT / "src/handgrad/problems/batch.toml").read_text("utf-8")
    subject = Subject("lab9", 0, text, tmp_path, random.Random(0))
    names["largest"](subject)
    assert not subject.noted
