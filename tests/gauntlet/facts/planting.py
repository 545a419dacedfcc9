"""Wrong sheets: PyTorch's own figures with a wrong rule or a slip of the pen in them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from handgrad.checking.quantities import Quantity
from handgrad.expression import Expression
from tests.gauntlet.facts.answers import Known, Sheet, World
from tests.gauntlet.facts.mistaken import OF_EACH_CASE

LARGEST = 60
"""Numbers in a sheet, at most: the rest of a large one is left out."""


def right_sheet(known: Known, digits: str = "", largest: int = LARGEST) -> Sheet | None:
    """PyTorch's figures for what is asked; None where some are not finite."""
    numbers = {q.target: known.number(q) for q in known.checker.asked}
    sizes = np.concatenate([np.abs(a).ravel() for a in numbers.values()])
    if not np.isfinite(sizes).all():
        return None
    sizes = sizes[sizes > 0]
    tame = sizes.size > 0 and sizes.min() > 0.01 and sizes.max() < 100
    figures: dict[str, Any] = {}
    count = 0
    for target, number in numbers.items():
        count += number.size
        if count <= largest or not figures:
            figures[target] = written(number, digits or (".4f" if tame else ".6e"))
    return Sheet(figures)


def written(number: Any, digits: str) -> Any:
    """Numbers as text, nested as an array is."""
    if np.ndim(number):
        return [written(x, digits) for x in number]
    return format(float(number) + 0.0, digits)


def plants(sheet: Sheet, known: Known, draws: random.Random) -> Iterator[tuple[str, Sheet]]:
    """Sheets with one thing wrong, by what was done; no end of them, in an order that is drawn."""
    targets = [q for q in known.checker.asked if q.target in sheet.figures]
    makers = [_rule, _rule, _slip, another_quantity]
    for _ in range(12):
        quantity = draws.choice(targets)
        found = draws.choice(makers)(quantity, sheet, known, draws)
        if found is not None:
            yield found


def _rule(
    quantity: Quantity, sheet: Sheet, known: Known, draws: random.Random
) -> tuple[str, Sheet] | None:
    """A wrong rule, in what follows from it too or there alone."""
    variants = known.checker.work.structure.mistakes(quantity)
    if not variants:
        return None
    by_rule = {v.mistake.rule: v for v in variants}
    variant = by_rule[draws.choice(sorted(by_rule))]
    formula, style = variant.formula.expression, draws.choice(("alone", "followed", "hidden"))
    return plant_rule(variant.mistake.rule, formula, quantity, sheet, known, style)


def plant_rule(
    rule: str,
    formula: Expression,
    quantity: Quantity,
    sheet: Sheet,
    known: Known,
    style: str = "alone",
) -> tuple[str, Sheet] | None:
    """The figures that a wrong formula gives, in place of the right ones.

    What is computed from them goes along where they are "followed" or, left out themselves, "hidden".
    """
    others = {q.leaf: known.number(q) for q in known.checker.asked}
    try:
        of_cases = quantity.batched or rule in OF_EACH_CASE
        value = World(known, others).formula(formula, of_cases)
    except ValueError:
        return None
    if not np.isfinite(value).all():
        return None
    digits = sheet.digits
    planted = sheet.but(quantity.target, written(value, digits))
    users = [
        q
        for q in known.checker.asked
        if q.target in sheet.figures and quantity.leaf in q.formula.leaves
    ]
    if style != "alone" and value.shape == np.shape(known.number(quantity)):
        later = {quantity.leaf, *(user.leaf for user in users)}
        before = {leaf: a for leaf, a in others.items() if leaf not in later}
        world = World(known, {**before, quantity.leaf: value})
        for user in users:
            following = world.value(user)
            if np.isfinite(following).all():
                planted = planted.but(user.target, written(following, digits))
        if style == "hidden" and users:
            del planted.figures[quantity.target]
    return f"rule {rule}", planted


def _slip(
    quantity: Quantity, sheet: Sheet, known: Known, draws: random.Random
) -> tuple[str, Sheet] | None:
    kind = draws.choice(sorted(SPOILERS))
    return plant_slip(kind, quantity, sheet, known, draws)


def plant_slip(
    kind: str, quantity: Quantity, sheet: Sheet, known: Known, draws: random.Random
) -> tuple[str, Sheet] | None:
    """A slip of the pen in a quantity's figures."""
    figures = np.array(sheet.figures[quantity.target], dtype=object)
    spoiled = SPOILERS[kind](figures, known.number(quantity), draws)
    if spoiled is None or np.array_equal(spoiled, figures):
        return None
    return f"slip {kind}", sheet.but(quantity.target, spoiled.tolist())


def _at(figures: Any, draws: random.Random) -> tuple[int, ...]:
    return tuple(draws.randrange(n) for n in figures.shape)


def _one(change: Any) -> Any:
    def spoil(figures: Any, number: Any, draws: random.Random) -> Any:
        at = _at(figures, draws)
        text = str(figures[at])
        changed = change(text, float(np.asarray(number)[at]), draws)
        if changed is None or changed == text:
            return None
        spoiled = figures.copy()
        spoiled[at] = changed
        return spoiled

    return spoil


def _places(text: str) -> list[int]:
    """The digits of a plain decimal that are not leading zeros."""
    if "e" in text:
        return []
    first = next((k for k, c in enumerate(text) if c in "123456789"), len(text))
    return [k for k, c in enumerate(text) if c.isdigit() and k >= first]


def _other_digit(text: str, number: float, draws: random.Random) -> str | None:
    places = _places(text)[:-1]
    if not places:
        return None
    k = draws.choice(places)
    return f"{text[:k]}{(int(text[k]) + draws.randrange(2, 8)) % 10}{text[k + 1 :]}"


def _two_digits(text: str, number: float, draws: random.Random) -> str | None:
    places = _places(text)
    pairs = [(i, j) for i, j in itertools.pairwise(places) if text[i] != text[j]]
    if not pairs:
        return None
    i, j = draws.choice(pairs)
    letters = list(text)
    letters[i], letters[j] = letters[j], letters[i]
    return "".join(letters)


def _shorter(text: str, number: float, draws: random.Random) -> str | None:
    places = _places(text)[1:-1]
    if "e" in text or not places:
        return None
    k = draws.choice(places)
    longer = f"{number:.5f}"
    k = min(k, len(longer) - 2)
    return longer[:k] + longer[k + 1 :]


def _cut(figures: Any, number: Any, draws: random.Random) -> Any:
    if "e" in str(figures.ravel()[0]):
        return None
    return np.vectorize(lambda x: f"{np.trunc(x * 1e4) / 1e4:.4f}", otypes=[object])(number)


def _last(figures: Any, number: Any, draws: random.Random) -> Any:
    if "e" in str(figures.ravel()[0]):
        return None
    return np.vectorize(lambda x: f"{float(x) + 1e-4:.4f}", otypes=[object])(figures)


def _turned(figures: Any, number: Any, draws: random.Random) -> Any:
    return figures.T if figures.ndim == 2 else None


def _in_other_places(figures: Any, number: Any, draws: random.Random) -> Any:
    return np.roll(figures.ravel(), 1).reshape(figures.shape) if figures.size > 1 else None


def _all(factor: float) -> Any:
    def spoil(figures: Any, number: Any, draws: random.Random) -> Any:
        digits = ".6e" if "e" in str(figures.ravel()[0]) else ".4f"
        scaled = np.asarray(number, dtype=float) * factor
        return np.array(written(scaled, digits), dtype=object).reshape(np.shape(figures))

    return spoil


def _noise(figures: Any, number: Any, draws: random.Random) -> Any:
    at = _at(figures, draws)
    spoiled = figures.copy()
    spoiled[at] = "7.7777"
    return spoiled


def _blank(figures: Any, number: Any, draws: random.Random) -> Any:
    if figures.size < 2:
        return None
    spoiled = figures.copy()
    spoiled[_at(figures, draws)] = "?"
    return spoiled


SPOILERS: Mapping[str, Any] = {
    "digit": _one(_other_digit),
    "digits": _one(_two_digits),
    "shorter": _one(_shorter),
    "minus": _all(-1.0),
    "point": _all(10.0),
    "scaled": _all(3.7),
    "places": _in_other_places,
    "turned": _turned,
    "cut": _cut,
    "last": _last,
    "noise": _noise,
    "blank": _blank,
}
"""Slips by a word for them; each gives the figures spoiled, or None where it cannot be made."""


def another_quantity(
    quantity: Quantity, sheet: Sheet, known: Known, draws: random.Random
) -> tuple[str, Sheet] | None:
    """Another quantity's figures."""
    others = [
        q
        for q in known.checker.asked
        if q.target in sheet.figures
        and q.target != quantity.target
        and np.shape(known.number(q)) == np.shape(known.number(quantity)) != ()
    ]
    if not others:
        return None
    return "another", sheet.but(quantity.target, sheet.figures[draws.choice(others).target])
