"""Slips of the pen: whether the figures that stand there, and those that should, are as a diagnosis says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.checking.report import Diagnosis, Judged
from handgrad.expression import Adjoint, Expression, Name
from tests.gauntlet.facts.answers import World
from tests.gauntlet.facts.claim import Found

if TYPE_CHECKING:
    from tests.gauntlet.facts.checked import Reading

EARLY = re.compile(r"rounded to (\d+) (decimal|significant digit)s? too early")


def _some(reading: Reading, judged: Judged, holds: Any) -> tuple[bool, str]:
    """Whether something holds of one of the numbers that figures should have been."""
    references = reading.references(judged.quantity)
    with np.errstate(all="ignore"):
        return any(bool(holds(np.asarray(r, dtype=float))) for r in references), str(
            [np.asarray(r).tolist() for r in references]
        )


def _every(said: Diagnosis, array: Any) -> bool:
    return all(bool(array[at]) for at in said.entries)


def _sign_lost(reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any) -> Found:
    yield _some(reading, judged, lambda r: _every(said, np.abs(value + r) <= 4 * half + 1e-12))


def _entries_swapped(
    reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any
) -> Found:
    # No more than 64 are told.
    places = tuple(np.array(said.entries).T) if len(said.entries) < 64 else ...

    def holds(r: Any) -> bool:
        gap = np.abs(np.sort(value[places], axis=None) - np.sort(r[places], axis=None))
        return bool((gap <= 4 * half[places].max()).all()) and not _every(
            said, np.abs(value - r) <= half
        )

    yield _some(reading, judged, holds)


def _was_cut(reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any) -> Found:
    def is_cut(value: float, number: float, unit: float) -> bool:
        # 1.00999999999998 is 1.0099 cut off, and 1.01 as a calculator shows it.
        cut = [np.floor(abs(number) / unit + slack) * unit for slack in (0.0, 1e-8)]
        return any(abs(c - abs(value)) < unit / 8 for c in cut)

    def holds(r: Any) -> bool:
        return all(is_cut(value[at], r[at], 2 * half[at]) for at in said.entries)

    yield _some(reading, judged, holds)


def _last_digit(reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any) -> Found:
    yield _some(reading, judged, lambda r: _every(said, np.abs(value - r) <= 3.001 * half))


def _decimal_point(
    reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any
) -> Found:
    def holds(r: Any) -> bool:
        return any(
            _every(
                said,
                (np.abs(value - r * 10.0**k) <= half + 2.2 * reading.unit(r) * 10.0**k)
                & (np.sign(value) * np.sign(r) > 0),
            )
            for k in (-3, -2, -1, 1, 2, 3)
        )

    yield _some(reading, judged, holds)


def _one_figure(reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any) -> Found:
    """`written` stands there, and `meant` is the right figure."""
    assert judged.entry is not None
    (at,) = said.entries
    text = judged.entry.figures[at].text
    yield abs(float(said.written)) == abs(float(text)), f"there stands {text}"
    meant, step = float(said.meant), 10.0 ** -len(said.meant.partition(".")[2])
    yield _some(reading, judged, lambda r: abs(meant - r[at]) <= 1.6 * step)
    a, b = (t.lstrip("-") for t in (said.written, said.meant))
    differing = [k for k in range(min(len(a), len(b))) if a[k] != b[k]]
    match said.rule:
        case "digit_slip":
            yield len(a) == len(b) and len(differing) == 1, "it is not one digit"
            figures = (range(len(t)) for t in (a, b))
            said_by = [
                {k for k in at if t[k].isdigit() and re.search("[1-9]", t[: k + 1])}
                for at, t in zip(figures, (a, b), strict=True)
            ]
            same = (said_by[0] & said_by[1]) - set(differing)
            sole = _some(
                reading, judged, lambda r: float(text) and np.isclose(r[at], meant, 1e-9, 0)
            )
            yield bool(same) or sole[0], "no other digit is right"
        case "digits_swapped":
            i, j = differing if len(differing) == 2 else (0, 0)
            yield len(a) == len(b) and (a[i], a[j]) == (b[j], b[i]) and i != j, "not exchanged"
        case _:
            a, b = a.replace(".", ""), b.replace(".", "")
            yield any(b[:k] + b[k + 1 :] == a for k in range(len(b))), "no digit is left out"


def _scaled(reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any) -> Found:
    factor = float(said.written)

    def holds(r: Any) -> bool:
        slack = 4 * half + np.abs(factor * r) * 1e-3 + 1e-12
        return bool((np.abs(value - factor * r) <= slack).all())

    yield _some(reading, judged, holds)


def _another(reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any) -> Found:
    named = [e for e in said.text if isinstance(e, Expression)]
    yield len(named) == 1, "no other quantity is named"
    (one,) = named
    if isinstance(one, Name | Adjoint):
        other = reading.known.number(reading.known.quantities[one])
    else:
        # What has no name on the page is told as what it is.
        facts = reading.known.facts
        other = np.asarray(facts.values(one, facts.differs(one)))
    yield (
        other.shape == value.shape
        and bool(
            (np.abs(other - value) <= half * (1 + 1e-6) + 1e-9 * np.abs(other).max() + 1e-12).all()
        ),
        (f"{named[0]} is {other.tolist()}"),
    )


def _rounded_early(
    reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any
) -> Found:
    told = EARLY.search(str(said))
    assert told is not None
    digits, decimals = int(told[1]), told[2] == "decimal"

    def rounded(a: Any) -> Any:
        if decimals:
            return np.round(a, digits)
        return np.vectorize(lambda x: float(f"{x:.{digits - 1}e}"), otypes=[float])(a)

    quantity, known = judged.quantity, reading.known
    found = False
    for world in (reading.exact, reading.own):
        before = {}
        for leaf in quantity.formula.leaves:
            if leaf in known.quantities:
                other = known.quantities[leaf]
                number = world.entered.get(leaf)
                before[leaf] = rounded(number if number is not None else world.value(other))
        got = World(known, before, {}).value(quantity)
        found = found or bool((np.abs(got - value) <= half * (1 + 1e-6) + 1e-12).all())
    yield found, "roundings lead elsewhere"


def _wrong_shape(reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any) -> Found:
    shape = np.shape(reading.known.number(judged.quantity))
    yield value.shape != shape, f"its shape is {shape}"
    sizes = {"×".join(map(str, s)) if len(s) > 1 else "".join(map(str, s)) for s in (shape,)}
    yield all(size in str(said) for size in sizes), f"its shape is {shape}"


def _all_turned(reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any) -> Found:
    shape = np.shape(reading.known.number(judged.quantity))
    yield len(shape) == 2 and value.shape == shape[::-1], f"its shape is {shape}"
    given = ~np.isnan(value.T)
    yield _some(
        reading,
        judged,
        lambda r: r.shape == shape and (np.abs(value.T - r) <= half.T * 1.001 + 1e-9)[given].all(),
    )


def _not_entered(reading: Reading, judged: Judged, said: Diagnosis, value: Any, half: Any) -> Found:
    for at in said.entries:
        yield bool(np.isnan(value[at])), f"{at} was entered"
    following, theirs = (
        reading.references(judged.quantity)[0],
        reading.known.number(judged.quantity),
    )
    near = np.minimum(np.abs(value - theirs), np.abs(value - following))
    rest = ~np.isnan(value)
    yield bool((near <= 20 * half + 0.02 * np.abs(theirs))[rest].all()), "the rest is not right"


SLIPS: Mapping[str, Any] = {
    "sign_lost": _sign_lost,
    "entries_swapped": _entries_swapped,
    "cut": _was_cut,
    "last_digit": _last_digit,
    "decimal_point": _decimal_point,
    "digit_slip": _one_figure,
    "digits_swapped": _one_figure,
    "digit_left_out": _one_figure,
    "scaled": _scaled,
    "another_quantity": _another,
    "rounded_early": _rounded_early,
    "wrong_shape": _wrong_shape,
    "result_transposed": _all_turned,
    "not_entered": _not_entered,
}
"""By slip, what it says of the figures."""
