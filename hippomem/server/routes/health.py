"""Whether the server lives and is ready, and what Prometheus asks for. No key is needed."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from hippomem.errors import StoreBusyError, UnauthenticatedError
from hippomem.server import responses
from hippomem.server.calls import ARunning, CheckedRoute, Json
from hippomem.server.describing import errors
from hippomem.server.metrics import CONTENT_TYPE
from hippomem.store import stats

router = APIRouter(route_class=CheckedRoute, tags=["health"])


@router.get("/healthz", response_model=responses.Health, responses=errors(421, 422, 500))
async def healthz() -> Json:
    """The process answers."""
    return Json({"status": "ok"})


@router.get("/readyz", response_model=responses.Ready, responses=errors(421, 422, 500, 503))
async def readyz(running: ARunning) -> Json:
    """The store opens and the model is loaded; 503 until then, or when they cannot be."""
    if not running.is_open:
        why = (
            "are being opened; try again in a second" if running.failure is None else "could not be opened; see the log"
        )
        raise StoreBusyError(f"store and model {why}.")

    def look() -> None:
        with running.tenants.store.reading() as db:
            db.execute("SELECT 1 FROM settings LIMIT 1").fetchone()

    await running.read(look)
    return Json({"status": "ready"})


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Counters, latencies and sizes in Prometheus' text format.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **errors(401, 421, 422, 500, 503),
    },
)
async def metrics(request: Request, running: ARunning) -> Response:
    """What Prometheus asks for. Namespaces are named for an admin key only, and only those that it reaches."""
    await running.opened()
    authorization = request.headers.get("authorization")
    named: frozenset[str] | None = frozenset()
    try:
        caller = running.access.caller(authorization)
    except UnauthenticatedError:
        if authorization is not None:  # whoever shows a key wants names, and should hear that it is a wrong one
            raise
    else:
        request.state.caller = caller
        if caller.may("admin", None):
            named = caller.namespaces

    def look() -> bytes:
        store = running.tenants.store
        with store.reading():
            sizes, size = stats.sizes(store), store.size_in_bytes()
        return running.metrics.exposition(sizes, size, named=sizes if named is None else named)

    return Response(await running.read(look), media_type=CONTENT_TYPE)
