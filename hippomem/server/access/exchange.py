"""One request and its response, watched from outside the app: counted, mended, and written to the log."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from typing import TYPE_CHECKING, Any

from hippomem.errors import HippomemError, TooLargeError
from hippomem.server.access.answers import Answer, error_response, in_contract

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("hippomem.server.access")
#: Seconds that a client gets to read a refusal while it is still sending: closed at once, it might see only a broken pipe.
LINGER_SECONDS = 2.0
#: What the log says of a client that left before it had the response (as nginx does).
CLIENT_LEFT = 499
_SAFE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


def too_large(limit: int) -> TooLargeError:
    """The error for a body over the limit."""
    return TooLargeError(f"the body is larger than {limit:,} bytes; send it in several requests.")


class Exchange:
    """Stands between one request of the server and the app. Make one for each request, and `run` it once."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, max_body: int) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._max_body = max_body
        self._request_id: str = scope["state"]["request_id"]
        path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
        self._headers = {**_SAFE, "x-request-id": self._request_id}
        if path == "/v1" or path.startswith("/v1/"):
            self._headers["cache-control"] = "no-store"
        self._taken = 0
        self._is_read = False  # the whole body came in
        self._is_gone = False  # the client
        self._is_cut = False  # the app is told that the client left
        self._is_refused = False  # answered here: what the app says is dropped
        self._held: Message | None = None  # start of an error response that may be the framework's
        self._failed: Answer | None = None  # the framework's answer to an error that it will raise again
        self._status: int | None = None  # as sent
        self._is_done = False

    async def run(self, app: ASGIApp, *, refusal: HippomemError | None) -> None:
        """Have the app answer, or *refusal*. Errors end here: they are answered and logged; only cancelling goes on."""
        began = time.perf_counter()
        failure: Exception | None = None
        try:
            if refusal is not None:
                await self._refuse(refusal)
            else:
                failure = await self._answered(app)
            if self._is_refused and not self._is_done:
                await self._linger()
        finally:
            self._log(1000 * (time.perf_counter() - began), failure)

    async def _answered(self, app: ASGIApp) -> Exception | None:
        """Run the app; returns what nobody expected."""
        failure: Exception | None = None
        try:
            await app(self._scope, self.receive, self.send)
            if self._status is None and not self._is_gone:
                await self._whole(self._failed or error_response(RuntimeError(), self._request_id))
        except HippomemError as error:
            await self._answer(error)
        except Exception as error:
            if (self._is_cut or self._is_gone) and type(error).__name__ == "ClientDisconnect":
                return None
            failure = error
            await self._answer(error)
        return failure

    async def receive(self) -> Message:
        """A message for the app. A body over the limit is refused, and looks to the app like a client that left."""
        if self._is_cut:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._is_gone = self._is_gone or not (self._is_done or self._is_refused)
            return message
        self._taken += len(message.get("body", b""))
        self._is_read = not message.get("more_body", False)
        if self._taken > self._max_body:
            await self._refuse(too_large(self._max_body))
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        """A message of the app. Error responses that a framework made by itself get the body that errors have here."""
        if self._is_refused:
            return
        if message["type"] == "http.response.start" and message["status"] >= 400:
            self._held = message
        elif message["type"] == "http.response.start":
            await self._start(message)
        elif self._held is not None and message["type"] == "http.response.body":
            held, self._held = self._held, None
            answer = None
            if not message.get("more_body", False):
                headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in held["headers"]}
                answer = in_contract(
                    held["status"],
                    headers,
                    message.get("body", b""),
                    method=self._scope["method"],
                    request_id=self._request_id,
                )
            if answer is None:
                await self._start(held)
                await self._pass(message)
            elif answer.status == 500:
                self._failed = answer
            else:
                await self._whole(answer)
        else:
            await self._pass(message)

    async def _pass(self, message: Message) -> None:
        # Set before: with the last piece sent, what the server says of a client that left is of no matter.
        self._is_done = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def _start(self, message: Message) -> None:
        """The start of a response, with the headers that all have; what the app says on safety and caching stands."""
        given = [(name, value) for name, value in message.get("headers", ()) if name.lower() != b"x-request-id"]
        names = {name.lower() for name, _ in given}
        ours = [(name.encode(), value.encode()) for name, value in self._headers.items() if name.encode() not in names]
        self._status = message["status"]
        await self._send({**message, "headers": [*given, *ours]})

    async def _whole(self, answer: Answer, *, more_body: bool = False) -> None:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        await self._start({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self._pass({"type": "http.response.body", "body": answer.body, "more_body": more_body})

    async def _answer(self, error: Exception) -> None:
        """Answer an error, if no response has begun; one that has cannot be mended, and the server cuts it off."""
        self._held = None
        if self._status is None:
            await self._whole(error_response(error, self._request_id))

    async def _refuse(self, error: HippomemError) -> None:
        """Answer here and now, whatever is still to come in; the connection ends with it unless all has come in.

        A response that the app has begun is left to it.
        """
        self._is_cut = True
        if self._status is None:
            answer = error_response(error, self._request_id)
            if self._expects_body():
                answer.headers["connection"] = "close"
            self._is_refused = True
            await self._whole(answer, more_body=self._expects_body())

    def _expects_body(self) -> bool:
        names = {name for name, value in self._scope["headers"] if value != b"0"}
        return not self._is_read and bool(names & {b"content-length", b"transfer-encoding"})

    async def _linger(self) -> None:
        """Throw away what the client still sends, for a while, and end the response."""
        names = {name for name, _ in self._scope["headers"]}
        if b"expect" not in names:  # such a client waits for our word, and now has it
            try:
                async with asyncio.timeout(LINGER_SECONDS):
                    message: Message = {"more_body": not self._is_read}
                    while message.get("more_body", False):  # a client that left has no more either
                        message = await self._receive()
            except TimeoutError:
                pass
        await self._pass({"type": "http.response.body", "body": b"", "more_body": False})

    def _route(self) -> str:
        """The pattern of the path, never the path: that has ids."""
        scope = self._scope
        mount = scope.get("root_path", "").removeprefix(scope["app_root_path"]) if "app_root_path" in scope else ""
        pattern = getattr(scope.get("route"), "path", "")
        return (pattern if pattern == mount else mount + pattern) or "-"

    def _log(self, milliseconds: float, failure: Exception | None) -> None:
        """One line of JSON: no text, no query, no id of the path, no key; of an error its class and where it arose."""
        status = CLIENT_LEFT if self._is_gone else self._status
        caller = self._scope["state"].get("caller")
        line: dict[str, Any] = {
            "event": "request",
            "method": self._scope["method"][:16],
            "route": self._route(),
            "status": status,
            "ms": round(milliseconds, 1),
            "key_id": getattr(caller, "key_id", None),
            "request_id": self._request_id,
        }
        if failure is not None:
            frames = traceback.extract_tb(failure.__traceback__)
            line["error"] = type(failure).__name__
            line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        log.log(logging.INFO if failure is None else logging.ERROR, "%s", json.dumps(line))
