"""What learning systems themselves make of practice that is given out: a check from outside, beside the tests.

    python -m tools.systems --qti-migration FOLDER --prairielearn FOLDER --stack FOLDER

Each folder is a checkout of the system's own repository: instructure/QTIMigrationTool, by which Canvas imports QTI, PrairieLearn/PrairieLearn, whose elements need Python 3.12 or later, and maths/moodle-qtype_stack, which runs without Moodle
(PHP with intl, mbstring, xml and yaml; Maxima with its share packages). Needs lxml, jsonschema and what these elements import; where
`otter-grader` or `nbgrader` is installed theirs is run too. Every sheet is answered right, at the edges of every tolerance, and by every wrong rule; a line a system says what came of it.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import handgrad
from handgrad.checking import Checker
from handgrad.exercises import WorkedSheets
from handgrad.quizzes import quiz_files
from handgrad.quizzes.asking import quiz_questions
from handgrad.quizzes.question import QuizQuestion

PROBLEMS = ("lab9", "softmax", "batch", "rnn", "sigmoid_circuit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qti-migration", type=Path)
    parser.add_argument("--prairielearn", type=Path)
    parser.add_argument("--stack", type=Path)
    given = parser.parse_args()
    sheets = {name: handgrad.practice(handgrad.load(name), count=2).worked() for name in PROBLEMS}
    if given.qti_migration:
        print(canvas(sheets, given.qti_migration.resolve()))
    if given.prairielearn:
        print(prairielearn(sheets, given.prairielearn.resolve()))
    if given.stack:
        print(stack(sheets, given.stack.resolve()), flush=True)
    if importlib.util.find_spec("otter"):
        print(otter(sheets))
    if importlib.util.find_spec("nbgrader"):
        print(nbgrader(sheets))


# -- Canvas ---------------------------------------------------------------------------------


def canvas(sheets: dict[str, WorkedSheets], tool: Path) -> str:
    """The QTI 1.2 against its DTD, then what the migration tool makes of it, marked by its ranges."""
    from lxml import etree

    dtd = etree.DTD(str(tool / "schemas" / "ims_qtiasiv1p2p1.dtd"))
    items = marked = 0
    for worked in sheets.values():
        (content,) = quiz_files("canvas", worked, Path("x.zip")).values()
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(home / "in")
            for file in (home / "in").glob("quiz*/quiz*.xml"):
                text = re.sub(r' xmlns="[^"]*"', "", file.read_text("utf-8"), count=1)
                root = etree.fromstring(text.encode())
                assert dtd.validate(root), dtd.error_log
            subprocess.run(
                [sys.executable, "migrate.py", "--nogui", "--ucvars", "--forcefibfloat", f"--cpout={home / 'out'}", str(home / "in")],
                cwd=tool, check=True, capture_output=True,
            )  # fmt: skip
            for question in quiz_questions(worked):
                found = list(_migrated(home / "out", question))
                items += len(found)
                for (low, high), gap in zip(found, question.gaps, strict=True):
                    right = [
                        gap.right.value,
                        float(gap.right.figure),
                        gap.right.lower,
                        gap.right.upper,
                    ]
                    wrong = [float(w.given.figure) for w in gap.wrong]
                    assert all(low <= x <= high for x in right), (gap, low, high)
                    assert not any(low <= x <= high for x in wrong), (gap, low, high)
                    marked += len(right) + len(wrong)
    return f"Canvas: {items} questions fit the DTD of QTI 1.2 and pass the migration tool; {marked} answers marked as check does"


def _migrated(folder: Path, question: QuizQuestion) -> Iterator[tuple[float, float]]:
    """The range of every numerical question that came of a quiz, in order."""
    quiz = f"quiz{question.sheet.number}"
    test = (folder / "assessmentTests" / f"{quiz}.xml").read_text("utf-8")
    for href in re.findall(r'href="([^"]+)"', test):
        text = (folder / "assessmentTests" / href).resolve().read_text("utf-8")
        if 'value="numerical_question"' not in text:
            continue
        conditions = re.findall(r"<responseIf>.*?</responseIf>", text, re.DOTALL)
        (right,) = [c for c in conditions if 'identifier="SCORE"><baseValue' in c and "<or>" in c]
        low, high = (
            re.search(
                rf"<{tag}>.*?<baseValue[^>]*>([^<]+)</baseValue>\s*</{tag}>", right, re.DOTALL
            )
            for tag in ("gte", "lte")
        )
        if low is None or high is None:
            raise ValueError(f"no range in {right}")
        yield float(low[1]), float(high[1])


# -- PrairieLearn ---------------------------------------------------------------------------


def prairielearn(sheets: dict[str, WorkedSheets], course: Path) -> str:
    """info.json against the schema; answers through the elements' own parse and grade, then grade() of server.py."""
    import jsonschema

    app = course / "apps" / "prairielearn"
    sys.path.insert(0, str(app / "python"))
    schema = json.loads((app / "src/schemas/schemas/infoQuestion.json").read_text("utf-8"))
    elements = {n: _element(app, n) for n in ("pl-number-input", "pl-matrix-component-input")}
    answered = 0
    for worked in sheets.values():
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "q"
            for path, content in quiz_files("prairielearn", worked, home).items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            jsonschema.validate(json.loads((home / "info.json").read_text("utf-8")), schema)
            for seed, question in enumerate(quiz_questions(worked)):
                answered += _answered(home, seed, question, app, elements)
    return f"PrairieLearn: info.json fits its schema; {answered} sets of answers parsed by its elements and marked as check does"


def _element(app: Path, name: str) -> ModuleType:
    path = app / "elements" / name / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _answered(
    home: Path, seed: int, question: QuizQuestion, app: Path, elements: dict[str, ModuleType]
) -> int:
    """Right answers, then every wrong rule that gives a whole quantity: how many were tried."""
    import chevron
    import numpy as np

    page = (home / "question.html").read_text("utf-8")
    listed = json.loads((home / "variants.json").read_text("utf-8"))["fields"]
    gaps = {(a.target, g.at): g for a in question.asked for g in a.gaps}

    def data(changed: dict[tuple[str, tuple[int, ...]], str]) -> dict[str, Any]:
        server: dict[str, Any] = {}
        exec((home / "server.py").read_text("utf-8"), server)
        found: dict[str, Any] = {
            "variant_seed": seed, "params": {}, "correct_answers": {}, "submitted_answers": {},
            "raw_submitted_answers": {}, "format_errors": {}, "partial_scores": {}, "feedback": {},
            "score": 0, "options": {"question_path": str(home)}, "answers_names": {}, "panel": "question",
        }  # fmt: skip
        server["generate"](found)
        for field in listed:
            places = [tuple(at) for row in field["places"] for at in row]
            for k, at in enumerate(places, start=1):
                key = field["name"] if field["scalar"] else f"{field['name']}{k}"
                target = (field["target"], at)
                found["raw_submitted_answers"][key] = changed.get(target, gaps[target].right.figure)
        found["submitted_answers"] = dict(found["raw_submitted_answers"])
        html = chevron.render(page, {"params": found["params"]})
        for tag, rest in re.findall(r"<(pl-number-input|pl-matrix-component-input)([^>]*)>", html):
            os.chdir(app / "elements" / tag)
            markup = f"<{tag}{rest}></{tag}>"
            for phase in ("prepare", "parse", "grade"):
                getattr(elements[tag], phase)(markup, found)
        assert not found["format_errors"], found["format_errors"]
        found["by_elements"] = {n: s["score"] for n, s in found["partial_scores"].items()}
        server["grade"](found)
        return found

    right = data({})
    assert abs(right["score"] - 1) < 1e-9, right["feedback"]
    assert set(right["by_elements"].values()) == {1}
    tried = 1
    for asked in question.asked:
        if asked.shape:
            continue
        (gap,) = asked.gaps
        for wrong in gap.wrong:
            found = data({(asked.target, gap.at): wrong.given.figure})
            name = next(f["name"] for f in listed if f["target"] == asked.target)
            assert found["by_elements"][name] == found["partial_scores"][name]["score"] == 0
            assert found["feedback"][name], wrong
            tried += 1
    assert np.isfinite(right["score"])
    return tried


# -- STACK ----------------------------------------------------------------------------------

KEPT = 1e-3
"""STACK keeps three decimals of a tree's score, then the nearest short continued fraction: of 5/6 0.832998
(stack/prt.class.php and stack/utils.class.php of 4.11.1)."""


def stack(sheets: dict[str, WorkedSheets], checkout: Path) -> str:
    """The first problem's own tests; of all, right figures, edges, and slips with what follows from them."""
    from tests.quizzes.sheets import shares

    driver = Path(__file__).with_name("stack_drive.php")
    asked: list[dict[str, Any]] = []
    expected: list[list[dict[str, float]]] = []
    for k, worked in enumerate(sheets.values()):
        (content,) = quiz_files("stack", worked, Path("x.xml")).values()
        root = ElementTree.fromstring(content)
        alone = ElementTree.Element("quiz")
        alone.append(next(q for q in root if q.get("type") == "stack"))
        question = quiz_questions(worked)[0]
        laid_out = [
            (a, g) for a in question.asked for grid in a.grids() for row in grid.rows for g in row
        ]
        responses: list[dict[str, str]] = []
        shared: list[dict[str, float]] = []
        for entered, right in _entered(question):
            responses.append(
                {f"ans{n}": entered[a.target, g.at] for n, (a, g) in enumerate(laid_out, 1)}
            )
            ones = {a.target: 1.0 for a in question.asked}
            shared.append(ones if right else shares(question, entered))
        asked.append(
            {"xml": ElementTree.tostring(alone, "unicode"), "tests": not k, "responses": responses}
        )
        expected.append(shared)
    with tempfile.TemporaryDirectory() as data:
        done = subprocess.run(
            ["php", "-d", "memory_limit=2G", str(driver), str(checkout), data],
            input=json.dumps({"questions": asked}), capture_output=True, text=True, check=True,
        )  # fmt: skip
    tests = trees = 0
    for found, shared in zip(json.loads(done.stdout), expected, strict=True):
        assert not found["errors"], found["errors"]
        for test in found["tests"]:
            assert test["passed"], test
            tests += 1
        for answered, scores in zip(found["answered"], shared, strict=True):
            for (tree, score), share in zip(
                answered["scores"].items(), scores.values(), strict=True
            ):
                assert abs(score - share) < KEPT, (tree, score, share, answered)
                trees += 1
    return (
        f"STACK: {tests} tests of its own questions pass; {trees} trees score answers as check does"
    )


def _entered(
    question: QuizQuestion,
) -> Iterator[tuple[dict[tuple[str, tuple[int, ...]], str], bool]]:
    """Right figures and both edges, which are right each by itself; then two slips with what follows from them."""
    import numpy as np

    gaps = [(a.target, g) for a in question.asked for g in a.gaps]
    right = {(t, g.at): g.right.figure for t, g in gaps}
    yield right, True
    for end in ("lower", "upper"):
        yield {(t, g.at): f"{getattr(g.right, end):.9f}" for t, g in gaps}, True
    work = Checker(question.sheet.problem).work
    quantities = {q.target: q for q in work.structure.quantities}
    slipped = [a for a in question.asked if any(g.wrong for g in a.gaps)]
    for first in (slipped[0], slipped[len(slipped) // 2]):
        gap = next(g for g in first.gaps if g.wrong)
        entered = right | {(first.target, gap.at): gap.wrong[0].given.figure}
        values = dict(work.exact)
        passed = False
        for a in question.asked:
            quantity = quantities[a.target]
            if passed:
                with np.errstate(all="ignore"):
                    value = quantity.formula(
                        {leaf: values[leaf] for leaf in quantity.formula.leaves}
                    )
                if np.isfinite(value).all():
                    value = np.broadcast_to(value, a.shape)
                    entered |= {
                        (a.target, at): f"{value[at] + 0.0:.4f}" for at in np.ndindex(a.shape)
                    }
            passed |= a is first
            figures = [float(entered[a.target, at]) for at in np.ndindex(a.shape)]
            values[quantity.leaf] = np.array(figures).reshape(a.shape)
        yield entered, False


# -- Otter ----------------------------------------------------------------------------------


def otter(sheets: dict[str, WorkedSheets]) -> str:
    """Otter's own reading of the tests, on a notebook's variables with right answers, and with a wrong one."""
    import numpy as np
    from otter.test_files import OKTestFile

    passed = failed = 0
    for worked in sheets.values():
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "q"
            for path, content in quiz_files("otter", worked, home).items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            for question, place in zip(quiz_questions(worked), sorted(home.iterdir()), strict=True):
                os.chdir(place)
                variables = {}
                for asked in question.asked:
                    array = np.array([float(g.right.figure) for g in asked.gaps])
                    name = re.sub(r"\W+", "_", asked.target)
                    variables[name] = array.reshape(asked.shape) if asked.shape else float(array[0])
                for test in sorted((place / "tests").glob("*.py")):
                    assert _passes(OKTestFile, test, variables), test
                    passed += 1
                    blank = {**variables, test.stem: ...}
                    assert not _passes(OKTestFile, test, blank)
                    failed += 1
    return f"Otter: {passed} tests pass on right answers, {failed} fail on what is not filled in"


# -- nbgrader -------------------------------------------------------------------------------


def nbgrader(sheets: dict[str, WorkedSheets]) -> str:
    """Assignments generated and graded by nbgrader: right answers, slips, nothing filled in; then read by `grade`."""
    scores = {"right": 0, "slipped": 0, "blank": 0}
    for name, worked in list(sheets.items())[:2]:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            for path, content in quiz_files(
                "nbgrader", next(iter(worked)), home / "source/hw"
            ).items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            run = [sys.executable, "-m", "nbgrader"]
            # nbgrader calls alembic, and Jupyter the kernel, that are installed beside it.
            beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
            source = str(Path(handgrad.__file__).parents[1])
            paths = {**os.environ, "PYTHONPATH": source, "PATH": beside}
            for step in (
                ["generate_assignment", "hw", "--create"],
                ["autograde", "hw", "--create"],
            ):
                if step[0] == "autograde":
                    slipped = _handed_in(home, quiz_questions(worked)[0])
                subprocess.run([*run, *step], cwd=home, check=True, capture_output=True, env=paths)
            subprocess.run([*run, "export"], cwd=home, check=True, capture_output=True, env=paths)
            with (home / "grades.csv").open() as file:
                got = {r["student_id"]: float(r["score"]) for r in csv.DictReader(file)}
            whole = len(quiz_questions(worked)[0].asked)
            assert got == {"right": whole, "slipped": whole - slipped, "blank": 0}, (name, got)
            report = handgrad.grade(
                handgrad.load(home / "source/hw/problem.toml"), home / "submitted"
            )
            assert {s.id: s.marks for s in report.students or ()}["right"] == whole
            for who in scores:
                scores[who] += whole
    return f"nbgrader: {scores['right']} tests give full marks on right answers, {scores['slipped']} with slips what check gives, {scores['blank']} none on nothing"


def _handed_in(home: Path, question: QuizQuestion) -> float:
    """Three students' notebooks, filled in; what the slips of one cost by entry."""
    (source,) = (home / "source/hw").glob("*.ipynb")
    solved = json.loads(source.read_text("utf-8"))["cells"]
    right = {
        c["metadata"]["nbgrader"]["grade_id"]: "".join(c["source"])
        for c in solved
        if c["metadata"].get("nbgrader", {}).get("solution")
    }
    # In the first quantity that has several entries, one is off.
    first = next(a for a in question.asked if len(a.gaps) > 1)
    off = [float(g.right.figure) for g in first.gaps]
    off[0] += 1
    slips = {first.target: f"{first.target} = np.array({off}).reshape({first.shape})"}
    for who, changed in (("right", {}), ("slipped", slips), ("blank", None)):
        notebook = json.loads((home / "release/hw" / source.name).read_text("utf-8"))
        for cell in notebook["cells"]:
            marked = cell["metadata"].get("nbgrader", {})
            if marked.get("solution") and changed is not None:
                cell["source"] = changed.get(marked["grade_id"], right[marked["grade_id"]])
        where = home / "submitted" / who / "hw"
        where.mkdir(parents=True)
        (where / source.name).write_text(json.dumps(notebook))
    return 1 / len(first.gaps)


def _passes(kind: Any, test: Path, variables: dict[str, Any]) -> bool:
    file = kind.from_file(str(test))
    file.run(dict(variables))
    return all(result.passed for result in file.test_case_results)


if __name__ == "__main__":
    main()
