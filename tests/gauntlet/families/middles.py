"""Exam questions that start from the middle: given pre-activations, and gradients that arrive from beyond."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from tests.gauntlet.families.draw import Draw, LayerNames


def _layer(d: Draw, names: LayerNames, number: int, before: str, sizes: tuple[int, int]) -> str:
    """A layer on a column vector, its numbers among the parameters; the name of what it gives."""
    s = d.sheet
    weights, bias, pre, out = names.of(number)
    s.parameters[weights] = d.array(sizes[1], sizes[0])
    product = f"{weights} @ {before}"
    if d.chance(0.85):
        s.parameters[bias] = d.array(sizes[1])
        product += f" + {bias}"
    s.add(f"{pre} = {product}", f"{out} = {d.activation()}({pre})")
    return out


def _cases(d: Draw, *names: str) -> int:
    """How many cases there are, 0 for none; these names are given in cases where there are some."""
    if d.chance(0.6):
        return 0
    d.sheet.batched |= set(names)
    return d.size(4, 2)


def _numbers(d: Draw, count: int, *shape: int, top: float = 2) -> object:
    return d.array(count, *shape, top=top) if count else d.array(*shape, top=top)


def given_pre_activations(d: Draw) -> None:
    """A network up to its loss whose first pre-activation is given; its own equation may stand there."""
    s, names = d.sheet, d.layer_names()
    loss, out, y = d.loss_name(), d.output_name(), d.target_name()
    inputs, units, hidden, ends = d.size(3), d.size(4, 1), d.size(3), d.size(2)
    value = _layer(d, names, 1, "x", (inputs, units))
    weights, bias, pre, _ = names.of(1)
    many = _cases(d, pre, y, "x")
    if d.chance(0.5):
        value = _layer(d, names, 2, value, (units, hidden))
        units = hidden
    s.parameters["V"] = d.array(ends, units)
    s.add(f"{out} = V @ {value}", f"{loss} = {d.squared(out, y, ends)}")
    if "sum" not in s.equations[-1] and "m" not in s.equations[-1].partition("=")[2]:
        s.equations[-1] = f"{loss} = sum({s.equations[-1].partition('=')[2].strip()})"
    s.data[y] = _numbers(d, many, ends)
    s.given[pre] = _numbers(d, many, len(s.parameters[weights]))
    if d.chance(0.4):
        # The question says nothing of what is before.
        s.equations = s.equations[1:]
    elif d.chance(0.5):
        s.data["x"] = _numbers(d, many, inputs)
        return
    del s.parameters[weights]
    s.parameters.pop(bias, None)


def upstream_gradient(d: Draw) -> None:
    """Layers that end in a vector, at which a gradient arrives; at a value before it too, at times."""
    s, names = d.sheet, d.layer_names()
    sizes = [d.size(3), *[d.size(3) for _ in range(d.size(3))]]
    many = _cases(d, "x")
    s.data["x"] = _numbers(d, many, sizes[0])
    value = "x"
    for number, pair in enumerate(pairwise(sizes), start=1):
        value = _layer(d, names, number, value, pair)
    last = len(sizes) - 1
    end = value
    if d.chance(0.5):
        end = names.of(last)[2]
        s.equations.pop()
    ends = {end: sizes[-1]}
    if last > 1 and d.chance(0.3):
        ends[names.of(d.size(last - 1))[3]] = 0
        for number in range(1, last):
            if names.of(number)[3] in ends:
                ends[names.of(number)[3]] = sizes[number]
    for name, size in ends.items():
        s.upstream[name] = _numbers(d, many, size)
        if many:
            s.batched.add(name)
    if d.chance(0.3):
        s.loss = d.pick(("L", "J", "E"))


def back_through_a_gate(d: Draw) -> None:
    """A given pre-activation, an activation or two, and what arrives: no parameter at all, or one."""
    s = d.sheet
    units = d.size(4)
    many = _cases(d, "z")
    s.given["z"] = _numbers(d, many, units, top=3)
    s.add(f"h = {d.activation()}(z)")
    end, size = "h", units
    kind = d.size(4)
    if kind == 1:
        size = d.size(3)
        s.parameters["W"] = d.array(size, units)
        s.add("a = W @ h")
        end = "a"
    elif kind == 2:
        s.add("p = softmax(z)")
        end = "p"
        s.equations = s.equations[1:]
    elif kind == 3:
        s.data["v"] = d.array(units)
        s.add("q = h*v + z")
        end = "q"
    s.upstream[end] = _numbers(d, many, size)
    if many:
        s.batched.add(end)


FAMILIES: tuple[Callable[[Draw], None], ...] = (
    given_pre_activations,
    upstream_gradient,
    back_through_a_gate,
)
