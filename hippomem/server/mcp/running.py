"""A process that serves MCP and nothing else."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from hippomem.server.listening import listening
from hippomem.server.upkeep import forget_expired, make_ready
from hippomem.service.tenants import Tenants

log = logging.getLogger("hippomem.mcp")
#: Seconds between two looks for what has expired. Searches leave it out at once; this takes it out of the file.
_EXPIRE_EVERY = 60.0
#: Seconds that calls get to end when the server is asked to stop.
_GRACE = 5
_BACKLOG = 128


def serve_stdio(path: Path, *, embedder: str | None, namespace: str, user: str | None) -> None:
    """Serve one client on standard input and output until it goes. Raises ConfigError, StoreError, ModelError."""
    from hippomem.server.mcp.stdio import serve

    log_to_stderr()
    with Tenants(path, embedder=embedder) as tenants:

        async def main() -> None:
            async with upkeep(tenants, namespace=namespace), anyio.create_task_group() as tasks:
                if sys.platform != "win32":
                    tasks.start_soon(_end_at_signal, tenants)
                await serve(tenants, namespace=namespace, user=user)
                tasks.cancel_scope.cancel()

        anyio.run(main)


def serve_http(
    path: Path,
    *,
    embedder: str | None,
    namespace: str | None,
    user: str | None,
    host: str,
    port: int,
    allowed_hosts: Sequence[str],
    allowed_origins: Sequence[str],
    rate: int,
) -> None:
    """Serve streamable HTTP until the process is asked to stop.

    Raises ConfigError (a public address without keys, a port in use), StoreError, ModelError.
    """
    import uvicorn

    from hippomem.server.access import Access, Keys, RateLimit, check_address
    from hippomem.server.mcp.http import PATH, served_app

    log_to_stderr()
    log_requests()
    with Tenants(path, embedder=embedder) as tenants:
        check_address(host, has_keys=Keys(tenants.store).any(), allowed_hosts=allowed_hosts)
        access = Access(tenants.store, host=host, allowed_hosts=allowed_hosts)
        app = served_app(
            tenants,
            access,
            RateLimit(rate),
            namespace=namespace,
            user=user,
            host=host,
            allowed_hosts=allowed_hosts,
            allowed_origins=allowed_origins,
            around=lambda: upkeep(tenants, namespace=namespace),
        )
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=_GRACE)
        # uvicorn raises the signal that ended it once more when all is done; by default that would skip the closing here.
        before = signal.signal(signal.SIGTERM, lambda *_: None)
        try:
            with listening(host, port) as listener:
                listener.listen(_BACKLOG)  # who reads the line below may come at once
                sys.stderr.write(f"MCP at http://{_shown(listener)}{PATH}\n")
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            signal.signal(signal.SIGTERM, before)
            access.close()


@asynccontextmanager
async def upkeep(tenants: Tenants, *, namespace: str | None = None) -> AsyncIterator[None]:
    """Make ready for the first search, and forget what has expired, meanwhile. namespace: the one that will be asked."""

    async def keep() -> None:
        await anyio.to_thread.run_sync(make_ready, tenants, log, namespace)
        await forget_expired(partial(anyio.to_thread.run_sync, tenants.expire), _EXPIRE_EVERY, log)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep)
        yield
        tasks.cancel_scope.cancel()


async def _end_at_signal(tenants: Tenants) -> None:
    """End the process at a signal, as soon as what is being written is.

    From inside: the thread that waits for input cannot be woken, and an orderly end would wait for it.
    """
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            with anyio.move_on_after(_GRACE):
                await anyio.to_thread.run_sync(tenants.close, abandon_on_cancel=True)
            os._exit(128 + number)


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Log to standard error: standard output is the protocol's."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def log_requests() -> None:
    """One line of JSON a request, as Guard writes it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("hippomem.server.access")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
