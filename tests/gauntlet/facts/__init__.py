"""The third judge: every statement of fact derived anew by a program that shares no code with its maker.

A statement is a typed record: a step's line, a note, a verdict on a unit, the answer to a question. Each family
has a file, with a function that derives its records' claims from the problem's text: by PyTorch
(`tests.gauntlet.oracle`), by the operations' definitions on its numbers (`terms`), by 50 digits, or by trying.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import numpy as np

import handgrad
from tests.gauntlet.facts.asked import of_questions
from tests.gauntlet.facts.born import of_born_dead
from tests.gauntlet.facts.boxed import of_boxes
from tests.gauntlet.facts.checked import of_checks
from tests.gauntlet.facts.claim import Claim, Claims, Report, near
from tests.gauntlet.facts.compared import of_comparison
from tests.gauntlet.facts.drawn import of_practice
from tests.gauntlet.facts.gated import of_gates
from tests.gauntlet.facts.lines import of_steps
from tests.gauntlet.facts.notes import of_notes
from tests.gauntlet.facts.paged import of_pages
from tests.gauntlet.facts.paths import of_wholes, of_whys
from tests.gauntlet.facts.remembered import of_takeaways
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.trained import of_training
from tests.gauntlet.facts.updating import shaken
from tests.gauntlet.facts.worked import of_units
from tests.gauntlet.oracle import Oracle
from tests.gauntlet.precise import Precise

FAMILIES: Mapping[str, Callable[[Facts], Claims]] = {
    "lines": of_steps,
    "notes": of_notes,
    "questions": of_questions,
    "gates": of_gates,
    "why": of_whys,
    "whole gradients": of_wholes,
    "units": of_units,
    "pages": of_pages,
    "training": of_training,
    "comparison": of_comparison,
    "checking": of_checks,
    "practice": of_practice,
    "takeaways": of_takeaways,
    "boxes": of_boxes,
    "born dead": of_born_dead,
}
"""By family of statements, what it claims of a problem and whether that holds."""


def judge(
    text: str,
    oracle: Oracle | None = None,
    seed: int = 0,
    families: tuple[str, ...] = tuple(FAMILIES),
) -> Report:
    """Derives anew what the product says of a problem.

    Where PyTorch's floats say otherwise they may have cancelled: what is false by them and true by `Precise` is true.
    What is said after updates is undecided where it is false by both, and they or the last digits of the
    parameters disagree.

    Arguments:
        text: the problem file.
        oracle: PyTorch's numbers for it, where they are at hand.
        seed: of what is drawn, such as the entries that are asked about.
        families: which statements.

    A problem that the product refuses says nothing; an exception of another kind is raised.
    """
    report = Report()
    oracle = oracle or Oracle(text)
    try:
        trace = handgrad.solve(handgrad.loads(text))
    except handgrad.HandgradError:
        return report
    facts, precise = (Facts(text, o, trace, seed) for o in (oracle, Precise(text)))
    if np.isfinite(trace.run.loss).all() and not np.isfinite(facts.loss):
        # A stable form has a number where the written one has none in any digits.
        report.undecided["a problem without a finite loss as written"] += 1
        return report
    for name in families:
        claims = list(FAMILIES[name](facts))
        undecided: set[int] = set()
        if not all(claim.holds for claim in claims):
            floats, digits = claims, list(FAMILIES[name](precise))
            claims = _either(floats, digits)
            if oracle.update and not all(claim.holds for claim in claims):
                again = (Facts(text, shaken(oracle, k), trace, seed) for k in range(SHAKEN))
                shaken_runs = [list(FAMILIES[name](f)) for f in again]
                undecided = _undecided(claims, [floats, digits, *shaken_runs])
        report.take(claims, text, undecided)
    return report


SHAKEN = 3
"""Times that a problem is trained with other last digits, to see whether they decide what is said."""


def _undecided(claims: list[Claim], runs: list[list[Claim]]) -> set[int]:
    """The places of false claims about which the runs disagree, in what they derive or in whether it holds."""
    places: set[int] = set()
    for kind in {c.kind for c in claims if not c.holds}:
        at = [k for k, claim in enumerate(claims) if claim.kind == kind]
        each = [[c for c in run if c.kind == kind] for run in runs]
        if any(len(run) != len(at) for run in each):
            continue
        for place, *derived in zip(at, *each, strict=True):
            if not claims[place].holds and _disagree(claims[place], derived):
                places.add(place)
    return places


def _disagree(claim: Claim, derived: list[Claim]) -> bool:
    """Whether runs differ in what they derive, and by enough for what is said to be among it."""
    if len({(c.holds, FIGURE.sub("", c.derived)) for c in derived}) > 1:
        return True
    said = _figures(claim.message.removeprefix(claim.derived))
    for each in zip(*(_figures(c.derived) for c in derived), strict=True):
        if not all(near(each[0], other, AGREE) for other in each):
            reach = FARTHEST * (max(each) - min(each))
            return not math.isfinite(reach) or any(abs(s - each[0]) <= reach for s in said)
    return False


def _figures(text: str) -> list[float]:
    return [float(f) for f in FIGURE.findall(text)]


FARTHEST = 100
"""Times the range of a few runs: a figure farther from them is none that last digits account for."""

AGREE = 1e-7
"""To what share of them figures agree: closer than statements about them are held to."""

FIGURE = re.compile(r"-?\b\d+(?:\.\d+)?(?:e[+-]?\d+)?|-?\binf\b|\bnan\b")


def _either(floats: list[Claim], precise: list[Claim]) -> list[Claim]:
    """Claim by claim what holds by one of the two; of a kind that has not as many claims by both, the better."""
    chosen: list[Claim] = []
    for kind in dict.fromkeys(c.kind for c in (*floats, *precise)):
        one, other = ([c for c in claims if c.kind == kind] for claims in (floats, precise))
        if len(one) == len(other):
            chosen += [a if a.holds else b for a, b in zip(one, other, strict=True)]
        else:
            chosen += min(one, other, key=lambda claims: sum(not c.holds for c in claims))
    return chosen
