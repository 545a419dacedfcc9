"""An assignment for Otter: a notebook to fill in, and a test for each quantity, by handgrad's own checker.

A folder for each sheet holds the notebook, its tests in Otter's OK format, the problem, and what has to be installed where
they run; `otter generate` makes the autograder of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from pprint import pformat
from typing import Any

from handgrad import __version__
from handgrad.exercises import file_names
from handgrad.page.blocks import Code
from handgrad.quizzes.form import field_names
from handgrad.quizzes.notebooks import PROBLEM, notebook_of, shape_words
from handgrad.quizzes.question import AskedQuantity, QuizQuestion


def otter_files(questions: Sequence[QuizQuestion], name: str) -> dict[PurePosixPath, bytes]:
    """The files by their paths, in a folder for each sheet where there are several."""
    contents: dict[PurePosixPath, bytes] = {}
    sheets = file_names([question.sheet for question in questions])
    for folder, question in zip(sheets, questions, strict=True):
        home = PurePosixPath(folder) if len(questions) > 1 else PurePosixPath()
        contents[home / f"{folder}.ipynb"] = _notebook(question, folder).encode()
        contents[home / PROBLEM] = question.sheet.problem.to_toml().encode()
        contents[home / "requirements.txt"] = f"handgrad=={__version__}\n".encode()
        names = field_names(question)
        for asked in question.asked:
            test = _test(names[asked.target], names)
            contents[home / "tests" / f"{names[asked.target]}.py"] = test.encode()
    return contents


def _notebook(question: QuizQuestion, folder: str) -> str:
    first = Code(f'import numpy as np\nimport otter\n\ngrader = otter.Notebook("{folder}.ipynb")')
    return notebook_of(question, first, _cells)


def _cells(asked: AskedQuantity, name: str) -> tuple[Code, Code]:
    return Code(f"{name} = ...  # {shape_words(asked)}"), Code(f'grader.check("{name}")')


def _test(name: str, names: dict[str, str]) -> str:
    """A test of one quantity, which sees all that was filled in: figures that follow from others are right."""
    called = {variable: target for target, variable in names.items()}
    code = (
        ">>> from handgrad.quizzes.cells import verdict\n"
        f">>> print(verdict({PROBLEM!r}, {called[name]!r}, {called!r}, globals()))\n"
        "right"
    )
    case: dict[str, Any] = {"code": code, "hidden": False, "locked": False}
    suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    test = {"name": name, "points": 1, "suites": [suite]}
    return f"OK_FORMAT = True\n\ntest = {pformat(test, sort_dicts=False, width=100)}\n"
