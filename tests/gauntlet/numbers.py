"""Judge 2: numbers against PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from tests.gauntlet import precise
from tests.gauntlet.oracle import Oracle, ReadError
from tests.gauntlet.precise import Precise
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


Second = Callable[[str], Array]
"""A second opinion on one array, in more digits than floats have."""


def compare(
    what: str, ours: Mapping[str, Any], theirs: Mapping[str, Array], second: Second | None = None
) -> int:
    """Raises `Wrong` for the first array that differs; gives how many were compared.

    Where floats may have cancelled, `second` decides.
    """
    size = largest(theirs)
    count = 0
    for name in theirs:
        if name not in ours:
            continue
        count += 1
        if difference(ours[name], theirs[name], size) > 1:
            if second is not None and _agrees(ours[name], second, name, size):
                continue
            raise Wrong(
                f"{what} differ",
                f"{name}: {np.asarray(ours[name]).tolist()}, PyTorch {theirs[name].tolist()}",
            )
    return count


def agrees_as_floats(subject: Subject, name: str, gradient: Any) -> bool:
    """Whether PyTorch has this gradient on paper or in floats, in whatever order these are added.

    Where a pre-activation is 0 on paper, the sign of what rounding leaves opens or shuts the gate.
    """
    size = largest({n: subject.found.gradients[n] for n in subject.oracle.parameters})
    drawn = (Oracle(subject.text, paper=False, rounding=r).run() for r in range(32))
    every = chain((subject.found, subject.as_floats), drawn)
    if any(difference(gradient, f.gradients[name], size) <= 1 for f in every):
        return True
    # A square that overflows loses a gradient in PyTorch's floats: e⁵⁶³ of a softmax in full.
    return _agrees(gradient, partial(precise.gradient, subject.oracle), name, size)


def compare_updated(subject: Subject, what: str, json: Mapping[str, Any], steps: int) -> None:
    """The parameters after updates. Where PyTorch's floats cancel so do its updates, and many digits decide."""
    ours = {n: array(v) for n, v in json["updated"].items()}
    theirs = subject.updated(steps)
    if theirs is None or not all(np.isfinite(a).all() for a in theirs.values()):
        return
    compare(what, ours, theirs, lambda n: _many_digits(subject, steps)[n])


def _many_digits(subject: Subject, steps: int) -> Mapping[str, Array]:
    found = subject.updated(steps, Precise(subject.text))
    if found is None:
        raise ArithmeticError("a gradient that is all rest")
    return found


def _agrees(ours: Any, second: Second, name: str, size: float) -> bool:
    try:
        return difference(ours, second(name), size) <= 1
    except (ReadError, ArithmeticError, TypeError, ValueError):
        return False


def compare_solution(
    subject: Subject,
    json: Mapping[str, Any],
    changes: Mapping[str, Array] = {},
    swap: Mapping[str, str] = {},
) -> None:
    """Loss, values and gradients of `solve --json`, with other numbers and functions."""
    found = subject.oracle.run(changes, swap) if changes or swap else subject.found
    values = {n: array(v) for n, v in json["values"].items()}
    values[subject.oracle.cost] = array(json["loss"])
    gradients = {n: array(v) for n, v in json["gradients"].items()}
    if (json["loss"] is None) != bool(subject.oracle.upstream) and np.isfinite(found.loss):
        raise Wrong("a loss where there is none, or none", f"loss: {json['loss']}")
    if not subject.is_finite(found):
        # Where PyTorch has no numbers, a stable form may have them.
        return
    oracle = subject.oracle.changed(changes, swap)
    compare("values", values, found.values, lambda n: precise.values(oracle)[n])
    compare("gradients", gradients, found.gradients, lambda n: precise.gradient(oracle, n))
    missing = set(subject.oracle.asked) - set(gradients)
    if missing:
        raise Wrong("a gradient is missing", ", ".join(sorted(missing)))
