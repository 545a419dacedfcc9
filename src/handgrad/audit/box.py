"""A box of inputs: `x in [-1,1]^2`, read and checked against the problem."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import OptionError, nearest
from handgrad.expression import Call, Name, leaves, walk
from handgrad.graph import Graph
from handgrad.operations import operation_of
from handgrad.problem import Problem
from handgrad.running.rows import examples_as_cases

Box: TypeAlias = Mapping[str, tuple[Array, Array]]
"""By name of a datum, the lowest and the highest value of each of its entries."""

_SIDE = re.compile(r"\[([^\[\],]*),([^\[\],]*)\](?:\^(\d{1,9}))?")
_NAMED = re.compile(r"\s*(\w+)\s*(?:in|∈)\s*(.*?)\s*")


def read_box(problem: Problem, texts: Sequence[str]) -> Box:
    """The box that texts describe, such as `x in [-1,1]^2` or `x in [0,1]x[-2,2]`, one a datum.

    One interval stands for every entry; otherwise each entry needs its own. Where the data have an example a
    row or a column, the box is of one example, or else of the data whole. Raises `OptionError`.
    """
    box: dict[str, tuple[Array, Array]] = {}
    for text in texts:
        found = _NAMED.fullmatch(problem.respelled(text))
        if found is None:
            raise _wrong(f"{text[:60]!r} is not a box")
        name, sides = found.groups()
        if name not in problem.data:
            raise _wrong(
                f"{name[:40]} is not among the problem's data", nearest(name, problem.data)
            )
        if name in box:
            raise _wrong(f"{name} is given two boxes")
        bounds = _sides(sides, text)
        powered = sides.rstrip()[-1:] != "]"
        shape = problem.data[name].shape
        if len(bounds) != math.prod(shape) or (len(bounds) == 1 and not powered):
            shape = _example(problem).data[name].shape
        size = math.prod(shape)
        if len(bounds) == 1 and not powered:
            bounds = bounds * size
        if len(bounds) != size:
            entries = "1 entry" if size == 1 else f"{size} entries"
            raise _wrong(
                f"{name} has {entries}, but the box has {len(bounds)}",
                f"write {name} in [-1,1]^{size}",
            )
        low, high = np.array(bounds).T
        if not (low <= high).all():
            raise _wrong(
                f"an interval of {name} ends before it begins", "write the lower end first"
            )
        box[name] = low.reshape(shape), high.reshape(shape)
    return box


def expect_no_places(graph: Graph, box: Box) -> None:
    """Raises `OptionError` for a box of numbers that pick entries or rows: between whole ones lie no others."""
    calls = [
        call for line in graph.forward for call in walk(line.formula) if isinstance(call, Call)
    ]
    for call in calls:
        if operation_of(call).picks:
            for leaf in leaves(call.arguments[1]):
                if isinstance(leaf, Name) and leaf.name in box:
                    raise _wrong(
                        f"{leaf.name} numbers the entries of another value, and most of a box are numbers of none",
                        "take a box of other data",
                    )


def _example(problem: Problem) -> Problem:
    """The problem with one case for each example in its rows or columns."""
    return examples_as_cases(problem).problem


def _sides(text: str, whole: str) -> list[tuple[float, float]]:
    bounds: list[tuple[float, float]] = []
    rest = text.replace("−", "-").replace(" ", "")
    while rest:
        found = _SIDE.match(rest)
        if found is None:
            raise _wrong(f"{whole[:60]!r} is not a box")
        low, high, power = found.groups()
        if power is not None and int(power) > 1_000_000:
            raise _wrong(f"{power} sides are too many")
        bounds += [(_end(low, whole), _end(high, whole))] * int(power or 1)
        rest = rest[found.end() :]
        if rest[:1] in ("x", "×", "*"):
            rest = rest[1:]
            if not rest:
                raise _wrong(f"{whole[:60]!r} is not a box")
    if not bounds:
        raise _wrong(f"{whole[:60]!r} is not a box")
    return bounds


def _end(text: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise _wrong(f"{text[:20]!r} in {whole[:60]!r} is not a finite number")
    return value


def _wrong(what: str, mend: str = "write x in [-1,1]^2") -> OptionError:
    return OptionError(what, where="--over", mend=mend)
