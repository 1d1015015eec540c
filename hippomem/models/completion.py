"""What goes to a language model and what comes back: messages, completions, and their cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hippomem.errors import ModelOutputError
from hippomem.models.openai_errors import quote

Message = Mapping[str, str]


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


def read_usage(answer: Any) -> Usage:
    """The cost of an answered request, whether or not its text is usable. answer: the JSON body of a chat completion."""
    spent = _field(answer, "usage")
    return Usage(_count(_field(spent, "prompt_tokens")), _count(_field(spent, "completion_tokens")), 1)


def read_completion(answer: Any, where: str) -> Completion:
    """The text in the JSON body of a chat completion. where: model and endpoint, for the error.

    Raises ModelOutputError, with what the answer cost, when there is none; nothing about the shape is taken for granted.
    """
    try:
        return _read(answer, where)
    except ModelOutputError as error:
        error.usage = read_usage(answer)
        raise


def _read(answer: Any, where: str) -> Completion:
    choices = _field(answer, "choices")
    if not isinstance(choices, list) or not choices:
        raise ModelOutputError(f"{where} answered without any choice: {quote(answer)}")
    message = _field(choices[0], "message")
    reason = str(_field(choices[0], "finish_reason") or "stop")
    text = _field(message, "content")
    if _field(message, "refusal"):
        raise ModelOutputError(f"{where} declined to answer: {quote(_field(message, 'refusal'))}")
    if reason == "length" and not text:
        raise ModelOutputError(f"{where} used up max_tokens before its answer began; raise it, or switch off thinking")
    if not isinstance(text, str):
        raise ModelOutputError(f"{where} answered without text (finish_reason {reason!r})")
    return Completion(text, reason, read_usage(answer))


def _field(body: Any, name: str) -> Any:
    """Field *name* of a JSON object, or None: a server may send anything."""
    return body.get(name) if isinstance(body, dict) else None


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
