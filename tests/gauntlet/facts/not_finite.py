"""The notes about what floats have no number for, held against PyTorch's floats and 50 digits."""

from __future__ import annotations

from collections.abc import Sequence

import mpmath
import numpy as np

from handgrad.expression import Adjoint, Name
from handgrad.solution import RoundedAway, UnaskedGradient
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.claim import Found, close, near
from tests.gauntlet.facts.source import Facts

SMALLEST = mpmath.mpf(2) ** -1022
"""The smallest float of 53 binary digits."""

NEAREST = mpmath.mpf(2) ** -53
"""The distance of the largest float under 1 from 1."""

MOST_TOLD = 4096
"""Entries that a note has, at most."""


def rounded_away(note: RoundedAway, facts: Facts) -> Found:
    scores = Name(note.pre_activation)
    yield (
        is_activation(note.name, scores, ("softmax", "sigmoid"), facts),
        f"{note.name} is not made of {note.pre_activation}",
    )
    yield note.name in facts.reaching, f"the loss is not computed from {note.name}"
    yield note.loss in facts.reaching, f"{note.loss} is no loss"
    yield len(note.entries) == len(note.values) > 0, "not as many values as entries"
    batched = note.name in facts.oracle.batched
    yield note.case_count == (facts.cases if batched else 1), "another number of cases"
    yield note.rounded == (facts.trace.run.carry == "rounded"), "figures are carried otherwise"
    floats = np.asarray(facts.at.values[note.name], dtype=float)
    for entry, value in zip(note.entries, note.values, strict=True):
        at, case = (entry[:-1], entry[-1]) if batched else (entry, 0)
        yield near(value, floats[entry]), f"in floats it is {floats[entry]}"
        with mpmath.workdps(terms.DIGITS):
            exact = np.asarray(facts.exact(Name(note.name), case), dtype=object)[at]
            score = np.asarray(facts.exact(scores, case), dtype=object)[at]
            small = exact > 0 and min(exact, mpmath.exp(score)) < SMALLEST
            within = small if value < 0.5 else 1 - exact < NEAREST
            yield bool(within), f"truly it is {mpmath.nstr(exact, 8)}"
    forward = note.phase == "forward"
    of = note.loss if forward else note.pre_activation
    leaf: terms.Leaf = Name(of) if forward else Adjoint(of)
    yield note.batched == facts.differs(leaf), f"whether {of} has cases"
    given = facts.values(leaf, note.batched)
    yield close(note.stable, given, 1e-7), f"{of} has {given}"


def is_activation(name: str, scores: Name, kinds: Sequence[str], facts: Facts) -> bool:
    """Whether a value is that of one of the activations; of softmax, along any axis."""
    for case in range(facts.cases):
        value, of = facts.leaf(Name(name), case), np.asarray(facts.leaf(scores, case))
        found = [terms.MEANING["sigmoid"](of)] if "sigmoid" in kinds else []
        if "softmax" in kinds:
            found += [terms.MEANING["softmax"](of, axis=k) for k in range(of.ndim)]
        if np.shape(value) != of.shape or not any(close(value, each, 1e-8) for each in found):
            return False
    return True


def unasked_gradient(note: UnaskedGradient, facts: Facts) -> Found:
    at = facts.oracle.run()
    gradient = np.asarray(at.gradients[note.name], dtype=float)
    yield note.entries == _entries(~np.isfinite(gradient)), "other entries are not finite"
    for entry in set(note.entries) - set(note.undefined):
        # PyTorch has 0 · ∞ where the slope of p ln p at 0 is ln 0.
        grows = np.isinf(gradient[entry]) or _grows(note.name, entry, facts)
        yield grows, f"entry {entry} is not infinite"
    batched = note.name in facts.oracle.batched
    yield note.case_count == (facts.cases if batched else 1), "another number of cases"
    yield bool(facts.oracle.parameters), "there are no parameters"
    for name in facts.oracle.parameters:
        yield bool(np.isfinite(at.gradients[name]).all()), f"so is the gradient of {name}"


def _grows(name: str, entry: tuple[int, ...], facts: Facts) -> bool:
    """Whether a gradient's entry goes on as far with each step of the number to a thousandth of what is left."""
    given = {**facts.oracle.parameters, **facts.oracle.data}[name]
    met = []
    for beside in (1e-6, 1e-9, 1e-12):
        array = np.array(given, dtype=float)
        array[entry] += beside
        found = facts.oracle.run(changes={name: array}).gradients[name]
        met.append(float(np.asarray(found)[entry]))
    first, second = met[1] - met[0], met[2] - met[1]
    return first * second > 0 and min(abs(first), abs(second)) > 1


def _entries(mask: Sequence[bool]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(i) for i in entry) for entry in np.argwhere(mask)[:MOST_TOLD])
