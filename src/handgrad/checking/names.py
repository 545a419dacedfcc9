"""What a student calls a quantity: `dW2`, `dL/dW2`, `delta2`, `∂L/∂W⁽²⁾`, `ŷ`."""

from __future__ import annotations

import re
import unicodedata

from handgrad.equations import source
from handgrad.expression import Adjoint, Leaf, Name
from handgrad.graph import Graph
from handgrad.problem import Problem
from handgrad.symbol import GREEK

_QUOTIENT = re.compile(r"d(\w+)/d(\w+)")
_GRADIENTS = tuple(
    re.compile(pattern)
    for pattern in (r"(?:grad|gradient|nabla)_?(\w+?)", r"(\w+?)[._]?(?:grad|gradient)")
)
_GLUED = re.compile(r"d_?(\w+)")
_LOSSES = ("L", "J", "C", "E", "loss", "Loss", "cost", "Cost", "error", "Error")
_DELTA = re.compile(r"delta_?(\w*)")
_LATIN = {letter: word for word, letter in GREEK.items()}
_HATS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde"}


def plain(name: str) -> str:
    """A name as it is typed: ŷ is yhat, W⁽²⁾ is W2, δ₂ is delta2, ∂L/∂W is dL/dW."""
    letters = []
    for letter in unicodedata.normalize(
        "NFKD", name.strip().replace("∂", "d").replace("∇", "grad")
    ):
        letters.append(_HATS.get(letter) or _LATIN.get(letter, letter))
    return re.sub(r"[\s()\[\]{}^]", "", "".join(letters))


def target_of(leaf: Leaf, graph: Graph) -> str:
    """What answers files and JSON call a value or a gradient: `z1`, `dW2`.

    A gradient whose short name a value has already, such as f's beside a value df, is `dL/df`.
    """
    written = source(leaf)
    if isinstance(leaf, Adjoint) and (written in graph.nodes or written in graph.lets):
        return f"d{graph.loss}/{written}"
    return written


def gradient_key(problem: Problem, name: str) -> str:
    """The same for a gradient of what a problem is given."""
    short = f"d{name}"
    taken = {*problem.inputs, *(e.target for e in problem.equations)}
    return f"d{problem.loss}/{short}" if short in taken else short


def leaf_named(name: str, graph: Graph) -> Leaf | None:
    """The value or the gradient that a name stands for; None where there is none.

    A value of the problem's own goes before a gradient of the same name.
    """
    name = name.strip()
    for spelled in dict.fromkeys((name, plain(name))):
        found = _leaf(spelled, graph)
        if found is not None:
            return found
    return None


def other_derivative(name: str, graph: Graph) -> tuple[str, str] | None:
    """What a name takes a derivative of, and by what, where that is not the loss: dCE/dp; else None."""
    quotient = _QUOTIENT.fullmatch(plain(name))
    if quotient is None or quotient[1] in _numerators(graph) or quotient[1] not in graph.nodes:
        return None
    below = _known(quotient[2], graph)
    return None if below is None else (quotient[1], below)


def gradient_of(name: str, graph: Graph) -> str | None:
    """What a name spells the gradient of, known or not: W1 of grad_W1, W1_grad, dL_dW1; None for another name."""
    name = plain(name)
    for pattern in _GRADIENTS:
        found = pattern.fullmatch(name)
        if found is not None:
            return found[1]
    glued = _GLUED.fullmatch(name)
    if glued is not None:
        for above in _numerators(graph):
            below = glued[1].removeprefix(above).removeprefix("_")
            if glued[1].startswith(above) and below.startswith("d") and len(below) > 1:
                return below[1:].removeprefix("_")
    return None


def _leaf(name: str, graph: Graph) -> Leaf | None:
    if name in graph.nodes or name in graph.lets:
        return Name(name)
    quotient = _QUOTIENT.fullmatch(name)
    if quotient is not None:
        above, below = quotient.groups()
        return _gradient(below, graph) if above in _numerators(graph) else None
    if name.startswith("d"):
        found = _gradient(name[1:].removeprefix("_"), graph)
        if found is not None:
            return found
    delta = _DELTA.fullmatch(name)
    if delta is not None:
        for letter in ("z", "a", "s"):
            found = _gradient(letter + delta[1], graph)
            if found is not None:
                return found
    of = gradient_of(name, graph)
    if of is not None:
        return _gradient(of, graph)
    known = _known(name, graph)
    return Name(known) if known is not None else None


def _numerators(graph: Graph) -> tuple[str, ...]:
    """What the gradients are of, and what a loss is usually called where the problem calls nothing so."""
    usual = (name for name in _LOSSES if name not in graph.nodes and name not in graph.lets)
    return tuple(dict.fromkeys((graph.cost, graph.loss, *usual)))


def _known(name: str, graph: Graph) -> str | None:
    """The name of a value: as it is, or the only one that differs in underscores alone."""
    if name in graph.nodes:
        return name
    wanted = name.replace("_", "")
    found = [n for n in graph.nodes if n.replace("_", "") == wanted]
    return found[0] if len(found) == 1 else None


def _gradient(name: str, graph: Graph) -> Adjoint | None:
    found = _adjoint(name, graph)
    if found is None:
        known = _known(name, graph)
        found = _adjoint(known, graph) if known is not None else None
    return found


def _adjoint(name: str, graph: Graph) -> Adjoint | None:
    base, via, through = name.partition("_via_")
    if base in graph.gradients:
        parts = {part.through for part in graph.gradients[base].parts}
        if not via:
            return Adjoint(base)
        return Adjoint(base, through) if through in parts and len(parts) > 1 else None
    if name in graph.lets and any(line.leaf == Adjoint(name) for line in graph.backward):
        return Adjoint(name)
    return None


def updated_name(name: str) -> str | None:
    """The parameter whose updated value a name spells (`updated.b3`, `b3_new`, `b3'`), or None."""
    name = name.strip()
    for pattern in (
        r"updated[ ._:]+(\w+)",
        r"(\w+)_(?:new|updated|after)",
        r"new[ ._](\w+)",
        r"(\w+)['′]",
    ):
        found = re.fullmatch(pattern, name)
        if found is not None:
            return found[1]
    return None
