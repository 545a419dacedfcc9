"""A watch is a guest in somebody's program: whatever runs in the block runs as it would without, and nothing is left."""

# mypy: disable-error-code="no-untyped-call, misc, operator"

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

import handgrad
from handgrad.watching import passing, spellings
from handgrad.watching.internals import modes
from tests.watch_zoo import Mlp

pytestmark = pytest.mark.filterwarnings("ignore")

Untyped: Any = torch

DEAD = {(2,), (5,)}
"""The dead units of an `Mlp`."""


class Onlooker(TorchFunctionMode):
    """A mode of the program's own."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def _model() -> Mlp:
    torch.manual_seed(3)
    return Mlp(functional.relu)


def _step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(torch.randn(32, 6, device="cpu")).pow(2).mean().backward()
    optimizer.step()


def _dead(report: Any) -> set[tuple[int, ...]]:
    return {u.unit for u in report.units if u.dead}


@pytest.mark.parametrize(
    "context", [lambda: torch.device("meta"), Onlooker], ids=["device", "mode"]
)
@pytest.mark.parametrize("every", [1, 2])
def test_contexts_of_the_program_nest_as_they_did(context: Callable[[], Any], every: int) -> None:
    """Around the block, around a step, around part of one, and left after the block."""
    model = _model()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with context(), handgrad.watch(model, every) as gates:
        for _ in range(3):
            _step(model, optimizer)
            with context():
                _step(model, optimizer)
                with context():
                    _step(model, optimizer)
            _step(model, optimizer)
    assert modes() == 0
    assert torch.zeros(1).device.type == "cpu"
    assert _dead(gates.report()) >= DEAD
    watch, mine = handgrad.watch(model), context()
    watch.__enter__()
    mine.__enter__()
    _step(model, optimizer)
    watch.__exit__(None, None, None)
    assert modes() == 1
    mine.__exit__(None, None, None)
    assert modes() == 0
    watch, mine = handgrad.watch(model), context()
    mine.__enter__()
    watch.__enter__()
    mine.__exit__(None, None, None)
    assert torch.zeros(1).device.type == "cpu"
    _step(model, optimizer)
    watch.__exit__(None, None, None)
    assert modes() == 0
    assert _dead(watch.report()) >= DEAD


def test_a_default_device_is_set_and_reset_within() -> None:
    model = _model()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    try:
        with handgrad.watch(model) as gates:
            torch.set_default_device("meta")
            _step(model, optimizer)
            assert torch.zeros(1).device.type == "meta"
            torch.set_default_device(None)
            _step(model, optimizer)
            torch.set_default_device("meta")
        assert modes() == 1
        with handgrad.watch(model):
            _step(model, optimizer)
            torch.set_default_device(None)
    finally:
        torch.set_default_device(None)
    assert modes() == 0
    assert torch.zeros(1).device.type == "cpu"
    assert _dead(gates.report()) >= DEAD


CALLS: dict[str, Callable[[Tensor], Any]] = {
    "torch.min(a, b)": lambda a: torch.min(a, a.clamp(0.8, 1.2)),
    "a.min(b)": lambda a: a.min(a * 2),
    "torch.min(a, other=b)": lambda a: torch.min(a, other=a + 1),
    "torch.max(a, b)": lambda a: torch.max(a, a * 2),
    "torch.minimum": lambda a: torch.minimum(a, torch.tensor(0.0)),
    "torch.min(a)": lambda a: torch.min(a),
    "a.min(0)": lambda a: a.min(0),
    "a.min(dim=1, keepdim=True)": lambda a: a.min(dim=1, keepdim=True),
    "z - min(z, 0)": lambda a: a - torch.min(a, torch.zeros_like(a)),
    "a.amin((0, 1))": lambda a: a.amin((0, 1)),
    "torch.var(a, unbiased)": lambda a: torch.var(a, False),
    "a.norm(2, 1)": lambda a: a.norm(2, 1),
    "torch.einsum by numbers": lambda a: torch.einsum(a, [0, 1], a, [0, 2], [0, 1, 2]),
    "a.__rmatmul__(b)": lambda a: a.T.__rmatmul__(a),
    "a.split([1, 2], 1)": lambda a: a.split([1, 2], 1),
    "nested": lambda a: torch.nested.as_nested_tensor([a, a]).relu().unbind()[0],
}
"""What is done with the outputs."""


def _flat(out: Any) -> list[Tensor]:
    return [torch.as_tensor(t) for t in ([out] if isinstance(out, Tensor) else list(out))]


@pytest.mark.parametrize("call", CALLS)
def test_any_call_gives_what_it_gives(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "RAISES", True)
    x = torch.randn(16, 6)
    plain = CALLS[call](_model()(x))
    model = _model()
    with handgrad.watch(model) as gates:
        out = CALLS[call](model(x))
    for mine, theirs in zip(_flat(plain), _flat(out), strict=True):
        assert torch.equal(mine, theirs)
    assert _dead(gates.report()) >= DEAD


def test_a_mistake_of_ours_is_noted_and_is_none_of_the_programs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the call and after it; the program's call is made once, and its own error is its own."""
    made: list[int] = []

    def before(tracer: Any, func: Any, args: Any, kwargs: Any) -> Any:
        raise RuntimeError("ours, before")

    def after(tracer: Any, func: Any, args: Any, kwargs: Any) -> Any:
        func(*args, **kwargs)
        made.append(1)
        raise IndexError("ours, after")

    tables = {**spellings.TABLES, "tanh_": before, "add_": after}
    monkeypatch.setattr("handgrad.watching.session.TABLES", tables)
    model, count = _model(), torch.zeros(3)
    with handgrad.watch(model) as gates:
        model(torch.randn(8, 6)).sum().backward()
        count.add_(1)
        torch.ones(2).tanh_()
        with pytest.raises(RuntimeError, match="must match"):
            count.add_(torch.ones(2))
    assert count.tolist() == [1, 1, 1]
    assert made
    told = " ".join(gates.report().unseen)
    assert "a call of tanh_" in told
    assert "ours, before" in told
    assert "ours, after" in told
    assert "must match" not in told
    monkeypatch.setattr(passing, "RAISES", True)
    with pytest.raises(IndexError, match="ours, after"), handgrad.watch(_model()):
        count.add_(1)


def test_a_mistake_of_ours_in_the_backward_pass_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def back(*args: Any) -> None:
        raise RuntimeError("ours, backward")

    monkeypatch.setattr("handgrad.watching.counters.WatchedGate.back", back)
    model = _model()
    with handgrad.watch(model) as gates:
        model(torch.randn(8, 6)).sum().backward()
    assert model.fc1.weight.grad is not None
    assert "ours, backward" in " ".join(gates.report().unseen)


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_inference_mode(first: bool) -> None:
    """The counters outlive it, and go on in it."""
    model = _model()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with handgrad.watch(model) as gates:
        if not first:
            _step(model, optimizer)
        with torch.inference_mode():
            for _ in range(40):
                assert model(torch.randn(32, 6)).is_inference()
                assert torch.is_inference_mode_enabled()
        assert torch.is_grad_enabled()
        _step(model, optimizer)
    units = gates.report().units
    assert {u.unit for u in units if not u.fired} == DEAD
    assert {u.cases for u in units} == {32 * (41 if first else 42)}


def test_a_keyboard_interrupt_leaves_no_profiler_on() -> None:
    model = _model()
    broken = model.fc2.register_forward_hook(_interrupt)
    with pytest.raises(KeyboardInterrupt), handgrad.watch(model):
        model(torch.randn(8, 6))
    assert not Untyped.autograd._profiler_enabled()
    with handgrad.watch(model) as gates:
        with suppress(KeyboardInterrupt):
            model(torch.randn(8, 6))
        broken.remove()
        for _ in range(3):
            model(torch.randn(8, 6)).sum().backward()
            assert not Untyped.autograd._profiler_enabled()
    # The steps go on, the model being known to be no longer running; the interrupted call is of the first.
    assert gates.report().steps == 3
    assert modes() == 0


def _interrupt(*args: Any) -> None:
    raise KeyboardInterrupt


def test_the_first_call_from_two_threads_at_once() -> None:
    both, ended = threading.Barrier(2), threading.Event()

    class Slow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = _model()

        def forward(self, x: Tensor, first: bool) -> Any:
            both.wait()
            out = self.inner(x)
            if not first:
                ended.wait()
            return out

    model, wrong = Slow(), []

    def call(first: bool) -> None:
        try:
            model(torch.randn(8, 6), first)
        except RuntimeError as error:
            wrong.append(error)
        ended.set()

    with handgrad.watch(model) as gates:
        threads = [threading.Thread(target=call, args=(first,)) for first in (True, False)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
    assert not Untyped.autograd._profiler_enabled()
    assert {u.cases for u in gates.report().units} == {16}
    assert not gates.report().unseen


def test_what_is_traced_is_written_down_as_it_is() -> None:
    model, x = _model(), torch.randn(8, 6)
    plain = torch.jit.trace(model, x, check_trace=False)
    with handgrad.watch(model) as gates:
        traced = torch.jit.trace(model, x, check_trace=False)
    kinds, seen = ([n.kind() for n in t.inlined_graph.nodes()] for t in (plain, traced))
    assert kinds == seen
    report = gates.report()
    assert not report.units
    assert report.forwards == 0
    assert "torch.jit.trace" in " ".join(report.unseen)


def test_nested_tensors_are_said_not_to_be_seen() -> None:
    model = _model()
    x = torch.nested.nested_tensor([torch.randn(3, 6), torch.randn(2, 6)])
    with handgrad.watch(model) as gates:
        assert model(x).is_nested
    assert gates.report().unseen == ("gates on nested tensors",)


def test_a_program_of_torchscript_is_refused_in_one_line() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    with pytest.raises(handgrad.OptionError, match=r"TorchScript.*before torch\.jit\.script"):
        handgrad.watch(torch.jit.script(model))


def test_a_check_of_nothing_does_not_pass() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    gates = handgrad.watch(model)
    with pytest.raises(handgrad.OptionError, match="nothing was watched"):
        gates.check()
    with gates:
        model(torch.randn(4, 2))
    with pytest.raises(handgrad.OptionError, match="no gate was seen"):
        gates.check()
