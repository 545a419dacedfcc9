"""A student who works a network out with NumPy alone, well or with one thing done wrong.

Nothing here is handgrad's: forward pass, backward pass, update and every mistake are written out by
hand, as an outside oracle for the checker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import handgrad
from handgrad.arrays import Array

State = dict[str, Array]
Show = Callable[[float], str]
Wrong = Callable[[State], Array]


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "relu": (lambda z: np.maximum(z, 0), lambda z, h: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z, h: np.where(z > 0, 1.0, 0.01)),
    "sigmoid": (sigmoid, lambda z, h: h * (1 - h)),
    "tanh": (lambda z: np.asarray(np.tanh(z)), lambda z, h: 1 - h * h),
}


def decimals(count: int) -> Show:
    """Figures with so many decimals."""
    return lambda x: f"{x:.{count}f}"


def significant(count: int) -> Show:
    """Figures with so many significant digits, zeros kept; never a power of ten."""

    def show(x: float) -> str:
        if x == 0:
            return "0"
        exponent = int(np.floor(np.log10(abs(float(f"{x:.{count - 1}e}")))))
        return f"{x:.{max(0, count - 1 - exponent)}f}"

    return show


def trimmed(show: Show) -> Show:
    """The same without zeros at the end, as people write."""

    def short(x: float) -> str:
        text = show(x)
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"

    return short


def texts(value: Array, show: Show) -> Any:
    """An array as nested lists of figures."""
    if np.ndim(value):
        return [texts(row, show) for row in value]
    text = show(float(value))
    return text[1:] if text.startswith("-") and not float(text) else text


def numbers(written: Any) -> Array:
    """The numbers that figures are."""
    return np.asarray(
        [numbers(w) for w in written] if isinstance(written, list) else float(written), dtype=float
    )


class UndefinedError(Exception):
    """A slip has led to the logarithm of a negative number: here a student stops."""


@dataclass
class Network:
    """A multilayer perceptron: its sizes, activations, loss, and cases where there are many.

    `penalty` is λ of ½ λ Σ W²; `steep` the c of c·z that the hidden activations take in place of z.
    """

    sizes: tuple[int, ...]
    hidden: str
    output: str
    loss: str
    cases: int = 0
    rate: float = 0.1
    penalty: float = 0.0
    steep: float = 1.0
    values: State = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return len(self.sizes) - 1

    @property
    def scalar(self) -> bool:
        return self.sizes[-1] == 1 and self.loss != "cross_entropy"

    def draw(self, g: np.random.Generator) -> State:
        """Random numbers with one or two decimals."""
        values: State = {}
        places = int(g.integers(1, 3))
        for layer in range(1, self.depth + 1):
            n, m = self.sizes[layer - 1], self.sizes[layer]
            weights = np.round(g.normal(0, 1 / np.sqrt(n) + 0.2, (m, n)), places)
            weights[weights == 0] = 0.1
            bias = np.round(g.normal(0, 0.3, m), places)
            last = layer == self.depth and self.scalar
            values[self.w(layer)] = weights[0] if last else weights
            values[f"b{layer}"] = bias[0] if last else bias
        shape = (self.sizes[0], self.cases) if self.cases else (self.sizes[0],)
        values["x"] = np.round(g.normal(0, 1, shape), 1)
        values["y"] = self._target(g)
        return values

    def _target(self, g: np.random.Generator) -> Array:
        many = (self.cases,) if self.cases else ()
        if self.loss == "cross_entropy":
            hot = g.integers(0, self.sizes[-1], many)
            return np.moveaxis(np.eye(self.sizes[-1])[hot], -1, 0)
        shape = many if self.scalar else (self.sizes[-1], *many)
        if self.loss == "bce":
            return g.integers(0, 2, shape).astype(float)
        return np.round(g.normal(0, 1, shape), 1)

    def w(self, layer: int) -> str:
        return f"w{layer}" if layer == self.depth and self.scalar else f"W{layer}"

    def problem(self, values: State) -> handgrad.Problem:
        """The same network for handgrad."""
        base = handgrad.Problem.mlp(list(self.sizes), self.hidden, self.output, self.loss)
        data: dict[str, Any] = {
            n: {"cases": np.moveaxis(values[n], -1, 0)} if self.cases else values[n]
            for n in ("x", "y")
        }
        parameters = {n: v for n, v in values.items() if n not in data}
        equations = [e.text for e in base.equations]
        if self.steep != 1:
            for k in range(1, self.depth):
                at = equations.index(f"h{k} = {self.hidden}(z{k})")
                equations[at] = f"h{k} = {self.hidden}({self.steep} * z{k})"
        if self.penalty:
            data["lam"] = self.penalty
            squares = " + ".join(f"sum({self.w(k)}**2)" for k in range(1, self.depth + 1))
            loss = equations.pop().partition("=")[2]
            equations += [f"D = {loss}", f"R = lam / 2 * ({squares})", "L = D + R"]
        return handgrad.Problem(
            equations, parameters, data, update=handgrad.Update("sgd", self.rate)
        )

    # -- the work --------------------------------------------------------------------------------

    def out(self, layer: int) -> str:
        """What a layer puts out."""
        if layer == 0:
            return "x"
        if layer < self.depth:
            return f"h{layer}"
        return "yhat" if self.output != "identity" else f"z{layer}"

    def over_cases(self, a: Array) -> Array:
        return np.mean(a, axis=-1) if self.cases else a

    def steps(self) -> list[tuple[str, Wrong]]:
        """What is computed, in order, each from the numbers before."""
        depth = self.depth
        todo = [step for k in range(1, depth + 1) for step in self._forward(k)]
        todo.append(("L", lambda s: self.loss_of(s, s[self.out(depth)]) + self.penalised(s)))
        if self.cases:
            todo.append(("J", lambda s: np.asarray(np.mean(s["L"]))))
        top = self.out(depth)
        if self.shortcut:
            todo.append((f"dz{depth}", lambda s: s["yhat"] - s["y"]))
        else:
            todo.append((f"d{top}", lambda s: self.error(s, s[top])))
            if self.output == "softmax":
                todo.append((f"dz{depth}", lambda s: self.through_softmax(s["yhat"], s["dyhat"])))
            elif self.output != "identity":
                todo.append((f"dz{depth}", lambda s: s["dyhat"] * self.slope(s, depth)))
        for k in range(depth, 0, -1):
            todo += self._backward(k)
        for k in range(1, depth + 1):
            todo += [self._updated(p) for p in (self.w(k), f"b{k}")]
        return todo

    def _forward(self, k: int) -> list[tuple[str, Wrong]]:
        z, h, before = f"z{k}", self.out(k), self.out(k - 1)
        todo: list[tuple[str, Wrong]] = [(z, lambda s: self.weighted(s, k, s[before]))]
        name = self.hidden if k < self.depth else self.output
        if name == "softmax":
            todo.append((h, lambda s: self.softmax(s[z])))
        elif name != "identity":
            act, steep = ACTIVATIONS[name][0], self.steep if k < self.depth else 1.0
            todo.append((h, lambda s: act(steep * s[z])))
        return todo

    def _backward(self, k: int) -> list[tuple[str, Wrong]]:
        delta, before = f"dz{k}", self.out(k - 1)
        todo: list[tuple[str, Wrong]] = [
            (f"d{self.w(k)}", lambda s: self.weight_gradient(s, k, before) + self.decay(s, k)),
            (f"db{k}", lambda s: self.over_cases(s[delta])),
        ]
        if k > 1:
            todo.append((f"dh{k - 1}", lambda s: self.back(s, k, s[delta])))
            todo.append((f"dz{k - 1}", lambda s: s[f"dh{k - 1}"] * self.slope(s, k - 1)))
        return todo

    def _updated(self, p: str) -> tuple[str, Wrong]:
        return f"updated.{p}", lambda s: s[p] - self.rate * s[f"d{p}"]

    def penalised(self, s: State) -> Array:
        """The penalty."""
        squares = [np.sum(s[self.w(k)] ** 2) for k in range(1, self.depth + 1)]
        return np.asarray(self.penalty / 2 * sum(squares))

    def decay(self, s: State, k: int) -> Array:
        """The penalty's part of a weight's gradient."""
        return self.penalty * s[self.w(k)]

    @staticmethod
    def through_softmax(p: Array, arriving: Array) -> Array:
        return np.asarray(p * (arriving - np.sum(p * arriving, axis=0)))

    @property
    def shortcut(self) -> bool:
        return (self.output, self.loss) in (("sigmoid", "bce"), ("softmax", "cross_entropy"))

    def weighted(self, s: State, k: int, h: Array) -> Array:
        w, b = s[self.w(k)], s[f"b{k}"]
        return np.asarray(w @ h + (b[:, None] if self.cases and np.ndim(b) else b))

    def softmax(self, z: Array) -> Array:
        e = np.exp(z - z.max(axis=0))
        return np.asarray(e / e.sum(axis=0))

    def loss_of(self, s: State, p: Array) -> Array:
        y = s["y"]
        with np.errstate(all="ignore"):
            if self.loss == "bce":
                terms = np.where(y == 1, -np.log(p), -np.log(1 - p))
                return np.asarray(terms if self.scalar else terms.mean(axis=0))
            if self.loss == "cross_entropy":
                return np.asarray(-np.sum(np.where(y == 0, 0, y * np.log(p)), axis=0))
        squares = (p - y) ** 2
        return squares if self.scalar else np.asarray(squares.mean(axis=0))

    def error(self, s: State, p: Array) -> Array:
        n = 1 if self.scalar else self.sizes[-1]
        if self.loss == "bce":
            return (-s["y"] / p + (1 - s["y"]) / (1 - p)) / n
        return 2 * (p - s["y"]) / n

    def slope(self, s: State, k: int) -> Array:
        if k == self.depth:
            return ACTIVATIONS[self.output][1](s[f"z{k}"], s[self.out(k)])
        return self.steep * ACTIVATIONS[self.hidden][1](self.steep * s[f"z{k}"], s[self.out(k)])

    def weight_gradient(self, s: State, k: int, h: str) -> Array:
        vector = np.ndim(s[self.w(k)]) == 1
        if not self.cases:
            return s[f"dz{k}"] * s[h] if vector else np.outer(s[f"dz{k}"], s[h])
        delta, value = s[f"dz{k}"], s[h]
        return (value @ delta if vector else delta @ value.T) / self.cases

    def back(self, s: State, k: int, delta: Array) -> Array:
        w = s[self.w(k)]
        if np.ndim(w) == 2:
            return w.T @ delta
        return np.outer(w, delta) if self.cases else w * delta

    def work(
        self,
        values: State,
        show: Show,
        carry: str = "exact",
        wrong: dict[str, Wrong] | None = None,
        miswritten: dict[str, Callable[[Any], Any]] | None = None,
        copied: bool = True,
        until: str = "",
    ) -> dict[str, Any]:
        """Everything the student writes down.

        `carry` is "exact" or "shown": the numbers as they are, or the figures shown, go on to the
        next step. `wrong` computes a quantity otherwise; `miswritten` changes its figures, which
        are carried then where `copied`. What has the wrong shape cannot be carried: the right
        numbers are. `until` stops after a quantity.
        """
        state = dict(values)
        written: dict[str, Any] = {}
        for name, right in self.steps():
            with np.errstate(all="ignore"):
                value = np.asarray((wrong or {}).get(name, right)(state), dtype=float)
            if not np.isfinite(value).all():
                raise UndefinedError(name)
            figures = texts(value, show)
            if miswritten and name in miswritten:
                figures = miswritten[name](figures)
                if copied:
                    value = numbers(figures)
            written[name] = figures
            if name == until:
                break
            goes_on = np.asarray(right(state), dtype=float)
            if goes_on.shape == value.shape:
                goes_on = numbers(figures) if carry == "shown" else value
            state[name] = goes_on
        return written


def networks() -> list[Network]:
    """The structures that the sweeps draw from."""
    made = []
    for hidden in ("relu", "tanh", "sigmoid", "leaky_relu"):
        for sizes in ((2, 2, 1), (2, 3, 1), (2, 2, 2, 1), (3, 3, 3, 1), (2, 3, 3, 2, 1)):
            made.append(Network(sizes, hidden, "sigmoid", "bce"))
        for sizes in ((2, 2, 2), (3, 3, 3, 3), (2, 4, 3)):
            made.append(Network(sizes, hidden, "softmax", "cross_entropy"))
        for sizes in ((2, 2, 2, 1), (2, 3, 3, 2), (2, 2, 3)):
            made.append(Network(sizes, hidden, "identity", "mse"))
        made.append(Network((2, 2, 2, 1), hidden, "sigmoid", "mse"))
    for cases in (3, 4):
        made.append(Network((2, 3, 1), "relu", "sigmoid", "bce", cases))
        made.append(Network((2, 3, 3, 1), "tanh", "sigmoid", "bce", cases))
        made.append(Network((2, 3, 2), "relu", "softmax", "cross_entropy", cases))
        made.append(Network((3, 2, 2), "relu", "identity", "mse", cases))
    return made


def networks_of_new_rules() -> list[Network]:
    """Structures with what the later rules are about: penalties, softmax without its shortcut, steep activations."""
    made = []
    for hidden in ("relu", "tanh"):
        for sizes in ((2, 3, 2), (3, 3, 3), (2, 2, 3)):
            made.append(Network(sizes, hidden, "softmax", "mse"))
            made.append(Network(sizes, hidden, "softmax", "cross_entropy"))
        made.append(Network((2, 3, 1), hidden, "sigmoid", "bce", penalty=0.1))
        made.append(Network((2, 2, 2, 1), hidden, "sigmoid", "bce", penalty=0.1))
        made.append(Network((3, 2, 2), hidden, "identity", "mse", penalty=0.3))
        made.append(Network((2, 3, 2), hidden, "softmax", "cross_entropy", 3, penalty=0.2))
        made.append(Network((2, 3, 3), hidden, "softmax", "cross_entropy", 4))
    for steep in (0.5, 2.0, 3.0):
        for hidden in ("tanh", "sigmoid"):
            made.append(Network((2, 3, 1), hidden, "sigmoid", "bce", steep=steep))
            made.append(Network((2, 2, 2), hidden, "identity", "mse", steep=steep))
    return made
