"""The callbacks of Lightning and Keras, and scalars in TensorBoard."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import handgrad
from tests.watch_zoo import Mlp

pytestmark = pytest.mark.filterwarnings("ignore")


def _data() -> Any:
    torch.manual_seed(0)
    pairs = torch.utils.data.TensorDataset(torch.randn(64, 6), torch.randint(0, 3, (64,)))
    return torch.utils.data.DataLoader(pairs, batch_size=16)


def test_lightning(tmp_path: Path) -> None:
    lightning: Any = pytest.importorskip("lightning.pytorch", exc_type=(ImportError, RuntimeError))  # type: ignore[arg-type]
    from handgrad.watching.lightning import GateCallback

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = Mlp(functional.relu)

        def training_step(self, batch: Any, index: int) -> Any:
            x, y = batch
            return functional.cross_entropy(self.net(x), y)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.01)

    told: list[dict[str, float]] = []

    class Logger(lightning.loggers.CSVLogger):  # type: ignore[misc]
        def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
            told.append(metrics)

    callback = GateCallback(dead=0.2)
    trainer = lightning.Trainer(
        max_epochs=2, callbacks=[callback], logger=Logger(str(tmp_path)), accelerator="cpu",
        enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Module(), _data())
    report = callback.gates.report()
    assert {(u.weight, u.unit) for u in report.dead} == {("net.fc1.weight", (k,)) for k in (2, 5)}
    assert report.steps == 8
    assert {u.cases for u in report.units} == {128}
    assert any(t.get("gates/net.fc1/dead") == pytest.approx(0.2) for t in told)


KERAS = """
import keras, numpy as np
from handgrad.watching.keras import KerasGateCallback
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu", name="hidden"), keras.layers.Dense(1)])
kernel, bias = model.get_layer("hidden").get_weights()
bias[:] = 0.5; bias[3] = -60
model.get_layer("hidden").set_weights([kernel, bias])
model.compile("sgd", "mse")
callback = KerasGateCallback()
model.fit(np.random.normal(size=(64, 6)), np.zeros((64, 1)), epochs=2, batch_size=16, verbose=0, callbacks=[callback])
report = callback.gates.report()
print([(u.weight.split("/", 1)[-1], u.unit, u.cases) for u in report.dead], report.steps)
"""


@pytest.mark.sweep
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_keras(backend: str) -> None:
    pytest.importorskip("keras")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KERAS],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    if backend == "torch":
        assert run.stdout.split("\n")[0].endswith("(3,), 128)] 8"), run.stdout + run.stderr
        assert "kernel" in run.stdout
    else:
        assert "Keras runs on jax (set KERAS_BACKEND=torch)" in run.stderr


def test_tensorboard(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    writer = tensorboard.SummaryWriter(str(tmp_path))
    model: nn.Module = Mlp(functional.relu)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with handgrad.watch(
        model, log=lambda s: [writer.add_scalar(k, v, int(s["gates/step"])) for k, v in s.items()]
    ):
        for _ in range(40):
            model(torch.randn(8, 6)).sum().backward()
            optimizer.step()
    writer.close()
    event = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = event.EventAccumulator(str(tmp_path))
    found.Reload()
    scalars = [(e.step, e.value) for e in found.Scalars("gates/fc1/dead")]
    assert scalars == [(33, pytest.approx(0.2)), (40, pytest.approx(0.2))]
