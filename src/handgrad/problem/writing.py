"""A problem as a TOML file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.figures import full
from handgrad.problem.given import Given, Written
from handgrad.problem.middle import letter, names_in

if TYPE_CHECKING:
    from handgrad.problem.problem import Problem
    from handgrad.updates import Update


def to_toml(problem: Problem) -> str:
    """The text of a problem file that reads back as the same problem."""
    lines: list[str] = []
    if problem.title:
        lines.append(f"title = {_string(problem.title)}")
    if problem.description:
        lines.append(f"description = {_string(problem.description)}")
    lines.append('equations = """')
    out = problem.left_out
    equations = sorted((*problem.equations, *out.equations), key=lambda e: e.number)
    written = [e.text for e in equations]
    if problem.blocks is not None:
        written = problem.blocks.text.strip("\n").splitlines()
    lines += [line.replace("\\", "\\\\") for line in written]
    lines.append('"""')
    names = names_in(equations) | {*problem.parameters, *problem.data, *out.names}
    if problem.loss != (
        letter(equations[-1].target, names) if problem.upstream else equations[-1].target
    ):
        lines.append(f"loss = {_string(problem.loss)}")
    if problem.reduction != "mean":
        lines.append(f"reduction = {_string(problem.reduction)}")
    data = {n: g for n, g in problem.data.items() if n not in problem.given}
    for title, givens in (
        ("parameters", {**problem.parameters, **out.parameters}),
        ("data", {**data, **out.data}),
        ("given", {n: problem.data[n] for n in problem.given}),
        ("upstream", problem.upstream),
    ):
        if givens:
            lines += ["", f"[{title}]"]
            lines += [f"{key(name)} = {_given(value)}" for name, value in givens.items()]
    if problem.update is not None:
        lines += ["", "[update]", *_update(problem.update)]
    if problem.display:
        lines += ["", "[display]"]
        lines += [f"{key(n)} = {_string(t)}" for n, t in problem.display.items()]
    return "\n".join(lines) + "\n"


def _update(update: Update) -> Iterator[str]:
    yield f"rule = {_string(update.rule)}"
    yield f"rate = {full(update.rate)}"
    if update.schedule:
        yield f"schedule = {_string(update.schedule)}"
    yield from (f"{k} = {full(v)}" for k, v in update.options.items())
    if update.rates:
        rates = ", ".join(f"{key(name)} = {full(rate)}" for name, rate in update.rates.items())
        yield f"rates = {{ {rates} }}"


def _given(value: Given) -> str:
    written = value.written
    if written is None:
        array = np.moveaxis(value.array, -1, 0) if value.batched else value.array
        written = _from_array(array)
    text = _written(written)
    return f"{{ cases = {text} }}" if value.batched else text


def _from_array(array: Any) -> Written:
    return tuple(_from_array(row) for row in array) if array.ndim else full(float(array))


def _written(written: Written) -> str:
    if isinstance(written, tuple):
        return f"[{', '.join(_written(w) for w in written)}]"
    return _string(written) if "/" in written or not _toml_number(written) else written


def _toml_number(text: str) -> bool:
    import tomllib

    try:
        tomllib.loads(f"x = {text}")
    except tomllib.TOMLDecodeError:
        return False
    return True


def _string(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for DEL."""
    import json  # Here: every command would wait for it.

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def key(name: str) -> str:
    """A name as a key of TOML: quoted where it has more than letters of ASCII, digits and underscores."""
    return name if name.isascii() and name.isidentifier() else _string(name)
