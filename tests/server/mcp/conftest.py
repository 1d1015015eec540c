"""The MCP server behind a real uvicorn on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hippomem.server.access import Access, Keys, RateLimit
from hippomem.server.mcp.http import served_app
from hippomem.service.tenants import Tenants
from hippomem.testing import HashEmbedder
from tests.server.mcp.driving import Served, running

Serve = Callable[..., Served]


@pytest.fixture
def tenants(tmp_path: Path) -> Iterator[Tenants]:
    """A store in a file, embedded by word hashing."""
    with Tenants(tmp_path / "notes.hippo", embedder=HashEmbedder()) as opened:
        yield opened


@pytest.fixture
def serve(tenants: Tenants) -> Iterator[Serve]:
    """``serve(rate=…, tenants=…, namespace=…)``: a server that runs until the test ends."""
    with ExitStack() as stack:

        def start(*, rate: int = 0, tenants: Tenants = tenants, **options: Any) -> Served:
            access = Access(tenants.store)
            stack.callback(access.close)
            app = served_app(tenants, access, RateLimit(rate), **options)
            return Served(tenants, stack.enter_context(running(app)) + "/mcp")

        yield start


@pytest.fixture
def served(serve: Serve) -> Served:
    """A server without keys."""
    return serve()


@pytest.fixture
def keys(tenants: Tenants) -> Keys:
    """The API keys of the store."""
    return Keys(tenants.store)
