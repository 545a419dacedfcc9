"""The table of readers: a file's ending says who reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.models import reading
from handgrad.models.reading import ModelReader


def test_a_problem_file_is_a_row_of_the_table(tmp_path: Path) -> None:
    lab = handgrad.load("lab9")
    for name in ("lab.toml", "lab", "lab.txt"):
        path = tmp_path / name
        path.write_text(lab.to_toml(), "utf-8")
        assert handgrad.load(path) == lab
    with pytest.raises(
        handgrad.OptionError, match=r"loss is given for a model, and lab9 is a problem file"
    ):
        handgrad.load("lab9", loss="mse")


def test_a_reader_gets_what_is_given_for_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def read(path: Path, **given: Any) -> handgrad.Problem:
        asked.update(given, path=path)
        return handgrad.load("lab9")

    monkeypatch.setattr(reading, "read_of_a_test", read, raising=False)
    monkeypatch.setitem(reading.READERS, ".mine", ModelReader("a model", "reading:read_of_a_test"))
    path = tmp_path / "model.MINE"
    with pytest.raises(handgrad.ProblemError, match="there is no such file"):
        handgrad.load(path)
    path.write_bytes(b"")
    x = np.ones(2)
    assert handgrad.load(str(path), data=x, loss="mse").loss == "L"
    assert asked == {"path": path, "data": x, "target": None, "loss": "mse"}


def test_what_is_no_path_is_told() -> None:
    with pytest.raises(handgrad.OptionError, match="a problem is loaded by its name or path"):
        handgrad.load(3)  # type: ignore[arg-type]
