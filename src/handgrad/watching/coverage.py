"""Whether gates were called where the mode does not see them: one call of the model under PyTorch's profiler.

The profiler changes no number, and names every operation, in programs of TorchScript and in C++ too.
"""

from __future__ import annotations

import threading
from typing import Any

import torch

from handgrad.watching import internals
from handgrad.watching.tracing import Tracer

RELU = frozenset(("aten::relu", "aten::relu_"))

WHOLE = frozenset(("aten::rnn_relu", "aten::rnn_relu_cell", "aten::_transformer_encoder_layer_fwd"))
"""Operations that are counted whole."""


class Coverage:
    """Compares what the profiler saw in the first call with what the mode saw."""

    def __init__(self) -> None:
        self._recording = False
        self._thread: int | None = None
        self._lock = threading.Lock()
        self._depth = 0
        self._before = 0
        self._missed = 0
        self.done = False
        """Whether the first call was looked at."""
        self._skipped = False

    def begins(self, tracer: Tracer) -> None:
        """A call of the model begins."""
        with self._lock:
            if self.done or self._thread not in (None, threading.get_ident()):
                return  # another thread makes the first call
            self._thread = threading.get_ident()
        self._depth += 1
        if self._depth > 1:
            return
        cuda: Any = torch.cuda
        on_device = cuda.is_initialized()
        if not internals.recording_is_free() or on_device:
            # It is in use; or it would wait for a device.
            self.done, self._skipped = True, not on_device
            return
        self._before = tracer.relus
        internals.record()
        self._recording = True

    def ends(self, tracer: Tracer) -> None:
        """It has ended."""
        if self.done or not self._recording or self._thread != threading.get_ident():
            return
        self._depth -= 1
        if self._depth:
            return
        self.done, self._recording = True, False
        records = internals.recorded()
        seen = tracer.relus - self._before
        self._missed = max(0, sum(_calls(thread) for thread in records) - seen)

    def stops(self) -> None:
        """The call was left by what no hook is told of, or never ended: nothing is compared."""
        if self._recording and self._thread == threading.get_ident():
            self.done, self._recording = True, False
            internals.recorded()

    def found(self, scripted: list[str]) -> list[str]:
        """What was missed, in words."""
        if self._skipped:
            return ["whether all gates were seen: a profiler of your own is at work"]
        if not self._missed:
            return []
        calls = "one call of relu" if self._missed == 1 else f"{self._missed} calls of relu"
        inside = f", inside {', '.join(scripted)}" if any(scripted) else ""
        return [f"{calls} in each call of the model{inside}"]


def _calls(records: Any) -> int:
    """Calls of relu among the operations of one thread, but for those within an operation that is counted whole."""
    within: set[Any] = set()
    count = 0
    for record in records:
        name = record.name()
        if record.kind() == "push" and (name in RELU or name in WHOLE):
            count += name in RELU and not within
            within.add(record.handle())
        elif record.kind() == "pop":
            within.discard(record.handle())
    return count
