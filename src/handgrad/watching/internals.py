"""What is used of PyTorch's inside, for which its version is pinned: nothing else of the room names it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch._C import _functorch
from torch._C._profiler import ProfilerConfig, ProfilerState, _ExperimentalConfig
from torch._functorch import pyfunctorch

C: Any = torch._C
Untyped: Any = torch
WRAPPED: Any = _functorch
TRANSFORMS: Any = pyfunctorch


def running_back() -> bool:
    """Whether a backward pass is running in this thread: what runs forward in it runs a second time."""
    return bool(C._current_graph_task_id() != -1)


def modes() -> int:
    """How many modes are in effect in this thread."""
    return int(C._len_torch_function_stack())


def mode_at(place: int) -> Any:
    """One of them, counted from the first."""
    return C._get_function_stack_at(place)


def push_mode(mode: Any) -> None:
    """Puts a mode into effect."""
    C._push_on_torch_function_stack(mode)


def pop_mode() -> Any:
    """Takes the last out of effect."""
    return C._pop_torch_function_stack()


def in_transform() -> bool:
    """Whether a transform of `torch.func` is at work."""
    return WRAPPED.peek_interpreter_stack() is not None


def is_wrapped(tensor: Tensor) -> bool:
    """Whether a transform has wrapped a tensor."""
    return bool(WRAPPED.is_functorch_wrapped_tensor(tensor))


def plain(tensor: Tensor) -> tuple[Tensor, list[int]]:
    """The tensor inside the wrappers of `torch.func`, and the axes that `vmap` put into it, outermost last."""
    axes: list[int] = []
    while WRAPPED.is_functorch_wrapped_tensor(tensor):
        if WRAPPED.is_batchedtensor(tensor):
            axes.append(WRAPPED.maybe_get_bdim(tensor))
        tensor = WRAPPED.get_unwrapped(tensor)
    return tensor, axes


class aside:  # noqa: N801 - used like a function
    """For work of our own: outside of the graph, of modes and of the transforms of `torch.func`."""

    __slots__ = ("_clear", "_grad", "_off")

    def __enter__(self) -> None:
        self._off = self._clear = None
        if C._len_torch_function_stack():
            self._off = C.DisableTorchFunction()
            self._off.__enter__()
        if WRAPPED.peek_interpreter_stack() is not None:
            self._clear = TRANSFORMS.temporarily_clear_interpreter_stack()
            self._clear.__enter__()
        self._grad = torch.is_grad_enabled()
        C._set_grad_enabled(False)

    def __exit__(self, *error: object) -> None:
        C._set_grad_enabled(self._grad)
        if self._clear is not None:
            self._clear.__exit__(None, None, None)
        if self._off is not None:
            self._off.__exit__(None, None, None)


def is_hooked(module: nn.Module) -> bool:
    """Whether a module, or one in it, has hooks on its forward."""
    return any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


def is_compiled(module: nn.Module) -> bool:
    """Whether a module was given to torch.compile."""
    return "_orig_mod" in module._modules or module.__dict__.get("_compiled_call_impl") is not None


def recording_is_free() -> bool:
    """Whether no profiler is at work."""
    return not Untyped.autograd._profiler_enabled()


def record() -> None:
    """Begins to record the names of operations in this thread; no number is changed by it."""
    options = (False, False, False, False, False, _ExperimentalConfig())
    Untyped.autograd._enable_profiler_legacy(ProfilerConfig(ProfilerState.CPU, *options))


def recorded() -> Any:
    """Ends that, and gives the records of each thread."""
    return Untyped.autograd._disable_profiler_legacy()
