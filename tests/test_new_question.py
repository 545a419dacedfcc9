"""A kind of question that is added as CONTRIBUTING.md says: one file, and its place in the list."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import numpy as np
import pytest

import handgrad
from handgrad.discussion import KINDS
from tests.contributing import Copy, Example
from tests.gauntlet.facts import asked, test_asked, test_complete
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import spoiled

EXAMPLE = Example.of("Add a kind of question")
IMPORT, JUDGE = EXAMPLE.lines
LIST = "handgrad/discussion/kinds/__init__.py"


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class of the example."""
    module = ModuleType("smallest_gradient")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(EXAMPLE.code, module.__dict__)
    return module.__dict__["SmallestGradient"]


def test_one_file_and_a_place_in_the_list_are_enough(tmp_path: Path) -> None:
    """Pasted into a copy of the package, it is asked on the terminal, on a page and in JSON, as its schema says."""
    copy = Copy(tmp_path, EXAMPLE)
    copy.insert(LIST, f"{IMPORT}\n", before="KINDS")
    copy.insert(LIST, "    SmallestGradient,\n", before=')\n"""Every kind')
    command = "questions lab9 --only smallest_gradient"
    result = copy.python(
        "from tools.schemas import main\n"
        "from handgrad.cli.commands import run\n"
        "main()\n"
        f"run('{command} -o page.html'.split())\n"
        f"run('{command} --as slides -o slides.html'.split())\n"
        f"run('{command} --ascii'.split())\n"
        f"run('{command} --json'.split())\n"
    )
    assert result.returncode == 0, result.stderr
    assert "Q1: The smallest gradient" in result.stdout
    assert "Which parameter's gradient has the smallest norm" in result.stdout
    printed = json.loads(result.stdout[result.stdout.index('{"schema"') :])
    schema = (tmp_path / "handgrad" / "schema" / "questions.json").read_text("utf-8")
    jsonschema.validate(printed, json.loads(schema))
    (question,) = printed["questions"]
    run = handgrad.solve(handgrad.load("lab9")).run
    for name, norm in question["norms"]:
        assert norm == pytest.approx(np.sqrt((run.gradient(name) ** 2).sum()))
    for page in ("page.html", "slides.html"):
        told = (tmp_path / page).read_text("utf-8")
        assert "has the smallest norm, and which the largest?" in told
        assert "No norm is smaller than that of" in told


def test_the_judge_of_the_example_finds_every_false_field(kind: Any) -> None:
    names = {**vars(asked), "SmallestGradient": kind}
    exec(JUDGE, names)
    facts = Facts.of(handgrad.load("lab9"))
    question = kind.find(facts.trace)

    def right(it: Any) -> bool:
        return all(holds for holds, _ in names["_smallest_gradient"](it, facts))

    assert right(question)
    false = [it for field, it in spoiled(question) if not field.startswith("steps")]
    assert false
    assert not any(map(right, false))


def test_a_kind_without_a_judge_is_told_what_it_lacks(kind: Any) -> None:
    with pytest.raises(AssertionError, match=r"SmallestGradient: write a function .* in JUDGES"):
        test_complete.test_every_kind_has_a_judge_and_a_falsehood([*KINDS, kind], asked, test_asked)
