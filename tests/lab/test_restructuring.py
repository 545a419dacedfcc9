"""Larger edits: the text after each is the problem that it says, and nothing else of the text is touched."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad.lab.pages import page_answer
from handgrad.lab.restructuring import restructure_answer
from tests.lab.conftest import bundled_text


def changed(text: str, change: str) -> handgrad.Problem:
    after = restructure_answer({"text": text, "change": change})["text"]
    kept = [line for line in text.splitlines() if line.startswith("#")]
    assert all(line in after.splitlines() for line in kept)
    return handgrad.loads(after)


def test_a_unit_more() -> None:
    text = "# mine\n" + bundled_text("lab9")
    problem = changed(text, "unit 1")
    shapes = {name: given.shape for name, given in problem.parameters.items()}
    assert shapes == {"W1": (3, 2), "b1": (3,), "W2": (2, 3), "b2": (2,), "w3": (2,), "b3": ()}
    before = handgrad.load("lab9").parameters
    assert np.array_equal(problem.parameters["W1"].array[:2], before["W1"].array)
    assert np.array_equal(problem.parameters["W2"].array[:, :2], before["W2"].array)
    assert changed(text, "unit 2").parameters["w3"].shape == (3,)
    classes = changed(bundled_text("classes"), "unit 2").parameters
    assert (classes["W2"].shape, classes["b2"].shape, classes["W3"].shape) == ((9, 8), (9,), (3, 9))


def test_a_layer_more_changes_nothing_at_first() -> None:
    for name in ("lab9", "classes"):
        problem = changed(bundled_text(name), "layer")
        assert len(problem.equations) == len(handgrad.load(name).equations) + 2
        assert handgrad.run(problem).loss == pytest.approx(handgrad.run(handgrad.load(name)).loss)


def test_a_case_more_is_the_last_once_more() -> None:
    for name in ("classes", "batch"):
        before, after = handgrad.load(name), changed(bundled_text(name), "case")
        for key, given in before.data.items():
            assert np.array_equal(after.data[key].array[..., :-1], given.array)
            assert np.array_equal(after.data[key].array[..., -1], given.array[..., -1])


def test_another_activation() -> None:
    text = bundled_text("lab9")
    assert changed(text, "swap relu tanh") == handgrad.load("lab9").with_swap({"relu": "tanh"})


@pytest.mark.parametrize(
    "change", ["", "unit 9", "unit 3", "case", "swap relu nothing", "swap tanh relu", "x"]
)
def test_what_cannot_be_made_is_one_message(change: str) -> None:
    with pytest.raises(handgrad.HandgradError):
        restructure_answer({"text": bundled_text("lab9"), "change": change})


@pytest.mark.parametrize("name", [problem.name for problem in handgrad.bundled()])
def test_what_is_offered_can_be_made(name: str) -> None:
    text = bundled_text(name)
    offered = page_answer({"text": text})["changes"]
    for part in offered.split('data-change="')[1:]:
        changed(text, part.split('"')[0])
    for part in offered.split('<option value="swap ')[1:3]:
        changed(text, "swap " + part.split('"')[0])
