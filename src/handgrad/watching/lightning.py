"""A callback of Lightning: `Trainer(callbacks=[GateCallback()])`."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from handgrad.watching.session import GateWatch
from handgrad.watching.watch import watch


class GateCallback(Callback):
    """Watches the gates of the module while it is fitted, and gives their scalars to the trainer's loggers.

    Arguments:
        every: a step in so many is watched.
        dead: at the end, the largest share of a layer's units that may be dead; None for any.

    `gates` is the watch, once fitting has begun: `callback.gates.report()`.
    """

    gates: GateWatch

    def __init__(self, every: int = 1, dead: float | None = None) -> None:
        super().__init__()
        self.every, self.dead = every, dead

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        def log(scalars: dict[str, float]) -> None:
            for logger in trainer.loggers:
                logger.log_metrics(scalars, step=trainer.global_step)

        self.gates = watch(pl_module, self.every, log=log)
        self.gates.__enter__()

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.gates.__exit__(None, None, None)
        if self.dead is not None:
            self.gates.check(self.dead)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        gates: Any = getattr(self, "gates", None)
        if gates is not None:
            gates.__exit__(type(exception), exception, exception.__traceback__)
