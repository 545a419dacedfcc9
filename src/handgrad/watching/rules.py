"""What an optimizer is called among the update rules, and whether it moves weights that get no gradient."""

from __future__ import annotations

from typing import Any

RULE_OF = {
    "SGD": "sgd", "Adagrad": "adagrad", "RMSprop": "rmsprop", "Adadelta": "adadelta", "Adam": "adam",
    "AdamW": "adamw", "Lion": "lion",
}  # fmt: skip
"""By the name of a class of `torch.optim`, or of one like it."""

COASTING = frozenset(("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Lion", "Muon", "LBFGS"))
"""Optimizers that go on moving a weight when its gradient has become 0."""


def rule_of(optimizer: Any) -> dict[str, Any]:
    """The rule's name, whether it coasts, and whether it decays weights."""
    kind = type(optimizer).__name__
    groups = optimizer.param_groups
    momentum = any(g.get("momentum") for g in groups)
    rule = RULE_OF.get(kind, "")
    if rule == "sgd" and momentum:
        rule = "nesterov" if any(g.get("nesterov") for g in groups) else "momentum"
    return {
        "rule": rule,
        "coasting": kind in COASTING or momentum,
        "decay": any(g.get("weight_decay") for g in groups),
        "name": kind,
    }
