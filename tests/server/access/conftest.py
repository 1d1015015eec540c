"""A real store, a small app behind the Guard, and a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from hippomem.errors import NotFoundError
from hippomem.server.access import Access, Guard, RateLimit, admit
from hippomem.store import Store

#: What an unexpected error of the app says: it must reach neither a client nor the log.
SECRET = "Anna keeps the key under the mat"


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store: to make one waits for the disk many times, to copy one does not."""
    path = tmp_path_factory.mktemp("empty") / "notes.hippo"
    Store.open(path).close()
    return path


@pytest.fixture
def store(tmp_path: Path, empty: Path) -> Iterator[Store]:
    """An empty store in a file."""
    with Store.open(shutil.copy(empty, tmp_path / "notes.hippo"), create=False) as opened:
        yield opened


@dataclass
class Served:
    """A server that runs. seen: what the app noted."""

    url: str
    port: int
    seen: list[Any]
    log: Callable[..., list[dict[str, Any]]]
    access: Access

    def client(self, **headers: str) -> httpx.Client:
        """A client that asks nobody else."""
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, verify=False)  # noqa: S501 - no TLS

    def raw(self, sent: bytes, *, seconds: float = 10) -> bytes:
        """What comes back for these bytes, until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(sent)
            received = b""
            while piece := connection.recv(65536):
                received += piece
            return received


def small_app(access: Access, limit: RateLimit, seen: list[Any]) -> Starlette:
    """Routes that do what an app may do, right and wrong."""

    async def echo(request: Request) -> Response:
        body = await request.body()
        seen.append(len(body))
        return JSONResponse({"length": len(body)})

    async def unread(request: Request) -> Response:
        return JSONResponse({})

    async def memory(request: Request) -> Response:
        return JSONResponse({"request_id": request.state.request_id})

    async def whoami(request: Request) -> Response:
        caller = admit(request.scope, access, limit)
        return JSONResponse({"name": caller.name, "key_id": caller.key_id})

    async def missing(request: Request) -> Response:
        raise NotFoundError("there is no memory 'm1'; ask for another.")

    async def fail(request: Request) -> Response:
        raise ZeroDivisionError(SECRET)

    async def fail_late(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one "
            raise ZeroDivisionError(SECRET)

        return StreamingResponse(pieces())

    async def wait(request: Request) -> Response:
        seen.append("waiting")
        while not await request.is_disconnected():
            await asyncio.sleep(0.01)
        seen.append("left")
        return JSONResponse({})

    async def steps(request: Request) -> Response:
        go_on = asyncio.Event()
        seen.append((asyncio.get_running_loop(), go_on))

        async def pieces() -> AsyncIterator[bytes]:
            yield b"event: progress\n\n"
            await go_on.wait()
            yield b"event: done\n\n"

        return StreamingResponse(pieces(), media_type="text/event-stream")

    async def hollow(scope: Any, receive: Any, send: Any) -> None:
        """An app that ends without a word."""

    async def detail(request: Request) -> Response:
        return JSONResponse({"detail": "made by a framework"}, 400)

    async def own(request: Request) -> Response:
        return JSONResponse({"error": {"code": -32600}, "detail": "too"}, 400, headers={"cache-control": "private"})

    async def metrics(request: Request) -> Response:
        return PlainTextResponse("up 1")

    async def socket_route(websocket: WebSocket) -> None:
        seen.append("websocket")
        await websocket.accept()
        await websocket.close()

    return Starlette(
        routes=[
            Route("/v1/echo", echo, methods=["POST", "GET", "DELETE", "PATCH"]),
            Route("/v1/unread", unread, methods=["POST"]),
            Route("/v1/memories/{memory_id}", memory),
            Route("/v1/whoami", whoami),
            Route("/v1/missing", missing),
            Route("/v1/fail", fail),
            Route("/v1/fail-late", fail_late),
            Route("/v1/wait", wait),
            Route("/v1/steps", steps),
            Route("/v1/detail", detail),
            Route("/v1/own", own),
            Route("/metrics", metrics),
            Mount("/hollow", hollow),
            Mount("/mcp", routes=[Route("/tools/{tool}", memory)]),
            WebSocketRoute("/socket", socket_route),
        ]
    )


@dataclass
class Lines(logging.Handler):
    """Keeps what the access log says."""

    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.texts.append(record.getMessage())

    def __call__(self, count: int = 1) -> list[dict[str, Any]]:
        """The lines, as soon as there are so many: a line is written when its response has been sent."""
        until = time.monotonic() + 5
        while len(self.texts) < count and time.monotonic() < until:
            time.sleep(0.005)
        assert len(self.texts) >= count
        assert all("\n" not in text for text in self.texts)
        return [json.loads(text) for text in self.texts]


Serve = Callable[..., Served]


class Switch:
    """An app that can be exchanged while its server runs: to start and stop one for each test would take a minute."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One connection, by the app of the moment."""
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[Switch, int]]:
    """A server on a free port of 127.0.0.1."""
    switch = Switch()
    with _running(switch) as port:
        yield switch, port


@pytest.fixture
def serve(store: Store, running: tuple[Switch, int]) -> Iterator[Serve]:
    """``serve(max_body=…, allowed_hosts=…)``: the small app behind a Guard of its own."""
    switch, port = running
    logger = logging.getLogger("hippomem.server.access")
    level = logger.level
    logger.setLevel(logging.INFO)
    with ExitStack() as stack:
        stack.callback(logger.setLevel, level)

        def start(limit: RateLimit | None = None, **settings: Any) -> Served:
            lines = Lines()
            logger.addHandler(lines)
            stack.callback(logger.removeHandler, lines)
            names = {name: settings[name] for name in ("host", "allowed_hosts") if name in settings}
            access = Access(store, **names)
            stack.callback(access.close)
            seen: list[Any] = []
            switch.app = Guard(small_app(access, limit or RateLimit(0), seen), **settings)
            return Served(f"http://127.0.0.1:{port}", port, seen, lines, access)

        yield start


@contextmanager
def _running(app: Any) -> Iterator[int]:
    config = uvicorn.Config(
        app, "127.0.0.1", 0, log_config=None, access_log=False, ws="websockets-sansio", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()
