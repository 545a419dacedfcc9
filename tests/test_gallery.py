"""The gallery of the documents: nothing missing, nothing left over, every command real."""

from __future__ import annotations

import io
import re
import shlex

import PIL.Image
import pytest

import handgrad
from handgrad.cli.commands import run
from tools.gallery import (
    BEFORE,
    DOCUMENT,
    FOLDER,
    HIGHEST,
    ROOT,
    SECTIONS,
    SHOTS,
    Vector,
    coloured,
    compressed,
    document,
)

MOST = 1_500_000
"""Bytes of all the pictures together."""


def test_the_document_is_the_script_s() -> None:
    assert DOCUMENT.read_text("utf-8") == document()


def test_every_picture_is_there_and_no_other() -> None:
    files = {BEFORE[0], *(shot.file for shot in SHOTS)}
    assert {p.name for p in FOLDER.iterdir()} == files
    assert len({shot.name for shot in SHOTS}) == len(SHOTS)
    assert sum(p.stat().st_size for p in FOLDER.iterdir()) < MOST
    for shot in SHOTS:
        begins = (FOLDER / shot.file).read_bytes()[:12]
        expected = b"<svg" if isinstance(shot.view, Vector) else b"RIFF"
        assert begins.startswith(expected), shot.name


def test_every_kind_of_page_is_shown() -> None:
    commands = [shlex.split(shot.command) for shot in SHOTS]
    of_lab9 = {w[-1].partition(".")[2] for w in commands if "lab9" in w}
    assert of_lab9 >= {"html", "pdf", "ipynb", "svg"}
    assert any("slides" in words for words in commands)
    assert {"lab9", "classes", "attention", "rnn"} <= {words[2] for words in commands}
    assert all(SECTIONS.values())


@pytest.mark.parametrize("command", sorted({shot.command for shot in SHOTS}))
def test_every_command_is_understood(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command)
    if words[0] == "python":
        assert (ROOT / words[1]).is_file()
        return
    assert words[0] == "handgrad"
    assert run([words[1], "--help"]) == 0
    printed = capsys.readouterr().out
    assert all(w in printed for w in words if w.startswith("-"))
    assert words[2] in {name for name, _, _ in handgrad.bundled()}


def test_the_readme_shows_two() -> None:
    shown = re.findall(r"docs/gallery/([\w.-]+)", (ROOT / "README.md").read_text("utf-8"))
    assert len(shown) >= 2
    assert set(shown) <= {shot.file for shot in SHOTS}


def test_colours_of_the_terminal_become_classes() -> None:
    shown = coloured("a \x1b[2;31m<b>\x1b[0m c")
    assert (
        shown
        == '<span class="s0">a </span><span class="s2 s31">&lt;b&gt;</span><span class="s0"> c</span>'
    )


def test_a_very_long_page_is_pictured_whole() -> None:
    """WebP has a height that it cannot exceed; a long page on a telephone does."""
    size = PIL.Image.open(io.BytesIO(compressed(PIL.Image.new("RGB", (390, 20_000))))).size
    assert size == (round(390 * HIGHEST / 20_000), HIGHEST)
