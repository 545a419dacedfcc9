"""Models of scikit-learn as problems: loss and gradients are those of scikit-learn's own code."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn._loss import HalfBinomialLoss, HalfMultinomialLoss
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.linear_model._linear_loss import LinearModelLoss
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import handgrad
from tests.oracle import assert_close

Array = NDArray[Any]

DRAW = np.random.default_rng(5)
ROWS = 14
X = DRAW.normal(size=(ROWS, 3))
TWO = np.where(X[:, 0] + DRAW.normal(size=ROWS) > 0, "yes", "no")
THREE = DRAW.permutation(np.arange(ROWS) % 3) + 5
LABELS = DRAW.integers(0, 2, (ROWS, 3))
VALUE = X @ [1, 2, -1] + DRAW.normal(size=ROWS)
VALUES = np.stack([VALUE, -(VALUE**2)], axis=1)
COUNTS = DRAW.poisson(2, ROWS)


def fitted(model: Any, y: Array) -> Any:
    """The model after a few steps, or many: convergence is not what is asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def network(kind: type[Any], **settings: Any) -> Any:
    return kind(**{"hidden_layer_sizes": (4,), "max_iter": 20, "random_state": 0, **settings})


NETWORKS = {
    "two classes": (network(MLPClassifier, alpha=0.1), TWO),
    "three classes": (network(MLPClassifier, activation="tanh"), THREE),
    "two hidden layers": (network(MLPClassifier, activation="logistic", hidden_layer_sizes=(4, 3)), THREE),
    "several labels": (network(MLPClassifier, alpha=0.5), LABELS),
    "no penalty": (network(MLPClassifier, alpha=0), THREE),
    "a value": (network(MLPRegressor, alpha=0.2), VALUE),
    "several values": (network(MLPRegressor, activation="identity"), VALUES),
    "counts": (network(MLPRegressor, loss="poisson"), COUNTS),
}  # fmt: skip


def own_gradients(model: Any, y: Array) -> tuple[float, list[Array], list[Array]]:
    """What scikit-learn's own backward pass gives on the whole data."""
    y = model._label_binarizer.transform(y) if hasattr(model, "_label_binarizer") else y
    y = np.asarray(y, dtype=float).reshape(ROWS, -1)
    layers = len(model.coefs_)
    activations: list[Any] = [X, *[None] * layers]
    found = model._backprop(
        X,
        y,
        None,
        activations,
        [None] * layers,
        [np.empty_like(c) for c in model.coefs_],
        [np.empty_like(b) for b in model.intercepts_],
    )
    loss, weights, biases = found
    return float(loss), list(weights), list(biases)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_the_gradients_of_its_backward_pass(name: str) -> None:
    model, y = NETWORKS[name]
    fitted(model, y)
    problem = handgrad.from_sklearn(model, X, y)
    trace = handgrad.solve(problem)
    loss, weights, biases = own_gradients(model, y)
    if name == "several values":
        # scikit-learn reports the mean over the outputs, and follows the gradient of their sum.
        assert "divides the squared error by the 2 outputs" in problem.description
        penalty = float(trace.value("R"))
        loss = penalty + 2 * (loss - penalty)
    assert_close(np.asarray(trace.loss), np.asarray(loss))
    for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
        assert_close(trace.gradient(f"coefs_[{k}]"), w)
        assert_close(trace.gradient(f"intercepts_[{k}]"), b)
    outputs = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
    mine = trace.value("yhat" if "yhat" in trace.values else f"z{len(weights)}")
    # Of two classes scikit-learn gives both probabilities.
    theirs = outputs.reshape(ROWS, -1)[:, -mine.shape[1] :]
    assert_close(mine, theirs)


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (LogisticRegression(C=0.5), TWO),
        (LogisticRegression(), THREE),
        (LogisticRegression(C=np.inf), THREE),
        (LogisticRegression(fit_intercept=False), TWO),
    ],
)
def test_logistic_regression_has_the_gradients_of_its_loss(model: Any, y: Array) -> None:
    model.set_params(max_iter=3)
    fitted(model, y)
    trace = handgrad.solve(handgrad.from_sklearn(model, X, y))
    binary = len(model.classes_) == 2
    base = HalfBinomialLoss() if binary else HalfMultinomialLoss(n_classes=len(model.classes_))
    own = LinearModelLoss(base, fit_intercept=model.fit_intercept)
    coef = np.c_[model.coef_, model.intercept_] if model.fit_intercept else model.coef_
    loss, gradient = own.loss_gradient(
        coef[0] if binary else np.asfortranarray(coef),
        X,
        np.searchsorted(model.classes_, y).astype(float),
        l2_reg_strength=0.0 if np.isinf(model.C) else 1 / (model.C * ROWS),
    )
    assert_close(np.asarray(trace.loss), np.asarray(loss))
    mine = trace.gradient("coef_")
    if model.fit_intercept:
        mine = np.c_[mine, trace.gradient("intercept_")]
    assert_close(mine, np.reshape(gradient, mine.shape))


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (LogisticRegression(class_weight="balanced"), TWO),
        (LogisticRegression(class_weight={5: 2.0, 6: 1.0, 7: 0.5}), THREE),
        (LogisticRegression(solver="liblinear", intercept_scaling=2.0), TWO),
        (Ridge(2.0), VALUE),
        (Ridge([1.0, 2.0]), VALUES),
        (Ridge(0.5, fit_intercept=False), VALUES),
        (LinearRegression(), VALUE),
    ],
)
def test_at_its_best_the_gradient_is_zero(model: Any, y: Array) -> None:
    """What scikit-learn minimises has no slope at what it found, which the wrong objective has."""
    if isinstance(model, LogisticRegression):
        model.set_params(tol=1e-10, max_iter=10_000)
    model.fit(X, y)
    problem = handgrad.from_sklearn(model, X, y)
    trace = handgrad.solve(problem)
    for name in problem.parameters:
        assert np.abs(trace.gradient(name)).max() < 1e-7
    moved = {name: given.array + 0.1 for name, given in problem.parameters.items()}
    there = handgrad.solve(problem.with_values(moved))
    assert there.run.loss > trace.run.loss


def test_lasso_s_share_moves_along_the_kinks() -> None:
    """With the share of ‖w‖₁ the gradient is 0 where a weight is not; saga comes near it."""
    model = LogisticRegression(solver="saga", l1_ratio=0.3, tol=1e-10, max_iter=20_000).fit(X, TWO)
    problem = handgrad.from_sklearn(model, X, TWO)
    assert "0.3 * sum(abs(W))" in problem.equations[-2].text
    gradient = handgrad.solve(problem).gradient("coef_")
    assert np.abs(gradient[model.coef_ != 0]).max() < 1e-6


def test_a_pipeline_begins_with_its_scaler() -> None:
    for scaler in (StandardScaler(), MinMaxScaler(), StandardScaler(with_mean=False)):
        model = fitted(make_pipeline(scaler, network(MLPClassifier)), THREE)
        trace = handgrad.solve(handgrad.from_sklearn(model, X, THREE))
        assert_close(trace.value("yhat"), model.predict_proba(X))
        inner = handgrad.solve(handgrad.from_sklearn(model[-1], model[:-1].transform(X), THREE))
        assert_close(trace.gradient("coefs_[0]"), inner.gradient("coefs_[0]"))


def test_names_are_a_person_s_and_paths_scikit_learn_s() -> None:
    model = fitted(network(MLPClassifier), TWO)
    problem = handgrad.from_sklearn(model, X, TWO)
    assert [e.text for e in problem.equations][:3] == [
        "z1 = X @ W1 + b1",
        "h1 = relu(z1)",
        "z2 = h1 @ W2 + b2",
    ]
    text = handgrad.render(handgrad.solve(problem).page())
    assert "W⁽¹⁾" in text
    one = handgrad.why(problem, "dcoefs_[1][2,0]").value
    assert_close(one, handgrad.solve(problem).gradients["W2"][2, 0])


@pytest.mark.parametrize(
    ("model", "x", "y", "said"),
    [
        (MLPClassifier(), X, TWO, "the MLPClassifier is not fitted"),
        (Lasso().fit(X, VALUE), X, VALUE, "Lasso is not read"),
        (3, X, VALUE, "is no model of scikit-learn"),
        (Ridge().fit(X, VALUE), X[:, :2], VALUE, "rows of 3 features"),
        (Ridge().fit(X, VALUE), X, VALUE[:4], "x has 14 rows"),
        (Ridge().fit(X, VALUE), X * np.nan, VALUE, "a NaN or an infinity"),
        (LogisticRegression().fit(X, TWO), X, THREE, "the model's classes are no, yes"),
        (LogisticRegression().fit(X, TWO), X, TWO[:3], "a label for each row"),
        (make_pipeline(Lasso(), Ridge()), X, VALUE, "the Ridge is not fitted"),
        (LogisticRegression().fit(X, TWO), [["a"]], TWO, "no real numbers"),
    ],
)
def test_what_does_not_fit_is_one_message(model: Any, x: Any, y: Any, said: str) -> None:
    with pytest.raises(handgrad.HandgradError, match=said):
        handgrad.from_sklearn(model, x, y)


def test_a_step_that_is_not_read_is_named() -> None:
    from sklearn.decomposition import PCA

    model = make_pipeline(PCA(2), Ridge()).fit(X, VALUE)
    with pytest.raises(handgrad.ProblemError, match="the step pca, a PCA, is not read"):
        handgrad.from_sklearn(model, X, VALUE)
