"""Which unit is meant: `h2[7]`, an entry such as `h2[17,7]`, or that of a weight, `W2[7,3]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handgrad.errors import OptionError, nearest
from handgrad.expression import Name
from handgrad.graph import Graph
from handgrad.operations.operation import describe
from handgrad.running.units import LayerUnits
from handgrad.unit.rows import UnitRow, row_of, used_at

WHERE = "--unit"

_SPELLED = re.compile(r"\s*(?P<name>[^\[\]]+?)\s*(?:\[(?P<index>[^\[\]]*)\])?\s*")


@dataclass(frozen=True)
class UnitTarget:
    """A unit, and how much of its place is asked for.

    Arguments:
        row: its equations.
        unit: its index along the axes of units.
        entry: the whole index of its value, where that was given.
        layer: the facts of its layer.
        weight: the entry of a parameter that it was named by.
    """

    row: UnitRow
    unit: tuple[int, ...]
    layer: LayerUnits
    entry: tuple[int, ...] | None = None
    weight: tuple[str, tuple[int, ...]] | None = None


def read_target(text: str, graph: Graph) -> UnitTarget:
    """The unit that a text names; entries count from 0. Raises `OptionError`."""
    found = _SPELLED.fullmatch(text)
    if found is None:
        raise _wrong(f"{text[:60]!r} names no unit", "write h2[7] or W2[7,3]")
    name, index = found["name"], _index(found["index"], text)
    node = graph.nodes.get(name)
    if node is None or name in graph.beyond:
        values = [n for n in graph.named if graph.nodes[n].kind != "data"]
        hint = nearest(name, values) or f"it has {', '.join(values[:8])}, …"
        raise _wrong(f"the problem has no value or parameter {name[:40]}", hint)
    if node.kind == "parameter":
        return _of_weight(graph, name, index)
    if node.kind != "value":
        raise _wrong(f"{name} is given; a unit is something that is computed", "name a value")
    row = row_of(graph, name)
    layer = LayerUnits(graph, Name(row.pre, shape=graph.nodes[row.pre].shape))
    shape, units = layer.shape, layer.units
    if len(index) == len(units):
        _check(name, index, units)
        whole = index if len(units) == len(shape) else None
        return UnitTarget(row, index, layer, whole)
    if len(index) == len(shape):
        _check(name, index, shape)
        return UnitTarget(row, layer.unit_of(index), layer, index)
    example = f"{name}[{','.join('0' for _ in units)}]" if units else name
    many = "1 index" if len(units) == 1 else f"{len(units)} indices"
    entry = f", or of one entry {len(shape)}" if len(shape) != len(units) else ""
    raise _wrong(f"{name} is {describe(shape)}: a unit of it has {many}{entry}", f"write {example}")


def _of_weight(graph: Graph, name: str, index: tuple[int, ...]) -> UnitTarget:
    shape = graph.nodes[name].shape
    if len(index) != len(shape):
        many = "1 index" if len(shape) == 1 else f"{len(shape)} indices"
        what = f"{name} is {describe(shape)}, so an entry of it has {many}"
        raise _wrong(what, f"write {name}[{','.join('0' for _ in shape)}]" if shape else "")
    _check(name, index, shape)
    for equation, places in used_at(graph, name, index):
        row = row_of(graph, equation)
        layer = LayerUnits(graph, Name(row.pre, shape=graph.nodes[row.pre].shape))
        if not len(places) or graph.nodes[equation].shape != layer.shape:
            continue
        units = sorted({layer.unit_of(tuple(map(int, place))) for place in places})
        if len(units) > 1:
            first = _spelled(row.value, units[0])
            what = f"{_spelled(name, index)} is used by {len(units)} units of {row.value}"
            raise _wrong(what, f"name one of them, such as {first}")
        return UnitTarget(row, units[0], layer, weight=(name, index))
    raise _wrong(f"no unit uses {_spelled(name, index)}", "name a value, such as h2[7]")


def _spelled(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{','.join(map(str, index))}]" if index else name


def _index(text: str | None, whole: str) -> tuple[int, ...]:
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        what = f"{whole[:60]!r} has an index that is not a whole number"
        raise _wrong(what, "indices count from 0")
    return tuple(map(int, parts))


def _check(name: str, index: tuple[int, ...], lengths: tuple[int, ...]) -> None:
    for position, length in zip(index, lengths, strict=True):
        if position >= length:
            what = f"there is no {_spelled(name, index)}"
            raise _wrong(what, f"an index here counts from 0 to {length - 1}")


def _wrong(what: str, mend: str) -> OptionError:
    return OptionError(what, where=WHERE, mend=mend)
