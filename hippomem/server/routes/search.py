"""Searching: passages, context blocks, trails."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from fastapi import APIRouter

from hippomem.memory import Memory
from hippomem.server import requests, responses
from hippomem.server.calls import ACall, CheckedRoute, Json, needs
from hippomem.server.describing import BODY, READ, errors

router = APIRouter(route_class=CheckedRoute, tags=["search"])
_ERRORS = errors(*READ, *BODY, 400, 502)


@router.post("/v1/search", response_model=responses.SearchResult, responses=_ERRORS)
@needs("read")
async def search(body: requests.Search, call: ACall) -> Json:
    """Find the passages that answer a query, each with the reasons why it was found."""

    def work(memory: Memory) -> Json:
        return Json(_search(memory, body, body))

    answer = await call.reading(body.namespace, work, *_encoded(body, body.query))
    call.running.metrics.searches.inc()
    return answer


@router.post("/v1/search/batch", response_model=responses.SearchResults, responses=_ERRORS)
@needs("read")
async def search_batch(body: requests.SearchBatch, call: ACall) -> Json:
    """Search for several queries; one result for each, in their order."""

    def work(memory: Memory) -> Json:
        return Json({"results": [_search(memory, query, body) for query in body.queries]})

    answer = await call.reading(body.namespace, work, *_encoded(body, *(query.query for query in body.queries)))
    call.running.metrics.searches.inc(len(body.queries))
    return answer


def _encoded(how: requests.Search | requests.SearchBatch, *queries: str) -> tuple[str, ...]:
    """Those queries that the retriever has encoded."""
    return () if how.retriever == "bm25" else queries


def _search(memory: Memory, one: requests.OneSearch, how: requests.Search | requests.SearchBatch) -> dict[str, Any]:
    found = memory.search(
        one.query,
        k=one.k,
        retriever=how.retriever,
        explain=how.explain,
        freshness=how.freshness,
        **one.where.given(),
    )
    # One level of `to_dict`; `Json` writes the hits as they are.
    return {field.name: getattr(found, field.name) for field in fields(found)}


@router.post("/v1/recall", response_model=responses.Recall, responses=_ERRORS)
@needs("read")
async def recall(body: requests.RecallQuery, call: ACall) -> Json:
    """A context block for a prompt, at most `max_tokens` long, with numbered citations, most useful first.

    What it quotes is marked as data: stored text is no instruction.
    """

    def work(memory: Memory) -> Json:
        found = memory.recall(
            body.query, max_tokens=body.max_tokens, k=body.k, freshness=body.freshness, **body.where.given()
        )
        return Json(found.to_dict())

    answer = await call.reading(body.namespace, work, body.query)
    call.running.metrics.searches.inc()
    return answer


@router.post("/v1/answer", response_model=responses.Trail, responses=_ERRORS)
@needs("read")
async def answer(body: requests.Question, call: ACall) -> Json:
    """The chain of passages and sentences that leads to an answer. No LLM reads it: the last sentence states the answer."""

    def work(memory: Memory) -> dict[str, Any]:
        return memory.answer(body.question, k=body.k).to_dict()

    found = Json(await call.reading(body.namespace, work, body.question))
    call.running.metrics.searches.inc()
    return found
