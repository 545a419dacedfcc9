"""The lab: a problem's solution in a browser, where every given number can be changed and everything follows.

`handgrad lab` serves it on a machine of one's own; `handgrad.lab:app` is the same for any ASGI server. It needs the
libraries of `handgrad[lab]`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from handgrad.errors import MissingExtraError
from handgrad.lab.sharing import packed as packed
from handgrad.lab.sharing import unpacked as unpacked

if TYPE_CHECKING:
    from starlette.applications import Starlette

    app: Starlette


def application(*arguments: Any, **settings: Any) -> Starlette:
    """The lab as an ASGI application; see `handgrad.lab.server.application`.

    Raises `MissingExtraError` where its libraries are not installed.
    """
    try:
        from handgrad.lab import server
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("handgrad"):
            raise
        raise MissingExtraError(
            f"the lab needs {(error.name or 'starlette').partition('.')[0]}",
            mend="pip install 'handgrad[lab]'",
        ) from None
    return server.application(*arguments, **settings)


def __getattr__(name: str) -> Any:
    """`app`, made when a server asks for it, with what the environment says.

    `HANDGRAD_LAB_WORKERS` is how many processes work answers out, for each server process, and
    `HANDGRAD_LAB_SECONDS` how long an answer may take.
    """
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = application(
        workers=int(os.environ.get("HANDGRAD_LAB_WORKERS", "2")),
        seconds=float(os.environ.get("HANDGRAD_LAB_SECONDS", "5")),
    )
    globals()["app"] = made
    return made
