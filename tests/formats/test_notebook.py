"""Pages as notebooks: valid, and run by Jupyter with the figures of the solution."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.expression import Adjoint
from handgrad.formats.notebook import render_notebook
from handgrad.page import Code, Columns, Heading, Paragraph
from handgrad.saving import Page
from tests.graphs import random_graph
from tests.oracle import assert_close
from tests.slow import LARGE, with_slow

BUNDLED = [name for name, _, _ in handgrad.bundled()]


def notebook(trace: handgrad.Trace, **options: Any) -> Any:
    page = trace.page(code=True, **options)
    found = nbformat.reads(render_notebook(page), as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(found)
    return found


def code(found: Any) -> list[str]:
    return [cell.source for cell in found.cells if cell.cell_type == "code"]


def runs_as_the_trace(trace: handgrad.Trace, found: Any) -> None:
    """Runs the cells one after the other; after each, its step's values are those of the trace."""
    scope: dict[str, Any] = {}
    opening, *pieces = code(found)
    with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(opening, scope)
        assert len(pieces) == len(trace.steps)
        for step, piece in zip(trace.steps, pieces, strict=True):
            assert piece.startswith(f"# {step.id} ") or step.kind == "update"
            printed.truncate(0)
            exec(piece, scope)
            assert "=" in printed.getvalue()
            lines = [x for x in step.lines if x.role in ("value", "cost", "gradient", "updated")]
            names = re.findall(r'^print\("(\w+) =", \1', piece, re.MULTILINE)
            for name, line in zip(names, lines, strict=True):
                wanted = f"{'d' * isinstance(line.target, Adjoint)}{line.target.name}"
                assert name.rstrip("_") == wanted.rstrip("_")
                assert_close(np.asarray(scope[name]), np.asarray(line.value))


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_every_step_runs(name: str, steps: int) -> None:
    trace = handgrad.solve(handgrad.load(name), steps=steps)
    runs_as_the_trace(trace, notebook(trace))


@pytest.mark.parametrize("rule", ["momentum", "rmsprop", "adam", "adamw"])
def test_updates_that_remember(rule: str) -> None:
    problem = handgrad.Problem(
        ["z = W @ x", "L = sum(relu(z))"],
        {"W": [[0.5, -0.25], [1.0, 2.0]]},
        {"x": [1.0, 2.0]},
        update=handgrad.Update(rule, 0.1),
    )
    trace = handgrad.solve(problem, steps=4)
    runs_as_the_trace(trace, notebook(trace))


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_random_graphs(seed: int) -> None:
    trace = handgrad.solve(random_graph(seed, 8).problem())
    runs_as_the_trace(trace, notebook(trace))


@pytest.mark.parametrize("options", [{"step": "2.4"}, {"only": "backward"}, {"only": "update"}])
def test_a_part_of_a_solution_runs_alone(options: dict[str, str]) -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    found = notebook(trace, **options)
    scope: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for piece in code(found):
            exec(piece, scope)
    assert_close(scope["dz2"], trace.run.gradient("z2"))


def test_jupyter_runs_it(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    path = tmp_path / "lab9.ipynb"
    trace = handgrad.solve(handgrad.load("lab9"))
    trace.save(path)
    found = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(found)
    nbclient.NotebookClient(found, timeout=120, kernel_name="python3").execute()
    printed = "".join(
        output["text"]
        for cell in found.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "stream"
    )
    assert "L = 0.45476" in printed
    assert "dW2 =\n[[-0.13154419 -0.02192403]" in printed
    assert not any(o["output_type"] == "error" for c in found.cells for o in c.get("outputs", []))


def test_the_text_of_the_steps_is_there() -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    found = notebook(trace)
    text = "\n".join(c.source for c in found.cells if c.cell_type == "markdown")
    assert all(f"### {step.id} " in text for step in trace.steps)
    assert "> ⚠ The second unit is gated off" in text
    assert "[!" not in text


def test_cells() -> None:
    page = Page(
        "cells",
        (
            Heading(("One",), 1),
            Heading(("Two",), 2),
            Paragraph(("text",)),
            Columns(((Code("x = 1\n"),), (Code("rate = 1", "toml"),))),
            Heading(("Three",), 2),
            Heading(("Four",), 3),
        ),
    )
    found = json.loads(render_notebook(page))
    assert [(c["cell_type"], "".join(c["source"])) for c in found["cells"]] == [
        ("markdown", "# One\n\n## Two\n\ntext"),
        ("code", "x = 1"),
        ("markdown", "```toml\nrate = 1\n```"),
        ("markdown", "## Three\n\n### Four"),
    ]
    assert len({c["id"] for c in found["cells"]}) == 4


@pytest.mark.parametrize(
    "title",
    ['x"""\nraise SystemExit(1)', "# h\n- l", "<script>", "$x$", "`", "\x1b[1m", "\u2028raise"],
)
def test_a_hostile_title(title: str) -> None:
    problem = handgrad.Problem(
        ["z = w * x", "L = z * z"], {"w": 1.5}, {"x": 2.0}, title=title, display={"z": title}
    )
    trace = handgrad.solve(problem)
    runs_as_the_trace(trace, notebook(trace))
