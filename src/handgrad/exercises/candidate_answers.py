"""What a sheet asks for, in many candidates: whether an answer is zero, and whether a wrong rule gives it too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.quantities import Quantity, Structure, structure_of
from handgrad.exercises.candidates import Candidates, Ensemble
from handgrad.exercises.promises import Promise
from handgrad.exercises.requirements import Requirements
from handgrad.expression import Adjoint, Leaf

USUAL = (
    "slope_forgotten",
    "preactivation_used",
    "transpose_forgotten",
    "outer_transposed",
    "transposed",
    "path_left_out",
    "bias_forgotten",
    "square_forgotten",
    "target_minus_prediction",
    "slope_on_shortcut",
)
"""Wrong rules that are made often; a sheet on which one of them gives the right answer teaches nothing of it."""

ANYWHERE = ("slope_forgotten", "preactivation_used")
"""Of these, the ones that differ only where a unit is off or an activation is bent: it will do in one answer."""


class CandidateAnswers:
    """The answers of a problem's sheets.

    Arguments:
        ensemble: the problem.
        like: two candidates with finite numbers, to be solved once.
        asked: what every sheet is to be like.
    """

    def __init__(self, ensemble: Ensemble, like: Candidates, asked: Requirements) -> None:
        self.ensemble = ensemble
        self.asked = asked
        self.structure: Structure = structure_of(ensemble.as_cases(like))
        self._smallest = max(0.5 * 10.0**-asked.figures, 1e-9)

    @cached_property
    def _updated(self) -> tuple[Quantity, ...]:
        """The parameters after one step of plain gradient descent; of other rules none comes to 0.

        Nor of clipped gradients, which over many cases are not the mean of each case's.
        """
        update = self.structure.update
        if update is None or update.memories or update.update.clips:
            return ()
        return tuple(q for q in self.structure.quantities if q.phase == "update")

    @cached_property
    def _asked(self) -> dict[str, Quantity]:
        nodes = self.ensemble.graph.nodes
        return {
            q.target: q
            for q in self.structure.quantities
            if q.asked and (q in self._updated or q.leaf.name in nodes)
        }

    @cached_property
    def _wrong(self) -> dict[tuple[str, str], tuple[CompiledFormula, ...]]:
        """By answer and rule, the wrong formulas."""
        found: dict[tuple[str, str], list[CompiledFormula]] = {}
        for target, quantity in self._asked.items():
            for variant in self.structure.mistakes(quantity) if quantity.phase != "update" else ():
                if variant.mistake.rule in USUAL:
                    found.setdefault((target, variant.mistake.rule), []).append(variant.formula)
        return {key: tuple(formulas) for key, formulas in found.items()}

    def promises(self) -> Iterator[Promise]:
        """What is to hold of every sheet's answers where it can."""
        for target in self._asked:
            yield Promise("answer_not_zero", about=target, size=self._smallest)
        for rule in ANYWHERE:
            if any(r == rule for _, r in self._wrong):
                yield Promise("rule_shows", rule=rule)
        for target, rule in self._wrong:
            if rule not in ANYWHERE:
                yield Promise("rule_shows", about=target, rule=rule)

    def run(self, candidates: Candidates) -> dict[Leaf, Array]:
        """The values of every line, as the ensemble has them."""
        values = self.structure.plan(self.ensemble.flat(candidates))
        found = {leaf: np.asarray(array, dtype=float) for leaf, array in values.items()}
        if self._updated and self.structure.update is not None:
            found.update({n: np.asarray(v) for n, v in self.structure.update.settings.items()})
            for quantity in self._updated:
                found[quantity.leaf] = np.asarray(quantity.formula(found), dtype=float)
        return found

    def holds(self, promise: Promise, values: Mapping[Leaf, Array], candidates: Candidates) -> Mask:
        """In which candidates a promise of `promises` holds."""
        if promise.kind == "answer_not_zero":
            answer = self._answer(self._asked[promise.about], values, candidates)
            return _any(np.abs(answer) >= promise.size)
        assert promise.kind == "rule_shows"
        found = np.zeros(candidates.count, bool)
        whole = promise.about != ""
        if whole:
            found[:] = True
        for (target, rule), formulas in self._wrong.items():
            if rule != promise.rule or promise.about not in ("", target):
                continue
            quantity = self._asked[target]
            right = self._answer(quantity, values, candidates)
            for formula in formulas:
                wrong = np.asarray(formula(values), dtype=float)
                other = self.ensemble.settled(quantity.leaf, wrong, formula.batched, candidates)
                differs = (
                    np.ones(candidates.count, bool)
                    if other.shape != right.shape
                    else _any(~(np.abs(other - right) < 4 * self._smallest))
                )
                found = found & differs if whole else found | differs
        return found

    def _answer(
        self, quantity: Quantity, values: Mapping[Leaf, Array], candidates: Candidates
    ) -> Array:
        batched = quantity.leaf in self.structure.batched
        # A parameter after its update is the mean over the cases, as its gradient is.
        leaf = Adjoint(quantity.shown.name) if quantity.phase == "update" else quantity.leaf
        return self.ensemble.settled(leaf, values[quantity.leaf], batched, candidates)


def _any(flags: Mask) -> Mask:
    return np.asarray(flags.reshape(-1, flags.shape[-1]).any(axis=0))
