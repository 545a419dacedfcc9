"""Judge 2: numbers against PyTorch's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.gauntlet.oracle import Evaluated
from tests.gauntlet.subject import Array, Subject, Wrong

RELATIVE = 1e-9
ABSOLUTE = 1e-12
"""The difference allowed: so much of the array's largest entry, and so much of the problem's."""


def array(value: Any) -> Array:
    """Numbers of an object of JSON; null is not finite."""

    def numbers(v: Any) -> Any:
        if isinstance(v, list):
            return [numbers(e) for e in v]
        return np.nan if v is None else float(v)

    return np.asarray(numbers(value), dtype=float)


def difference(ours: Any, theirs: Any, largest: float = 1.0) -> float:
    """How far apart, in units of what is allowed; infinite where shapes differ. Only finite entries of theirs count."""
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if ours.shape != theirs.shape:
        return float("inf")
    finite = np.isfinite(theirs)
    if not finite.any():
        return 0.0
    apart = np.abs(ours - theirs)[finite]
    if not np.isfinite(apart).all():
        return float("inf")
    allowed = RELATIVE * float(np.abs(theirs[finite]).max()) + ABSOLUTE * max(1.0, largest)
    return float(apart.max()) / allowed


def largest(arrays: Mapping[str, Array]) -> float:
    finite = [np.abs(a[np.isfinite(a)]).max(initial=0.0) for a in arrays.values()]
    return float(max(finite, default=1.0))


def compare(
    what: str, ours: Mapping[str, Any], theirs: Mapping[str, Array], names: Any = None
) -> int:
    """Raises `Wrong` for the first array that differs; gives how many were compared."""
    size = largest(theirs)
    count = 0
    for name in theirs if names is None else names:
        if name not in ours or name not in theirs:
            continue
        count += 1
        if difference(ours[name], theirs[name], size) > 1:
            raise Wrong(
                f"{what} differ",
                f"{name}: {np.asarray(ours[name]).tolist()}, PyTorch {theirs[name].tolist()}",
            )
    return count


def compare_solution(subject: Subject, found: Evaluated, json: Mapping[str, Any]) -> None:
    """Loss, values and gradients of `solve --json`."""
    values = {n: array(v) for n, v in json["values"].items()}
    gradients = {n: array(v) for n, v in json["gradients"].items()}
    if not subject.is_finite(found):
        # Where PyTorch has no numbers, a stable form may have them.
        return
    if difference(json["loss"], found.loss) > 1:
        raise Wrong("loss differs", f"{json['loss']}, PyTorch {found.loss}")
    compare("values", values, found.values)
    compare("gradients", gradients, found.gradients)
    missing = set(subject.oracle.parameters) - set(gradients)
    if missing:
        raise Wrong("a gradient is missing", ", ".join(sorted(missing)))
