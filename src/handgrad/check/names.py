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
_DELTA = re.compile(r"delta_?(\w*)")
_LATIN = {letter: word for word, letter in GREEK.items()}
_HATS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde"}


def plain(name: str) -> str:
    """A name as it is typed: ŷ is yhat, W⁽²⁾ is W2, δ₂ is delta2, ∂L/∂W is dL/dW."""
    letters = []
    for letter in unicodedata.normalize("NFKD", name.strip().replace("∂", "d")):
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
    taken = {*problem.parameters, *problem.data, *(e.target for e in problem.equations)}
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


def _leaf(name: str, graph: Graph) -> Leaf | None:
    if name in graph.nodes or name in graph.lets:
        return Name(name)
    quotient = _QUOTIENT.fullmatch(name)
    if quotient is not None:
        above, below = quotient.groups()
        return _adjoint(below, graph) if above in (graph.loss, graph.cost) else None
    if name.startswith("d"):
        found = _adjoint(name[1:].removeprefix("_"), graph)
        if found is not None:
            return found
    delta = _DELTA.fullmatch(name)
    if delta is not None:
        for letter in ("z", "a", "s"):
            found = _adjoint(letter + delta[1], graph)
            if found is not None:
                return found
    return None


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
    for pattern in (r"updated[ ._:]+(\w+)", r"(\w+)_new", r"new[ ._](\w+)", r"(\w+)['′]"):
        found = re.fullmatch(pattern, name)
        if found is not None:
            return found[1]
    return None
