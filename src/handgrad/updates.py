"""How parameters are updated: each rule as formulas in the parameter, its gradient and what it remembers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import field
from typing import Literal, SupportsFloat, TypeAlias

from handgrad.errors import ProblemError, nearest
from handgrad.expression import Adjoint, Expression, Name
from handgrad.operations.functions import sqrt
from handgrad.record import record

Assignment: TypeAlias = Literal["memory", "let", "updated"]


@record
class UpdateLine:
    """One formula of an update.

    `assigns` says what becomes of it: a "memory" is kept for the next step, a "let" is used
    below, "updated" is the parameter's new value. On its right side a name is the value before
    the line, and a memory starts at 0.
    """

    target: Name
    formula: Expression
    assigns: Assignment


@record
class Terms:
    """What an update's formulas are made of: the parameter, its gradient, and the settings' names and numbers."""

    parameter: Name
    gradient: Adjoint
    named: Mapping[str, Name]
    settings: Mapping[str, float]

    def __getitem__(self, key: str) -> Name:
        return self.named[key]

    def own(self, letter: str) -> Name:
        """A name of this parameter's own, such as m of W1."""
        return Name(f"{letter}_{self.parameter.name}")


@record
class UpdateRule:
    """One rule.

    Arguments:
        name: its name in a problem file.
        noun: what it is called in a sentence.
        words: what it does.
        options: its settings beside the rate, with their defaults.
        lines: its formulas for one parameter.
    """

    name: str
    noun: str
    words: str
    options: Mapping[str, float]
    lines: Callable[[Terms], list[UpdateLine]]


@record
class Setting:
    """A setting of update rules: its letter in formulas, and what its value follows in a sentence."""

    letter: str
    text: str


SETTINGS: Mapping[str, Setting] = {
    "rate": Setting("eta", "the learning rate η is"),
    "weight_decay": Setting("lambda", "the weight decay λ is"),
    "momentum": Setting("mu", "the momentum μ is"),
    "decay": Setting("rho", "the decay ρ is"),
    "beta1": Setting("beta_1", "β₁ is"),
    "beta2": Setting("beta_2", "β₂ is"),
    "epsilon": Setting("epsilon", "ε is"),
    "step": Setting("t", "the update t is"),
}


@record
class Update:
    """How parameters are updated.

    Arguments:
        rule: "sgd", "momentum", "rmsprop", "adam" or "adamw".
        rate: the learning rate η.
        options: the rule's other settings, such as {"beta1": 0.9}; defaults for the rest.

    Raises `ProblemError` for a rule or an option that does not exist.
    """

    rule: str = "sgd"
    rate: float = 0.1
    options: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for setting, value in {"rate": self.rate, **self.options}.items():
            if not isinstance(value, SupportsFloat) or isinstance(value, str):
                raise ProblemError(f"the update's {setting} is not a number: {str(value)[:40]!r}")
        if self.rule not in RULES:
            raise ProblemError(
                f"the update rule {self.rule!r} is unknown",
                mend=nearest(self.rule, RULES) or f"rules: {', '.join(RULES)}",
            )
        for option in self.options:
            known = RULES[self.rule].options
            if option not in known:
                raise ProblemError(
                    f"the update rule {self.rule} has no setting {option!r}",
                    mend=nearest(option, (*known, "rule", "rate"))
                    or f"its settings: rate, {', '.join(known)}",
                )

    @property
    def settings(self) -> dict[str, float]:
        """The rate and every option, defaults filled in, and the step t at 1."""
        return {"rate": self.rate, **RULES[self.rule].options, **self.options, "step": 1.0}

    def lines(
        self, parameter: Name, gradient: Adjoint, named: Mapping[str, Name]
    ) -> list[UpdateLine]:
        """The formulas for one parameter, in which the settings are `named` so."""
        return RULES[self.rule].lines(Terms(parameter, gradient, named, self.settings))


def names(taken: Set[str]) -> dict[str, Name]:
    """The names of the settings in formulas: η, β₁, …, or a longer one where the problem has that."""
    return {
        key: Name(next(n for n in (setting.letter, key, f"{key}_") if n not in taken), shape=())
        for key, setting in SETTINGS.items()
    }


def _decayed(terms: Terms) -> tuple[list[UpdateLine], Expression]:
    """The gradient with the share of the weights that weight decay adds to it."""
    if not terms.settings.get("weight_decay"):
        return [], terms.gradient
    g = terms.own("g")
    line = UpdateLine(g, terms.gradient + terms["weight_decay"] * terms.parameter, "let")
    return [line], g


def _moved(terms: Terms, by: Expression) -> UpdateLine:
    return UpdateLine(terms.parameter, terms.parameter - by, "updated")


def _sgd(terms: Terms) -> list[UpdateLine]:
    lines, g = _decayed(terms)
    return [*lines, _moved(terms, terms["rate"] * g)]


def _momentum(terms: Terms) -> list[UpdateLine]:
    lines, g = _decayed(terms)
    v = terms.own("v")
    return [
        *lines,
        UpdateLine(v, terms["momentum"] * v + g, "memory"),
        _moved(terms, terms["rate"] * v),
    ]


def _rmsprop(terms: Terms) -> list[UpdateLine]:
    lines, g = _decayed(terms)
    v, rho = terms.own("v"), terms["decay"]
    return [
        *lines,
        UpdateLine(v, rho * v + (1 - rho) * g**2, "memory"),
        _moved(terms, terms["rate"] * g / (sqrt(v) + terms["epsilon"])),
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
    return lines, terms["rate"] * corrected_m / (sqrt(corrected_v) + terms["epsilon"])


def _adam(terms: Terms) -> list[UpdateLine]:
    lines, g = _decayed(terms)
    moments, by = _moments(terms, g)
    return [*lines, *moments, _moved(terms, by)]


def _adamw(terms: Terms) -> list[UpdateLine]:
    moments, by = _moments(terms, terms.gradient)
    kept: Expression = terms.parameter
    if terms.settings.get("weight_decay"):
        kept = kept - terms["rate"] * terms["weight_decay"] * terms.parameter
    return [*moments, UpdateLine(terms.parameter, kept - by, "updated")]


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
        ),
        UpdateRule(
            "momentum",
            "gradient descent with momentum",
            "Momentum: earlier steps fade by the factor μ and add up, so that steady directions gain speed.",
            {"momentum": 0.9, "weight_decay": 0.0},
            _momentum,
        ),
        UpdateRule(
            "rmsprop",
            "RMSProp",
            "RMSProp: divide the gradient by the root of a running mean of its squares, so that every weight moves at its own pace.",
            {"decay": 0.99, "epsilon": 1e-8, "weight_decay": 0.0},
            _rmsprop,
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
    )
}
"""Sources: Polyak (1964) for momentum, without dampening; Tieleman and Hinton (2012) for RMSProp;
Kingma and Ba (2015) for Adam; Loshchilov and Hutter (2019) for AdamW. Defaults are PyTorch's."""
