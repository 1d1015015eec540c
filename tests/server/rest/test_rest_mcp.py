"""REST, page and MCP are one server over one memory."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from hippomem.server.access import Keys
from tests.server.rest.conftest import Served, error_of

pytest.importorskip("mcp", reason="the mcp package is not installed")


async def call(url: str, tool: str, key: str | None = None, **arguments: Any) -> Any:
    """One call of a tool by the official client; its structured result."""
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        return await client.call_tool(tool, arguments)


def test_what_one_remembers_the_others_find(served: Served) -> None:
    """A text that a model remembers over MCP is found over REST, and the other way round."""
    asyncio.run(call(served.url, "remember", text="Comet Sorrel was discovered at Gull Rock."))
    assert served.found("Comet Sorrel") == ["Comet Sorrel was discovered at Gull Rock."]
    served.add("Lighthouse Vega was built by Ida Holm.")
    found = asyncio.run(call(served.url, "recall", query="Who built Lighthouse Vega?"))
    assert "Ida Holm" in str(found.content)
    assert served.client.get("/").headers["content-type"].startswith("text/html")


def test_keys_and_hosts_are_asked_there_too(served: Served) -> None:
    """Without a key 401, under another name 421; requests to /mcp are counted like others."""
    served.add("Here.", namespace="mine")
    _, key = Keys(served.running.tenants.store).create("model", "write", ["mine"])
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"accept": "application/json, text/event-stream"}
    assert error_of(served.client.post("/mcp", json=ping, headers=accept)) == (401, "UnauthenticatedError")
    evil = served.client.post("/mcp", json=ping, headers={**accept, "host": "evil.example"})
    assert error_of(evil) == (421, "HostError")
    assert "Here." in str(asyncio.run(call(served.url, "recall", key, query="Here")).content)
    assert 'hippomem_requests_total{method="POST",route="/mcp",status="200"}' in served.client.get("/metrics").text
