"""The routes of the server: chat from a recording, embeddings by hashing, the list of models."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache

from hippomem.testing.embedder import HashEmbedder
from hippomem.testing.faults import Fault
from hippomem.testing.llm_server.answering import passages_asked, write_answer
from hippomem.testing.llm_server.http import Answer, BodyError, Request, Routes
from hippomem.testing.llm_server.log import Log
from hippomem.testing.llm_server.misbehaving import FAULTS, Misbehaviour
from hippomem.testing.llm_server.recording import Recording
from hippomem.testing.wire import Json, Reply, chat_body, embed, error_body, models_body
from indexing.extract.llm.size import estimate_tokens

#: What a call beyond the allowed number is told to wait, in seconds.
_RETRY_AFTER = "1"

#: Tokens of a text, about as OpenAI counts them. Instructions come with every request.
_tokens = lru_cache(256)(estimate_tokens)


class LlmApi:
    """What the server does, and counts.

    latency: seconds that a chat answer takes.    at_once: chat requests under way, more are refused with 429.
    key: the one that is accepted, None accepts all.
    """

    def __init__(
        self,
        recording: Recording,
        log: Log,
        misbehaviour: Misbehaviour,
        *,
        latency: float,
        at_once: int,
        key: str | None = None,
    ) -> None:
        self._recording = recording
        self._log = log
        self._misbehaviour = misbehaviour
        self._latency = latency
        self._at_once = at_once
        self._key = key
        self._embedder = HashEmbedder()
        self._under_way = 0

    def add_routes(self, routes: Routes) -> None:
        """Chat, embeddings, models."""
        routes.add("POST", "/v1/chat/completions", self.chat)
        routes.add("POST", "/v1/embeddings", self.embeddings)
        routes.add("GET", "/v1/models", self.list_models)

    def refuse(self, request: Request) -> Reply | None:
        """401 for a wrong key, None for the right one."""
        if self._key is None or request.headers.get("authorization") == f"Bearer {self._key}":
            return None
        return Reply(401, error_body("incorrect API key", code="invalid_api_key"))

    async def list_models(self, request: Request) -> Reply:
        """``GET /v1/models``."""
        return self.refuse(request) or Reply(200, models_body(["loopback"]))

    async def embeddings(self, request: Request) -> Reply:
        """``POST /v1/embeddings``, in a thread, so that chat answers leave on time meanwhile."""
        refused = self.refuse(request)
        return refused if refused else await asyncio.to_thread(embed, request.json(), self._embedder)

    async def chat(self, request: Request) -> Answer | Reply:
        """``POST /v1/chat/completions``."""
        return self.refuse(request) or await self.complete(request.json())

    async def complete(self, body: Json) -> Answer:
        """The answer to the body of a chat request, wherever it comes from. Raises BodyError."""
        try:
            message = str(body["messages"][-1]["content"])
        except (KeyError, IndexError, TypeError) as error:
            raise BodyError("no messages in the body") from error
        asked = self._recording.find(message)
        ids = [passage.passage_id for passage in asked]
        if len(asked) != passages_asked(message):
            reply = Reply(404, error_body(f"not all passages in the last message are of the corpus, only {ids}"))
            return Answer(reply, lambda: self._log.write(ids, "unknown"))
        if self._under_way >= self._at_once:
            reply = Reply(429, error_body("too many calls at once", code="rate_limit_exceeded"))
            reply.headers["Retry-After"] = _RETRY_AFTER
            return Answer(reply, lambda: self._log.write(ids, "busy"))
        self._under_way += 1
        try:
            return await self._answer(body, ids, write_answer(asked, body))
        finally:
            self._under_way -= 1

    async def _answer(self, body: Json, ids: Sequence[str], text: str) -> Answer:
        name = self._misbehaviour.draw(ids)
        fault = FAULTS[name] if name is not None else Fault()
        outcome = name or "valid"
        if fault.delay:
            self._log.write(ids, outcome)
        await asyncio.sleep(self._latency + fault.delay)
        if fault.hang_up or fault.status is not None:
            reply = None if fault.status is None else Reply(fault.status, fault.body, dict(fault.headers))
            return Answer(reply, lambda: self._log.write(ids, outcome))
        spent = sum(_tokens(str(each["content"])) for each in body["messages"]), _tokens(text)
        answer = fault.spoil(chat_body(str(body["model"]), text, *spent))
        return Answer(Reply(200, answer), lambda: self._log.write(ids, outcome, *spent))
