"""Why a value gets no gradient at all: the place that every path from it to the loss passes, and nothing passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from handgrad.expression import Call, Expression, Name, leaves, walk
from handgrad.graph import Graph, activations
from handgrad.notation import Product
from handgrad.operations import operation_of
from handgrad.operations.gates import is_open
from handgrad.running import Run
from handgrad.running.units import LayerUnits

CauseKind: TypeAlias = Literal["no_path", "gates_shut", "zero_factor", "no_slope"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a whole gradient is 0.

    Arguments:
        kind: "no_path": no path leads to the loss; "gates_shut": every path passes the gates of `passed`, and
            wherever a gradient arrives at them they are shut; "zero_factor": every path passes from `stopped` to
            `passed`, where it is multiplied by `factor`, which is 0 throughout; "no_slope": a gradient arrives at
            `passed`, and none of it at `stopped`, for another reason.
        passed: the value nearest to what was asked about that every path passes and a gradient arrives at.
        stopped: the value after it, on the way back, that every path passes and no gradient arrives at.
        factor: what is 0 throughout.
        units: how many units the gates are of.
        places: at how many places each stands: rows, cases and positions together.
        shut: how many of the units' places are shut.
        arriving: at how many of them a gradient arrives.
    """

    kind: CauseKind
    passed: str = ""
    stopped: str = ""
    factor: str = ""
    units: int = 0
    places: int = 0
    shut: int = 0
    arriving: int = 0


def cause_of(graph: Graph, run: Run, name: str) -> Cause | None:
    """Why no entry of a value gets a gradient; None where some does."""
    if not graph.gradients[name].reached:
        return Cause("no_path")
    if run.gradient(name).any():
        return None
    passed = graph.loss
    for each in _passed_by_all(graph, name):
        if run.gradient(each).any():
            passed = each
            continue
        return _between(graph, run, passed, each)
    return None


def _passed_by_all(graph: Graph, name: str) -> list[str]:
    """The values that every path from a name to the loss passes, from the loss back to the name itself."""
    aside = {n for shortcut in graph.shortcuts for n in shortcut.aside}
    order = [n for n in graph.way if n != name]
    to_loss = {graph.loss: 1}
    for each in (*reversed(order), name):
        if each != graph.loss:
            users = graph.consumers.get(each, ())
            to_loss[each] = sum(to_loss.get(user, 0) for user in users)
    from_name = {name: 1}
    for each in order:
        written = graph.nodes[each].written
        used = leaves(written) if written is not None else ()
        from_name[each] = sum(from_name.get(leaf.name, 0) for leaf in used)
    count = to_loss[name]
    return [
        each
        for each in (*reversed(order), name)
        if each != graph.loss and each not in aside
        if count and from_name.get(each, 0) * to_loss.get(each, 0) == count
    ]


def _between(graph: Graph, run: Run, passed: str, stopped: str) -> Cause:
    """Why a gradient that arrives at one value does not at the one before it."""
    gates = {a.equation: a for a in activations(graph) if a.alone and a.gate and not a.fused}
    gate = gates.get(passed)
    if gate is not None and gate.pre_activation == Name(stopped):
        layer = LayerUnits(graph, Name(stopped, shape=graph.nodes[stopped].shape))
        value = np.asarray(run.value(stopped), dtype=float)
        arrived = np.broadcast_to(run.gradient(passed), value.shape)
        units = int(np.prod(layer.units, dtype=int))
        return Cause(
            "gates_shut",
            passed,
            stopped,
            units=units,
            places=value.size // units,
            shut=int(np.count_nonzero(~is_open(value, splits_ties=gate.splits_ties))),
            arriving=int(np.count_nonzero(arrived)),
        )
    users = graph.consumers.get(stopped, ())
    if passed not in users and len(users) == 1 and np.any(run.gradient(users[0])):
        # The loss is computed as one with what is between them.
        passed = users[0]
    parts = graph.gradients[stopped].parts
    # Where it goes several ways, a 0 on one of them is not what stops the others.
    if users == (passed,) and len(parts) == 1:
        beside = _multiplied_with(stopped, graph.nodes[passed].written)
        for factor in _factors(parts[0].formula):
            if factor in beside and not np.any(run.value(factor)):
                return Cause("zero_factor", passed, stopped, factor=factor)
    return Cause("no_slope", passed, stopped)


def _multiplied_with(name: str, written: Expression | None) -> set[str]:
    """The names that an equation multiplies one by: σ(z) is a factor of its own slope, and no factor of z."""
    if written is None:
        return set()
    products = [factors for part in walk(written) if name in (factors := _factors(part))]
    return {factor for factors in products for factor in factors}


def _factors(formula: Expression) -> list[str]:
    """The names that a formula is a product of, as they are, transposed or turned otherwise."""
    if isinstance(formula, Name):
        return [formula.name]
    if not isinstance(formula, Call):
        return []
    operation = operation_of(formula)
    multiplies = operation.family == "linear" or isinstance(operation.notation, Product)
    turns = operation.family == "structure" or operation.reduces_cases is not None
    if multiplies or turns:
        return [name for argument in formula.arguments for name in _factors(argument)]
    return []
