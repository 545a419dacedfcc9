"""Mistakes as a student makes them, planted one at a time in otherwise consistent work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.operations.operation import Array
from tests.check.students import ACTIVATIONS, Network, Show, State, Wrong, numbers, texts


@dataclass
class Plant:
    """A mistake in one quantity: another computation of it, or other figures for it."""

    rule: str
    target: str
    wrong: Wrong | None = None
    miswritten: Callable[[Any], Any] | None = None

    def work(self, net: Network, values: State, show: Show, carry: str) -> dict[str, Any]:
        return net.work(
            values,
            show,
            carry,
            {self.target: self.wrong} if self.wrong else None,
            {self.target: self.miswritten} if self.miswritten else None,
        )


def _gate(net: Network, s: State, k: int) -> Array:
    return ACTIVATIONS[net.hidden][1](s[f"z{k}"], s[f"h{k}"])


def rules(net: Network) -> Iterator[Plant]:
    """Every mistake of calculation that can be made in a network, wherever it can be made."""
    depth = net.depth
    w, out, right = net.w, net.out, dict(net.steps())
    forgotten = "gate_forgotten" if net.hidden == "relu" else "slope_forgotten"
    of_another = "gate_of_another_layer" if net.hidden == "relu" else "slope_of_another_layer"
    on_side = "gate_on_wrong_side" if net.hidden == "relu" else "slope_on_wrong_side"
    for k in range(1, depth):
        yield Plant(forgotten, f"dz{k}", lambda s, k=k: s[f"dh{k}"])
        for j in range(1, depth):
            if j != k and net.sizes[j] == net.sizes[k]:
                yield Plant(of_another, f"dz{k}", lambda s, k=k, j=j: s[f"dh{k}"] * _gate(net, s, j))
        if k + 1 < depth or not net.scalar:
            if net.sizes[k] == net.sizes[k + 1]:
                yield Plant(
                    on_side,
                    f"dz{k}",
                    lambda s, k=k: s[w(k + 1)].T @ (s[f"dz{k + 1}"] * _gate(net, s, k)),
                )
                yield Plant(
                    "transpose_forgotten", f"dh{k}", lambda s, k=k: s[w(k + 1)] @ s[f"dz{k + 1}"]
                )
    if net.shortcut:
        yield Plant("target_minus_prediction", f"dz{depth}", lambda s: s["y"] - s["yhat"])
        if net.output == "sigmoid":
            yield Plant(
                "slope_on_shortcut",
                f"dz{depth}",
                lambda s: (s["yhat"] - s["y"]) * s["yhat"] * (1 - s["yhat"]),
            )
    for k in range(1, depth + 1):
        square = net.sizes[k - 1] == net.sizes[k]
        matrix = not (k == depth and net.scalar)
        if square and matrix:

            def transposed(s: State, k: int = k) -> Array:
                return net.weighted({**s, w(k): s[w(k)].T}, k, s[out(k - 1)])

            yield Plant("transposed", f"z{k}", transposed)
        if matrix:
            yield Plant("outer_transposed", f"d{w(k)}", lambda s, k=k: right[f"d{w(k)}"](s).T)
        if k > 1:
            yield Plant(
                "preactivation_used",
                f"z{k}",
                lambda s, k=k: net.weighted(s, k, s[f"z{k - 1}"]),
            )
            yield Plant(
                "preactivation_used",
                f"d{w(k)}",
                lambda s, k=k: net.weight_gradient(s, k, f"z{k - 1}"),
            )
        yield Plant("rate_forgotten", f"updated.{w(k)}", lambda s, k=k: s[w(k)] - s[f"d{w(k)}"])
        yield Plant(
            "update_sign",
            f"updated.{w(k)}",
            lambda s, k=k: s[w(k)] + net.rate * s[f"d{w(k)}"],
        )
        if net.cases:
            n = net.cases
            yield Plant(
                "mean_forgotten", f"d{w(k)}", lambda s, k=k: right[f"d{w(k)}"](s) * n
            )
            yield Plant("mean_forgotten", f"db{k}", lambda s, k=k: s[f"dz{k}"].sum(axis=-1))
            yield Plant("mean_for_sum", f"d{w(k)}", lambda s, k=k: right[f"d{w(k)}"](s) / n)
            if matrix:
                yield Plant("wrong_axis", f"db{k}", lambda s, k=k: s[f"dz{k}"].sum(axis=0))
    if net.loss == "mse":
        top = f"d{out(depth)}"
        yield Plant("factor_two", top, lambda s: 2 * right[top](s))
        yield Plant("factor_half", top, lambda s: right[top](s) / 2)


def slips(net: Network, g: np.random.Generator, figures: dict[str, Any]) -> Iterator[Plant]:
    """Slips of the pen in the figures of one quantity, which are then carried."""
    names = [n for n in figures if n not in ("L", "J")]
    target = str(g.choice(names))
    flat = _flat(figures[target])
    place = int(g.integers(len(flat)))
    text = flat[place]
    digits = [k for k, letter in enumerate(text) if letter.isdigit()]

    def with_entry(new: str) -> Callable[[Any], Any]:
        return lambda _: _rebuilt(figures[target], {place: new})

    if float(text):
        yield Plant("sign_lost", target, None, with_entry(text[1:] if text[0] == "-" else f"-{text}"))
        significant = [k for k in digits if text[k] != "0" or k > digits[0]]
        at = int(g.choice(significant))
        other = str((int(text[at]) + int(g.integers(1, 10))) % 10)
        yield Plant("digit_slip", target, None, with_entry(text[:at] + other + text[at + 1 :]))
        pairs = [
            (i, j)
            for i, j in zip(digits, digits[1:], strict=False)
            if text[i] != text[j]
        ]
        if pairs:
            i, j = pairs[int(g.integers(len(pairs)))]
            swapped = text[:i] + text[j] + text[i + 1 : j] + text[i] + text[j + 1 :]
            yield Plant("digits_swapped", target, None, with_entry(swapped))
        shift = int(g.choice([-1, 1]))
        places = len(text.partition(".")[2]) - shift
        yield Plant(
            "decimal_point", target, None, with_entry(f"{float(text) * 10.0**shift:.{max(places, 0)}f}")
        )
    different = [k for k, t in enumerate(flat) if t != text]
    if different:
        k = int(g.choice(different))
        yield Plant(
            "entries_swapped",
            target,
            None,
            lambda _: _rebuilt(figures[target], {place: flat[k], k: text}),
        )


def early(net: Network, g: np.random.Generator, digits: int) -> Iterator[Plant]:
    """The numbers before a step rounded to `digits` significant digits, for that step only."""
    steps = dict(net.steps())
    names = [n for n in steps if not n.startswith(("updated", "z1", "db", "J"))]
    target = str(g.choice(names))
    given = {"x", "y", *(net.w(k) for k in range(9)), *(f"b{k}" for k in range(9))}

    def rounded(s: State) -> Array:
        coarse = {
            n: v if n in given else np.vectorize(lambda x: float(f"{x:.{digits - 1}e}"))(v)
            for n, v in s.items()
        }
        return steps[target](coarse)

    yield Plant("rounded_early", target, rounded)


def _flat(written: Any) -> list[str]:
    return [t for w in written for t in _flat(w)] if isinstance(written, list) else [written]


def _rebuilt(written: Any, changed: dict[int, str]) -> Any:
    counter = iter(range(10**6))

    def rebuild(w: Any) -> Any:
        if isinstance(w, list):
            return [rebuild(v) for v in w]
        return changed.get(next(counter), w)

    return rebuild(written)


def differs(net: Network, values: State, show: Show, carry: str, plant: Plant, right: Any) -> bool:
    """Whether a mistake shows: its figures are off by more than rounding can account for."""
    wrong = numbers(plant.work(net, values, show, carry)[plant.target])
    return apart(wrong, numbers(right[plant.target]))


def apart(wrong: Array, good: Array) -> bool:
    """Whether two sets of figures differ by more than rounding can account for."""
    if wrong.shape != good.shape:
        return True
    size = np.maximum(np.abs(wrong), np.abs(good))
    return bool((np.abs(wrong - good) > 0.02 * size + 0.002).any())


@dataclass
class Pair:
    """Two mistakes that meet in one quantity, what each would give `alone`, and what is not entered."""

    rules: frozenset[str]
    target: str
    wrong: Wrong
    alone: tuple[Wrong, Wrong]
    hidden: frozenset[str] = frozenset()

    @property
    def plant(self) -> Plant:
        return Plant("+".join(sorted(self.rules)), self.target, self.wrong)


def pairs(net: Network) -> Iterator[Pair]:
    """Every planted pair that a network has room for."""
    depth, w, out, right = net.depth, net.w, net.out, dict(net.steps())
    forgotten = "gate_forgotten" if net.hidden == "relu" else "slope_forgotten"
    for k in range(1, depth + 1):
        matrix = not (k == depth and net.scalar)
        p, dp = w(k), f"d{w(k)}"

        def gradient(s: State, h: str, k: int = k) -> Array:
            return net.weight_gradient(s, k, h)

        def turned(s: State, h: str, k: int = k) -> Array:
            return net.weighted({**s, w(k): s[w(k)].T}, k, s[h])

        before, after = f"z{k - 1}", out(k - 1)
        yield Pair(
            frozenset(("rate_forgotten", "update_sign")),
            f"updated.{p}",
            lambda s, p=p, dp=dp: s[p] + s[dp],
            (lambda s, p=p, dp=dp: s[p] - s[dp], lambda s, p=p, dp=dp: s[p] + net.rate * s[dp]),
        )
        if k > 1 and matrix:
            yield Pair(
                frozenset(("outer_transposed", "preactivation_used")),
                dp,
                lambda s, f=gradient, h=before: f(s, h).T,
                (
                    lambda s, f=gradient, h=after: f(s, h).T,
                    lambda s, f=gradient, h=before: f(s, h),
                ),
            )
        if k > 1 and matrix and net.sizes[k] == net.sizes[k - 1]:
            yield Pair(
                frozenset(("transposed", "preactivation_used")),
                f"z{k}",
                lambda s, f=turned, h=before: f(s, h),
                (
                    lambda s, f=turned, h=after: f(s, h),
                    lambda s, k=k, h=before: net.weighted(s, k, s[h]),
                ),
            )
            yield Pair(
                frozenset(("transpose_forgotten", forgotten)),
                f"dz{k - 1}",
                lambda s, k=k: s[w(k)] @ s[f"dz{k}"],
                (
                    lambda s, k=k: (s[w(k)] @ s[f"dz{k}"]) * net.slope(s, k - 1),
                    lambda s, k=k: s[w(k)].T @ s[f"dz{k}"],
                ),
                frozenset((f"dh{k - 1}",)),
            )
        if net.cases and matrix:
            yield Pair(
                frozenset(("outer_transposed", "mean_forgotten")),
                dp,
                lambda s, f=right[dp]: net.cases * f(s).T,
                (lambda s, f=right[dp]: f(s).T, lambda s, f=right[dp]: net.cases * f(s)),
            )
        if net.cases and k > 1:
            yield Pair(
                frozenset(("preactivation_used", "mean_forgotten")),
                dp,
                lambda s, f=gradient, h=before: net.cases * f(s, h),
                (
                    lambda s, f=gradient, h=before: f(s, h),
                    lambda s, f=gradient, h=after: net.cases * f(s, h),
                ),
            )
    if net.shortcut and net.output == "sigmoid":
        yield Pair(
            frozenset(("target_minus_prediction", "slope_on_shortcut")),
            f"dz{depth}",
            lambda s: (s["y"] - s["yhat"]) * s["yhat"] * (1 - s["yhat"]),
            (
                lambda s: s["y"] - s["yhat"],
                lambda s: (s["yhat"] - s["y"]) * s["yhat"] * (1 - s["yhat"]),
            ),
        )
    if net.loss == "mse" and net.scalar:
        top = f"d{out(depth)}"
        yield Pair(
            frozenset(("target_minus_prediction", "factor_half")),
            top,
            lambda s: -right[top](s) / 2,
            (lambda s: -right[top](s), lambda s: right[top](s) / 2),
        )
