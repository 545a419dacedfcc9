"""An assignment for nbgrader: the instructor's version of a notebook, with a cell of tests for each quantity.

`nbgrader generate_assignment` takes the solutions out of it, and `nbgrader autograde` runs the tests, which ask handgrad's own checker
and give a share of the marks by entry. The metadata are nbgrader's, schema version 3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from handgrad.exercises import file_names
from handgrad.page.blocks import Code
from handgrad.quizzes.form import field_names
from handgrad.quizzes.notebooks import PROBLEM, notebook_of, shape_words
from handgrad.quizzes.question import AskedQuantity, QuizQuestion

SCHEMA = 3


def nbgrader_files(questions: Sequence[QuizQuestion], name: str) -> dict[PurePosixPath, bytes]:
    """The files by their paths in nbgrader's folder `source`: one of an assignment, or one for each sheet."""
    contents: dict[PurePosixPath, bytes] = {}
    sheets = file_names([question.sheet for question in questions])
    for folder, question in zip(sheets, questions, strict=True):
        home = PurePosixPath(folder) if len(questions) > 1 else PurePosixPath()
        contents[home / f"{folder}.ipynb"] = _notebook(question).encode()
        contents[home / PROBLEM] = question.sheet.problem.to_toml().encode()
    return contents


def _notebook(question: QuizQuestion) -> str:
    names = field_names(question)
    called = {variable: target for target, variable in names.items()}
    metadata: dict[str, Mapping[str, Any]] = {}

    def cells(asked: AskedQuantity, name: str) -> Sequence[Code]:
        solution = (
            f"# {name}: {shape_words(asked)}\n"
            f"### BEGIN SOLUTION\n{name} = {_written(asked)}\n### END SOLUTION"
        )
        test = (
            "from handgrad.quizzes.cells import share\n\n"
            f"share({PROBLEM!r}, {called[name]!r}, {called!r}, globals())"
        )
        metadata[solution] = _marked(name, grade=False)
        metadata[test] = {**_marked(f"test_{name}", grade=True), "points": 1}
        return Code(solution), Code(test)

    notebook = json.loads(notebook_of(question, Code("import numpy as np"), cells))
    for cell in notebook["cells"]:
        marked = metadata.get("".join(cell["source"]))
        if marked is not None:
            cell["metadata"] = {"nbgrader": {**marked, "cell_type": "code"}}
    return json.dumps(notebook, indent=1) + "\n"


def _marked(identity: str, *, grade: bool) -> dict[str, Any]:
    """The metadata of a cell of tests, or of one that is to be filled in."""
    return {
        "grade": grade,
        "grade_id": identity,
        "locked": grade,
        "schema_version": SCHEMA,
        "solution": not grade,
        "task": False,
    }


def _written(asked: AskedQuantity) -> str:
    """The right figures as Python writes them."""
    figures: Any = [gap.right.figure for gap in asked.gaps]
    if not asked.shape:
        return str(figures[0])
    for size in reversed(asked.shape[1:]):
        figures = [figures[k : k + size] for k in range(0, len(figures), size)]
    return f"np.array({str(figures).replace(chr(39), '')})"
