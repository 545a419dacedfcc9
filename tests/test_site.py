"""The documents as a site: every command in them runs, it builds without a warning, and a browser finds it readable."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import handgrad
from handgrad import operations
from handgrad.cli.commands import run
from tools.browser import PATH, browser

DOCS = Path(__file__).parents[1] / "docs"
TUTORIAL = (DOCS / "tutorial.md").read_text("utf-8")
BLOCK = re.compile(r"```(console|\{code-block\} toml\n:caption: (\S+)\n)\n?(.*?)```", re.DOTALL)


def test_the_tutorial_to_the_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    ran = 0
    for kind, file, text in BLOCK.findall(TUTORIAL):
        if kind != "console":
            (tmp_path / file).write_text(text, "utf-8")
            continue
        command, _, shown = text.partition("\n")
        ran += 1
        assert run(shlex.split(command.removeprefix("$ handgrad "))) in (0, 1)
        out, err = capsys.readouterr()
        assert not err
        parts = [part.strip("\n") for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)]
        place = 0
        for part in filter(None, parts):
            assert part in out[place:], f"{command}\n{out}"
            place = out.index(part, place) + len(part)
        assert out.startswith(parts[0]) or not parts[0]
    assert ran == 6


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    problem = handgrad.load("lab9")
    problem.save("my.toml")
    (tmp_path / "answers.toml").write_text("dz3 = -0.36\ndz2 = [-0.219, 0.146]\n", "utf-8")
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "a1.toml").write_text("dz3 = -0.36\n", "utf-8")
    (tmp_path / "cases.csv").write_text("x_1,x_2,y\n1,2,1\n-1,0.5,0\n0.3,-2,1\n", "utf-8")
    (tmp_path / "roster.csv").write_text("id,name\na1,Ada\na2,Emmy\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize("page", ["for-students", "for-teachers", "for-engineers"])
def test_the_commands_that_are_told(
    page: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (DOCS / f"{page}.md").read_text("utf-8")
    commands = re.findall(r"`handgrad ([a-z][^`]*)`", text)
    assert len(commands) >= 4
    for command in commands:
        words, _, _ = command.partition(" > ")
        if words.startswith("drill"):
            words += " --json"  # asks nothing
        code = run(shlex.split(words))
        assert code in (0, 1), f"{command}\n{capsys.readouterr().err}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built by its one command: a warning, such as of a link that leads nowhere, would stop it."""
    pytest.importorskip("sphinx", reason="sphinx is not installed")
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "tools.site", str(built)]
    made = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return built


def test_it_has_every_operation_and_asks_for_nothing(site: Path) -> None:
    page = (site / "operations.html").read_text("utf-8")
    for record in operations.TABLE:
        if record.family != "helper":
            assert f"<h3>{record.name}<" in page, record.name
    for file in site.rglob("*.html"):
        text = file.read_text("utf-8")
        assert not re.search(r"""<(link|script|img|iframe)[^>]+(href|src)=["']?https?:""", text)


WIDTHS = {"light": 1300, "dark": 390}


def looked_at(site: Path, names: list[str], schemes: list[str]) -> None:
    """Looks at pages in a browser, on a desk in the light and on a phone in the dark."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    if PATH is None:
        pytest.skip("Debian's chromium is not installed")
    with browser() as launched:
        for name in names:
            for scheme in schemes:
                size = {"width": WIDTHS[scheme], "height": 900}
                tab = launched.new_page(viewport=size, color_scheme=scheme)
                tab.goto((site / f"{name}.html").as_uri())
                found = axe.Axe().run(tab)
                assert found.violations_count == 0, f"{name}: {found.generate_report()}"
                assert tab.evaluate("document.documentElement.scrollWidth") <= WIDTHS[scheme]
                tab.close()


def test_it_is_accessible(site: Path) -> None:
    looked_at(site, ["index", "tutorial"], ["dark"])


@pytest.mark.sweep
def test_sweep_of_every_page(site: Path) -> None:
    looked_at(site, sorted(p.stem for p in site.glob("*.html")), ["light", "dark"])
