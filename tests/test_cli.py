"""The command line as a person meets it: encodings, colours, pipes, standard input, options."""

from __future__ import annotations

import importlib.resources
import io
import itertools
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

import handgrad
from handgrad.cli.commands import run
from tests.slow import one_in

LAB9 = importlib.resources.files("handgrad").joinpath("problems", "lab9.toml")


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "handgrad", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONUTF8": "0", **environment},
    )


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "latin-1"])
@pytest.mark.parametrize("problem", ["lab9", "softmax", "batch"])
def test_a_console_without_unicode_gets_ascii(problem: str, encoding: str) -> None:
    result = command("solve", problem, "--elements", PYTHONIOENCODING=encoding)
    assert result.returncode == 0
    assert result.stderr == b""
    assert result.stdout.isascii()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "latin-1"])
def test_a_name_that_a_console_cannot_write_is_refused(encoding: str) -> None:
    assert command("solve", "nö", PYTHONIOENCODING=encoding).returncode == 2


def test_plain_when_piped() -> None:
    result = command("solve", "lab9", PYTHONIOENCODING="utf-8")
    assert b"\x1b" not in result.stdout
    assert "δ⁽²⁾".encode() in result.stdout


def test_colour_is_asked_for_and_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b[" in printed(capsys, "solve", "lab9", "--colour")
    assert "\x1b[" not in printed(capsys, "solve", "lab9", "--no-colour")
    coloured = re.sub(r"\x1b\[[0-9;]*m", "", printed(capsys, "solve", "lab9", "--color"))
    plain = printed(capsys, "solve", "lab9", "--no-color")
    lines = [line.rstrip() for line in coloured.splitlines()]
    legend = lines.index("value   gradient   0 shut gate   0 gradient of 0")
    assert [*lines[:legend], *lines[legend + 2 :]] == plain.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_on_a_terminal(environment: dict[str, str], coloured: bool) -> None:
    import pty

    master, slave = pty.openpty()
    base = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "handgrad", "solve", "neuron"],
        stdout=slave,
        env={**base, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment},
    )
    os.close(slave)
    output = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        output += piece
    os.close(master)
    assert process.wait() == 0
    assert (b"\x1b[" in output) == coloured


def test_standard_input() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "handgrad", "solve", "-", "--json"],
        input=LAB9.read_bytes(),
        capture_output=True,
        check=True,
    )
    assert b'"loss": 0.45476' in result.stdout


def test_a_closed_pipe_is_no_error() -> None:
    result = subprocess.run(
        f"{sys.executable} -m handgrad solve softmax --elements | head -n 1",
        shell=True,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0
    assert result.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_error() -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "handgrad", "solve", "lab9"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert result.returncode == 2
    assert result.stderr.startswith(b"Error: the output cannot be written")
    assert b"Traceback" not in result.stderr


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--version") == f"handgrad {handgrad.__version__}\n"
    assert "solve" in printed(capsys, "--help")
    assert "solve" in printed(capsys)
    assert "--swap" in printed(capsys, "solve", "--help")


@pytest.mark.parametrize("arguments", [["--help"], ["practice", "--count", "0"]])
def test_help_and_a_wrong_option_import_no_room(arguments: list[str]) -> None:
    watched = f"import sys, handgrad.cli.commands as c; c.run({arguments!r}); print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", watched], capture_output=True, check=True)
    imported = result.stdout.decode().splitlines()[-1].split()
    assert "numpy" not in imported
    assert not [m for m in imported if m.startswith(("handgrad.solution", "handgrad.formats"))]


def test_a_kind_of_question_that_is_not_there_is_one_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["questions", "lab9", "--only", "gate_swop"]) == 2
    assert "did you mean gate_swap?" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(shell: str) -> None:
    result = command(_HANDGRAD_COMPLETE=f"{shell}_source")
    assert b"handgrad" in result.stdout


def test_one_step(capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(capsys, "solve", "lab9", "--step", "2.4")
    assert "2.4" in page
    assert "2.3 " not in page
    assert "1.1 " not in page


@pytest.mark.parametrize(("phase", "steps"), [("forward", "1"), ("backward", "2"), ("update", "3")])
def test_one_phase(phase: str, steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(capsys, "solve", "lab9", "--only", phase)
    numbers = set(re.findall(r"^([123])\.\d+ ", page, re.MULTILINE))
    assert numbers == {steps}


def test_elements_are_opened(capsys: pytest.CaptureFixture[str]) -> None:
    page = " ".join(printed(capsys, "solve", "lab9", "--elements", "--width", "160").split())
    assert "−0.2192 × 0.1 = −0.0219" in page


def test_decimals_and_rounding(capsys: pytest.CaptureFixture[str]) -> None:
    assert "0.454761" in printed(capsys, "solve", "lab9", "--decimals", "6")
    assert "0.6346" in printed(capsys, "solve", "lab9", "--carry", "rounded")
    assert "rounded" in printed(capsys, "solve", "lab9", "--carry", "rounded")


def test_other_numbers_and_operations(capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(
        capsys, "solve", "lab9", "--set", "x=[0,1]", "--set", "rate=1", "--swap", "relu=leaky_relu"
    )
    assert "LeakyReLU" in page


def displayed_width(line: str) -> int:
    return sum(1 for c in line if not unicodedata.combining(c))


@pytest.mark.parametrize(
    ("width", "problem"),
    one_in(4, itertools.product([40, 80, 160], [name for name, _, _ in handgrad.bundled()])),
)
def test_pages_keep_to_the_width(
    problem: str, width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    page = printed(capsys, "solve", problem, "--elements", "--width", str(width), "--no-colour")
    assert max(map(displayed_width, page.splitlines())) <= width
    assert not any(line.endswith(" ") for line in page.splitlines())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json", "--only", "forward"], "--json has every step"),
        (["--json", "--elements"], "--json has every step"),
        (["--numbers", "exact", "--step", "2.1"], "--numbers exact has none"),
    ],
)
def test_choosing_from_what_has_no_choice_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["solve", "lab9", *arguments]) == 2
    assert said in capsys.readouterr().err


class Watched(io.StringIO):
    """Standard error at which a person sits."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("gates dying", r"cases .*9/9\b"),
        ("gates dying --data CASES", r"cases .*\b3\b"),
        ("train dying --steps 3", r"updates .*100%"),
        ("born-dead --samples 100", r"networks .*100%"),
    ],
)
def test_a_person_who_waits_sees_how_far_it_is(
    command: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("x[0],y\n1,2\n-1,0\n0.5,1\n")
    monkeypatch.setattr("handgrad.cli.gates.LONG", 1)
    watched = Watched()
    monkeypatch.setattr(sys, "stderr", watched)
    assert run(command.replace("CASES", str(path)).split()) == 0
    assert re.search(said, watched.getvalue()), watched.getvalue()


def test_short_work_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    monkeypatch.setattr(sys, "stderr", watched)
    assert run(["gates", "dying"]) == 0
    assert watched.getvalue() == ""
