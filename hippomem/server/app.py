"""The app: routes, checks around them, and what is open behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

import hippomem
from hippomem.errors import HippomemError
from hippomem.models.embedder import Embedder
from hippomem.server.access import Guard
from hippomem.server.describing import DESCRIPTION, describe
from hippomem.server.errors import on_framework_error, on_hippomem_error, on_invalid
from hippomem.server.metrics import Counting, Metrics
from hippomem.server.routes import admin, health, memories, search
from hippomem.server.running import Running
from hippomem.server.settings import ServerSettings

#: Says in the description that a key goes into the header; `CheckedRoute` is what asks for it.
_KEY = HTTPBearer(
    scheme_name="API key",
    description="`hippomem keys create` makes one. A loopback server whose store has no key needs none.",
    bearerFormat="hm_…",
    auto_error=False,
)
_TAGS = [
    {"name": "memories", "description": "Add, list, read, correct, forget."},
    {"name": "search", "description": "Passages, context blocks, trails."},
    {"name": "namespaces", "description": "Tenants, and what they hold."},
    {"name": "health", "description": "Liveness, readiness, metrics. No key is needed."},
]


def create_app(
    settings: ServerSettings, *, embedder: Embedder | None = None, on_failure: Callable[[], None] = lambda: None
) -> FastAPI:
    """The app of one server process. Store and model are opened when it starts and closed when it stops.

    embedder: one that is at hand, instead of the settings' one.
    on_failure: called when they cannot be opened; ``app.state.running.failure`` says why.
    """
    metrics = Metrics()
    running = Running(settings, metrics, embedder=embedder, on_failure=on_failure)
    app = FastAPI(
        title="hippomem",
        version=hippomem.__version__,
        description=DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=_TAGS,
        generate_unique_id_function=lambda route: route.name,
        docs_url=None,  # their scripts come from a CDN
        redoc_url=None,
        lifespan=partial(_lifespan, running),
        exception_handlers={
            HippomemError: on_hippomem_error,
            RequestValidationError: on_invalid,
            HTTPException: on_framework_error,
        },
    )
    app.state.running = running
    for group in (memories, search, admin):
        app.include_router(group.router, dependencies=[Security(_KEY)])
    app.include_router(health.router)
    app.state.routes = [route for group in (memories, search, admin, health) for route in group.router.routes]
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    app.add_middleware(
        Guard,
        host=settings.host,
        allowed_hosts=settings.allow_hosts,
        allowed_origins=settings.allow_origins,
        max_body=settings.max_body,
    )
    app.add_middleware(Counting, metrics=metrics)  # around all, so that what the guard refuses counts too
    return app


@asynccontextmanager
async def _lifespan(running: Running, _: FastAPI) -> AsyncIterator[None]:
    running.open()
    try:
        yield
    finally:
        await running.close()


def from_environment() -> FastAPI:
    """The app of a worker process, with the settings that its parent left (`ServerSettings.to_environment`)."""
    return create_app(ServerSettings.from_environment())
