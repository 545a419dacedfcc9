"""Problems, traces, steps and pages as a notebook shows them, and as they save themselves."""

from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import handgrad
from handgrad.formats.terminal import render_terminal
from handgrad.saving import Result, Shown

PROBLEM = handgrad.load("lab9")
TRACE = handgrad.solve(PROBLEM)
STEP = next(s for s in TRACE.steps if s.id == "2.4")
PAGE = TRACE.page()


@pytest.mark.parametrize("thing", [TRACE, STEP, PAGE], ids=repr)
def test_every_mime_type(thing: Shown) -> None:
    bundle = thing._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/markdown", "text/plain"}
    assert bundle["text/html"].startswith('<div class="handgrad"')
    assert "<math" in bundle["text/html"]
    assert r"\frac{\partial L}{\partial h^{(2)}}" in bundle["text/markdown"]
    assert "δ⁽²⁾ = ∂L/∂h⁽²⁾ ⊙ 1[z⁽²⁾ > 0]" in bundle["text/plain"]
    assert all(isinstance(text, str) and text for text in bundle.values())
    assert set(thing._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}
    assert "text/plain" not in thing._repr_mimebundle_(exclude={"text/plain"})


def test_jupyter_asks_for_it() -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    shown, _ = formatters.DisplayFormatter().format(STEP)
    assert set(shown) == {"text/html", "text/markdown", "text/plain"}
    assert shown["text/html"] == STEP._repr_mimebundle_()["text/html"]


def test_the_html_can_stand_anywhere_and_twice() -> None:
    html = TRACE._repr_mimebundle_()["text/html"]
    reader = Tags()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert not reader.seen & {"script", "iframe", "link", "h1", "h2", "h3", "body", "html"}
    page, _ = re.subn(r"<svg.*?</svg>", "", html, flags=re.DOTALL)
    assert " id=" not in page
    assert "http" not in re.sub(r"data:font/woff2;base64,[\w+/=]+", "", page)
    # Every rule of the styles is held to the fragment itself.
    rules = re.findall(r"^([^@\s}/][^{]*)\{", page.split("<style>")[1].split("</style>")[0], re.M)
    assert rules
    assert all(rule.startswith(".handgrad") for rule in rules)


class Tags(HTMLParser):
    """The elements of a piece of HTML, each opened and closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", "</style><b>", '" onload="x', "&lt;", "\x1b[31m", "-->"]
)
def test_a_hostile_title_is_only_text(title: str) -> None:
    problem = handgrad.Problem(
        ["z = w * x", "L = z * z"],
        {"w": 1.5},
        {"x": 2.0},
        title=title,
        description=title,
        display={"z": title},
    )
    plain = handgrad.Problem(
        ["z = w * x", "L = z * z"], {"w": 1.5}, {"x": 2.0}, title="t", description="d"
    )
    found, expected = Tags(), Tags()
    found.feed(problem._repr_mimebundle_()["text/html"])
    expected.feed(plain._repr_mimebundle_()["text/html"])
    assert found.open == []
    assert found.seen <= expected.seen | {"mtext"}


def test_a_step_is_shown_as_in_its_solution() -> None:
    text = STEP._repr_mimebundle_()["text/plain"]
    page = TRACE.page(step="2.4")
    assert text == render_terminal(page, width=100, colour=False, unicode=True)
    other = handgrad.solve(PROBLEM, decimals=2).step("2.4")
    assert other is not None
    assert "−0.22" in other._repr_mimebundle_()["text/plain"]
    assert "−0.2192" not in other._repr_mimebundle_()["text/plain"]


def test_steps_belong_to_the_trace_they_stand_in() -> None:
    changed = replace(TRACE, decimals=1)
    assert all(s.trace is changed for s in changed.steps)
    assert all(s.trace is TRACE for s in TRACE.steps)
    traces: list[handgrad.Trace] = [pickle.loads(pickle.dumps(TRACE)), copy.deepcopy(TRACE)]
    for again in traces:
        step = again.step("2.4")
        assert step is not None
        assert step.trace is again
        assert step._repr_mimebundle_() == STEP._repr_mimebundle_()
    alone = replace(STEP, trace=None)
    assert set(alone._repr_mimebundle_()) == {"text/plain"}
    assert alone._repr_mimebundle_()["text/plain"].startswith(repr(alone))


@pytest.mark.parametrize("thing", [PROBLEM, TRACE, STEP, PAGE], ids=repr)
def test_the_repr_is_short(thing: Shown) -> None:
    assert len(repr(thing)) < 80
    assert "\n" not in repr(thing)
    ensemble = handgrad.Problem("L = w*w", {"w": {"cases": [1.0, 2.0]}})
    assert repr(handgrad.solve(ensemble)) == "<Trace of 'a worked solution': 2 steps>"


def test_a_problem_that_cannot_be_solved_says_why() -> None:
    problem = handgrad.Problem(["z = W @ x", "L = sum(z)"], {"W": [[1], [2]]}, {"x": [1, 2]})
    assert (
        "z = 𝐖" in problem._repr_mimebundle_()["text/plain"]
        or "z = Wx" in problem._repr_mimebundle_()["text/plain"]
    )
    with pytest.raises(handgrad.HandgradError, match=r"did you mean W\.T\?"):
        handgrad.solve(problem)


def test_a_problem_is_shown_as_its_equations_and_numbers() -> None:
    bundle = PROBLEM._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/markdown", "text/plain"}
    lines = [line.rstrip() for line in bundle["text/plain"].splitlines()]
    assert "h⁽¹⁾ = ReLU(z⁽¹⁾)" in lines
    assert "b⁽³⁾ = 0.3" in lines
    assert "Backward pass" not in bundle["text/plain"]


def test_the_equations_of_a_problem_are_written_as_in_its_solution() -> None:
    """A product of two vectors is vᵀm, in whatever order the equations stand."""
    problem = handgrad.Problem(
        ["L = (s - 1)**2", "s = v @ m", "m = tanh(B @ g)"],
        {"v": [1.0, 2.0], "B": [[1.0, 0.5], [0.2, 0.1]]},
        {"g": [1.0, 2.0]},
        loss="L",
    )
    shown = handgrad.render(problem)
    assert "s = vᵀm" in shown
    assert "s = vᵀm" in handgrad.render(handgrad.solve(problem))
    assert "in 1 case:" in repr(handgrad.gates(PROBLEM))


RESULTS = {
    "solve": TRACE,
    "check": handgrad.check(PROBLEM, b3_new="0.3365"),
    "gates": handgrad.gates(PROBLEM),
    "why": handgrad.why(PROBLEM, "dW2[1,0]"),
    "why a value": handgrad.why(PROBLEM, "h2[1]"),
    "compare": handgrad.compare(TRACE, handgrad.solve(PROBLEM.with_swap({"relu": "tanh"}))),
    "questions": handgrad.questions(TRACE),
    "practice": handgrad.practice(PROBLEM, "easy", count=2),
    "drill": handgrad.drill(PROBLEM),
    "train": handgrad.train(handgrad.load("dying"), 3),
    "born_dead": handgrad.born_dead([2], networks=10),
    "born_dead_table": handgrad.born_dead_table([2], [1], networks=10),
    "verify": handgrad.verify(PROBLEM),
    "run_exact": handgrad.run_exact(PROBLEM),
    "bundled": handgrad.bundled(),
}


@pytest.mark.parametrize("verb", RESULTS)
def test_every_result_has_a_page_json_files_a_display_and_a_short_repr(
    verb: str, tmp_path: Path
) -> None:
    result = RESULTS[verb]
    assert isinstance(result, Result)
    assert isinstance(result.page(), handgrad.Page)
    assert json.loads(json.dumps(result.to_json(), allow_nan=False))["schema"].endswith("/2")
    assert set(result._repr_mimebundle_()) == {"text/html", "text/markdown", "text/plain"}
    result.save(tmp_path / "a.md")
    assert (tmp_path / "a.md").read_text("utf-8") == handgrad.render(result, "md")
    assert len(repr(result)) < 120
    assert "\n" not in repr(result)


def test_saving(tmp_path: Path) -> None:
    for thing, beginning in ((TRACE, "# Lab 9"), (STEP, "### 2.4 "), (PAGE, "# Lab 9")):
        path = tmp_path / "a.md"
        thing.save(path, force=True)
        assert path.read_text("utf-8").startswith(beginning)
    with pytest.raises(handgrad.OptionError, match="force=True"):
        TRACE.save(str(path))
    PROBLEM.save(tmp_path / "lab9.toml")
    assert handgrad.load(tmp_path / "lab9.toml") == PROBLEM


def test_html() -> None:
    assert TRACE.to_html().startswith("<!doctype html>")


def test_nothing_of_it_is_imported_before_it_is_needed() -> None:
    program = (
        "import sys, handgrad; handgrad.solve(handgrad.load('lab9'));"
        "print([m for m in sys.modules if m.startswith(('handgrad.formats.terminal',"
        " 'handgrad.formats.html', 'handgrad.formats.markdown'))])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(("written", "shown"), [(r"\theta", "θ"), (r"\Sigma_x", "Σ_x"), (r"\nosuch", r"\nosuch")])  # fmt: skip
def test_a_name_may_be_shown_as_latex_spells_a_greek_letter(written: str, shown: str) -> None:
    problem = handgrad.Problem("L = (w - y)**2", {"w": 1}, {"y": 2}, display={"w": written})
    page = render_terminal(handgrad.solve(problem).page())
    assert f"({shown} − y)²" in page.replace("Σₓ", "Σ_x")
