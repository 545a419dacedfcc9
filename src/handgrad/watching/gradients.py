"""Which entries of parameters' gradients are exactly 0, looked at after a backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import Parameter

from handgrad.watching.counters import WatchedGate
from handgrad.watching.internals import aside

Key: TypeAlias = tuple[str, int]
"""A parameter, and the axis along which its gradient is looked at."""


@dataclass
class Zeros:
    """By parameter and axis, the places at which all of a gradient was 0 at some step.

    Arguments:
        found: on the device, as it was made there.
        steps: by key, the step.
        ranks: by parameter, how many axes it has.
    """

    found: dict[Key, Tensor] = field(default_factory=dict)
    steps: dict[Key, int] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)

    def at(self, key: Key, place: int, since: int) -> bool:
        """Whether a place's gradient was 0 when last looked at, which was after a step."""
        found = self.found.get(key)
        if found is None or self.steps[key] < since or place >= found.shape[0]:
            return False
        if found.device.type != "cpu":
            found = self.found[key] = found.cpu()
        return bool(found[place])


def zero_entries(
    step: int, sites: Iterable[WatchedGate], parameters: Mapping[str, Any], before: Zeros | None
) -> Zeros:
    """What is 0 now of the gradients that the units of these layers have entries in."""
    zeros = before or Zeros()
    keys: set[Key] = set()
    for site in sites:
        for part in site.parts:
            if part.weight and part.axis >= 0:
                keys.add((part.weight, part.axis))
            keys |= {(name, 0) for name in part.own}
        keys |= set(site.following.items())
    with aside():
        for name, axis in keys:
            tensor = parameters.get(name)
            gradient = getattr(tensor, "grad", None)
            if gradient is None or gradient.__class__ is not Tensor or gradient.is_sparse:
                continue
            if axis >= gradient.ndim:
                continue
            rest = [a for a in range(gradient.ndim) if a != axis]
            low, high = (gradient.amin(rest), gradient.amax(rest)) if rest else (gradient, gradient)
            zeros.found[name, axis] = (low == 0) & (high == 0)
            zeros.steps[name, axis] = step
            zeros.ranks[name] = gradient.ndim
    return zeros


def fingerprint(site: WatchedGate, parameters: Mapping[str, Any]) -> Tensor | None:
    """By unit, a number that changes when its own weights do: their sum, each times a number of its own."""
    sums: list[Tensor] = []
    with aside():
        for part in site.parts:
            whole = parameters.get(part.weight)
            if part.axis < 0 or whole is None or whole.__class__ not in (Tensor, Parameter):
                return None
            if part.axis >= whole.ndim or whole.shape[part.axis] < part.start + part.count:
                return None
            if whole.shape[part.axis] != part.count and not part.start:
                return None
            whole = whole.detach().narrow(part.axis, part.start, part.count)
            rows = (
                whole.detach().movedim(part.axis, 0).flatten(1)
                if whole.ndim > 1
                else whole.detach()[:, None]
            )
            rows = rows if rows.is_floating_point() else rows.float()
            total = rows @ _factors(rows)
            for name in part.own:
                entry = parameters.get(name)
                if entry is not None and entry.ndim == 1 and len(entry) >= part.start + part.count:
                    total = total + entry.detach()[part.start : part.start + part.count]
            sums.append(total.float())
        joined = torch.cat(sums)
        if len(site.ids) != len(joined):
            joined = joined[torch.tensor(site.ids, device=joined.device)]
    return joined


def _factors(rows: Tensor) -> Tensor:
    """Numbers that no two columns share."""
    counted = torch.arange(rows.shape[1], device=rows.device, dtype=torch.float32)
    return torch.cos(counted * 1.618).to(rows.dtype)
