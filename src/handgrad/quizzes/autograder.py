"""Run by Gradescope for each submission: `python -m handgrad.quizzes.autograder /autograder`.

The answers file of a student is checked against that student's own numbers, found by email, id or name, or by the
file's name; results.json is what Gradescope's specification says. What a student has got wrong about the file is told to the
student, and is no failure of the grader.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from handgrad.checking.check_report import CheckReport
from handgrad.checking.checking import Checker
from handgrad.checking.reading import read_answers
from handgrad.checking.report import Judged
from handgrad.errors import HandgradError, OptionError
from handgrad.problem import loads

ANSWERS = (".toml", ".json", ".csv")
"""Endings of answers files."""


def results(home: Path) -> dict[str, Any]:
    """What Gradescope is told of the submission in `home`: marks by quantity, or why there are none."""
    try:
        file = _answers(home / "submission")
        source = home / "source"
        listing = json.loads((source / "sheets.json").read_text("utf-8"))
        sheet = _sheet(listing["sheets"], list(_known(home)), file.stem)
        problem = loads((source / sheet["problem"]).read_text("utf-8"), files=False)
        asked = listing["asked"]
        rubric = {"default": 0, "quantities": dict.fromkeys(asked, 1)}
        report = Checker(problem, rubric).check(read_answers(file))
    except HandgradError as error:
        return {**_SHOWN, "score": 0, "output": str(error), "tests": []}
    return _of(report, asked)


_SHOWN = {"output_format": "text", "visibility": "visible", "stdout_visibility": "hidden"}


def _of(report: CheckReport, asked: Sequence[str]) -> dict[str, Any]:
    tests = [_test(report[target]) for target in asked]
    said = "\n".join(report.remarks)
    return {
        **_SHOWN,
        "score": sum(test["score"] for test in tests),
        "output": said
        or "Every quantity is one mark; what follows from an earlier mistake is right.",
        "tests": tests,
    }


def _test(judged: Judged) -> dict[str, Any]:
    well = judged.verdict in ("right", "consistent")
    return {
        "name": f"{judged.quantity.step} {judged.target}".strip(),
        "number": judged.quantity.step,
        "score": judged.marks,
        "max_score": judged.out_of,
        "status": "passed" if well else "failed",
        "output": str(judged),
        "output_format": "text",
        "visibility": "visible",
    }


def _answers(folder: Path) -> Path:
    """The answers file of a submission. Raises `OptionError` where there is none, or more than one."""
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix.lower() in ANSWERS and not path.name.startswith(".")
    )
    if len(found) != 1:
        names = ", ".join(path.name for path in found[:5])
        raise OptionError(
            f"there are {len(found)} answers files: {names}"
            if found
            else "there is no answers file",
            mend=f"hand in one file that ends in {', '.join(ANSWERS[:-1])} or {ANSWERS[-1]}",
        )
    return found[0]


def _known(home: Path) -> Iterator[str]:
    """What Gradescope knows a student by: email, its local part, student id, name, of each of a group."""
    try:
        metadata = json.loads((home / "submission_metadata.json").read_text("utf-8"))
    except (OSError, ValueError):
        return
    for user in metadata.get("users", []):
        for key in ("email", "sid", "id", "name"):
            value = str(user.get(key) or "").strip().casefold()
            if value:
                yield value
            if key == "email" and "@" in value:
                yield value.partition("@")[0]


def _sheet(sheets: Sequence[dict[str, str]], known: Sequence[str], file: str) -> dict[str, str]:
    """The sheet of a student. Raises `OptionError` where none is theirs."""
    if len(sheets) == 1:
        return sheets[0]
    for key in ("id", "name"):
        for sheet in sheets:
            if sheet[key] and sheet[key].casefold() in known:
                return sheet
    named = file.removesuffix("-answers").casefold()
    for sheet in sheets:
        if Path(sheet["problem"]).stem.casefold() == named:
            return sheet
    raise OptionError(
        "none of the sheets is yours",
        mend="keep the name that the answers file had, such as a1-answers.toml",
    )


def main(arguments: Sequence[str]) -> None:
    """Writes the results of the submission."""
    home = Path(arguments[0])
    where = home / "results"
    where.mkdir(parents=True, exist_ok=True)
    (where / "results.json").write_text(json.dumps(results(home), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
