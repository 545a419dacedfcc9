"""The autograder for Gradescope, run on submissions as Gradescope lays them out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.checking import Checker
from handgrad.checking.check_report import CheckReport
from handgrad.quizzes import quiz_files
from handgrad.quizzes.autograder import main

ROSTER = "id,name\nada@uni.edu,Ada\nb2,Bo\n"
TEST_KEYS = {
    "score",
    "max_score",
    "status",
    "name",
    "number",
    "output",
    "output_format",
    "visibility",
}
TOP_KEYS = {"score", "output", "output_format", "visibility", "stdout_visibility", "tests"}


@pytest.fixture
def sheets(tmp_path: Path) -> handgrad.SheetSet:
    (tmp_path / "roster.csv").write_text(ROSTER, "utf-8")
    return handgrad.practice(handgrad.load("lab9"), roster=tmp_path / "roster.csv")


@pytest.fixture
def home(tmp_path: Path, sheets: handgrad.SheetSet) -> Path:
    """/autograder, with the zip unpacked in source."""
    (content,) = quiz_files("gradescope", sheets.worked(), Path("a.zip"), ["backward"]).values()
    (tmp_path / "a.zip").write_bytes(content)
    home = tmp_path / "autograder"
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(home / "source")
        modes = {i.filename: i.external_attr >> 16 & 0o777 for i in archive.infolist()}
    assert modes["run_autograder"] == modes["setup.sh"] == 0o755
    (home / "submission").mkdir()
    return home


def submit(home: Path, text: str, user: Mapping[str, Any], file: str = "answers.toml") -> Any:
    (home / "submission" / file).write_text(text, "utf-8")
    (home / "submission_metadata.json").write_text(json.dumps({"users": [user]}), "utf-8")
    main([str(home)])
    return json.loads((home / "results" / "results.json").read_text("utf-8"))


def answers(problem: handgrad.Problem, without: str = "", wrong: str = "") -> str:
    checker = Checker(problem)
    lines = []
    for q in checker.asked:
        if q.phase != "backward" or q.target == without:
            continue
        value = np.round(checker.work.exact[q.leaf], 4) * (-1 if q.target == wrong else 1)
        lines.append(f'"{q.target}" = {value.tolist()}')
    return "\n".join(lines)


def test_each_student_is_checked_against_their_own_numbers(
    home: Path, sheets: handgrad.SheetSet
) -> None:
    ada, bo = (sheet.problem for sheet in sheets)
    known = {"email": "Ada@uni.edu", "id": 17, "name": "Ada L"}
    found = submit(home, answers(ada), known)
    assert found["score"] == len(found["tests"]) > 5
    assert set(found) == TOP_KEYS
    for test in found["tests"]:
        assert set(test) == TEST_KEYS
        assert test["status"] == "passed"
        assert test["visibility"] == "visible"
    assert submit(home, answers(ada), {"email": "b2@uni.edu"})["score"] < found["score"]
    assert submit(home, answers(bo), {"email": "b2@uni.edu"})["score"] == found["score"]


def test_marks_are_those_of_check_and_a_slip_costs_once(
    home: Path, sheets: handgrad.SheetSet
) -> None:
    problem = sheets.sheets[0].problem
    text = answers(problem, wrong="dz3")
    found = submit(home, text, {"email": "ada@uni.edu"})
    (home / "mine.toml").write_text(text, "utf-8")
    report: CheckReport = handgrad.check(problem, home / "mine.toml")
    for test in found["tests"]:
        target = test["name"].split()[-1]
        judged = report[target]
        assert test["score"] == judged.marks
        assert test["output"] == str(judged)
    (failed,) = (t for t in found["tests"] if t["name"].endswith(" dz3"))
    assert failed["score"] == 0
    assert failed["status"] == "failed"
    assert "wrong way round" in failed["output"] or "sign" in failed["output"]


@pytest.mark.parametrize(
    ("file", "text", "user", "said"),
    [
        ("answers.txt", "z1 = 1", {"email": "ada@uni.edu"}, "there is no answers file"),
        ("answers.toml", "", {"email": "ada@uni.edu"}, "holds no answers"),
        ("answers.toml", "z1 = [1, 2]", {"email": "eve@uni.edu"}, "none of the sheets is yours"),
    ],
)
def test_what_cannot_be_marked_is_told_to_the_student(
    home: Path, file: str, text: str, user: dict[str, str], said: str
) -> None:
    found = submit(home, text, user, file)
    assert found["score"] == 0
    assert said in found["output"]


def test_the_file_s_name_tells_whose_sheet_it_is_where_gradescope_does_not(
    home: Path, sheets: handgrad.SheetSet
) -> None:
    text = answers(sheets.sheets[1].problem)
    found = submit(home, text, {"email": "someone@else"}, "b2-answers.toml")
    assert found["score"] == len(found["tests"])


def test_the_programs_are_bash_and_run_the_checker(home: Path, sheets: handgrad.SheetSet) -> None:
    source = home / "source"
    for script in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", str(source / script)], check=True)
        assert "\r" not in (source / script).read_text("utf-8")
    submit(home, answers(sheets.sheets[0].problem), {"email": "ada@uni.edu"})
    (home / "results" / "results.json").unlink()
    run = (source / "run_autograder").read_text("utf-8").splitlines()[-1]
    module = run.split(" -m ")[1].split()[0]
    subprocess.run([sys.executable, "-m", module, str(home)], check=True, env=os.environ.copy())
    assert (home / "results" / "results.json").is_file()
