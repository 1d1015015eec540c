"""One request of a scheme, as a call of a model."""

from __future__ import annotations

from hippomem.models.async_chat import AsyncLLM
from hippomem.models.completion import Completion
from indexing.extract.llm import Request


def probable_tokens(request: Request) -> int:
    """What the call will take, for rate limits: answers fill a quarter of the room that they have, or less."""
    return request.prompt_tokens + request.max_tokens // 4


async def call(llm: AsyncLLM, request: Request) -> Completion:
    """One try. Raises ModelError."""
    return await llm.complete(
        request.messages,
        json_schema=request.json_schema,
        schema_name=request.schema_name,
        max_tokens=request.max_tokens,
    )
