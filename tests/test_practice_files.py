"""A file for each student, keys beside them, rosters as people have them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.exercises import Student, numbered, own_seed, read_roster, requirements
from handgrad.exercises.page import Exercise, keys_page, sheets_page
from handgrad.exercises.sheets import Sheet, for_students
from handgrad.exercises.writing import file_names
from handgrad.formats.html import render_html
from handgrad.formats.markdown import render_markdown
from handgrad.formats.terminal import render_terminal
from handgrad.formats.tex import render_tex
from handgrad.formats.typst import render_pdf
from handgrad.page import Heading, Room
from handgrad.saving import Page

LAB = handgrad.load("lab9")

ROSTERS: list[tuple[str, list[tuple[str, str]]]] = [
    ("id,name\na1,Ada\n\nb2,Blaise\n", [("a1", "Ada"), ("b2", "Blaise")]),
    ("name,id\nAda,a1\n", [("a1", "Ada")]),
    ("a1\nb2\n", [("a1", ""), ("b2", "")]),
    ("a1,Ada\nb2,Blaise\n", [("a1", "Ada"), ("b2", "Blaise")]),
    ("Student ID;Full Name\n7;Ada L\n", [("7", "Ada L")]),
    ("student_id\tFirst Name\tSurname\n7\tAda\tLovelace\n", [("7", "Ada Lovelace")]),
    ("NetID,Last name,First name\nal7,Lovelace,Ada\n", [("al7", "Ada Lovelace")]),
    ("First name,Last name,Email address\nAda,Lovelace,a@x.edu\n", [("a@x.edu", "Ada Lovelace")]),
    # As Canvas exports a gradebook.
    ('Student,ID,SIS User ID,Section\n    Points Possible,,,\n"Lovelace, Ada",17,al7,A\n',
     [("17", "Lovelace, Ada")]),
    ("SIS ID,name\n12,Ada\n", [("12", "Ada")]),
    ("Matrikelnummer;Vorname;Nachname\n12;Ada;Lovelace\n", [("12", "Ada Lovelace")]),
    ("\ufeffE-Mail,Name\na@x.edu,Ada\n", [("a@x.edu", "Ada")]),
    ("Full name\nAda\nBlaise\n", [("Ada", ""), ("Blaise", "")]),
    ('id,name\n1,"Ada\nLovelace"\n', [("1", "Ada Lovelace")]),
    ("id,name,\n1,Ada,\n", [("1", "Ada")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "students"), ROSTERS)
def test_rosters(text: str, students: list[tuple[str, str]], tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    for encoding, ending in (("utf-8", "\n"), ("utf-16", "\r\n")):
        path.write_bytes(
            text.lstrip("\ufeff" * (encoding == "utf-16")).replace("\n", ending).encode(encoding)
        )
        assert [(s.id, s.name) for s in read_roster(path)] == students
    assert own_seed(7, "a1") != own_seed(7, "b2") != own_seed(8, "b2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no students"),
        (b"id,name\n", "no students"),
        (b"id\na\nb\na\n", "line 4: the id a is there twice, in line 2 already"),
        (b"id,name\n1,Ada\n\n,Blaise\n", "line 4 has no id"),
        (b"id,name\n1,Lovelace, Ada\n", "line 2 has 3 cells, and the first line 2 .*quotes"),
        (b"Kennung,Anrede\nx,Frau\n", "line 1: no column is called id"),
        (b'id,name\n1,"Ada\n', "line 2 of the roster cannot be read"),
        (b"id,name\n1,Ad\xe9\n", "line 2 is not UTF-8 text .*CSV UTF-8"),
    ],
)
def test_what_is_wrong_with_a_roster_is_said_with_its_line(
    content: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(content)
    with pytest.raises(handgrad.OptionError, match=said):
        read_roster(path)
    with pytest.raises(handgrad.OptionError, match="cannot be read"):
        read_roster(tmp_path / "none.csv")


def test_names_of_files_are_safe_and_unlike() -> None:
    ids = ["a", "A", "a-key", "../../etc", "CON", "..", "x/y", "x y", "é" * 300, "lpt1.txt", "日本"]
    sheets = for_students(LAB, requirements(), [Student(i) for i in ids], 0)
    names = file_names(sheets)
    folded = [
        f"{n}{end}".casefold() for n in names for end in (".pdf", "-key.pdf", "-answers.toml")
    ]
    assert len(set(folded)) == len(folded)
    for name in names:
        assert not set(name) & set('/\\:*?"<>|')
        assert not name.startswith((".", "-"))
        assert len(f"{name}-answers.toml".encode()) <= 255
        assert name.casefold() not in ("con", "lpt1.txt")
    assert (names[0], names[-1]) == ("a", "日本")
    assert file_names(numbered(LAB, requirements(), 12, 0))[:2] == ("sheet-01", "sheet-02")


def test_a_folder_has_a_file_for_each_student(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("student id,name\na1,Ada\nb2,Blaise\n")
    folder, short = tmp_path / "out", tmp_path / "answers.txt"
    options = ["--for", str(roster), "--kind", "html", "-o", str(folder), "--key", str(folder)]
    assert run(["practice", "lab9", *options, "--short-key", str(short)]) == 0
    assert "answers.txt" in capsys.readouterr().out
    names = ["a1-key.html", "a1.html", "b2-key.html", "b2.html"]
    assert sorted(p.name for p in folder.iterdir()) == names
    sheet, key = ((folder / n).read_text("utf-8") for n in ("a1.html", "a1-key.html"))
    assert "Ada" in sheet
    assert "Blaise" not in sheet
    first = for_students(LAB, requirements(), [Student("a1")], 0)[0]
    answer = f"{handgrad.solve(first.problem).run.loss:.4f}"
    assert answer.rstrip("0") not in sheet
    assert answer.rstrip("0") in key
    assert answer.rstrip("0") in short.read_text("utf-8")
    # Nothing is replaced, and nothing is left of what could not be written whole.
    assert run(["practice", "lab9", *options]) == 2
    assert "exists already" in capsys.readouterr().err
    assert run(["practice", "lab9", *options, "--force"]) == 0


def test_all_files_are_written_or_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    folder = tmp_path / "deep" / "out"
    arguments = ["-o", str(folder), "--problems", str(tmp_path / "problems")]
    assert run(["practice", "lab9", "--count", "2", *arguments]) == 2
    assert "pip install 'handgrad[pdf]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "OUT", "--kind", "pfd"], "did you mean"),
        (["-o", "OUT", "--kind", "json"], "one object holds all the sheets"),
        (["--short-key", "OUT"], "the short key is one file"),
        (["-o", "a.md", "--short-key", "a.md"], "place of the sheets"),
        (["-o", "OUT/none.md/x.md"], "no folder"),
    ],
)
def test_places_that_do_not_do(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["practice", "lab9", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def sheets_of(count: int, room: int | None = None) -> tuple[tuple[Sheet, ...], Page]:
    sheets = numbered(LAB, requirements(off=1), count, 3)
    exercises = [Exercise(handgrad.solve(s.problem), s.label) for s in sheets]
    return sheets, sheets_page(exercises, room=room)


def test_a_sheet_has_a_line_for_the_name_and_room_for_working() -> None:
    _, page = sheets_of(1)
    fields = [b for b in page.blocks if isinstance(b, Room) and b.fields]
    assert [field for field, _ in fields[0].fields] == ["Name", "Date"]
    steps = [b for b in page.blocks if isinstance(b, Heading) and b.id]
    assert sum(isinstance(b, Room) and b.lines > 0 for b in page.blocks) == len(steps) == 12
    _, bare = sheets_of(1, room=0)
    assert not any(isinstance(b, Room) and b.lines for b in bare.blocks)
    text = render_terminal(page, width=80, colour=False, unicode=False)
    assert "Name ____" in text
    assert max(map(len, text.splitlines())) <= 80
    narrow = render_terminal(page, width=24, colour=False, unicode=True)
    assert max(map(len, narrow.splitlines())) <= 24
    assert "Name \\_\\_" in render_markdown(page)
    assert r"Name \hrulefill" in render_tex(page)
    assert '<span class="asked">Name</span>' in render_html(page)


def test_the_last_page_has_more_than_one_step_and_every_sheet_begins_a_page() -> None:
    import io

    from pypdf import PdfReader

    _, page = sheets_of(2)
    texts = [p.extract_text() for p in PdfReader(io.BytesIO(render_pdf(page))).pages]
    begins = [k for k, text in enumerate(texts) if "Name" in text and "Date" in text]
    assert len(begins) == 2
    for last in (begins[1] - 1, len(texts) - 1):
        assert "2.8" in texts[last]
        assert "Update every parameter" in texts[last]


def test_sheets_have_contents_of_their_own() -> None:
    import re

    _, page = sheets_of(2)
    html = render_html(page)
    assert html.count("<details") >= 2
    places = re.findall(r' id="([^"]+)"', html)
    assert len(set(places)) == len(places)
    links = set(re.findall(r'href="#([^"]+)"', html))
    assert links <= set(places)
    key = render_html(
        keys_page([Exercise(handgrad.solve(s.problem), s.label) for s in sheets_of(2)[0]])
    )
    second = key[key.index('id="sheet-2"') :]
    # A step of the second sheet leads to the second sheet's steps.
    uses = re.findall(r'<p class="uses">uses <a href="#([^"]+)"', second)
    assert uses
    assert all(place.endswith("-2") for place in uses)


def test_room_is_given_by_what_there_is_to_work_out() -> None:
    """A mask of sixteen entries takes less of it than a correlation of four."""
    exercise = Exercise(handgrad.solve(handgrad.load("conv")), "Sheet 1")
    page = sheets_page([exercise])
    lines: dict[str, int] = {}
    step = ""
    for block in page.blocks:
        if isinstance(block, Heading):
            step = block.id
        elif isinstance(block, Room) and block.lines:
            lines[step] = block.lines
    assert lines["2.6"] > lines["2.5"] > lines["2.2"]
    assert lines["1.1"] > lines["1.2"]
