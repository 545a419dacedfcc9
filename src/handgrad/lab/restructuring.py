"""Larger edits of a problem, made in its text: a unit, a layer or a case more, another activation.

Each is a few pieces put in where they belong, and leaves the rest of the text as it is; and each is tried before it is offered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from handgrad.errors import OptionError
from handgrad.formats.markup import plain
from handgrad.graph import activations
from handgrad.lab.solving import read, solved, standing, values
from handgrad.lab.view import text_of
from handgrad.operations import BY_NAME, noun_of
from handgrad.solution import Trace
from handgrad.solution.pictures.layers import Network, network_of

NEW = "0.1"
"""What new weights and biases begin with: a number that lets gradient through."""

Pieces = dict[int, str]
"""What is put in, by the place before which it is."""


def restructure_answer(asked: Mapping[str, Any]) -> dict[str, str]:
    """The text after a larger edit.

    Arguments:
        asked: `text`, and the `change`: "unit 1" (of layer 1), "layer", "case", or "swap relu tanh".

    Returns `text`. Raises `HandgradError`.
    """
    text = text_of(asked)
    words = str(asked.get("change")).split()
    match words:
        case ["unit", layer] if layer.isdigit():
            changed = _with_unit(text, int(layer))
        case ["layer"]:
            changed = _with_layer(text)
        case ["case"]:
            changed = _with_case(text)
        case ["swap", old, new] if old in BY_NAME and new in BY_NAME:
            changed = _with_swap(text, old, new)
        case _:
            raise OptionError(f"{' '.join(words)[:40]!r} is no change")
    solved(changed, "exact", 4)
    return {"text": changed}


def changes_offered(text: str, trace: Trace) -> str:
    """What can be changed in a problem, as buttons and choices of a form."""
    network = _plain_network(trace)
    buttons: list[tuple[str, str]] = []
    if network is not None:
        hidden = range(1, len(network.layers))
        buttons += [(f"unit {k}", f"A unit more in layer {k}") for k in hidden]
        if len(network.layers) > 1 and _line_of(text, network.layers[-2].out):
            buttons.append(("layer", "A layer more"))
    if trace.cases and not trace.problem.upstream:
        buttons.append(("case", "A case more"))
    made = "".join(
        f'<button type="button" data-change="{change}">{words}</button>'
        for change, words in buttons
    )
    calls = [a.call for a in activations(trace.graph)]
    # One with options would leave them to another that has none.
    with_options = {call.operation for call in calls if call.options}
    present = [o for o in dict.fromkeys(c.operation for c in calls) if o not in with_options]
    swaps = "".join(
        _swap(old) for old in present if re.search(rf"\b{old}\s*\(", _equations(text)[1])
    )
    return made + swaps


def _swap(old: str) -> str:
    others = (
        o.name
        for o in BY_NAME.values()
        if o.family == "activation" and o.elementwise and o.arity == (1, 1)
    )
    options = "".join(
        f'<option value="swap {old} {o}">{plain(noun_of(o))}</option>' for o in others if o != old
    )
    name = plain(noun_of(old))
    return f'<label>{name} <select data-swap="{old}" aria-label="Instead of {name}"><option value="">stays</option>{options}</select></label>'


def _plain_network(trace: Trace) -> Network | None:
    """The network of a problem whose layers are all W @ h + b, with a row of W for each unit."""
    network = network_of(trace.graph)
    if network is None or network.examples != "none":
        return None
    nodes = trace.graph.nodes
    for layer in network.layers[:-1]:
        weights, bias = layer.sum.weights, layer.sum.bias
        units = nodes[layer.out].shape
        if not bias or nodes[bias].shape != units or nodes[weights].shape[:1] != units:
            return None
        if {len(trace.graph.consumers.get(n, ())) for n in (weights, bias)} != {1}:
            return None  # used elsewhere as well
        if {nodes[weights].kind, nodes[bias].kind} != {"parameter"} or len(
            nodes[weights].shape
        ) != 2:
            return None
    return network


def _network(text: str) -> tuple[Trace, Network]:
    trace = solved(text, "exact", 4)
    network = _plain_network(trace)
    if network is None:
        raise OptionError("the problem is not a network of layers W @ h + b")
    return trace, network


def _with_unit(text: str, number: int) -> str:
    """A row of the layer's weights and an entry of its biases; and a weight from it to each unit of the next layer."""
    trace, network = _network(text)
    if not 1 <= number < len(network.layers):
        raise OptionError(f"there is no hidden layer {number}")
    layer, after = network.layers[number - 1 : number + 1]
    stands, nodes = standing(text), trace.graph.nodes
    units, inputs = nodes[layer.sum.weights].shape
    row = f", [{', '.join([NEW] * inputs)}]"
    last = stands[f"{layer.sum.weights}[{units - 1},{inputs - 1}]"]
    pieces: Pieces = {text.index("]", last.stop) + 1: row}
    pieces[stands[f"{layer.sum.bias}[{units - 1}]"].stop] = f", {NEW}"
    shape = nodes[after.sum.weights].shape
    if shape == (units,):
        pieces[stands[f"{after.sum.weights}[{units - 1}]"].stop] = f", {NEW}"
    else:
        for i in range(shape[0]):
            pieces[stands[f"{after.sum.weights}[{i},{units - 1}]"].stop] = f", {NEW}"
    return _put(text, pieces)


def _with_layer(text: str) -> str:
    """A layer before the last: it begins as one that changes nothing, with the identity for weights."""
    trace, network = _network(text)
    if len(network.layers) < 2:
        raise OptionError("there is no hidden layer for another to follow")
    before = network.layers[-2]
    number = next(k for k in range(len(network.layers) + 1, 1000) if not _taken(trace, k))
    (units,) = trace.graph.nodes[before.out].shape
    start, equations = _equations(text)
    line = _line_of(text, before.out)
    if line is None:
        raise OptionError(f"{before.out} has no equation of its own")
    rest = re.sub(rf"\b{before.out}\b", f"h{number}", equations[line.end() :])
    new = f"\nz{number} = W{number} @ {before.out} + b{number}\nh{number} = {before.operation}(z{number})"
    equations_end = start + len(equations)
    identity = [["1" if i == j else "0" for j in range(units)] for i in range(units)]
    rows = ", ".join(f"[{', '.join(row)}]" for row in identity)
    given = f"\nW{number} = [{rows}]\nb{number} = [{', '.join(['0'] * units)}]"
    head = re.search(r"^\[parameters\][ \t]*(#.*)?$", text, re.MULTILINE)
    if head is None or head.end() < equations_end:
        raise OptionError("the text has no [parameters] after its equations")
    changed = text[: start + line.end()] + new + rest
    return changed + text[equations_end : head.end()] + given + text[head.end() :]


def _line_of(text: str, name: str) -> re.Match[str] | None:
    """The line of the equations that computes a name."""
    return re.search(rf"^[ \t]*{name}[ \t]*=.*$", _equations(text)[1], re.MULTILINE)


def _taken(trace: Trace, number: int) -> bool:
    return any(f"{letter}{number}" in trace.graph.nodes for letter in "zhWb")


def _with_case(text: str) -> str:
    """The last case once more, in everything that is given in cases."""
    problem = read(text)
    pieces: Pieces = {}
    stands = standing(text)
    for name, given in problem.inputs.items():
        if not given.batched:
            continue
        count = given.array.shape[-1]
        own = [s for spelled, s in stands.items() if _is_of(spelled, name, count - 1)]
        if not own:
            raise OptionError(f"{name} is not written case by case")
        start, stop = min(s.start for s in own), max(s.stop for s in own)
        depth = given.array.ndim - 1
        for _ in range(depth):
            start, stop = text.rindex("[", 0, start), text.index("]", stop) + 1
        pieces[stop] = f", {text[start:stop]}"
    if not pieces:
        raise OptionError("nothing is given in cases", mend="write x = { cases = [ … ] }")
    return _put(text, pieces)


def _is_of(spelled: str, name: str, case: int) -> bool:
    whole, _, index = spelled.partition("[")
    return whole == name and index.rstrip("]").split(",")[-1] == str(case)


def _with_swap(text: str, old: str, new: str) -> str:
    start, equations = _equations(text)
    changed = re.sub(rf"\b{re.escape(old)}(?=\s*\()", new, equations)
    if changed == equations:
        raise OptionError(f"no equation calls {old}")
    return text[:start] + changed + text[start + len(equations) :]


def _equations(text: str) -> tuple[int, str]:
    """Where the equations begin, and they as they stand in the text."""
    place = values(text).get(("equations",))
    if place is None:
        raise OptionError("the equations are not one text", mend='write equations = """ … """')
    return place.start, text[place.start : place.stop]


def _put(text: str, pieces: Pieces) -> str:
    parts: list[str] = []
    end = 0
    for at in sorted(pieces):
        parts += [text[end:at], pieces[at]]
        end = at
    return "".join(parts) + text[end:]
