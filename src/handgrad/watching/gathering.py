"""The counters of several processes put together, over the process group that is there already."""

from __future__ import annotations

from typing import Any

import torch.distributed as dist

from handgrad.watching.counters import WatchedGate
from handgrad.watching.history import History, merged


def gathered(
    histories: dict[WatchedGate, History], group: Any, model: object
) -> tuple[dict[WatchedGate, History] | None, int]:
    """The histories of all processes together, and how many these are; None of one process alone.

    Every process of the group has to come here. `group=False` keeps each to itself.
    """
    if group is False or not dist.is_available() or not dist.is_initialized():
        return None, 1
    size = dist.get_world_size(group)
    if size < 2:
        return None, 1
    mine = [(s, _facts(s), h) for s, h in histories.items()]
    theirs: list[Any] = [None] * size
    dist.all_gather_object(theirs, [(facts, h) for _, facts, h in mine], group=group)
    by_facts = {facts[0]: site for site, facts, _ in mine}
    found: dict[Any, list[History]] = {}
    order: dict[Any, tuple[Any, ...]] = {}
    for process in theirs:
        for facts, history in process:
            found.setdefault(facts[0], []).append(history)
            order.setdefault(facts[0], facts)
            site = by_facts.get(facts[0])
            if site is not None:
                site.sure, site.fed = site.sure or facts[1], site.fed or facts[2]
    result: dict[WatchedGate, History] = {}
    for key, several in found.items():
        site = by_facts.get(key) or _made(order[key])
        result[site] = merged(several)
    return result, size


def _facts(site: WatchedGate) -> tuple[Any, ...]:
    key = (site.name, site.kind, site.parts, tuple(site.ids), site.flat)
    return key, site.sure, site.fed, site.before, dict(site.following)


def _made(facts: tuple[Any, ...]) -> WatchedGate:
    """A layer that ran in another process only."""
    (name, kind, parts, ids, flat), sure, fed, before, following = facts
    site = WatchedGate(name, kind, parts, list(ids), flat)
    site.sure, site.fed, site.before, site.following = sure, fed, before, following
    return site
