"""A process that serves MCP and nothing else."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from hippomem.errors import HippomemError
from hippomem.service.tenants import Tenants

log = logging.getLogger("hippomem.mcp")
#: Seconds between two looks for memories that have expired. Searches leave them out at once; this takes them out of the file.
_EXPIRE_EVERY = 60.0
#: Seconds that calls get to end when the server is asked to stop.
_GRACE = 5


def serve_stdio(path: Path, *, embedder: str | None, namespace: str, user: str | None) -> None:
    """Serve one client on standard input and output until it goes. Raises ConfigError, StoreError, ModelError."""
    from hippomem.server.mcp.stdio import serve_stdio as serve

    log_to_stderr()
    tenants = Tenants(path, embedder=embedder)

    async def main() -> None:
        async with upkeep(tenants):
            await serve(tenants, namespace=namespace, user=user)

    try:
        anyio.run(main)
    finally:
        tenants.close()


def serve_http(
    path: Path,
    *,
    embedder: str | None,
    namespace: str | None,
    user: str | None,
    host: str,
    port: int,
    allowed_hosts: Iterable[str],
    allowed_origins: Iterable[str],
    rate: int,
) -> None:
    """Serve streamable HTTP until the process is asked to stop. Raises ConfigError (a public address without keys) and so on."""
    import uvicorn

    from hippomem.server.access import Access, Guard, Keys, RateLimit, admit, check_address
    from hippomem.server.mcp.http import McpEndpoint, app_of

    log_to_stderr()
    tenants = Tenants(path, embedder=embedder)
    access = None
    try:
        check_address(host, has_keys=Keys(tenants.store).any(), allowed_hosts=allowed_hosts)
        access = Access(tenants.store, host=host, allowed_hosts=allowed_hosts)
        limit = RateLimit(rate)
        endpoint = McpEndpoint(
            lambda: tenants,
            lambda scope: anyio.to_thread.run_sync(admit, scope, access, limit),
            namespace=namespace,
            user=user,
            allowed_hosts=(host, *allowed_hosts),
            allowed_origins=allowed_origins,
        )
        app = app_of(endpoint, around=lambda: upkeep(tenants))
        guarded = Guard(app, host=host, allowed_hosts=allowed_hosts, allowed_origins=allowed_origins)
        config = uvicorn.Config(
            guarded, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE
        )
        uvicorn.Server(config).run()
    finally:
        if access is not None:
            access.close()
        tenants.close()


@asynccontextmanager
async def upkeep(tenants: Tenants) -> AsyncIterator[None]:
    """Forget what has expired, meanwhile."""

    async def expire() -> None:
        while True:
            try:
                await anyio.to_thread.run_sync(tenants.expire)
            except HippomemError as error:  # busy, or a full disk: the next time will do
                log.warning("expired memories could not be forgotten: %s", error)
            await anyio.sleep(_EXPIRE_EVERY)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(expire)
        yield
        tasks.cancel_scope.cancel()


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Standard output is the protocol's. Of an error the class and the places go to the log, and not its words: they may
    repeat a text that somebody wants forgotten.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
