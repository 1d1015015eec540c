"""Files and batches at the server in its own process: each line of a job is answered, and logged, like a call."""

from __future__ import annotations

import asyncio

from hippomem.testing.batches import PATHS, Batches
from hippomem.testing.llm_server.api import LlmApi
from hippomem.testing.llm_server.http import Answer, Request, Routes
from hippomem.testing.wire import Json, Reply, error_body


class BatchRoutes:
    """The Batch API over the chat of *api*. seconds: that a job takes."""

    def __init__(self, api: LlmApi, *, seconds: float) -> None:
        self._api = api
        self._batches = Batches(self._answer_line, seconds=seconds)

    def add_routes(self, routes: Routes) -> None:
        """Files, batches."""
        for start in PATHS:
            routes.add_below(start, self.handle)

    async def handle(self, request: Request) -> Answer | Reply:
        """Any of them, in a thread: a job's lines are answered when somebody looks."""
        if refused := self._api.refuse(request):
            return refused
        reply = await asyncio.to_thread(
            self._batches.handle, request.method, request.path, request.headers, request.body
        )
        return Answer(reply)

    def _answer_line(self, body: Json) -> Reply:
        answer = asyncio.run(self._api.complete(body))
        answer.serving()
        return answer.reply or Reply(500, error_body("lost"))
