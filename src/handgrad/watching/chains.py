"""Models that are nothing but PyTorch's own modules in a row: what they call is told by what they are made of.

Of such a model no other call can come than those of its modules, in their order. Once all of them were seen, hooks on
those that are gates are enough, and no mode has to look at the others.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.nn import functional

from handgrad.watching.internals import (
    are_bare,
    has_module_hooks,
    hook_all,
    hook_number,
    is_hooked_once,
    parts_of,
    unhook_all,
    weights_of,
)
from handgrad.watching.passing import missed

if TYPE_CHECKING:
    from handgrad.watching.gating import AtGate
    from handgrad.watching.planning import Planned
    from handgrad.watching.tracing import Tracer

LINKS: frozenset[type[nn.Module]] = frozenset((
    nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ReLU, nn.Identity, nn.Flatten, nn.Unflatten,
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d,
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm,
    nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.GELU, nn.SiLU, nn.Softmax, nn.LogSoftmax,
))  # fmt: skip
"""Modules that call PyTorch's functions alone, by nothing but what they are given and their own attributes."""


class Chain:
    """The modules of a model in a row, as they are.

    Arguments:
        model: the model.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._rows: list[tuple[nn.Module, tuple[nn.Module | None, ...]]] = []
        links: list[nn.Module] = []
        self.holds = self._takes_up(model, links)
        """Whether it is such a model."""
        inner = [m for m in dict.fromkeys([*links, *(r for r, _ in self._rows)]) if m is not model]
        self._parts, self._modes = inner, [(m, m.training) for m in inner]
        self._weights = [
            (weights, name, weakref.ref(p), p.requires_grad)
            for m in inner
            for weights in (weights_of(m),)
            for name, p in weights.items()
            if isinstance(p, Tensor)
        ]
        self._gates = [m for m in links if type(m) is nn.ReLU]
        self._number = hook_number()

    def _takes_up(self, module: nn.Module, links: list[nn.Module]) -> bool:
        if type(module) is not nn.Sequential:
            links.append(module)
            return type(module) in LINKS
        parts = parts_of(module)
        self._rows.append((module, parts))
        return all(part is not None and self._takes_up(part, links) for part in parts)

    def gates(self, calls: Sequence[Planned]) -> list[AtGate | None] | None:
        """What is done at each of the gates, by the calls that were seen; None where they are others."""
        found = [c.gate for c in calls if c.func is functional.relu]
        elsewhere = any(c.gate is not None and c.func is not functional.relu for c in calls)
        return None if elsewhere or len(found) != len(self._gates) else found

    def is_as_it_was(self) -> bool:
        """Whether nothing was put into it, taken out of it or hooked on it since."""
        if has_module_hooks() or not (is_hooked_once(self._model) and are_bare(self._parts)):
            return False
        for row, parts in self._rows:
            if parts_of(row) != parts:
                return False
        for part, training in self._modes:
            if part.training is not training:
                return False
        for weights, name, ref, learns in self._weights:
            weight: Tensor | None = ref()
            if weight is None or weights.get(name) is not weight:
                return False
            if weight.requires_grad is not learns:
                return False
        return True

    def hook(self, before: AtLink, after: AtLink) -> None:
        """Has functions called at the gates."""
        hook_all(self._gates, self._number, before, after)

    def unhook(self) -> None:
        """Takes them away."""
        unhook_all(self._gates, self._number)


class AtLink:
    """A hook of a gate. A copy of it, or a file, does nothing."""

    __slots__ = ("_does",)

    def __init__(self, does: Any = None) -> None:
        self._does = does

    def __call__(self, module: nn.Module, args: Any, out: Any = None) -> None:
        if self._does is not None:
            self._does(module, args, out)

    def __deepcopy__(self, memo: dict[int, Any]) -> AtLink:
        return AtLink()

    def __reduce__(self) -> tuple[Any, ...]:
        return AtLink, ()


class _ChainCall(threading.local):
    """The call of the model that runs in a thread: its chain, and what is done at its gates in turn."""

    chain: Chain | None = None
    gates: Sequence[AtGate | None] = ()
    at = 0


class Links:
    """Counts at the gates of a chain while the model is called.

    Arguments:
        tracer: the mode, which is not in effect meanwhile.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._here = _ChainCall()
        self._lock = threading.Lock()
        self._before, self._after = AtLink(self._enters), AtLink(self._leaves)

    def begins(self, chain: Chain, gates: Sequence[AtGate | None]) -> bool:
        """A call of the model begins; whether it is looked at in this way."""
        with self._lock:  # of two threads at once the second finds it hooked
            if not chain.is_as_it_was():
                return False
            chain.hook(self._before, self._after)
        here = self._here
        here.chain, here.gates, here.at = chain, gates, 0
        return True

    def ends(self) -> bool:
        """It has ended, or was left; whether it was looked at in this way."""
        here = self._here
        if here.chain is None:
            return False
        here.chain.unhook()
        here.chain, here.gates = None, ()
        return True

    def _enters(self, module: Any, args: Any, out: Any) -> None:
        here = self._here
        gate = here.gates[here.at] if here.at < len(here.gates) else None
        if gate is not None:
            try:
                gate.look(self._tracer, args[0])
            except Exception as error:
                missed(self._tracer.unseen, error, "what is counted at a gate")

    def _leaves(self, module: Any, args: Any, out: Any) -> None:
        here = self._here
        if here.at >= len(here.gates):
            return  # another thread's
        gate, tracer = here.gates[here.at], self._tracer
        here.at += 1
        if gate is None:
            return
        if not module.inplace:
            try:
                gate.look(tracer, args[0])
            except Exception as error:
                missed(tracer.unseen, error, "what is counted at a gate")
        if tracer.listening:
            try:
                gate.listen(tracer, args[0], out)
            except Exception as error:
                missed(tracer.unseen, error, "what is heard at a gate")
