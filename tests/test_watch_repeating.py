"""Steps that repeat the calls of the first, and steps that do not: what is counted is the same either way."""

# mypy: disable-error-code="operator, no-untyped-call, misc"

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import handgrad
from handgrad.watching import passing
from tests.watch_zoo import ZOO, Mlp, kill

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True, scope="module")
def _mistakes_of_ours_are_raised() -> Any:
    passing.RAISES = True
    yield
    passing.RAISES = False


class Wandering(nn.Module):
    """A network that takes another way in each call, as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.end = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.counts = {
            "a": torch.zeros(6, dtype=torch.int64),
            "b": torch.zeros(6, dtype=torch.int64),
        }
        self.cases = {"a": 0, "b": 0}

    def _gated(self, name: str, x: Tensor, spelling: int) -> Tensor:
        z = getattr(self, name)(x)
        with torch.no_grad(), torch._C.DisableTorchFunction():
            self.counts[name] += (z > 0).sum(0)
            self.cases[name] += len(z)
        if spelling == 0:
            return functional.relu(z)
        if spelling == 1:
            return torch.clamp(z, min=0)
        if spelling == 2:
            masked: Tensor = z * (z > 0)
            return masked
        pooled: Tensor = functional.max_pool1d(functional.relu(z)[:, None], 1).squeeze(1)
        return pooled

    def forward(self, x: Tensor, way: str, spelling: int) -> Tensor:
        for name in way:
            x = functional.dropout(self._gated(name, x, spelling), 0.0, self.training)
        out: Tensor = self.end(x)
        return out


STEPS = st.tuples(
    st.sampled_from(["a", "b", "ab", "ba", "aa", "abab"]),
    st.integers(0, 3),
    st.sampled_from([1, 4, 300]),
    st.booleans(),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=8), st.sampled_from([1, 2]))
def test_whatever_way_each_step_takes(steps: list[Any], every: int) -> None:
    """Against a count of one's own within the model: each call of each layer is counted, once."""
    torch.manual_seed(len(steps))
    model = Wandering()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with handgrad.watch(model, every) as gates:
        for number, (way, spelling, cases, gradients) in enumerate(steps):
            if number % every:
                before = {n: c.clone() for n, c in model.counts.items()}, dict(model.cases)
            with torch.set_grad_enabled(gradients):
                out = model(torch.randn(cases, 6), way, spelling)
            if gradients:
                out.sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            if number % every:
                model.counts, model.cases = before
    report = gates.report()
    for name in "ab":
        units = report.of(name)
        if model.cases[name]:
            assert [u.fired for u in units] == model.counts[name].tolist()
            assert {u.cases for u in units} == {model.cases[name]}
        else:
            assert not units


def _stepped(optimizer: Any, call: Callable[[], Tensor]) -> None:
    optimizer.zero_grad()
    call().sum().backward()
    optimizer.step()


def test_a_part_that_is_called_alone_later_is_counted() -> None:
    model = Mlp(nn.ReLU())
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    x = torch.randn(8, 6)
    with handgrad.watch(model) as gates:
        for _ in range(4):
            _stepped(optimizer, lambda: model(x))
        assert (
            torch._C._len_torch_function_stack() == 0
        )  # outside of the model nothing is looked at
        for _ in range(3):
            _stepped(optimizer, lambda: model.fc2(model.gate(model.fc1(x))))
    assert {u.cases for u in gates.report().units} == {56}
    assert {u.unit for u in gates.report().dead} == {(2,), (5,)}


def test_a_mask_of_another_call_is_no_gate() -> None:
    """Two calls of one layer make what is alike in all but its numbers: the mask of one shuts nothing of the other."""

    class Crossed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.end = nn.Linear(4, 5), nn.Linear(5, 1)

        def forward(self, x: Tensor) -> Tensor:
            first, second = self.fc(x), self.fc(x + 1)
            out: Tensor = self.end(second * (first > 0))
            return out

    model = Crossed()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with handgrad.watch(model) as gates:
        for _ in range(5):
            _stepped(optimizer, lambda: model(torch.randn(8, 4)))
    assert not gates.report().units


def test_a_model_that_calls_itself() -> None:
    class Nested(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)
            kill(self.fc, 1)

        def forward(self, x: Tensor, depth: int = 2) -> Tensor:
            h = functional.relu(self.fc(x))
            if depth:
                h = self(h, depth - 1)
            out: Tensor = self.fc(functional.relu(self.fc(h)))
            return out

    model = Nested()
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    with handgrad.watch(model) as gates:
        for _ in range(4):
            _stepped(optimizer, lambda: model(torch.randn(8, 4)))
    assert {u.cases for u in gates.report().units} == {4 * 6 * 8}
    assert [u.unit for u in gates.report().dead] == [(1,)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("cases", [1, 255, 256, 700])
def test_counts_of_many_cases(dtype: torch.dtype, cases: int) -> None:
    """On either side of what a byte holds, with numbers that are none among them."""
    torch.manual_seed(cases)
    model = nn.Sequential(nn.Conv1d(2, 3, 2), nn.ReLU()).to(dtype)
    x = torch.randn(cases, 2, 4, dtype=dtype)
    z = model[0](x).detach()
    if cases > 1:
        x[1] = torch.nan
    with handgrad.watch(model) as gates, torch.no_grad():
        model(x)
    keep = torch.arange(cases) != 1
    fired = (z[keep].amax(2) > 0).sum(0)
    report = gates.report()
    assert [u.fired for u in report.units] == fired.tolist()
    if cases == 1:
        assert [u.max_preactivation for u in report.units] == pytest.approx(z.amax((0, 2)).tolist())
    else:
        assert {u.verdict for u in report.units} == {"not_finite"}


def test_what_is_zero_of_a_part_of_a_weight() -> None:
    """Entries of gradients that are called 0 are, by the places of the whole parameters."""
    torch.manual_seed(0)
    model = ZOO["parts_of_weights"]().model
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with handgrad.watch(model) as gates:
        for _ in range(3):
            _stepped(optimizer, lambda: model(torch.randn(16, 6)))
    report = gates.report()
    named = {(z.name, z.part, z.position) for u in report.dead for z in u.zeros}
    assert {
        ("whole.weight", "row", 3),
        ("whole.bias", "entry", 3),
        ("turned", "column", 5),
    } <= named
    assert ("whole.weight", "row", 9) in named
    assert ("whole.bias", "entry", 9) not in named  # that row has a bias of its own
    for name, along, place in named:
        gradient = model.get_parameter(name).grad
        assert gradient is not None
        assert not gradient.select(1 if along == "column" else 0, place).any()


def test_threads_at_once_remember_their_own_calls() -> None:
    """What one thread meets between two lines of another's is none of that one's."""
    model = Mlp(functional.relu)
    inputs = [torch.randn(16, 6) for _ in range(6)]

    def run(x: Tensor) -> None:
        with torch.no_grad():
            for _ in range(20):
                model(x)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(4):
            with handgrad.watch(model) as gates:
                threads = [threading.Thread(target=run, args=(x,)) for x in inputs]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            with torch.no_grad():
                fired = sum((model.fc1(x) > 0).sum(0) for x in inputs)
            assert [u.fired for u in gates.report().units] == (20 * fired).tolist()
    finally:
        sys.setswitchinterval(interval)
