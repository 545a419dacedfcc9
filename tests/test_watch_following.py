"""Steps that repeat those before them, followed with less and less looking: what is counted is all the same."""

# mypy: disable-error-code="operator, no-untyped-call, misc, index"

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import handgrad
from handgrad.watching import kernels, passing

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True, scope="module")
def _mistakes_of_ours_are_raised() -> Any:
    passing.RAISES = True
    yield
    passing.RAISES = False


def chain(*, inplace: bool = False) -> nn.Sequential:
    """PyTorch's own modules in a row, one gate at two places."""
    torch.manual_seed(1)
    gate = nn.ReLU(inplace)
    return nn.Sequential(
        nn.Conv1d(2, 5, 3), gate, nn.Sequential(nn.BatchNorm1d(5), nn.Conv1d(5, 70, 2), nn.ReLU()),
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(210, 9), gate, nn.Linear(9, 3),
    )  # fmt: skip


class Written(nn.Module):
    """The same in a forward of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = chain()

    def forward(self, x: Tensor) -> Tensor:
        conv, _, inner, _, drop, fc, _, last = self.parts
        x = inner[1](inner[0](functional.relu(conv(x))))
        out: Tensor = last(fc(drop(functional.relu(x).flatten(1))).relu())
        return out


def _by_hand(model: Any, x: Tensor, counts: dict[str, Tensor]) -> Tensor:
    """The model's output, with a count of one's own; gradients at gates too."""
    parts = model.parts if isinstance(model, Written) else model

    def gate(name: str, z: Tensor) -> Tensor:
        open_ = (z.amax(2) if z.ndim == 3 else z) > 0
        counts[name] = counts.get(name, torch.zeros(open_.shape[1])) + open_.sum(0)
        z.register_hook(lambda g: counts.update({f"{name} back": _sizes(g)}))
        return functional.relu(z)

    x = parts[2][1](parts[2][0](gate("0", parts[0](x))))
    x = functional.dropout(gate("2.1", x).flatten(1), 0.1, model.training)
    out: Tensor = parts[7](gate("5", parts[5](x)))
    return out


def _sizes(gradient: Tensor) -> Tensor:
    return gradient.abs().transpose(0, 1).flatten(1).sum(1)


def _step(call: Callable[[], Tensor], optimizer: Any) -> None:
    optimizer.zero_grad()
    call().pow(2).mean().backward()
    optimizer.step()


@pytest.mark.parametrize("make", [chain, lambda: chain(inplace=True), Written])
@pytest.mark.parametrize("machine", [True, False])
def test_what_is_counted_is_what_is_there(
    make: Callable[[], nn.Module], machine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit the same steps, and the same counts as a program that counts for itself, with and without C."""
    monkeypatch.setattr(kernels, "_FOUND", [] if machine else [None])
    batches = [torch.randn(n, 2, 6) for n in [8] * 13 + [3, 8, 3, 300, 8]]
    model, twin = make(), make()
    twin.load_state_dict(model.state_dict())
    optimizer, other = (torch.optim.SGD(m.parameters(), 0.05) for m in (model, twin))
    counts: dict[str, Tensor] = {}
    with handgrad.watch(model) as gates:
        for k, x in enumerate(batches):
            torch.manual_seed(k)
            _step(lambda x=x: model(x), optimizer)
            assert not any(m._forward_hooks for m in model.modules() if m is not model)
    for k, x in enumerate(batches):
        torch.manual_seed(k)
        _step(lambda x=x: _by_hand(twin, x, counts), other)
    for mine, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    report, prefix = gates.report(), "parts." if make is Written else ""
    assert not report.unseen
    for name in ("0", "2.1", "5"):
        units = report.of(prefix + name)
        assert [u.fired for u in units] == counts[name].int().tolist()
        assert {u.cases for u in units} == {sum(len(x) for x in batches)}


def test_gradients_at_gates_that_are_followed() -> None:
    """Those of the last step that is listened to, alone in what is counted last."""
    model = chain()
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    x = torch.randn(8, 2, 6)
    model.eval()
    counts: dict[str, Tensor] = {}
    with handgrad.watch(model) as gates:
        for _ in range(12):
            _step(lambda: model(x), optimizer)
    model.zero_grad()
    _by_hand(model, x, counts).pow(2).mean().backward()
    for name in ("0", "2.1", "5"):
        found = [u.gradient for u in gates.report().of(name)]
        assert found == pytest.approx(counts[f"{name} back"].tolist(), rel=1e-5)


def test_no_mode_is_in_effect_in_a_chain() -> None:
    """Which is why it costs so little: told by who calls, as tensors are kept for the backward pass."""
    seen: list[bool] = []

    def kept(t: Tensor) -> Tensor:
        callers = [call.name for call in traceback.extract_stack()]
        seen[-1] |= "__torch_function__" in callers
        return t

    model = chain()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with handgrad.watch(model), torch.autograd.graph.saved_tensors_hooks(kept, lambda t: t):
        for _ in range(10):
            seen.append(False)
            _step(lambda: model(torch.randn(8, 2, 6)), optimizer)
    assert seen[0]
    assert not any(seen[5:])


def _hooked(model: nn.Sequential) -> None:
    model[5].register_forward_hook(lambda m, a, out: functional.relu(out - 100))


def _replaced(model: nn.Sequential) -> None:
    model[6] = nn.GELU()


def _renewed(model: nn.Sequential) -> None:
    model[5] = nn.Linear(210, 7)
    model[7] = nn.Linear(7, 3)


def _overridden(model: nn.Sequential) -> None:
    model[6].forward = lambda x: x


def _evaluated(model: nn.Sequential) -> None:
    model[4].eval()


@pytest.mark.parametrize(
    ("change", "cases"),
    [(_hooked, 20), (_replaced, 10), (_renewed, 10), (_overridden, 10), (_evaluated, 20)],
)
def test_a_chain_that_changes_is_looked_at_again(
    change: Callable[[nn.Sequential], None], cases: int
) -> None:
    model = chain()
    model[6] = nn.ReLU()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    x = torch.randn(8, 2, 6)
    with handgrad.watch(model) as gates:
        for k in range(20):
            if k == 10:
                change(model)
            _step(lambda: model(x), optimizer)
    report = gates.report()
    of_first = [u.cases for u in report.units if u.layer == "0"]
    assert set(of_first) == {20 * 8}
    found = {layer.name: layer for layer in report.layers}
    assert found["5"].cases == 8 * cases
    if change is _renewed:
        assert found["5 (2)"].cases == 8 * 10
        assert found["5 (2)"].units == 7
    if change is _hooked:
        assert all(u.last_fired <= 10 for u in report.of("5"))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_call_that_fails_in_a_chain(error: type[BaseException]) -> None:
    """Its gates that ran are counted, and the next call is another."""
    model = chain()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    x = torch.randn(8, 2, 6)

    def fails(t: Tensor) -> Tensor:
        if t.shape[-1] == 210:
            raise error
        return t

    with handgrad.watch(model) as gates:
        for k in range(12):
            if k == 8:
                with suppress(error), torch.autograd.graph.saved_tensors_hooks(fails, lambda t: t):
                    model(x)
            _step(lambda: model(x), optimizer)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    cases = {layer.name: layer.cases for layer in gates.report().layers}
    assert cases == {"0": 8 * 13, "2.1": 8 * 13, "5": 8 * 12}


def test_two_calls_of_a_chain_in_one_step() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 4))
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    x = torch.randn(8, 4)
    with handgrad.watch(model) as gates:
        for _ in range(12):
            _step(lambda: model(model(x)), optimizer)
    fired = (model[0](x) > 0).sum(0) + (model[0](model(x)) > 0).sum(0)
    assert [u.fired for u in gates.report().units] == (12 * fired).tolist()


@pytest.mark.parametrize("units", [1, 63, 64, 130])
@pytest.mark.parametrize("places", [1, 5, 130])
def test_machine_code_counts_as_pytorch_does(units: int, places: int) -> None:
    """With and without numbers that are none, to the last unit and place."""
    kernels.prepare()
    made = kernels.compiled()
    if made is None:
        pytest.skip("there is no C compiler")
    for cases in (1, 300):
        for broken in (False, True):
            z = torch.randn(cases, units, places) - 2
            if broken:
                z[cases // 2, units - 1, places - 1] = torch.nan
            sizes, fired = torch.zeros(units), torch.ones(units)
            largest = torch.full((units,), -torch.inf)
            made.add_sizes(z.data_ptr(), cases, units, places, sizes.data_ptr())
            torch.testing.assert_close(
                sizes, z.double().abs().sum((0, 2)).float(), equal_nan=True, rtol=3e-6, atol=0
            )
            whole = z.amax(2)
            made.count(whole.data_ptr(), cases, units, fired.data_ptr(), largest.data_ptr())
            assert torch.equal(fired, 1 + (whole > 0).sum(0))
            assert torch.equal(largest.nan_to_num(9), whole.amax(0).nan_to_num(9))


def test_without_a_compiler_numpy_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_FOUND", [])
    monkeypatch.setenv("CC", "there-is-no-such-compiler")
    model = chain()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with handgrad.watch(model) as gates:
        for _ in range(4):
            _step(lambda: model(torch.randn(8, 2, 6)), optimizer)
    assert kernels.compiled() is None
    assert {u.cases for u in gates.report().units} == {32}
