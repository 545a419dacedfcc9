"""In which of many candidates a promise holds, as far as their values and gradients show it.

The candidates lie along the last axis; where an exercise has many cases, those along the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import assert_never

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.exercises.gated_layers import GatedLayer, layers
from handgrad.exercises.meaning import HELD, TARGETS, Meaning
from handgrad.exercises.promises import Promise
from handgrad.exercises.reasons import TARGET_REASONS
from handgrad.exercises.requirements import Requirements
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, leaves, walk
from handgrad.graph import Graph
from handgrad.operations import operation_of
from handgrad.operations.gates import activation_in
from handgrad.solution.slopes import SATURATION, slopes_of

CARRIED = ("arithmetic", "linear", "structure", "reduction")
"""Families of operations that a person carries out in full, with plus, minus and times."""

EXACT_DIGITS = 2
"""Decimals that numbers which are held may have for what is worked out from them to be carried in full."""


@dataclass(frozen=True)
class Events:
    """What can happen in a problem's candidates.

    Arguments:
        graph: its graph, every activation under a name.
        meanings: what its givens mean.
        held: the numbers of those that are not drawn.
        asked: what every sheet is to be like.
    """

    graph: Graph
    meanings: Mapping[str, Meaning]
    held: Mapping[str, Array]
    asked: Requirements

    @cached_property
    def gated(self) -> tuple[GatedLayer, ...]:
        """The layers with gates."""
        return tuple(layer for layer in self._layers if layer.activation.gate)

    @cached_property
    def _layers(self) -> tuple[GatedLayer, ...]:
        return layers(self.graph)

    # -- what is asked for --------------------------------------------------------------------

    def wishes(self) -> Iterator[Promise]:
        """What has to hold of every sheet."""
        yield Promise("finite")
        asked = self.asked
        for layer, count in asked.off.items():
            wish = f"--off {count}" if layer is None else f"--off {layer}:{count}"
            yield Promise("units_off", layer=layer, count=count, wish=wish)
        if any(asked.off.values()):
            wish = " ".join(
                f"--off {n}" if k is None else f"--off {k}:{n}" for k, n in asked.off.items()
            )
            yield Promise("off_blocks", size=asked.visible, wish=wish)
        if asked.zero_input:
            yield Promise("zero_input", wish="--zero-input")
        if asked.path_sum:
            yield Promise("path_sum", wish="--path-sum")

    def usual(self) -> Iterator[Promise]:
        """What is to hold of every sheet where it can: the gates first."""
        asked = self.asked
        if self.gated:
            yield Promise("clear_of_kink", size=asked.visible / 5)
        for layer in self.gated:
            yield Promise("layer_open", about=layer.name)
        if self.gated and not asked.off:
            yield Promise("gate_blocks", size=asked.visible)

    def niceties(self) -> Iterator[Promise]:
        """What makes the arithmetic pleasant, where it can be had."""
        for name in self._in_full():
            decimals = min(self.asked.decimals, 15)
            yield Promise("few_digits", about=name, count=decimals, size=self.asked.bound)
        if not self.asked.saturated:
            for layer in self._layers:
                if operation_of(layer.activation.call).saturation is not None:
                    yield Promise("unsaturated", about=layer.name)
        if self.asked.signs:
            for name, node in self.graph.nodes.items():
                matrix = len(node.shape) > 1 and max(node.shape) > 1
                if matrix and node.kind == "parameter" and self.meanings[name].kind == "weights":
                    yield Promise("both_signs", about=name)

    def _in_full(self) -> Iterator[str]:
        """Values that a person carries out in full, with all that leads to them."""
        scale = 10.0**EXACT_DIGITS
        full = {
            name
            for name, meaning in self.meanings.items()
            if meaning.kind not in HELD
            or bool(
                np.all(np.abs(self.held[name]) <= self.asked.bound)
                and np.all(
                    np.abs(np.rint(self.held[name] * scale) / scale - self.held[name]) < 1e-12
                )
            )
        }
        for name in self.graph.equations:
            written = self.graph.nodes[name].written
            assert written is not None
            if all(leaf.name in full for leaf in leaves(written)) and _carried(written):
                full.add(name)
                yield name

    # -- whether it holds ---------------------------------------------------------------------

    def holds(self, promise: Promise, values: Mapping[Leaf, Array]) -> Mask:
        """In which candidates a promise holds."""
        of = values.get(Name(promise.about))
        match promise.kind:
            case "finite":
                arrays = [a for leaf, a in values.items() if isinstance(leaf, Name)]
                arrays += [a for leaf, a in values.items() if isinstance(leaf, Adjoint)]
                return np.asarray(np.all([_all(np.isfinite(a)) for a in arrays], axis=0))
            case "units_off":
                counted = [
                    layer.shut(values).sum(axis=0)
                    for layer in self.gated
                    if promise.layer in (None, layer.number)
                ]
                off = np.zeros(next(iter(values.values())).shape[-1], int)
                return np.asarray(sum(counted, off) == promise.count)
            case "off_blocks":
                return self._off_blocks(promise, values)
            case "zero_input":
                return self._zero_input(values)
            case "path_sum":
                return _path_sum(self.graph, values)
            case "clear_of_kink":
                near = [np.abs(values[x.pre_activation]) > promise.size for x in self.gated]
                return np.asarray(np.all([_all(n) for n in near], axis=0))
            case "layer_open":
                (layer,) = (x for x in self.gated if x.name == promise.about)
                return _any(~layer.shut(values))
            case "gate_blocks":
                seen = [
                    ~x.opens(values[x.pre_activation])
                    & (np.abs(values[Adjoint(x.name)]) >= promise.size)
                    for x in self.gated
                ]
                return np.asarray(np.any([_any(s) for s in seen], axis=0))
            case "few_digits":
                assert of is not None
                scale = 10.0**promise.count
                fine = _all(np.abs(of) <= promise.size)
                if promise.count < 15:
                    fine &= _all(np.abs(of * scale - np.rint(of * scale)) < 1e-6)
                return fine
            case "unsaturated":
                (layer,) = (x for x in self._layers if x.name == promise.about)
                call = layer.activation.call
                steepest = operation_of(call).saturation
                assert steepest is not None
                z = values[layer.pre_activation]
                return _all(slopes_of(call, z, batched=True) >= SATURATION * steepest)
            case "both_signs":
                assert of is not None
                return _any(of > 0) & _any(of < 0)
            case "answer_not_zero" | "rule_shows":
                raise AssertionError("answers and wrong rules are looked at elsewhere")
            case _:
                assert_never(promise.kind)

    def _off_blocks(self, promise: Promise, values: Mapping[Leaf, Array]) -> Mask:
        """Whether what every off unit blocks is seen; before a layer that is off as a whole nothing arrives."""
        fine: Mask | None = None
        silent: Mask | None = None
        for layer in reversed(self.gated):
            shut = layer.shut(values)
            seen = _all(~shut | (layer.blocked(values) >= promise.size))
            seen = seen if silent is None else seen | silent
            fine = seen if fine is None else fine & seen
            off = _all(shut)
            silent = off if silent is None else silent | off
        assert fine is not None
        return fine

    def _zero_input(self, values: Mapping[Leaf, Array]) -> Mask:
        count = next(iter(values.values())).shape[-1]
        names = self.inputs()
        zero = [_any(values[Name(n)] == 0) for n in names]
        return np.asarray(np.any(zero, axis=0)) if zero else np.zeros(count, bool)

    def inputs(self) -> tuple[str, ...]:
        """The data, of more than one number, that are inputs and no targets."""
        return tuple(
            name
            for name, node in self.graph.nodes.items()
            if node.kind == "data"
            and (node.shape or node.batched)
            and self.meanings[name].kind not in TARGETS - {"one_hot"}
            and self.meanings[name].kind != "mask"
            and not _is_loss_target(self.meanings[name])
        )


def _is_loss_target(meaning: Meaning) -> bool:
    """Whether numbers that may be inputs as well are what a loss compares with a prediction."""
    reason = meaning.reason
    if reason is None:
        return False
    return reason.kind == "held_target" or (
        meaning.kind == "one_hot" and reason.kind in TARGET_REASONS
    )


def _any(flags: Mask) -> Mask:
    return np.asarray(flags.reshape(-1, flags.shape[-1]).any(axis=0))


def _all(flags: Mask) -> Mask:
    return np.asarray(flags.reshape(-1, flags.shape[-1]).all(axis=0))


def _carried(formula: Expression) -> bool:
    return all(
        operation_of(node).family in CARRIED
        or ((applied := activation_in(node)) is not None and operation_of(applied).gate)
        for node in walk(formula)
        if isinstance(node, Call)
    )


def _path_sum(graph: Graph, values: Mapping[Leaf, Array]) -> Mask:
    """A gradient passed back that adds at least two products which are not zero.

    Nobody is asked for the gradient of the data where there are parameters.
    """
    count = next(iter(values.values())).shape[-1]
    found = np.zeros(count, bool)
    kinds = {node.kind for node in graph.nodes.values()}
    unasked = "data" if "parameter" in kinds else ""
    for gradient in graph.gradients.values():
        if len(gradient.parts) > 1 and graph.nodes[gradient.name].kind != unasked:
            shares = [_any(values[Adjoint(gradient.name, p.through)] != 0) for p in gradient.parts]
            found |= np.sum(shares, axis=0) > 1
    for line in graph.backward:
        for call in walk(line.formula):
            if not isinstance(call, Call) or operation_of(call).family != "linear":
                continue
            for argument in call.arguments:
                node = graph.nodes.get(line.leaf.name)
                if not isinstance(argument, Adjoint) or node is None or node.kind != "value":
                    continue
                if argument not in values:
                    continue
                # Units that are reached, in each case that there is; one case with two will do.
                units = tuple(range(len(graph.shape(argument))))
                found |= _any((np.sum(values[argument] != 0, axis=units) > 1)[None])
    return found
