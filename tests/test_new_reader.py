"""A reader that is added as CONTRIBUTING.md says: one file and its line in the table of readers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import handgrad
from tests.contributing import Copy, Example

EXAMPLE = Example.of("Add a reader")

LINES = '{"x[0]": 1.5, "y": 2}\n{"x[0]": -0.5, "y": -1}\n{"y": 3}\n{"x[0]": 2, "y": 4}\n'


def test_one_file_and_a_line_are_enough(tmp_path: Path) -> None:
    copy = Copy(tmp_path, EXAMPLE)
    imported, line = EXAMPLE.lines
    copy.insert(
        "handgrad/tables/readers.py", imported, before="from handgrad.tables.parquet import"
    )
    copy.insert("handgrad/tables/readers.py", line, before='    ".npy"')
    (tmp_path / "cases.jsonl").write_text(LINES)
    command = ["gates", "dying", "--data", "cases.jsonl"]
    refused = copy.run(*command)
    assert refused.returncode == 2
    assert refused.stderr == (
        "Error: cases.jsonl, line 3: is no object with a number for x[0] and y"
        " (--skip-bad leaves such rows out and counts them)\n"
    )
    read = copy.run(*command, "--skip-bad", "--json")
    assert read.returncode == 0, read.stderr
    printed = json.loads(read.stdout)
    x = np.array([[1.5, -0.5, 2.0]])
    theirs = handgrad.gates(handgrad.load("dying"), {"x": x, "y": np.array([2.0, -1.0, 4.0])})
    assert printed["cases"] == 3
    assert printed["skipped"] == 1
    assert printed["layers"] == theirs.to_json()["layers"]
    assert ".jsonl" in copy.run("gates", "--help").stdout
