"""Processes that work answers out: one that takes too long is ended, and another takes its place.

A process is asked on its standard input, and answers on its standard output: a line of JSON that says what follows and
how many bytes of it, then those.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from handgrad.errors import OptionError
from handgrad.lab.answers import JSON, Answer, error_object

PROGRAM = "from handgrad.lab.working import work; work()"


@dataclass
class Workers:
    """A small pool. Requests wait for a worker that is free.

    Arguments:
        count: how many work at the same time.
        seconds: how long an answer may take.
    """

    count: int = 2
    seconds: float = 5.0
    replaced: int = 0
    # Who was free last is asked first: it knows best what was asked before.
    _free: asyncio.Queue[Process] = field(default_factory=asyncio.LifoQueue)
    _all: set[Process] = field(default_factory=set)

    async def start(self) -> None:
        """Starts the processes, and waits until they are ready."""
        await asyncio.gather(*(self._start_one() for _ in range(self.count)))

    async def stop(self) -> None:
        """Ends them."""
        workers, self._all = self._all, set()
        for worker in workers:
            await _end(worker)

    async def answer(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """The answer of this name; of a problem that takes too long, that it does."""
        worker = await self._free.get()
        try:
            answer = await asyncio.wait_for(_ask(worker, name, asked), self.seconds)
        except TimeoutError:
            await self._replace(worker)
            return _refused(f"the problem takes longer than {self.seconds:g} s")
        except (EOFError, OSError):
            await self._replace(worker)
            return _refused("the problem takes more memory than the lab has")
        except asyncio.CancelledError:
            await self._replace(worker)
            raise
        self._free.put_nowait(worker)
        return answer

    async def _replace(self, worker: Process) -> None:
        self._all.discard(worker)
        self.replaced += 1
        await _end(worker)
        await self._start_one()

    async def _start_one(self) -> None:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        self._all.add(worker)
        # A first answer, for its imports not to be waited for.
        await _ask(
            worker, "page", {"text": "equations = 'L = (2*w - 1)**2'\n[parameters]\nw = 1\n"}
        )
        self._free.put_nowait(worker)


async def _ask(worker: Process, name: str, asked: Mapping[str, Any]) -> Answer:
    """Raises `EOFError` or `OSError` where the process has ended."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    body = json.dumps(asked).encode()
    worker.stdin.write(json.dumps([name, len(body)]).encode() + b"\n" + body)
    await worker.stdin.drain()
    status, kind, file, length = json.loads(await worker.stdout.readline() or "[0, 0, 0, 0]")
    if not status:
        raise EOFError
    return Answer(status, kind, await worker.stdout.readexactly(length), file)


async def _end(worker: Process) -> None:
    with suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()


def _refused(what: str) -> Answer:
    error = OptionError(what, mend="handgrad solve has no limit")
    return Answer(422, JSON, json.dumps({"error": error_object(error, None)}).encode())
