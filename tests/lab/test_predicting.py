"""A solution worked out by the reader: what is hidden, what is found wrong and what it is called, the score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.lab.grids import spelled
from handgrad.lab.predicting import check_answer, predict_answer
from handgrad.solution.units import units
from tests.lab.conftest import bundled_text
from tests.lab.test_answers import FIVE


def right(text: str) -> tuple[dict[str, str], list[str]]:
    """Every figure that is asked for, to eight decimals, and the gates that are shut."""
    trace = handgrad.solve(handgrad.loads(text))
    figures: dict[str, str] = {}
    for blank in handgrad.blanks(trace.problem):
        whole = blank.target
        if whole.startswith("updated."):
            array = trace.updated[whole.removeprefix("updated.")]
        elif whole in trace.graph.nodes:
            array = trace.run.value(whole)
        else:
            array = trace.run.gradient(whole.removeprefix("d"))
        array = np.asarray(array, dtype=float)
        for at in np.ndindex(array.shape):
            figures[spelled(whole, at)] = f"{array[at]:.8f}"
    shut = [
        spelled(u.activation, tuple(map(int, at)))
        for u in units(trace)
        if u.gate
        for at in np.argwhere(u.shut)
    ]
    return figures, shut


def asked(text: str, done: int, **more: Any) -> dict[str, Any]:
    return {"text": text, "done": done, **more}


@pytest.mark.parametrize("name", FIVE)
def test_what_is_asked_for_is_not_on_the_page(name: str) -> None:
    text = bundled_text(name)
    figures, _ = right(text)
    for done in range(4):
        page = predict_answer(asked(text, done))
        wanted = [each.split('"')[0] for each in page["main"].split('data-answer="')[1:]]
        assert wanted
        for name_ in wanted:
            assert f'data-name="{name_}"' not in page["main"]
            value = figures.get(name_)
            assert value is not None
        assert "<figure" not in page["main"]
        assert "<noscript" not in page["main"]


def test_right_figures_are_right_to_the_end() -> None:
    text = bundled_text("lab9")
    figures, shut = right(text)
    done = 0
    while 'id="asking"' in predict_answer(asked(text, done))["main"]:
        verdict = check_answer(asked(text, done, answers=figures, gates=shut))
        assert verdict["well"], done
        assert "WRONG" not in verdict["html"]
        done += 1
    assert done == 12
    score = predict_answer(asked(text, done, answers=figures, gates=shut))["main"]
    assert "24 of 24 marks" in score
    assert "Of 4 gates you said 4 right." in score


def test_a_planted_slip_is_found_and_named() -> None:
    text = bundled_text("lab9")
    figures, _ = right(text)
    trace = handgrad.solve(handgrad.loads(text))
    # The gate is forgotten: all that arrives passes.
    for k, value in enumerate(trace.run.gradient("h2")):
        figures[f"dz2[{k}]"] = f"{value:.8f}"
    steps = [blank.step for blank in handgrad.blanks(trace.problem)]
    done = list(dict.fromkeys(steps)).index("2.4")
    verdict = check_answer(asked(text, done, answers=figures))
    assert not verdict["well"]
    assert "WRONG in entry 2" in verdict["html"]
    assert "is left out: the gradient that arrives goes on unmasked" in verdict["html"]
    # What follows from it is right, given what came before.
    dz2 = trace.run.gradient("h2")
    outer = np.outer(dz2, trace.run.value("h1"))
    for i, j in np.ndindex(2, 2):
        figures[f"dW2[{i},{j}]"] = f"{outer[i, j]:.8f}"
    for k, value in enumerate(dz2):
        figures[f"db2[{k}]"] = f"{value:.8f}"
    after = check_answer(asked(text, done + 1, answers=figures))
    assert after["well"]
    assert "right, given what came before" in after["html"]


def test_levels_tell_more_and_more() -> None:
    text = bundled_text("lab9")
    answers = {"z1[0]": "0.4", "z1[1]": "0.1"}
    told = [
        len(check_answer(asked(text, 0, answers=answers, level=level))["html"])
        for level in ("where", "what", "rule", "worked")
    ]
    assert told == sorted(told)
    assert told[0] < told[-1]


def test_gates_are_asked_before_they_are_shown() -> None:
    text = bundled_text("lab9")
    first = predict_answer(asked(text, 1))["main"]
    assert "Which units will be off?" in first
    assert first.count("data-gate=") == 2
    said = check_answer(asked(text, 1, gates=["h2[0]"]))["html"]
    assert "unit 1 of layer 2 is on; unit 2 of layer 2 is off" in said
    assert "The gates are as you said." in check_answer(asked(text, 1, gates=["h2[1]"]))["html"]


@pytest.mark.parametrize(
    "answers", [{"z1[0]": "<b>"}, {"nothing": "1"}, {"z1[9]": "1"}, [], {"z1[0]": "9" * 5000}]
)
def test_anything_may_be_typed(answers: Any) -> None:
    assert not check_answer(asked(bundled_text("lab9"), 0, answers=answers))["well"]
