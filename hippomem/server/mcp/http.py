"""Over streamable HTTP: many clients, each known by its API key, at one path of a web app.

Stateless: a request says all that is needed to answer it, so that any of several processes can. There is no stream from the
server besides the answers, and GET is refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from hippomem.errors import HippomemError
from hippomem.server.access import Access, Caller, Guard, RateLimit, admit, error_response
from hippomem.server.access.guard import MAX_BODY
from hippomem.server.mcp.reach import ByKey, Reach
from hippomem.server.mcp.server import Context, McpServer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from hippomem.service.tenants import Tenants

PATH = "/mcp"
#: Says who a request comes from. Raises UnauthenticatedError, RateLimitError.
Admit = Callable[["Scope"], Awaitable[Caller]]
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - these are recognised, not bound to


class McpEndpoint:
    """The ASGI app at `PATH`. It answers while `run` is entered, once, in the lifespan of the app around it.

    tenants: called with each request, after *admit*.    admit: who asks.
    namespace, user: settled for all callers, or None: by the caller's key, all users.
    host, allowed_hosts, allowed_origins: as for `Guard`, which looks at them more closely and belongs around the whole app.
    """

    def __init__(
        self,
        tenants: Callable[[], Tenants],
        admit: Admit,
        *,
        namespace: str | None = None,
        user: str | None = None,
        host: str = "127.0.0.1",
        allowed_hosts: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
        max_body: int = MAX_BODY,
    ) -> None:
        self._admit = admit
        self._namespace, self._user = namespace, user
        #: Where `mount` put it.
        self.route: Route | None = None
        self._sessions = StreamableHTTPSessionManager(
            McpServer(tenants, self._reach).protocol,
            stateless=True,
            security_settings=transport_security(host, allowed_hosts, allowed_origins),
            max_request_body_size=max_body,
        )

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serve meanwhile."""
        async with self._sessions.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request of ASGI."""
        assert scope["type"] == "http"
        if self.route is not None:
            scope["route"] = self.route  # FastAPI names its own routes only, and the log and metrics go by the name
        if scope["method"] != "POST":
            # The protocol allows it: a server that sends nothing on its own offers no stream, and without sessions there is
            # nothing to delete. A stream that stays open would only hold a shutdown up.
            await Response(status_code=405, headers={"allow": "POST"})(scope, receive, send)
            return
        try:
            scope.setdefault("state", {})["caller"] = await self._admit(scope)
        except HippomemError as error:
            answer = error_response(error, scope["state"].get("request_id"))
            await Response(answer.body, answer.status, answer.headers)(scope, receive, send)
            return
        await self._sessions.handle_request(scope, receive, send)

    def _reach(self, context: Context) -> Reach:
        assert context.request is not None, "over HTTP every message comes in a request"
        caller: Caller = context.request.scope["state"]["caller"]
        return ByKey(caller, self._namespace, self._user)


def mount(app: Starlette, endpoint: McpEndpoint, *, path: str = PATH) -> None:
    """Serve *endpoint* at *path* of a Starlette or FastAPI app, which must not have started yet."""
    endpoint.route = Route(path, endpoint=endpoint, include_in_schema=False)
    app.router.routes.insert(0, endpoint.route)  # before what takes all paths
    around = app.router.lifespan_context

    @asynccontextmanager
    async def both(inner: Any) -> AsyncIterator[Any]:
        async with around(inner) as state, endpoint.run():
            yield state

    app.router.lifespan_context = both


def served_app(
    tenants: Tenants,
    access: Access,
    limit: RateLimit,
    *,
    namespace: str | None = None,
    user: str | None = None,
    host: str = "127.0.0.1",
    allowed_hosts: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
    around: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> Guard:
    """A whole app of nothing but MCP, behind a Guard. Arguments as for `McpEndpoint` and `Guard`.

    around: entered while it runs.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with around():
            yield

    endpoint = McpEndpoint(
        lambda: tenants,
        partial(anyio.to_thread.run_sync, partial(admit, access=access, limit=limit)),
        namespace=namespace,
        user=user,
        host=host,
        allowed_hosts=allowed_hosts,
        allowed_origins=allowed_origins,
    )
    app = Starlette(lifespan=lifespan)
    mount(app, endpoint)
    return Guard(app, host=host, allowed_hosts=allowed_hosts, allowed_origins=allowed_origins)


def transport_security(host: str, hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> TransportSecuritySettings:
    """The SDK's own check of Host and Origin, for loopback names and those given, with and without a port.

    It knows names and no rule: for a server on all addresses, which answers to any of them, it is off, and Guard's holds.
    """
    if host in _EVERYWHERE:
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    names = [*_LOOPBACK, f"[{host}]" if ":" in host else host, *hosts]
    allowed = [f"{scheme}://{name}" for scheme in ("http", "https") for name in names]
    return TransportSecuritySettings(
        allowed_hosts=[form for name in names for form in (name, f"{name}:*")],
        allowed_origins=[*(form for origin in allowed for form in (origin, f"{origin}:*")), *origins],
    )
