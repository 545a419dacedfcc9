"""The settings of updates: their letters in formulas, what they are called, and what others call them."""

from __future__ import annotations

from collections.abc import Mapping, Set

from handgrad.expression import Name
from handgrad.record import record


@record
class Setting:
    """A setting of updates: its letter in formulas, and what stands before it in a sentence."""

    letter: str
    words: str = ""


SETTINGS: Mapping[str, Setting] = {
    "rate": Setting("eta", "the learning rate"),
    "weight_decay": Setting("lambda", "the weight decay"),
    "momentum": Setting("mu", "the momentum"),
    "decay": Setting("rho", "the decay"),
    "beta1": Setting("beta_1"),
    "beta2": Setting("beta_2"),
    "epsilon": Setting("epsilon"),
    "rate_decay": Setting("delta", "the decay of the rate"),
    "clip_norm": Setting("C"),
    "clip_value": Setting("c"),
    "every": Setting("n"),
    "gamma": Setting("gamma"),
    "steps": Setting("T"),
    "rate_min": Setting("eta_min", "the lowest rate"),
    "step": Setting("t", "the update"),
    "drops": Setting("k"),
    "pi": Setting("pi"),
}

COMPUTED: Mapping[str, str] = {"rate_now": "eta_t", "total_norm": "G", "factor": "kappa"}
"""What all parameters share and an update computes before them: the rate now, the norm of all gradients, their factor."""

UNTOLD = frozenset(["step", "drops", "pi"])
"""The settings that no one gives."""

MEANT: Mapping[str, str] = {
    **dict.fromkeys(("lr", "learning_rate", "eta", "alpha"), "rate"),
    **dict.fromkeys(("wd", "l2", "lambda", "lam"), "weight_decay"),
    **dict.fromkeys(("mu", "velocity"), "momentum"),
    "rho": "decay",
    "eps": "epsilon",
    "betas": "beta1 and beta2",
    "lr_decay": "rate_decay",
    **dict.fromkeys(
        ("max_norm", "clipnorm", "clip_grad_norm", "grad_clip", "clipping"), "clip_norm"
    ),
    **dict.fromkeys(("clipvalue", "clip_grad_value", "max_value"), "clip_value"),
    **dict.fromkeys(("step_size", "period"), "every"),
    **dict.fromkeys(("factor", "drop"), "gamma"),
    **dict.fromkeys(("T_max", "t_max", "T"), "steps"),
    **dict.fromkeys(("eta_min", "min_rate", "min_lr", "lr_min"), "rate_min"),
    **dict.fromkeys(("lrs", "param_groups", "learning_rates"), "rates"),
    **dict.fromkeys(("scheduler", "lr_schedule", "decay_schedule"), "schedule"),
    **dict.fromkeys(("optimizer", "optimiser", "algorithm", "method"), "rule"),
}
"""What libraries and textbooks call settings, and what they are called here."""


def names(taken: Set[str]) -> dict[str, Name]:
    """The names of the settings in formulas: η, β₁, …, or a longer one where the problem has that."""
    letters = {key: setting.letter for key, setting in SETTINGS.items()} | dict(COMPUTED)
    return {
        key: Name(next(n for n in (letter, key, f"{key}_") if n not in taken), shape=())
        for key, letter in letters.items()
    }
