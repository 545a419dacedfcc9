"""What runs in each of two processes that train one model together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard
from torch.nn import functional

import handgrad
from tests.watch_zoo import Mlp, kill


def _begin(rank: int, folder: str) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    store = f"file://{Path(folder) / 'store'}"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=2)


def together(rank: int, folder: str) -> None:
    """Each way of training together, one after the other."""
    _begin(rank, folder)
    for kind in ("ddp", "fsdp"):
        _trained(rank, Path(folder) / f"{kind}{rank}.pt", kind)
    dist.destroy_process_group()


def _trained(rank: int, file: Path, kind: str) -> None:
    """A unit that fires on the cases of one process alone is alive; one that fires on none is dead."""
    torch.manual_seed(0)
    model = Mlp(functional.relu)
    kill(model.fc1, 7)
    with torch.no_grad():
        # Unit 3 fires where the first entry is large: on the cases of the second process alone.
        model.fc1.weight[3] = torch.tensor([1.0, 0, 0, 0, 0, 0])
        model.fc1.bias[3] = -20.0
    watched: Any = model
    if kind == "ddp":
        watched = torch.nn.parallel.DistributedDataParallel(model)
    if kind == "fsdp":
        for layer in (model.fc1, model.fc2):
            fully_shard(layer)
        watched = fully_shard(model)
    optimizer = torch.optim.SGD(watched.parameters(), 1e-3)
    torch.manual_seed(rank)
    with handgrad.watch(watched) as gates:
        for _ in range(20):
            x = torch.randn(16, 6)
            x[0, 0] = 40.0 if rank else 0.0
            optimizer.zero_grad()
            watched(x).pow(2).mean().backward()
            optimizer.step()
    torch.save(gates.report().to_json(), file)
