"""The rules of update: each as formulas in the parameter, its gradient and what it remembers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handgrad.expression import Adjoint, Expression
from handgrad.operations.functions import sign, sqrt
from handgrad.record import record
from handgrad.updates.lines import Terms, UpdateLine


@record
class UpdateRule:
    """One rule.

    Arguments:
        name: its name in a problem file.
        noun: what it is called in a sentence.
        words: what it does, with its settings in braces.
        options: its settings beside the rate, with their defaults.
        lines: its formulas for one parameter.
        adds_up: whether its step is the rate times gradients added up.
    """

    name: str
    noun: str
    words: str
    options: Mapping[str, float]
    lines: Callable[[Terms], list[UpdateLine]]
    adds_up: bool = False


def _given(terms: Terms, *, decayed: bool = True) -> tuple[list[UpdateLine], Expression]:
    """The gradient that a rule works with: clipped, and with the share of the weights that decay adds to it."""
    taken = terms.gradient
    if decayed and terms.settings.get("weight_decay"):
        taken = taken + terms["weight_decay"] * terms.parameter
    if isinstance(taken, Adjoint):
        return [], taken
    g = terms.own("g")
    return [UpdateLine(g, taken, "let")], g


def _kept(terms: Terms) -> Expression:
    """What decay beside the gradient leaves of the weights."""
    if not terms.settings.get("weight_decay"):
        return terms.parameter
    return terms.parameter - terms.rate * terms["weight_decay"] * terms.parameter


def _moved(terms: Terms, by: Expression) -> UpdateLine:
    return UpdateLine(terms.parameter, terms.parameter - by, "updated")


def _sgd(terms: Terms) -> list[UpdateLine]:
    lines, g = _given(terms)
    return [*lines, _moved(terms, terms.rate * g)]


def _momentum(terms: Terms) -> list[UpdateLine]:
    lines, g = _given(terms)
    v = terms.own("v")
    return [
        *lines,
        UpdateLine(v, terms["momentum"] * v + g, "memory"),
        _moved(terms, terms.rate * v),
    ]


def _nesterov(terms: Terms) -> list[UpdateLine]:
    lines, g = _given(terms)
    v, u, mu = terms.own("v"), terms.own("u"), terms["momentum"]
    return [
        *lines,
        UpdateLine(v, mu * v + g, "memory"),
        UpdateLine(u, g + mu * v, "let"),
        _moved(terms, terms.rate * u),
    ]


def _adagrad(terms: Terms) -> list[UpdateLine]:
    lines, g = _given(terms)
    s, rate = terms.own("s"), terms.rate
    if terms.settings.get("rate_decay"):
        rate = terms.own("r")
        slower = terms.rate / (1 + (terms["step"] - 1) * terms["rate_decay"])
        lines = [*lines, UpdateLine(rate, slower, "let")]
    return [
        *lines,
        UpdateLine(s, s + g**2, "memory"),
        _moved(terms, rate * g / (sqrt(s) + terms["epsilon"])),
    ]


def _adadelta(terms: Terms) -> list[UpdateLine]:
    lines, g = _given(terms)
    v, u, d = terms.own("v"), terms.own("u"), terms.own("d")
    rho, epsilon = terms["decay"], terms["epsilon"]
    return [
        *lines,
        UpdateLine(v, rho * v + (1 - rho) * g**2, "memory"),
        UpdateLine(d, sqrt(u + epsilon) / sqrt(v + epsilon) * g, "let"),
        UpdateLine(u, rho * u + (1 - rho) * d**2, "memory"),
        _moved(terms, terms.rate * d),
    ]


def _rmsprop(terms: Terms) -> list[UpdateLine]:
    lines, g = _given(terms)
    v, rho = terms.own("v"), terms["decay"]
    return [
        *lines,
        UpdateLine(v, rho * v + (1 - rho) * g**2, "memory"),
        _moved(terms, terms.rate * g / (sqrt(v) + terms["epsilon"])),
    ]


def _moments(terms: Terms, g: Expression) -> tuple[list[UpdateLine], Expression]:
    """Adam's two running means, corrected for their start at 0, and the step they give."""
    m, v, beta1, beta2, t = (
        terms.own("m"),
        terms.own("v"),
        terms["beta1"],
        terms["beta2"],
        terms["step"],
    )
    corrected_m, corrected_v = terms.own("mhat"), terms.own("vhat")
    lines = [
        UpdateLine(m, beta1 * m + (1 - beta1) * g, "memory"),
        UpdateLine(v, beta2 * v + (1 - beta2) * g**2, "memory"),
        UpdateLine(corrected_m, m / (1 - beta1**t), "let"),
        UpdateLine(corrected_v, v / (1 - beta2**t), "let"),
    ]
    return lines, terms.rate * corrected_m / (sqrt(corrected_v) + terms["epsilon"])


def _adam(terms: Terms) -> list[UpdateLine]:
    lines, g = _given(terms)
    moments, by = _moments(terms, g)
    return [*lines, *moments, _moved(terms, by)]


def _adamw(terms: Terms) -> list[UpdateLine]:
    lines, g = _given(terms, decayed=False)
    moments, by = _moments(terms, g)
    return [*lines, *moments, UpdateLine(terms.parameter, _kept(terms) - by, "updated")]


def _lion(terms: Terms) -> list[UpdateLine]:
    lines, g = _given(terms, decayed=False)
    m, c, beta1, beta2 = terms.own("m"), terms.own("c"), terms["beta1"], terms["beta2"]
    return [
        *lines,
        UpdateLine(c, beta1 * m + (1 - beta1) * g, "let"),
        UpdateLine(m, beta2 * m + (1 - beta2) * g, "memory"),
        UpdateLine(terms.parameter, _kept(terms) - terms.rate * sign(c), "updated"),
    ]


_MOMENTS = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}

RULES: dict[str, UpdateRule] = {
    rule.name: rule
    for rule in (
        UpdateRule(
            "sgd",
            "gradient descent",
            "Stochastic gradient descent: step against the gradient.",
            {"weight_decay": 0.0},
            _sgd,
            adds_up=True,
        ),
        UpdateRule(
            "momentum",
            "gradient descent with momentum",
            "Momentum: earlier steps fade by the factor {momentum} and add up, so that steady directions gain speed.",
            {"momentum": 0.9, "weight_decay": 0.0},
            _momentum,
            adds_up=True,
        ),
        UpdateRule(
            "nesterov",
            "gradient descent with Nesterov's momentum",
            "Nesterov's momentum: the velocity is that of momentum, and the step u looks ahead: it is the gradient plus {momentum} times the new velocity.",
            {"momentum": 0.9, "weight_decay": 0.0},
            _nesterov,
            adds_up=True,
        ),
        UpdateRule(
            "adagrad",
            "Adagrad",
            "Adagrad: divide the gradient by the root of the sum of all its squares so far, so that weights with large gradients slow down.",
            {"epsilon": 1e-10, "rate_decay": 0.0, "weight_decay": 0.0},
            _adagrad,
        ),
        UpdateRule(
            "rmsprop",
            "RMSProp",
            "RMSProp: divide the gradient by the root of a running mean of its squares, so that every weight moves at its own pace.",
            {"decay": 0.99, "epsilon": 1e-8, "weight_decay": 0.0},
            _rmsprop,
        ),
        UpdateRule(
            "adadelta",
            "Adadelta",
            "Adadelta: v is a running mean of the gradient's squares, u one of the squares of the earlier steps d; the quotient of their roots scales the gradient.",
            {"decay": 0.9, "epsilon": 1e-6, "weight_decay": 0.0},
            _adadelta,
        ),
        UpdateRule(
            "adam",
            "Adam",
            "Adam: divide a running mean of the gradients by the root of a running mean of their squares, both corrected for having started at 0.",
            {**_MOMENTS, "weight_decay": 0.0},
            _adam,
        ),
        UpdateRule(
            "adamw",
            "AdamW",
            "AdamW: Adam's step, and in addition every weight shrinks by a fraction of itself.",
            {**_MOMENTS, "weight_decay": 0.01},
            _adamw,
        ),
        UpdateRule(
            "lion",
            "Lion",
            "Lion: c is a weighted mean of the gradient and the memory m, and only its sign counts, so that every weight moves by the rate or not at all.",
            {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0},
            _lion,
        ),
    )
}
"""Sources: Polyak (1964) for momentum, without dampening; Nesterov (1983), as Sutskever et al. (2013) rewrite it;
Duchi, Hazan and Singer (2011) for Adagrad; Tieleman and Hinton (2012) for RMSProp; Zeiler (2012) for Adadelta; Kingma
and Ba (2015) for Adam; Loshchilov and Hutter (2019) for AdamW; Chen et al. (2023) for Lion. Defaults are PyTorch's, but
that the rate is 0.1 for all; Lion's are its paper's, without weight decay."""
