"""A client of the SDK with short words, and a real uvicorn on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from hippomem.service.tenants import Tenants

T = TypeVar("T")
#: Opens a connection in the protocol before the newest.
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


@dataclass
class Session:
    """An open client, with short words for what tests do."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """A tool's result, failed or not."""
        return await self.client.call_tool(tool, arguments)

    async def data(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured content of a call that succeeds."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, text(result)
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    async def words(self, tool: str, **arguments: Any) -> str:
        """What a model reads of a call that succeeds."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, text(result)
        return text(result)

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """What a model reads of a call that fails."""
        result = await self.call(tool, **arguments)
        assert result.is_error, text(result)
        return text(result)


def text(result: CallToolResult) -> str:
    """The one block of text of a result."""
    (block,) = result.content
    assert block.type == "text"
    return block.text


@dataclass
class Served:
    """A server that runs."""

    tenants: Tenants
    url: str

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.url.removesuffix("/mcp")

    def ask(
        self, work: Callable[[Session], Awaitable[T]], *, key: str | None = None, mode: str = "auto", **options: Any
    ) -> T:
        """What *work* finds through the official client. mode: "auto": the newest protocol, "legacy": the one before."""

        async def main() -> T:
            headers = {} if key is None else {"authorization": f"Bearer {key}"}
            async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http:
                transport = streamable_http_client(self.url, http_client=http)
                async with Client(transport, mode=mode, **options) as client:
                    return await work(Session(client))

        return asyncio.run(main())

    def post(self, body: Any, **headers: str) -> httpx2.Response:
        """One raw request."""
        with httpx2.Client(trust_env=False) as http:
            return http.post(self.url, json=body, headers={"accept": "application/json, text/event-stream"} | headers)


@contextmanager
def running(app: Any) -> Iterator[str]:
    """A server on a free port of 127.0.0.1; its origin."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15)
        listening.close()
    assert not thread.is_alive()
