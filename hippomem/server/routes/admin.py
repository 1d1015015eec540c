"""Namespaces, counts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from hippomem.server import fields, requests, responses
from hippomem.server.calls import ACall, CheckedRoute, Json, needs
from hippomem.server.describing import READ, errors

router = APIRouter(route_class=CheckedRoute, tags=["namespaces"])


@router.get("/v1/stats", response_model=responses.Stats, responses=errors(*READ))
@needs("read")
async def stats(params: Annotated[requests.NamespaceParams, Query()], call: ACall) -> Json:
    """Count what a namespace holds, and what is waiting or failed."""
    return await call.reading(params.namespace, lambda memory: Json(memory.stats().to_dict()))


@router.get("/v1/namespaces", response_model=responses.Namespaces, responses=errors(401, 403, 421, 422, 429, 500, 503))
@needs("read")
async def namespaces(call: ACall) -> Json:
    """The namespaces that hold something and that the key may read."""
    names = await call.running.read(call.running.tenants.namespaces)
    mine = call.caller.namespaces
    return Json({"namespaces": [name for name in names if mine is None or name in mine]})


@router.delete("/v1/namespaces/{namespace}", response_model=responses.Forgotten, responses=errors(*READ, 507))
@needs("admin")
async def forget_namespace(namespace: Annotated[fields.Namespace, Path()], call: ACall) -> Json:
    """Forget a whole namespace, exactly: its text is gone from the file. Needs the right `admin`."""
    call.check(namespace)
    await call.reading(namespace, lambda memory: None)  # one that holds nothing is not made by forgetting it
    gone = await call.writing(namespace, lambda memory: memory.forget_all())
    call.running.metrics.forgotten.inc(gone)
    return Json({"forgotten": gone})
