"""The MCP server as a part of another app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from hippomem.errors import UnauthenticatedError
from hippomem.server.access import Caller, Keys
from hippomem.server.mcp.http import McpEndpoint, mount
from tests.server.mcp.driving import Served, running

if TYPE_CHECKING:
    from hippomem.service.tenants import Tenants
    from tests.server.mcp.driving import Session


def make(kind: str, lifespan: Any) -> Any:
    """An app with a page of its own."""
    if kind == "fastapi":
        fastapi = pytest.importorskip("fastapi", reason="fastapi is not installed")
        app = fastapi.FastAPI(lifespan=lifespan)
        app.get("/")(lambda: "a page")
        return app
    return Starlette(routes=[Mount("/", routes=[Route("/", lambda _: PlainTextResponse("a page"))])], lifespan=lifespan)


@pytest.mark.parametrize("kind", ["starlette", "fastapi"])
def test_it_lives_in_another_app(kind: str, tenants: Tenants, keys: Keys) -> None:
    """The app keeps its pages and its lifespan; what opens with the app is there when the first request comes."""
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        events.append("opened")
        yield
        events.append("closed")

    async def admit(scope: Any) -> Caller:
        assert events == ["opened"]
        if b"authorization" not in dict(scope["headers"]):
            raise UnauthenticatedError("no key was sent.")
        return Caller("k1", "test", "write", frozenset({"red"}))

    app = make(kind, lifespan)
    mount(app, McpEndpoint(lambda: tenants, admit))

    async def work(s: Session) -> str:
        await s.data("remember", text="The hare runs.")
        return await s.words("recall", query="Who runs?")

    with running(app) as origin:
        assert "The hare runs." in Served(tenants, f"{origin}/mcp").ask(work, key="any")
        with httpx2.Client(trust_env=False) as http:
            assert "a page" in http.get(f"{origin}/").text
            assert http.post(f"{origin}/mcp", json={}).status_code == 401
            foreign = {
                "authorization": "Bearer any",
                "host": "evil.example",
                "accept": "application/json, text/event-stream",
            }
            assert http.post(f"{origin}/mcp", json={}, headers=foreign).status_code == 421, "the SDK's own check"
    assert events == ["opened", "closed"]
    assert tenants.namespaces() == ["red"]
