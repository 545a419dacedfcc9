"""Which entries of parameters' gradients are exactly 0, looked at after a backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from handgrad.watching.counters import WatchedGate
from handgrad.watching.history import Numbers
from handgrad.watching.internals import aside

Key: TypeAlias = tuple[str, int]
"""A parameter, and the axis along which its gradient is looked at."""


Quiet: TypeAlias = "Numbers | None"
"""The units of a layer that do not fire, by their columns; None for all, where that is not known."""


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
    step: int,
    sites: Iterable[tuple[WatchedGate, Quiet]],
    parameters: Mapping[str, Any],
    before: Zeros | None,
) -> Zeros:
    """What is 0 now of the gradients that the units of these layers have entries in: of those that do not fire."""
    zeros = before or Zeros()
    keys: dict[Key, list[Quiet]] = {}
    for site, quiet in sites:
        for part in site.parts:
            first = None if quiet is None else quiet + part.start
            if part.weight and part.axis >= 0:
                keys.setdefault((part.weight, part.axis), []).append(first)
            for name in part.own:
                keys.setdefault((name, 0), []).append(first)
        for key in site.following.items():
            keys.setdefault(key, []).append(quiet)
    with aside():
        for (name, axis), several in keys.items():
            gradient = getattr(parameters.get(name), "grad", None)
            if gradient is None or gradient.__class__ is not Tensor or gradient.is_sparse:
                continue
            if axis >= gradient.ndim:
                continue
            zeros.found[name, axis] = _zero_at(gradient, axis, several)
            zeros.steps[name, axis] = step
            zeros.ranks[name] = gradient.ndim
    return zeros


def _zero_at(gradient: Tensor, axis: int, several: list[Quiet]) -> Tensor:
    """Whether all of a gradient is 0, by place along an axis; not asked, and false, where it is of none of these units."""
    found = [q for q in several if q is not None]
    if len(found) < len(several):
        return _is_zero(gradient, axis)
    places = torch.from_numpy(np.unique(np.concatenate(found)))
    places = places[places < gradient.shape[axis]].to(gradient.device)
    zero = torch.zeros(gradient.shape[axis], dtype=torch.bool, device=gradient.device)
    zero[places] = _is_zero(gradient.index_select(axis, places), axis)
    return zero


def _is_zero(gradient: Tensor, axis: int) -> Tensor:
    rest = [a for a in range(gradient.ndim) if a != axis]
    if not gradient.numel():
        return torch.zeros(gradient.shape[axis], dtype=torch.bool, device=gradient.device)
    low, high = (gradient.amin(rest), gradient.amax(rest)) if rest else (gradient, gradient)
    return (low == 0) & (high == 0)


def fingerprint(
    site: WatchedGate, parameters: Mapping[str, Any], quiet: Quiet = None
) -> Tensor | None:
    """By unit, a number that changes when its own weights do: their sum, each times a number of its own.

    It is 0 for those that are not among `quiet`, where these are given: they are not asked.
    """
    if quiet is not None and (len(site.parts) > 1 or site.ids != list(range(site.width))):
        quiet = None
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
            units = None if quiet is None else torch.from_numpy(quiet).to(whole.device)
            if units is not None:
                whole = whole.index_select(part.axis, units)
            rows = whole.movedim(part.axis, 0).flatten(1) if whole.ndim > 1 else whole[:, None]
            rows = rows if rows.is_floating_point() else rows.float()
            total = rows @ _factors(rows.shape[1], rows.device).to(rows.dtype)
            for name in part.own:
                entry = parameters.get(name)
                if entry is not None and entry.ndim == 1 and len(entry) >= part.start + part.count:
                    entries = entry.detach()[part.start : part.start + part.count]
                    total = total + (entries if units is None else entries[units])
            if units is not None:
                total = torch.zeros(part.count, dtype=total.dtype, device=total.device).index_copy_(
                    0, units, total
                )
            sums.append(total.float())
        joined = torch.cat(sums)
        if len(site.ids) != len(joined):
            joined = joined[torch.tensor(site.ids, device=joined.device)]
    return joined


@lru_cache(64)
def _factors(columns: int, device: torch.device) -> Tensor:
    """Numbers that no two columns share."""
    counted = torch.arange(columns, device=device, dtype=torch.float32)
    return torch.cos(counted * 1.618)
