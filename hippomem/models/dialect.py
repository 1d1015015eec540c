"""How one endpoint wants to be asked, learned from its refusals. Does no I/O: sync and async clients drive it alike."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from hippomem.errors import ContextOverflowError, ModelError
from hippomem.models.completion import Message

#: How a JSON answer is asked for: by schema, by "some JSON object", or by words alone.
AnswerFormat = Literal["json_schema", "json_object", "words"]
FORMATS: tuple[AnswerFormat, ...] = ("json_schema", "json_object", "words")


class Dialect:
    """What an endpoint takes: JSON schemas, a temperature, ``max_tokens`` under that name. Safe to share by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._format: AnswerFormat = "json_schema"
        self._parameters = _Parameters()

    @property
    def format(self) -> AnswerFormat:
        """The best format that has not been refused yet."""
        with self._lock:
            return self._format

    @property
    def parameters(self) -> _Parameters:
        """The parameters as learned so far."""
        with self._lock:
            return self._parameters

    def question(
        self,
        messages: Sequence[Message],
        *,
        json_schema: Mapping[str, Any] | None = None,
        schema_name: str = "answer",
        max_tokens: int = 2048,
    ) -> Question:
        """One question, to be sent in the form that this endpoint takes. Arguments: see ``LLM.complete``."""
        return Question(self, messages, json_schema, schema_name, max_tokens)

    def _learn_parameters(self, sent: _Parameters, error: ModelError) -> bool:
        """Drop what *error* refuses. Whether there is another way to ask than the one that was *sent*."""
        with self._lock:
            # Questions under way together learn the same thing once: who comes second takes what the first learned.
            if self._parameters == sent:
                self._parameters = sent.without(error)
            return self._parameters != sent

    def _learn_format(self, answered: AnswerFormat) -> None:
        with self._lock:
            self._format = max(self._format, answered, key=FORMATS.index)


class Question:
    """A request's body, and after a refusal the next one::

    while True:
        try:
            answer = send(question.body())
        except ModelError as error:
            question.refused(error)      # raises when there is no other way to ask
        else:
            question.answered()
            return answer
    """

    def __init__(
        self,
        dialect: Dialect,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None,
        schema_name: str,
        max_tokens: int,
    ) -> None:
        self._dialect = dialect
        self._messages = [_sendable(message) for message in messages]
        self._schema = schema
        self._schema_name = schema_name
        self._max_tokens = max_tokens
        self._format = dialect.format
        self._parameters = dialect.parameters
        self._first: ModelError | None = None

    def body(self) -> dict[str, Any]:
        """What to send now, but for the model's name."""
        self._parameters = self._dialect.parameters
        body: dict[str, Any] = {"messages": self._messages, self._parameters.limit_name: self._max_tokens}
        if self._parameters.temperature:
            body["temperature"] = 0.0
        if self._schema is None:
            return body
        if self._format == "json_schema":
            asked = {"name": self._schema_name, "schema": dict(self._schema), "strict": True}
            return body | {"response_format": {"type": "json_schema", "json_schema": asked}}
        body["messages"] = _with_schema(self._messages, self._schema)
        return body | {"response_format": {"type": "json_object"}} if self._format == "json_object" else body

    def refused(self, error: ModelError) -> None:
        """Take the next way to ask. Raises when there is none, or when *error* is not about how it was asked.

        Then the first refusal rises: when even plain words are refused, it was not the format.
        """
        if not _is_refusal(error):
            raise error
        if self._dialect._learn_parameters(self._parameters, error):
            return
        self._first = self._first or error
        following = FORMATS[FORMATS.index(self._format) + 1 :]
        if self._schema is None or not following:
            raise self._first
        self._format = following[0]

    def answered(self) -> None:
        """Remember the format that worked."""
        if self._schema is not None:
            self._dialect._learn_format(self._format)


@dataclass(frozen=True, slots=True)
class _Parameters:
    """Which parameters an endpoint takes. Each step of ``without`` drops one, so there are at most three."""

    limit_name: str = "max_tokens"
    temperature: bool = True

    def without(self, error: ModelError) -> _Parameters:
        """These without the one that *error* refuses; themselves when it is about something else."""
        said = str(error.__cause__)
        if self.limit_name == "max_tokens" and "max_completion_tokens" in said:
            return replace(self, limit_name="max_completion_tokens")
        if self.temperature and "temperature" in said:
            return replace(self, temperature=False)
        return self


def _is_refusal(error: ModelError) -> bool:
    """Whether the endpoint refused the form of the request (400, 422, 501), so that another form may do."""
    return error.status in (400, 422, 501) and not isinstance(error, ContextOverflowError)


def _with_schema(messages: Sequence[Message], schema: Mapping[str, Any]) -> list[Message]:
    """The messages with the schema written after the last one: some chat templates allow no system message there."""
    *before, last = messages
    asked = json.dumps(schema, ensure_ascii=False)
    words = f"{last['content']}\n\nAnswer with one JSON object of this JSON schema and nothing else:\n{asked}"
    return [*before, {**last, "content": words}]


def _sendable(message: Message) -> dict[str, str]:
    """The message with "?" for half surrogate pairs: legal in a Python string, but they cannot be sent."""
    return {name: text.encode("utf-8", "replace").decode() for name, text in message.items()}
