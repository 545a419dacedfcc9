"""What learning systems export of students' answers, graded as `check` grades each sheet.

The exports are written here as the systems write them: Moodle's responses report, Canvas' student analysis, Blackboard's
results by user, PrairieLearn's submissions, Gradescope's export of submissions, notebooks of Otter and nbgrader.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import handgrad
from handgrad.checking import Checker
from handgrad.cli.commands import run
from handgrad.exercises import write_exercises
from handgrad.exercises.asked import asked_arrays
from handgrad.grading import ClassReport, Grading
from handgrad.quizzes import grading as prairielearn
from handgrad.quizzes.question import AskedQuantity, Gap, QuizQuestion
from tests.quizzes.sheets import PROBLEMS, files, problem, questions, worked

Typed = Callable[[AskedQuantity, Gap], str]


def right(asked: AskedQuantity, gap: Gap) -> str:
    return gap.right.figure


def sloppy(asked: AskedQuantity, gap: Gap) -> str:
    """What one student typed: a decimal comma, a true minus sign, a wrong figure, a gap."""
    if asked.target == "dz3":
        return gap.wrong[0].given.figure
    if asked.target == "db2":
        return ""
    return gap.right.figure.replace(".", ",") if asked.target == "z1" else gap.right.figure


CLASS: Mapping[str, Typed] = {"ada": right, "bo": sloppy}


def alone(question: QuizQuestion, typed: Typed) -> dict[str, tuple[str, float]]:
    """The verdicts and marks of `check` on the same figures."""
    cells: dict[str, list[Any]] = {}
    for asked in question.asked:
        figures = [typed(asked, g) for g in asked.gaps]
        for size in reversed(asked.shape[1:]):
            figures = [figures[k : k + size] for k in range(0, len(figures), size)]  # type: ignore[misc]
        cells[asked.target] = figures if asked.shape else figures[0]  # type: ignore[assignment]
    report = Checker(question.sheet.problem).check(cells)
    return {s.target: (s.verdict, s.marks) for s in report.steps if s.target in cells}


def holds(report: ClassReport, question: QuizQuestion, class_: Mapping[str, Typed] = CLASS) -> None:
    """That every student has the verdicts and marks of `check`."""
    assert report.students is not None
    assert [s.id for s in report.students] == list(class_)
    for student in report.students:
        found = {s.target: (s.verdict, s.marks) for s in student.steps}
        expected = alone(question, class_[student.id])
        assert {t: found[t] for t in expected} == expected


def table(path: Path, rows: list[list[str]], **settings: Any) -> Path:
    text = io.StringIO()
    csv.writer(text, **settings).writerows(rows)
    path.write_text(text.getvalue(), settings.get("encoding", "utf-8"))
    return path


def laid_out(question: QuizQuestion) -> list[tuple[AskedQuantity, Gap]]:
    return [(a, g) for a in question.asked for grid in a.grids() for row in grid.rows for g in row]


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_a_sheet_asks_for_is_what_its_question_asks_for(name: str) -> None:
    (question,) = questions(name)
    arrays = list(asked_arrays(Checker(problem(name))))
    assert [(a.quantity.target, a.shape) for a in arrays] == [
        (a.target, a.shape) for a in question.asked
    ]
    places = [(a.quantity.target, at) for a in arrays for at in a.laid_out]
    assert places == [(a.target, g.at) for a, g in laid_out(question)]


# -- Moodle ---------------------------------------------------------------------------------------


def summary(question: QuizQuestion, typed: Typed, part: str = "part") -> str:
    """What qtype_multianswer says of a response."""
    parts = (f"{part} {k}: {typed(a, g)}" for k, (a, g) in enumerate(laid_out(question), 1))
    return "; ".join(parts).strip()


MOODLE = ["Last name", "First name", "Username", "Status", "Started", "Completed", "Duration"]


def moodle_row(name: str, *cells: str) -> list[str]:
    return ["Last", "First", name, "Finished", "now", "now", "1 min", "7.00", *cells]


@pytest.mark.parametrize("name", ["lab9", "batch"])
@pytest.mark.parametrize("part", ["part", "Teil"])
def test_responses_of_moodle(name: str, part: str, tmp_path: Path) -> None:
    (question,) = questions(name)
    header = [*MOODLE, "Grade/10.00", "Response 1" if part == "part" else "Antwort 1"]
    rows = [moodle_row(who, summary(question, typed, part)) for who, typed in CLASS.items()]
    path = table(tmp_path / "responses.csv", [header, *rows])
    report = Grading(question.sheet.problem).run(path)
    holds(report, question)
    assert not report.unread


def test_a_bank_of_variants_is_told_apart_by_what_is_right(tmp_path: Path) -> None:
    write_exercises(tmp_path / "out", tuple(worked("lab9", 3).sheets))
    variants = questions("lab9", 3)
    rows = [
        moodle_row(f"s{k}", summary(q, right), summary(q, right)) for k, q in enumerate(variants)
    ]
    rows[1][-2] = "-"
    header = [*MOODLE, "Grade/10.00", "Response 1", "Right answer 1"]
    path = table(tmp_path / "responses.csv", [header, *rows])
    report = Grading(handgrad.load("lab9"), problems=tmp_path / "out").run(path)
    assert report.students is not None
    assert [(s.id, s.marks == s.out_of) for s in report.students] == [
        ("s0", True),
        ("s1", False),
        ("s2", True),
    ]
    assert report.absent == ()
    assert [u.oddity for u in report.unread] == ["empty"]


def test_one_numerical_question_of_moodle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = [*MOODLE, "Grade/10.00", "Response 1"]
    rows = [moodle_row("ada", "-0.3654"), moodle_row("bo", "-0,3654"), moodle_row("cy", "-")]
    path = table(tmp_path / "responses.csv", [header, *rows])
    assert run(["grade", "lab9", str(path), "--blank", "dz3", "--json"]) == 0
    students = json.loads(capsys.readouterr().out)["students"]
    dz3 = [next(s for s in one["steps"] if s["target"] == "dz3") for one in students]
    assert [s["verdict"] for s in dz3] == ["right", "right", "missing"]


def test_another_number_of_parts_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = [*MOODLE, "Grade/10.00", "Response 1"]
    path = table(tmp_path / "r.csv", [header, moodle_row("ada", "part 1: 1; part 2: 2")])
    assert run(["grade", "lab9", str(path), "--json"]) == 1
    (unread,) = json.loads(capsys.readouterr().out)["unread"]
    assert re.search(r"its question has 2 parts, and the problem asks for \d\d \(", unread["why"])
    assert "--blank" in unread["why"]


# -- Canvas and Blackboard ------------------------------------------------------------------------


def stripped(html: str) -> str:
    """Rails' strip_tags."""
    return unescape(re.sub(r"<[^>]*>", "", html))


def canvas_questions(name: str) -> list[tuple[str, bool]]:
    """The texts of a quiz's questions in their order, and whether each asks for a figure."""
    (content,) = files("canvas", name, "out.zip").values()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        root = ElementTree.fromstring(archive.read("quiz1/quiz1.xml"))
    space = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"
    return [
        (
            item.findtext(f"{space}presentation/{space}material/{space}mattext") or "",
            item.find(f".//{space}render_fib") is not None,
        )
        for item in root.iter(f"{space}item")
    ]


@pytest.mark.parametrize("name", ["lab9", "batch", "rnn"])
def test_a_student_analysis_of_canvas(name: str, tmp_path: Path) -> None:
    (question,) = questions(name)
    figures = {
        who: iter([typed(a, g) for a in question.asked for g in a.gaps])
        for who, typed in CLASS.items()
    }
    header = [
        "name",
        "id",
        "sis_id",
        "section",
        "section_id",
        "section_sis_id",
        "submitted",
        "attempt",
    ]
    rows = {
        who: [who.title(), who, "", "1", "2", "", "2026-11-20 10:00:00 UTC", "1"] for who in CLASS
    }
    for k, (text, asks) in enumerate(canvas_questions(name)):
        header += [f"{700 + k}: {stripped(text)}", "1.0"]
        for who, row in rows.items():
            row += [next(figures[who]) if asks else "", "1.0" if asks else "0.0"]
    header += ["n correct", "n incorrect", "score"]
    path = table(
        tmp_path / "analysis.csv", [header, *([*row, "1", "1", "1"] for row in rows.values())]
    )
    report = Grading(question.sheet.problem).run(path)
    holds(report, question)
    assert not report.unread
    other = Grading(question.sheet.problem, blanks=["forward"]).run(path)
    assert other.count == 0
    assert "--blank" in other.unread[0].why


@pytest.mark.parametrize("form", ["html", "text"])
def test_results_of_blackboard_in_the_order_in_which_each_was_asked(
    form: str, tmp_path: Path
) -> None:
    (question,) = questions("lab9")
    (content,) = files("blackboard", "lab9", "out.txt").values()
    texts = [line.split("\t")[1] for line in content.decode().splitlines()]
    asked = [(a, g) for a in question.asked for g in a.gaps]
    header = ["Username", "Last Name", "First Name"]
    header += [
        f"{h} {k + 1}"
        for k in range(len(texts))
        for h in (
            "Question ID",
            "Question",
            "Answer",
            "Possible Points",
            "Auto Score",
            "Manual Score",
        )
    ]
    rows = []
    for turn, (who, typed) in enumerate(CLASS.items()):
        cells = [
            (
                f"Question ID {k}",
                text if form == "html" else stripped(text),
                typed(*one),
                "1",
                "1",
                "",
            )
            for k, (text, one) in enumerate(zip(texts, asked, strict=True))
        ]
        cells = cells[5 * turn :] + cells[: 5 * turn]
        rows.append([who, "L", "F", *(c for cell in cells for c in cell)])
    path = tmp_path / "results.csv"
    table(path, [header, *rows], delimiter="\t")
    path.write_text(path.read_text("utf-8"), "utf-16")
    report = Grading(question.sheet.problem).run(path)
    holds(report, question)
    assert not report.unread


def test_results_of_blackboard_by_question(tmp_path: Path) -> None:
    header = ["Username", "Last Name", "First Name", "Question ID", "Question", "Answer"]
    path = table(tmp_path / "long.csv", [header, ["a", "L", "F", "Question ID 1", "x ?", "1"]])
    report = handgrad.grade(handgrad.load("lab9"), path)
    assert [u.why for u in report.unread] == [
        "has a row for each question (download the results by user, a row for each student)"
    ]


# -- PrairieLearn ---------------------------------------------------------------------------------


def submitted(
    home: Path, seed: int, typed: Mapping[tuple[str, tuple[int, ...]], str]
) -> dict[str, Any]:
    """What PrairieLearn has of a submission once its question is graded."""
    data: dict[str, Any] = {
        "variant_seed": seed,
        "params": {},
        "correct_answers": {},
        "raw_submitted_answers": {},
        "submitted_answers": {},
        "partial_scores": {},
        "feedback": {},
        "options": {"question_path": str(home)},
    }
    prairielearn.generate(data)
    for field in json.loads((home / "variants.json").read_text("utf-8"))["fields"]:
        places = [tuple(at) for row in field["places"] for at in row]
        for k, at in enumerate(places, start=1):
            key = field["name"] if field["scalar"] else f"{field['name']}{k}"
            data["raw_submitted_answers"][key] = typed[field["target"], at]
    prairielearn.grade(data)
    return data


@pytest.mark.parametrize("name", ["lab9", "batch"])
def test_submissions_of_prairielearn(name: str, tmp_path: Path) -> None:
    home = tmp_path / "q"
    for path, content in files("prairielearn", name, str(home), 2).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    write_exercises(tmp_path / "out", tuple(worked(name, 2).sheets))
    header = ["UID", "UIN", "Username", "Name", "Role", "Assessment", "Question", "Variant", "Seed"]
    header += ["Params", "True answer", "Submitted answer", "Partial Scores", "Feedback", "Score"]
    rows = []
    scores = {}
    for seed, question in enumerate(questions(name, 2)):
        typed = {
            (a.target, g.at): (sloppy if seed else right)(a, g)
            for a in question.asked
            for g in a.gaps
        }
        data = submitted(home, seed, typed)
        scores[f"u{seed}@x.org"] = data["score"]
        rows.append(
            [f"u{seed}@x.org", "", f"u{seed}", "N", "Student", "HW1", "lab9", "1", str(seed)]
            + [
                json.dumps(data[key])
                for key in (
                    "params",
                    "correct_answers",
                    "submitted_answers",
                    "partial_scores",
                    "feedback",
                )
            ]
            + [str(data["score"])]
        )
    rows.append(
        [
            "u9@x.org",
            "",
            "u9",
            "N",
            "Student",
            "HW1",
            "other",
            "1",
            "7",
            "{}",
            "{}",
            "{}",
            "{}",
            "{}",
            "1",
        ]
    )
    path = table(tmp_path / "final_submissions.csv", [header, *rows])
    report = Grading(handgrad.load(name), problems=tmp_path / "out").run(path)
    assert report.students is not None
    assert [s.id for s in report.students] == list(scores)
    for seed, (student, question) in enumerate(
        zip(report.students, questions(name, 2), strict=True)
    ):
        expected = alone(question, sloppy if seed else right)
        found = {s.target: (s.verdict, s.marks) for s in student.steps}
        assert {t: found[t] for t in expected} == expected
    assert report.absent == ()
    assert [u.why for u in report.unread] == ["other is another question"]
    # Two students had different numbers, and nothing says which.
    unnamed = Grading(handgrad.load(name)).run(path)
    assert any("--problems" in u.why for u in unnamed.unread)


# -- files that were handed in --------------------------------------------------------------------

METADATA = """---
submission_1:
  :submitters:
  - :name: Ada
    :sid: '100'
    :email: ada@x.org
  :created_at: 2026-11-20 10:00:00.000000000 Z
  :score: 3.0
  :results:
    tests:
    - score: 1.0
      name: 'submission_9:'
  :history:
  - :id: 7
    :submitters:
    - :name: Eve
      :sid: '900'
      :email: eve@x.org
submission_2:
  :submitters:
  - :name: "Bo"
    :sid: '0200'
    :email: bo@x.org
  - :name: O''Neil
    :sid:
    :email: cy@x.org
submission_3:
  :submitters: []
"""


@pytest.mark.parametrize("packed", [True, False])
def test_an_export_of_gradescope(packed: bool, tmp_path: Path) -> None:
    contents = {
        "submission_metadata.yml": METADATA,
        "submission_1/answers.toml": "dz3 = -0.3654",
        "submission_2/lab9-answers.toml": "dz3 = 0.3654",
        "submission_3/a.toml": "dz3 = 1",
    }
    home = tmp_path / "assignment_1_export"
    for name, text in contents.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    path = home
    if packed:
        path = tmp_path / "export.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name in contents:
                archive.write(home / name, f"assignment_1_export/{name}")
    report = handgrad.grade(handgrad.load("lab9"), path)
    assert report.students is not None
    marks = {s.id: s.marks for s in report.students}
    assert marks == {"ada@x.org": 1, "bo@x.org": 0, "cy@x.org": 0, "a": 0}
    assert not report.unread
    # With numbers of their own, by whichever of email, number and name a problem has.
    (tmp_path / "out").mkdir()
    for name in ("100", "0200", "cy"):
        (tmp_path / "out" / f"{name}.toml").write_text(handgrad.load("lab9").to_toml())
    own = handgrad.grade(handgrad.load("lab9"), path, problems=tmp_path / "out")
    assert own.students is not None
    assert [s.id for s in own.students] == ["100", "0200"]
    assert [u.oddity for u in own.unread] == ["stranger", "stranger"]


def notebook(*cells: str) -> str:
    listed = [{"cell_type": "code", "source": c.splitlines(keepends=True)} for c in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "z1 = 9"}, *listed]})


def test_notebooks_of_otter_and_nbgrader_are_read_and_not_run(tmp_path: Path) -> None:
    home = tmp_path / "submitted"
    ran = tmp_path / "ran"
    ada = notebook(
        'import otter\ngrader = otter.Notebook("lab9.ipynb")\nhelper = 2 * 3\nlr = 0.1',
        "%matplotlib inline\nz1 = ...",
        "z1 = np.array([0.6, +1/10])\ndz3: float = -0.3654",
        f"open({str(ran)!r}, 'w')",
        "updated_b3 = 0.3365",
    )
    bo = notebook("z1 = [0.6, 0.1", "dz3 = 0.3654", "db2 = dz3 * w3", "z1 = [0.6, 0.1]")
    for who, text in {"ada": ada, "bo": bo, "cy": "{}"}.items():
        (home / who / "lab9").mkdir(parents=True)
        (home / who / "lab9" / "lab9.ipynb").write_text(text)
    report = handgrad.grade(handgrad.load("lab9"), home)
    assert report.students is not None
    assert [s.id for s in report.students] == ["ada", "bo"]
    verdicts = [{s.target: s.verdict for s in one.steps} for one in report.students]
    assert [v["z1"] for v in verdicts] == ["right", "right"]
    assert [v["dz3"] for v in verdicts] == ["right", "wrong"]
    assert [v["updated.b3"] for v in verdicts] == ["right", "missing"]
    assert not ran.exists()
    told = [(Path(u.where).parts[-3], u.why) for u in report.unread]
    assert [who for who, _ in told] == ["cy", "bo"]
    assert "is not a notebook" in told[0][1]
    assert told[1][1] == "db2 is worked out in code, which is not run; write its figures"
