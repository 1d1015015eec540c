"""Memories: added, listed, read, corrected, forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from hippomem.errors import InputError
from hippomem.memory import Memory
from hippomem.server import fields, requests, responses
from hippomem.server.adding import adding
from hippomem.server.calls import ACall, Call, CheckedRoute, Json, needs
from hippomem.server.describing import READ, WRITE, errors
from hippomem.server.progress import streamed
from hippomem.server.strict import read_json

router = APIRouter(route_class=CheckedRoute, tags=["memories"])
T = TypeVar("T")
MemoryId = Annotated[fields.MemoryId, Path(description="A memory's id, or the id of one of its passages or sources.")]
_STREAM = {
    "description": "What became of the texts. With `accept: text/event-stream` the status is 200, and what follows are "
    "server-sent events: `progress` {stage, done, total} (total 0: not known yet), then `done` (the same report) or `error` "
    "(the error body). What was accepted is finished even when the client goes away.",
}


@router.post(
    "/v1/memories",
    status_code=201,
    response_model=responses.AddReport,
    responses={
        201: {"description": "What became of the texts."},
        200: {
            **_STREAM,
            "content": {
                "text/event-stream": {"schema": {"type": "string"}, "example": "event: progress\ndata: {…}\n\n"}
            },
        },
        **errors(*WRITE),
    },
)
@needs("write")
async def add(body: requests.Add, call: ACall, request: Request) -> Response:
    """Remember a text (`text`), messages of a chat (`messages`), or many texts (`memories`).

    The same text, title and time again is the same memory: sending a request again is safe. All of a request is checked
    before any of it is stored, and what is acknowledged survives a crash.
    """
    call.check(body.namespace)
    work = adding(call.running, body)
    if _wants_events(request):
        return streamed(call.running, work, request.scope)
    return Json(await call.running.write(lambda: work(None)), 201)


def _wants_events(request: Request) -> bool:
    return "text/event-stream" in request.headers.get("accept", "").lower()


@router.get("/v1/memories", response_model=responses.MemoryPage, responses=errors(*READ))
@needs("read")
async def list_memories(params: Annotated[requests.ListParams, Query()], call: ACall) -> Json:
    """List memories, a page at a time."""
    where = _where(params)

    def work(memory: Memory) -> Json:
        # One more than asked for tells whether there is a next page.
        records = list(
            memory.list(limit=params.limit + 1, after=params.after, newest_first=params.newest_first, **where)
        )
        page = records[: params.limit]
        following = page[-1].memory_id if len(records) > params.limit else None
        return Json({"memories": [each.to_dict() for each in page], "next": following, "total": memory.count(**where)})

    return await call.reading(params.namespace, work)


def _where(params: requests.ListParams) -> dict[str, Any]:
    where = params.model_dump(include=set(requests.Where.model_fields), exclude_none=True)
    if params.metadata is not None:
        where["metadata"] = read_json(params.metadata.encode("utf-8"))
        if not isinstance(where["metadata"], dict):
            raise InputError('query.metadata is no JSON object; write it as {"name": "value"}.')
    return where


@router.get("/v1/memories/{memory_id}", response_model=responses.MemoryRecord, responses=errors(*READ))
@needs("read")
async def get(memory_id: MemoryId, params: Annotated[requests.NamespaceParams, Query()], call: ACall) -> Json:
    """One memory. That of another tenant is 404, as if it did not exist."""
    return await call.reading(params.namespace, lambda memory: Json(memory.get(memory_id).to_dict()))


@router.get("/v1/memories/{memory_id}/history", response_model=responses.History, responses=errors(*READ))
@needs("read")
async def history(memory_id: MemoryId, params: Annotated[requests.NamespaceParams, Query()], call: ACall) -> Json:
    """What a memory said, oldest first; the last is what it says now."""
    return await call.reading(
        params.namespace,
        lambda memory: Json({"versions": [version.to_dict() for version in memory.history(memory_id)]}),
    )


@router.patch("/v1/memories/{memory_id}", response_model=responses.MemoryRecord, responses=errors(*WRITE))
@needs("write")
async def update(memory_id: MemoryId, body: requests.Update, call: ACall) -> Json:
    """Correct a memory; it keeps its id. 422 when another memory says exactly that already."""

    def work(memory: Memory) -> Json:
        return Json(memory.update(memory_id, keep_history=body.keep_history, **body.given()).to_dict())

    return await _in_existing(call, body.namespace, work)


@router.delete("/v1/memories/{memory_id}", response_model=responses.Forgotten, responses=errors(*READ, 507))
@needs("write")
async def forget_one(memory_id: MemoryId, params: Annotated[requests.NamespaceParams, Query()], call: ACall) -> Json:
    """Forget one memory, exactly: the store is as if it had never held it, and its text is gone from the file."""
    return await _forget(call, params.namespace, lambda memory: memory.forget(memory_id))


@router.post("/v1/forget", response_model=responses.Forgotten, responses=errors(*WRITE))
@needs("write")
async def forget(body: requests.Forget, call: ACall) -> Json:
    """Forget memories by their ids, all or none; or all that a filter finds."""

    def work(memory: Memory) -> int:
        return memory.forget(*body.ids) if body.ids is not None else memory.forget(**_given(body.where))

    return await _forget(call, body.namespace, work)


def _given(where: requests.Where | None) -> dict[str, Any]:
    assert where is not None, "the model has checked that ids or where are given"
    return where.given()


async def _forget(call: Call, namespace: str, work: Callable[[Memory], int]) -> Json:
    gone = await _in_existing(call, namespace, work)
    call.running.metrics.forgotten.inc(gone)
    return Json({"forgotten": gone})


async def _in_existing(call: Call, namespace: str, work: Callable[[Memory], T]) -> T:
    """Change a namespace that is there: one is not made by an attempt to change what is in it."""
    await call.reading(namespace, lambda memory: None)
    return await call.writing(namespace, work)
