"""A callback of Keras, on its PyTorch backend: `model.fit(…, callbacks=[KerasGateCallback()])`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from handgrad.errors import OptionError
from handgrad.watching.session import GateWatch


class KerasGateCallback(keras.callbacks.Callback):  # type: ignore[misc,unused-ignore]
    """Watches the gates of the model while it is fitted.

    Arguments:
        every: a step in so many is watched.
        dead: at the end, the largest share of a layer's units that may be dead; None for any.

    `gates` is the watch, once fitting has begun. A unit is a column of its layer's kernel. Raises
    `OptionError` on another backend, whose loop PyTorch does not run.
    """

    gates: GateWatch

    def __init__(self, every: int = 1, dead: float | None = None) -> None:
        super().__init__()
        self.every, self.dead = every, dead

    def on_train_begin(self, logs: Any = None) -> None:
        backend = keras.backend.backend()
        if backend != "torch":
            raise OptionError(
                f"Keras runs on {backend}",
                where="KerasGateCallback",
                mend="set KERAS_BACKEND=torch",
            )
        self.gates = GateWatch(self.model, self.every, names=_named)
        self.gates.__enter__()

    def on_train_end(self, logs: Any = None) -> None:
        self.gates.__exit__(None, None, None)
        if self.dead is not None:
            self.gates.check(self.dead)


def _named(model: Any) -> Iterator[tuple[str, Any]]:
    for variable in model.variables:
        yield variable.path, variable.value
