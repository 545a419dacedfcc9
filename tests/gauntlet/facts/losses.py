"""The notes about losses: targets that add up to something else than 1, a mean within a sum."""

from __future__ import annotations

import numpy as np

from handgrad.expression import Call, Name
from handgrad.solution import MeanWithin, TargetSums
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.claim import Found, close
from tests.gauntlet.facts.source import Facts


def target_sums(note: TargetSums, facts: Facts) -> Found:
    batched = facts.differs(note.targets)
    targets = np.asarray(facts.values(note.targets, batched), dtype=float)
    classes = -2 if batched else -1
    sums = targets.sum(axis=classes)
    yield close(note.sums, sums, 1e-9), f"they add up to {sums}"
    yield bool((np.abs(sums - 1) > 1e-10).any()), "all of them add up to 1"
    names = facts.uses[note.equation]
    yield isinstance(note.targets, Name) and note.targets.name in names, "not in that equation"
    if not note.softmax:
        return
    written = facts.written(note.softmax)
    yield isinstance(written, Call) and written.operation == "softmax", f"{note.softmax} is none"
    yield note.softmax in names, f"{note.softmax} is not in that equation"
    assert isinstance(written, Call)
    before, p = written.arguments[0], facts.at.values[note.softmax]
    if (
        note.equation == facts.oracle.loss
        and isinstance(before, Name)
        and before.name in facts.at.gradients
    ):
        rows = np.prod(p.shape[:classes], dtype=int)
        signal = (np.expand_dims(sums, classes) * p - targets) / rows
        yield close(facts.at.gradients[before.name], signal, 1e-7), f"the signal is {signal}"


def mean_within(note: MeanWithin, facts: Facts) -> Found:
    calls = terms.calls_of(facts.written(note.equation))
    outer = [c for c in calls if c.operation == note.outer and c.arguments[0] == note.loss]
    yield bool(outer), f"no {note.outer} of that"
    loss = note.loss
    assert isinstance(loss, Call)
    yield loss.operation == note.operation, f"it is a {loss.operation}"
    shapes = [np.shape(facts.value(a)) for a in loss.arguments]
    whole = shapes[0][:-1] if note.operation == "cross_entropy" else np.broadcast_shapes(*shapes)
    yield note.count == np.prod(whole, dtype=int) > 1, f"it compares {whole}"
    yield close(facts.value(outer[0]), facts.value(loss)), "its sum is another number"
