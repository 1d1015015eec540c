"""What every request must be before the app sees it, and what every response carries: an ASGI middleware around all."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hippomem.errors import AccessError, HostError, OriginError, UnsupportedMediaError
from hippomem.server.access.exchange import Exchange, too_large
from hippomem.server.access.hosts import Hosts

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

MAX_BODY = 16 * 2**20
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_JSON = re.compile(r"application/json\s*(?:;\s*charset\s*=\s*\"?utf-?8\"?\s*)?", re.ASCII | re.IGNORECASE)
#: Closing code of WebSocket: the policy of this server forbids it.
_POLICY = 1008


class Guard:
    """ASGI middleware: lets through what was meant for this server, is not too large and is JSON; answers the rest itself.

    host: the address the server listens on.    allowed_hosts, allowed_origins: as for `Hosts`.
    max_body: bytes of a body, counted as they come in, whatever its headers say.

    A request gets an id (its own ``x-request-id`` if that is short and plain) in ``scope["state"]["request_id"]``, in the
    response and in the log. Errors are answered in one form (answers.py), those of the framework and those that nobody
    expected too. One line of JSON a request goes to the logger ``hippomem.server.access``; the app can add the caller to it
    by ``scope["state"]["caller"]`` (`admit` does). Wrap it around the whole app: ``Guard(app, …)``. What is no HTTP at all
    does not come here: the HTTP server answers that with 400.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str = "127.0.0.1",
        allowed_hosts: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
        max_body: int = MAX_BODY,
    ) -> None:
        self.app = app
        self.hosts = Hosts(host, allowed_hosts, allowed_origins)
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection of ASGI."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["request_id"] = _request_id(scope)
            exchange = Exchange(scope, receive, send, max_body=self.max_body)
            await exchange.run(self.app, refusal=self._refusal(scope))
        elif scope["type"] == "websocket" and self._misplaced(scope) is not None:
            await receive()
            await send({"type": "websocket.close", "code": _POLICY, "reason": ""})
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> AccessError | None:
        """What is wrong with a request, as far as its headers say."""
        if (error := self._misplaced(scope)) is not None:
            return error
        lengths = _all(scope, b"content-length")
        if not _all(scope, b"transfer-encoding") and all(length.strip("0") == "" for length in lengths):
            return None  # no body
        if any(_is_over(length, self.max_body) for length in lengths):
            return too_large(self.max_body)
        if [coding for coding in _all(scope, b"content-encoding") if coding.strip().lower() != "identity"]:
            return UnsupportedMediaError("the body is compressed; send it as it is, without content-encoding.")
        kinds = _all(scope, b"content-type")
        if len(kinds) != 1 or not _JSON.fullmatch(kinds[0].strip()):
            return UnsupportedMediaError(
                "a body must be JSON in UTF-8 and say so; send `content-type: application/json`."
            )
        return None

    def _misplaced(self, scope: Scope) -> AccessError | None:
        hosts = _all(scope, b"host")
        if len(hosts) != 1 or not self.hosts.allow_host(hosts[0]):
            return HostError(
                "this server is not served under the Host of this request; use the address that it was started with, "
                "or start it with that host allowed."
            )
        origins = _all(scope, b"origin")
        if len(origins) > 1 or not all(self.hosts.allow_origin(origin, hosts[0]) for origin in origins):
            return OriginError(
                "pages of this Origin may not ask this server; start it with that origin allowed if they should."
            )
        return None


def _all(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for header, value in scope["headers"] if header == name]


def _is_over(length: str, limit: int) -> bool:
    # Python refuses to read numbers of thousands of digits; nothing of twenty is within a limit.
    return len(length) > 20 or (length.isascii() and length.isdigit() and int(length) > limit)


def _request_id(scope: Scope) -> str:
    given = _all(scope, b"x-request-id")
    return given[0] if given and _REQUEST_ID.fullmatch(given[0]) else uuid.uuid4().hex
