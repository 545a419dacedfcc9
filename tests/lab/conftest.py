"""The lab, served on a port of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import pytest

pytest.importorskip("starlette", reason="starlette is not installed")
httpx = pytest.importorskip("httpx", reason="httpx is not installed")
uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")


def bundled_text(name: str) -> str:
    """The text of a bundled problem."""
    return (resources.files("handgrad.problems") / f"{name}.toml").read_text("utf-8")


@contextmanager
def served(**settings: Any) -> Iterator[str]:
    """The address of a lab, opened with lab9."""
    from handgrad.lab.server import application

    app = application(bundled_text("lab9"), hosts=("127.0.0.1",), **settings)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A lab with one worker, which has time."""
    with served(workers=1, seconds=20) as address:
        yield address


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[Any]:
    """What asks it."""
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client
