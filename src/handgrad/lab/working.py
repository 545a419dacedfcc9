"""What a worker process does: answer what it is asked, one after the other, until nobody asks any more."""

from __future__ import annotations

import gc
import json
import os
import sys
from contextlib import suppress

from handgrad.lab.answers import answered

MEMORY = 4_000_000_000
"""Bytes of addresses that a worker may use, where the system keeps count."""

YOUNG = 100_000
"""Objects that are made before cycles are looked for among them."""


def work() -> None:
    """Answers on standard output what is asked on standard input."""
    _limit_memory()
    # An answer makes much and keeps little: looking for cycles in it takes a sixth of its time.
    gc.set_threshold(YOUNG)
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Nothing that is printed by mistake comes between.
    with suppress(KeyboardInterrupt, BrokenPipeError):
        while line := asked.readline():
            name, length = json.loads(line)
            answer = answered(name, json.loads(asked.read(length)))
            head = [answer.status, answer.kind, answer.file, len(answer.content)]
            answers.write(json.dumps(head).encode() + b"\n" + answer.content)
            answers.flush()


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
