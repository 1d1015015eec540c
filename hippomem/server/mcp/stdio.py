"""Over standard input and output: one client, who started this process. Nothing but the protocol goes to stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.server.stdio import stdio_server

from hippomem.server.mcp.reach import Fixed
from hippomem.server.mcp.server import McpServer

if TYPE_CHECKING:
    from hippomem.service.tenants import Tenants


async def serve(tenants: Tenants, *, namespace: str, user: str | None = None) -> None:
    """Serve until the client closes standard input."""
    reach = Fixed(namespace, user)
    protocol = McpServer(lambda: tenants, lambda _: reach).protocol
    async with stdio_server() as (read, write):
        await protocol.run(read, write, protocol.create_initialization_options())
