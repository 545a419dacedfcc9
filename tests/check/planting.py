"""Mistakes as a student makes them, planted one at a time in otherwise consistent work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from handgrad.arrays import Array
from tests.check.students import ACTIVATIONS, Network, Show, State, Wrong, numbers, sigmoid


@dataclass
class Plant:
    """A mistake in one quantity: another computation of it, or other figures for it."""

    rule: str
    target: str
    wrong: Wrong | None = None
    miswritten: Callable[[Any], Any] | None = None

    def work(
        self, net: Network, values: State, show: Show, carry: str, until: str = ""
    ) -> dict[str, Any]:
        """Everything that a student writes who makes this mistake and goes on from it."""
        return net.work(
            values,
            show,
            carry,
            {self.target: self.wrong} if self.wrong else None,
            {self.target: self.miswritten} if self.miswritten else None,
            until=until,
        )

    def figures(self, net: Network, values: State, show: Show, carry: str) -> Array:
        """The wrong figures themselves."""
        return numbers(self.work(net, values, show, carry, self.target)[self.target])


def _gate(net: Network, s: State, k: int) -> Array:
    return ACTIVATIONS[net.hidden][1](s[f"z{k}"], s[f"h{k}"])


def rules(net: Network) -> list[Plant]:
    """Every mistake of calculation that can be made in a network, wherever it can be made."""
    depth, right = net.depth, dict(net.steps())
    found = [p for k in range(1, depth) for p in _of_slopes(net, k)]
    if net.shortcut:
        found.append(Plant("target_minus_prediction", f"dz{depth}", lambda s: s["y"] - s["yhat"]))
        if net.output == "sigmoid":
            found.append(
                Plant(
                    "slope_on_shortcut",
                    f"dz{depth}",
                    lambda s: (s["yhat"] - s["y"]) * s["yhat"] * (1 - s["yhat"]),
                )
            )
    for k in range(1, depth + 1):
        found += _of_weights(net, k)
        if net.cases:
            found += _of_batches(net, k)
    if net.loss == "mse":
        top = f"d{net.out(depth)}"
        found.append(Plant("factor_two", top, lambda s: 2 * right[top](s)))
        found.append(Plant("factor_half", top, lambda s: right[top](s) / 2))
        if (n := net.sizes[-1]) > 1:
            found.append(Plant("mean_forgotten", top, lambda s: right[top](s) * n))
            found.append(Plant("mean_for_sum", top, lambda s: right[top](s) / n))
    return found


def _of_slopes(net: Network, k: int) -> Iterator[Plant]:
    """On the way back through a hidden layer."""
    relu = net.hidden == "relu"
    h, delta, above = f"dh{k}", f"dz{k}", f"dz{k + 1}"
    w = net.w(k + 1)
    yield Plant("gate_forgotten" if relu else "slope_forgotten", delta, lambda s: s[h])
    for j in range(1, net.depth):
        if j != k and net.sizes[j] == net.sizes[k]:
            yield _of_another(net, k, j)
    if net.sizes[k] == net.sizes[k + 1] and (k + 1 < net.depth or not net.scalar):
        yield Plant(
            "gate_on_wrong_side" if relu else "slope_on_wrong_side",
            delta,
            lambda s: s[w].T @ (s[above] * _gate(net, s, k)),
        )
        yield Plant("transpose_forgotten", h, lambda s: s[w] @ s[above])


def _of_another(net: Network, k: int, j: int) -> Plant:
    rule = "gate_of_another_layer" if net.hidden == "relu" else "slope_of_another_layer"
    return Plant(rule, f"dz{k}", lambda s: s[f"dh{k}"] * _gate(net, s, j))


def _of_weights(net: Network, k: int) -> Iterator[Plant]:
    """With a layer's weights: forward, in their gradient, and in the update."""
    w, dw, right = net.w(k), f"d{net.w(k)}", dict(net.steps())
    before, pre = net.out(k - 1), f"z{k - 1}"
    matrix = not (k == net.depth and net.scalar)
    if matrix and net.sizes[k - 1] == net.sizes[k]:
        yield Plant("transposed", f"z{k}", lambda s: net.weighted({**s, w: s[w].T}, k, s[before]))
    if matrix:
        yield Plant("outer_transposed", dw, lambda s: right[dw](s).T)
    if k > 1:
        yield Plant("preactivation_used", f"z{k}", lambda s: net.weighted(s, k, s[pre]))
        yield Plant("preactivation_used", dw, lambda s: net.weight_gradient(s, k, pre))
    yield Plant("rate_forgotten", f"updated.{w}", lambda s: s[w] - s[dw])
    yield Plant("update_sign", f"updated.{w}", lambda s: s[w] + net.rate * s[dw])


def _of_batches(net: Network, k: int) -> Iterator[Plant]:
    """With the mean over the cases."""
    w, delta, n, right = f"d{net.w(k)}", f"dz{k}", net.cases, dict(net.steps())
    yield Plant("mean_forgotten", w, lambda s: right[w](s) * n)
    yield Plant("mean_forgotten", f"db{k}", lambda s: s[delta].sum(axis=-1))
    yield Plant("mean_for_sum", w, lambda s: right[w](s) / n)
    if not (k == net.depth and net.scalar):
        yield Plant("wrong_axis", f"db{k}", lambda s: s[delta].sum(axis=0))


def later_rules(net: Network) -> list[Plant]:
    """Mistakes that the checker came to know later, wherever a network has their subject."""
    depth, right = net.depth, dict(net.steps())
    found: list[Plant] = []
    top = f"dz{depth}"
    if net.output == "softmax":
        found.append(Plant("sigmoid_for_softmax", "yhat", lambda s: sigmoid(s[f"z{depth}"])))
        if net.loss == "mse":
            found.append(
                Plant("softmax_diagonal", top, lambda s: s["dyhat"] * s["yhat"] * (1 - s["yhat"]))
            )
        if net.cases:
            found.append(Plant("softmax_axis", "yhat", lambda s: net.softmax(s[f"z{depth}"].T).T))
    for k in range(1, depth):
        if net.hidden == "relu":
            found.append(_gated_by_gradient(k))
        if net.steep != 1:
            found.append(_inner_forgotten(net, right, k))
        found.append(_stale(net, k))
    for k in range(1, depth + 1) if net.penalty else ():
        found += _of_penalties(net, right, k)
    return found


def _gated_by_gradient(k: int) -> Plant:
    h = f"dh{k}"
    return Plant("gate_by_gradient", f"dz{k}", lambda s: s[h] * (s[h] > 0))


def _inner_forgotten(net: Network, right: dict[str, Wrong], k: int) -> Plant:
    return Plant("inner_factor_forgotten", f"dz{k}", lambda s: right[f"dz{k}"](s) / net.steep)


def _stale(net: Network, k: int) -> Plant:
    """The next layer's weights after their update, on the way back."""
    w, above = net.w(k + 1), f"dz{k + 1}"

    def after(s: State) -> Array:
        return net.back({**s, w: s[w] - net.rate * s[f"d{w}"]}, k + 1, s[above])

    return Plant("updated_used", f"dh{k}", after)


def _of_penalties(net: Network, right: dict[str, Wrong], k: int) -> Iterator[Plant]:
    dw = f"d{net.w(k)}"
    yield Plant("penalty_half", dw, lambda s: right[dw](s) + net.decay(s, k))
    yield Plant("penalty_two", dw, lambda s: right[dw](s) - net.decay(s, k) / 2)
    yield Plant("penalty_left_out", dw, lambda s: right[dw](s) - net.decay(s, k))
    yield Plant("penalty_factor", dw, lambda s: right[dw](s) - net.decay(s, k) + s[net.w(k)])


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
        yield Plant(
            "sign_lost", target, None, with_entry(text[1:] if text[0] == "-" else f"-{text}")
        )
        significant = [k for k in digits if text[k] != "0" or k > digits[0]]
        at = int(g.choice(significant))
        other = str((int(text[at]) + int(g.integers(1, 10))) % 10)
        new = text[:at] + other + text[at + 1 :]
        # Where no other digit is right there is nothing to know the figure by.
        if float(new) and len(text.lstrip("-0.").replace(".", "")) > 1:
            yield Plant("digit_slip", target, None, with_entry(new))
        pairs = [(i, j) for i, j in pairwise(digits) if text[i] != text[j]]
        if pairs:
            i, j = pairs[int(g.integers(len(pairs)))]
            swapped = text[:i] + text[j] + text[i + 1 : j] + text[i] + text[j + 1 :]
            yield Plant("digits_swapped", target, None, with_entry(swapped))
        shift = int(g.choice([-1, 1]))
        places = len(text.partition(".")[2]) - shift
        yield Plant(
            "decimal_point",
            target,
            None,
            with_entry(f"{float(text) * 10.0**shift:.{max(places, 0)}f}"),
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


def tells(
    plant: Plant,
    others: list[Plant],
    net: Network,
    values: State,
    show: Show,
    carry: str,
    right: Any,
) -> bool:
    """Whether a mistake's figures are its own: neither the right ones nor those of another mistake."""
    wrong = plant.figures(net, values, show, carry)
    twins = [o for o in others if o.target == plant.target and o.rule != plant.rule]
    return apart(wrong, numbers(right[plant.target])) and all(
        apart(wrong, other.figures(net, values, show, carry)) for other in twins
    )


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
    depth, top, right = net.depth, f"d{net.out(net.depth)}", dict(net.steps())
    for k in range(1, depth + 1):
        yield from _pairs_of(net, k)
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
        yield Pair(
            frozenset(("target_minus_prediction", "factor_half")),
            top,
            lambda s: -right[top](s) / 2,
            (lambda s: -right[top](s), lambda s: right[top](s) / 2),
        )


def _pairs_of(net: Network, k: int) -> Iterator[Pair]:
    w, dw, right = net.w(k), f"d{net.w(k)}", dict(net.steps())
    pre, post, delta = f"z{k - 1}", net.out(k - 1), f"dz{k}"
    matrix = not (k == net.depth and net.scalar)

    def gradient(s: State, h: str) -> Array:
        return net.weight_gradient(s, k, h)

    def turned(s: State, h: str) -> Array:
        return net.weighted({**s, w: s[w].T}, k, s[h])

    yield Pair(
        frozenset(("rate_forgotten", "update_sign")),
        f"updated.{w}",
        lambda s: s[w] + s[dw],
        (lambda s: s[w] - s[dw], lambda s: s[w] + net.rate * s[dw]),
    )
    if k > 1 and matrix:
        yield Pair(
            frozenset(("outer_transposed", "preactivation_used")),
            dw,
            lambda s: gradient(s, pre).T,
            (lambda s: gradient(s, post).T, lambda s: gradient(s, pre)),
        )
    if k > 1 and matrix and net.sizes[k] == net.sizes[k - 1]:
        forgotten = "gate_forgotten" if net.hidden == "relu" else "slope_forgotten"
        yield Pair(
            frozenset(("transposed", "preactivation_used")),
            f"z{k}",
            lambda s: turned(s, pre),
            (lambda s: turned(s, post), lambda s: net.weighted(s, k, s[pre])),
        )
        yield Pair(
            frozenset(("transpose_forgotten", forgotten)),
            f"dz{k - 1}",
            lambda s: s[w] @ s[delta],
            (
                lambda s: (s[w] @ s[delta]) * net.slope(s, k - 1),
                lambda s: s[w].T @ s[delta],
            ),
            frozenset((f"dh{k - 1}",)),
        )
    if net.cases and matrix:
        yield Pair(
            frozenset(("outer_transposed", "mean_forgotten")),
            dw,
            lambda s: net.cases * right[dw](s).T,
            (lambda s: right[dw](s).T, lambda s: net.cases * right[dw](s)),
        )
    if net.cases and k > 1:
        yield Pair(
            frozenset(("preactivation_used", "mean_forgotten")),
            dw,
            lambda s: net.cases * gradient(s, pre),
            (lambda s: gradient(s, pre), lambda s: net.cases * gradient(s, post)),
        )
