"""Turns of work that two checkouts do side by side: by name, what makes one."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from itertools import count

import handgrad
from benchmarks.chains import chain


def edited_page() -> Callable[[], object]:
    """The page of lab9, each time with another weight."""
    lab, numbers = handgrad.load("lab9"), count(1)

    def turn() -> object:
        weight = lab.parameters["W2"].array.copy()
        weight[1, 0] = next(numbers) / 1000
        trace = handgrad.solve(lab.with_values({"W2": weight}))
        return handgrad.render(trace.page(pictures=True), "html")

    return turn


def lab_answer() -> Callable[[], object]:
    """What the lab's server answers to an edit of lab9, in the process that works it out."""
    from handgrad.lab.answers import answered

    text = (resources.files("handgrad.problems") / "lab9.toml").read_text("utf-8")
    numbers, shown = count(1), [text]

    def turn() -> object:
        after = text.replace("b3 = 0.3", f"b3 = 0.{next(numbers):03}")
        asked = {"text": after, "before": shown[0], "view": {"narrow": False}}
        shown[0] = after
        return answered("page", asked)

    return turn


def explained_trace(equations: int) -> Callable[[], object]:
    """The explained trace of so many equations as JSON."""
    problem = chain(equations)
    return lambda: json.dumps(handgrad.solve(problem).to_json())


def long_page() -> Callable[[], object]:
    """The page of 1 000 equations."""
    trace = handgrad.solve(chain(1000))
    return lambda: handgrad.render(trace.page(), "html")


TURNS: dict[str, Callable[[], Callable[[], object]]] = {
    "HTML of lab9 with another weight each time": edited_page,
    "the lab's answer to an edit of lab9": lab_answer,
    "JSON of the trace of 1 000 equations": lambda: explained_trace(1000),
    "HTML of 1 000 equations": long_page,
}
