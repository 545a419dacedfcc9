"""Updates by PyTorch's own optimisers, on gradients from the problem's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from tests.gauntlet.oracle import Oracle

DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "sgd": {},
    "momentum": {"momentum": 0.9},
    "rmsprop": {"decay": 0.99, "epsilon": 1e-8},
    "adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "adamw": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01},
}
"""What a rule's settings are where a file does not give them, as the documents have them."""


def optimiser(update: Mapping[str, Any], tensors: list[Any]) -> Any:
    """The optimiser of PyTorch that a table [update] asks for."""
    rule = update.get("rule", "sgd")
    s = {"rate": 0.1, "weight_decay": 0.0, **DEFAULTS[rule], **update}
    rate, decay = s["rate"], s["weight_decay"]
    match rule:
        case "momentum":
            return torch.optim.SGD(tensors, lr=rate, momentum=s["momentum"], weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(
                tensors, lr=rate, alpha=s["decay"], eps=s["epsilon"], weight_decay=decay
            )
        case "adam" | "adamw":
            kind = torch.optim.Adam if rule == "adam" else torch.optim.AdamW
            betas = (s["beta1"], s["beta2"])
            return kind(tensors, lr=rate, betas=betas, eps=s["epsilon"], weight_decay=decay)
        case _:
            return torch.optim.SGD(tensors, lr=rate, weight_decay=decay)


@dataclass
class Updated:
    """A problem's parameters after each update, and the losses from before the first on."""

    oracle: Oracle
    update: Mapping[str, Any]
    parameters: list[dict[str, Any]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    @staticmethod
    def of(facts: Any) -> Updated:
        """The updates of a problem; kept, as they are asked for line by line."""
        found = _KNOWN.get(facts.oracle)
        if found is None:
            found = _KNOWN[facts.oracle] = Updated(facts.oracle, facts.oracle.update)
        return found

    def __post_init__(self) -> None:
        self._tensors = {
            n: torch.tensor(np.array(a, dtype=float), dtype=torch.float64)
            for n, a in self.oracle.parameters.items()
        }
        # A rate of 0 or less is a rate to the product, and none to PyTorch's optimisers.
        self._optimiser = optimiser(self.update, list(self._tensors.values()))
        self.parameters.append(self._now())
        self.losses.append(self.oracle.run(gradients=False).loss)

    def _now(self) -> dict[str, Any]:
        return {n: t.detach().numpy().copy() for n, t in self._tensors.items()}

    def after(self, count: int) -> dict[str, Any]:
        """The parameters after so many updates."""
        while len(self.parameters) <= count:
            gradients = self.oracle.run(self.parameters[-1]).gradients
            for name, tensor in self._tensors.items():
                tensor.grad = torch.tensor(np.array(gradients[name]), dtype=torch.float64)
            self._optimiser.step()
            self.parameters.append(self._now())
            self.losses.append(self.oracle.run(self.parameters[-1], gradients=False).loss)
        return self.parameters[count]


_KNOWN: WeakKeyDictionary[Oracle, Updated] = WeakKeyDictionary()
