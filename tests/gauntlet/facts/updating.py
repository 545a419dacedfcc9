"""Updates by the rules of PyTorch's optimisers, on gradients from the problem's text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from handgrad.expression import Name
from tests.gauntlet import precise
from tests.gauntlet.oracle import Oracle, ReadError

DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "sgd": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9},
    "adagrad": {"epsilon": 1e-10, "rate_decay": 0.0},
    "rmsprop": {"decay": 0.99, "epsilon": 1e-8},
    "adadelta": {"decay": 0.9, "epsilon": 1e-6},
    "lion": {"beta1": 0.9, "beta2": 0.99},
    "adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "adamw": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01},
}
"""What a rule's settings are where a file does not give them, as the documents have them."""


class Optimiser:
    """PyTorch's optimisers as their documents have them, on arrays: importing theirs takes seconds.

    A test holds them against `torch.optim`.
    """

    def __init__(self, update: Mapping[str, Any]) -> None:
        self.rule = update.get("rule", "sgd")
        self.s = {"rate": 0.1, "weight_decay": 0.0, **DEFAULTS[self.rule], **update}
        if self.s.get("schedule") == "step":
            self.s.setdefault("gamma", 0.1)
        if self.s.get("schedule") == "cosine":
            self.s.setdefault("rate_min", 0.0)
        self.step = 0
        self.first: dict[str, Any] = {}
        self.second: dict[str, Any] = {}
        self.steps: dict[str, Any] = {}

    def __call__(
        self, parameters: Mapping[str, Any], gradients: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The parameters after one more step."""
        self.step += 1
        taken = self.clipped({n: np.asarray(gradients[n]) for n in parameters})
        return {n: self._moved(n, a, taken[n]) for n, a in parameters.items()}

    def start(self, name: str) -> float:
        """The rate of a parameter in the first step."""
        return float(self.s.get("rates", {}).get(name, self.s["rate"]))

    def rate(self, name: str) -> float:
        """The rate of a parameter in this step: its group's, by its scheduler; 0 stays 0."""
        start: float = self.start(name)
        before = self.step - 1
        match self.s.get("schedule"):
            case "step":
                return start * float(self.s["gamma"]) ** (before // int(self.s["every"]))
            case "cosine" if start:
                lowest, whole = self.s["rate_min"], self.s["steps"]
                wave = np.cos(np.pi * min(before, whole) / whole)
                return float(lowest + (start - lowest) * (1 + wave) / 2)
        return start

    def clipped(self, gradients: Mapping[str, Any]) -> dict[str, Any]:
        """Gradients as torch.nn.utils clips them."""
        if "clip_value" in self.s:
            most = self.s["clip_value"]
            return {n: np.clip(g, -most, most) for n, g in gradients.items()}
        if "clip_norm" not in self.s:
            return dict(gradients)
        factor = self.factor(gradients)
        return {n: factor * g for n, g in gradients.items()}

    def factor(self, gradients: Mapping[str, Any]) -> Any:
        """What clipping by the norm multiplies every gradient by."""
        return np.minimum(self.s["clip_norm"] / (self.norm(gradients) + 1e-6), 1.0)

    @staticmethod
    def norm(gradients: Mapping[str, Any]) -> Any:
        """The norm of all gradients together."""
        return np.sqrt(sum(np.sum(np.square(g)) for g in gradients.values()))

    def copied(self, update: Mapping[str, Any] | None = None) -> Optimiser:
        """The same with all that it remembers, by other settings where they are given."""
        other = Optimiser(self.s if update is None else update)
        other.step, other.first, other.second = self.step, dict(self.first), dict(self.second)
        other.steps = dict(self.steps)
        return other

    def _moved(self, name: str, theta: Any, g: Any) -> Any:
        s, rate = self.s, self.rate(name)
        if self.rule in ("adamw", "lion"):
            theta = theta * (1 - rate * s["weight_decay"])
        else:
            decay = s["weight_decay"] * theta
            # 0.01 + 0.1 · (−0.1) leaves −1.7e-18 in floats, of which Adam would make a whole step.
            g = np.where(np.abs(g + decay) < 1e-15 * (np.abs(g) + np.abs(decay)), 0.0, g + decay)
        match self.rule:
            case "momentum":
                self.first[name] = s["momentum"] * self.first.get(name, 0.0) + g
                return theta - rate * self.first[name]
            case "nesterov":
                self.first[name] = s["momentum"] * self.first.get(name, 0.0) + g
                return theta - rate * (g + s["momentum"] * self.first[name])
            case "adagrad":
                self.second[name] = self.second.get(name, 0.0) + g * g
                slower = rate / (1 + (self.step - 1) * s["rate_decay"])
                return theta - slower * g / (np.sqrt(self.second[name]) + s["epsilon"])
            case "adadelta":
                rho, most = s["decay"], s["epsilon"]
                average = rho * self.second.get(name, 0.0) + (1 - rho) * g * g
                moved = self.steps.get(name, 0.0)
                delta = np.sqrt(moved + most) / np.sqrt(average + most) * g
                self.second[name], self.steps[name] = average, rho * moved + (1 - rho) * delta**2
                return theta - rate * delta
            case "lion":
                m, b1, b2 = self.first.get(name, 0.0), s["beta1"], s["beta2"]
                self.first[name] = b2 * m + (1 - b2) * g
                one, other = b1 * m, (1 - b1) * g
                rest = 1e-14 * (np.abs(one) + np.abs(other))
                return theta - rate * np.sign(np.where(np.abs(one + other) < rest, 0, one + other))
            case "rmsprop":
                average = s["decay"] * self.second.get(name, 0.0) + (1 - s["decay"]) * g * g
                self.second[name] = average
                return theta - rate * g / (np.sqrt(average) + s["epsilon"])
            case "adam" | "adamw":
                b1, b2 = s["beta1"], s["beta2"]
                self.first[name] = b1 * self.first.get(name, 0.0) + (1 - b1) * g
                self.second[name] = b2 * self.second.get(name, 0.0) + (1 - b2) * g * g
                mean = self.first[name] / (1 - b1**self.step)
                root = np.sqrt(self.second[name] / (1 - b2**self.step))
                return theta - rate * mean / (root + s["epsilon"])
            case _:
                return theta - rate * g


def scaled(update: Mapping[str, Any], times: float) -> dict[str, Any]:
    """An update with every rate so many times as large."""
    found = {**update, "rate": update.get("rate", 0.1) * times}
    if "rates" in update:
        found["rates"] = {n: rate * times for n, rate in update["rates"].items()}
    if "rate_min" in update:
        found["rate_min"] = update["rate_min"] * times
    return found


LETTERS = {
    "rate": "eta",
    "weight_decay": "lambda",
    "momentum": "mu",
    "decay": "rho",
    "beta1": "beta_1",
    "beta2": "beta_2",
    "epsilon": "epsilon",
    "rate_decay": "delta",
    "clip_norm": "C",
    "clip_value": "c",
    "every": "n",
    "gamma": "gamma",
    "steps": "T",
    "rate_min": "eta_min",
    "pi": "pi",
    "drops": "k",
    "step": "t",
    "rate_now": "eta_t",
    "factor": "kappa",
}
"""The settings by the letters that formulas have for them, unless the problem has that name itself."""


def letters(oracle: Oracle) -> dict[str, str]:
    """By setting, its name in formulas."""
    taken = {*oracle.parameters, *oracle.data, *oracle.uses}
    return {
        key: next(n for n in (letter, key, f"{key}_") if n not in taken)
        for key, letter in LETTERS.items()
    }


def rates_named(oracle: Oracle) -> Iterator[Name]:
    """Every name that a formula may have for a rate: η, η_t, and those of single parameters."""
    named = letters(oracle)
    for name in (named["rate"], named["rate_now"]):
        yield Name(name)
        yield from (Name(f"{name}_{parameter}") for parameter in oracle.parameters)
    yield from (Name(f"r_{parameter}") for parameter in oracle.parameters)


def settings(oracle: Oracle) -> dict[str, float]:
    """The settings of the first update by their names in formulas."""
    numbers = {**Optimiser(oracle.update).s, "step": 1.0, "drops": 0.0, "pi": np.pi}
    found = {}
    for key, name in letters(oracle).items():
        if key in numbers:
            found[name] = float(numbers[key])
            if key == "rate":
                own = numbers.get("rates", {})
                found |= {f"{name}_{parameter}": float(own[parameter]) for parameter in own}
    return found


@dataclass
class Updated:
    """A problem's parameters after each update, and what its rule then remembers.

    Arguments:
        told: the gradients at the start that are judged, which say whether one below `LEAST` was told as 0.
    """

    oracle: Oracle
    update: Mapping[str, Any]
    told: Mapping[str, Any] = field(default_factory=dict)
    parameters: list[dict[str, Any]] = field(default_factory=list)
    memories: list[Optimiser] = field(default_factory=list)

    @staticmethod
    def of(facts: Any) -> Updated:
        """The updates of a problem; kept, as they are asked for line by line."""
        found = _KNOWN.get(facts.oracle)
        if found is None:
            found = _KNOWN[facts.oracle] = Updated.by(facts, facts.oracle.update)
        return found

    @staticmethod
    def by(facts: Any, update: Mapping[str, Any]) -> Updated:
        """The updates of a problem by another rule."""
        known = facts.trace.gradients
        return Updated(
            facts.oracle, update, {n: known[n] for n in facts.oracle.parameters if n in known}
        )

    def __post_init__(self) -> None:
        self._optimiser = Optimiser(self.update)
        seed = getattr(self.oracle, "shaken", None)
        self._shaking = None if seed is None else np.random.default_rng(seed)
        given = {n: np.array(a) for n, a in self.oracle.parameters.items()}
        self.parameters.append(self._shaken(given))
        self.memories.append(self._optimiser.copied())
        self._losses: list[float] = []
        self._values: dict[int, Mapping[str, Any]] = {}

    @property
    def losses(self) -> list[float]:
        """The losses from before the first update on."""
        for parameters in self.parameters[len(self._losses) :]:
            self._losses.append(self.oracle.run(parameters, gradients=False).loss)
        return self._losses

    def values(self, count: int) -> Mapping[str, Any]:
        """Every named value after so many updates."""
        if count not in self._values:
            self._values[count] = self.oracle.run(self.after(count), gradients=False).values
        return self._values[count]

    def after(self, count: int) -> dict[str, Any]:
        """The parameters after so many updates."""
        while len(self.parameters) <= count:
            before = self.parameters[-1]
            at = self.oracle.run(before)
            if len(self._losses) == len(self.parameters) - 1:
                self._losses.append(at.loss)
            gradients = (
                at.gradients if len(self.parameters) > 1 else self._without_rests(at.gradients)
            )
            settled = _settled(self._optimiser(before, gradients), before)
            self.parameters.append(self._shaken(settled))
            self.memories.append(self._optimiser.copied())
        return self.parameters[count]

    def going_on(
        self, count: int, oracle: Oracle, update: Mapping[str, Any], forgetting: bool = False
    ) -> Updated:
        """Another training from what this one is after so many updates.

        Arguments:
            forgetting: whether it has forgotten the gradients so far, as momentum and Adam's mean remember them.
        """
        other = Updated(oracle, update, self.told)
        other.parameters = [self.after(count)]
        other._optimiser = self.memories[count].copied(update)
        if forgetting:
            other._optimiser.first = {}
        return other

    def _without_rests(self, gradients: Mapping[str, Any]) -> Mapping[str, Any]:
        """Gradients at the start; 0 where floats leave a rest of it: a rule that takes signs makes full steps of those."""
        own = {n: np.abs(gradients[n]) for n in self.oracle.parameters}
        largest = max((float(a.max(initial=0.0)) for a in own.values()), default=0.0)
        # Paper has 170 digits: a gradient of 10⁻²¹⁰ that is a difference of numbers near 1 is not told from 0.
        lost = {n: (own[n] < LEAST) & (np.asarray(self.told.get(n, 0.0)) == 0) for n in own}
        settled = {**gradients, **{n: np.where(lost[n], 0.0, gradients[n]) for n in own}}
        for name, sizes in own.items():
            tiny = (sizes > 0) & (sizes < 1e-12 * largest)
            if tiny.any():
                with suppress(ReadError, ArithmeticError, TypeError, ValueError):
                    exact = precise.gradient(self.oracle, name)
                    none = np.abs(exact) < 1e-6 * sizes
                    settled[name] = np.where(tiny & none, 0.0, settled[name])
        return settled

    def _shaken(self, parameters: dict[str, Any]) -> dict[str, Any]:
        if self._shaking is None:
            return parameters
        return {
            n: np.asarray(a) * (1 + SHAKE * self._shaking.uniform(-1, 1, np.shape(a)))
            for n, a in parameters.items()
        }


LEAST = 1e-190
"""A gradient that is smaller may be 0 to the product, which a rule that takes signs makes no step of."""

SHAKE = 1e-15
"""A share of every parameter by which a shaken problem may miss it, at first and after an update: some last digits."""


def shaken(oracle: Oracle, seed: int) -> Oracle:
    """The same problem, trained from and by parameters that differ in their last digits."""
    other = copy(oracle)
    other.__dict__["shaken"] = seed
    return other


def _settled(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """The new parameters; 0 where no more than rounding is left of the old one."""
    return {
        n: np.where(np.abs(a) < 1e-14 * np.abs(np.asarray(old[n])), 0.0, a) for n, a in new.items()
    }


_KNOWN: WeakKeyDictionary[Oracle, Updated] = WeakKeyDictionary()
