"""Turns of work that two checkouts do side by side: by name, what makes one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
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


def checked_sheet() -> Callable[[], object]:
    """A sheet of lab9 on which two slips were made, the second after the first was carried on."""
    lab = handgrad.load("lab9")
    return lambda: handgrad.check(lab, SHEET)


SHEET = {
    "z1": [0.6, 0.1], "h1": [0.6, 0.1], "z2": [0.42, -0.17], "h2": [0.42, 0], "z3": 0.552, "yhat": 0.6346, "L": 0.4548,
    "dz3": -0.3654, "dw3": [-0.1535, 0], "db3": -0.3654, "dh2": [-0.2192, 0.1462], "dz2": [-0.2192, 0.1462],
    "dW2": [[-0.1315, -0.0219], [0.0877, 0.0146]], "db2": [-0.2192, 0.1462], "dh1": [-0.1680, 0.0877], "dz1": [-0.1680, 0.0877],
}  # fmt: skip
"""The gate is forgotten in dz2, and a digit is wrong in dh1."""


def explained_trace(equations: int) -> Callable[[], object]:
    """The explained trace of so many equations as JSON."""
    problem = chain(equations)
    return lambda: handgrad.render(handgrad.solve(problem), "json")


def long_page() -> Callable[[], object]:
    """The page of 1 000 equations."""
    trace = handgrad.solve(chain(1000))
    return lambda: handgrad.render(trace.page(), "html")


def born_dead() -> Callable[[], object]:
    """200 000 networks of ten layers of two units."""
    return lambda: handgrad.born_dead([2] * 10)


def deck() -> Callable[[], object]:
    """The slides of lab9 as PDF."""
    lab = handgrad.load("lab9")
    return lambda: handgrad.render(handgrad.solve(lab), "pdf", slides=True)


def sheets() -> Callable[[], object]:
    """Thirty sheets and their keys as PDF, by the command."""
    return lambda: _command(
        "practice", "lab9", "--count", "30", "-o", "sheets.pdf", "--key", "keys.pdf"
    )


def cold() -> Callable[[], object]:
    """`handgrad solve lab9` from its start to its end."""
    return lambda: _command("solve", "lab9")


def _command(*arguments: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "handgrad", *arguments]
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)


TURNS: dict[str, Callable[[], Callable[[], object]]] = {
    "a sheet of lab9 with two slips, checked": checked_sheet,
    "HTML of lab9 with another weight each time": edited_page,
    "the lab's answer to an edit of lab9": lab_answer,
    "JSON of the trace of 1 000 equations": lambda: explained_trace(1000),
    "HTML of 1 000 equations": long_page,
    "200 000 networks, born dead or not": born_dead,
    "a deck of lab9 as PDF": deck,
    "30 sheets and keys as PDF": sheets,
    "`handgrad solve lab9`, cold": cold,
}
