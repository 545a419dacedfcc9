"""What is used of PyTorch's inside, for which its version is pinned: nothing else of the room names it."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterable
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch._C import _functorch
from torch._C._profiler import ProfilerConfig, ProfilerState, _ExperimentalConfig
from torch._functorch import pyfunctorch
from torch.utils.hooks import RemovableHandle

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


def insert_mode(mode: Any) -> None:
    """Puts a mode into effect under all others of this thread.

    Whoever leaves a mode takes the last one out of effect, whichever that is. Under the others ours is never that
    one, in whatever order a program enters and leaves its own. A default device alone has to stay under it.
    """
    count = modes()
    if not count:
        C._push_on_torch_function_stack(mode)
        return
    context: Any = getattr(Untyped, "_GLOBAL_DEVICE_CONTEXT", None)
    default = getattr(context, "device_context", None)
    lowest = 1 if default is not None and mode_at(0) is default else 0
    above = [C._pop_torch_function_stack() for _ in range(count - lowest)]
    C._push_on_torch_function_stack(mode)
    for other in reversed(above):
        C._push_on_torch_function_stack(other)


def remove_mode(mode: Any) -> None:
    """Takes a mode out of effect, wherever it stands among those of this thread."""
    every = [C._pop_torch_function_stack() for _ in range(modes())]
    for other in reversed(every):
        if other is not mode:
            C._push_on_torch_function_stack(other)


def module_hooks() -> Any:
    """The functions that are called before any module is, by number."""
    return Untyped.nn.modules.module._global_forward_pre_hooks


def has_module_hooks() -> bool:
    """Whether something is called before or after any module."""
    hooks = Untyped.nn.modules.module
    return bool(hooks._global_forward_pre_hooks or hooks._global_forward_hooks)


def hook_number() -> int:
    """The number of a hook that no other has."""
    return int(RemovableHandle(OrderedDict()).id)


def hook_all(modules: Iterable[Any], number: int, before: Any, after: Any) -> None:
    """Has a function called after each module, and one before each that works in place, under a number."""
    for module in modules:
        module._forward_hooks[number] = after
        if module.inplace:
            module._forward_pre_hooks[number] = before


def unhook_all(modules: Iterable[Any], number: int) -> None:
    """Takes away what stands under a number."""
    for module in modules:
        module._forward_hooks.pop(number, None)
        module._forward_pre_hooks.pop(number, None)


def are_bare(modules: Iterable[nn.Module]) -> bool:
    """Whether a call of each module is one of its class's forward, and of nothing else."""
    for module in modules:
        inside = module.__dict__
        if (
            inside["_forward_hooks"]
            or inside["_forward_pre_hooks"]
            or "forward" in inside
            or inside.get("_compiled_call_impl") is not None
        ):
            return False
    return True


def is_hooked_once(module: nn.Module) -> bool:
    """Whether a call of a module is one of its class's forward, with one hook before it and one after."""
    inside = module.__dict__
    return (
        len(inside["_forward_hooks"]) == 1
        and len(inside["_forward_pre_hooks"]) == 1
        and "forward" not in inside
        and inside.get("_compiled_call_impl") is None
    )


def parts_of(module: nn.Module) -> tuple[nn.Module | None, ...]:
    """The modules in a module, one as often as it stands there."""
    return tuple(module._modules.values())


def weights_of(module: nn.Module) -> Any:
    """A module's own parameters by name, as they are kept."""
    return module._parameters


def is_traced() -> bool:
    """Whether `torch.jit.trace` writes down what is called."""
    return C._get_tracing_state() is not None


def in_transform() -> bool:
    """Whether a transform of `torch.func` is at work."""
    return WRAPPED.peek_interpreter_stack() is not None


def is_wrapped(tensor: Tensor) -> bool:
    """Whether a transform has wrapped a tensor."""
    return bool(WRAPPED.is_functorch_wrapped_tensor(tensor))


def is_observed(tensor: Tensor) -> bool:
    """Whether a mode or a transform of the program's would see what is done with a tensor."""
    return bool(
        C._len_torch_function_stack()
        or C._len_torch_dispatch_stack()
        or WRAPPED.is_functorch_wrapped_tensor(tensor)
    )


def lies_plain(tensor: Tensor) -> bool:
    """Whether numbers of single precision lie before the processor row after row, and nothing of the program's looks on."""
    return (
        tensor.__class__ is Tensor
        and tensor.dtype is torch.float32
        and tensor.is_cpu
        and tensor.layout is torch.strided
        and not tensor.is_nested
        and tensor.is_contiguous()
        and not tensor.is_neg()
        and not C._len_torch_function_stack()
        and not C._len_torch_dispatch_stack()
        and not WRAPPED.is_functorch_wrapped_tensor(tensor)
    )


def plain(tensor: Tensor) -> tuple[Tensor, list[int]]:
    """The tensor inside the wrappers of `torch.func`, and the axes that `vmap` put into it, outermost last."""
    axes: list[int] = []
    while WRAPPED.is_functorch_wrapped_tensor(tensor):
        if WRAPPED.is_batchedtensor(tensor):
            axes.append(WRAPPED.maybe_get_bdim(tensor))
        tensor = WRAPPED.get_unwrapped(tensor)
    return tensor, axes


class aside:  # noqa: N801 - used like a function
    """For work of our own: outside of the graph, of modes, of inference mode and of the transforms of `torch.func`."""

    __slots__ = ("_clear", "_grad", "_off", "_ordinary")

    def __enter__(self) -> None:
        self._off = self._clear = self._ordinary = None
        if torch.is_inference_mode_enabled():
            # What is made in inference mode cannot be written to after it.
            self._ordinary = C._InferenceMode(False)
            self._ordinary.__enter__()
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
        if self._ordinary is not None:
            self._ordinary.__exit__(None, None, None)


def is_hooked(module: nn.Module) -> bool:
    """Whether a module, or one in it, has hooks on its forward."""
    return any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


def is_called_within(module: nn.Module) -> bool:
    """Whether a module that is being called is called by itself, further out on Python's stack."""
    calls = 0
    frame: FrameType | None = sys._getframe()
    while frame is not None and calls < 2:
        calls += frame.f_code.co_name == "_call_impl" and frame.f_locals.get("self") is module
        frame = frame.f_back
    return calls > 1


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
