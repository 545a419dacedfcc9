"""A class graded: out of folders, archives and tables, with what it misunderstands."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import handgrad
from benchmarks.planted import Manner, planted_class
from handgrad.checking import Checker
from handgrad.cli.commands import run
from handgrad.errors import OptionError
from handgrad.grading import ClassReport, Grading, grader, tables
from handgrad.grading.graded import Graded
from handgrad.grading.grader import Grader
from handgrad.grading.intake import Intake, Portion
from handgrad.grading.tally import ClassTally
from tests.grading.classes import (
    LAB9,
    cells,
    class_of_25,
    gate_left_out,
    problems_of,
    right,
    toml,
    transposed,
    write_class,
)


def marks_in(path: Path) -> dict[str, dict[str, str]]:
    """The lines of a table of marks by student."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def odd(report: ClassReport) -> dict[str, str]:
    """By place, what is odd about it."""
    return {u.where: u.oddity for u in report.unread}


@pytest.fixture
def class_folder(tmp_path: Path) -> Path:
    return class_of_25(tmp_path / "answers")


def test_a_class_in_a_folder(class_folder: Path, tmp_path: Path) -> None:
    names = [f"student{k:02}" for k in range(26)]
    problems = problems_of(tmp_path / "problems", names)
    report = handgrad.grade(LAB9, class_folder, problems=problems, marks=tmp_path / "marks.csv")
    assert report.count == 24
    assert report.with_mistakes == 7
    told = [(Path(u.where).name, u.oddity) for u in report.unread]
    assert told == [
        ("stranger.toml", "stranger"),
        ("student12.toml", "twice"),
        ("student10.toml", "empty"),
    ]
    assert report.absent == ("student11", "student25")
    assert [(m.rule, m.count, m.first_step) for m in report.misconceptions] == [
        ("outer_transposed", 3, "2.5"),
        ("gate_forgotten", 2, "2.4"),
        ("digit_slip", 1, "1.1"),
        ("target_minus_prediction", 1, "2.1"),
    ]
    assert report.misconceptions[0].share == 3 / 24
    lines = marks_in(tmp_path / "marks.csv")
    assert len(lines) == 24
    assert lines["student00"]["marks"] == "24"
    assert lines["student10"]["marks"] == "0"
    assert (lines["student03"]["marks"], lines["student03"]["dW2"]) == ("23", "0")
    assert lines["student03"]["mistakes"] == "dW2 outer_transposed"
    assert report.students is not None
    assert [s.id for s in report.students] == list(lines)


def test_every_mark_and_reason_is_that_of_check(class_folder: Path) -> None:
    report = handgrad.grade(LAB9, class_folder)
    assert report.students is not None
    checker = Checker(LAB9)
    for student in report.students:
        paths = sorted(class_folder.glob(f"{student.id}.*"))
        if not paths[0].read_text():
            assert student.marks == 0
            continue
        alone = checker.check(paths[0])
        assert (student.marks, student.out_of) == (alone.marks, alone.out_of)
        assert {s.target: s.verdict for s in student.steps} == {
            s.target: s.verdict for s in alone.steps
        }
        for step in student.steps:
            best = alone[step.target].diagnosis
            assert (step.rule, step.text) == ((best[0].rule, str(best[0])) if best else ("", ""))


def test_the_command_writes_all_that_is_asked_for(
    class_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    files = [w for n in ("class.html", "class.md", "feedback") for w in ("-o", str(out / n))]
    code = run(["grade", "lab9", str(class_folder), "--marks", str(out / "marks.csv"), *files])
    assert code == 1  # a sheet was not graded
    said = capsys.readouterr()
    assert said.err.count("student12") == 3  # one line, which names both files and the student
    assert said.err.count("student10") == 2
    assert len(said.err.splitlines()) == 2
    pages = sorted(p.name for p in (out / "feedback").iterdir())
    assert len(pages) == 25
    assert pages[0] == "stranger.html"
    wrong = (out / "feedback/student03.html").read_text("utf-8")
    assert "outer product is the wrong way round" in wrong
    assert "<p>student03</p>" in wrong
    assert not list(out.glob(".handgrad*"))
    page = (out / "class.md").read_text("utf-8")
    assert not re.search(r"student\d|stranger", page)
    assert "1 sheet is the second of the same student" in page
    # Nothing is replaced unless it is asked for, and nothing is written then.
    (out / "marks.csv").write_text("mine")
    (out / "class.html").unlink()
    assert run(["grade", "lab9", str(class_folder), "--marks", str(out / "marks.csv")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (out / "marks.csv").read_text() == "mine"


def test_names_where_they_are_asked_for(
    class_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["grade", "lab9", str(class_folder), "--names"])
    page = capsys.readouterr().out
    assert "student03" in page
    # A long path is broken where a line ends.
    assert "student12.toml:asecondsheet" in "".join(page.split())


def test_json_is_as_its_schema_says(class_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["grade", "lab9", str(class_folder), "--json"]) == 1
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    folder = Path(handgrad.__file__).parent / "schema"
    jsonschema.validate(told, json.loads((folder / "grade.json").read_text("utf-8")))
    assert len(told["students"]) == 25
    assert told["misconceptions"][0]["rule"] == "outer_transposed"
    assert {u["oddity"] for u in told["unread"]} == {"twice", "empty"}


def test_an_interrupt_leaves_nothing_behind(
    class_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grade = Grader.grade
    graded: list[Graded] = []

    def interrupted(self: Grader, batch: Any) -> Graded:
        if graded:
            raise KeyboardInterrupt
        graded.append(grade(self, batch))
        return graded[0]

    monkeypatch.setattr(Grader, "grade", interrupted)
    before = sorted(tmp_path.rglob("*"))
    paths = ["--marks", str(tmp_path / "m.csv"), "-o", str(tmp_path / "feedback")]
    assert run(["grade", "lab9", str(class_folder), *paths]) == 130
    assert graded
    assert sorted(tmp_path.rglob("*")) == before


# -- tables ---------------------------------------------------------------------------------------


def table(rows: list[dict[str, object]], separator: str = ",") -> str:
    text = io.StringIO()
    headings = list(dict.fromkeys(h for row in rows for h in row))
    writer = csv.DictWriter(text, headings, delimiter=separator, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def class_rows() -> list[dict[str, object]]:
    figures = right()
    return [
        {"Name": "Ada", "student": "ada", **cells(figures), "Score": ""},
        {"Name": "Bob", "student": "bob", **cells(transposed(figures)), "Score": ""},
        {"Name": "Eve", "student": "eve", **cells(gate_left_out(figures)), "Score": "12"},
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_in_text(tmp_path: Path, separator: str, encoding: str) -> None:
    path = tmp_path / "class.csv"
    path.write_text(table(class_rows(), separator), encoding)
    report = handgrad.grade(LAB9, path)
    assert report.students is not None
    assert [s.id for s in report.students] == ["ada", "bob", "eve"]
    assert [s.marks for s in report.students] == [24, 23, 6]
    assert [m.rule for m in report.misconceptions] == ["gate_forgotten", "outer_transposed"]
    # A column that says more of the students is expected; one that is no quantity is told once.
    assert report.unread == () or all("Name" not in u.why for u in report.unread)


def workbook(path: Path, rows: list[list[str | float]]) -> Path:
    """An .xlsx file by its standard's own parts: texts in place, numbers as numbers."""

    def cell(content: str | float, at: str) -> str:
        if isinstance(content, float):
            return f'<c r="{at}"><v>{content!r}</v></c>'
        return f'<c r="{at}" t="inlineStr"><is><t>{content}</t></is></c>'

    lines = (
        f'<row r="{r}">{"".join(cell(c, f"{chr(65 + k)}{r}") for k, c in enumerate(row))}</row>'
        for r, row in enumerate(rows, start=1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return path


def test_a_workbook_with_numbers_and_texts(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "class.xlsx",
        [
            ["student", "z1[0]", "z1[1]", "dz3", "Grade"],
            ["ada", 0.6, 0.1, "−0.3654", "1"],
            ["bo", "0,6", "1/10", 0.3654, ""],
            ["", 0.6, 0.1, 0.2, ""],
        ],
    )
    report = handgrad.grade(LAB9, path)
    assert report.students is not None
    assert [(s.id, s.marks) for s in report.students] == [("ada", 2), ("bo", 1)]
    assert odd(report) == {f"{path}, row 4": "nameless"}
    cell = "; ".join(f"part {k}: {f}" for k, f in enumerate(("0.6", "0.1", "−0.3654"), 1))
    responses = workbook(
        tmp_path / "responses.xlsx",
        [["Username", "Status", "Response 1"], ["ada", "Finished", cell]],
    )
    grading = Grading(LAB9, blanks=["z1,dz3"])
    (ada,) = grading.run(responses).students or ()
    assert ada.marks == 2


def test_headings_without_quotes_and_lines_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "class.csv"
    path.write_text(
        "email,z1[0],z1[1],dW2[0,0],dW2[0,1],remark\n"
        "a@x.org,0.6,0.1,-0.1315,-0.0219,\n"
        "\n"
        'b@x.org,"0,6",0.1,−0.1315,-0.0219,hm\n'
        ",0.6,0.1,0,0,\n"
        "A@x.org,0,0,0,0,\n"
        "c@x.org,,,,,\n"
        "d@x.org,0.6,see back,,,\n"
    )
    report = handgrad.grade(LAB9, path)
    assert report.students is not None
    assert [s.id for s in report.students] == ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]
    verdicts = [{s.target: s.verdict for s in one.steps} for one in report.students]
    assert [v["z1"] for v in verdicts] == ["right", "right", "missing", "wrong"]
    where = str(path)
    assert odd(report) == {
        where: "part",
        f"{where}, line 5": "nameless",
        f"{where}, line 6": "twice",
        f"{where}, line 7": "empty",
        f"{where}, line 8": "part",
    }
    assert "remark is not a quantity" in next(u.why for u in report.unread if u.where == where)


def test_the_column_of_students_may_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "class.csv"
    path.write_text("Kürzel,z1[0],z1[1]\nada,0.6,0.1\n")
    assert run(["grade", "lab9", str(path), "--student", "Kürzel", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["students"][0]["id"] == "ada"
    report = handgrad.grade(LAB9, path, student="Kurzel")
    assert report.count == 0
    assert "did you mean Kürzel?" in report.unread[0].why


def test_a_table_in_parquet(tmp_path: Path) -> None:
    import polars

    rows = class_rows()
    texts = [{h: None if v is None else str(v) for h, v in row.items()} for row in rows]
    headings = list(dict.fromkeys(h for row in rows for h in row))
    frame = polars.DataFrame({h: [t.get(h) for t in texts] for h in headings})
    frame.write_parquet(tmp_path / "class.parquet")
    report = handgrad.grade(LAB9, tmp_path / "class.parquet")
    assert report.students is not None
    assert [s.marks for s in report.students] == [24, 23, 6]
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    report = handgrad.grade(LAB9, [tmp_path / "broken.parquet", tmp_path / "class.parquet"])
    assert report.count == 3
    assert odd(report)[str(tmp_path / "broken.parquet")] == "file"


# -- archives -------------------------------------------------------------------------------------


def test_an_archive_is_read_in_place(tmp_path: Path) -> None:
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../ada.toml", toml(right()))
        archive.writestr("/etc/bob.toml", toml(transposed(right())))
        archive.writestr("__MACOSX/._ada.toml", b"\0")
        archive.writestr("class/photo.jpg", b"\xff\xd8\xff")
    before = sorted(tmp_path.parent.rglob("*"))
    report = handgrad.grade(LAB9, path)
    assert sorted(tmp_path.parent.rglob("*")) == before
    assert report.students is not None
    assert {s.id: s.marks for s in report.students} == {"ada": 24, "bob": 23}
    assert odd(report) == {"class.zip, class/photo.jpg": "file"}


def test_a_folder_for_each_student(tmp_path: Path) -> None:
    for name in ("Ada_1", "Bob_2", "Eve_3"):
        write_class(tmp_path / "all" / name, [("answers.toml", toml(right()))])
    report = handgrad.grade(LAB9, tmp_path / "all")
    assert report.students is not None
    assert [s.id for s in report.students] == ["Ada_1", "Bob_2", "Eve_3"]


def test_a_sheet_beside_another_of_the_same_student(tmp_path: Path) -> None:
    """A problem beside the file of its answers is none of theirs; a sheet of another kind is a second one."""
    files = [("Ada-answers.json", json.dumps({"z1": [0.6, 0.1]})), ("Ada.toml", "z1 = [0.6, 0.1]")]
    report = handgrad.grade(LAB9, write_class(tmp_path / "two", files))
    assert list(odd(report).values()) == ["twice"]
    files = [("Bob-answers.toml", "z1 = [0.6, 0.1]"), ("Bob.toml", LAB9.to_toml())]
    assert odd(handgrad.grade(LAB9, write_class(tmp_path / "one", files))) == {}


def test_a_terminal_counts_what_a_page_draws(
    class_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["grade", "lab9", str(class_folder)]) == 1
    head, row = [
        line.split() for line in capsys.readouterr().out.splitlines() if line.split()[:2] in (["right", "right,"], ["2.5", "dW2"])
    ]  # fmt: skip
    report = handgrad.grade(LAB9, class_folder)
    went = next(s for s in report.steps if s.target == "dW2")
    assert head[0] == "right"
    assert row[2:] == [str(n) for n in (went.right, went.consistent, went.wrong, went.missing)]


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada.toml", b"\n" * 20_000_000)
        archive.writestr("bob.toml", toml(right()))
    report = handgrad.grade(LAB9, path)
    assert report.count == 1
    assert report.unread[0].why == "is larger than 10 MB"
    # What an archive says of its size is not trusted either.
    lying = path.read_bytes().replace((20_000_000).to_bytes(4, "little"), (9).to_bytes(4, "little"))
    path.write_bytes(lying)
    report = handgrad.grade(LAB9, path)
    assert report.count == 1
    assert report.unread[0].oddity == "file"


@pytest.mark.parametrize("name", ["nothing", "broken.zip", "nothing.csv"])
def test_what_is_not_there(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK and no more")
    assert run(["grade", "lab9", str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert name in said


# -- each student's own numbers -------------------------------------------------------------------


def test_own_numbers_are_found_by_id(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("id,name\nada@x.org,Ada\nB/7,Bob\neve,Eve\n")
    out = tmp_path / "out"
    assert run(["practice", "lab9", "--for", str(roster), "--problems", str(out)]) == 0
    rows: list[dict[str, object]] = []
    for id_, name in (("ada@x.org", "ada@x.org"), ("B/7", "B_7")):
        own = handgrad.load(out / f"{name}.toml")
        rows.append({"id": id_, **cells(right(own))})
    rows.append({"id": "zoe", **cells(right())})
    path = tmp_path / "class.csv"
    path.write_text(table(rows))
    report = handgrad.grade(LAB9, path, problems=out)
    assert report.students is not None
    assert [(s.id, s.marks) for s in report.students] == [("ada@x.org", 24), ("B/7", 24)]
    assert report.absent == ("eve",)
    assert odd(report) == {f"{path}, line 4": "stranger"}
    # The sheets that practice wrote, filled in beside their problems.
    for name in ("ada@x.org", "B_7", "eve"):
        own = handgrad.load(out / f"{name}.toml")
        (out / f"{name}-answers.toml").write_text(toml(right(own)))
    report = handgrad.grade(LAB9, out, problems=out)
    assert report.students is not None
    assert [(s.id, s.marks) for s in report.students] == [
        ("B_7", 24),
        ("ada@x.org", 24),
        ("eve", 24),
    ]
    assert not report.unread
    assert not report.absent


def test_a_problem_that_is_another(tmp_path: Path) -> None:
    problems = problems_of(tmp_path / "problems", ["ada", "bob"])
    (problems / "eve.toml").write_text(handgrad.load("rnn").to_toml())
    answers = write_class(
        tmp_path / "answers", [(f"{n}.toml", toml(right())) for n in ("ada", "bob", "eve")]
    )
    report = handgrad.grade(LAB9, answers, problems=problems)
    assert report.count == 2
    assert report.unread[0].oddity == "numbers"
    assert "other equations" in report.unread[0].why
    with pytest.raises(OptionError, match="holds no problems"):
        handgrad.grade(LAB9, answers, problems=tmp_path)


def test_an_example_with_a_students_own_numbers(tmp_path: Path) -> None:
    own = LAB9.with_values({"x": [0.0, 1.0]})
    problems = write_class(tmp_path / "problems", [("ada.toml", own.to_toml())])
    wrong = {**right(own), "dz3": -np.asarray(right(own)["dz3"])}
    answers = write_class(tmp_path / "answers", [("ada.toml", toml(wrong))])
    page = handgrad.render(handgrad.grade(LAB9, answers, problems=problems).page())
    exact = handgrad.solve(own).gradients["z3"]
    assert f"{float(exact):.4f}".replace("-", "−") in page


# -- counts ---------------------------------------------------------------------------------------


def planted(count: int, seed: int) -> tuple[Grading, list[tuple[Graded, Portion]], Any]:
    """A planted class graded in parts of different sizes."""
    grading = Grading(LAB9)
    made = planted_class(
        grading.checker.work, count, seed, Manner(one=0.3, two=0.0, unreadable=0.05)
    )
    columns = Intake(grading.checker)._columns(tuple(made.batch.cells))
    assert columns is not None
    grader = Grader(LAB9)
    parts = []
    for size, batch in enumerate(made.batch.parts(97)):
        first = 97 * size
        portion = Portion(batch, columns, range(first, first + len(batch)), list(batch.ids))
        parts.append((grader.grade(batch), portion))
    return grading, parts, made.planted


def counted(grading: Grading, parts: list[tuple[Graded, Portion]]) -> ClassTally:
    tally = ClassTally(grading.steps)
    for graded, portion in parts:
        tally.add(graded, portion)
    return tally


def test_shares_of_a_planted_class(tmp_path: Path) -> None:
    figures = right()
    sheets = {
        "outer_transposed": (12, transposed(figures)),
        "gate_forgotten": (9, gate_left_out(figures)),
        "target_minus_prediction": (5, {**figures, "dz3": -np.asarray(figures["dz3"])}),
        "sign_lost": (2, {**figures, "dh1": -np.asarray(figures["dh1"])}),
        "": (72, figures),
    }
    rows = [
        {"id": f"{rule}{k}", **cells(own)}
        for rule, (n, own) in sheets.items()
        for k in range(10 * n)
    ]
    random.Random(0).shuffle(rows)
    path = tmp_path / "class.csv"
    path.write_text(table(rows))
    report = handgrad.grade(LAB9, path)
    assert report.count == 1000
    found = {m.rule: m.share for m in report.misconceptions}
    assert found == {rule: n / 100 for rule, (n, _) in sheets.items() if rule}
    assert [m.rule for m in report.misconceptions] == [rule for rule in sheets if rule]
    assert report.with_mistakes == 280


def test_counts_do_not_depend_on_order_or_on_who_counts() -> None:
    grading, parts, _ = planted(300, 6)
    whole = counted(grading, parts)
    shuffled = list(parts)
    random.Random(1).shuffle(shuffled)
    merged = ClassTally(grading.steps)
    for part in shuffled:
        merged.merge(counted(grading, [part]))
    for tally in (counted(grading, shuffled), merged):
        assert (tally.students, tally.totals, tally.with_mistakes, tally.unexplained) == (
            whole.students,
            whole.totals,
            whole.with_mistakes,
            whole.unexplained,
        )
        assert tally.quantities == whole.quantities
        for rule, one in whole.rules.items():
            other = tally.rules[rule]
            assert (one.students, one.places, one.worded, one.starts) == (
                other.students,
                other.places,
                other.worded,
                other.starts,
            )
            assert {t: e.order for t, e in one.examples.items()} == {
                t: e.order for t, e in other.examples.items()
            }


def test_workers_change_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grader, "ALONE", 64)
    begun: list[int] = []

    def pool(workers: int, *given: Any) -> ProcessPoolExecutor:
        begun.append(workers)
        return ProcessPoolExecutor(workers, *given)

    monkeypatch.setattr(grader, "ProcessPoolExecutor", pool)
    monkeypatch.setattr(tables, "ROWS", 64)
    made = planted_class(Checker(LAB9).work, 200, 7, Manner(one=0.3, two=0.1, unreadable=0.05))
    rows: list[dict[str, object]] = [
        {"id": id_, **{h: column[k] for h, column in made.batch.cells.items()}}
        for k, id_ in enumerate(made.batch.ids)
    ]
    path = tmp_path / "class.csv"
    path.write_text(table(rows))
    told = []
    for workers in ("1", "2"):
        marks = tmp_path / f"marks{workers}.csv"
        options = ["--workers", workers, "--marks", str(marks)]
        assert run(["grade", "lab9", str(path), *options]) == 0
        told.append((marks.read_bytes(), capsys.readouterr().out.replace(str(marks), "")))
    assert told[0] == told[1]
    assert begun == [2]


def test_a_rule_broken_in_several_ways_is_told_as_one(tmp_path: Path) -> None:
    figures = right()
    first = {**figures, "h1": np.asarray([0.42, 0.0])}
    slips = [{**figures, "z1": np.asarray([0.6, x])} for x in (0.2, 0.3)]
    sheets = [transposed(figures), {**figures, "dW1": np.asarray(figures["dW1"]).T}, first]
    named = [(f"s{k}.toml", toml(own)) for k, own in enumerate([*sheets, *slips])]
    report = handgrad.grade(LAB9, write_class(tmp_path / "a", named))
    found = {m.rule: m for m in report.misconceptions}
    outer = found["outer_transposed"]
    assert (outer.count, outer.worded, outer.first_step) == (2, 1, "2.5")
    assert [(p.target, p.count) for p in outer.places] == [("dW2", 1), ("dW1", 1)]
    slip = found["digit_slip"]
    assert (slip.text, slip.count, slip.worded, slip.mistake) == (
        "one digit is wrong",
        2,
        2,
        "slip",
    )
    page = " ".join(handgrad.render(report.page(), width=200).split())
    assert "columns to h⁽¹⁾, or the like" in page
    assert "As here, on 1. By quantity: dW2 on 1, dW1 on 1." in page
    deck = handgrad.render(report.page(layout="slides"), width=200)
    assert "one digit is wrong" not in deck.lower()


def test_marks_are_no_formulas_of_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "class.csv"
    path.write_text('id,z1[0]\n"=HYPERLINK(""x"")",0.6\n-12,0.6\n+ada,0.6\n')
    handgrad.grade(LAB9, path, marks=tmp_path / "marks.csv")
    assert list(marks_in(tmp_path / "marks.csv")) == ['\'=HYPERLINK("x")', "-12", "'+ada"]


def test_a_mistake_costs_what_the_rubric_says(tmp_path: Path) -> None:
    figures = transposed(right())
    twice = {**figures, "dW1": np.asarray(figures["dW1"]).T}
    rubric = {"default": 2, "mistakes": {"outer_transposed": {"costs": 0.5, "once": True}}}
    answers = write_class(tmp_path / "a", [("ada.toml", toml(figures)), ("bob.toml", toml(twice))])
    report = handgrad.grade(LAB9, answers, rubric=rubric)
    assert report.students is not None
    wrong = [
        {s.target: s.marks for s in one.steps if s.verdict == "wrong"} for one in report.students
    ]
    assert wrong == [{"dW2": 1.5}, {"dW2": 1.5, "dW1": 2}]
    plain = handgrad.grade(LAB9, answers, rubric={"mistakes": {"outer_transposed": 0.25}})
    assert plain.students is not None
    assert [one.marks for one in plain.students] == [23.75, 23.5]


@pytest.mark.parametrize(
    ("mistakes", "said"),
    [
        ({"mean_forgoten": 1}, "did you mean mean_forgotten"),
        ({"mean_forgotten": -1}, "a number of marks"),
        ({"mean_forgotten": {"cost": 1}}, "what it costs, and whether once"),
        ({"mean_forgotten": {"costs": 1, "once": 1}}, "what it costs, and whether once"),
        (3, "is a table"),
    ],
)
def test_a_rubric_of_mistakes_that_cannot_be_read(mistakes: object, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Checker(LAB9, {"mistakes": mistakes})


def test_what_is_said_of_few_sheets(tmp_path: Path) -> None:
    """Of two sheets neither lies between the quartiles, and no axis counts parts of a sheet."""
    sheets = [("ann.toml", "z1 = [0.6, 0.1]"), ("bea.toml", "z1 = [0.6, 0.1]\nh1 = [0.6, 0.1]")]
    report = handgrad.grade(LAB9, write_class(tmp_path / "few", sheets))
    page = handgrad.render(report.page(), "md")
    assert "the quartiles are 1.25 and 1.75." in page
    drawn = handgrad.render(report.page(), "html")
    assert ">0.5</t" not in drawn
    assert ">1</t" in drawn


def test_commas_that_were_meant_as_decimals_are_told(tmp_path: Path) -> None:
    sheets = [
        ("ada.toml", "z1 = [0,6, 0,1]\n"),
        ("~$ada.xlsx", "x"),
        ("bob.toml", "z1 = [1, 2, 3, 0.5]\n"),
    ]
    report = handgrad.grade(LAB9, write_class(tmp_path / "a", sheets))
    assert not report.unread
    told = {s.id: s.steps[0].text for s in report.students or ()}
    assert told["ada"].endswith("; a comma stands between entries: a decimal has a point, 0.5")
    assert told["bob"] == "it is a vector of 4 entries, and should be a vector of 2 entries"
