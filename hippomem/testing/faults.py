"""What can go wrong with a request to a model: errors, silence, and answers that are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hippomem.testing.wire import Json, error_body


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request instead of, or to, its proper answer; build one with the class methods.

    status: answer this error instead.    headers, body: sent with it (body: JSON, or text as it is).
    delay: seconds before anything is sent.    hang_up: close the connection without an answer.
    content: from the proper chat text to the one that is sent.    answer: the same for the whole proper answer.
    format_only: only requests with a ``response_format`` are hit (of these types, when named).
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json | str | None = None
    delay: float = 0.0
    hang_up: bool = False
    content: Callable[[str], str] | None = None
    answer: Callable[[Json], Any] | None = None
    format_only: tuple[str, ...] | None = None

    @classmethod
    def rate_limited(cls, retry_after: float | str | None = None, *, code: str = "rate_limit_exceeded") -> Fault:
        """429, with a Retry-After in seconds or as an HTTP date."""
        return cls(
            429, {} if retry_after is None else {"Retry-After": str(retry_after)}, error_body("slow down", code=code)
        )

    @classmethod
    def failed(cls, status: int = 500, retry_after: float | None = None) -> Fault:
        """500, 503 or another 5xx."""
        return cls(
            status,
            {} if retry_after is None else {"Retry-After": str(retry_after)},
            error_body("the server has a problem"),
        )

    @classmethod
    def refused_key(cls) -> Fault:
        """401."""
        return cls(401, body=error_body("incorrect API key", code="invalid_api_key"))

    @classmethod
    def bad_request(cls, message: str) -> Fault:
        """400 with that message."""
        return cls(400, body=error_body(message))

    @classmethod
    def no_structured_output(cls, *types: str) -> Fault:
        """400 for a ``response_format``; with *types* ("json_schema", "json_object") only for these."""
        return cls(400, body=error_body("response_format is not supported"), format_only=types)

    @classmethod
    def timeout(cls, seconds: float) -> Fault:
        """The proper answer, after that long a silence."""
        return cls(delay=seconds)

    @classmethod
    def disconnected(cls) -> Fault:
        """The connection is closed without an answer."""
        return cls(hang_up=True)

    @classmethod
    def cut_json(cls, keep: float = 0.6) -> Fault:
        """The chat text stops after that share of its letters, finish_reason "length"."""

        def cut(answer: Json) -> Json:
            choice = answer["choices"][0]
            choice["finish_reason"] = "length"
            choice["message"]["content"] = choice["message"]["content"][: int(len(choice["message"]["content"]) * keep)]
            return answer

        return cls(answer=cut)

    @classmethod
    def prose_around_json(cls, before: str = "Sure! Here you are:\n```json\n", after: str = "\n```\nBye!") -> Fault:
        """The chat text in a fence, with small talk around it."""
        return cls(content=lambda text: f"{before}{text}{after}")

    @classmethod
    def prose(cls, text: str = "This passage is about several people, and I would rather talk about it.") -> Fault:
        """Words instead of JSON."""
        return cls(content=lambda _: text)

    @classmethod
    def wrong_types(cls, text: str = '{"entities": "Rome", "triples": [["Rome", 1], null, {"a": 2}]}') -> Fault:
        """JSON of another shape than was asked for."""
        return cls(content=lambda _: text)

    @classmethod
    def empty_choices(cls) -> Fault:
        """A chat answer without any choice."""
        return cls(answer=lambda answer: {**answer, "choices": []})

    @classmethod
    def raw(cls, body: Json | str, status: int = 200) -> Fault:
        """That body, as JSON or as it is."""
        return cls(status, body=body)

    def spoil(self, answer: Json) -> Any:
        """What is sent instead of a proper answer with status 200; the answer itself may be changed."""
        if self.content is not None:
            message = answer["choices"][0]["message"]
            message["content"] = self.content(message["content"])
        return answer if self.answer is None else self.answer(answer)

    def hits(self, request: Json) -> bool:
        """Whether the fault is meant for a request with this body."""
        if self.format_only is None:
            return True
        asked = request.get("response_format")
        return asked is not None and (not self.format_only or asked.get("type") in self.format_only)
