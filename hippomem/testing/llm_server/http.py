"""HTTP/1.1 on asyncio, as much as clients of an API use: bodies with a length, connections that are kept."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from hippomem.testing.wire import Reply, error_body


class BodyError(Exception):
    """A body is not what a handler takes: 400."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request. path: with its query.    headers: names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises BodyError."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BodyError("the body is not JSON") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a request. reply: None hangs up.

    serving: called when the reply is about to be written to a connection that is still open: whoever has an answer finds
    its line in the log.
    """

    reply: Reply | None
    serving: Callable[[], None] = lambda: None


#: Cancelled when its client leaves.
Handler = Callable[[Request], Awaitable[Answer | Reply]]


class Routes:
    """Which handler takes which request."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._below: dict[str, Handler] = {}

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Requests to just that path."""
        self._handlers[method, path] = handler

    def add_below(self, start: str, handler: Handler) -> None:
        """All requests to paths that begin so, and that nobody else has."""
        self._below[start] = handler

    async def answer(self, request: Request) -> Answer:
        """404 for a path that nobody has, 400 for BodyError, 500 for a fault of ours, which is told on standard error."""
        path = request.path.partition("?")[0]
        handler = self._handlers.get((request.method, path)) or next(
            (handler for start, handler in self._below.items() if path.startswith(start)), None
        )
        if handler is None:
            return Answer(Reply(404, error_body(f"no such path: {path}")))
        try:
            answer = await handler(request)
        except BodyError as error:
            answer = Reply(400, error_body(str(error)))
        except Exception as error:
            traceback.print_exception(error)
            answer = Reply(500, error_body(f"the test server has a fault: {error!r}"))
        return Answer(answer) if isinstance(answer, Reply) else answer


class Connection(asyncio.Protocol):
    """One client: its requests one after the other, each answered before the next is begun."""

    def __init__(self, answer: Callable[[Request], Awaitable[Answer]]) -> None:
        self._answer = answer
        self._received = bytearray()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._received += data
        self._begin()

    def connection_lost(self, error: Exception | None) -> None:
        """The client has left: what it asked for is dropped."""
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        if self._task is None and not self._transport.is_closing():
            request = self._next()
            if request is not None:
                self._task = asyncio.get_running_loop().create_task(self._respond(request))

    def _next(self) -> Request | None:
        """The first request that has come whole."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._received[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = headers.get("content-length", "0")
        words = first.split(" ")
        if len(words) != 3 or not length.isdigit() or "transfer-encoding" in headers:
            self._send(Reply(400, error_body("a request line and Content-Length are needed")))
            self._transport.close()
            return None
        body_end = end + 4 + int(length)
        if len(self._received) < body_end:
            return None
        body = bytes(self._received[end + 4 : body_end])
        del self._received[:body_end]
        return Request(words[0], words[1], headers, body)

    async def _respond(self, request: Request) -> None:
        with suppress(asyncio.CancelledError):  # the client has left, or the server ends: nobody waits for this task
            answer = await self._answer(request)
            if self._transport.is_closing():
                return
            answer.serving()
            if answer.reply is None:
                self._transport.close()
            else:
                self._send(answer.reply)
            if request.headers.get("connection", "").lower() == "close":
                self._transport.close()
        self._task = None
        self._begin()

    def _send(self, reply: Reply) -> None:
        body = reply.body
        kind = "application/json"
        if not isinstance(body, str | bytes):
            body = json.dumps(body, ensure_ascii=False)
        elif isinstance(body, str):
            kind = "text/plain; charset=utf-8"
        else:
            kind = "application/octet-stream"
        payload = body.encode() if isinstance(body, str) else body
        phrase = HTTPStatus(reply.status).phrase
        headers = {"Content-Type": kind, "Content-Length": str(len(payload)), **reply.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._transport.write(f"HTTP/1.1 {reply.status} {phrase}\r\n{head}\r\n".encode("latin-1") + payload)
