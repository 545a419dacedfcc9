"""The lab as an ASGI application. It keeps nothing: a problem comes with every request, and goes with it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import handgrad
from handgrad.formats.html.document import stylesheet
from handgrad.lab.answers import ANSWERS, DOWNLOAD, Answer
from handgrad.lab.guard import Guard
from handgrad.lab.metrics import Metrics
from handgrad.lab.workers import Workers

SCRIPTS = {
    "theme.js": "handgrad.formats.html",
    **dict.fromkeys(
        ("lab.js", "link.js", "look.js", "patch.js", "predict.js", "steps.js"), "handgrad.lab"
    ),
}
"""What browsers load, by the package that it stands in."""

NAMES = {"/new": "new", "/lab": "lab"}


def application(
    opening: str | None = None,
    *,
    workers: int = 2,
    seconds: float = 5.0,
    hosts: tuple[str, ...] = (),
) -> Starlette:
    """The lab.

    Arguments:
        opening: the text of a problem that is shown first; the start page by default.
        workers: processes that work answers out.
        seconds: how long an answer may take.
        hosts: the names under which it may be asked for; any by default. On a machine of one's own
            they keep other sites from asking it under a name of theirs.
    """
    pool, metrics = Workers(workers, seconds), Metrics()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await pool.start()
        yield
        await pool.stop()

    async def answer(name: str, asked: dict[str, Any]) -> Response:
        begun = time.perf_counter()
        found = await pool.answer(name, asked)
        metrics.count(name, found.status, time.perf_counter() - begun)
        return _response(found)

    async def ask(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ANSWERS and name != DOWNLOAD:
            return PlainTextResponse("there is no such answer", 404)
        try:
            asked = json.loads(await request.body())
        except (ValueError, RecursionError):
            return JSONResponse({"error": {"text": "the request is not JSON"}}, 400)
        if not isinstance(asked, dict):
            return JSONResponse({"error": {"text": "the request is no object"}}, 400)
        return await answer(name, asked)

    async def start(request: Request) -> Response:
        return await answer("start", {"text": opening} if opening is not None else {})

    async def document(request: Request) -> Response:
        given = {**request.query_params, **request.path_params}
        return await answer(NAMES.get(request.url.path, "bundled"), given)

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": handgrad.__version__})

    async def measured(request: Request) -> Response:
        return PlainTextResponse(metrics.text(pool.replaced))

    return Starlette(
        routes=[
            Route("/", start),
            Route("/problems/{problem}", document, name="bundled"),
            Route("/new", document, name="new"),
            Route("/lab", document, name="lab"),
            Route("/answers/{name}", ask, methods=["POST"]),
            Route("/lab.css", _style),
            *(Route(f"/{script}", _script) for script in SCRIPTS),
            Route("/health", health),
            Route("/metrics", measured),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
        lifespan=lifespan,
    )


def _response(answer: Answer) -> Response:
    headers = {"Cache-Control": "no-store"}
    if answer.file:
        headers["Content-Disposition"] = f'attachment; filename="{answer.file}"'
    return Response(answer.content, answer.status, headers, answer.kind)


async def _style(request: Request) -> Response:
    return _file(request, stylesheet(("handgrad.lab", "lab.css")), "text/css; charset=utf-8")


async def _script(request: Request) -> Response:
    name = request.url.path.strip("/")
    text = _read(SCRIPTS[name], name)
    return _file(request, text, "text/javascript; charset=utf-8")


@cache
def _read(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text("utf-8")


def _file(request: Request, text: str, kind: str) -> Response:
    """A file that is asked for again only where it has changed."""
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(text, 200, headers, kind)
