"""What the checker must show, over many random networks and an outside student.

The ordinary run takes a small sample; `pytest -m sweep tests/check -s` takes them all and prints counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

import handgrad
from handgrad.checking import Checker
from tests.check.planting import Plant, apart, early, later_rules, pairs, rules, slips, tells
from tests.check.students import (
    Network,
    Show,
    State,
    UndefinedError,
    decimals,
    networks,
    networks_of_new_rules,
    numbers,
    significant,
    texts,
    trimmed,
)

SHOWN: tuple[Show, ...] = (
    decimals(4),
    significant(4),
    significant(3),
    trimmed(decimals(4)),
    decimals(5),
)
CARRIED = ("exact", "shown")


class Draws:
    """Random networks with random numbers; each structure is built once."""

    def __init__(self, seed: int, structures: list[Network] | None = None) -> None:
        self.g = np.random.default_rng(seed)
        self.networks = structures or networks()
        self.checkers: dict[int, Checker] = {}

    def __iter__(self) -> Iterator[tuple[Network, State, Checker]]:
        while True:
            k = int(self.g.integers(len(self.networks)))
            net = self.networks[k]
            values = net.draw(self.g)
            if k not in self.checkers:
                self.checkers[k] = Checker(net.problem(values))
            yield net, values, self.checkers[k].at(values)

    def show(self) -> Show:
        return SHOWN[int(self.g.integers(len(SHOWN)))]

    def carry(self) -> str:
        return CARRIED[int(self.g.integers(2))]


def correct_work(
    problems: int, seed: int, structures: list[Network] | None = None
) -> tuple[int, list[str]]:
    """Right work at 3, 4 and 5 figures in either policy: the number of checks, and what was faulted."""
    faulted: list[str] = []
    checks = 0
    draws = Draws(seed, structures)
    for number, (net, values, checker) in enumerate(draws):
        if number == problems:
            break
        for figures in (3, 4, 5):
            kinds = (decimals(figures), significant(figures))
            for kind in (*kinds, *map(trimmed, kinds)):
                for carry in CARRIED:
                    try:
                        written = net.work(values, kind, carry)
                    except UndefinedError:
                        continue
                    checks += 1
                    report = checker.check(written)
                    faulted += [
                        f"{net} {figures} {carry} {s.target}"
                        for s in report.steps
                        if s.verdict not in ("right", "missing")
                    ]
    return checks, faulted


def planted(least: int, seed: int) -> dict[str, tuple[int, int, int]]:
    """By rule: how often it was planted, was named first, and had everything else credited."""
    tried: Counter[str] = Counter()
    first: Counter[str] = Counter()
    credited: Counter[str] = Counter()
    draws = Draws(seed)
    for number, (net, values, checker) in enumerate(draws):
        if number > 40 * least or (number > least and min(tried.values()) >= least):
            break
        show, carry = draws.show(), draws.carry()
        try:
            right = net.work(values, show, carry)
        except UndefinedError:
            continue
        calculated, written = rules(net), list(slips(net, draws.g, right))
        everything = [*calculated, *written]
        draws.g.shuffle(calculated)
        one_each = {p.rule: p for p in [*calculated, *written, *early(net, draws.g, 2)]}
        for rule, plant in one_each.items():
            if tried[rule] >= least:
                continue
            try:
                if rule == "rounded_early":
                    figures = texts(plant.figures(net, values, show, carry), show)
                    before = {n: f for n, f in right.items() if n != plant.target}
                    if checker.check_one(plant.target, figures, before).verdict != "wrong":
                        continue
                elif not tells(plant, everything, net, values, show, carry, right):
                    continue
                work = plant.work(net, values, show, carry)
            except UndefinedError:
                continue
            report = checker.check(work)
            tried[rule] += 1
            diagnosis = report[plant.target].diagnosis
            first[rule] += bool(diagnosis) and diagnosis[0].rule == rule
            others = {s.verdict for s in report.steps if s.target != plant.target}
            credited[rule] += others <= {"right", "consistent"}
    return {r: (tried[r], first[r], credited[r]) for r in sorted(tried)}


def planted_later(least: int, seed: int) -> dict[str, tuple[int, int, int]]:
    """The same as `planted`, for the rules that came later and networks that have their subjects."""
    tried: Counter[str] = Counter()
    first: Counter[str] = Counter()
    credited: Counter[str] = Counter()
    draws = Draws(seed, networks_of_new_rules())
    known = {p.rule for net in draws.networks for p in later_rules(net)}
    for number, (net, values, checker) in enumerate(draws):
        if number > 40 * least or all(tried[rule] >= least for rule in known):
            break
        show, carry = draws.show(), draws.carry()
        try:
            right = net.work(values, show, carry)
        except UndefinedError:
            continue
        later = later_rules(net)
        everything = [*rules(net), *later]
        draws.g.shuffle(later)
        for rule, plant in {p.rule: p for p in later}.items():
            if tried[rule] >= least:
                continue
            try:
                if not tells(plant, everything, net, values, show, carry, right):
                    continue
                work = plant.work(net, values, show, carry)
            except UndefinedError:
                continue
            report = checker.check(work)
            tried[rule] += 1
            diagnosis = report[plant.target].diagnosis
            first[rule] += bool(diagnosis) and diagnosis[0].rule == rule
            others = {s.verdict for s in report.steps if s.target not in (plant.target, "D", "R")}
            credited[rule] += others <= {"right", "consistent", "missing"}
    return {r: (tried[r], first[r], credited[r]) for r in sorted(tried)}


def planted_pairs(problems: int, seed: int) -> dict[str, tuple[int, int]]:
    """By pair: how often it was planted, and how often both were named first."""
    tried: Counter[str] = Counter()
    named: Counter[str] = Counter()
    draws = Draws(seed)
    for number, (net, values, checker) in enumerate(draws):
        if number == problems:
            break
        show, carry = draws.show(), draws.carry()
        try:
            right = net.work(values, show, carry)
        except UndefinedError:
            continue
        for pair in pairs(net):
            plant = pair.plant
            singles = [Plant("", pair.target, wrong) for wrong in pair.alone]
            try:
                figures = plant.figures(net, values, show, carry)
                others = [s.figures(net, values, show, carry) for s in singles]
                if not all(apart(figures, o) for o in (*others, numbers(right[pair.target]))):
                    continue
                work = plant.work(net, values, show, carry)
            except UndefinedError:
                continue
            entered = {n: f for n, f in work.items() if n not in pair.hidden}
            diagnosis = checker.check(entered)[pair.target].diagnosis
            tried[plant.rule] += 1
            said = frozenset(diagnosis[0].rule.split("+")) if diagnosis else frozenset()
            reversed_ = {"sign_lost", *(pair.rules - {"target_minus_prediction"})}
            named[plant.rule] += said == pair.rules or (
                "target_minus_prediction" in pair.rules and said == reversed_
            )
    return {r: (tried[r], named[r]) for r in sorted(tried)}


def paths_left_out(count: int, seed: int) -> tuple[int, int, int]:
    """Weights shared by two layers, with the share of one path left out of their gradient: how often,
    how often named first, and how often everything else was credited."""
    g = np.random.default_rng(seed)
    checkers: dict[int, Checker] = {}
    tried = first = credited = 0
    while tried < count:
        n = int(g.integers(2, 5))
        w, x, y = np.round(g.normal(0, 0.8, (n, n)), 1), np.round(g.normal(0, 1, n), 1), g.random(n)
        given: State = {"W": w, "x": x, "y": np.round(y, 1)}
        if n not in checkers:
            shared = handgrad.load("shared")
            checkers[n] = Checker(
                handgrad.Problem(
                    list(shared.equations), {"W": w}, {"x": x, "y": y}, update=handgrad.Update()
                )
            )
        show, left = SHOWN[int(g.integers(len(SHOWN)))], int(g.integers(2))
        h1 = np.tanh(w @ x)
        h2 = np.tanh(w @ h1)
        dh2 = h2 - given["y"]
        dz2 = dh2 * (1 - h2**2)
        dz1 = (w.T @ dz2) * (1 - h1**2)
        parts = (np.outer(dz1, x), np.outer(dz2, h1))
        if not apart(parts[left], parts[0] + parts[1]):
            continue
        work = {"z1": w @ x, "h1": h1, "z2": w @ h1, "h2": h2, "L": 0.5 * np.sum(dh2**2)}
        work |= {"dh2": dh2, "dz2": dz2, "dh1": w.T @ dz2, "dz1": dz1, "dW": parts[left]}
        work["updated.W"] = w - 0.1 * parts[left]
        report = (
            checkers[n].at(given).check({k: texts(np.asarray(v), show) for k, v in work.items()})
        )
        tried += 1
        diagnosis = report["dW"].diagnosis
        first += bool(diagnosis) and diagnosis[0].rule == "path_left_out"
        others = {s.verdict for s in report.steps if s.target != "dW"}
        credited += others <= {"right", "consistent"}
    return tried, first, credited


def random_figures(checks: int, seed: int) -> tuple[int, int]:
    """Random figures in one quantity of right work: how many, and how many were taken for right."""
    tried = accepted = 0
    draws = Draws(seed)
    for net, values, checker in draws:
        if tried >= checks:
            break
        show = draws.show()
        try:
            right = net.work(values, show, draws.carry())
        except UndefinedError:
            continue
        target = str(draws.g.choice(list(right)))
        good = numbers(right[target])
        scale = float(np.max(np.abs(good))) or 1.0
        figures = texts(draws.g.uniform(-2 * scale, 2 * scale, good.shape), show)
        if figures == right[target]:
            continue
        tried += 1
        accepted += checker.check({**right, target: figures})[target].verdict != "wrong"
    return tried, accepted


def test_correct_work_is_never_faulted() -> None:
    checks, faulted = correct_work(8, seed=1)
    assert checks > 150
    assert faulted == []


def test_every_planted_mistake_is_named() -> None:
    found = planted(2, seed=2)
    assert len(found) >= 24
    tried, first, credited = (sum(column) for column in zip(*found.values(), strict=True))
    assert first >= 0.9 * tried
    assert credited == tried


def test_every_later_mistake_is_named() -> None:
    found = planted_later(2, seed=7)
    assert len(found) == 10
    tried, first, credited = (sum(column) for column in zip(*found.values(), strict=True))
    assert first >= 0.9 * tried
    assert credited == tried


def test_a_path_left_out_is_named() -> None:
    assert paths_left_out(20, seed=5)[1:] == (20, 20)


def test_planted_pairs_are_named() -> None:
    found = planted_pairs(6, seed=3)
    assert sum(n for _, n in found.values()) >= 0.8 * sum(t for t, _ in found.values())


def test_random_figures_are_refused() -> None:
    tried, accepted = random_figures(80, seed=4)
    assert accepted <= 0.01 * tried


@pytest.mark.sweep
def test_sweep_of_correct_work() -> None:
    checks, faulted = correct_work(10_000, seed=11)
    print(f"\n{checks} sheets of correct work, {len(faulted)} quantities faulted")
    assert faulted == []


@pytest.mark.sweep
def test_sweep_of_correct_work_where_later_rules_apply() -> None:
    checks, faulted = correct_work(3_000, seed=18, structures=networks_of_new_rules())
    print(f"\n{checks} sheets of correct work, {len(faulted)} quantities faulted")
    assert faulted == []


@pytest.mark.sweep
def test_sweep_of_planted_mistakes() -> None:
    found = planted(1000, seed=12)
    print()
    for rule, (tried, first, credited) in found.items():
        print(
            f"{rule:26} planted {tried:5}  named first {first / tried:.3f}  rest {credited / tried:.3f}"
        )
    for rule, (tried, first, credited) in found.items():
        assert tried >= 1000, rule
        assert first >= 0.95 * tried, rule
        assert credited >= 0.99 * tried, rule


@pytest.mark.sweep
def test_sweep_of_later_mistakes() -> None:
    found = planted_later(1000, seed=17)
    print()
    for rule, (tried, first, credited) in found.items():
        print(
            f"{rule:26} planted {tried:5}  named first {first / tried:.3f}  rest {credited / tried:.3f}"
        )
    for rule, (tried, first, credited) in found.items():
        assert tried >= 1000, rule
        assert first >= 0.95 * tried, rule
        assert credited >= 0.99 * tried, rule


@pytest.mark.sweep
def test_sweep_of_paths_left_out() -> None:
    tried, first, credited = paths_left_out(1000, seed=15)
    print(f"\npath_left_out planted {tried}, named first {first}, rest credited {credited}")
    assert first >= 0.95 * tried
    assert credited >= 0.99 * tried


@pytest.mark.sweep
def test_sweep_of_planted_pairs() -> None:
    found = planted_pairs(1000, seed=13)
    print()
    for rule, (tried, named) in found.items():
        print(f"{rule:50} planted {tried:5}  both named {named / tried:.3f}")
    for rule, (tried, named) in found.items():
        assert named >= 0.8 * tried, rule


@pytest.mark.sweep
def test_sweep_of_random_figures() -> None:
    tried, accepted = random_figures(20_000, seed=14)
    print(f"\n{tried} random wrong figures, {accepted} taken for right")
    assert accepted < 0.001 * tried
