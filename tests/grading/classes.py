"""Classes of answer sheets as files, for the tests of `grade`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

import handgrad
from handgrad.arrays import Array

LAB9 = handgrad.load("lab9")

Figures = dict[str, Array]


def right(problem: handgrad.Problem = LAB9) -> Figures:
    """All that is asked for, rounded to 4 decimals, by the names that answers have."""
    trace = handgrad.solve(problem)
    asked = [blank.target for blank in handgrad.blanks(problem)]
    found: Figures = {}
    for target in asked:
        if target.startswith("updated."):
            value = trace.updated[target.removeprefix("updated.")]
        elif target in trace.values:
            value = trace.values[target]
        else:
            value = trace.gradients[target.removeprefix("d")]
        found[target] = np.round(value, 4)
    return found


def toml(figures: Mapping[str, Array]) -> str:
    """An answers file."""
    plain = {n: f for n, f in figures.items() if not n.startswith("updated.")}
    after = {n.removeprefix("updated."): f for n, f in figures.items() if n not in plain}
    lines = [f"{name} = {np.asarray(f).tolist()}" for name, f in plain.items()]
    lines += ["[updated]", *(f"{name} = {np.asarray(f).tolist()}" for name, f in after.items())]
    return "\n".join(lines) + "\n"


def cells(figures: Mapping[str, Array]) -> dict[str, float]:
    """The same as the cells of a table's row."""
    found = {}
    for name, array in figures.items():
        for at, value in np.ndenumerate(np.asarray(array)):
            heading = f"{name}[{','.join(map(str, at))}]" if at else name
            found[heading] = float(value)
    return found


def transposed(figures: Figures) -> Figures:
    """The outer product of W2's gradient the wrong way round, and what follows from it."""
    wrong = {**figures, "dW2": np.asarray(figures["dW2"]).T}
    before = LAB9.parameters["W2"].array
    return {**wrong, "updated.W2": np.round(before - 0.1 * wrong["dW2"], 4)}


def gate_left_out(figures: Figures) -> Figures:
    """The gate left out in layer 2, and nothing after it entered that would follow from it."""
    kept = {n: f for n, f in figures.items() if n in ("z1", "h1", "z2", "h2", "dz3", "dh2")}
    return {**kept, "dz2": figures["dh2"]}


def write_class(folder: Path, sheets: Iterable[tuple[str, str]]) -> Path:
    """A folder of sheets by name and text."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sheets:
        (folder / name).write_text(text, "utf-8")
    return folder


def class_of_25(folder: Path) -> Path:
    """25 sheets, 7 of them with planted mistakes; one empty, one of a stranger, one there twice."""
    figures = right()
    sheets = []
    for k in range(25):
        name, own = f"student{k:02}", figures
        if k in (3, 4, 5):
            own = transposed(figures)
        elif k in (6, 7):
            own = gate_left_out(figures)
        elif k == 8:
            own = {**figures, "dz3": -np.asarray(figures["dz3"])}
        elif k == 9:
            own = {**figures, "z1": np.asarray([0.6, 0.2])}
        text = "" if k == 10 else toml(own)
        sheets.append((f"{'stranger' if k == 11 else name}.toml", text))
    sheets.append(("student12.json", '{"z1": [0.6, 0.1]}'))
    return write_class(folder, sheets)


def problems_of(folder: Path, names: Iterable[str]) -> Path:
    """A folder of problems, all with the numbers of lab9."""
    return write_class(folder, ((f"{name}.toml", LAB9.to_toml()) for name in names))
