"""`handgrad.watch`: PyTorch is asked for here, and not before."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from handgrad.errors import MissingExtraError, OptionError
from handgrad.options import whole_number

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup
    from torch.nn import Module

    from handgrad.watching.session import GateWatch

MOST = 1_000_000
"""Steps from one that is watched to the next, at most."""


def watch(
    model: Module,
    every: int = 1,
    *,
    log: Callable[[dict[str, float]], object] | None = None,
    group: ProcessGroup | Literal[False] | None = None,
) -> GateWatch:
    """Watches the gates of a PyTorch model while a loop runs in the `with` block, unchanged.

    Arguments:
        model: a `torch.nn.Module`, wrapped (DistributedDataParallel, FSDP2, torch.compile) or not.
        every: a step in so many is watched, from the first on.
        log: told of scalars, once for about 32 watched steps: the share of dead units, `gates/dead` and by layer.
        group: the processes whose counters are put together when the block is left, which all of them have to leave;
            the default group where there is one. False keeps each process to itself.

    Nothing of the loop is changed by it: results, gradients, buffers and random numbers are the same bit for bit.
    Raises `OptionError` for what is no model, and `MissingExtraError` where PyTorch is not installed.

        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
        >>> torch.nn.init.constant_(model[0].bias, -100.0).tolist()
        [-100.0, -100.0, -100.0]
        >>> with handgrad.watch(model) as gates:
        ...     out = model(torch.ones(8, 2))
        >>> gates.report()
        <Watched: 3 units over 1 step: 3 dead_on_data>
    """
    if find_spec("torch") is None:
        raise MissingExtraError(
            "watching a model needs PyTorch", mend="pip install 'handgrad[torch]'"
        )
    import torch

    if not isinstance(model, torch.nn.Module):
        kind = type(model).__name__
        raise OptionError(
            f"{kind} is no torch.nn.Module", where="watch", mend="give the model: watch(model)"
        )
    if isinstance(model, torch.jit.ScriptModule):
        raise OptionError(
            "the model is a program of TorchScript, which runs out of sight",
            where="watch",
            mend="watch the model that it was made of, before torch.jit.script or torch.jit.trace",
        )
    whole_number(every, 1, MOST, "every")
    if log is not None and not callable(log):
        raise OptionError("log is no function", where="watch", mend="log=wandb.log")
    if not (group is None or group is False or _is_group(group)):
        raise OptionError(
            f"{str(group)[:40]} is no process group",
            where="group",
            mend="give one of torch.distributed.new_group, False for none, or nothing for the default group",
        )
    from handgrad.watching.session import GateWatch

    return GateWatch(model, every, log, group)


def _is_group(group: object) -> bool:
    from torch import distributed

    return distributed.is_available() and isinstance(group, distributed.ProcessGroup)
