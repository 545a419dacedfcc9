"""What is asked about: `dW2[1,0]`, `dL/dW2[1,0]`, `delta2[1]` or `h2[1]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handgrad.errors import OptionError, nearest
from handgrad.graph import Graph
from handgrad.operations.operation import describe
from handgrad.paths.structure import Entry

_SPELLED = re.compile(r"(?P<name>[^\[\]]+?)\s*(?:\[(?P<index>[^\[\]]*)\])?\s*")
_QUOTIENT = re.compile(r"[d∂]\s*(?P<loss>\w+)\s*/\s*[d∂]\s*(?P<name>\w+)")
_DELTA = re.compile(r"(?:delta|δ)_?(?P<layer>\d*)")


@dataclass(frozen=True, slots=True)
class Target:
    """An entry of a gradient or of a forward value; of many cases, `case` is the one."""

    entry: Entry
    gradient: bool
    case: int | None = None


def read_whole(text: str, graph: Graph) -> str:
    """The name of which a text asks for the whole gradient: a parameter, or `dW2`, without an index; empty for an entry."""
    found = _SPELLED.fullmatch(text.strip())
    if found is None or found["index"] is not None:
        return ""
    try:
        name, gradient = _named(found["name"].strip(), graph)
    except OptionError:
        return ""
    node = graph.nodes[name]
    if not (gradient or node.kind == "parameter") or name in (graph.loss, graph.cost):
        return ""
    return name if node.shape or node.batched else ""


def read_target(text: str, graph: Graph, cases: int) -> Target:
    """The entry that a text names, as the trace names it; entries count from 0.

    A value that differs from case to case takes the case as its last index. Nothing computes a parameter: what
    is asked of it is its gradient. Raises `OptionError`.
    """
    found = _SPELLED.fullmatch(text.strip())
    if found is None:
        raise _wrong(f"{text[:60]!r} names no entry", "write dW2[1,0] or h2[1]")
    name, gradient = _named(found["name"].strip(), graph)
    node = graph.nodes[name]
    gradient = gradient or node.kind == "parameter"
    lengths = (*node.shape, *([cases] if node.batched else []))
    shown = f"d{name}" if gradient else name
    index = _index(found["index"], text)
    if len(index) != len(lengths):
        example = f"{shown}[{','.join('0' for _ in lengths)}]" if lengths else shown
        what = f"{name} is {describe(node.shape)}{_in_cases(cases) if node.batched else ''}"
        wanted = "1 index" if len(lengths) == 1 else f"{len(lengths)} indices"
        raise _wrong(f"{what}, so an entry of {shown} has {wanted}", f"write {example}")
    for position, length in zip(index, lengths, strict=True):
        if position >= length:
            raise _wrong(
                f"{shown} has no entry {list(index)}",
                f"an index here counts from 0 to {length - 1}",
            )
    case = index[-1] if node.batched else None
    return Target(Entry(name, index[: len(node.shape)]), gradient, case)


def _named(text: str, graph: Graph) -> tuple[str, bool]:
    quotient = _QUOTIENT.fullmatch(text)
    if quotient is not None:
        if quotient["loss"] not in (graph.loss, graph.cost, "L"):
            raise _wrong(
                f"{quotient['loss']} is not the loss", f"write d{graph.loss}/d{quotient['name']}"
            )
        if quotient["name"] in graph.nodes:
            return quotient["name"], True
    elif text in graph.nodes:
        return text, False
    elif text[:1] in ("d", "∂") and text[1:] in graph.nodes:
        return text[1:], True
    elif (delta := _DELTA.fullmatch(text)) and f"z{delta['layer']}" in graph.nodes:
        return f"z{delta['layer']}", True
    known = [*(f"d{n}" for n in graph.nodes), *graph.nodes]
    raise _wrong(
        f"the problem has no value or gradient {text[:40]}",
        nearest(text, known) or f"it has {', '.join(known[:8])}, …",
    )


def _index(text: str | None, whole: str) -> tuple[int, ...]:
    if text is None:
        return ()
    parts = [p.strip() for p in text.split(",")]
    if not all(p.isascii() and p.isdigit() and len(p) < 10 for p in parts):
        raise _wrong(
            f"{whole[:60]!r} has an index that is not a whole number", "indices count from 0"
        )
    return tuple(int(p) for p in parts)


def _wrong(what: str, mend: str) -> OptionError:
    return OptionError(what, mend=mend)


def _in_cases(cases: int) -> str:
    return " in 1 case" if cases == 1 else f" in {cases} cases"
