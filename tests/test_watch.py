"""Gates watched in a loop: found in whatever spelling, with nothing changed and nothing left behind."""

# mypy: disable-error-code="operator, no-untyped-call, misc"

from __future__ import annotations

import copy
import importlib
import itertools
import math
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn
from torch.nn import functional
from torch.optim.optimizer import _global_optimizer_post_hooks

import handgrad
from handgrad.watching import passing
from handgrad.watching.session import GateWatch
from tests.schemas import validate
from tests.slow import one_in
from tests.watch_processes import together
from tests.watch_zoo import ZOO, Animal, Mlp, kill, rows

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _mistakes_of_ours_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which a program that is watched never sees."""
    monkeypatch.setattr(passing, "RAISES", True)


def _steps(animal: Animal, train: bool, watched: bool) -> tuple[list[Tensor], GateWatch | None]:
    """Three steps; all numbers that a person could look at afterwards."""
    animal.model.train(train)
    torch.manual_seed(1)
    learned = [p for p in animal.model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learned, 1e-3, momentum=0.9)
    seen: list[Tensor] = []
    watch = handgrad.watch(animal.model) if watched else None

    def loop() -> None:
        for _ in range(3):
            if not train:
                with torch.no_grad():
                    seen.append(animal())
                continue
            optimizer.zero_grad()
            out = animal()
            loss = out.float().pow(2).mean()
            loss.backward()
            seen.extend([out.detach().clone(), loss.detach()])
            seen.extend(p.grad.clone() for p in learned if p.grad is not None)
            optimizer.step()

    if watch is None:
        loop()
    else:
        with watch:
            loop()
    seen.extend(v.clone() for v in animal.model.state_dict().values())
    return [*seen, torch.get_rng_state()], watch


@pytest.mark.parametrize(("name", "train"), one_in(3, itertools.product(ZOO, [True, False])))
def test_of_the_zoo(name: str, train: bool) -> None:
    """Exactly the units that were made dead are dead, and results are the same bit for bit."""
    plain, _ = _steps(ZOO[name](), train, watched=False)
    animal = ZOO[name]()
    numbers, watch = _steps(animal, train, watched=True)
    assert len(plain) == len(numbers)
    assert all(torch.equal(a, b) for a, b in zip(plain, numbers, strict=True))
    assert watch is not None
    report = watch.report()
    gates = {layer.name for layer in report.layers if layer.gate}
    assert {(u.weight, u.unit) for u in report.units if u.dead and u.layer in gates} == animal.dead
    assert sum(layer.units for layer in report.layers if layer.gate) == animal.gates
    others = {(u.weight, u.unit): u.verdict for u in report.units if not u.dead and u.verdict != "alive"}  # fmt: skip
    starved = animal.starved if train else set()
    if starved is not None:
        assert others == dict.fromkeys(starved, "starved")
    assert not report.unseen
    if train and animal.seen:
        assert not any(math.isnan(layer.gradient_out) for layer in report.layers)
    validate(report.to_json(), "watched")


def _trained(model: nn.Module, steps: int, every: int = 1, **options: Any) -> GateWatch:
    torch.manual_seed(3)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    with handgrad.watch(model, every, **options) as gates:
        for _ in range(steps):
            optimizer.zero_grad()
            functional.cross_entropy(
                model(torch.randn(32, 6)), torch.randint(0, 3, (32,))
            ).backward()
            optimizer.step()
    return gates


def test_counts_against_a_count_of_ones_own() -> None:
    model = Mlp(functional.relu)
    torch.manual_seed(3)
    batches = [torch.randn(32, 6) for _ in range(5)]
    with handgrad.watch(model) as gates:
        for x in batches:
            model(x).pow(2).sum().backward()
    fired, largest = torch.zeros(10), torch.full((10,), -math.inf)
    passing, arriving = torch.zeros(10), torch.zeros(10)
    for number, x in enumerate(batches):
        z = model.fc1(x).detach()
        h = functional.relu(z).requires_grad_()
        model.fc2(h).pow(2).sum().backward()
        assert h.grad is not None
        fired += (z > 0).sum(0)
        largest = torch.maximum(largest, z.max(0).values)
        if number % 4 == 0:  # gradients are looked at in one step of four
            arriving += h.grad.abs().sum(0)
            passing += (h.grad * (z > 0)).abs().sum(0)
    units = gates.report().units
    assert [u.fired for u in units] == fired.int().tolist()
    assert [u.max_preactivation for u in units] == pytest.approx(largest.tolist(), rel=1e-6)
    assert [u.gradient * 2 for u in units] == pytest.approx(passing.tolist(), rel=1e-5)
    stopped = (arriving - passing).tolist()
    assert [u.blocked * 2 for u in units] == pytest.approx(stopped, rel=1e-4, abs=1e-4)


def test_who_died_at_which_step_and_who_came_back() -> None:
    model = Mlp(functional.relu, 0)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    torch.manual_seed(0)
    with handgrad.watch(model) as gates:
        for step in range(1, 61):
            with torch.no_grad():
                if step == 20:
                    model.fc1.bias[3] = -80.0
                if step == 45:
                    model.fc1.bias[3] = 0.5
                if step == 50:
                    model.fc1.bias[7] = -80.0
            optimizer.zero_grad()
            functional.cross_entropy(
                model(torch.randn(32, 6)), torch.randint(0, 3, (32,))
            ).backward()
            optimizer.step()
    report = gates.report()
    turns = [(t.kind, t.weight, t.unit, t.step) for t in report.turns]
    assert turns == [
        ("died", "fc1.weight", (3,), 20),
        ("revived", "fc1.weight", (3,), 45),
        ("died", "fc1.weight", (7,), 50),
    ]
    assert {(u.unit, u.dead_since) for u in report.dead} == {((0,), 1), ((7,), 50)}
    (layer,) = report.layers
    assert layer.dead == 2
    assert dict(layer.dead_at)[60] == 2


def test_a_rare_unit_is_not_called_dead() -> None:
    """One that fires in one case of two hundred is nearly dead at most, however long it is silent between."""
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        model[0].weight[:] = torch.tensor([[1.0], [1.0]])
        model[0].bias[:] = torch.tensor([0.0, -2.58])
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    torch.manual_seed(0)
    with handgrad.watch(model) as gates:
        for _ in range(150):
            optimizer.zero_grad()
            model(torch.randn(16, 1)).sum().backward()
            optimizer.step()
    report = gates.report()
    assert [u.verdict for u in report.units] == ["alive", "nearly_dead"]
    assert not report.turns


def test_an_evaluation_asks_for_all_of_it() -> None:
    """Without updates a unit that fires in the first batch alone is alive, not dead."""
    model = Mlp(functional.relu, 1)
    batches = [torch.randn(64, 6) for _ in range(40)]
    with torch.no_grad():
        model.fc1.weight[4] = 0
        model.fc1.weight[4, 0] = 1
        model.fc1.bias[4] = -20
    batches[0][0, 0] = 25.0
    with handgrad.watch(model) as gates, torch.no_grad():
        for x in batches:
            model(x)
    report = gates.report()
    assert {u.unit for u in report.dead} == {(1,)}
    assert {u.unit: u.fired for u in report.units}[(4,)] == 1
    assert (report.steps, report.updates) == (40, 0)
    assert next(u.cases for u in report.units) == 40 * 64


@pytest.mark.parametrize(("every", "watched"), [(1, 25), (2, 13), (10, 3)])
def test_every(every: int, watched: int) -> None:
    report = _trained(Mlp(functional.relu), 25, every).report()
    assert {u.cases for u in report.units} == {32 * watched}
    assert report.every == every
    assert {u.unit for u in report.dead} == {(2,), (5,)}


def test_steps_of_a_loop_without_an_optimizer() -> None:
    model = Mlp(functional.relu)
    with handgrad.watch(model) as gates:
        for _ in range(7):
            model(torch.randn(8, 6)).sum().backward()
            with torch.no_grad():
                for p in model.parameters():
                    assert p.grad is not None
                    p -= 0.01 * p.grad
                    p.grad = None
    assert (gates.report().steps, gates.report().updates) == (7, 6)


def test_accumulated_gradients_are_one_step() -> None:
    model = Mlp(functional.relu)
    optimizer = torch.optim.Adam(model.parameters())
    with handgrad.watch(model) as gates:
        model.eval()
        with torch.no_grad():
            model(torch.randn(8, 6))
        model.train()
        for k in range(12):
            model(torch.randn(8, 6)).sum().backward()
            if k % 4 == 3:
                optimizer.step()
                optimizer.zero_grad()
    report = gates.report()
    assert (report.steps, report.updates, report.forwards) == (3, 2, 13)


# -- side effects ------------------------------------------------------------------------------------


def _hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def _modes() -> int:
    return torch._C._len_torch_function_stack()


@pytest.mark.parametrize("how", ["ends", "raises"])
def test_nothing_is_left_behind(how: str) -> None:
    model = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), nn.Linear(8, 2))
    forward = nn.TransformerEncoderLayer.forward
    optimizers = len(_global_optimizer_post_hooks)
    checkpoint = torch.utils.checkpoint.CheckpointFunction.backward
    attributes = {n: set(m.__dict__) for n, m in model.named_modules()}
    try:
        with handgrad.watch(model):
            out = model(torch.randn(2, 3, 8))
            assert _modes() == 1
            if how == "raises":
                model(torch.randn(2, 3, 7))
    except (RuntimeError, AssertionError):
        assert how == "raises"
    assert _modes() == 0
    assert _hooks(model) == 0
    assert nn.TransformerEncoderLayer.forward is forward
    assert torch.utils.checkpoint.CheckpointFunction.backward is checkpoint
    assert not torch.nn.modules.module._global_forward_pre_hooks
    assert len(_global_optimizer_post_hooks) == optimizers
    assert {n: set(m.__dict__) for n, m in model.named_modules()} == attributes
    assert not out.__dict__


def test_copies_made_inside_are_free_of_it(tmp_path: Path) -> None:
    model = Mlp(torch.relu)
    with handgrad.watch(model) as gates:
        twin = copy.deepcopy(model)
        kill(twin.fc1, *range(10))
        twin(torch.randn(8, 6))
        model(torch.randn(8, 6))
        torch.save(model, tmp_path / "model.pt")
    assert {u.unit for u in gates.report().dead} == {(2,), (5,)}
    twin(torch.randn(8, 6))
    loaded = torch.load(tmp_path / "model.pt", weights_only=False)
    assert torch.equal(loaded.fc1.weight, model.fc1.weight)
    loaded(torch.randn(8, 6))


def test_activations_are_not_kept_alive() -> None:
    import weakref

    model = Mlp(functional.relu)
    kept: list[weakref.ref[Tensor]] = []
    model.fc1.register_forward_hook(lambda m, a, out: kept.append(weakref.ref(out)))
    with handgrad.watch(model), torch.no_grad():
        model(torch.randn(8, 6))
        assert kept[0]() is None


def test_numbers_that_are_none_are_said() -> None:
    model = Mlp(functional.relu)
    with torch.no_grad():
        model.fc1.weight[6] = math.nan
    report = _trained_once(model)
    verdicts = {u.unit[0]: u.verdict for u in report.units}
    assert verdicts[6] == "not_finite"
    assert verdicts[2] == "dead_on_data"
    assert "not a number" in str(report.to_json())
    assert "not a number" in handgrad.render(report.page())


def _trained_once(model: nn.Module) -> handgrad.Watched:
    with handgrad.watch(model) as gates, torch.no_grad():
        model(torch.randn(64, 6))
    return gates.report()


def test_threads_count_together() -> None:
    model = Mlp(functional.relu)
    inputs = [torch.randn(16, 6) for _ in range(4)]

    def run(x: Tensor) -> None:
        with torch.no_grad():
            model(x)

    with handgrad.watch(model) as gates:
        threads = [threading.Thread(target=run, args=(x,)) for x in inputs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    units = gates.report().units
    with torch.no_grad():
        fired = sum((model.fc1(x) > 0).sum(0) for x in inputs)
    assert [u.fired for u in units] == fired.tolist()


# -- what a zoo cannot have --------------------------------------------------------------------------


@pytest.mark.parametrize("before", [True, False], ids=["compiled_before", "compiled_within"])
def test_a_compiled_model_is_seen(before: bool) -> None:
    model = Mlp(functional.relu)
    compiled = torch.compile(model, backend="eager") if before else None
    x = torch.randn(32, 6)
    with torch.no_grad():
        if compiled is not None:
            compiled(x)
    given: Any = model if compiled is None else compiled
    with handgrad.watch(given, every=2) as gates:
        compiled = torch.compile(model, backend="eager") if compiled is None else compiled
        optimizer = torch.optim.SGD(model.parameters(), 1e-3)
        for _ in range(5):
            optimizer.zero_grad()
            compiled(x).sum().backward()
            optimizer.step()
    report = gates.report()
    assert {(u.weight, u.unit) for u in report.dead} == rows("fc1.weight", 2, 5)
    assert {u.cases for u in report.units} == {3 * 32}
    if before:
        assert "torch.compile" in " ".join(report.notes)
    assert torch._dynamo.eval_frame._stance.stance == "default"


def test_what_a_script_hides_is_said() -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.jit.script(nn.Sequential(nn.Linear(6, 8), nn.ReLU()))
            self.fc, self.out = nn.Linear(8, 8), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.out(functional.relu(self.fc(self.inner(x))))
            return out

    report = _trained_once(Outer())
    assert {u.weight for u in report.units} == {"fc.weight"}
    told = " ".join(report.unseen)
    assert "the scripted module inner" in told
    assert "one call of relu" in told


def test_log_check_and_errors() -> None:
    told: list[dict[str, float]] = []
    gates = _trained(Mlp(functional.relu), 40, log=told.append)
    assert told[-1]["gates/dead"] == pytest.approx(0.2)
    assert told[-1]["gates/fc1/dead"] == pytest.approx(0.2)
    assert [t["gates/step"] for t in told] == [33, 40]
    gates.check(dead=0.2)
    with pytest.raises(handgrad.DeadUnitsError, match="fc1: 2 of 10 units are dead"):
        gates.check(dead=0.1)
    with pytest.raises(AssertionError):
        gates.check(dead=0.1)
    with pytest.raises(handgrad.OptionError, match="from 0 to 1"):
        gates.check(dead=3)
    with pytest.raises(handgrad.OptionError, match=r"str is no torch\.nn\.Module"):
        handgrad.watch("model")  # type: ignore[arg-type]
    bad: list[Any] = [0, -1, 1.5, "2", None, True]
    for every in bad:
        with pytest.raises(handgrad.OptionError, match="not a whole number"):
            handgrad.watch(Mlp(functional.relu), every)
    with pytest.raises(handgrad.OptionError, match="no function"):
        handgrad.watch(Mlp(functional.relu), log=3)  # type: ignore[arg-type]
    groups: list[Any] = ["x", True, 0, [0, 1]]
    for group in groups:
        with pytest.raises(handgrad.OptionError, match="is no process group"):
            handgrad.watch(Mlp(functional.relu), group=group)
    with pytest.raises(handgrad.OptionError, match="entered once"), gates:
        pass


def test_torch_is_asked_for_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        return None

    module = importlib.import_module("handgrad.watching.watch")
    monkeypatch.setattr(module, "find_spec", missing)
    with pytest.raises(handgrad.MissingExtraError, match=r"pip install 'handgrad\[torch\]'"):
        handgrad.watch(object())  # type: ignore[arg-type]


def test_the_sentence_on_a_dead_unit_is_true_of_the_gradients() -> None:
    model = Mlp(functional.relu)
    gates = _trained(model, 20)
    unit = next(u for u in gates.report().units if u.unit == (2,))
    told = next(u["text"] for u in gates.report().to_json()["units"] if u["unit"] == [2])
    assert (
        "Row 2 of the gradient of fc1.weight, entry 2 of that of fc1.bias and column 2 of that of fc2.weight are "
        "therefore zero." in told
    )
    assert "Its input is data" in told
    assert unit.last_fired == 0
    grads = {n: p.grad for n, p in model.named_parameters()}
    for zero in unit.zeros:
        gradient = grads[zero.name]
        assert gradient is not None
        taken = gradient[:, zero.position] if zero.part == "column" else gradient[zero.position]
        assert not taken.any()


def test_a_penalty_on_the_weights_is_no_zero_row() -> None:
    """What is not zero is not said to be: a penalty's gradient reaches a dead unit's weights."""
    model = Mlp(functional.relu)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    with handgrad.watch(model) as gates:
        for _ in range(4):
            optimizer.zero_grad()
            (model(torch.randn(32, 6)).sum() + model.fc1.weight.pow(2).sum()).backward()
            optimizer.step()
    unit = next(u for u in gates.report().units if u.unit == (2,))
    assert {z.name for z in unit.zeros} == {"fc1.bias", "fc2.weight"}
    assert unit.elsewhere


def test_processes_count_together(tmp_path: Path) -> None:
    spawn(together, (str(tmp_path),), nprocs=2)
    for kind in ("ddp", "fsdp"):
        first, second = (torch.load(tmp_path / f"{kind}{rank}.pt") for rank in (0, 1))
        assert first["units"] == second["units"]
        assert first["processes"] == 2
        units = {u["unit"][0]: u for u in first["units"]}
        assert {k for k, u in units.items() if u["verdict"] == "dead_on_data"} == {2, 5, 7}
        assert {u["weight"] for u in first["units"]} == {"fc1.weight"}
        assert {u["cases"] for u in first["units"]} == {2 * 20 * 16}
        assert units[3]["fired"] == 20
        assert not first["unseen"]
