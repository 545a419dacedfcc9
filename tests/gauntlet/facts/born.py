"""Networks that are born dead: counts and bounds beside networks drawn here, and probabilities that are known."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import Any

import numpy as np

import handgrad
from handgrad.study import BornDead
from tests.gauntlet.facts.claim import Claims, Found, claims_of, near
from tests.gauntlet.facts.source import Facts

NETWORKS = 1_500
SKIPPED = 0.9
"""The share of problems after which no network is drawn: what is said is about no problem."""

DEVIATIONS = 5.5
"""Standard errors that two counts may lie apart: once in some ten million."""

DEVIATION = {
    "he": lambda n, m: math.sqrt(2 / n),
    "xavier": lambda n, m: math.sqrt(2 / (n + m)),
    "lecun": lambda n, m: math.sqrt(1 / n),
    "normal": lambda n, m: 1.0,
}
"""Of the weights of a layer of m units with n inputs, as the documents have it."""


def of_born_dead(facts: Facts) -> Claims:
    """A study of networks that the seed chooses."""
    draws = random.Random(facts.seed * 7 + len(facts.text))
    if draws.random() < SKIPPED:
        return
    widths = [draws.randrange(1, 4) for _ in range(draws.randrange(1, 7))]
    over = draws.choice(((-1.0, 1.0), (0.5, 2.0), (-3.0, -1.0), (0.0, 1.0)))
    init = draws.choice(sorted(DEVIATION))
    study = handgrad.born_dead(
        widths, inputs=draws.choice((1, 1, 2)), init=init, networks=NETWORKS, over=over,
        seed=draws.randrange(1000),
    )  # fmt: skip
    yield from of_study(study)


def of_study(study: BornDead) -> Claims:
    """One study."""
    about = study.widths, study.inputs, study.init, study.over, study.dead
    yield from claims_of("born dead: counts", _counts(study), about)
    yield from claims_of("born dead: bounds", _bounds(study), about)
    if study.examined is not None:
        yield from claims_of("born dead: examined", _examined(study), (about, study.examined))


def _counts(study: BornDead) -> Found:
    theirs = _drawn_here(study)
    total = study.networks
    for layer, (ours, other) in enumerate(zip(study.dead, theirs, strict=True)):
        p = (ours + other + 1) / (2 * total + 2)
        error = math.sqrt(2 * p * (1 - p) / total)
        yield abs(ours - other) / total <= DEVIATIONS * error, f"after {layer + 1}: {other}"
        yield near(study.share(layer + 1), ours / total), "another share"
        yield 0 < study.error(layer + 1) < 1, "no error"
    yield all(a <= b for a, b in pairwise(study.dead)), "a dead network lives again"
    low, high = study.over
    yield study.exact == (study.inputs == 1 and study.init != "raai"), "what decides"
    yield study.rays == (low < 0) + (high > 0), "sides of 0"


def _drawn_here(study: BornDead) -> list[int]:
    """By layer, how many of as many networks are dead by then, on a grid of inputs."""
    generator = np.random.default_rng(study.seed + 12345)
    low, high = study.over
    ends = np.array([x for x in (low, high) if x] or [0.0])
    points = 64 if study.inputs > 1 else len(ends)
    x: Any = (
        generator.uniform(low, high, (study.inputs, points)) if study.inputs > 1 else ends[None]
    )
    h = np.broadcast_to(x, (study.networks, *x.shape))
    alive = np.ones(study.networks, dtype=bool)
    dead = []
    for n, m in pairwise((study.inputs, *study.widths)):
        weights = generator.standard_normal((study.networks, m, n)) * DEVIATION[study.init](n, m)
        h = np.maximum(weights @ h, 0)
        alive &= (h > 0).any(axis=(1, 2))
        dead.append(int((~alive).sum()))
    return dead


def _bounds(study: BornDead) -> Found:
    for layers in range(1, len(study.widths) + 1):
        bounds = study.bounds_at(layers)
        assert bounds is not None
        # One input is silenced by a layer of N units with probability 2^-N.
        one = 1 - math.prod(1 - 2.0**-n for n in study.widths[:layers])
        slack = DEVIATIONS * study.error(layers)
        share = study.share(layers)
        yield bounds.upper <= one + 1e-12, f"one input is silenced with probability {one}"
        yield share <= bounds.upper + slack, f"the share is {share}"
        if study.exact and study.rays == 1:
            yield near(bounds.upper, one) and near(bounds.lower or 0, one), f"it is {one}"
        if bounds.lower is not None:
            yield 0 <= bounds.lower <= bounds.upper, "the bounds are the wrong way round"
            yield share >= bounds.lower - slack, f"the share is {share}"


def _examined(study: BornDead) -> Found:
    said = study.examined
    assert said is not None
    yield said.proved <= said.dead <= said.networks <= study.networks, "more than there are"
    yield not study.exact, "the points decide"
    p = (said.dead + study.dead[-1] + 1) / (said.networks + study.networks + 2)
    error = math.sqrt(p * (1 - p) * (1 / said.networks + 1 / study.networks))
    apart = abs(said.dead / said.networks - study.dead[-1] / study.networks)
    yield apart <= DEVIATIONS * error, f"of all {study.dead[-1]} in {study.networks} are dead"
