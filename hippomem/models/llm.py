"""The seam to language models, and its implementation for any OpenAI-compatible chat endpoint."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from hippomem.errors import ModelError
from hippomem.models.completion import Completion, Message, Usage, read_completion, read_usage
from hippomem.models.dialect import Dialect
from hippomem.models.openai_client import OpenAIConnection

if TYPE_CHECKING:
    from openai import OpenAI

__all__ = ["LLM", "Completion", "Message", "OpenAIChat", "Usage"]


@runtime_checkable
class LLM(Protocol):
    """Turns messages into text."""

    @property
    def model(self) -> str:
        """The model's name."""
        ...

    @property
    def usage(self) -> Usage:
        """Running total of everything spent through this object."""
        ...

    def complete(
        self,
        messages: Sequence[Message],
        *,
        json_schema: Mapping[str, Any] | None = None,
        schema_name: str = "answer",
        max_tokens: int = 2048,
    ) -> Completion:
        """Answer *messages* ({"role": …, "content": …} each).

        json_schema: the answer should be a JSON object of this schema; a caller still checks it (``parse_json``).
        Raises ModelError.
        """
        ...


class OpenAIChat:
    """A model behind ``POST /chat/completions``; an ``LLM``. Safe to share by threads; close it when done.

    Learns what the endpoint cannot do (JSON schemas, a temperature, ``max_tokens`` under that name) from its first
    refusal and remembers it. Temperature is 0.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        extra_body: Mapping[str, Any] | None = None,
        **connection: Any,
    ) -> None:
        """extra_body: sent along with each request, for settings of one server (say, switching off thinking).

        connection: timeout, max_retries, sleep, jitter of ``OpenAIConnection``. Raises ConfigError.
        """
        self.connection = OpenAIConnection(model, base_url=base_url, api_key=api_key, **connection)
        self._extra_body = dict(extra_body or {})
        self._usage = Usage()
        self._lock = threading.Lock()
        self._dialect = Dialect()

    @property
    def model(self) -> str:
        """The model's name at the endpoint."""
        return self.connection.model

    @property
    def usage(self) -> Usage:
        """Running total over all threads."""
        with self._lock:
            return self._usage

    def complete(
        self,
        messages: Sequence[Message],
        *,
        json_schema: Mapping[str, Any] | None = None,
        schema_name: str = "answer",
        max_tokens: int = 2048,
    ) -> Completion:
        """See ``LLM.complete``."""
        question = self._dialect.question(
            messages, json_schema=json_schema, schema_name=schema_name, max_tokens=max_tokens
        )
        while True:
            try:
                answer = self.connection.call(partial(self._send, question.body()))
            except ModelError as error:
                question.refused(error)
            else:
                question.answered()
                with self._lock:
                    self._usage += read_usage(answer)
                return read_completion(answer, f"model {self.model!r} at {self.connection.endpoint}")

    def _send(self, body: dict[str, Any], client: OpenAI) -> Any:
        # The client's own typed answer costs more time than it is worth: nothing in it is checked.
        body = {"model": self.model, **body, **self._extra_body}
        return json.loads(client.post("/chat/completions", cast_to=str, body=body))

    def close(self) -> None:
        """Close the connections."""
        self.connection.close()

    def __enter__(self) -> OpenAIChat:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
