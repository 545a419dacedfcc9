"""Each student's own numbers, from the problems that `practice --problems` wrote, found by the student's id."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handgrad.arrays import Array
from handgrad.errors import OptionError
from handgrad.files import file_name
from handgrad.grading.found_files import ANSWERS
from handgrad.models import load
from handgrad.problem import Problem
from handgrad.problem.given import given

NUMBERS = ("parameters", "data", "given")
"""The tables of a problem file that hold its numbers."""


class OwnNumbers:
    """The problems of a folder, read as they are asked for.

    Arguments:
        problem: the problem that all of them are variants of.
        folder: where they are, a .toml file for each student.

    Raises `OptionError` for a folder that is not there, or holds no problem.
    """

    def __init__(self, problem: Problem, folder: Path) -> None:
        self.problem = problem
        self.shapes = {name: g.array.shape for name, g in problem.inputs.items()}
        if not folder.is_dir():
            raise OptionError("there is no such folder", where=str(folder)[:200])
        self.files = {
            p.stem: p for p in sorted(folder.glob("*.toml")) if not p.stem.endswith(ANSWERS)
        }
        if not self.files:
            raise OptionError(
                "holds no problems",
                where=str(folder),
                mend="handgrad practice PROBLEM --for roster.csv --problems FOLDER writes them",
            )
        self._by_name = {stem.casefold(): stem for stem in self.files}
        self._like: str | None = None

    def named(self, id_: str) -> str | None:
        """What the file of a student is called; None where there is none."""
        for name in (id_, file_name(id_)):
            if name in self.files:
                return name
            if name.casefold() in self._by_name:
                return self._by_name[name.casefold()]
        return None

    def numbers(self, name: str) -> Mapping[str, Array]:
        """The numbers of a student's problem by name. Raises `HandgradError` where it is another problem."""
        path = self.files[name]
        try:
            table = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        except (OSError, ValueError, RecursionError):
            table = {}
        alike = _without_numbers(table)
        if not table or alike != self._like:
            # The first is read as problems are; those that differ in their numbers alone are then like it.
            arrays = {n: g.array for n, g in self._other(path).inputs.items()}
            self._like = alike
        else:
            written = {n: v for key in NUMBERS for n, v in table.get(key, {}).items()}
            arrays = {n: given(v, n).array for n, v in written.items()}
        for each, shape in self.shapes.items():
            if each not in arrays or arrays[each].shape != shape:
                raise OptionError(f"its problem has {each} in another shape", where=path.name)
        return {n: arrays[n] for n in self.shapes}

    def _other(self, path: Path) -> Problem:
        other = load(path)
        if other.equations != self.problem.equations or other.loss != self.problem.loss:
            raise OptionError("its problem has other equations", where=path.name)
        return other


def _without_numbers(table: Mapping[str, Any]) -> str:
    return json.dumps({k: v for k, v in table.items() if k not in NUMBERS}, default=str)
