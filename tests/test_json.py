"""Everything that --json prints validates against the schema published with the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.cli.commands import run
from tests.graphs import random_graph
from tests.schemas import validate

BUNDLED = [name for name, _, _ in handgrad.bundled()]


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What a command prints with --json."""
    assert run([*arguments, "--json"]) == 0
    text = capsys.readouterr().out
    assert text.isascii()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("options", [[], ["--carry", "rounded", "--decimals", "2"]])
def test_solve(name: str, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    trace = printed(["solve", name, *options], capsys)
    validate(trace, "trace")
    assert set(trace["values"]) == set(trace["gradients"])
    ids = [s["id"] for s in trace["steps"]]
    assert len(set(ids)) == len(ids)
    for step in trace["steps"]:
        assert all(ids.index(u) < ids.index(step["id"]) for u in step["uses"])
        for line in step["lines"]:
            assert list(np.shape(line["value"]))[: len(line["shape"])] == line["shape"]


@pytest.mark.parametrize("name", BUNDLED)
def test_verify(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    verification = printed(["verify", name, "--torch"], capsys)
    validate(verification, "verify")
    assert verification["agrees"]
    assert verification["largest_difference"]["torch autograd"] < 1e-12


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    listing = printed(["list"], capsys)
    validate(listing, "list")
    assert [p["name"] for p in listing["problems"]] == BUNDLED


def test_the_schema_refuses_what_is_not_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    trace = printed(["solve", "lab9"], capsys)
    trace["steps"][0]["lines"][0]["value"] = "0.6"
    with pytest.raises(jsonschema.ValidationError):
        validate(trace, "trace")


@given(st.integers(0, 2**32 - 1))
def test_random_graphs(seed: int) -> None:
    trace = handgrad.solve(random_graph(seed, 15).problem()).to_json()
    validate(json.loads(json.dumps(trace, allow_nan=False)), "trace")


def test_numbers_that_cannot_be_added_up() -> None:
    """Large ones, whose sum is infinite, are written as they are; without a warning."""
    trace = handgrad.solve(handgrad.Problem("L = sum(tanh(w))", {"w": [1.5e308, 1.5e308]}))
    assert trace.to_json()["values"]["w"] == [1.5e308, 1.5e308]


def test_arrays_may_be_left_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem = handgrad.Problem.mlp([12, 9, 3], "relu", "softmax", "cross_entropy")
    problem.save(tmp_path / "net.toml")
    given = ["solve", str(tmp_path / "net.toml"), "-o", str(tmp_path / "net.json")]
    assert run([*given, "--arrays", "npz"]) == 0
    document = json.loads((tmp_path / "net.json").read_text())
    validate(document, "trace")
    arrays = dict(np.load(tmp_path / "net.npz"))
    assert {"values.W1", "gradients.W1", "updated.W1"} == arrays.keys()

    def whole(part: Any) -> Any:
        """A part of the document with the arrays in their places."""
        if isinstance(part, dict) and part.keys() == {"array", "shape"}:
            assert list(arrays[part["array"]].shape) == part["shape"]
            return (arrays[part["array"]] + 0.0).tolist()
        if isinstance(part, dict):
            return {name: whole(each) for name, each in part.items()}
        return [whole(each) for each in part] if isinstance(part, list) else part

    trace = handgrad.solve(handgrad.load(tmp_path / "net.toml"))
    assert whole(document) == json.loads(json.dumps(trace.to_json()))
    apart: dict[str, Any] = {}
    assert trace.to_json(apart) == document
    assert apart["gradients.W1"] is trace.gradients["W1"]
    (tmp_path / "net.json").unlink()
    capsys.readouterr()
    assert run([*given, "--arrays", "npz"]) == 2  # net.npz is there already
    assert "net.npz" in capsys.readouterr().err
    assert not (tmp_path / "net.json").exists()
    assert run(["solve", "lab9", "--arrays", "npz"]) == 2
    assert run(["solve", "lab9", "--arrays", "npz", "-o", str(tmp_path / "lab9.html")]) == 2
    assert "-o NAME.json" in capsys.readouterr().err
