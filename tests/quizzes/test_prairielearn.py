"""The question folder for PrairieLearn, driven as PrairieLearn drives it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handgrad.checking import Checker
from handgrad.quizzes import grading, quiz_files
from handgrad.quizzes.question import AskedQuantity
from tests.quizzes.sheets import PROBLEMS, files, questions, worked


def folder(tmp_path: Path, name: str, count: int = 2) -> Path:
    for path, content in files("prairielearn", name, "out", count).items():
        where = tmp_path / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(content)
    return tmp_path / "out"


def generated(home: Path, seed: int) -> dict[str, Any]:
    """PrairieLearn's data after server.py's generate()."""
    data: dict[str, Any] = {
        "variant_seed": seed,
        "params": {},
        "correct_answers": {},
        "options": {"question_path": str(home)},
        "submitted_answers": {},
        "raw_submitted_answers": {},
        "format_errors": {},
        "partial_scores": {},
        "feedback": {},
        "score": 0,
    }
    server: dict[str, Any] = {}
    exec((home / "server.py").read_text("utf-8"), server)
    server["generate"](data)
    data["server"] = server
    return data


def answer(data: dict[str, Any], texts: dict[str, Any]) -> None:
    """Figures as the elements leave them in raw_submitted_answers: a table's are numbered row by row."""
    for name, right in data["correct_answers"].items():
        given = texts.get(name, right)
        if isinstance(right, list):
            for k, x in enumerate(np.ravel(np.array(given, dtype=object)), start=1):
                data["raw_submitted_answers"][f"{name}{k}"] = str(x)
        else:
            data["raw_submitted_answers"][name] = str(given)
        # What the element itself makes of it stays, but for the score.
        data["partial_scores"][name] = {"score": 0.5, "weight": 1, "feedback": {"kept": "yes"}}


@pytest.mark.parametrize("name", PROBLEMS)
def test_right_answers_are_right_in_every_variant(tmp_path: Path, name: str) -> None:
    home = folder(tmp_path, name)
    for seed, question in enumerate(questions(name, 2)):
        data = generated(home, seed)
        assert data["params"]["variant"] == seed
        answer(data, {})
        data["server"]["grade"](data)
        assert data["score"] == pytest.approx(1), data["feedback"]
        assert not any(said for key, said in data["feedback"].items() if key != "entered")
        count = sum(np.size(v) for v in data["correct_answers"].values())
        assert count == len(question.gaps)


def test_what_follows_from_a_slip_is_right_and_the_slip_is_named(tmp_path: Path) -> None:
    """As `check` has it: dz3 with the wrong sign, and all that follows computed from it."""
    data = generated(folder(tmp_path, "lab9"), 1)
    backward = [n for n in data["correct_answers"] if n.startswith("d")]
    flipped = {n: (-np.array(data["correct_answers"][n])).tolist() for n in backward}
    answer(data, flipped)
    data["server"]["grade"](data)
    scores = {n: data["partial_scores"][n]["score"] for n in backward}
    assert scores.pop("dz3") == 0
    assert set(scores.values()) == {1}
    assert "wrong way round" in data["feedback"]["dz3"] or "sign" in data["feedback"]["dz3"]
    assert "right, given what came before" in data["feedback"]["dW2_"]


def test_the_share_of_a_table_is_that_of_its_right_entries(tmp_path: Path) -> None:
    data = generated(folder(tmp_path, "lab9"), 0)
    W1 = np.array(data["correct_answers"]["updated_W1_"])  # noqa: N806
    W1[0, 1] += 0.5
    answer(data, {"updated_W1_": W1.tolist()})
    data["server"]["grade"](data)
    assert data["partial_scores"]["updated_W1_"]["score"] == 0.75
    assert data["partial_scores"]["updated_W1_"]["feedback"] == {"kept": "yes"}
    assert 0 < data["score"] < 1


@pytest.mark.parametrize("figure", ["−0.5", "-1/2", "-.5"])
def test_figures_are_read_as_check_reads_them(tmp_path: Path, figure: str) -> None:
    data = generated(folder(tmp_path, "lab9"), 0)
    answer(data, dict.fromkeys(data["correct_answers"], "") | {"dz3": figure})
    data["server"]["grade"](data)
    problem = questions("lab9", 2)[0].sheet.problem
    judged = Checker(problem).check_one("dz3", figure)
    assert data["partial_scores"]["dz3"]["score"] == (judged.verdict == "right")
    assert "no number" not in data["feedback"]["dz3"]


def test_a_mistake_of_one_entry_is_told(tmp_path: Path) -> None:
    data = generated(folder(tmp_path, "lab9"), 0)
    answer(data, {"dz2_": [["abc"], ["1"]]})
    data["server"]["grade"](data)
    assert data["partial_scores"]["dz2_"]["score"] < 1


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_page_has_an_element_for_every_answer(tmp_path: Path, name: str) -> None:
    home = folder(tmp_path, name)
    page = (home / "question.html").read_text("utf-8")
    data = generated(home, 0)
    named = re.findall(r'answers-name="([^"]+)"', page)
    assert sorted(named) == sorted(data["correct_answers"])
    assert len(set(named)) == len(named)
    for name_ in named:
        assert re.fullmatch(r"[A-Za-z]\w*", name_, re.ASCII)
        assert float(data["params"]["atol"][name_]) > 0
        # A table's fields are named by numbers after its name.
        others = [n for n in named if n != name_]
        assert not any(re.fullmatch(rf"{name_}\d+", other) for other in others)
    for key in re.findall(r"params\.([\w.]+)", page):
        value: Any = data["params"]
        for part in key.split("."):
            value = value[part]
        assert value
    assert page.count('rtol="0"') == len(named)
    assert not re.search(r"\\\(|\{\{[^#/{p f]", page)
    assert (home / "clientFilesQuestion" / data["params"]["picture"]).is_file()


def test_info_names_the_question_and_stays_the_same() -> None:
    out = files("prairielearn", "lab9", "out", 2)
    info = json.loads(out[Path("out/info.json")])
    assert set(info) == {"uuid", "type", "title", "topic", "tags"}
    assert info["type"] == "v3"
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", info["uuid"]
    )
    assert quiz_files("prairielearn", worked("lab9", 2), Path("out")) == out
    other = quiz_files("prairielearn", worked("lab9", 2), Path("out"), ["dW2"])
    assert json.loads(other[Path("out/info.json")])["uuid"] != info["uuid"]


def test_grading_needs_nothing_that_only_writing_needs() -> None:
    assert not {"typst", "polars", "torch"} & set(_imported())
    assert isinstance(questions("lab9")[0].asked[0], AskedQuantity)
    assert grading.grade.__doc__


def _imported() -> list[str]:
    import subprocess

    code = "import sys, handgrad.quizzes.grading; print(*sys.modules)"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
