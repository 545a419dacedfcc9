"""What is put in place while a step is watched, and taken away again: the mode, the hooks, the stance of the compiler."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils.checkpoint import CheckpointFunction

from handgrad.watching.internals import (
    insert_mode,
    is_compiled,
    is_hooked,
    is_traced,
    mode_at,
    modes,
    module_hooks,
    remove_mode,
)
from handgrad.watching.provenance import tensors
from handgrad.watching.tracing import Tracer

FAST: tuple[type[nn.Module], ...] = (
    nn.TransformerEncoder,
    nn.TransformerEncoderLayer,
    nn.MultiheadAttention,
)
"""Modules that, evaluated without gradients, take a way on which their parts are not called."""


def stands(tracer: Tracer) -> bool:
    """Whether the mode is in effect in this thread."""
    count = modes()
    return any(mode_at(k) is tracer for k in range(count))


def push(tracer: Tracer) -> None:
    """Puts the mode into effect in this thread, under those of the program."""
    if not stands(tracer):
        insert_mode(tracer)


def pop(tracer: Tracer) -> None:
    """Takes the mode out of effect in this thread, and leaves all others where they are."""
    if stands(tracer):
        remove_mode(tracer)


class Within:
    """Has the mode in effect: all the time, or where all gates lie within the model's own call, in that alone.

    Arguments:
        tracer: the mode.
        model: whose call it is.
        widens: called before the mode is in effect all the time again.
    """

    def __init__(self, tracer: Tracer, model: nn.Module, widens: Callable[[], None]) -> None:
        self.tracer, self.model, self._widens = tracer, model, widens
        self.is_narrow = False
        self._parts: frozenset[int] = frozenset()
        self._handle: Any = None
        self._is_looking = False
        self._lock = threading.Lock()

    def narrow(self) -> None:
        """From here on the mode is in effect within the model's call, and nowhere else."""
        if not self.is_narrow:
            self.is_narrow = True
            self._parts = frozenset(id(m) for m in self.model.modules() if m is not self.model)
            pop(self.tracer)

    def install(self) -> None:
        """A stretch begins in which the model may be called."""
        if not self.is_narrow:
            push(self.tracer)
        elif not (self._is_looking or self.tracer.inside):
            with self._lock:
                if self._handle is None:
                    self._handle = register_module_forward_pre_hook(self._called)
                else:
                    module_hooks()[self._handle.id] = self._called
                self._is_looking = True

    @property
    def stays(self) -> bool:
        """Whether all is in place for the model to be called."""
        return self.is_narrow and self._is_looking

    def begins(self) -> None:
        """The model is called."""
        if self._is_looking:
            with self._lock:
                module_hooks().pop(self._handle.id, None)
                self._is_looking = False

    def ends(self) -> None:
        """Its call has ended."""
        if self.is_narrow:
            self.install()

    def remove(self) -> None:
        """Takes everything away."""
        self.begins()
        pop(self.tracer)

    def _called(self, module: nn.Module, args: Any) -> None:
        """A module is called while the model is not: of a part of it gates lie outside, and have to be seen there."""
        if id(module) in self._parts and not (self.tracer.inside or is_traced()):
            self.is_narrow, self.tracer.outside = False, True
            self.begins()
            self._widens()
            push(self.tracer)


class Stance:
    """Has what `torch.compile` made run as it is written, while a step is watched."""

    def __init__(self) -> None:
        self._set: Any = None
        self._compile: Any = None

    def eager(self) -> None:
        """From here on. Until something is compiled the compiler isn't even imported."""
        if self._set is not None:
            return
        if "torch._dynamo" in sys.modules:
            self._as_written()
            self._set = torch.compiler.set_stance("force_eager")
        elif self._compile is None:
            original = self._compile = torch.compile

            @wraps(original)
            def compiling(*args: Any, **kwargs: Any) -> Any:
                made = original(*args, **kwargs)
                self.eager()
                return made

            torch.compile = compiling

    def _as_written(self) -> None:
        if self._compile is not None:
            torch.compile = self._compile
            self._compile = None

    def restored(self) -> None:
        """As it was."""
        self._as_written()
        if self._set is not None:
            self._set.__exit__(None, None, None)
            self._set = None


class Again:
    """Has the mode in effect where a reentrant checkpoint runs its part of the model again, within the backward pass."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self._original: Any = None

    def install(self) -> None:
        """Puts a function in place of the checkpoint's backward."""
        if self._original is not None:
            return
        checkpoint: Any = CheckpointFunction
        original = self._original = checkpoint.backward
        tracer = self.tracer

        def backward(ctx: Any, *gradients: Any) -> Any:
            if stands(tracer):
                return original(ctx, *gradients)
            push(tracer)
            try:
                return original(ctx, *gradients)
            finally:
                pop(tracer)

        checkpoint.backward = staticmethod(backward)

    def remove(self) -> None:
        """Puts the original back."""
        if self._original is not None:
            checkpoint: Any = CheckpointFunction
            checkpoint.backward = staticmethod(self._original)
            self._original = None


class Slowly:
    """Counts in modules that have a fast way: they run once more on the slow one, and their result is the fast one's.

    Arguments:
        tracer: the mode.
        model: whose modules these are.
        around: what is done before and after where the model itself is one.
    """

    def __init__(
        self,
        tracer: Tracer,
        model: nn.Module,
        around: tuple[Callable[..., None], Callable[..., None]],
    ) -> None:
        self.tracer, self.model = tracer, model
        mine = [m for m in model.modules() if isinstance(m, FAST)]
        self._mine = {id(m) for m in mine}
        self.has_any = bool(mine)
        """Whether there are any."""
        self._classes = [c for c in FAST if any(isinstance(m, c) for m in mine)]
        self._originals: dict[type[nn.Module], Any] = {}
        self._around = around if isinstance(model, FAST) else None

    @property
    def is_root(self) -> bool:
        """Whether the model itself is one of them."""
        return self._around is not None

    def install(self) -> None:
        """Puts a function in place of each class's `forward`."""
        for kind in self._classes:
            if kind not in self._originals:
                original = self._originals[kind] = kind.forward
                kind.forward = self._replacement(original)

    def remove(self) -> None:
        """Puts the original back."""
        for kind, original in self._originals.items():
            kind.forward = original
        self._originals.clear()

    def _replacement(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def forward(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if id(module) not in self._mine or not self._originals:
                return original(module, *args, **kwargs)
            root = self._around if module is self.model else None
            if root is not None:
                root[0](module, args)
            try:
                out = self._called(original, module, args, kwargs)
                if root is not None:
                    root[1](module, args, out)
            except BaseException:
                if root is not None:
                    root[1](module, args, None)
                raise
            return out

        return forward

    def _called(
        self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any
    ) -> Any:
        learns = torch.is_grad_enabled() and any(p.requires_grad for p in module.parameters())
        aside = self.tracer.paused or is_traced() or not stands(self.tracer)
        if module.training or learns or aside:
            return original(module, *args, **kwargs)
        hooked = is_hooked(module)
        if hooked and not isinstance(module, nn.MultiheadAttention):
            return original(module, *args, **kwargs)
        counted = original(module, *args, **kwargs)
        pop(self.tracer)
        try:
            out = original(module, *args, **kwargs)
        finally:
            push(self.tracer)
        for mine, theirs in zip(tensors(counted), tensors(out), strict=False):
            known = self.tracer.known[mine]
            if known is not None and not theirs.is_nested:
                self.tracer.known[theirs] = known
        return out


def bare(model: nn.Module) -> nn.Module:
    """The model inside what wraps it: DistributedDataParallel, DataParallel, torch.compile."""
    while True:
        inner = model.__dict__.get("_modules", {}).get("_orig_mod")
        if inner is None and isinstance(
            model, nn.DataParallel | nn.parallel.DistributedDataParallel
        ):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def named(model: nn.Module) -> Any:
    """The names and tensors of a model's parameters and buffers, names as a person writes them."""
    for name, tensor in model.named_parameters(remove_duplicate=False):
        yield written(name), tensor
    for name, buffer in model.named_buffers(remove_duplicate=False):
        yield written(name), buffer


WRAPPERS = ("_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module", "_fpw_module")


def written(name: str) -> str:
    """A parameter's name without wrappers, and a parametrized weight's as that of the weight."""
    parts = [p for p in name.split(".") if p not in WRAPPERS]
    if "parametrizations" in parts:
        at = parts.index("parametrizations")
        return ".".join((*parts[:at], parts[at + 1]))
    for end in ("_v", "_g", "_orig", "_mask"):
        if parts and parts[-1] == f"weight{end}":
            parts[-1] = "weight"
    return ".".join(parts)


def compiled(model: nn.Module) -> list[str]:
    """The names of the modules that were given to torch.compile."""
    found = []
    for name, module in model.named_modules():
        if is_compiled(module):
            found.append(written(name))
    return found


def scripted(model: nn.Module) -> list[str]:
    """The names of the modules that are programs of TorchScript."""
    found: list[str] = []
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule) and not any(
            not f or name.startswith(f"{f}.") for f in found
        ):
            found.append(name)
    return found


def parameters_of(optimizer: Any) -> set[int]:
    """The parameters that an optimizer updates, by their identities."""
    return {id(p) for group in optimizer.param_groups for p in group["params"] if isinstance(p, Tensor)}  # fmt: skip
