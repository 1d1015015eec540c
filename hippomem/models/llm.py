"""The seam to language models, and its implementation for any OpenAI-compatible chat endpoint."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from hippomem.errors import ModelError, ModelOutputError
from hippomem.models.openai_client import OpenAIConnection, plain
from hippomem.models.openai_errors import quote

if TYPE_CHECKING:
    from openai import OpenAI

Message = Mapping[str, str]
#: How a JSON answer is asked for: by schema, by "some JSON object", or by words alone.
AnswerFormat = Literal["json_schema", "json_object", "words"]
FORMATS: tuple[AnswerFormat, ...] = ("json_schema", "json_object", "words")


@dataclass(frozen=True, slots=True)
class Usage:
    """What was spent: tokens as the endpoint counts them, and answered requests."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.calls + other.calls,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
            self.calls - other.calls,
        )

    def to_dict(self) -> dict[str, int]:
        """Plain JSON types."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "calls": self.calls,
        }


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered. finish_reason: "stop", or "length" when the answer was cut at ``max_tokens``."""

    text: str
    finish_reason: str
    usage: Usage


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


@dataclass(frozen=True, slots=True)
class _Dialect:
    """Which parameters an endpoint takes. Each step of ``without`` drops one, so there are at most three."""

    limit_name: str = "max_tokens"
    temperature: bool = True

    def without(self, error: ModelError) -> _Dialect:
        """The dialect without the parameter that *error* refuses; itself when it is about something else."""
        said = str(error.__cause__)
        if not _is_refusal(error):
            return self
        if self.limit_name == "max_tokens" and "max_completion_tokens" in said:
            return replace(self, limit_name="max_completion_tokens")
        if self.temperature and "temperature" in said:
            return replace(self, temperature=False)
        return self


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
        self._format: AnswerFormat = "json_schema"
        self._dialect = _Dialect()

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
        if json_schema is None:
            return self._checked(self._send(messages, max_tokens))
        refusal: ModelError | None = None
        for answer_format in FORMATS[FORMATS.index(self._format) :]:
            asked = messages if answer_format == "json_schema" else _with_schema(messages, json_schema)
            try:
                answer = self._send(asked, max_tokens, _response_format(answer_format, json_schema, schema_name))
            except ModelError as error:
                if not _is_refusal(error):
                    raise
                # The first refusal is the one to report: when even plain words are refused, it was not the format.
                refusal = refusal or error
                continue
            with self._lock:
                self._format = max(self._format, answer_format, key=FORMATS.index)
            return self._checked(answer)
        assert refusal is not None
        raise refusal

    def _send(
        self, messages: Sequence[Message], max_tokens: int, response_format: Mapping[str, Any] | None = None
    ) -> Any:
        """One request; again in another way while the endpoint refuses a parameter it could do without."""
        while True:
            with self._lock:
                dialect = self._dialect
            options: dict[str, Any] = {
                "messages": [_sendable(message) for message in messages],
                dialect.limit_name: max_tokens,
            }
            if dialect.temperature:
                options["temperature"] = 0.0
            if response_format is not None:
                options["response_format"] = response_format
            try:
                return self.connection.call(partial(self._create, options))
            except ModelError as error:
                other = dialect.without(error)
                if other == dialect:
                    raise
                with self._lock:
                    self._dialect = other

    def _create(self, options: dict[str, Any], client: OpenAI) -> Any:
        return client.chat.completions.create(model=self.model, extra_body=self._extra_body or None, **options)

    def _checked(self, answer: Any) -> Completion:
        """The answer's text and its cost, which counts whether or not the text is usable."""
        spent = plain(answer, "usage")
        usage = Usage(_count(plain(spent, "prompt_tokens")), _count(plain(spent, "completion_tokens")), 1)
        with self._lock:
            self._usage += usage
        where = f"model {self.model!r} at {self.connection.endpoint}"
        choices = plain(answer, "choices")
        if not isinstance(choices, list) or not choices:
            raise ModelOutputError(f"{where} answered without any choice: {quote(answer)}")
        message = plain(choices[0], "message")
        reason = str(plain(choices[0], "finish_reason") or "stop")
        text = plain(message, "content")
        if plain(message, "refusal"):
            raise ModelOutputError(f"{where} declined to answer: {quote(plain(message, 'refusal'))}")
        if reason == "length" and not text:
            raise ModelOutputError(
                f"{where} used up max_tokens before its answer began; raise it, or switch off thinking"
            )
        if not isinstance(text, str):
            raise ModelOutputError(f"{where} answered without text (finish_reason {reason!r})")
        return Completion(text, reason, usage)

    def close(self) -> None:
        """Close the connections."""
        self.connection.close()

    def __enter__(self) -> OpenAIChat:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _response_format(answer_format: AnswerFormat, schema: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    if answer_format == "json_schema":
        return {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema), "strict": True}}
    return {"type": "json_object"} if answer_format == "json_object" else None


def _with_schema(messages: Sequence[Message], schema: Mapping[str, Any]) -> list[Message]:
    """The messages with the schema written after the last one: some chat templates allow no system message there."""
    *before, last = messages
    asked = json.dumps(schema, ensure_ascii=False)
    words = f"{last['content']}\n\nAnswer with one JSON object of this JSON schema and nothing else:\n{asked}"
    return [*before, {**last, "content": words}]


def _sendable(message: Message) -> dict[str, str]:
    """The message with "?" for half surrogate pairs: legal in a Python string, but they cannot be sent."""
    return {name: text.encode("utf-8", "replace").decode() for name, text in message.items()}


def _is_refusal(error: ModelError) -> bool:
    """Whether the endpoint refused the request itself (400, 422, 501), so that another form of it may do."""
    return getattr(error.__cause__, "status_code", None) in (400, 422, 501)


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
