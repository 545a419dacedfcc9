"""What the families draw: numbers, sizes, spellings and names as people have them, and the file they make."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

T = TypeVar("T")
Nested = Any

LOSSES = ("L", "J", "loss", "cost", "E", "err", "C")
OUTPUTS = ("yhat", "y_hat", "out", "pred", "preds", "o", "ŷ")
TARGETS = ("y", "t", "target", "y_true", "d")
RATES = (0.1, 0.5, 0.01, 1)
RULES = (
    *("sgd", "sgd", "sgd", "sgd", "momentum", "adam", "adamw", "rmsprop"),
    *("nesterov", "adagrad", "adadelta", "lion"),
)
HIDDEN = (
    "relu",
    "relu",
    "relu",
    "sigmoid",
    "tanh",
    "leaky_relu",
    "elu",
    "softplus",
    "gelu",
    "silu",
)
TITLES = (
    "Homework 3, problem 2",
    "Quiz (Section B)",
    "One step by hand",
    "Exercise 4.2 – part (b)",
)


@dataclass
class Sheet:
    """A problem being written. `batched` names the data whose rows are cases."""

    equations: list[str] = field(default_factory=list)
    parameters: dict[str, Nested] = field(default_factory=dict)
    data: dict[str, Nested] = field(default_factory=dict)
    given: dict[str, Nested] = field(default_factory=dict)
    upstream: dict[str, Nested] = field(default_factory=dict)
    batched: set[str] = field(default_factory=set)
    update: dict[str, Any] = field(default_factory=dict)
    display: dict[str, str] = field(default_factory=dict)
    title: str = ""
    loss: str = ""
    reduction: str = ""

    def add(self, *equations: str) -> None:
        self.equations += equations

    def to_toml(self) -> str:
        lines = [f'title = "{self.title}"'] if self.title else []
        lines += ['equations = """', *self.equations, '"""']
        lines += [f'loss = "{self.loss}"'] if self.loss else []
        lines += [f'reduction = "{self.reduction}"'] if self.reduction else []
        for table, given in (
            ("parameters", self.parameters),
            ("data", self.data),
            ("given", self.given),
            ("upstream", self.upstream),
        ):
            if given:
                lines += ["", f"[{table}]"]
                lines += [f"{_key(n)} = {self._value(n, v)}" for n, v in given.items()]
        if self.update:
            lines += ["", "[update]"]
            lines += [f"{k} = {_quoted(v)}" for k, v in self.update.items()]
        if self.display:
            lines += ["", "[display]"]
            lines += [f"{_key(k)} = {_quoted(v)}" for k, v in self.display.items()]
        return "\n".join(lines) + "\n"

    def _value(self, name: str, value: Nested) -> str:
        return f"{{ cases = {value} }}" if name in self.batched else str(value)


def _key(name: str) -> str:
    return name if name.isascii() else f'"{name}"'


def _quoted(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(k)} = {v}' for k, v in value.items())} }}"
    return f'"{value}"' if isinstance(value, str) else str(value)


class Draw:
    """Draws one problem: the same family and seed, the same problem.

    Numbers lie on a grid of one decimal, so that zeros, ties, kinks and rounding residues are common. One
    problem in six has whole numbers and halves, one in nine has arrays a hundred or a thousand times as large.
    """

    def __init__(self, family: str, seed: int) -> None:
        self.random = random.Random(seed * 1_000_003 + zlib.crc32(family.encode()))
        kind = self.random.random()
        self.far = kind < 0.11
        self.whole = 0.11 <= kind < 0.28
        self.sheet = Sheet()

    def pick(self, choices: Sequence[T]) -> T:
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def size(self, most: int = 3, least: int = 1) -> int:
        return self.random.randint(least, most)

    # -- numbers ----------------------------------------------------------------------

    def array(self, *shape: int, top: float = 1.5, far: bool | None = None) -> Nested:
        """Numbers of the problem's grid in −top…top; far ones in a far problem, where they may be."""
        times = 1
        if self.far and far is not False and self.chance(0.4):
            times = self.pick((100, 1000))
        return self._filled(shape, lambda: self._entry(top, times))

    def _entry(self, top: float, times: int) -> float | int:
        if self.whole:
            value: float = self.random.randint(-round(2 * top), round(2 * top)) / 2
        else:
            value = self.random.randint(-round(10 * top), round(10 * top)) / 10
        value *= times
        return int(value) if value == int(value) else round(value, 1)

    def positive(self, *shape: int, top: float = 2.0) -> Nested:
        return self._filled(shape, lambda: self.random.randint(1, round(10 * top)) / 10)

    def binary(self, *shape: int) -> Nested:
        return self._filled(shape, lambda: self.random.randint(0, 1))

    def signs(self, *shape: int) -> Nested:
        return self._filled(shape, lambda: self.random.choice((-1, 1)))

    def one_hot(self, classes: int, rows: int | None = None) -> Nested:
        if rows is not None:
            return [self.one_hot(classes) for _ in range(rows)]
        at = self.random.randrange(classes)
        return [int(i == at) for i in range(classes)]

    def shares(self, count: int) -> list[float]:
        """Probabilities of one decimal (two for many) that add up to 1."""
        cuts = sorted(self.random.sample(range(1, 10 * max(1, count // 8 + 1)), count - 1))
        total = 10 * max(1, count // 8 + 1)
        ends = [0, *cuts, total]
        return [round((b - a) / total, 2) for a, b in pairwise(ends)]

    def _filled(self, shape: tuple[int, ...], one: Any) -> Nested:
        if not shape:
            return one()
        return [self._filled(shape[1:], one) for _ in range(shape[0])]

    # -- words ------------------------------------------------------------------------

    def loss_name(self) -> str:
        return self.pick(LOSSES)

    def output_name(self) -> str:
        return self.pick(OUTPUTS)

    def target_name(self) -> str:
        return self.pick(TARGETS)

    def layer_names(self) -> LayerNames:
        return self.pick(STYLES)

    def activation(self) -> str:
        return self.pick(HIDDEN)

    def squared(self, a: str, b: str, entries: int = 1) -> str:
        """A squared error of two names, as people write it."""
        ways = [f"mse({a}, {b})", f"mean(({a} - {b})**2)", f"0.5*sum(({b} - {a})**2)"]
        ways += [f"sum(({a} - {b})*({a} - {b}))/{max(entries, 1)}", f"norm({a} - {b})**2"]
        ways += [f"1/2 * norm({a} - {b})**2"]
        if entries == 1:
            ways += [f"0.5*({a} - {b})**2", f"({b} - {a})**2", f"({a} - {b})**2 / 2"]
        return self.pick(ways)

    def log(self) -> str:
        return self.pick(("log", "ln"))

    def sigmoid(self, z: str) -> str:
        return self.pick((f"sigmoid({z})", f"σ({z})", f"1/(1 + exp(-{z}))", f"sigmoid({z})"))

    def cross_entropy_of(self, p: str, y: str, scalar: bool = True) -> str:
        """Binary cross-entropy of probabilities, as people write it."""
        log = self.log()
        written = f"{y}*{log}({p}) + (1 - {y})*{log}(1 - {p})"
        if scalar:
            return self.pick((f"-({written})", f"bce({p}, {y})", f"-{y}*{log}({p}) - (1-{y})*{log}(1-{p})", f"-1*({written})"))  # fmt: skip
        return self.pick((f"-mean({written})", f"bce({p}, {y})", f"-sum({written})", f"mean(-({written}))"))  # fmt: skip

    # -- the rest of a file -----------------------------------------------------------

    def finish(self) -> Sheet:
        """What a file may have beside its equations and numbers."""
        sheet = self.sheet
        if self.chance(0.7):
            rule = self.pick(RULES)
            sheet.update = {"rate": self.pick(RATES)}
            if rule != "sgd" or self.chance(0.5):
                sheet.update["rule"] = rule
            if self.chance(0.2):
                sheet.update["weight_decay"] = self.pick((0.01, 0.1))
            if self.chance(0.35):
                self._before_the_rule()
        if self.chance(0.4):
            sheet.title = self.pick(TITLES)
        if sheet.batched and self.chance(0.3):
            sheet.reduction = self.pick(("sum", "mean"))
        if self.chance(0.2):
            name = self.pick([*sheet.parameters, *sheet.data, *sheet.given])
            sheet.display[name] = self.pick(("Θ", "w_h", "U", "\\\\theta", "w*"))
        blocks = any(line.startswith(("def ", "for ")) for line in sheet.equations)
        plain = not blocks and not sheet.upstream
        if self.chance(0.15) and len(sheet.equations) > 1 and plain:
            # Equations may stand in any order: the loss is then named.
            sheet.loss = sheet.equations[-1].partition("=")[0].strip()
            self.random.shuffle(sheet.equations)
        return sheet

    def _before_the_rule(self) -> None:
        """Gradients clipped, a schedule, and rates of single parameters."""
        update = self.sheet.update
        match self.pick(("norm", "value", "")):
            case "norm" if not self.sheet.batched & set(self.sheet.parameters):
                update["clip_norm"] = self.pick((1, 0.5, 5, 0.1))
            case "value":
                update["clip_value"] = self.pick((0.5, 1, 0.1))
        match self.pick(("step", "cosine", "")):
            case "step":
                update |= {"schedule": "step", "every": self.pick((1, 2, 10))}
                if self.chance(0.5):
                    update["gamma"] = 0.5
            case "cosine":
                update |= {"schedule": "cosine", "steps": self.pick((2, 10, 100))}
                if self.chance(0.5):
                    update["rate_min"] = 0.001
        if self.sheet.parameters and self.chance(0.5):
            names = self.random.sample([*self.sheet.parameters], min(2, len(self.sheet.parameters)))
            update["rates"] = {name: self.pick((0, 0.05, 0.2)) for name in names}


@dataclass(frozen=True)
class LayerNames:
    """How a person names what a layer has; each takes the layer's number."""

    weights: str
    bias: str
    pre: str
    out: str

    def of(self, layer: int) -> tuple[str, str, str, str]:
        def named(pattern: str) -> str:
            number = str(layer)
            if "⁽" in pattern:
                number = number.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
            return pattern.format(number)

        return named(self.weights), named(self.bias), named(self.pre), named(self.out)


STYLES = (
    LayerNames("W{}", "b{}", "z{}", "h{}"),
    LayerNames("W{}", "b{}", "Z{}", "A{}"),
    LayerNames("Theta{}", "beta{}", "z{}", "a{}"),
    LayerNames("W_{}", "b_{}", "net_{}", "out_{}"),
    LayerNames("w{}", "bias{}", "s{}", "x_hidden{}"),
    LayerNames("W⁽{}⁾", "b⁽{}⁾", "z⁽{}⁾", "a⁽{}⁾"),
    LayerNames("weights{}", "bias_{}", "pre{}", "act{}"),
    LayerNames("U{}", "c{}", "u{}", "v{}"),
)
