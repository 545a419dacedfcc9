"""The lab served on this machine, for `handgrad lab`."""

from __future__ import annotations

import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path

from handgrad.errors import HandgradError, MissingExtraError, OptionError
from handgrad.lab import application
from handgrad.lab.sharing import MARK, packed, unpacked
from handgrad.problem import load, loads
from handgrad.problem.files import BUNDLED

LOCAL = "127.0.0.1"


def opened(source: str) -> tuple[str, str]:
    """What the lab opens for a bundled problem's name, a file or a link: the text, and the address after the host.

    Numbers that are kept in files are written into the text. Raises `HandgradError`.
    """
    if MARK in source:
        text, view = unpacked(source)
        loads(text, files=False)
        shown = {"decimals": view.decimals, "carry": view.carry, "numbers": view.numbers}
        return text, f"/lab{packed(text, shown | {'entries': view.entries})}"
    path = Path(source) if Path(source).suffix else BUNDLED / f"{source}.toml"
    problem = load(path if path.suffix and Path(source).suffix else source)
    text = path.read_text("utf-8-sig")
    try:
        loads(text, files=False)
    except HandgradError:
        text = problem.to_toml()
    return text, "/"


def serve(
    source: str | None = None,
    port: int = 0,
    browser: bool = True,
    say: Callable[[str], None] = print,
) -> None:
    """Serves the lab on 127.0.0.1 until it is interrupted.

    Arguments:
        source: a bundled problem's name, a file or a link; the start page by default.
        port: 0 for one that is free.
        browser: whether it is opened there.
        say: told the address.

    Raises `OptionError` where the port is taken, and `MissingExtraError` without the libraries of `handgrad[lab]`.
    """
    text, place = opened(source) if source is not None else (None, "/")
    app = application(text, hosts=(LOCAL, "localhost"))
    try:
        import uvicorn
    except ModuleNotFoundError:
        raise MissingExtraError(
            "the lab needs uvicorn", mend="pip install 'handgrad[lab]'"
        ) from None
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOCAL, port))
        except OSError:
            raise OptionError(
                f"port {port} is taken",
                where="--port",
                mend="leave it out, and a free one is found",
            ) from None
        listening.listen(128)  # Who comes before the server is ready waits for it.
        address = f"http://{LOCAL}:{listening.getsockname()[1]}{place}"
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        say(f"{address.partition('#')[0]}  (Ctrl+C ends it)")
        if browser:
            threading.Thread(target=_open, args=(server, address), daemon=True).start()
        server.run([listening])


def _open(server: object, address: str) -> None:
    """Opens the browser once the server answers."""
    while not getattr(server, "started", False):
        time.sleep(0.05)
    webbrowser.open(address)
