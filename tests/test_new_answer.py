"""An answer that is added as CONTRIBUTING.md says: its room, and its names in two lists."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np

import handgrad
from tests.contributing import ROOT, Copy, Example

EXAMPLE = Example.of("Add an answer")
FLOOR, NAMES = EXAMPLE.lines

SCRIPT = """
import json
import runpy
import sys

import handgrad
from importlinter.cli import lint_imports

for tool in ("front_door", "schemas"):
    runpy.run_module(f"tools.{tool}", run_name="__main__")
answer = handgrad.step_sizes(handgrad.load("lab9"))
print(json.dumps(answer.to_json()))
print(repr(answer))
answer.save("page.html")
answer.save("page.txt")
try:
    handgrad.step_sizes(handgrad.Problem("L = a**2", data={"a": 2.0}))
except handgrad.OptionError as error:
    print(error)
sys.exit(lint_imports("pyproject.toml"))
"""


def test_a_room_and_its_names_are_enough(tmp_path: Path) -> None:
    copy = Copy(tmp_path, EXAMPLE)
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    floor = next(x for x in project.splitlines() if " | paths | study | " in x)
    (tmp_path / "pyproject.toml").write_text(project.replace(f"{floor}\n", FLOOR), "utf-8")
    copy.insert("handgrad/__init__.py", NAMES, before='    "verification":')
    ran = copy.python(SCRIPT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    printed, shown, refused, *_ = ran.stdout.splitlines()
    answer = json.loads(printed)
    schema = json.loads((tmp_path / "handgrad/schema/step-sizes.json").read_text("utf-8"))
    jsonschema.validate(answer, schema)
    problem = handgrad.load("lab9")
    updated = handgrad.solve(problem).updated
    for moved in answer["parameters"]:
        before = problem.parameters[moved["parameter"]].array
        step = np.sqrt(((updated[moved["parameter"]] - before) ** 2).sum())
        np.testing.assert_allclose(moved["share"], step / np.sqrt((before**2).sum()))
    shares = [moved["share"] for moved in answer["parameters"]]
    assert shares == sorted(shares, reverse=True)
    assert shown == "<StepSizes: 6 parameters>"
    assert refused == "the problem makes no update (give it parameters and an [update])"
    page = (tmp_path / "page.txt").read_text("utf-8")
    assert f"by {shares[0]:.4f} of it." in page
    assert "<table" in (tmp_path / "page.html").read_text("utf-8")
    stub = (tmp_path / "handgrad/__init__.pyi").read_text("utf-8")
    assert "from handgrad.sizes import step_sizes as step_sizes" in stub
