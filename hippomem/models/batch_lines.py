"""The lines of a vendor's Batch API: a request as one line of the file that is handed in, an answer as one of those that come back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hippomem.errors import ModelError, ModelOutputError
from hippomem.models.llm import FORMATS, AnswerFormat, Completion, Message, Usage
from hippomem.models.openai_errors import quote

#: What every line of a batch is sent to.
ENDPOINT: Final = "/v1/chat/completions"
#: Codes of requests that were not run: nothing was paid, and nothing is wrong with them.
_NOT_RUN = frozenset({"batch_expired", "batch_cancelled"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which parameters the model behind an endpoint takes; each step of ``without`` gives one up.

    A batch cannot try one request first, as `OpenAIChat` does: what is refused is learned from the lines that failed.
    """

    limit_name: str = "max_tokens"
    temperature: bool = True
    answer_format: AnswerFormat = "json_schema"

    def body(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        json_schema: Mapping[str, Any],
        schema_name: str,
        max_tokens: int,
        extra_body: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The body of a chat request."""
        if self.answer_format != "json_schema":
            messages = _with_schema(messages, json_schema)
        body: dict[str, Any] = {"model": model, "messages": [dict(message) for message in messages]}
        body[self.limit_name] = max_tokens
        if self.temperature:
            body["temperature"] = 0.0
        if self.answer_format == "json_schema":
            schema = {"name": schema_name, "schema": dict(json_schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.answer_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        return {**body, **extra_body}

    def without(self, refusal: str) -> Dialect:
        """The dialect without the parameter that an endpoint's words refuse; itself when they are about something else."""
        if self.limit_name == "max_tokens" and "max_completion_tokens" in refusal:
            return replace(self, limit_name="max_completion_tokens")
        if self.temperature and "temperature" in refusal:
            return replace(self, temperature=False)
        if self.answer_format != "words" and ("response_format" in refusal or "json_schema" in refusal):
            return replace(self, answer_format=FORMATS[FORMATS.index(self.answer_format) + 1])
        return self


def request_line(custom_id: str, body: Mapping[str, Any]) -> bytes:
    """One request, as a line of JSON."""
    row = {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body}
    # "replace": half a surrogate pair is legal in a Python string, and cannot be sent.
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """What came of one request: a completion or an error.

    ran: False where the batch ended before it was its turn.    refusal: the endpoint's words where it refused the request
    itself (400, 422), so that another form of it may do.    overflow: the request does not fit into the model's context.
    """

    custom_id: str
    completion: Completion | None = None
    error: ModelError | None = None
    usage: Usage = Usage()
    ran: bool = True
    refusal: str = ""
    overflow: bool = False


def read_lines(file: Iterable[bytes]) -> Iterator[AnswerLine]:
    """The lines of an output or error file that say of which request they are."""
    for line in file:
        if (read := read_line(line.decode("utf-8", "replace"))) is not None:
            yield read


def read_line(line: str) -> AnswerLine | None:
    """A line of an output or error file; None when it names no request."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not isinstance(custom_id := row.get("custom_id"), str):
        return None
    response, error = row.get("response"), row.get("error")
    if not isinstance(response, dict):
        code, said = _code_and_words(error)
        return AnswerLine(custom_id, error=ModelError(f"not answered: {said}"), ran=code not in _NOT_RUN)
    status, body = response.get("status_code"), response.get("body")
    if not isinstance(status, int) or status >= 400 or error:
        code, said = _code_and_words(error or (body.get("error") if isinstance(body, dict) else body))
        overflow = code == "context_length_exceeded" or "context length" in said.lower()
        refusal = said if status in (400, 422) and not overflow else ""
        return AnswerLine(custom_id, error=ModelError(f"{status}: {said}"), refusal=refusal, overflow=overflow)
    usage = _usage(body)
    try:
        return AnswerLine(custom_id, completion=_completion(body, usage), usage=usage)
    except ModelOutputError as error:
        return AnswerLine(custom_id, error=error, usage=usage)


def _code_and_words(error: object) -> tuple[str, str]:
    if not isinstance(error, dict):
        return "", quote(error)
    return str(error.get("code") or ""), quote(error.get("message") or error)


def _usage(body: object) -> Usage:
    spent = body.get("usage") if isinstance(body, dict) else None
    counts = [spent.get(name) if isinstance(spent, dict) else 0 for name in ("prompt_tokens", "completion_tokens")]
    prompt, completion = (count if isinstance(count, int) else 0 for count in counts)
    return Usage(prompt, completion, 1)


def _completion(body: object, usage: Usage) -> Completion:
    """The text of an answer. Raises ModelOutputError."""
    try:
        choice = body["choices"][0]  # type: ignore[index]
        message, reason = choice["message"], str(choice.get("finish_reason") or "stop")
        text, refusal = message.get("content"), message.get("refusal")
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ModelOutputError(f"the model answered without any choice: {quote(body)}") from error
    if refusal:
        raise ModelOutputError(f"the model declined to answer: {quote(refusal)}")
    if reason == "length" and not text:
        raise ModelOutputError("the model used up max_tokens before its answer began")
    if not isinstance(text, str):
        raise ModelOutputError(f"the model answered without text (finish_reason {reason!r})")
    return Completion(text, reason, usage)


def _with_schema(messages: Sequence[Message], schema: Mapping[str, Any]) -> list[Message]:
    """The messages with the schema written after the last one: some chat templates allow no system message there."""
    *before, last = messages
    asked = json.dumps(schema, ensure_ascii=False)
    words = f"{last['content']}\n\nAnswer with one JSON object of this JSON schema and nothing else:\n{asked}"
    return [*before, {**last, "content": words}]
