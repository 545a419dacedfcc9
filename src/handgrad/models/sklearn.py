"""Fitted models of scikit-learn as problems: their weights, their data, and the objective that they were fitted to.

Weights lie as scikit-learn has them: those of a network are (inputs, outputs), as in X @ W + b; `coef_` of a linear
model has a row for each output. The objectives are those of scikit-learn 1.9's own code: `_backprop` in
`sklearn/neural_network/_multilayer_perceptron.py`, `LinearModelLoss` in `sklearn/linear_model/_linear_loss.py`, and the
documentation of `Ridge`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.arrays import Numbers
from handgrad.errors import MissingExtraError, OptionError, ProblemError
from handgrad.expression import Expression, Literal, Name
from handgrad.models.builder import Builder
from handgrad.models.inputs import array_of
from handgrad.operations.activations import relu, sigmoid, softplus, tanh
from handgrad.operations.exponentials import logsumexp, softmax
from handgrad.operations.functions import absolute, exp
from handgrad.operations.losses import bce, cross_entropy, mse
from handgrad.operations.operation import Operation
from handgrad.operations.reductions import sum_
from handgrad.operations.structure import transpose
from handgrad.problem import Problem

Array = NDArray[np.float64]

READ = ("MLPClassifier", "MLPRegressor", "LogisticRegression", "Ridge", "LinearRegression")
"""The models that are read, alone or as the last step of a pipeline."""

ACTIVATIONS: dict[str, Operation | None] = {
    "identity": None,
    "logistic": sigmoid,
    tanh.name: tanh,
    relu.name: relu,
    softmax.name: softmax,
    exp.name: exp,
}
"""By scikit-learn's names; None for the identity."""


def from_sklearn(model: object, x: Numbers, y: Numbers) -> Problem:
    """The problem of a fitted model of scikit-learn: the objective of its training, at the weights that it has.

    Its loss is the mean over the rows of the log loss, of half the squared error (`MLPRegressor`) or of the Poisson
    loss, plus the penalty: ½ α Σ‖W‖² / n of a network's weights, ½‖w‖² / (C n) of `LogisticRegression`'s, with its own
    share of ‖w‖₁. `Ridge` has sums, Σ(y − ŷ)² + α‖w‖². Biases are free, but for the solver liblinear's.

    Arguments:
        model: an MLPClassifier, MLPRegressor, LogisticRegression, Ridge or LinearRegression, or a pipeline that ends
            with one, after a StandardScaler or a MinMaxScaler.
        x: the examples, a row each.
        y: their labels or values.

    Raises `ProblemError` for another model, or one that is not fitted; `OptionError` and `NumberError` for data that do
    not fit; `MissingExtraError` without scikit-learn.

    `coefs_[0]` and `intercepts_[0]`, W1 and b1 in equations, are taken for names.

        >>> from sklearn.linear_model import Ridge
        >>> x, y = [[1.0], [2.0], [4.0]], [1.0, 3.0, 2.0]
        >>> [e.text for e in handgrad.from_sklearn(Ridge().fit(x, y), x, y).equations]
        ['z = X @ w + b', 'E = sum((z - y)**2)', 'R = alpha * sum(w**2)', 'L = E + R']
    """
    try:
        import sklearn.base
    except ImportError:
        raise MissingExtraError(
            "models of scikit-learn need scikit-learn", mend="pip install 'handgrad[sklearn]'"
        ) from None
    if not isinstance(model, sklearn.base.BaseEstimator):
        raise ProblemError(
            f"a {type(model).__name__} is no model of scikit-learn",
            mend=f"read are {_listed(READ)}",
        )
    steps, last = _steps(model)
    kind = next((c.__name__ for c in type(last).__mro__ if c.__name__ in READ), "")
    if not kind:
        raise ProblemError(f"{type(last).__name__} is not read", mend=f"read are {_listed(READ)}")
    if not hasattr(last, "n_features_in_"):
        raise ProblemError(f"the {kind} is not fitted", mend="call its fit first")
    examples = _matrix(x, steps[0][1] if steps else last)
    builder = Builder("scikit-learn", f"A fitted {kind}")
    rows = _scaled(builder, builder.data("X", examples), steps)
    reading = _Reading(builder, last, rows, len(examples), y)
    readers: dict[str, Callable[[], Name]] = {
        "MLPClassifier": reading.network,
        "MLPRegressor": reading.network,
        "LogisticRegression": reading.logistic,
        "Ridge": reading.squares,
        "LinearRegression": reading.squares,
    }
    return builder.problem(readers[kind](), description=reading.description)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _steps(model: Any) -> tuple[list[tuple[str, Any]], Any]:
    """The steps before the last of a pipeline, and the last."""
    if not hasattr(model, "steps"):
        return [], model
    *before, (_, last) = model.steps
    return [(name, step) for name, step in before if step not in (None, "passthrough")], last


def _matrix(x: Any, model: Any) -> Array:
    """The examples as a matrix with as many columns as the model was fitted to."""
    if hasattr(x, "toarray"):
        x = x.toarray()
    examples = array_of(x, "x").astype(np.float64)
    wanted = getattr(model, "n_features_in_", None)
    if examples.ndim != 2 or (wanted is not None and examples.shape[1] != wanted):
        told = "×".join(map(str, examples.shape)) or "a number"
        raise OptionError(f"x is {told}, and the model takes rows of {wanted} features", where="x")
    return examples


def _scaled(builder: Builder, rows: Name, steps: list[tuple[str, Any]]) -> Name:
    """The rows after the scalers of a pipeline."""
    for name, step in steps:
        kind = type(step).__name__
        if not hasattr(step, "n_features_in_"):
            raise ProblemError(
                f"the step {name}, a {kind}, is not fitted", mend="call the pipeline's fit first"
            )
        formula: Expression = rows
        if kind == "StandardScaler":
            if step.mean_ is not None and step.with_mean:
                formula = formula - builder.data(f"{name}.mean_", step.mean_)
            if step.scale_ is not None:
                formula = formula / builder.data(f"{name}.scale_", step.scale_)
        elif kind == "MinMaxScaler" and not step.clip:
            formula = formula * builder.data(f"{name}.scale_", step.scale_) + builder.data(
                f"{name}.min_", step.min_
            )
        else:
            raise ProblemError(
                f"the step {name}, a {kind}, is not read",
                mend="StandardScaler and MinMaxScaler are; transform x beforehand and give the last step alone",
            )
        rows = builder.named(f"{name}.out", formula)
    return rows


@dataclass
class _Reading:
    """Writes one model's equations: its outputs, its loss and its penalty."""

    builder: Builder
    model: Any
    rows: Name
    count: int
    y: Any
    description: str = ""

    # -- networks --------------------------------------------------------------------------------

    def network(self) -> Name:
        """MLPClassifier and MLPRegressor."""
        model, builder = self.model, self.builder
        h, weights = self.rows, []
        layers = len(model.coefs_)
        for k, (coef, intercept) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
            w = builder.parameter(f"coefs_[{k}]", coef, name=f"W{k + 1}")
            b = builder.parameter(f"intercepts_[{k}]", intercept, name=f"b{k + 1}")
            weights.append(w)
            z = builder.equation(f"z{k + 1}", h @ w + b)
            activation = ACTIVATIONS[model.activation if k < layers - 1 else model.out_activation_]
            own = f"h{k + 1}" if k < layers - 1 else "yhat"
            h = z if activation is None else builder.equation(own, activation(z))
        outputs = builder.shape(h)[1]
        if hasattr(model, "classes_"):
            fit = self._log_loss(h, outputs)
        elif model.loss == "poisson":
            fit = self._poisson(h, z)
        else:
            fit = self._half_squares(h, outputs)
        return self._total(fit, self._squares_of(weights, float(model.alpha), 2.0 * self.count))

    def _log_loss(self, h: Name, outputs: int) -> Expression:
        if self.model.out_activation_ == softmax.name:
            return cross_entropy(h, self.builder.data("y", self._classes()))
        if outputs == 1:
            return bce(h, self.builder.data("y", self._classes()[:, None]))
        labels = array_of(self.y, "y").astype(np.float64)
        if labels.shape != (self.count, outputs) or not np.isin(labels, (0, 1)).all():
            raise OptionError(
                f"y holds no {self.count} rows of {outputs} labels, 0 or 1", where="y"
            )
        return float(outputs) * bce(h, self.builder.data("y", labels))

    def _half_squares(self, h: Name, outputs: int) -> Expression:
        """Half the squared error, summed over the outputs of a row: what the gradients are those of."""
        if outputs > 1:
            self.description = (
                f"With {outputs} outputs scikit-learn follows the gradient of this loss, half the squared error of a row; "
                f"the loss_ that it reports divides the squared error by the {outputs} outputs as well."
            )
        return 0.5 * outputs * mse(h, self.builder.data("y", self._values(outputs)))

    def _poisson(self, h: Name, z: Name) -> Expression:
        """Half the Poisson deviance, Σ y ln(y/ŷ) − y + ŷ, in the exponent z of ŷ."""
        y = self._values(self.builder.shape(h)[1])
        if (y < 0).any():
            raise OptionError(
                "a count is negative", where="y", mend="the Poisson loss takes counts"
            )
        least = float(
            (np.where(y > 0, y * np.log(np.where(y > 0, y, 1)), 0) - y).sum() / self.count
        )
        given = self.builder.data("y", y)
        return sum_(h - given * z) / float(self.count) + Literal(least)

    # -- linear models ---------------------------------------------------------------------------

    def _linear(self) -> tuple[Name, Name, Name | None]:
        """X @ Wᵀ + b, the weights and the bias, as `coef_` and `intercept_` have them."""
        model, builder = self.model, self.builder
        coef = np.asarray(model.coef_, dtype=np.float64)
        w = builder.parameter("coef_", coef, name="W" if coef.ndim == 2 else "w")
        score: Expression = self.rows @ (transpose(w) if coef.ndim == 2 else w)
        bias = None
        if model.fit_intercept:
            bias = builder.parameter("intercept_", model.intercept_, name="b")
            score = score + bias
        return builder.equation("z", score), w, bias

    def logistic(self) -> Name:
        """LogisticRegression: the mean log loss over the rows and the penalty, as its solvers have them."""
        model, builder = self.model, self.builder
        z, w, bias = self._linear()
        classes = self._classes()
        binary = len(model.classes_) == 2
        weights = self._class_weights(classes)
        total = float(self.count if weights is None else weights.sum())
        if weights is None:
            yhat = builder.equation("yhat", (sigmoid if binary else softmax)(z))
            y = builder.data("y", classes[:, None] if binary else classes)
            fit = (bce if binary else cross_entropy)(yhat, y)
        else:
            s = builder.data("s", weights[:, None] if binary else weights)
            if binary:
                rows = softplus(z) - builder.data("y", classes[:, None]) * z
            else:
                y = builder.data("Y", np.eye(len(model.classes_))[classes.astype(int)])
                rows = logsumexp(z, axis=1) - sum_(y * z, axis=1)
            fit = sum_(s * rows) / total
        strength, share = self._penalty()
        if not strength:
            return self._total(fit, None)
        penalty: Expression | None = None
        if share < 1:
            penalty = (
                (1 - share) / 2 * self._sum_of_squares(w)
                if share
                else 0.5 * self._sum_of_squares(w)
            )
        if share > 0:
            one = share * sum_(absolute(w)) if share < 1 else sum_(absolute(w))
            penalty = one if penalty is None else penalty + one
        assert penalty is not None
        if model.solver == "liblinear" and bias is not None:
            penalty = penalty + 0.5 * sum_((bias / float(model.intercept_scaling)) ** 2)
        inverse = builder.data("C", 1 / strength)
        return self._total(fit, penalty / (inverse * total))

    def _penalty(self) -> tuple[float, float]:
        """1/C, 0 where nothing is penalised; and the share of ‖w‖₁ in the penalty."""
        penalty, share = getattr(self.model, "penalty", "deprecated"), self.model.l1_ratio or 0.0
        strength = 1 / float(self.model.C)
        match penalty:
            case None:
                return 0.0, 0.0
            case "l2":
                return strength, 0.0
            case "l1":
                return strength, 1.0
            case _:
                return strength, float(share)

    def _class_weights(self, classes: Array) -> Array | None:
        """A weight for each row by its class."""
        given = self.model.class_weight
        if given is None:
            return None
        labels = self.model.classes_[classes.astype(int)]
        from sklearn.utils.class_weight import compute_sample_weight

        return np.asarray(compute_sample_weight(given, labels), dtype=np.float64)

    def squares(self) -> Name:
        """Ridge and LinearRegression: sums of squares."""
        z, w, _ = self._linear()
        shape = self.builder.shape(z)
        y = self.builder.data(
            "y", self._values(shape[1]) if len(shape) == 2 else self._values(1)[:, 0]
        )
        fit = sum_((z - y) ** 2)
        alpha = np.asarray(getattr(self.model, "alpha", 0.0), dtype=np.float64)
        if not alpha.any():
            return self._total(fit, None)
        strength = self.builder.data("alpha", alpha.reshape(()) if alpha.size == 1 else alpha)
        if alpha.size == 1:
            return self._total(fit, strength * self._sum_of_squares(w))
        return self._total(fit, sum_(strength * sum_(w**2, axis=1)))

    # -- parts -----------------------------------------------------------------------------------

    def _total(self, fit: Expression, penalty: Expression | None) -> Name:
        """The loss: how well the model fits, and its penalty."""
        if penalty is None:
            return self.builder.equation("L", fit)
        e = self.builder.equation("E", fit)
        return self.builder.equation("L", e + self.builder.equation("R", penalty))

    def _squares_of(self, weights: Sequence[Name], alpha: float, over: float) -> Expression | None:
        """α Σ‖W‖² over a number; None where α is 0."""
        if not alpha:
            return None
        total = self._sum_of_squares(*weights)
        return self.builder.data("alpha", alpha) * total / over

    def _sum_of_squares(self, *weights: Name) -> Expression:
        first, *others = weights
        total: Expression = sum_(first**2)
        for w in others:
            total = total + sum_(w**2)
        return total

    def _classes(self) -> Array:
        """The labels as numbers of the model's classes."""
        labels = np.asarray(self.y)
        if labels.shape == (self.count, 1):
            labels = labels[:, 0]
        if labels.shape != (self.count,):
            raise OptionError(
                f"x has {self.count} rows, and y has the shape {labels.shape}",
                where="y",
                mend="a label for each row",
            )
        known = [*self.model.classes_]
        places = {label: place for place, label in enumerate(known)}
        unknown = [label for label in labels.tolist() if label not in places]
        if unknown:
            raise OptionError(
                f"y has the label {unknown[0]!r}",
                where="y",
                mend=f"the model's classes are {', '.join(map(str, known[:8]))}",
            )
        return np.array([places[label] for label in labels.tolist()], dtype=np.float64)

    def _values(self, outputs: int) -> Array:
        """The values as a matrix, a row for each example."""
        values = array_of(self.y, "y").astype(np.float64)
        if values.ndim == 1:
            values = values[:, None]
        if values.shape != (self.count, outputs):
            raise OptionError(
                f"x has {self.count} rows and the model {outputs} outputs, and y has the shape {np.shape(self.y)}",
                where="y",
            )
        return values
