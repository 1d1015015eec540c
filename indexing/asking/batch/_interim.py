"""Stands for indexing.extract.llm until that is on main."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hippomem.errors import ModelOutputError
from hippomem.models.llm import Completion, Message
from hippomem.types import Extraction
from indexing.extract import PassageText


@dataclass(frozen=True)
class Request:
    """One call."""

    messages: Sequence[Message]
    json_schema: Mapping[str, Any]
    schema_name: str
    max_tokens: int
    prompt_tokens: int


class Scheme(Protocol):
    """What is asked."""

    @property
    def version(self) -> str:
        """Of the words."""

    def groups(self, passages: Iterable[PassageText]) -> Iterator[list[PassageText]]:
        """Passages by call."""

    def request(self, group: Sequence[PassageText], *, max_tokens: int | None = None) -> Request:
        """One call."""

    def answers(self, group: Sequence[PassageText], completion: Completion) -> list[Extraction | ModelOutputError]:
        """One each, in order."""


def dump_answer(extraction: Extraction) -> str:
    """As stored."""
    return json.dumps([list(extraction.entities), [[t.subject, t.predicate, t.object] for t in extraction.triples]])
