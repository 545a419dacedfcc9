"""Solutions as files: every kind, what is refused, and files written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import handgrad
from handgrad import saving
from handgrad.cli.commands import run
from handgrad.saving import Report

BEGINNINGS = {
    ".html": b"<!doctype html>",
    ".pdf": b"%PDF-",
    ".png": b"\x89PNG",
    ".svg": b"<svg",
    ".md": b"# Lab 9",
    ".ipynb": b"{",
    ".json": b'{"schema": "handgrad/trace/',
    ".txt": b"Lab 9",
}


@pytest.fixture(autouse=True)
def back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    before = contents(Path())
    assert run(["solve", "lab9", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("Error: ")
    assert contents(Path()) == before
    return printed.err


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


@pytest.mark.parametrize("ending", list(saving.KINDS))
def test_every_kind(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    if ending in (".pdf", ".png"):
        pytest.importorskip("typst")
    path = Path(f"lab9{ending}")
    assert run(["solve", "lab9", "-o", str(path)]) == 0
    content = path.read_bytes()
    assert content.lower().startswith(BEGINNINGS.get(ending, b"").lower())
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"lab9{ending}  ")
    assert line.endswith((" kB", " bytes", " MB"))
    handgrad.solve(handgrad.load("lab9")).save(path, force=True)
    if ending not in (".pdf", ".png"):
        assert path.read_bytes() == content


def test_json_is_what_json_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "lab9", "--json"]) == 0
    printed = capsys.readouterr().out
    assert run(["solve", "lab9", "-o", "a.json"]) == 0
    assert Path("a.json").read_text("utf-8") == printed


def test_text_is_the_terminal_page(capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--width", "60"], ["--ascii"]):
        arguments = ["solve", "softmax", "--only", "backward", *more]
        width = [] if "--width" in more else ["--width", "80"]
        assert run([*arguments, *width, "--no-colour"]) == 0
        printed = capsys.readouterr().out
        assert run([*arguments, "--force", "-o", "a.TXT"]) == 0
        capsys.readouterr()
        assert Path("a.TXT").read_text("utf-8") == printed


def test_several_files_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a.md", "b.ipynb", "c.json", "d.txt"]
    assert run(["solve", "lab9", *(w for n in names for w in ("-o", n))]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == names
    assert sorted(contents(Path())) == names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "a.htm"], "a.htm: there is no kind .htm (did you mean .html?)"),
        (["-o", "a.xyzzy"], "the kinds are .html, .pdf, .tex, .typ, .md"),
        (["-o", "a"], "a: the name's ending does not say what kind of file it is"),
        (["-o", "-"], "-: the name's ending does not say what kind of file it is"),
        (["-o", ""], "the name's ending does not say what kind of file it is"),
        (["-o", ".md"], ".md: the name's ending does not say what kind of file it is"),
        (["-o", "no/a.md"], "there is no folder no (make it first)"),
        (["-o", "old.md/a.md"], "there is no folder old.md (make it first)"),
        (["-o", "folder.md"], "folder.md: this is a folder (name a file to write in it)"),
        (["-o", "old.md"], "old.md: the file exists already (replace it with --force"),
        (["-o", "a.md", "-o", "old.md"], "old.md: the file exists already"),
        (["-o", "a.md", "-o", "./a.md"], "a.md: the file is named twice"),
        (["-o", "a.md", "-o", "b.doc"], "b.doc: there is no kind .doc"),
        (["-o", f"{'a' * 300}.md"], "cannot be written: File name too long"),
        (["-o", "a.md", "--as", "slides"], "a.md: a Markdown page is not made of slides"),
        (["-o", "a.json", "--as", "slides"], "(slides are .html, .pdf, .tex and .typ)"),
        (
            ["-o", "a.html", "--as", "slides", "--elements"],
            "slides do not open gradients entry by entry",
        ),
        (["-o", "a.md", "--paper", "a4"], "--paper: only .pdf and .typ have a size of paper"),
        (["-o", "a.pdf", "--paper", "a4", "--as", "slides"], "--paper: slides are 16:9"),
        (["-o", "a.md", "--json"], "--json: the object goes to standard output or to a file"),
        (["--as", "slides"], "--as: this is about a file (name the file with -o FILE)"),
        (["--paper", "letter"], "--paper: this is about a file"),
        (["--force"], "--force: this is about a file"),
        (["-o", "a.json", "--step", "2.4"], "a.json: JSON holds the whole solution (leave out"),
        (["-o", "a.json", "--elements"], "JSON holds the whole solution (leave out --elements)"),
        (["-o", "a.md", "-o", "b.json", "--only", "update"], "b.json: JSON holds the whole"),
        (["-o", "a.svg", "--step", "2.4"], "a.svg: the picture is of a whole pass"),
        (["-o", "a.svg", "--only", "update"], "a.svg: the update has no picture (--only forward"),
        (["-o", "a.md", "--step", "9.9"], "there is no step 9.9"),
        (["-o", "a.svg", "--numbers", "exact"], "a.svg: this has no picture"),
        (["-o", "a.html", "--numbers", "exact", "--as", "slides"], "a.html: this has no slides"),
    ],
    ids=str,
)
def test_refused_before_anything_is_written(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("old.md").write_text("old")
    Path("folder.md").mkdir()
    assert said in refused(capsys, *arguments)


def test_an_existing_file_is_replaced_with_force(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.md").write_text("old")
    Path("a.md").chmod(0o640)
    refused(capsys, "-o", "a.md")
    assert run(["solve", "lab9", "-o", "a.md", "--force"]) == 0
    assert Path("a.md").read_text("utf-8").startswith("# Lab 9")
    assert stat.S_IMODE(Path("a.md").stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_of_new_files(umask: int) -> None:
    before = os.umask(umask)
    try:
        assert run(["solve", "lab9", "-o", "a.md"]) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path("a.md").stat().st_mode) == 0o666 & ~umask


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_and_devices(capsys: pytest.CaptureFixture[str]) -> None:
    Path("there").mkdir()
    Path("there/real.md").write_text("old")
    Path("link.md").symlink_to("there/real.md")
    refused(capsys, "-o", "link.md")
    assert run(["solve", "lab9", "-o", "link.md", "--force"]) == 0
    capsys.readouterr()
    assert Path("link.md").is_symlink()
    assert Path("there/real.md").read_text("utf-8").startswith("# Lab 9")
    os.mkfifo("pipe.md")
    assert "not an ordinary file" in refused(capsys, "-o", "pipe.md", "--force")
    Path("loop.md").symlink_to("loop.md")
    assert "loop.md" in refused(capsys, "-o", "loop.md")


def broken(*_: Any, **settings: Any) -> bytes:
    raise handgrad.MissingExtraError(
        "a library is not installed", mend="pip install 'handgrad[pdf]'"
    )


def test_a_missing_library_is_one_line_and_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("handgrad.formats.typst.render_pdf", broken)
    Path("b.pdf").write_text("old")
    said = refused(capsys, "-o", "a.md", "-o", "b.pdf", "--force")
    assert said == "Error: a library is not installed (pip install 'handgrad[pdf]')\n"


@pytest.mark.parametrize("ending", [".pdf", ".png"])
def test_without_typst(
    ending: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    said = refused(capsys, "-o", "a.md", "-o", f"b{ending}")
    assert said.count("\n") == 1
    assert "pip install 'handgrad[pdf]'" in said


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", ["fsync", "open", "replace"])
def test_a_write_that_fails_leaves_the_old_files_whole(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.md").write_text("old a")
    Path("b.json").write_text("old b")
    with monkeypatch.context() as patched:
        if place == "replace":
            patched.setattr(Path, "replace", full)
        else:
            patched.setattr(os, place, full)
        said = refused(capsys, "-o", "a.md", "-o", "b.json", "-o", "c.txt", "--force")
    assert "cannot be written: No space left on device" in said
    assert sorted(contents(Path())) == ["a.md", "b.json"]


def test_a_disk_that_fills_up_at_the_second_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.md").write_text("old a")
    synced: list[int] = []
    through = os.fsync

    def second(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            full()
        through(descriptor)

    monkeypatch.setattr(os, "fsync", second)
    said = refused(capsys, "-o", "a.md", "-o", "b.json", "--force")
    assert said.startswith("Error: b.json: cannot be written")
    assert contents(Path()) == {"a.md": b"old a"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything is writable here")
def test_a_folder_without_the_right_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    Path("shut").mkdir(mode=0o500)
    assert "cannot be written: Permission denied" in refused(capsys, "-o", "shut/a.md")


def test_an_interrupt_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    Path("a.md").write_text("old")
    monkeypatch.setattr(os, "fsync", interrupted)
    assert run(["solve", "lab9", "-o", "a.md", "--force"]) == 130
    assert contents(Path()) == {"a.md": b"old"}


def test_a_part_of_the_solution(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "lab9", "--step", "2.4", "-o", "a.md"]) == 0
    text = Path("a.md").read_text("utf-8")
    assert text.startswith("### 2.4 ")
    assert text.count("### ") == 1
    assert run(["solve", "lab9", "--only", "backward", "--elements", "-o", "b.md"]) == 0
    text = Path("b.md").read_text("utf-8")
    assert "Entry by entry" in text
    assert "### 1.1" not in text


def test_exact_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "lab9", "--numbers", "exact", "-o", "a.md", "-o", "a.json"]) == 0
    assert "21/50" in Path("a.md").read_text("utf-8")
    assert json.loads(Path("a.json").read_text("utf-8"))["schema"].startswith("handgrad/numbers/")


@pytest.mark.parametrize(
    "command",
    [
        "verify lab9",
        "compare lab9 --swap relu=sigmoid",
        "questions lab9 --only zero_rows_columns",
        "why lab9 dW2[1,0]",
        "gates lab9",
        "train lab9 --steps 3",
        "train lab9 --steps 3 --compare",
        "born-dead --samples 200",
    ],
)
def test_every_command_that_reports(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["a.html", "a.md", "a.ipynb", "a.tex", "a.typ", "a.json", "a.txt"]
    assert run([*command.split(), *(word for f in files for word in ("-o", f))]) == 0
    assert sorted(contents(Path())) == sorted(files)
    capsys.readouterr()
    assert run([*command.split(), "--json"]) == 0
    assert Path("a.json").read_text("utf-8") == capsys.readouterr().out
    assert run([*command.split(), "-o", "a.md"]) == 2
    assert "a.md: the file exists already" in capsys.readouterr().err


def test_a_checked_sheet_keeps_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    Path("answers.toml").write_text("z1 = [0.6, 0.2]\n")
    assert run(["check", "lab9", "answers.toml", "-o", "checked.md"]) == 1
    assert Path("checked.md").exists()


def test_slides_ask_the_questions(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "lab9", "--as", "slides", "-o", "a.html"]) == 0
    text = Path("a.html").read_text("utf-8")
    assert "If ReLU were replaced by the sigmoid" in text


OTHERS = {
    "questions lab9": ("Discussion questions", "questions", False),
    "compare lab9 --swap relu=sigmoid": ("Two solutions compared", "comparison", False),
    "why lab9 dW2[1,0]": ("Why", "why", False),
    "gates batch": ("Gates", "gates", True),
    "train dying --steps 3": ("Training", "training", True),
    "born-dead --samples 100": ("born dead", "born-dead", True),
    "born-dead --table --samples 100": ("born dead", "born-dead-table", True),
    "check lab9 answers.toml": ("quantity entered", "check", False),
    "verify lab9": ("finite differences", "verify", False),
}
"""By command that shows a page, a word of it, the name of its schema, and whether it has a picture."""


@pytest.mark.parametrize("command", OTHERS)
def test_every_page_can_be_a_file(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    word, schema, pictured = OTHERS[command]
    Path("answers.toml").write_text("z1 = [0.6, 0.1]")
    endings = ["html", "tex", "typ", "md", "ipynb", "json", "txt", *(["svg"] if pictured else [])]
    assert run([*command.split(), *(w for e in endings for w in ("-o", f"a.{e}"))]) == 0
    capsys.readouterr()
    for ending in endings:
        text = Path(f"a.{ending}").read_text("utf-8").lower()
        assert ending in ("json", "svg") or word.lower() in text, ending
    assert Path("a.json").read_text("utf-8").startswith(f'{{"schema": "handgrad/{schema}/')
    assert run(["solve", "lab9", "-o", "a.md"]) == 2
    assert run([*command.split(), "-o", "a.md"]) == 2
    assert run([*command.split(), "-o", "b.md", "--json"]) == 2
    if not pictured:
        assert run([*command.split(), "-o", "b.svg"]) == 2
        assert "b.svg: this has no picture" in capsys.readouterr().err
    assert not Path("b.md").exists()


def test_two_solutions_in_files(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = ("html", "tex", "typ", "md", "ipynb")
    files = [w for kind in kinds for w in ("-o", f"a.{kind}")]
    assert run(["compare", "lab9", "--set", "x=[0,1]", *files]) == 0
    for kind in kinds:
        text = Path(f"a.{kind}").read_text("utf-8")
        assert text.index("0.4548") < text.index("0.5821"), kind


def test_a_blank_answers_file_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "lab9", "--blank", "-o", "a.md"]) == 2
    assert "--blank prints to standard output" in capsys.readouterr().err
    assert not Path("a.md").exists()


def test_names_in_any_script_on_any_console(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "λύση \x1b[31m.md"
    assert run(["solve", "lab9", "-o", name]) == 0
    assert Path(name).exists()
    assert "\x1b" not in capsys.readouterr().out


def test_a_report_of_ones_own() -> None:
    def nothing() -> Mapping[str, Any]:
        return {"schema": "mine/1"}

    page = handgrad.Page("Mine", ())
    report = Report(lambda: page, json=lambda: dict(nothing()))
    sizes = saving.save(report, [Path("a.json"), Path("a.txt")])
    assert sizes == {Path("a.json"): 21, Path("a.txt"): 0}
    with pytest.raises(handgrad.OptionError, match="there is no kind"):
        saving.content(report, ".docx")
    with pytest.raises(handgrad.OptionError, match="cannot be written"):
        page.save("a\0.txt")
