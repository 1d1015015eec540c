"""Language models on an event loop: many questions under way in one thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from hippomem.errors import ModelAuthError, ModelError
from hippomem.models.backoff import backoff
from hippomem.models.completion import Completion, Message, Usage, read_completion, read_usage
from hippomem.models.dialect import Dialect
from hippomem.models.openai_client import endpoint_settings
from hippomem.models.openai_errors import to_model_error

if TYPE_CHECKING:
    from hippomem.models.llm import LLM

Answer = TypeVar("Answer")

#: Seconds until a connection counts as refused: a busy model answers late, a busy machine still accepts.
CONNECT_TIMEOUT = 10.0
#: Tries of ``check``, so that one dropped connection does not stop a run before it begins.
CHECKS = 3


@runtime_checkable
class AsyncLLM(Protocol):
    """Turns messages into text; a question costs one try, and whoever asks decides about the next (``Pace``)."""

    @property
    def model(self) -> str:
        """The model's name."""
        ...

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        json_schema: Mapping[str, Any] | None = None,
        schema_name: str = "answer",
        max_tokens: int = 2048,
    ) -> Completion:
        """Answer *messages*; arguments as those of ``LLM.complete``.

        Raises ModelError, which says whether another try may succeed (``transient``) and when (``retry_after``).
        """
        ...

    async def check(self) -> None:
        """Whether the endpoint is there and takes the key; costs nothing. Raises ModelError."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class AsyncOpenAIChat:
    """A model behind ``POST /chat/completions``; an ``AsyncLLM``. Belongs to one event loop; close it there.

    Learns what the endpoint cannot do as ``OpenAIChat`` does. Temperature is 0.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> None:
        """extra_body: sent along with each request.    timeout: seconds until a silent server counts as unavailable.

        base_url, api_key: as of ``OpenAIConnection``. Raises ConfigError.
        """
        base_url, api_key = endpoint_settings(model, base_url, api_key)
        from openai import AsyncOpenAI, Timeout

        self._model = model
        self._extra_body = dict(extra_body or {})
        # The client's own pool keeps up to 100 of 1,000 connections alive.
        self._client = AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            timeout=Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
            max_retries=0,
        )
        self.endpoint = str(self._client.base_url)
        self._dialect = Dialect()
        self._usage = Usage()

    @property
    def model(self) -> str:
        """The model's name at the endpoint."""
        return self._model

    @property
    def usage(self) -> Usage:
        """Running total, answers without usable text included."""
        return self._usage

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        json_schema: Mapping[str, Any] | None = None,
        schema_name: str = "answer",
        max_tokens: int = 2048,
    ) -> Completion:
        """See ``AsyncLLM.complete``."""
        question = self._dialect.question(
            messages, json_schema=json_schema, schema_name=schema_name, max_tokens=max_tokens
        )
        while True:
            try:
                answer = await self._try(self._post({"model": self._model, **question.body(), **self._extra_body}))
            except ModelError as error:
                question.refused(error)
            else:
                question.answered()
                self._usage += read_usage(answer)
                return read_completion(answer, f"model {self._model!r} at {self.endpoint}")

    async def check(self) -> None:
        """See ``AsyncLLM.check``: asks for the list of models.

        Raises ModelAuthError, or ModelUnavailableError after three tries. A server that has no such list, that would
        rather not show it to this key, or that has no time now, is there all the same.
        """
        for tries in range(1, CHECKS + 1):
            try:
                await self._try(self._client.get("/models", cast_to=str))
            except ModelError as error:
                if isinstance(error, ModelAuthError) and not _lacks_scope(error):
                    raise
                if error.status is None or error.status >= 500:
                    if tries == CHECKS or not error.transient:
                        raise
                    await asyncio.sleep(backoff(tries, 0.5))
                    continue
            return

    async def _post(self, body: dict[str, Any]) -> Any:
        # As text: making the client's typed answer, in which nothing is checked, costs more than reading the JSON.
        return json.loads(await self._client.post("/chat/completions", cast_to=str, body=body))

    async def _try(self, request: Awaitable[Answer]) -> Answer:
        import openai

        try:
            return await request
        # ValueError: the body is no JSON.
        except (openai.OpenAIError, ValueError) as error:
            raise to_model_error(error, model=self._model, endpoint=self.endpoint) from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def __aenter__(self) -> AsyncOpenAIChat:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()


class InThreads:
    """A sync ``LLM`` as an ``AsyncLLM``: each question waits in a thread of its own, and is retried as the LLM does it."""

    def __init__(self, llm: LLM, *, threads: int = 64) -> None:
        """threads: the most questions under way at once; threads are made when needed."""
        self.llm = llm
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="llm")

    @property
    def model(self) -> str:
        """The model's name."""
        return self.llm.model

    @property
    def usage(self) -> Usage:
        """Running total of everything spent through the LLM."""
        return self.llm.usage

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        json_schema: Mapping[str, Any] | None = None,
        schema_name: str = "answer",
        max_tokens: int = 2048,
    ) -> Completion:
        """See ``AsyncLLM.complete``."""
        ask = partial(
            self.llm.complete, messages, json_schema=json_schema, schema_name=schema_name, max_tokens=max_tokens
        )
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)

    async def check(self) -> None:
        """Nothing: an ``LLM`` has no way to ask without paying."""

    async def aclose(self) -> None:
        """Wait for the questions under way and end the threads; the LLM belongs to whoever made it."""
        await asyncio.to_thread(self._threads.shutdown)


def _lacks_scope(error: ModelError) -> bool:
    """Whether a good key only lacks the right to list models: OpenAI's restricted keys, "Missing scopes: …"."""
    return error.status == 403 and "scope" in str(error).lower()
